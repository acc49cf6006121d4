/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl attach: the console of a detached container. What it shows comes from its log, what is typed goes to its
 * master, which the supervisor hands out (run/control.h): so the supervisor has nothing to pass on, and a slow client
 * keeps nobody waiting. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/loop.h"
#include "base/str.h"
#include "cli/ctl.h"
#include "cli/ctl_client.h"
#include "cli/ctl_follow.h"
#include "cli/ctl_rows.h"
#include "run/console.h"

enum { SCREEN_MAX = 64 * 1024, ROWS = 24 };

struct session {
        struct ctl *ctl;
        const char *machine;
        int conn, signals;
        struct loop loop;
        struct console *console;
        struct follow log;
        bool attached, terminal;
        bool left; /* by a key */
        int status;
};

/* What stderr says must not walk down a terminal that is raw. */
static void say(const struct session *s, const char *text) {
        char line[512];

        snprintf(line, sizeof line, "berthctl: %s%s", text, s->attached ? "\r\n" : "\n");
        if (s->terminal)
                fputs(line, stderr);
}

static int ask(struct session *s, enum control_kind kind, struct err *e) {
        int k = control_send(s->conn, &(struct control_message){ .kind = kind }, NULL, 0);

        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot ask the supervisor of %s", s->machine) : 0;
}

static int on_key(void *data, enum console_key key, struct err *e) {
        struct session *s = data;

        switch (key) {
        case CONSOLE_KEY_DETACH: s->left = true; return 1;
        case CONSOLE_KEY_KILL: return ask(s, CONTROL_KILL, e);
        case CONSOLE_KEY_REBOOT: return ask(s, CONTROL_REBOOT, e);
        case CONSOLE_KEY_POWEROFF: return ask(s, CONTROL_POWEROFF, e);
        }
        return 0;
}

/* --- what it shows --- */

static ssize_t read_log(void *data, char *buf, size_t size) {
        struct session *s = data;

        return follow_read(&s->log, buf, size);
}

static int on_log(void *data, short revents, struct err *e) {
        struct session *s = data;

        return s->attached ? console_more(s->console, e) : 0;
}

static int look_again(void *data, struct err *e) {
        struct session *s = data;

        (void) loop_timer(&s->loop, FOLLOW_LOOK_MS, look_again, s);
        return on_log(s, 0, e);
}

/* The last screenful. Only text and colours: a terminal would answer what was asked of another one long ago. */
static void show_screen(struct session *s, const char *text, size_t n) {
        struct console_scan scan = { .filter = true };
        struct winsize size = { .ws_row = ROWS };
        size_t at, part;
        char *out;

        if (!s->terminal)
                return;
        (void) ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        at = follow_tail(text, n, size.ws_row > 1 ? size.ws_row - 1u : ROWS);
        part = n - at < SCREEN_MAX ? n - at : SCREEN_MAX;
        out = arena_alloc(&s->ctl->arena, console_scan_room(&scan, part));
        fwrite(out, 1, console_scan(&scan, text + n - part, part, out), stdout);
        fflush(stdout);
}

static int open_log(struct session *s, struct err *e) {
        char *text;
        size_t n;
        int k = follow_open(&s->log, true, &s->ctl->arena, &text, &n, e);

        if (k == 0)
                return err_set(e, ERR_HOST, ENOENT, "%s has no log of its console", s->machine);
        if (k < 0)
                return k;
        show_screen(s, text, n);
        k = s->log.watch >= 0 ? loop_watch(&s->loop, s->log.watch, POLLIN, on_log, s)
                              : loop_timer(&s->loop, FOLLOW_LOOK_MS, look_again, s);
        return k < 0 ? err_set(e, ERR_BUG, -k, "the event loop is full") : 0;
}

/* --- what comes from the supervisor --- */

static int on_console(struct session *s, int master, struct err *e) {
        const struct console_want want = { .mode = CONSOLE_INTERACTIVE,
                                           .on_key = on_key,
                                           .read = read_log,
                                           .hold_keys = true,
                                           .data = s,
                                           .give_up = s->signals };
        int k;

        if (s->attached)
                return console_replace(s->console, master, e);
        k = open_log(s, e);
        k = k < 0 ? k : console_take(s->console, &want, e);
        if (k < 0) {
                close(master);
                return k;
        }
        s->attached = true;
        k = console_attach(s->console, &s->loop, master, e);
        if (k == 0)
                say(s, "attached; ^] ^] d leaves the container running, ^] ^] ^] kills it");
        return k < 0 ? k : console_more(s->console, e);
}

static int on_ended(struct session *s, const struct control_message *m, struct err *e) {
        int k = s->attached ? console_drain(s->console, e) : 0;

        s->status = m->status;
        return k < 0 ? k : 1;
}

static int on_message(void *data, short revents, struct err *e) {
        struct session *s = data;
        struct control_message m;
        struct msg_fds fds;
        int k = client_receive(s->conn, s->machine, &m, &fds, e);

        if (k <= 0)
                return k;
        switch (m.kind) {
        case CONTROL_STARTED: return fds.n > 0 ? on_console(s, fds.fd[0], e) : 0;
        case CONTROL_DONE: return 0;
        case CONTROL_ENDED: return on_ended(s, &m, e);
        default: return client_unexpected(s->machine, &m, e);
        }
}

/* --- */

static int on_signal(void *data, short revents, struct err *e) {
        struct session *s = data;
        struct signalfd_siginfo info;

        if (read(s->signals, &info, sizeof info) != sizeof info)
                return 0;
        if (info.ssi_signo != SIGWINCH && info.ssi_signo != SIGCONT) {
                s->status = 128 + (int) info.ssi_signo;
                return 1;
        }
        if (s->attached)
                (info.ssi_signo == SIGWINCH ? console_resize : console_resume)(s->console);
        return 0;
}

static int converse(struct session *s, struct err *e) {
        int k;

        s->signals = client_signals(e);
        if (s->signals < 0)
                return s->signals;
        loop_init(&s->loop);
        s->conn = control_connect(s->machine, e);
        k = s->conn < 0 ? s->conn : ask(s, CONTROL_ATTACH, e);
        if (k < 0)
                return k;
        if (loop_watch(&s->loop, s->conn, POLLIN, on_message, s) < 0 ||
            loop_watch(&s->loop, s->signals, POLLIN, on_signal, s) < 0)
                return err_set(e, ERR_BUG, ENOSPC, "the event loop is full");
        return loop_run(&s->loop, e);
}

static int run(struct ctl *c, struct err *e) {
        struct session s = { .ctl = c,
                             .machine = c->words[0],
                             .conn = -1,
                             .signals = -1,
                             .console = arena_new(&c->arena, struct console),
                             .terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) };
        int k;

        follow_init(&s.log, s.machine);
        k = converse(&s, e);
        if (s.attached)
                console_drop(s.console);
        s.attached = false;
        if (k >= 0 && s.left)
                say(&s, "left; the container goes on");
        follow_done(&s.log);
        clean_fd(&s.conn);
        clean_fd(&s.signals);
        return k < 0 ? k : s.status;
}

const struct ctl_verb ctl_attach = {
        .name = "attach",
        .synopsis = "NAME",
        .words = CTL_NAME,
        .min = 1,
        .max = 1,
        .help = "Go to the console of a container that was detached",
        .run = run,
};
