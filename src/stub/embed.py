#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Write a file's bytes as a C array: embed.py FILE OUTPUT"""

import sys

with open(sys.argv[1], 'rb') as f:
    data = f.read()
with open(sys.argv[2], 'w') as out:
    out.write('#include "stub/stub.h"\n\n')
    out.write('const size_t stub_image_size = %d;\n' % len(data))
    out.write('const unsigned char stub_image[] = {\n')
    for i in range(0, len(data), 16):
        out.write('        ' + ' '.join('%d,' % b for b in data[i:i + 16]) + '\n')
    out.write('};\n')
