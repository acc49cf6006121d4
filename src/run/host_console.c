/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The console in process P: settings of the caller's terminal, and when to read and write. */

#include "base/errno_text.h"
#include "run/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "run/console_io.h"

enum { RETRY_FIRST_MS = 20, RETRY_LAST_MS = 1000, EOF_LOOKS = 12 /* 8 s */ };
/* What can be left in a pseudo terminal is a few 100 KiB; more comes from somebody who is still writing. */
enum { DRAIN_READS = 4096, MORE_READS = 256 };

int console_take(struct console *c, const struct console_want *want, struct err *e) {
        *c = (struct console){
                .want = *want,
                .master = -1,
                .peer = -1,
                .in = -1,
                .out = -1,
                .flags_in = -1,
                .flags_out = -1,
                .eof_left = -1,
        };
        if (want->background && !console_is_sgr(want->background))
                return err_set(e, ERR_USAGE, 0,
                               "\"%s\" is not a colour: numbers, separated by ; or :", want->background);
        c->terminal_in = !want->write && tcgetattr(STDIN_FILENO, &c->saved_in) == 0;
        c->terminal_out = !want->write && tcgetattr(STDOUT_FILENO, &c->saved_out) == 0;
        c->taken = true;
        return 0;
}

/* --- the caller's terminal --- */

static void set_raw(int fd, const struct termios *saved) {
        struct termios t = *saved;

        cfmakeraw(&t);
        (void) tcsetattr(fd, TCSANOW, &t);
}

static void terminal_raw(struct console *c) {
        if (c->want.mode != CONSOLE_INTERACTIVE || !c->terminal_in)
                return;
        c->changed = true;
        set_raw(STDIN_FILENO, &c->saved_in);
        /* The slave has made \r\n of \n already. It may be another terminal than the one of input. */
        if (c->terminal_out)
                set_raw(STDOUT_FILENO, &c->saved_out);
}

static void terminal_restore(struct console *c) {
        sigset_t block, old;

        if (!c->changed)
                return;
        /* From a background process group tcsetattr(3) would stop us, unless SIGTTOU is blocked. */
        sigemptyset(&block);
        sigaddset(&block, SIGTTOU);
        sigprocmask(SIG_BLOCK, &block, &old);
        if (c->terminal_out)
                (void) tcsetattr(STDOUT_FILENO, TCSANOW, &c->saved_out);
        (void) tcsetattr(STDIN_FILENO, TCSANOW, &c->saved_in);
        sigprocmask(SIG_SETMASK, &old, NULL);
        c->changed = false;
}

void console_resize(struct console *c) {
        struct winsize size;

        if (c->master < 0)
                return;
        if ((c->terminal_out && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) ||
            (c->terminal_in && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0))
                (void) ioctl(c->master, TIOCSWINSZ, &size);
}

void console_resume(struct console *c) {
        if (c->master < 0)
                return;
        terminal_raw(c);
        console_resize(c);
}

static void write_terminal(struct console *c, const char *s, size_t n) {
        struct pollfd p = { .fd = c->out, .events = POLLOUT };

        while (n > 0 && c->out >= 0 && poll(&p, 1, 200) > 0) {
                ssize_t r = write(c->out, s, n);

                if (r < 0 && errno != EINTR && errno != EAGAIN)
                        return;
                s += r > 0 ? r : 0;
                n -= r > 0 ? (size_t) r : 0;
        }
}

static bool has_background(const struct console *c) {
        return c->terminal_out && c->want.background && c->want.background[0];
}

static void background_begin(struct console *c) {
        char text[SCAN_SEQUENCE + 8];
        int n;

        if (!has_background(c))
                return;
        n = snprintf(text, sizeof text, "\033[%sm", c->want.background);
        write_terminal(c, text, (size_t) n);
}

/* --- input --- */

static int retry(void *data, struct err *e);

static void retry_later(struct console *c) {
        c->retry_ms = c->retry_ms == 0 ? RETRY_FIRST_MS : c->retry_ms * 2;
        c->retry_ms = c->retry_ms > RETRY_LAST_MS ? RETRY_LAST_MS : c->retry_ms;
        (void) loop_timer(c->loop, c->retry_ms, retry, c);
}

