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

/* A FIFO that nobody has opened to write to looks as if it was at its end (fifo(7)). So an end at the very beginning
 * is in doubt: it is one if poll(2) has something to say, and nobody came if not even the wait for that changes it. */
ssize_t file_read_awaited(int fd, char *buf, size_t size, const struct file_patience *p) {
        enum { IN_DOUBT, NOBODY_CAME, CERTAIN } end = IN_DOUBT;
        size_t n = 0;

        while (n < size) {
                ssize_t r = read(fd, buf + n, size - n);
                int k = 0;

                if (r > 0) {
                        n += (size_t) r;
                        end = CERTAIN;
                } else if (r < 0 && errno == EAGAIN)
                        k = go_on_waiting(fd, p->for_word);
                else if (r < 0)
                        k = errno == EINTR ? 0 : -errno;
                else if (end == CERTAIN)
                        break;
                else if (end == NOBODY_CAME)
                        k = -ETIMEDOUT;
                else {
                        k = await_something(fd, p->for_writer);
                        end = k > 0 ? CERTAIN : NOBODY_CAME;
                }
                if (k < 0)
                        return k;
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
