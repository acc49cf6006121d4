/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl mount, umount: a directory or file of the host, in a running container. We enter its mount namespace and
 * nothing else of it: no process of it can see or trace us. Names in it are looked up in-root. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/path_hint.h"
#include "base/str.h"
#include "cli/ctl.h"
#include "cli/ctl_copy.h"
#include "cli/ctl_rows.h"
#include "cli/ctl_view.h"
#include "sys/idmap.h"
#include "sys/mounts.h"
#include "sys/ns.h"
#include "sys/resolve.h"

static int check_target(const char *path, struct err *e) {
        if (is_plain_absolute(path) && !streq(path, "/"))
                return 0;
        err_set(e, ERR_USAGE, 0, "%s cannot be a mount point", path);
        return err_hint(e, "an absolute path below /, without . and ..");
}

static bool has_own_users(const struct target *t) {
        return t->is.is.id_count > 0;
}

/* Files belong inside to the ids that they belong to outside. */
static int set_attributes(struct ctl *c, const struct target *t, int tree, struct err *e) {
        CLEAN_FD int userns = -1;
        struct mount_change change = {
                .set = MOUNT_ATTR_NODEV | (ctl_is_set(c, "read-only") ? MOUNT_ATTR_RDONLY : 0),
                .propagation = MS_PRIVATE,
                .userns = -1,
                .recursive = true,
        };
        int k;

        if (has_own_users(t) && !ctl_is_set(c, "no-map")) {
                userns = change.userns = idmap_open(c->proc, t->is.is.leader);
                if (userns < 0)
                        return err_set(e, ERR_HOST, -userns, "cannot open the user namespace of %s", t->is.name);
        }
        k = mount_change(tree, &change);
        if (k == 0)
                return 0;
        err_set(e, ERR_HOST, -k, "cannot set the attributes of a mount of %s", c->words[1]);
        return k == -EINVAL || k == -EPERM
                       ? err_hint(e, "its file system, or one mounted below it, may have no id maps; --no-map leaves "
                                     "owners as they are")
                       : k;
}

static int make_tree(struct ctl *c, const struct target *t, struct err *e) {
        CLEAN_FD int source = open(c->words[1], O_PATH | O_CLOEXEC), tree = -1;
        int k;

        if (source < 0) {
                err_set(e, ERR_HOST, errno, "cannot open %s", c->words[1]);
                return err_hint_path(e, c->words[1]);
        }
        tree = mount_clone(source, "", true);
        if (tree < 0)
                return err_set(e, ERR_HOST, -tree, "cannot clone the mount of %s", c->words[1]);
        k = set_attributes(c, t, tree, e);
        if (k < 0)
                return k;
        if (!has_own_users(t))
                return TAKE_FD(tree);
        /* Root inside owns its mounts, and could make one writable again that is not locked. */
        k = mount_lock(TAKE_FD(tree));
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot lock the mount of %s", c->words[1]) : k;
}

