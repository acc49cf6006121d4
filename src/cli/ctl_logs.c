/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl logs: the journal of a container that has one and is known to the host by name, otherwise the log of its
 * console, otherwise the journal of the service that it runs in. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/file.h"
#include "base/loop.h"
#include "base/parse.h"
#include "base/str.h"
#include "cli/ctl.h"
#include "cli/ctl_follow.h"
#include "cli/ctl_rows.h"
#include "run/console_scan.h"
#include "run/control.h"
#include "sys/cgroupfs.h"
#include "sys/process.h"
#include "sys/resolve.h"

struct logs {
        const char *machine;
        const char *lines; /* NULL: all */
        bool follow;
        int conn; /* to the supervisor, which tells of the end; -1 */
        struct follow log;
        struct console_scan scan;
        bool held; /* a carriage return that may belong to a line's end */
        struct loop loop;
};

/* --- the console's log --- */

/* A terminal ends its lines by two characters. And a terminal that shows a log must not be steered by it. */
static void print(struct logs *l, const char *text, size_t n) {
        char out[8192];

        while (n > 0) {
                size_t part = n < 1024 ? n : 1024, o = 0;

                for (size_t i = 0; i < part; i++) {
                        if (l->held && text[i] != '\n')
                                out[o++] = '\r';
                        l->held = text[i] == '\r';
                        if (!l->held)
                                out[o++] = text[i];
                }
                if (l->scan.filter) {
                        char cooked[sizeof out * 4];

                        o = console_scan(&l->scan, out, o, cooked);
                        fwrite(cooked, 1, o, stdout);
                } else
                        fwrite(out, 1, o, stdout);
                text += part;
                n -= part;
        }
}

static int print_rest(struct logs *l) {
        char buf[16 * 1024];
        ssize_t n;

        while ((n = follow_read(&l->log, buf, sizeof buf)) > 0)
                print(l, buf, (size_t) n);
        /* A reader that is gone wants no more. */
        return fflush(stdout) == 0 ? 0 : 1;
}

static int on_more(void *data, short revents, struct err *e) {
        return print_rest(data);
}

static int look_again(void *data, struct err *e) {
        struct logs *l = data;

        (void) loop_timer(&l->loop, FOLLOW_LOOK_MS, look_again, l);
        return print_rest(l);
}

/* ENDED, or the supervisor is gone without a word. */
static int on_end(void *data, short revents, struct err *e) {
        struct logs *l = data;
        struct control_message m;
        struct msg_fds fds;
        int k = control_receive(l->conn, MSG_DONTWAIT, false, &m, &fds);

        if (k == -EAGAIN)
                return 0;
        if (k > 0)
                msg_fds_close(&fds);
        if (k > 0 && m.kind == CONTROL_FAIL) {
                *e = m.err;
                return m.err.code > 0 ? -m.err.code : -EINVAL;
        }
        (void) print_rest(l);
        return 1;
}

static int follow_to_end(struct logs *l, struct err *e) {
        int k = 0;

        if (l->conn < 0)
                return print_rest(l);
        loop_init(&l->loop);
        k = loop_watch(&l->loop, l->conn, POLLIN, on_end, l);
        if (k == 0 && l->log.watch >= 0)
                k = loop_watch(&l->loop, l->log.watch, POLLIN, on_more, l);
        else if (k == 0)
                k = loop_timer(&l->loop, FOLLOW_LOOK_MS, look_again, l);
        if (k < 0)
                return err_set(e, ERR_BUG, -k, "the event loop is full");
        k = print_rest(l);
        return k != 0 ? k : loop_run(&l->loop, e);
}

/* 1: there is none. */
static int show_console(struct ctl *c, struct logs *l, struct err *e) {
        uint64_t lines;
        char *text;
        size_t n;
        int k = follow_open(&l->log, l->follow, &c->arena, &text, &n, e);

        if (k <= 0)
                return k < 0 ? k : 1;
        if (l->lines && parse_u64(l->lines, 0, UINT32_MAX, &lines) == 0) {
                size_t at = follow_tail(text, n, lines);

                text += at;
                n -= at;
        }
        l->scan.filter = isatty(STDOUT_FILENO);
        print(l, text, n);
        k = l->follow ? follow_to_end(l, e) : 0;
        return k < 0 ? k : 0;
}

/* --- the journal --- */

