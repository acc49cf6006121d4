/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/errno_text.h"

#include <string.h>

const char *errno_text(int code) {
        return strerror(code);
}
