/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: one plan from take to drop, with as many starts as the payload asks for. */

#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/str.h"
#include "run/guest.h"
#include "run/host_control.h"

static void note_leader(struct run *r, const struct message *m, struct msg_fds *fds) {
        if (m->kind != MSG_GIVE || m->give != GIVE_LEADER || m->pid <= 0 || r->held.guest.pid > 0) {
                msg_fds_close(fds);
                return;
        }
        r->held.guest = (struct process){ .pid = m->pid, .pidfd = fds->fd[0] };
}

void host_find_leader(struct run *r) {
        struct message m;
        struct msg_fds fds;

        while (r->held.sock >= 0 && protocol_receive(r->held.sock, MSG_DONTWAIT, &m, &fds, NULL) > 0)
                note_leader(r, &m, &fds);
}

/* When a step of ours fails because the guest is gone, the guest's own words say why. */
static void prefer_guests_words(struct run *r, struct err *e) {
        struct message m;
        struct msg_fds fds;

        while (r->held.sock >= 0 && protocol_receive(r->held.sock, MSG_DONTWAIT, &m, &fds, NULL) > 0) {
                note_leader(r, &m, &fds);
                if (m.kind != MSG_FAIL)
                        continue;
                if (e)
                        *e = m.err;
                r->refuted = m.refuted;
                return; /* the first word is the cause, others may follow from it */
        }
}

static int start_once(struct run *r, struct err *e) {
        int k = host_start_guest(r, e);

        k = k < 0 ? k : host_supervise(r, e);
        if (k < 0 && r->refuted == REFUTED_NOTHING && !r->told_why)
                prefer_guests_words(r, e);
        host_control_end_start(r);
        host_drop_start(r);
        return k;
}

/* By now the payload has had its way with the tree: what leads to its journal may be in the way of a restart. It is
 * said with --quiet, too, where somebody insisted on the link. */
static bool does_without_journal(struct run *r, struct err *e) {
        char line[sizeof e->text * 4];

        if (!r->again || r->refuted != REFUTED_JOURNAL || r->no_journal)
                return false;
        if (e && (!r->quiet || r->plan->journal.must))
                dprintf(STDERR_FILENO, "berth: the journal of %s is not linked any more: %s\n", r->plan->machine,
                        str_escape(e->text, line, sizeof line));
        if (e)
                *e = (struct err){ 0 };
        r->refuted = REFUTED_NOTHING;
        r->told_why = false;
        /* A link of ours would lead where the payload wants. */
        host_journal_drop(r);
        return r->no_journal = true;
}

static int run_starts(struct run *r, struct err *e) {
        int k;

        do {
                k = start_once(r, e);
                if (k < 0 && does_without_journal(r, e))
                        k = start_once(r, e);
                if (k > 0 && r->reboot) {
                        log_debug(LOG_LIFE, "restart in place");
                        host_notify(r, "STATUS=Restarting...");
                        r->again = true;
                }
        } while (k > 0 && r->reboot);
        return k;
}

static void tell_end(const struct run *r) {
        char text[64];

        host_notify(r, r->status == 133 ? "STOPPING=1\nSTATUS=Restarting..." : "STOPPING=1\nSTATUS=Terminating...");
        snprintf(text, sizeof text, "EXIT_STATUS=%d", r->status);
        host_notify(r, text);
}

static void run_init(struct run *r, const struct run_want *want) {
        memset(r, 0, offsetof(struct run, loop));
        r->plan = want->plan;
        r->facts = want->facts;
        r->credentials = want->credentials;
        r->opened = want->opened;
        r->image = want->image;
        r->stack = want->stack;
        r->room = want->room;
        r->manager = want->manager;
        r->stirrer = want->stirrer;
        r->quiet = want->quiet;
        r->progress = want->progress;
        r->caller = want->caller;
        r->stderr_then = want->stderr_then;
        r->lines.fd = -1;
        loop_init(&r->loop);
        held_init(&r->held);
}

int run_plan(const struct run_want *want, int *ret_status, enum refutable *ret_refuted, struct err *e) {
        const struct plan *p = want->plan;
        CLEAN_FREE struct console *console = p->console.mode == CONSOLE_PIPE ? NULL : calloc(1, sizeof *console);
        struct control control;
        struct run r;
        int k;

        run_init(&r, want);
        r.console = console;
        host_control_init(&control, &r);
        r.control = &control;
        if (!console && p->console.mode != CONSOLE_PIPE)
                return err_set(e, ERR_SYSTEM, ENOMEM, "cannot prepare the start of %s", p->machine);
        umask(0); /* every mode we give is meant */
        k = host_take(&r, e);
        k = k < 0 ? k : run_starts(&r, e);
        /* It may have ended before the host knew it by name. */
        if (k >= 0 && !p->life.notify_ready)
                host_caller_ready(&r);
        host_control_close(&r);
        host_drop(&r);
        host_control_end(&r, k < 0 ? EXIT_FAILURE : r.status);
        /* A restart repeats what has worked: then a fact can no longer be wrong. */
        *ret_refuted = r.again ? REFUTED_NOTHING : r.refuted;
        if (k < 0)
                return k;
        tell_end(&r);
        *ret_status = r.status;
        return 0;
}
