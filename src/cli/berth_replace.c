/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth --replace: what runs by that name is asked to end, as SIGTERM to its supervisor asks it. */

#include "cli/berth.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>

#include "base/clean.h"
#include "state/container.h"
#include "sys/cgroupstat.h"
#include "sys/process.h"

static int end(const struct container *c, const struct container_open *o, struct err *e) {
        CLEAN_FD int cgroup = c->is.cgroup ? cgroupstat_open(c->is.cgroup) : -1;
        struct pollfd p = { .fd = o->supervisor, .events = POLLIN };
        int k = process_signal(o->supervisor, SIGTERM);

        if (k < 0 && k != -ESRCH)
                return err_set(e, ERR_HOST, -k, "cannot ask %s to end", c->name);
        /* Frozen processes hear nothing. */
        if (cgroup >= 0)
                (void) cgroupstat_freeze(cgroup, 0, 1000);
        while (poll(&p, 1, -1) < 0)
                if (errno != EINTR)
                        return err_set(e, ERR_SYSTEM, errno, "cannot wait for the end of %s", c->name);
        return 0;
}

int berth_replace(const char *machine, int proc, struct arena *a, struct err *e) {
        CLEAN(container_close) struct container_open o;
        struct err why = { .kind = ERR_NONE };
        struct container c;
        int k = container_find(machine, a, &c, &why);

        container_open_init(&o);
        /* What a killed supervisor left is taken over by any start. */
        k = k < 0 ? k : c.state == CONTAINER_DEAD ? -ENOENT : container_open(proc, &c, &o, &why);
        if (k == -ENOENT || k == -ESRCH)
                return 0;
        if (k >= 0)
                return end(&c, &o, e);
        *e = why;
        return k;
}
