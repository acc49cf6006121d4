/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth --cleanup: what a killed run of one name left, and nothing of a name that is in use. */

#include <unistd.h>

#include "base/clean.h"
#include "cli/berth.h"
#include "cli/sweep.h"
#include "probe/probe.h"
#include "state/lock.h"
#include "state/record.h"

/* A start that was killed early left no more than a directory. */
static void sweep_directory(struct sweep *s, const char *name) {
        struct record r;

        record_init(&r);
        if (record_take(&r, name, NULL) != 0)
                return;
        if (r.found && sweep_noted(s, name))
                record_sweep(&r);
        record_drop(&r);
}

int berth_cleanup(const struct spec *s, int proc, struct arena *a, int *ret_status, struct err *e) {
        struct sweep sweep = { .program = "berth", .proc = proc, .quiet = s->self.quiet };
        const char *name = probe_name(s, a);
        struct strv locks = { 0 };
        struct container m;
        int k = 0;

        if (geteuid() != 0) {
                err_set(e, ERR_HOST, 0, "need to be root");
                return err_hint(e, "sudo berth --cleanup ...");
        }
        if (container_find(name, a, &m, NULL) < 0)
                sweep_directory(&sweep, name);
        else if (m.state == CONTAINER_DEAD)
                k = sweep_record(&sweep, &m, e);
        /* Those that nobody holds: they do not tell whose they were. */
        k = k < 0 ? k : lock_sweep(false, a, &locks, e);
        for (size_t i = 0; i < locks.n; i++)
                sweep_tell(&sweep, "removed the lock", "", locks.items[i]);
        *ret_status = sweep.failed ? 1 : 0;
        return k < 0 ? k : 0;
}
