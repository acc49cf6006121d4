/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: the guest's cgroup, its limits, and the devices that it may open: cgroups(7). */

#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clean.h"
#include "sys/cgroupfs.h"
#include "sys/devices.h"

int host_hold_cgroup(struct run *r, int cgroup, struct err *e) {
        r->held.cgroup = cgroup;
        if (flock(cgroup, LOCK_EX | LOCK_NB) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot lock the cgroup of %s", r->plan->machine);
        return 0;
}

/* Who runs a container holds a lock on its cgroup: a launcher that sees another /run is noticed here. */
static int clear_cgroup(struct run *r, struct err *e) {
        const struct plan *p = r->plan;
        CLEAN_FD int old = openat(r->opened->cgroup, p->cgroup.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int pauses = 0;
        bool ours;

        do
                ours = old < 0 || flock(old, LOCK_EX | LOCK_NB) == 0;
        while (!ours && r->held.record.found && lock_pause(&pauses, LOCK_PAUSES));
        if (!ours) {
                r->refuted = REFUTED_NAME;
                err_set(e, ERR_BUSY, EBUSY, "the cgroup %s/%s belongs to a running container", p->cgroup.parent,
                        p->cgroup.name);
                return err_hint(e, "-M gives this one another name");
        }
        if (old >= 0 && cgroupfs_populated(old) > 0)
                (void) cgroupfs_kill(old);
        for (int tries = 0; tries < 200; tries++) {
                if (cgroupfs_remove(r->opened->cgroup, p->cgroup.name) == 0)
                        return 0;
                usleep(10 * 1000);
        }
        err_set(e, ERR_HOST, EBUSY, "cannot remove the old cgroup %s/%s", p->cgroup.parent, p->cgroup.name);
        return err_hint(e, "rmdir it with all that is in it");
}

/* An old cgroup of our name is a left-over: it is emptied and made anew, also because a cgroup that once saw
 * cgroup.kill may kill what is cloned into it. Its limits follow when there is time. */
static int make_cgroup(struct run *r, struct err *e) {
        const struct plan *p = r->plan;
        int k;

        k = cgroupfs_make(r->opened->cgroup, p->cgroup.name);
        if (k == -EEXIST) {
                k = clear_cgroup(r, e);
                if (k < 0)
                        return k;
                k = cgroupfs_make(r->opened->cgroup, p->cgroup.name);
        }
        if (k < 0) {
                if (k == -EACCES || k == -EPERM || k == -EROFS)
                        r->refuted = REFUTED_CGROUP;
                return err_set(e, ERR_HOST, -k, "cannot make the cgroup %s/%s", p->cgroup.parent, p->cgroup.name);
        }
        r->held.cgroup_made = true;
        return k;
}

/* The guest's own, below the one that the limits are written to. */
static int make_inner(struct run *r, int outer, struct err *e) {
        const struct plan *p = r->plan;
        int k;

        r->held.limited = outer;
        if (flock(outer, LOCK_EX | LOCK_NB) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot lock the cgroup of %s", p->machine);
        cgroupfs_enable(outer);
        k = cgroupfs_make(outer, p->cgroup.inner);
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot make the cgroup %s/%s/%s", p->cgroup.parent, p->cgroup.name,
                               p->cgroup.inner);
        return host_hold_cgroup(r, k, e);
}

/* What a limit needs is on for our cgroup and its neighbours from then on, and stays on: others may have begun to
 * count on it. */
static int enable_controllers(struct run *r, int cgroup, struct err *e) {
        const struct plan *p = r->plan;

        for (size_t i = 0; i < p->cgroup.n_limits; i++) {
                const struct plan_limit *l = &p->cgroup.limits[i];
                int k = cgroupfs_enable_one(cgroup, l->controller);

                if (k == 0)
                        continue;
                err_set(e, ERR_HOST, -k, "--%s=: cannot turn the controller %s on in the cgroup %s", l->option,
                        l->controller, p->cgroup.parent);
                return k == -EBUSY ? err_hint(e, "it has processes of its own; a service with Delegate=yes and "
                                                 "--keep-unit does not, nor the top of the hierarchy")
                                   : k;
        }
        return 0;
}

int host_cgroup_take(struct run *r, struct err *e) {
        int k;

        /* In a scope, once there is one: host_manager.c. */
        if (!r->plan->cgroup.parent)
                return 0;
        k = r->plan->unit.announce_first ? 0 : enable_controllers(r, r->opened->cgroup, e);
        k = k < 0 ? k : make_cgroup(r, e);
        if (k < 0)
                return k;
        /* The way back leads through it. */
        close_held(&r->opened->cgroup);
        return r->plan->cgroup.inner ? make_inner(r, k, e) : host_hold_cgroup(r, k, e);
}

/* A manager drops without a word what it has no controller for. */
int host_check_limits(const struct run *r, int cgroup, struct err *e) {
        const struct plan *p = r->plan;

        for (size_t i = 0; i < p->cgroup.n_limits; i++) {
                const struct plan_limit *l = &p->cgroup.limits[i];

                if (faccessat(cgroup, l->file, F_OK, 0) == 0)
                        continue;
                err_set(e, ERR_HOST, 0, "--%s=: %s has no %s: the controller %s is not handed on to it", l->option,
                        p->unit.name, l->file, l->controller);
                return err_hint(e, "cgroup.controllers of %s lists what is", p->unit.slice);
        }
        return 0;
}

static int write_limits(const struct run *r, struct err *e) {
        const struct plan *p = r->plan;
        int cgroup = r->held.limited >= 0 ? r->held.limited : r->held.cgroup;

        for (size_t i = 0; i < p->cgroup.n_limits; i++) {
                const struct plan_limit *l = &p->cgroup.limits[i];
                int k = cgroupfs_write(cgroup, l->file, l->text);

                if (k < 0)
                        return err_set(e, ERR_HOST, -k, "--%s=: cannot write %s to %s of the cgroup %s/%s", l->option,
                                       l->text, l->file, p->cgroup.parent, p->cgroup.name);
        }
        return 0;
}

int host_set_limits(struct run *r, int unit, struct err *e) {
        int k = enable_controllers(r, unit, e);

        return k < 0 ? k : write_limits(r, e);
}

/* systemd.resource-control(5), DevicePolicy=closed, and terminals. Numbers: Linux' devices.txt. */
static int restrict_devices(struct run *r, struct err *e) {
        struct device_rule rules[DEVICES_RULES] = {
                { false, 1, 3, true }, { false, 1, 5, true }, { false, 1, 7, true },
                { false, 1, 8, true }, { false, 1, 9, true }, { false, 5, 0, true },
                { false, 5, 2, true }, { true, 0, 0, true }, /* nobody's: it covers */
        };
        size_t n = 8;
        int k;

        if (!r->plan->cgroup.restrict_devices)
                return 0;
        for (unsigned major = 136; major <= 143; major++)
                rules[n++] = (struct device_rule){ false, major, -1, false };
        if (r->plan->cgroup.tun)
                rules[n++] = (struct device_rule){ false, 10, 200, true };
        if (r->plan->cgroup.fuse)
                rules[n++] = (struct device_rule){ false, 10, 229, true };
        for (size_t i = 0; i < r->plan->cgroup.devices.n; i++)
                rules[n++] = r->plan->cgroup.devices.items[i];
        for (size_t i = 0; i < r->plan->cgroup.n_nodes; i++) {
                const struct plan_node *d = &r->plan->cgroup.nodes[i];

                rules[n++] = (struct device_rule){ .block = d->block,
                                                   .major = d->major,
                                                   .minor = (int) d->minor,
                                                   .mknod = d->rights & DEVICE_MKNOD,
                                                   .no_read = !(d->rights & DEVICE_READ),
                                                   .read_only = !(d->rights & DEVICE_WRITE) };
        }
        k = devices_restrict(r->held.cgroup, rules, n);
        if (k < 0)
                r->refuted = REFUTED_DEVICES;
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot restrict the devices of %s", r->plan->machine) : 0;
}

/* Late, but before anything of the container runs: the guest waits for PLACED. */
int host_fit_cgroup(struct run *r, struct err *e) {
        const struct plan *p = r->plan;
        int k;

        /* None is made, or not yet: a scope is the manager's to make. */
        if (r->held.cgroup < 0)
                return 0;
        /* A scope has them itself; and in a unit whose top the guest has not left, they come after that. */
        k = p->unit.scope || p->unit.announce_first ? 0 : write_limits(r, e);
        if (k < 0)
                return k;
        k = cgroupfs_limit(r->held.cgroup);
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot limit the cgroup of %s", p->machine);
        k = p->ids.own ? cgroupfs_delegate(r->held.cgroup, p->ids.base, p->ids.base) : 0;
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot hand the cgroup of %s to it", p->machine);
        return restrict_devices(r, e);
}

/* With no other descriptor than its own: there may be none left. */
static void remove_cgroup(int cgroup, const char *name) {
        char path[NAME_MAX + 4];

        snprintf(path, sizeof path, "../%s", name);
        /* The last process is reaped a moment before its cgroup counts as empty when it had many. */
        for (int tries = 0; tries < 100 && cgroupfs_remove(cgroup, path) == -EBUSY; tries++)
                usleep(5 * 1000);
}

void host_cgroup_drop(struct run *r) {
        int made = r->held.limited >= 0 ? r->held.limited : r->held.cgroup;

        if (r->held.cgroup_made) {
                /* For a restart. */
                r->opened->cgroup = openat(made, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
                remove_cgroup(made, r->plan->cgroup.name);
        }
        r->held.cgroup_made = false;
        close_held(&r->held.cgroup);
        close_held(&r->held.limited);
}
