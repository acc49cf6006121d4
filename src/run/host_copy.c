/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P: the tree as a copy of its own, for --ephemeral and --template=. It is made beside where it shall be,
 * under a name that tells what it is; until it is complete, and for --ephemeral until it is gone, a note says where it
 * is (state/leftover.h). The tree's own descriptor waits meanwhile in r->held.original. */

#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "state/leftover.h"
#include "sys/btrfs.h"
#include "sys/resolve.h"
#include "sys/treecopy.h"
#include "sys/treeremove.h"

/* Requests are blocked, and read once the container runs: here they are only looked for. */
static int tell(void *arg, uint64_t files, uint64_t bytes) {
        const struct run *r = arg;

        if (r->progress)
                r->progress(PROGRESS_COPY, files, bytes);
        return process_shall_end() ? -EINTR : 0;
}

struct failed {
        char path[200];
};

static int copy_into(struct run *r, int from, const struct plan_copy *c, struct failed *failed) {
        const struct treecopy want = {
                .share = c->method == COPY_REFLINK,
                .tell = tell,
                .arg = r,
                .failed = failed->path,
                .failed_size = sizeof failed->path,
        };
        CLEAN_FD int to = -1;
        int k;

        if (mkdirat(r->held.copy_dir, c->name, 0700) < 0)
                return -errno;
        r->held.copy_made = true;
        to = openat(r->held.copy_dir, c->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        k = to < 0 ? -errno : treecopy(from, to, &want);
        if (r->progress)
                r->progress(PROGRESS_COPY, 0, 0);
        return k;
}

static int snapshot(struct run *r, int from, const char *name) {
        CLEAN_FD int dir = openat(r->held.copy_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int k = dir < 0 ? -errno : btrfs_snapshot(from, dir, name);

        r->held.copy_made = k == 0;
        return k;
}

/* The tree may be mounted by itself, in a directory of another file system, which may be read-only. */
static bool no_such_way(int k) {
        return k == -EOPNOTSUPP || k == -EXDEV || k == -EINVAL || k == -ENOTTY || k == -EROFS;
}

/* Whether files can share blocks, and where a snapshot can be, is seen when it is tried. */
static int make_copy(struct run *r, const struct plan_copy *c, struct err *e) {
        int original = r->held.original_whole >= 0 ? r->held.original_whole : r->held.original;
        CLEAN_FD int from = openat(original, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct failed failed = { "" };
        int k = from < 0                     ? -errno
                : c->method == COPY_SNAPSHOT ? snapshot(r, from, c->name)
                                             : copy_into(r, from, c, &failed);

        if (k == 0)
                return 0;
        if (c->method != COPY_FULL && no_such_way(k))
                r->refuted = c->method == COPY_SNAPSHOT ? REFUTED_SNAPSHOT : REFUTED_REFLINK;
        if (k == -EINTR)
                return err_set(e, ERR_SYSTEM, EINTR, "the copy of %s was not completed", c->from);
        if (k == -ELOOP)
                return err_set(e, ERR_HOST, 0, "cannot copy %s: more than %d directories in one another at %s",
                               c->from, TREECOPY_DEPTH, failed.path);
        err_set(e, ERR_HOST, -k, "cannot copy %s%s%s to %s/%s", c->from, *failed.path ? "/" : "", failed.path, c->dir,
                c->name);
        return k == -EFBIG ? err_hint(e, "see ulimit -f, and what the file system there can hold") : k;
}

static int lock_copy(struct run *r, const struct plan_copy *c, struct err *e) {
        struct stat st;

        if (fstatat(r->held.copy_dir, c->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return err_set(e, ERR_HOST, errno, "cannot look at the copy %s/%s", c->dir, c->name);
        return r->plan->root.lock == LOCK_NONE
                       ? 0
                       : lock_tree(&r->held.tree_lock, st.st_dev, st.st_ino, r->plan->root.lock == LOCK_EXCLUSIVE,
                                   r->plan->root.path, e);
}

/* It appears where it is wanted only when it is whole. */
static int keep_copy(struct run *r, const struct plan_copy *c, struct err *e) {
        if (syscall(SYS_renameat2, r->held.copy_dir, c->name, r->held.copy_dir, c->keep_as, RENAME_NOREPLACE) < 0) {
                err_set(e, errno == EEXIST ? ERR_BUSY : ERR_HOST, errno, "cannot make the tree %s",
                        r->plan->root.path);
                return errno == EEXIST ? err_hint(e, "it was made by somebody else meanwhile") : -errno;
        }
        r->held.copy_made = false;
        r->held.copy_kept = true;
        leftover_forget(r->plan->machine, LEFTOVER_COPY);
        return 0;
}

/* What is opened now is the tree that runs. */
static int enter_copy(struct run *r, int fd, struct err *e) {
        const char *pivot = r->plan->root.pivot;

        r->opened->root = fd;
        if (!pivot)
                return 0;
        r->opened->whole = fd;
        r->opened->root = resolve_in_root(fd, pivot, O_PATH | O_DIRECTORY);
        return r->opened->root < 0 ? err_set(e, ERR_HOST, -r->opened->root, "cannot open /%s of the copy of %s", pivot,
                                             r->plan->copy->from)
                                   : 0;
}

static void put_original_aside(struct run *r) {
        r->held.original = TAKE_FD(r->opened->root);
        r->held.original_whole = TAKE_FD(r->opened->whole);
}

static int open_copy(struct run *r, const struct plan_copy *c, struct err *e) {
        const char *name = c->keep_as ? c->keep_as : c->name;
        int fd = openat(r->held.copy_dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? err_set(e, ERR_HOST, errno, "cannot open the copy %s/%s", c->dir, name) : enter_copy(r, fd, e);
}

/* An image's has no name, and needs no note. Where it shares its blocks, it is there already. */
static int copy_image(struct run *r, const struct plan_copy *c, struct err *e) {
        int k = c->method == COPY_FULL ? image_copy(r->image, tell, r, e) : 0;

        if (k < 0 || c->method != COPY_FULL)
                return k;
        put_original_aside(r);
        k = image_open_os(r->image, NULL, e);
        return k < 0 ? k : enter_copy(r, k, e);
}

int host_copy_take(struct run *r, struct err *e) {
        const struct plan_copy *c = r->plan->copy;
        int k;

        if (!c)
                return 0;
        if (!c->name)
                return copy_image(r, c, e);
        r->held.copy_dir = open(c->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (r->held.copy_dir < 0)
                return err_set(e, ERR_HOST, errno, "cannot open %s to copy %s to", c->dir, c->from);
        put_original_aside(r);
        k = leftover_note(r->plan->machine, LEFTOVER_COPY, c->path, e);
        k = k < 0 ? k : make_copy(r, c, e);
        k = k < 0 ? k : lock_copy(r, c, e);
        k = k < 0 || !c->keep_as ? k : keep_copy(r, c, e);
        return k < 0 ? k : open_copy(r, c, e);
}

/* What --template= has made is the tree for the next launch, too. */
static void put_back(struct run *r) {
        r->opened->made = r->held.copy_kept && r->opened->root >= 0;
        if (!r->opened->made) {
                clean_fd(&r->opened->root);
                clean_fd(&r->opened->whole);
                r->opened->root = TAKE_FD(r->held.original);
                r->opened->whole = TAKE_FD(r->held.original_whole);
        }
        clean_fd(&r->held.original);
        clean_fd(&r->held.original_whole);
        r->held.original = r->held.original_whole = -1;
}

void host_copy_drop(struct run *r) {
        const struct plan_copy *c = r->plan->copy;
        int k = 0;

        if (r->held.original >= 0)
                put_back(r);
        /* Twice: nobody comes back to clean up after a passing failure. */
        for (int tries = 0; r->held.copy_made && tries < 2; tries++) {
                k = treeremove(r->held.copy_dir, c->name);
                r->held.copy_made = k < 0 && k != -ENOENT;
        }
        if (r->held.copy_made)
                log_debug(LOG_LIFE, "the copy %s stays: %d", c->path, k);
        else if (c && c->name)
                leftover_forget(r->plan->machine, LEFTOVER_COPY);
        r->held.copy_made = false;
        clean_fd(&r->held.copy_dir);
        clean_fd(&r->held.memory);
        r->held.copy_dir = r->held.memory = -1;
}