/* A mount point that is not there is made as the container's root would make it. */
static int make_point(int above, const char *name, bool directory, const struct copy *as, struct err *e) {
        CLEAN_FD int fd = -1;
        int k = copy_check_target(as, above, e);

        if (k < 0)
                return k;
        if (directory)
                k = mkdirat(above, name, 0755) < 0 && errno != EEXIST ? -errno : 0;
        else {
                fd = openat(above, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
                k = fd < 0 && errno != EEXIST ? -errno : 0;
        }
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot make %s in %s", name, as->container) : 0;
}

/* All that is missing on the way is a directory; the last part is what the source is. path is changed. */
static int make_points(int root, char *path, bool directory, const struct copy *as, struct err *e) {
        CLEAN_FD int fd = resolve_in_root(root, *path ? path : "/", O_PATH), above = -1;
        char *slash = strrchr(path, '/');
        int k;

        if (fd >= 0)
                return 0;
        if (fd != -ENOENT || !slash)
                return err_set(e, ERR_HOST, -fd, "cannot open %s in %s", path, as->container);
        *slash = '\0';
        k = make_points(root, path, true, as, e);
        if (k < 0)
                return k;
        above = resolve_in_root(root, *path ? path : "/", O_RDONLY | O_DIRECTORY);
        k = above < 0 ? err_set(e, ERR_HOST, -above, "cannot open %s in %s", path, as->container)
                      : make_point(above, slash + 1, directory, as, e);
        *slash = '/';
        return k;
}

static bool is_directory(int fd) {
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

static int attach(struct ctl *c, const struct target *t, int root, int tree, struct err *e) {
        CLEAN_FD int point = resolve_in_root(root, c->words[2], O_PATH);
        int k;

        if (point < 0) {
                err_set(e, ERR_HOST, -point, "cannot open %s in %s", c->words[2], t->is.name);
                return point == -ENOENT ? err_hint(e, "--mkdir makes it") : point;
        }
        if (is_directory(tree) != is_directory(point))
                return err_set(e, ERR_HOST, 0, "of %s and %s in %s one is a directory, the other one is not",
                               c->words[1], c->words[2], t->is.name);
        k = mount_attach(tree, point);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot mount on %s in %s", c->words[2], t->is.name) : 0;
}

/* The root of the container as its leader has it: what follows acts on no other path. */
static int enter(struct ctl *c, const struct target *t, struct err *e) {
        CLEAN_FD int root = view_open_root(c, t);
        int k;

        if (root < 0)
                return err_set(e, ERR_HOST, -root, "cannot open the root of %s", t->is.name);
        k = ns_enter(t->fds.leader, CLONE_NEWNS);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot enter the mounts of %s", t->is.name) : TAKE_FD(root);
}

static int mount_into(struct ctl *c, struct target *t, struct err *e) {
        struct copy as = { .container = t->is.name, .inward = true };
        CLEAN_FD int tree = make_tree(c, t, e), root = -1;
        int k = 0;

        if (tree < 0)
                return tree;
        root = enter(c, t, e);
        if (root < 0)
                return root;
        if (ctl_is_set(c, "mkdir")) {
                k = copy_begin(&as, c->proc, t->is.is.leader, e);
                k = k < 0 ? k : make_points(root, arena_strdup(&c->arena, c->words[2]), is_directory(tree), &as, e);
        }
        return k < 0 ? k : attach(c, t, root, tree, e);
}

static int run_mount(struct ctl *c, struct err *e) {
        CLEAN(target_close) struct target t;
        char *slash = strrchr(c->words[2], '/');
        int k = check_target(c->words[2], e);

        target_init(&t);
        /* What is made has the name in front of it. */
        if (k == 0 && !slash[1])
                *slash = '\0';
        k = k < 0 ? k : target_open(c, c->words[0], &t, e);
        return k < 0 ? k : mount_into(c, &t, e);
}

/* The directory above is resolved in-root; the name in it is not followed. */
static int unmount(struct ctl *c, const struct target *t, int root, struct err *e) {
        const char *path = c->words[1], *name = strrchr(path, '/') + 1;
        char *above = arena_strndup(&c->arena, path, (size_t) (name - path));
        CLEAN_FD int dir = resolve_in_root(root, above, O_PATH | O_DIRECTORY);

        if (dir < 0 || fchdir(dir) < 0)
                return err_set(e, ERR_HOST, dir < 0 ? -dir : errno, "cannot open %s in %s", above, t->is.name);
        if (umount2(name, UMOUNT_NOFOLLOW | (ctl_is_set(c, "lazy") ? MNT_DETACH : 0)) == 0)
                return 0;
        if (errno == EBUSY) {
                err_set(e, ERR_BUSY, EBUSY, "cannot unmount %s in %s", path, t->is.name);
                return err_hint(e, "--lazy unmounts it when nobody uses it any more");
        }
        if (errno == EINVAL)
                return err_set(e, ERR_HOST, 0, "%s in %s is no mount point, or one that cannot be taken away", path,
                               t->is.name);
        return err_set(e, ERR_HOST, errno, "cannot unmount %s in %s", path, t->is.name);
}

static int run_umount(struct ctl *c, struct err *e) {
        CLEAN(target_close) struct target t;
        CLEAN_FD int root = -1;
        int k;

        target_init(&t);
        k = check_target(c->words[1], e);
        if (k == 0 && c->words[1][strlen(c->words[1]) - 1] == '/')
                k = err_set(e, ERR_USAGE, 0, "%s ends with a slash", c->words[1]);
        k = k < 0 ? k : target_open(c, c->words[0], &t, e);
        k = root = k < 0 ? k : enter(c, &t, e);
        return k < 0 ? k : unmount(c, &t, root, e);
}

static const struct ctl_option mount_options[] = {
        { 'r', "read-only", NULL, NULL, "It cannot be written to through this mount" },
        { 0, "mkdir", NULL, NULL, "Make the mount point, and what is missing above it" },
        { 0, "no-map", NULL, NULL, "Leave owners as they are: inside they are nobody" },
        CTL_END,
};

static const struct ctl_option umount_options[] = {
        { 'l', "lazy", NULL, NULL, "Now from the tree, and for good when nobody uses it any more" },
        CTL_END,
};

const struct ctl_verb ctl_mount = {
        .name = "mount",
        .synopsis = "NAME SOURCE TARGET",
        .words = CTL_NAME_PATHS,
        .min = 3,
        .max = 3,
        .options = mount_options,
        .help = "Mount a directory or file of the host in a running container",
        .run = run_mount,
};

const struct ctl_verb ctl_umount = {
        .name = "umount",
        .synopsis = "NAME TARGET",
        .words = CTL_NAME_PATHS,
        .min = 2,
        .max = 2,
        .options = umount_options,
        .help = "Unmount what was mounted in a running container",
        .run = run_umount,
};
