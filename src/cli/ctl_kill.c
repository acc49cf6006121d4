/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl kill: a signal to the leader, or to every process in the container. */

#include <signal.h>

#include "base/clean.h"
#include "base/parse.h"
#include "cli/ctl.h"
#include "cli/ctl_rows.h"
#include "cli/ctl_target.h"
#include "sys/process.h"

/* Open at once: most limits allow 1024. */
enum { BATCH = 256 };

static int signal_of(struct ctl *c, int *ret, struct err *e) {
        const char *text = ctl_value(c, "signal");

        *ret = SIGTERM;
        if (!text || parse_signal(text, ret) == 0)
                return 0;
        err_set(e, ERR_USAGE, 0, "--signal=%s is no signal", text);
        return err_hint(e, "a name like TERM or RTMIN+3, or a number");
}

static bool is_in(const struct pid_list *l, pid_t pid) {
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i] == pid)
                        return true;
        return false;
}

/* Opened first, then looked up again: what is still a process of the container by that number is what was opened, or
 * that has ended. */
static int signal_some(struct ctl *c, const struct target *t, const struct pid_list *pids, int sig, struct err *e) {
        int fds[BATCH];
        struct pid_list again = { 0 };
        int k;

        for (size_t i = 0; i < pids->n; i++)
                fds[i] = process_open(pids->items[i]);
        k = target_pids(c, t, &again, e);
        for (size_t i = 0; i < pids->n; i++) {
                if (k == 0 && fds[i] >= 0 && is_in(&again, pids->items[i]))
                        k = target_signal(t, fds[i], sig, e);
                clean_fd(&fds[i]);
        }
        return k;
}

static int signal_all(struct ctl *c, const struct target *t, int sig, struct err *e) {
        struct pid_list pids = { 0 };
        int k = target_pids(c, t, &pids, e);

        for (size_t at = 0; k == 0 && at < pids.n; at += BATCH) {
                struct pid_list some = { pids.items + at, pids.n - at < BATCH ? pids.n - at : BATCH };

                k = signal_some(c, t, &some, sig, e);
        }
        return k;
}

static int kill_one(struct ctl *c, struct target *t, struct err *e) {
        int sig, k = signal_of(c, &sig, e);

        if (k < 0)
                return k;
        /* SIGKILL to the first process of a namespace reaches all of it, and what it forks meanwhile. */
        if (ctl_is_set(c, "all") && sig != SIGKILL)
                return signal_all(c, t, sig, e);
        return target_signal(t, t->fds.leader, sig, e);
}

static int run(struct ctl *c, struct err *e) {
        int sig, k = signal_of(c, &sig, e);

        return k < 0 ? k : target_for_each(c, kill_one);
}

static const struct ctl_option options[] = {
        { 's', "signal", "SIGNAL", "<signals>", "Which one, by name or number (default: TERM)" },
        { 'a', "all", NULL, NULL, "To every process, not only the first" },
        CTL_END,
};

const struct ctl_verb ctl_kill = {
        .name = "kill",
        .synopsis = "NAME...",
        .words = CTL_NAMES,
        .min = 1,
        .options = options,
        .help = "Send a signal to the first process of containers",
        .run = run,
};
