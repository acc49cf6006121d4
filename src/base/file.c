/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clean.h"

/* at: -1 for where the file stands. */
static ssize_t read_on(int fd, char *buf, size_t size, off_t at) {
        size_t n = 0;

        while (n < size) {
                ssize_t r = at < 0 ? read(fd, buf + n, size - n) : pread(fd, buf + n, size - n, at + (off_t) n);

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

ssize_t file_read(int fd, char *buf, size_t size) {
        return read_on(fd, buf, size, -1);
}

ssize_t file_pread(int fd, void *buf, size_t size, off_t at) {
        return read_on(fd, buf, size, at);
}

ssize_t file_read_at(int dir, const char *path, char *text, size_t size) {
        CLEAN_FD int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -errno : file_read(fd, text, size - 1);

        if (n >= 0)
                text[n] = '\0';
        return n;
}
