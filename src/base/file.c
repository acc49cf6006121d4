/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

static int write_on(int fd, const char *buf, size_t size, off_t at) {
        for (size_t n = 0; n < size;) {
                ssize_t r = at < 0 ? write(fd, buf + n, size - n) : pwrite(fd, buf + n, size - n, at + (off_t) n);

                if (r < 0 && errno == EINTR)
                        continue;
                if (r <= 0)
                        return r < 0 ? -errno : -EIO;
                n += (size_t) r;
        }
        return 0;
}

int file_write(int fd, const void *buf, size_t size) {
        return write_on(fd, buf, size, -1);
}

int file_pwrite(int fd, const void *buf, size_t size, off_t at) {
        return write_on(fd, buf, size, at);
}

/* 0: nothing came. */
static int await_something(int fd, int seconds) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int k;

        do
                k = poll(&p, 1, seconds * 1000);
        while (k < 0 && errno == EINTR);
        return k < 0 ? -errno : k;
}

/* There is nothing yet: of a socket, for too long. */
static int go_on_waiting(int fd, int seconds) {
        int flags = fcntl(fd, F_GETFL), k;

        if (flags < 0 || !(flags & O_NONBLOCK))
                return -ETIMEDOUT;
        k = await_something(fd, seconds);
        return k == 0 ? -ETIME : k < 0 ? k : 0;
}

/* A FIFO without a writer looks as if it was at its end (fifo(7)): an end at the very beginning is looked at again
 * once poll(2) has something to say. */
ssize_t file_read_awaited(int fd, char *buf, size_t size, const struct file_patience *p) {
        size_t n = 0;
        int came = -1;

        while (n < size) {
                ssize_t r = read(fd, buf + n, size - n);
                int k = r >= 0 || errno == EINTR ? 0 : errno == EAGAIN ? go_on_waiting(fd, p->for_word) : -errno;

                if (k < 0)
                        return k;
                if (r == 0 && came == 0)
                        return -ETIMEDOUT;
                if (r == 0 && (n > 0 || came > 0))
                        break;
                if (r == 0 && (came = await_something(fd, p->for_writer)) < 0)
                        return came;
                if (r > 0) {
                        n += (size_t) r;
                        came = 1;
                }
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