/* The end of input follows the last byte of it. eof_left: -1: it was not told yet, and is tried until it can be; then
 * the number of times to look whether it has to be told once more. A terminal that has gone is no end of input:
 * whoever ends us then, ends the container. And who is attached to a console is not the only one that types there. */
static void pass_eof(struct console *c) {
        enum console_eof done;

        if (c->want.read || !c->eof_in || c->eof_left == 0 || c->terminal_in || c->to_guest.start < c->to_guest.end)
                return;
        done = console_send_eof(c, c->eof_left > 0);
        if (done == EOF_LINE) {
                c->eof_left = EOF_LOOKS;
                c->retry_ms = 0;
        } else if (done == EOF_DONE)
                c->eof_left = 0;
        else if (c->eof_left > 0)
                c->eof_left--;
        if (c->eof_left != 0)
                retry_later(c);
}

static int on_in(void *data, short revents, struct err *e) {
        struct console *c = data;
        ssize_t n = console_read_in(c);
        int r = 0, k;

        if (n == 0) {
                c->eof_in = true;
                loop_forget(c->loop, c->in);
        }
        if (n > 0)
                r = console_keys(c, (size_t) n, e);
        console_flush_in(c);
        pass_eof(c);
        k = console_rearm(c, e);
        return r != 0 ? r : k;
}

/* --- output --- */

/* Everybody closed the terminal, or somebody hung it up (vhangup(2)): reading fails until it is opened again, and
 * polling returns at once. So open it ourselves, and keep it open. */
