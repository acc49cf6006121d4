/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process G, before the pivot: attaches the tree and builds its file systems inside. Every destination is looked up
 * inside the tree (sys/resolve.h) and used as a descriptor: a hostile link cannot lead out, and cannot be swapped
 * between look and use. What lies in proc or sysfs is named from a descriptor of their top on: the names in there are
 * the kernel's. */

#include "run/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "plan/words.h"
#include "sys/mounts.h"
#include "sys/ns.h"
#include "sys/resolve.h"

static int set_mount(int mount, const struct fsop *op, struct err *e) {
        const struct mount_change change = {
                .set = op->set,
                .clear = op->clear,
                .userns = -1,
                .recursive = op->flags & FSOP_RECURSIVE,
        };
        int k = op->set || op->clear ? mount_change(mount, &change) : 0;

        return k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot set the mount flags of /%s", op->dst) : 0;
}

int guest_attach_root(struct guest *g, struct err *e) {
        /* Read-only before anything is mounted on it: no mount point is made in it then. */
        const struct mount_change private = {
                .propagation = MS_PRIVATE,
                .userns = -1,
                .recursive = true,
                .set = MOUNT_ATTR_NODEV | (g->plan->root.read_only ? MOUNT_ATTR_RDONLY : 0),
        };
        CLEAN_FD int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int k;

        if (top < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot open the old root directory");
        /* In another user namespace the copies of the host's mounts are slaves already (mount_namespaces(7)). */
        k = g->plan->ids.own ? 0 : mount_make_private();
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot cut the propagation of mounts");
        k = mount_change(g->run->held.root, &private);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot set the mount flags of the root directory");
        k = mount_attach(g->run->held.root, top);
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot attach %s", g->plan->root.path);
        g->root = g->run->held.root;
        return 0;
}

/* A directory with all that leads to it, or an empty file. */
static int make_place(struct guest *g, const struct fsop *op, const char *place, struct err *e) {
        const char *name;
        int k = op->flags & FSOP_PARENTS ? guest_make_parents(g->root, place, e) : 0;
        CLEAN_FD int dir = k < 0 ? k : guest_open_parent(g->root, place, &name, e);
        CLEAN_FD int file = -1;

        if (dir < 0)
                return dir;
        if (op->flags & FSOP_MAKE_DIR)
                k = mkdirat(dir, name, 0755);
        else
                k = file = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        return k < 0 && errno != EEXIST ? guest_cannot_make(dir, "mount point", op->dst, e) : 0;
}

/* Makes a missing destination. */
static int make_missing(struct guest *g, const struct fsop *op, struct err *e) {
        char place[PATH_MAX] = "";
        int k = snprintf(place, sizeof place, "%s", op->dst) >= (int) sizeof place ? -ENAMETOOLONG : 0;
        bool lost;

        k = k == 0 && op->flags & FSOP_FOLLOW ? guest_follow_lost(g->root, place) : k;
        if (k < 0)
                return err_set(e, ERR_IMAGE, -k, "cannot make the mount point /%s in the tree", op->dst);
        lost = k > 0;
        k = make_place(g, op, place, e);
        return k < 0 && lost ? guest_blame_link(op->dst, place, e) : k;
}

static int look_up(struct guest *g, const struct fsop *op) {
        if (op->flags & FSOP_FOLLOW)
                return resolve_in_root(g->root, op->dst, O_PATH);
        if (op->flags & FSOP_ON_LINK)
                return resolve_in_root(g->root, op->dst, O_PATH | O_NOFOLLOW);
        return resolve_plain(g->root, op->dst, O_PATH);
}

/* A descriptor of the destination, or an error: -ENOENT too where it may be missing. */
static int open_destination(struct guest *g, const struct fsop *op, struct err *e) {
        int fd = look_up(g, op);

        if (fd == -ENOENT && op->flags & (FSOP_MAKE_DIR | FSOP_MAKE_FILE)) {
                int k = make_missing(g, op, e);

                if (k < 0)
                        return k;
                fd = look_up(g, op);
        }
        if (fd >= 0)
                return fd;
        if (fd == -ELOOP && !(op->flags & FSOP_FOLLOW)) {
                err_set(e, ERR_IMAGE, ELOOP, "/%s of the tree is or leads through a symbolic link", op->dst);
                return err_hint(e, "a mount point must be a real one");
        }
        err_set(e, ERR_IMAGE, -fd, "cannot use /%s of the tree as a mount point (%s)", op->dst, op->why);
        return fd == -ENOTDIR ? err_hint(e, "a part of it is no directory: choose another place")
               : fd == -ELOOP ? err_hint(e, "links lead in a circle, or into proc: choose another place")
                              : fd;
}

static int identify(int mount, const char *what, struct mounted *ret, struct err *e) {
        struct stat st;

        if (fstat(mount, &st) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot tell the mount /%s from others", what);
        *ret = (struct mounted){ st.st_dev, st.st_ino };
        return 0;
}

static bool in_kernel_tree(const struct fsop *op) {
        return str_after(op->dst, "proc/") || str_after(op->dst, "sys/");
}

/* What proc and sysfs have inside is the kernel's: no link of the tree is on the way from their top to dst, and a name
 * is as good as a descriptor of it. Half of the operations of a start are in there. */
static bool of_kernel(const struct fsop *op) {
        return in_kernel_tree(op) &&
               !(op->flags & (FSOP_OF_USER | FSOP_FOLLOW | FSOP_ON_LINK | FSOP_MAKE_DIR | FSOP_MAKE_FILE));
}

/* -1: dst is elsewhere. */
static int kernel_top(const struct guest *g, const struct fsop *op, const char **ret_name) {
        if (!of_kernel(op))
                return -1;
        *ret_name = strchr(op->dst, '/') + 1;
        return op->dst[0] == 'p' ? g->proc : g->sys;
}

static int attached(const struct fsop *op, int k, struct err *e) {
        if (k == -ENOTDIR || k == -EINVAL) {
                err_set(e, ERR_IMAGE, 0, "/%s of the tree and what is to be mounted there are not of one kind (%s)",
                        op->dst, op->why);
                return err_hint(e, "one is a directory, the other is none");
        }
        return k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot mount /%s (%s)", op->dst, op->why) : 0;
}

static int attach_at(const struct fsop *op, int mount, int dst, struct err *e) {
        return attached(op, mount_attach(mount, dst), e);
}

static struct mounted *identity(struct guest *g, const struct fsop *op) {
        return &g->mounted[op - g->plan->fsops.items];
}

/* A place that is hidden by default may be covered by its own name. What hides it hides others, too: one empty file,
 * one directory. */
static bool is_hidden(const struct guest *g, const struct fsop *op) {
        for (const struct fsop *other = g->plan->fsops.items; other != op; other++)
                if (other->kind == FSOP_HIDE && !(other->flags & FSOP_OF_USER) && streq(other->dst, op->dst))
                        return true;
        return false;
}

/* By a link of the tree: what the container is made of is covered only where that is said. /tmp anything may cover. */
static int check_link(struct guest *g, const struct fsop *op, int dst, struct err *e) {
        struct mounted at = { 0 }, own = { 0 };
        bool hidden = is_hidden(g, op);
        int k = identify(dst, op->dst, &at, e);

        k = k < 0 ? k : identify(g->root, "", &own, e);
        for (size_t i = 0; k == 0; i++) {
                const struct fsop *other = &g->plan->fsops.items[i];

                if (at.dev == own.dev && at.ino == own.ino) {
                        err_set(e, ERR_IMAGE, 0, "/%s of the tree leads to what the container itself is made of (%s)",
                                op->dst, op->why);
                        return err_hint(e, "it is a symbolic link, or leads through one: choose another place");
                }
                if (other == op)
                        return 0;
                own = other->flags & (FSOP_OF_USER | FSOP_IN_TREE) || streq(other->dst, op->dst) ||
                                      streq(other->dst, "tmp") || (hidden && other->kind == FSOP_HIDE)
                              ? (struct mounted){ 0 }
                              : *identity(g, other);
        }
        return k;
}

static int attach_in_kernel(struct guest *g, const struct fsop *op, int mount, int top, const char *name,
                            struct err *e) {
        int k = mount_attach_at(mount, top, name);

        if (k == -ENOENT && op->flags & FSOP_OPTIONAL)
                return 0;
        k = attached(op, k, e);
        return k < 0 ? k : identify(mount, op->dst, identity(g, op), e);
}

/* Put a detached mount in place and remember its identity. */
static int attach(struct guest *g, const struct fsop *op, int mount, struct err *e) {
        const char *name;
        int top = kernel_top(g, op, &name), k;
        CLEAN_FD int dst = -1;

        if (top >= 0)
                return attach_in_kernel(g, op, mount, top, name, e);
        dst = open_destination(g, op, e);
        if (dst == -ENOENT && op->flags & FSOP_OPTIONAL)
                return 0;
        if (dst < 0)
                return dst;
        k = op->flags & FSOP_FOLLOW ? check_link(g, op, dst, e) : 0;
        k = k < 0 ? k : attach_at(op, mount, dst, e);
        return k < 0 ? k : identify(mount, op->dst, identity(g, op), e);
}

static int open_cover(int mount, const char *name, struct cover *ret, struct err *e) {
        ret->fd = openat(mount, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (ret->fd < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot open the covers of masked files");
        return identify(ret->fd, name, &ret->is, e);
}

static int remember(struct guest *g, const struct fsop *op, int mount, struct err *e) {
        int k;

        if (streq(op->dst, "proc") || streq(op->dst, "sys")) {
                int *top = op->dst[0] == 'p' ? &g->proc : &g->sys;

                clean_fd(top);
                *top = fcntl(mount, F_DUPFD_CLOEXEC, 3);
                return *top < 0 ? err_set(e, ERR_SYSTEM, errno, "cannot keep %s open", op->dst) : 0;
        }
        if (!streq(op->dst, "run/host"))
                return 0;
        k = open_cover(mount, "inaccessible/reg", &g->inaccessible_file, e);
        return k < 0 ? k : open_cover(mount, "inaccessible/dir", &g->inaccessible_dir, e);
}

/* Seeded and sealed while it is detached. */
int guest_seed_fresh(struct guest *g, const struct fsop *op, int fs /* taken over */, struct err *e) {
        const struct mount_change seal = { .set = MOUNT_ATTR_RDONLY, .userns = -1 };
        int k;

        g->made[op - g->plan->fsops.items] = fs;
        k = seed_all(fs, &op->seeds, &g->seeded, e);
        if (k == 0 && op->flags & FSOP_SEAL) {
                k = mount_change(fs, &seal);
                k = k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot seal /%s", op->dst) : 0;
        }
        return k < 0 ? k : remember(g, op, fs, e);
}

int guest_refuse_fresh(struct guest *g, const struct fsop *op, int code, struct err *e) {
        if (code == -EPERM && streq(op->src, "proc"))
                g->run->refuted = REFUTED_PROC;
        if (code == -EPERM && streq(op->src, "sysfs"))
                g->run->refuted = REFUTED_SYSFS;
        if ((code == -EPERM || code == -ENODEV) && streq(op->src, "binfmt_misc"))
                g->run->refuted = REFUTED_BINFMT;
        if (code == -EINVAL && fsop_label(op))
                return fsop_refuse_label(op, e);
        err_set(e, ERR_HOST, -code, "cannot mount a fresh %s on /%s", op->src, op->dst);
        return op->flags & FSOP_OF_USER && op->options ? err_hint(e, "%s with %s", op->why, op->options) : -code;
}

/* Detached, and so before there is a tree: see the table in guest.c. */
static int make_fresh(struct guest *g, const struct fsop *op, struct err *e) {
        int fs = mount_fresh(op->src, op->options, op->set);

        return fs < 0 ? guest_refuse_fresh(g, op, fs, e) : guest_seed_fresh(g, op, fs, e);
}

int guest_make_file_systems(struct guest *g, struct err *e) {
        /* What shows the guest's namespaces is not for a builder: see guest_mount_of_guest(). */
        unsigned skip = FSOP_BY_HOST | FSOP_LATE | (g->pair >= 0 ? FSOP_OF_GUEST : 0);

        if (g->plan->fsops.n > GUEST_OPS)
                return err_set(e, ERR_BUG, 0, "the plan has too many file systems");
        for (size_t i = 0; i < g->plan->fsops.n; i++) {
                const struct fsop *op = &g->plan->fsops.items[i];
                int k;

                if (op->kind != FSOP_FRESH || op->flags & skip || g->plan->one_by_one)
                        continue;
                k = make_fresh(g, op, e);
                if (k < 0)
                        return k;
        }
        return 0;
}

static int do_fresh(struct guest *g, const struct fsop *op, struct err *e) {
        int *made = &g->made[op - g->plan->fsops.items], k;

        if (op->flags & FSOP_BY_HOST) {
                CLEAN_FD int slot = guest_slot(g, op, e);

                k = slot < 0 ? slot : attach(g, op, slot, e);
                return k < 0 ? k : remember(g, op, slot, e);
        }
        k = *made < 0 ? make_fresh(g, op, e) : 0;
        k = k < 0 ? k : attach(g, op, *made, e);
        clean_fd(made);
        *made = -1;
        return k;
}

static int do_tree(struct guest *g, const struct fsop *op, struct err *e) {
        CLEAN_FD int slot = -1;
        int k;

        /* A part that was to be kept, and is not there. */
        if (!fsop_of_launcher(op) && g->run->held.slots[op->slot] < 0 && op->flags & FSOP_OPTIONAL)
                return 0;
        slot = guest_slot(g, op, e);
        if (slot < 0)
                return slot;
        /* The launcher set the flags of what it opened; parts kept by the guest still want theirs. */
        k = op->host ? 0 : set_mount(slot, op, e);
        k = k < 0 ? k : attach(g, op, slot, e);
        return k < 0 ? k : remember(g, op, slot, e);
}

static int do_overlay(struct guest *g, const struct fsop *op, struct err *e) {
        CLEAN_FD int slot = guest_slot(g, op, e);

        return slot < 0 ? slot : attach(g, op, slot, e);
}

/* Once more onto itself. */
static int do_self_in_kernel(struct guest *g, const struct fsop *op, int top, const char *name, struct err *e) {
        CLEAN_FD int mount = mount_clone(top, name, op->flags & FSOP_RECURSIVE);
        int k;

        if (mount == -ENOENT && op->flags & FSOP_OPTIONAL)
                return 0;
        if (mount < 0)
                return err_set(e, ERR_SYSTEM, -mount, "cannot bind /%s (%s)", op->dst, op->why);
        k = set_mount(mount, op, e);
        return k < 0 ? k : attach_in_kernel(g, op, mount, top, name, e);
}

static int do_self(struct guest *g, const struct fsop *op, struct err *e) {
        const char *src = op->src ? op->src : op->dst, *name;
        int top = op->src ? -1 : kernel_top(g, op, &name), k;
        CLEAN_FD int from = -1, mount = -1;

        if (top >= 0)
                return do_self_in_kernel(g, op, top, name, e);
        from = resolve_plain(g->root, src, O_PATH);
        if (from == -ENOENT && op->flags & FSOP_OPTIONAL)
                return 0;
        if (from < 0)
                return err_set(e, ERR_SYSTEM, -from, "cannot open /%s (%s)", src, op->why);
        mount = mount_clone(from, "", op->flags & FSOP_RECURSIVE);
        if (mount < 0)
                return err_set(e, ERR_SYSTEM, -mount, "cannot bind /%s (%s)", src, op->why);
        k = set_mount(mount, op, e);
        if (k < 0 || op->src)
                return k < 0 ? k : attach(g, op, mount, e);
        k = identify(from, src, identity(g, op), e);
        return k < 0 ? k : attach_at(op, mount, from, e);
}

/* A copy of the cover for what st says. */
static int clone_cover(struct guest *g, const struct fsop *op, const struct stat *st, struct err *e) {
        const struct cover *cover = S_ISDIR(st->st_mode) ? &g->inaccessible_dir : &g->inaccessible_file;
        int mount = mount_clone(cover->fd, "", false);

        *identity(g, op) = cover->is;
        return mount < 0 ? err_set(e, ERR_SYSTEM, -mount, "cannot bind the cover of /%s", op->dst) : mount;
}

static int cannot_hide(const struct fsop *op, int code, struct err *e) {
        return err_set(e, ERR_SYSTEM, code, "cannot open /%s (%s)", op->dst, op->why);
}

static int hide_by_name(struct guest *g, const struct fsop *op, bool dir) {
        int k = mount_bind(dir ? "run/host/inaccessible/dir" : "run/host/inaccessible/reg", op->dst);

        if (k == 0)
                *identity(g, op) = dir ? g->inaccessible_dir.is : g->inaccessible_file.is;
        return k;
}

static int hide_in_kernel(struct guest *g, const struct fsop *op, int top, const char *name, struct err *e) {
        /* What is hidden of proc are files, so that need not be asked. Should it be a directory, the kernel refuses,
         * but waits for all processors before it says so. */
        int k = g->from_top && op->dst[0] == 'p' ? hide_by_name(g, op, false) : -ENOTDIR;
        CLEAN_FD int mount = -1;
        struct stat st;

        if (k != -ENOTDIR && k != -ENOENT)
                return attached(op, k, e);
        if (fstatat(top, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT && op->flags & FSOP_OPTIONAL ? 0 : cannot_hide(op, errno, e);
        /* One call where open_tree(2), move_mount(2) and close(2) are three. */
        if (g->from_top)
                return attached(op, hide_by_name(g, op, S_ISDIR(st.st_mode)), e);
        mount = clone_cover(g, op, &st, e);
        return mount < 0 ? mount : attached(op, mount_attach_at(mount, top, name), e);
}

static int do_hide(struct guest *g, const struct fsop *op, struct err *e) {
        const char *name;
        int top = kernel_top(g, op, &name), k;
        CLEAN_FD int dst = -1, mount = -1;
        struct stat st;

        if (top >= 0)
                return hide_in_kernel(g, op, top, name, e);
        dst = look_up(g, op);
        if (dst == -ENOENT && op->flags & FSOP_OPTIONAL)
                return 0;
        if (dst < 0 || fstat(dst, &st) < 0)
                return cannot_hide(op, dst < 0 ? -dst : errno, e);
        mount = clone_cover(g, op, &st, e);
        if (mount < 0)
                return mount;
        k = op->flags & FSOP_FOLLOW ? check_link(g, op, dst, e) : 0;
        return k < 0 ? k : attach_at(op, mount, dst, e);
}

static int do_keep(struct guest *g, const struct fsop *op, struct err *e) {
        CLEAN_FD int from = look_up(g, op);
        int mount;

        if (from == -ENOENT && op->flags & FSOP_OPTIONAL)
                return 0;
        mount = from < 0 ? from : mount_clone(from, "", op->flags & FSOP_RECURSIVE);
        if (mount < 0)
                return err_set(e, ERR_SYSTEM, -mount, "cannot keep /%s (%s)", op->dst, op->why);
        g->run->held.slots[op->slot] = mount;
        return 0;
}

static int do_detach(struct guest *g, const struct fsop *op, struct err *e) {
        CLEAN_FD int dst = resolve_plain(g->root, op->dst, O_PATH | O_DIRECTORY);

        clean_fd(&g->sys);
        g->sys = -1;
        /* umount2(2) wants a path: the working directory is the one that cannot be exchanged. */
        if (dst < 0 || fchdir(dst) < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
                return err_set(e, ERR_SYSTEM, dst < 0 ? -dst : errno, "cannot detach /%s", op->dst);
        return 0;
}

static int do_dir(struct guest *g, const struct fsop *op, struct err *e) {
        CLEAN_FD int dir = open_destination(g, op, e);
        struct stat st;

        if (dir < 0)
                return dir;
        return fstat(dir, &st) == 0 && S_ISDIR(st.st_mode) ? 0 : attached(op, -ENOTDIR, e);
}

static int do_fsop(struct guest *g, const struct fsop *op, struct err *e) {
        switch (op->kind) {
        case FSOP_FRESH: return do_fresh(g, op, e);
        case FSOP_TREE: return do_tree(g, op, e);
        case FSOP_OVERLAY: return do_overlay(g, op, e);
        case FSOP_SELF: return do_self(g, op, e);
        case FSOP_HIDE: return do_hide(g, op, e);
        case FSOP_KEEP: return do_keep(g, op, e);
        case FSOP_DETACH: return do_detach(g, op, e);
        case FSOP_WRITE: return guest_write_file(g, op, e);
        case FSOP_LINK: return guest_write_link(g, op, e);
        case FSOP_REMOVE: return guest_remove(g, op, e);
        case FSOP_DIR: return do_dir(g, op, e);
        }
        return err_set(e, ERR_BUG, 0, "unknown file system operation %d", op->kind);
}

/* What proc and sysfs are covered with. No link of the tree is followed for it. */
static bool is_cover(const struct fsop *op) {
        return (op->kind == FSOP_SELF || op->kind == FSOP_HIDE) && of_kernel(op);
}

/* Most mounts of a start are such covers. A builder makes them at the time when the host's mounts are detached, unless
 * something else is mounted on proc or sysfs, or may be, by a link of the tree: the order of the two would be another
 * one. */
static bool covers_wait(const struct guest *g) {
        for (size_t i = 0; i < g->plan->fsops.n; i++) {
                const struct fsop *op = &g->plan->fsops.items[i];
                bool other = in_kernel_tree(op) && !(op->flags & FSOP_LATE) && !is_cover(op);

                if (other || op->flags & (FSOP_OF_USER | FSOP_FOLLOW) || op->kind == FSOP_DETACH ||
                    op->kind == FSOP_KEEP)
                        return false;
        }
        return g->pair >= 0;
}

enum pass { PASS_FIRST, PASS_COVERS, PASS_LATE };

static enum pass pass_of(const struct guest *g, const struct fsop *op) {
        return op->flags & FSOP_LATE ? PASS_LATE : g->covers_wait && is_cover(op) ? PASS_COVERS : PASS_FIRST;
}

static int run_pass(struct guest *g, enum pass pass, struct err *e) {
        for (size_t i = 0; i < g->plan->fsops.n; i++) {
                const struct fsop *op = &g->plan->fsops.items[i];
                int k;

                if (pass_of(g, op) != pass || run_leaves_out(g->run, op))
                        continue;
                k = do_fsop(g, op, e);
                if (k < 0 && run_spares_journal(g->run, op))
                        g->run->refuted = REFUTED_JOURNAL;
                if (k < 0)
                        return fsop_blame(op, k, e);
        }
        return 0;
}

int guest_mounts(struct guest *g, struct err *e) {
        int k;

        g->covers_wait = covers_wait(g);
        k = run_pass(g, PASS_FIRST, e);
        g->run->start = START_TREES;
        /* Mount points of what comes late: by then the tree may be read-only. */
        for (size_t i = 0; k == 0 && i < g->plan->fsops.n; i++) {
                const struct fsop *op = &g->plan->fsops.items[i];
                CLEAN_FD int dst = -1;

                if (!(op->flags & FSOP_LATE) || !(op->flags & FSOP_MAKE_DIR))
                        continue;
                dst = open_destination(g, op, e);
                k = dst < 0 ? dst : 0;
        }
        return k;
}

/* The working directory is the top of the tree now, and what covers them is at its place in it: see covers_wait(). */
int guest_covers(struct guest *g, struct err *e) {
        g->from_top = true;
        return run_pass(g, PASS_COVERS, e);
}

int guest_late_mounts(struct guest *g, struct err *e) {
        return run_pass(g, PASS_LATE, e);
}

int guest_pivot(struct guest *g, struct err *e) {
        int k = mount_pivot(g->root);

        return k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot make %s the root directory", g->plan->root.path) : 0;
}

/* What comes from the host may be moved away, which a peer's may not (mount(2), EINVAL). */
static int take_from_host(struct guest *g, const struct fsop *op, struct err *e) {
        const struct mount_change slave = { .propagation = MS_SLAVE, .userns = -1 };
        CLEAN_FD int mount = resolve_plain(g->root, op->dst, O_PATH);
        int k = mount < 0 ? mount : mount_change(mount, &slave);

        return k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot let mounts of the host into /%s", op->dst) : 0;
}

/* An init expects it; nothing outside is in this peer group. */
int guest_share_mounts(struct guest *g, struct err *e) {
        const struct mount_change shared = { .propagation = MS_SHARED, .userns = -1, .recursive = true };
        int k = mount_change(g->root, &shared);

        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make the root directory shared");
        for (size_t i = 0; k == 0 && i < g->plan->fsops.n; i++)
                if (g->plan->fsops.items[i].flags & FSOP_SLAVE)
                        k = take_from_host(g, &g->plan->fsops.items[i], e);
        return k;
}
