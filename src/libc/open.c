/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* In place of musl's, which on machines with an open(2) asks for close-on-exec once more, in a call of its own. */

#include <fcntl.h>
#include <stdarg.h>

int open(const char *path, int flags, ...) {
        mode_t mode = 0;
        va_list ap;

        if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {
                va_start(ap, flags);
                mode = va_arg(ap, mode_t);
                va_end(ap);
        }
        return openat(AT_FDCWD, path, flags, mode);
}
