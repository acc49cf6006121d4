/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: the owners in the tree itself become those of the container's range, for good. Only where that was asked
 * for by name, and once it is known that there is a user namespace: builder and guest wait. */

#include "run/run.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "plan/idrange.h"
#include "sys/mounts.h"
#include "sys/treeowners.h"

_Static_assert(TREEOWNERS_BUSY == IDRANGE_BUSY && (int) TREEOWNERS_SIZE == (int) IDRANGE_SIZE, "one mark, one size");

static bool is_range(uint32_t base) {
        return base == 0 || base == IDRANGE_FOREIGN || idrange_valid(base);
}

static int tell(void *arg, uint64_t files, uint64_t all) {
        const struct run *r = arg;

        if (r->progress)
                r->progress(all ? PROGRESS_OWNERS : PROGRESS_LOOK, files, all);
        return process_shall_end() ? -EINTR : 0;
}

/* What is the tree's own fault, or its use by others. */
static int refuse(const struct treeowners_found *f, const char *file, struct err *e) {
        switch (f->why) {
        case TREEOWNERS_STRANGER:
                err_set(e, ERR_IMAGE, 0, "cannot change the owners of %s: id %u is not of the tree's own range", file,
                        f->id);
                return err_hint(e, "chown(1) or setfacl(1) give it to one of the tree's");
        case TREEOWNERS_LINKED:
                err_set(e, ERR_IMAGE, 0, "cannot change the owners of %s: the file has a name outside of the tree too",
                        file);
                return err_hint(e, "a copy of it in its place is the tree's own");
        case TREEOWNERS_MOUNTED:
                err_set(e, ERR_IMAGE, 0, "cannot change the owners of %s: something is mounted there", file);
                return err_hint(e, "unmount it; --bind=...:idmap brings it inside");
        case TREEOWNERS_FIXED:
                err_set(e, ERR_IMAGE, 0, "cannot change the owners of %s: it is immutable", file);
                return err_hint(e, "chattr -ia takes that away");
        case TREEOWNERS_DEEP:
                return err_set(e, ERR_IMAGE, 0, "cannot change the owners of %s: too many directories in one another",
                               file);
        case TREEOWNERS_FAILED: break;
        }
        return 0;
}

static int tell_failure(const struct plan *p, const struct treeowners_found *f, int code, struct err *e) {
        char file[200];

        /* As much of it as a message has room for. */
        snprintf(file, sizeof file, "%.100s%s%.80s", p->root.path, *f->path ? "/" : "", f->path);
        if (code == -EINTR)
                err_set(e, ERR_SYSTEM, EINTR, "the change of the owners in %s was not completed", p->root.path);
        else if (refuse(f, file, e) == 0)
                err_set(e, ERR_HOST, -code, "cannot change the owners of %s", file);
        err_blame(e, "private-users-ownership", NULL);
        return f->begun ? err_hint(e, "the tree is half done now: the next start with the same option completes it")
                        : code;
}

/* What a launch meets only once there is a tree to mount on, and what makes it start without a user namespace, or not
 * at all: a fresh proc. That is no time to have changed a tree for it, so it is tried before, by a process that ends
 * with it. */
static int try_proc(struct run *r, struct err *e) {
        struct process p = { .pidfd = -1 };
        int code, status, k = process_clone(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID, -1, &p);

        if (k == 0) {
                k = mount_fresh("proc", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
                _exit(k < 0 ? -k : 0);
        }
        k = k < 0 ? k : process_wait(p.pidfd, true, &code, &status);
        clean_fd(&p.pidfd);
        if (k < 0 || code != CLD_EXITED || status != EPERM)
                return 0;
        r->refuted = REFUTED_PROC;
        return err_set(e, ERR_HOST, EPERM, "cannot mount a fresh proc in a user namespace");
}

static bool wants_fresh_proc(const struct plan *p) {
        for (size_t i = 0; i < p->fsops.n; i++)
                if (p->fsops.items[i].kind == FSOP_FRESH && streq(p->fsops.items[i].src, "proc"))
                        return true;
        return false;
}

int host_owners_take(struct run *r, struct err *e) {
        const struct treeowners want = { .to = r->plan->ids.base, .is_range = is_range, .tell = tell, .arg = r };
        struct treeowners_found found;
        int k;

        if (!r->plan->ids.chown)
                return 0;
        k = !r->again && wants_fresh_proc(r->plan) ? try_proc(r, e) : 0;
        if (k < 0)
                return k;
        k = treeowners(r->opened->root, &want, &found);
        if (r->progress)
                r->progress(PROGRESS_OWNERS, 0, 0);
        return k < 0 ? tell_failure(r->plan, &found, k, e) : 0;
}
