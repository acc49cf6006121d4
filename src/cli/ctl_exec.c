/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl exec: a program in a running container. The supervisor starts it (run/control.h); here its terminal is
 * served, signals are passed on, and its status is handed back. */

#include "cli/ctl_exec.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/loop.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/ctl_client.h"
#include "cli/ctl_rows.h"
#include "run/console.h"

struct session {
        const char *machine;
        int conn, signals;
        struct loop loop;
        struct console *console;
        bool attached;
        int status; /* once it ended */
};

/* --- the request --- */

static const char *from_caller(const struct ctl *c, const char *name) {
        size_t n = strlen(name);

        for (char **env = c->env; env && *env; env++)
                if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
                        return *env;
        return NULL;
}

int exec_take_options(struct ctl *c, struct control_exec *x, struct err *e) {
        const char *entry;
        size_t at = 0;

        x->user = ctl_value(c, "user");
        x->chdir = ctl_value(c, "chdir");
        if (x->chdir && x->chdir[0] != '/') {
                err_set(e, ERR_USAGE, 0, "--chdir=%s: not an absolute path", x->chdir);
                return err_hint(e, "it is one inside, and begins with a slash");
        }
        while ((entry = ctl_next(c, "setenv", &at))) {
                size_t n = strcspn(entry, "=");

                if (!is_env_name(entry, n))
                        return err_set(e, ERR_USAGE, 0, "--setenv=%s: not a valid variable name", entry);
                if (!entry[n])
                        entry = from_caller(c, entry);
                if (entry)
                        strv_add(&c->arena, &x->env, entry);
        }
        return 0;
}

/* What tells how the terminal is, before what was asked for by name. */
static void add_terminal(struct ctl *c, struct control_exec *x) {
        static const char *const names[] = { "TERM", "COLORTERM", "NO_COLOR" };
        struct strv all = { 0 };
        struct winsize size;

        for (size_t i = 0; i < ELEMENTS(names) && (x->flags & CONTROL_TTY || isatty(STDOUT_FILENO)); i++)
                if (from_caller(c, names[i]))
                        strv_add(&c->arena, &all, from_caller(c, names[i]));
        for (size_t i = 0; i < x->env.n; i++)
                strv_add(&c->arena, &all, x->env.items[i]);
        x->env = all;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) {
                x->rows = size.ws_row;
                x->columns = size.ws_col;
        }
}

static int send_request(struct session *s, const struct control_exec *x, struct err *e) {
        CLEAN_FD int block = control_exec_store(x);
        struct msg_fds fds = { .n = x->flags & CONTROL_TTY ? 1 : 4,
                               .fd = { block, STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO } };
        int k;

        if (block < 0)
                return err_set(e, ERR_SYSTEM, -block, "cannot put the request into words");
        k = control_send(s->conn, &(struct control_message){ .kind = CONTROL_EXEC }, &fds, 0);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot ask the supervisor of %s", s->machine) : 0;
}

/* --- what comes back --- */

static int on_key(void *data, enum console_key key, struct err *e) {
        struct session *s = data;

        /* It dies with the connection. */
        s->status = 128 + SIGKILL;
        return key == CONSOLE_KEY_KILL;
}

static int on_started(struct session *s, int master, struct err *e) {
        const struct console_want want = {
                .mode = CONSOLE_INTERACTIVE, .on_key = on_key, .data = s, .give_up = s->signals
        };
        int k;

        if (!s->console) {
                close(master);
                return err_set(e, ERR_BUG, EBADMSG, "the supervisor sent a terminal that nobody asked for");
        }
        k = console_take(s->console, &want, e);
        if (k < 0) {
                close(master);
                return k;
        }
        s->attached = true;
        return console_attach(s->console, &s->loop, master, e);
}

static int on_exited(struct session *s, const struct control_message *m, struct err *e) {
        int k = s->attached ? console_drain(s->console, e) : 0;

        s->status = m->code == CLD_EXITED ? m->status : 128 + m->status;
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
        case CONTROL_STARTED: return fds.n > 0 ? on_started(s, fds.fd[0], e) : 0;
        case CONTROL_EXITED: return on_exited(s, &m, e);
        default: return client_unexpected(s->machine, &m, e);
        }
}

