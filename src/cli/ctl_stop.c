/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl stop: the supervisor is asked as SIGTERM asks it; it knows how this payload wants to be asked. */

#include <signal.h>

#include "base/clean.h"
#include "cli/ctl.h"
#include "cli/ctl_rows.h"
#include "cli/ctl_target.h"

/* What was killed needs a moment to be taken apart. */
enum { AFTER_KILL_MS = 30 * 1000 };

static int ask(const struct target *t, struct err *e) {
        int k = target_signal(t, t->fds.supervisor, SIGTERM, e);

        /* Frozen processes hear nothing. */
        if (k == 0 && t->cgroup >= 0)
                (void) cgroupstat_freeze(t->cgroup, 0, 1000);
        return k;
}

/* SIGKILL ends a process namespace by its first process, frozen or not. */
static void kill_hard(const struct target *t) {
        (void) target_signal(t, t->fds.leader, SIGKILL, NULL);
        (void) target_signal(t, t->fds.supervisor, SIGCONT, NULL);
}

static int finish(struct ctl *c, const struct target *t, int64_t timeout_ms) {
        if (timeout_ms != 0 && target_wait(t, 1, timeout_ms) == 0)
                return 0;
        if (!ctl_is_set(c, "kill")) {
                struct err e = { 0 };

                err_set(&e, ERR_BUSY, 0, "%s has not ended yet", t->is.name);
                err_hint(&e, "berthctl stop --kill %s ends it by force", t->is.name);
                ctl_print_error(&e);
                return 1;
        }
        kill_hard(t);
        if (target_wait(t, 1, AFTER_KILL_MS) == 0)
                return 0;
        ctl_say("%s was killed and does not end: a process of it may be stuck in the kernel", t->is.name);
        return 1;
}

/* All are asked first, then waited for: the time is theirs together. */
static int stop_all(struct ctl *c, struct target *targets, int64_t timeout_ms) {
        int64_t end = ctl_now_ms() + timeout_ms;
        /* --kill alone does not ask; with no time at all it is asked, and not waited for. */
        bool asks = ctl_value(c, "timeout") || !ctl_is_set(c, "kill");
        int status = 0;

        for (size_t i = 0; i < c->n_words; i++) {
                struct err e = { .kind = ERR_NONE };
                int k = target_open(c, c->words[i], &targets[i], &e);

                if (k == 0 && asks)
                        k = ask(&targets[i], &e);
                if (k < 0) {
                        ctl_print_error(&e);
                        target_close(&targets[i]);
                        status = 1;
                }
        }
        for (size_t i = 0; i < c->n_words; i++) {
                int64_t left = end - ctl_now_ms();

                if (targets[i].fds.supervisor >= 0 && finish(c, &targets[i],
                                                             timeout_ms < 0 ? -1
                                                             : left > 0     ? left
                                                                            : 0) != 0)
                        status = 1;
        }
        return status;
}

static int run(struct ctl *c, struct err *e) {
        const char *timeout = ctl_value(c, "timeout");
        int64_t timeout_ms = ctl_is_set(c, "kill") ? 0 : -1;
        struct target *targets;
        int status = timeout ? ctl_parse_seconds("--timeout", timeout, &timeout_ms, e) : 0;

        if (status < 0)
                return status;
        targets = arena_alloc(&c->arena, c->n_words * sizeof *targets);
        for (size_t i = 0; i < c->n_words; i++)
                target_init(&targets[i]);
        status = stop_all(c, targets, timeout_ms);
        for (size_t i = 0; i < c->n_words; i++)
                target_close(&targets[i]);
        return status;
}

static const struct ctl_option options[] = {
        { 't', "timeout", "SECONDS", NULL, "Wait at most this long (default: as long as it takes)" },
        { 'k', "kill", NULL, NULL, "Kill what has not ended by then; without --timeout at once" },
        CTL_END,
};

const struct ctl_verb ctl_stop = {
        .name = "stop",
        .synopsis = "NAME...",
        .words = CTL_NAMES,
        .min = 1,
        .options = options,
        .help = "Ask containers to end, and wait until they have",
        .run = run,
};
