/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl pause, resume: the freezer of the container's own cgroup. */

#include <errno.h>

#include "cli/ctl.h"
#include "cli/ctl_rows.h"
#include "cli/ctl_target.h"

/* A process in an uninterruptible wait freezes when that is over. */
enum { TIMEOUT_MS = 10 * 1000 };

static int freeze(struct target *t, int frozen, struct err *e) {
        int k = target_need_cgroup(t, frozen ? "it cannot be paused" : "it cannot have been paused", e);

        if (k < 0)
                return k;
        k = cgroupstat_freeze(t->cgroup, frozen, TIMEOUT_MS);
        if (k == 0)
                return 0;
        if (k == -ETIMEDOUT) {
                err_set(e, ERR_BUSY, 0, "%s is not %s yet: a process of it waits in the kernel", t->is.name,
                        frozen ? "frozen" : "thawed");
                return err_hint(e, "it happens by itself; berthctl resume %s takes it back", t->is.name);
        }
        return err_set(e, ERR_HOST, -k, "cannot %s %s", frozen ? "pause" : "resume", t->is.name);
}

static int pause_one(struct ctl *c, struct target *t, struct err *e) {
        return freeze(t, 1, e);
}

static int resume_one(struct ctl *c, struct target *t, struct err *e) {
        return freeze(t, 0, e);
}

static int run_pause(struct ctl *c, struct err *e) {
        return target_for_each(c, pause_one);
}

static int run_resume(struct ctl *c, struct err *e) {
        return target_for_each(c, resume_one);
}

const struct ctl_verb ctl_pause = {
        .name = "pause",
        .synopsis = "NAME...",
        .words = CTL_NAMES,
        .min = 1,
        .help = "Stop all processes of containers where they are",
        .run = run_pause,
};

const struct ctl_verb ctl_resume = {
        .name = "resume",
        .synopsis = "NAME...",
        .words = CTL_NAMES,
        .min = 1,
        .help = "Let paused containers go on",
        .run = run_resume,
};