/* --- signals --- */

static int on_signal(void *data, short revents, struct err *e) {
        struct session *s = data;
        struct signalfd_siginfo info;

        if (read(s->signals, &info, sizeof info) != sizeof info)
                return 0;
        if (info.ssi_signo == SIGWINCH && s->attached)
                console_resize(s->console);
        else if (info.ssi_signo == SIGCONT && s->attached)
                console_resume(s->console);
        else if (info.ssi_signo != SIGWINCH && info.ssi_signo != SIGCONT)
                (void) control_send(
                        s->conn,
                        &(struct control_message){ .kind = CONTROL_SIGNAL, .signal = (int32_t) info.ssi_signo }, NULL,
                        MSG_DONTWAIT);
        return 0;
}

/* --- */

static int converse(struct session *s, const struct control_exec *x, struct err *e) {
        int k;

        s->signals = client_signals(e);
        if (s->signals < 0)
                return s->signals;
        s->conn = control_connect(s->machine, e);
        k = s->conn < 0 ? s->conn : send_request(s, x, e);
        if (k < 0)
                return k;
        loop_init(&s->loop);
        if (loop_watch(&s->loop, s->conn, POLLIN, on_message, s) < 0 ||
            loop_watch(&s->loop, s->signals, POLLIN, on_signal, s) < 0)
                return err_set(e, ERR_BUG, ENOSPC, "the event loop is full");
        return loop_run(&s->loop, e);
}

static int status_of(const struct err *e) {
        if (e->kind != ERR_PAYLOAD)
                return EXEC_STATUS_SELF;
        return e->code == ENOENT ? EXEC_STATUS_NOT_FOUND : EXEC_STATUS_NO_EXEC;
}

int exec_run(struct ctl *c, const char *machine, struct control_exec *x) {
        struct session s = { .machine = machine, .conn = -1, .signals = -1, .status = EXEC_STATUS_SELF };
        struct err e = { .kind = ERR_NONE };
        int k;

        add_terminal(c, x);
        if (x->flags & CONTROL_TTY)
                s.console = arena_new(&c->arena, struct console);
        k = converse(&s, x, &e);
        if (s.attached)
                console_drop(s.console);
        if (k < 0) {
                ctl_print_error(&e);
                s.status = status_of(&e);
        }
        clean_fd(&s.conn);
        clean_fd(&s.signals);
        return s.status;
}

static int run(struct ctl *c, struct err *e) {
        struct control_exec x = { 0 };
        bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
        int k;

        if (ctl_is_set(c, "tty") && ctl_is_set(c, "no-tty")) {
                err_set(e, ERR_USAGE, 0, "--tty and --no-tty: one of them");
                return err_hint(e, "without either it is the one that fits the caller");
        }
        if (ctl_is_set(c, "tty") || (terminal && !ctl_is_set(c, "no-tty")))
                x.flags = CONTROL_TTY;
        k = exec_take_options(c, &x, e);
        if (k < 0)
                return k;
        for (size_t i = 1; i < c->n_words; i++)
                strv_add(&c->arena, &x.argv, c->words[i]);
        return exec_run(c, c->words[0], &x);
}

static const struct ctl_option options[] = {
        EXEC_OPTIONS,
        { 'i', "interactive", NULL, NULL, "Pass standard input on: so it is in any case" },
        { 't', "tty", NULL, NULL, "Give it a terminal (default: if stdin and stdout are terminals)" },
        { 'T', "no-tty", NULL, NULL, "Give it no terminal, but stdin, stdout and stderr themselves" },
        CTL_END,
};

const struct ctl_verb ctl_exec = {
        .name = "exec",
        .synopsis = "NAME COMMAND [ARGUMENT...]",
        .words = CTL_NAME_COMMAND,
        .min = 2,
        .options = options,
        .failure = EXEC_STATUS_SELF,
        .help = "Run a command in a container",
        .run = run,
};