static void reopen_peer(struct console *c) {
        if (c->peer >= 0)
                close(c->peer);
        c->peer = ioctl(c->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        if (c->peer < 0) {
                log_debug(LOG_CONSOLE, "hung up: %s", errno_text(errno));
                c->eof_master = true; /* until a retry */
                retry_later(c);
        }
}

static int retry(void *data, struct err *e) {
        struct console *c = data;

        c->eof_master = false;
        pass_eof(c);
        return c->want.read ? console_more(c, e) : console_rearm(c, e);
}

static int on_out(void *data, short revents, struct err *e) {
        struct console *c = data;

        console_flush_out(c);
        return c->want.read ? console_more(c, e) : console_rearm(c, e);
}

/* Somebody who writes without an end must not keep us from all else. */
int console_more(struct console *c, struct err *e) {
        int k = 0;

        for (int reads = 0; k == 0 && console_room(&c->to_host) > 0; reads++) {
                if (reads == MORE_READS) {
                        (void) loop_timer(c->loop, 1, retry, c);
                        break;
                }
                k = console_pull(c);
                console_flush_out(c);
        }
        return console_rearm(c, e);
}

static int on_master(void *data, short revents, struct err *e) {
        struct console *c = data;
        int k = 1;

        if (revents & POLLOUT) {
                console_flush_in(c);
                pass_eof(c);
        }
        /* Whoever reads it opens it again. */
        if (c->want.read) {
                if (revents & (POLLHUP | POLLERR))
                        c->to_guest.start = c->to_guest.end = 0;
                return console_rearm(c, e);
        }
        if (revents & (POLLIN | POLLHUP | POLLERR))
                k = console_pull(c);
        if (c->want.mode != CONSOLE_PASSIVE)
                console_flush_out(c);
        if (k == -EIO)
                reopen_peer(c);
        else if (revents & POLLHUP && console_room(&c->to_host) == 0)
                c->to_guest.start = c->to_guest.end = 0; /* nobody reads it; and polling would not rest */
        return console_rearm(c, e);
}

int console_rearm(struct console *c, struct err *e) {
        short events = 0;
        int k = 0;

        if (!c->eof_master && !c->want.read && (c->want.mode == CONSOLE_PASSIVE || console_room(&c->to_host) > 0))
                events |= POLLIN;
        if (!c->eof_master && c->to_guest.start < c->to_guest.end)
                events |= POLLOUT;
        loop_events(c->loop, c->master, events);
        if (c->in >= 0 && !c->eof_in)
                loop_events(c->loop, c->in, console_room(&c->to_guest) > 0 ? POLLIN : 0);
        if (c->want.mode == CONSOLE_PASSIVE)
                return 0;
        if (console_has_output(c))
                k = loop_watch(c->loop, c->out, POLLOUT, on_out, c);
        else
                loop_forget(c->loop, c->out);
        return k < 0 ? err_set(e, ERR_BUG, -k, "the event loop is full") : 0;
}

/* --- life --- */

int console_attach(struct console *c, struct loop *l, int master, struct err *e) {
        int flags = fcntl(master, F_GETFL), k;

        c->loop = l;
        c->master = master;
        /* A closed pipe is an error to be handled, not a death with the terminal left raw. */
        sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, &c->saved_pipe);
        if (flags < 0 || fcntl(master, F_SETFL, flags | O_NONBLOCK) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot use the container's console");
        if (!c->want.write)
                c->out = console_open_end(STDOUT_FILENO, O_WRONLY, &c->flags_out);
        if (c->want.mode == CONSOLE_INTERACTIVE)
                c->in = console_open_end(STDIN_FILENO, O_RDONLY, &c->flags_in);
        c->scan.filter = c->terminal_out && c->want.mode != CONSOLE_INTERACTIVE;
        c->scan.tint = has_background(c) ? c->want.background : NULL;
        console_resize(c);
        terminal_raw(c);
        background_begin(c);
        k = loop_watch(l, master, c->want.read ? 0 : POLLIN, on_master, c);
        if (k == 0 && c->in >= 0)
                k = loop_watch(l, c->in, POLLIN, on_in, c);
        return k < 0 ? err_set(e, ERR_BUG, -k, "the event loop is full") : 0;
}

int console_replace(struct console *c, int master, struct err *e) {
        int flags = fcntl(master, F_GETFL), k;

        loop_forget(c->loop, c->master);
        close(c->master);
        c->master = master;
        c->to_guest.start = c->to_guest.end = 0;
        if (flags < 0 || fcntl(master, F_SETFL, flags | O_NONBLOCK) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot use the container's console");
        console_resize(c);
        k = loop_watch(c->loop, master, 0, on_master, c);
        return k < 0 ? err_set(e, ERR_BUG, -k, "the event loop is full") : console_rearm(c, e);
}

/* Wait until output can be written. false: it shall not be waited for. */
static bool wait_for_reader(const struct console *c) {
        struct pollfd p[2] = {
                { .fd = c->out, .events = POLLOUT },
                { .fd = c->want.give_up > 0 ? c->want.give_up : -1, .events = POLLIN },
        };

        do {
                while (poll(p, ELEMENTS(p), -1) < 0)
                        if (errno != EINTR)
                                return false;
                if (p[1].revents && (!c->want.gives_up || c->want.gives_up(c->want.data)))
                        return false;
        } while (!p[0].revents);
        return true;
}

int console_drain(struct console *c, struct err *e) {
        int k = 0;

        if (!c->taken || c->master < 0)
                return 0;
        /* With our own end closed the last byte is followed by EIO. */
        if (c->peer >= 0)
                close(TAKE_FD(c->peer));
        for (int reads = 0; k == 0 && reads < DRAIN_READS; reads++) {
                k = console_pull(c);
                if (c->want.mode == CONSOLE_PASSIVE && k == 0)
                        continue;
                for (console_flush_out(c); console_has_output(c); console_flush_out(c))
                        if (!wait_for_reader(c))
                                return 0;
        }
        return 0;
}

static void close_end(struct loop *l, int *fd, int number, int *flags) {
        if (*fd < 0)
                return;
        loop_forget(l, *fd);
        if (*flags >= 0)
                (void) fcntl(number, F_SETFL, *flags);
        if (*fd != number)
                close(*fd);
        *fd = *flags = -1;
}

void console_drop(struct console *c) {
        char text[1024];

        if (!c->taken || c->master < 0) /* nothing was changed */
                return;
        console_flush_out(c);
        if (c->terminal_out) {
                write_terminal(c, text, console_scan_reset(&c->scan, text, sizeof text));
                if (has_background(c))
                        write_terminal(c, "\033[0m", 4);
        }
        terminal_restore(c);
        (void) loop_timer(c->loop, 0, retry, c);
        console_keys_drop(c);
        loop_forget(c->loop, c->master);
        close_end(c->loop, &c->in, STDIN_FILENO, &c->flags_in);
        close_end(c->loop, &c->out, STDOUT_FILENO, &c->flags_out);
        sigaction(SIGPIPE, &c->saved_pipe, NULL);
        if (c->peer >= 0)
                close(TAKE_FD(c->peer));
        close(TAKE_FD(c->master));
}
