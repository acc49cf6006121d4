/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl logs: the journal of a container that has one and is known to the host by name, otherwise the log of its
 * console, otherwise the journal of the service that it runs in. */

#include <errno.h>
#include <poll.h>
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
#include "cli/ctl_journal.h"
#include "cli/ctl_rows.h"
#include "run/console_scan.h"
#include "run/control.h"

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

/* --- */

static int nothing_kept(const struct container *m, struct err *e) {
        if (m->state == CONTAINER_DEAD)
                return err_set(e, ERR_HOST, ENOENT, "%s was killed, and nothing was kept of its console", m->name);
        err_set(e, ERR_HOST, 0, "%s runs in the foreground: nothing is kept of its console", m->name);
        return err_hint(e, "it is shown where berth was started; with --detach it is kept");
}

static int show(struct ctl *c, struct logs *l, struct err *e) {
        const struct control_message ask = { .kind = CONTROL_WAIT };
        struct journal_ask journal = { .proc = c->proc, .lines = l->lines, .follow = l->follow };
        struct container m;
        char service[256];
        int k = container_find(l->machine, &c->arena, &m, e);

        if (k < 0)
                return k;
        if (l->follow && m.state != CONTAINER_DEAD)
                l->conn = control_connect(l->machine, NULL);
        if (l->conn >= 0)
                (void) control_send(l->conn, &ask, NULL, 0);
        journal.conn = l->conn;
        if (!ctl_is_set(c, "console") && journal_is_there(c->proc, &m))
                return journal_show(&journal, &m, e);
        k = show_console(c, l, e);
        if (k <= 0)
                return k;
        journal_find_service(c->proc, &m, service, sizeof service);
        if (service[0] && !ctl_is_set(c, "console"))
                return journal_show_service(&journal, service, e);
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