static bool has_journal(struct ctl *c, const struct container *m) {
        static const char *const places[] = { "/var/log/journal", "/run/log/journal" };
        char path[300];
        CLEAN_FD int root = -1;

        snprintf(path, sizeof path, "/run/systemd/machines/%s", m->name);
        if (m->state != CONTAINER_RUNNING || !m->is.mode || !streq(m->is.mode, "boot") || access(path, F_OK) < 0)
                return false;
        snprintf(path, sizeof path, "%d/root", (int) m->is.leader);
        root = openat(c->proc, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (size_t i = 0; root >= 0 && i < ELEMENTS(places); i++) {
                CLEAN_FD int fd = resolve_in_root(root, places[i], O_PATH | O_DIRECTORY);

                if (fd >= 0)
                        return true;
        }
        return false;
}

/* The service that the supervisor is in has what it passes on. "" where it is none. */
static void find_service(struct ctl *c, const struct container *m, char *ret, size_t size) {
        const char *suffix = ".service";
        char path[4096], *state;

        *ret = '\0';
        if (m->state != CONTAINER_RUNNING || cgroupfs_of(c->proc, m->is.supervisor, path, sizeof path) < 0)
                return;
        for (char *part = strtok_r(path, "/", &state); part; part = strtok_r(NULL, "/", &state)) {
                size_t n = strlen(part);

                if (n > strlen(suffix) && n < size && streq(part + n - strlen(suffix), suffix))
                        strcpy(ret, part);
        }
}

static _Noreturn void exec_journalctl(struct logs *l, const char *which, const char *what) {
        const char *argv[12] = { "journalctl", "--no-pager", which, what, l->lines ? "-n" : "--no-tail" };
        size_t n = 5;

        if (l->lines)
                argv[n++] = l->lines;
        if (l->follow)
                argv[n++] = "-f";
        /* Else it follows one boot, and a restart in place is another. */
        if (l->follow && streq(which, "-M"))
                argv[n++] = "--merge";
        execvp(argv[0], (char **) argv);
        ctl_say("cannot run journalctl: %s", strerror(errno));
        _exit(EXIT_FAILURE);
}

/* It would follow for ever. */
static int show_journal(struct logs *l, const char *which, const char *what, struct err *e) {
        struct process p = { .pidfd = -1 };
        struct pollfd wait[2];
        int k, code, status;

        fflush(NULL);
        k = process_clone(0, -1, &p);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make a process");
        if (k == 0)
                exec_journalctl(l, which, what);
        wait[0] = (struct pollfd){ .fd = p.pidfd, .events = POLLIN };
        wait[1] = (struct pollfd){ .fd = l->conn, .events = POLLIN };
        while (poll(wait, ELEMENTS(wait), -1) < 0 && errno == EINTR)
                ;
        if (!wait[0].revents)
                (void) process_signal(p.pidfd, SIGTERM);
        k = process_wait(p.pidfd, true, &code, &status);
        close(p.pidfd);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot wait for journalctl");
        return code == CLD_EXITED && wait[0].revents ? status : 0;
}

/* --- */

static int nothing_kept(const struct container *m, struct err *e) {
        if (m->state == CONTAINER_DEAD)
                return err_set(e, ERR_HOST, ENOENT, "%s was killed, and nothing was kept of its console", m->name);
        err_set(e, ERR_HOST, 0, "%s runs in the foreground: nothing is kept of its console", m->name);
        return err_hint(e, "it is shown where berth was started; with --detach it is kept");
}

static int show(struct ctl *c, struct logs *l, struct err *e) {
        const struct control_message ask = { .kind = CONTROL_WAIT };
        struct container m;
        char service[256];
        int k = container_find(l->machine, &c->arena, &m, e);

        if (k < 0)
                return k;
        if (l->follow && m.state != CONTAINER_DEAD)
                l->conn = control_connect(l->machine, NULL);
        if (l->conn >= 0)
                (void) control_send(l->conn, &ask, NULL, 0);
        if (!ctl_is_set(c, "console") && has_journal(c, &m))
                return show_journal(l, "-M", l->machine, e);
        k = show_console(c, l, e);
        if (k <= 0)
                return k;
        find_service(c, &m, service, sizeof service);
        if (service[0] && !ctl_is_set(c, "console"))
                return show_journal(l, "-u", service, e);
        return nothing_kept(&m, e);
}

static int run(struct ctl *c, struct err *e) {
        struct logs l = {
                .machine = c->words[0], .lines = ctl_value(c, "lines"), .follow = ctl_is_set(c, "follow"), .conn = -1
        };
        uint64_t lines;
        int k;

        if (l.lines && parse_u64(l.lines, 0, UINT32_MAX, &lines) < 0)
                return err_set(e, ERR_USAGE, 0, "--lines=%s is no number of lines", l.lines);
        follow_init(&l.log, l.machine);
        k = show(c, &l, e);
        follow_done(&l.log);
        clean_fd(&l.conn);
        return k;
}

static const struct ctl_option options[] = {
        { 'f', "follow", NULL, NULL, "Go on with what comes, until the container ends" },
        { 'n', "lines", "LINES", NULL, "Only the last of them (default: all that is kept)" },
        { 'c', "console", NULL, NULL, "What its console showed, also where it has a journal" },
        CTL_END,
};

const struct ctl_verb ctl_logs = {
        .name = "logs",
        .synopsis = "NAME",
        .words = CTL_NAME,
        .min = 1,
        .max = 1,
        .options = options,
        .help = "Show what a container has said",
        .run = run,
};
