/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes of the console, in process P. Nothing here waits. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/errno_text.h"
#include "base/log.h"
#include "run/console_io.h"

size_t console_room(const struct console_flow *f) {
        return sizeof f->buf - (f->end - f->start);
}

/* Room at the end of the buffer. */
static size_t make_room(struct console_flow *f) {
        if (f->start == f->end)
                f->start = f->end = 0;
        if (f->start > 0 && sizeof f->buf - f->end < sizeof f->buf / 4) {
                memmove(f->buf, f->buf + f->start, f->end - f->start);
                f->end -= f->start;
                f->start = 0;
        }
        return sizeof f->buf - f->end;
}

/* O_NONBLOCK belongs to the open file description, which the caller's shell and its other children have too: set
 * there, they would get EAGAIN, and keep it if we were killed. open(2) of /proc/self/fd/N makes another description of
 * a pipe or a terminal; not of a socket, and a regular file would lose its position. */
static int open_own(int fd, int access) {
        CLEAN_FD int own = -1;
        struct stat st, mine;
        char path[32];

        if (fstat(fd, &st) < 0 || !(S_ISFIFO(st.st_mode) || (S_ISCHR(st.st_mode) && isatty(fd))))
                return -1;
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        own = open(path, access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own < 0 || fstat(own, &mine) < 0 || mine.st_dev != st.st_dev || mine.st_ino != st.st_ino)
                return -1;
        return TAKE_FD(own);
}

int console_open_end(int fd, int access, int *ret_flags) {
        int own = open_own(fd, access), flags;
        struct stat st;

        if (own >= 0)
                return own;
        flags = fcntl(fd, F_GETFL);
        if (flags >= 0 && fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || isatty(fd)) &&
            !(flags & O_NONBLOCK) && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0)
                *ret_flags = flags;
        return fd;
}

static void lose_output(struct console *c, int error) {
        log_debug(LOG_CONSOLE, "output is dropped from now on: %s", errno_text(error));
        c->out_error = error;
        c->to_host.start = c->to_host.end = 0;
        c->cooked_start = c->cooked_end = 0;
}

/* Write what fits. Returns the number of bytes, 0 where there is no room now. */
static size_t write_out(struct console *c, const char *p, size_t n) {
        ssize_t r;

        if (c->want.write) {
                c->want.write(c->want.data, p, n);
                return n;
        }
        do
                r = write(c->out, p, n);
        while (r < 0 && errno == EINTR);
        if (r < 0 && errno != EAGAIN)
                lose_output(c, errno);
        return r > 0 ? (size_t) r : 0;
}

/* Through the scanner into cooked. */
static void cook(struct console *c) {
        size_t n = c->to_host.end - c->to_host.start;

        while (console_scan_room(&c->scan, n) > sizeof c->cooked)
                n /= 2;
        c->cooked_start = 0;
        c->cooked_end = console_scan(&c->scan, c->to_host.buf + c->to_host.start, n, c->cooked);
        c->to_host.start += n;
}

static bool is_cooking(const struct console *c) {
        return c->scan.filter || c->scan.tint;
}

bool console_has_output(const struct console *c) {
        return c->to_host.start < c->to_host.end || c->cooked_start < c->cooked_end;
}

void console_flush_out(struct console *c) {
        while (console_has_output(c)) {
                size_t n;

                if (is_cooking(c) && c->cooked_start == c->cooked_end)
                        cook(c);
                if (is_cooking(c)) {
                        n = write_out(c, c->cooked + c->cooked_start, c->cooked_end - c->cooked_start);
                        c->cooked_start += n;
                        if (n == 0 && c->cooked_start < c->cooked_end)
                                return;
                        continue;
                }
                n = write_out(c, c->to_host.buf + c->to_host.start, c->to_host.end - c->to_host.start);
                /* Where the output is a terminal, account for what it has got. */
                if (c->terminal_out && n > 0)
                        console_scan(&c->scan, c->to_host.buf + c->to_host.start, n, NULL);
                c->to_host.start += n;
                if (n == 0)
                        return;
        }
}

/* Passive: nobody looks now; keep the end. */
static void forget_oldest(struct console_flow *f) {
        size_t half = sizeof f->buf / 2;

        if (f->end < sizeof f->buf)
                return;
        memmove(f->buf, f->buf + half, half);
        f->start = 0;
        f->end = half;
}

int console_pull(struct console *c) {
        struct console_flow *f = &c->to_host;

        for (;;) {
                size_t room;
                ssize_t n;

                if (c->want.mode == CONSOLE_PASSIVE)
                        forget_oldest(f);
                room = make_room(f);
                if (room == 0)
                        return 0;
                n = c->want.read ? c->want.read(c->want.data, f->buf + f->end, room)
                                 : read(c->master, f->buf + f->end, room);
                if (n <= 0 && c->want.read)
                        return 1;
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN)
                        return 1;
                if (n <= 0)
                        return -EIO;
                if (c->out_error)
                        n = 0;
                f->end += (size_t) n;
                /* A terminal gives at most 4 KiB at once; less than half of that was most likely the rest. */
                if (n < 2048)
                        return 0;
        }
}

void console_flush_in(struct console *c) {
        struct console_flow *f = &c->to_guest;

        while (f->start < f->end) {
                ssize_t n = write(c->master, f->buf + f->start, f->end - f->start);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n == 0 || (n < 0 && errno == EAGAIN))
                        return;
                if (n < 0)
                        n = (ssize_t) (f->end - f->start); /* nobody is there to read it */
                f->start += (size_t) n;
                c->last_sent = f->buf[f->start - 1];
        }
}

ssize_t console_read_in(struct console *c) {
        struct console_flow *f = &c->to_guest;
        size_t room = make_room(f);
        ssize_t n;

        if (c->want.hold_keys)
                room -= room < CONSOLE_HELD ? room : CONSOLE_HELD;
        if (room == 0)
                return -EAGAIN;
        n = read(c->in, f->buf + f->end, room);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
                return -EAGAIN;
        if (n <= 0)
                return 0; /* EIO: the terminal has gone */
        f->end += (size_t) n;
        return n;
}

/* Input that the payload has not read yet, as far as that can be told: half a line in canonical mode does not show.
 * poll(2) waits for what is still on its way through the kernel; FIONREAD would not. */
static bool has_unread(struct console *c) {
        CLEAN_FD int slave = ioctl(c->master, TIOCGPTPEER, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        struct pollfd p = { .fd = slave, .events = POLLIN };

        return slave >= 0 && poll(&p, 1, 0) > 0 && (p.revents & POLLIN);
}

/* In canonical mode VEOF ends what came since the last newline, and where nothing came, the input: behind half a line
 * it takes two. Line editors read without canonical mode, and take the same character for the same. Pending VEOFs are
 * lost when a program changes the mode, as shells do at each prompt: so they are sent when all before was read, and a
 * second time (again) when the mode is found changed. */
enum console_eof console_send_eof(struct console *c, bool again) {
        struct termios t;
        bool lines;
        char eof[2];
        size_t n;

        if (tcgetattr(c->master, &t) < 0)
                return EOF_DONE;
        lines = t.c_lflag & ICANON;
        if (has_unread(c) || (again && lines))
                return EOF_LATER;
        memset(eof, t.c_cc[VEOF] ? t.c_cc[VEOF] : 4, sizeof eof);
        n = lines && c->last_sent && c->last_sent != '\n' ? 2 : 1;
        if (write(c->master, eof, n) < 0 && errno == EAGAIN)
                return EOF_LATER;
        return lines ? EOF_LINE : EOF_DONE;
}
