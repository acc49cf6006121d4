/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clean.h"

ssize_t file_read(int fd, char *buf, size_t size) {
        size_t n = 0;

        while (n < size) {
                ssize_t r = read(fd, buf + n, size - n);

                if (r < 0 && errno == EINTR)
                        continue;
                if (r < 0)
                        return -errno;
                if (r == 0)
                        break;
                n += (size_t) r;
        }
        return (ssize_t) n;
}

ssize_t file_read_at(int dir, const char *path, char *text, size_t size) {
        CLEAN_FD int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -errno : file_read(fd, text, size - 1);

        if (n >= 0)
                text[n] = '\0';
        return n;
}
