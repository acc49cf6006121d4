/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P, in the host's namespaces, while the guest makes its own file systems: opens every source that the guest
 * needs as a detached mount or a file. Changes nothing that others can see; paths here are the host's own. */

#include "run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/path_hint.h"
#include "base/str.h"
#include "plan/words.h"
#include "sys/idmap.h"
#include "sys/mounts.h"
#include "sys/resolve.h"

static int refute(struct run *r, enum refutable what, int result) {
        r->refuted = what;
        return result;
}

/* A copied tree gets mount ids one after the other, and so does the next mount made. A gap between the tree's root and
 * that one means mounts inside, or somebody mounting elsewhere at this moment. */
static bool follows(int root, int next) {
        uint64_t first, second;
        bool unique, also;

        return mount_id(root, &first, &unique) == 0 && mount_id(next, &second, &also) == 0 && unique && also &&
               second == first + 1;
}

/* Once more, with nothing between the two, before it is believed. */
static bool is_alone(struct run *r) {
        CLEAN_FD int other = -1;

        clean_fd(&r->held.root);
        r->held.root = mount_clone(r->opened->root, "", true);
        other = mount_clone(r->opened->root, "", false);
        return r->held.root >= 0 && other >= 0 && follows(r->held.root, other);
}

static int check_submounts(struct run *r, int next, struct err *e) {
        if (follows(r->held.root, next) || is_alone(r))
                return 0;
        return refute(r, REFUTED_SUBMOUNTS,
                      err_set(e, ERR_BUG, EAGAIN, "cannot tell what is mounted inside %s", r->plan->root.path));
}

static int refuse_by_launcher(struct run *r, const struct fsop *op, int code, struct err *e) {
        if (code == -EPERM && streq(op->src, "sysfs"))
                return refute(r, REFUTED_SYSFS, err_set(e, ERR_HOST, EPERM, "cannot mount a sysfs here"));
        if (code == -EINVAL && fsop_label(op))
                return fsop_refuse_label(op, e);
        return err_set(e, ERR_HOST, -code, "cannot make a %s for /%s", op->src, op->dst);
}

static int mount_by_launcher(struct run *r, const struct fsop *op, struct err *e) {
        int fs = mount_fresh(op->src, op->options, op->set);

        if (fs < 0)
                return refuse_by_launcher(r, op, fs, e);
        r->held.slots[op->slot] = fs;
        return 0;
}

/* It may be one of another partition. */
static int enter_image(struct run *r, struct err *e) {
        const char *pivot = r->plan->root.pivot;
        int k = mount_clone(r->opened->root, "", false);

        k = k == -EINVAL ? mount_clone_detached(&r->opened->whole, pivot, false) : k;
        if (k >= 0) {
                r->held.root = k;
                return 0;
        }
        err_set(e, ERR_HOST, -k, "cannot make /%s of %s the root directory (--pivot-root=)", pivot,
                r->plan->root.path);
        return err_blame(e, "pivot-root", NULL);
}

static int clone_tree(struct run *r, struct err *e) {
        int k;

        r->held.root = mount_clone(r->opened->root, "", r->plan->root.check_submounts);
        if (r->held.root >= 0)
                return 0;
        k = err_set(e, ERR_HOST, -r->held.root, "cannot take %s as a root directory", r->plan->root.path);
        return r->held.root == -EPERM ? err_hint(e, "berth needs CAP_SYS_ADMIN to mount") : k;
}

/* The tree, and at once the mount that is next: between the two nobody else should mount anything, and builder and
 * guest are at work (an ipc namespace makes a mount, too). */
static int clone_tree_and_mount(struct run *r, const struct fsop *op, struct err *e) {
        CLEAN_FD int fs = mount_prepare(op->src, op->options);
        int k = fs < 0 ? refuse_by_launcher(r, op, fs, e) : clone_tree(r, e), mount;

        if (k < 0)
                return k;
        mount = mount_prepared(fs, op->set);
        if (mount < 0)
                return refuse_by_launcher(r, op, mount, e);
        r->held.slots[op->slot] = mount;
        return check_submounts(r, mount, e);
}

/* A restart takes what the first start has found. */
static int take_tree_as_root(struct run *r, struct err *e) {
        const struct plan *p = r->plan;
        int k;

        /* A mount of its own, for there is no other way to have a second one of what is attached nowhere. */
        if (r->image && p->root.pivot)
                return enter_image(r, e);
        if (r->image) {
                k = image_mount(r->image, 0, e);
                r->held.root = k < 0 ? -1 : k;
                return k < 0 ? k : 0;
        }
        if (!p->root.check_submounts || r->again)
                return clone_tree(r, e);
        for (size_t i = 0; i < p->fsops.n; i++)
                if (p->fsops.items[i].flags & FSOP_BY_HOST && p->fsops.items[i].kind == FSOP_FRESH)
                        return clone_tree_and_mount(r, &p->fsops.items[i], e);
        /* Nothing follows to compare with: look. */
        return refute(r, REFUTED_SUBMOUNTS, err_set(e, ERR_BUG, EAGAIN, "cannot tell what is mounted inside"));
}

/* Nobody else can reach it yet, so names in it lead nowhere else. Its files are root's own inside. */
static int take_fresh_as_root(struct run *r, struct err *e) {
        const struct fsop *op = r->plan->root.fresh;
        struct seeded none = { -1, -1 };
        bool map = op->flags & FSOP_IDMAP;
        uint32_t root = r->plan->ids.own && !map ? r->plan->ids.base : 0;
        int fs = mount_fresh(op->src, op->options, op->set), k;

        r->held.root = fs;
        if (fs < 0)
                return err_set(e, ERR_HOST, -fs, "cannot make a %s for the root directory", op->src);
        k = seed_all(fs, &op->seeds, &none, e);
        for (size_t i = 0; k == 0 && i < op->seeds.n; i++)
                k = fchownat(fs, op->seeds.items[i].path, root, root, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
        if (k == 0 && fchownat(fs, "", root, root, AT_EMPTY_PATH) < 0)
                k = -errno;
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot fill a new root directory");
        return map ? host_map_owners(r, &(struct mapping){ fs, r->held.userns, false }, "a new root directory", e) : 0;
}

/* The directory of a mount stack that is its root. */
static int take_base_as_root(struct run *r, struct err *e) {
        const struct mount_change private = { .propagation = MS_PRIVATE, .userns = -1 };
        const char *base = r->plan->root.base;
        CLEAN_FD int dir = base ? open(base, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        int k;

        if (!base)
                return 0;
        k = dir < 0 ? -errno : mount_clone(dir, "", false);
        r->held.root = k < 0 ? -1 : k;
        k = k < 0 ? k : mount_change(r->held.root, &private);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot take %s as a root directory", base) : 0;
}

int host_take_root(struct run *r, struct err *e) {
        int k = r->plan->root.fresh ? take_fresh_as_root(r, e)
                : r->stack          ? take_base_as_root(r, e)
                                    : take_tree_as_root(r, e);

        if (k < 0 || !r->plan->root.overlay)
                return k;
        k = host_make_overlay(r, r->plan->root.overlay, TAKE_FD(r->held.root), 0, e);
        if (k == -ENODEV || k == -EINVAL || k == -EPERM)
                r->refuted = r->refuted == REFUTED_NOTHING ? REFUTED_OVERLAY : r->refuted;
        r->held.root = k;
        return k < 0 ? k : 0;
}

static int take_fresh(struct run *r, const struct fsop *op, struct err *e) {
        const struct mount_change seal = { .set = MOUNT_ATTR_RDONLY, .userns = -1 };
        struct seeded got = { r->held.notify, r->held.kmsg };
        int k = r->held.slots[op->slot] >= 0 ? 0 : mount_by_launcher(r, op, e);

        if (k < 0)
                return k;
        k = host_has_secrets(op) ? host_fill_secrets(r, op, r->held.slots[op->slot], e)
                                 : seed_all(r->held.slots[op->slot], &op->seeds, &got, e);
        r->held.notify = got.notify;
        r->held.kmsg = got.kmsg;
        if (k == -EPERM && op->seeds.n > 0)
                return refute(r, REFUTED_MKNOD, k);
        if (k < 0 || !(op->flags & FSOP_SEAL))
                return k;
        k = mount_change(r->held.slots[op->slot], &seal);
        return k < 0 ? err_set(e, ERR_SYSTEM, -k, "cannot seal /%s", op->dst) : 0;
}

/* A path that leads through the tree is the tree's word, not the host's. */
static int open_source(struct run *r, const struct fsop *op) {
        int fd;

        if (op->flags & FSOP_WHOLE)
                return resolve_plain(r->opened->whole, ".", O_PATH);
        if (op->flags & FSOP_IN_TREE && op->src)
                return resolve_in_root(r->opened->root, *op->src ? op->src : ".", O_PATH);
        if (op->flags & FSOP_IN_TREE)
                return resolve_plain(r->opened->root, op->dst, O_PATH);
        fd = open(op->host, O_PATH | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int take_part(struct run *r, const struct fsop *op, struct err *e) {
        const struct mount_change change = { .set = op->set, .userns = -1 };
        bool stacked = op->flags & FSOP_OF_STACK;
        int k = image_mount(stacked ? r->stack->images[op->part] : r->image, stacked ? 0 : op->part, e);

        if (k < 0 && !stacked && image_may_mend(r->image, &r->image->parts[op->part]))
                return refute(r, REFUTED_SOUND, k);
        if (k < 0)
                return k;
        r->held.slots[op->slot] = k;
        k = mount_change(k, &change);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot set the mount flags of %s (%s)", op->host, op->why) : 0;
}

/* What is seen of an image is attached nowhere. */
static int clone_of_view(struct run *r, const struct fsop *op) {
        const char *path = op->src ? str_or(*op->src ? op->src : NULL, ".") : op->dst;

        if (op->flags & FSOP_WHOLE)
                return mount_clone_detached(&r->opened->whole, ".", false);
        /* Below a mount, it can be attached nowhere. */
        return r->plan->root.pivot ? -EINVAL
                                   : mount_clone_detached(&r->opened->root, path, op->flags & FSOP_RECURSIVE);
}

static int take_tree(struct run *r, const struct fsop *op, struct err *e) {
        /* A copy is a peer of its source: it would follow what the host mounts there. */
        const struct mount_change change = {
                .set = op->set,
                .clear = op->clear,
                .propagation = op->flags & FSOP_SLAVE ? MS_SLAVE : MS_PRIVATE,
                .userns = -1,
                .recursive = op->flags & FSOP_RECURSIVE,
        };
        CLEAN_FD int source = open_source(r, op);
        int k;

        if (source < 0) {
                err_set(e, ERR_HOST, -source, "cannot open %s (%s)", op->host, op->why);
                return op->flags & (FSOP_WHOLE | FSOP_IN_TREE) ? source : err_hint_path(e, op->host);
        }
        k = mount_clone(source, "", op->flags & FSOP_RECURSIVE);
        if (k == -EINVAL && op->flags & (FSOP_IN_TREE | FSOP_WHOLE) && (r->image || r->stack))
                k = clone_of_view(r, op);
        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot bind %s (%s)", op->host, op->why);
        r->held.slots[op->slot] = k;
        k = mount_change(r->held.slots[op->slot], &change);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot set the mount flags of %s (%s)", op->host, op->why) : 0;
}

static int take_file(struct run *r, const struct fsop *op, struct err *e) {
        int fd = open(op->host, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;

        if (fd < 0) {
                err_set(e, ERR_HOST, errno, "cannot open %s (%s)", op->host, op->why);
                return err_hint_path(e, op->host);
        }
        r->held.slots[op->slot] = fd;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return err_set(e, ERR_HOST, 0, "%s is no regular file (%s)", op->host, op->why);
        return 0;
}

static int take_overlay(struct run *r, const struct fsop *op, struct err *e) {
        int k = host_lock_upper(r, op, e);

        k = k < 0 ? k : host_make_overlay(r, op->overlay, -1, op->set, e);

        r->held.slots[op->slot] = k;
        return k < 0 ? k : 0;
}

static int take_slot(struct run *r, const struct fsop *op, struct err *e) {
        int k;

        if (op->kind == FSOP_FRESH)
                return take_fresh(r, op, e);
        k = op->kind == FSOP_OVERLAY                      ? take_overlay(r, op, e)
            : op->kind == FSOP_WRITE                      ? take_file(r, op, e)
            : op->flags & (FSOP_OF_IMAGE | FSOP_OF_STACK) ? take_part(r, op, e)
                                                          : take_tree(r, op, e);
        return k < 0 ? fsop_blame(op, k, e) : 0;
}

/* What was asked for by name. */
static int map_users(int mount, int userns, const struct fsop *op, struct err *e) {
        const struct mount_change change = { .userns = userns, .recursive = op->flags & FSOP_RECURSIVE };
        int k = mount_change(mount, &change);

        if (k == 0)
                return 0;
        err_set(e, ERR_HOST, -k, "cannot map the owners of %s (%s)", op->host, op->why);
        err_hint(e, op->flags & FSOP_OF_USER ? "not every file system can; norbind leaves out what is mounted below it"
                                             : "not every file system can; --private-users=no does without");
        return fsop_blame(op, k, e);
}

static int map_by_list(struct run *r, const struct fsop *op, struct err *e) {
        CLEAN_FD int userns = idmap_make_of(r->opened->proc, &op->owners->uids, &op->owners->gids);

        if (userns >= 0)
                return map_users(r->held.slots[op->slot], userns, op, e);
        err_set(e, ERR_HOST, -userns, "cannot make the map of owners of %s (%s)", op->host, op->why);
        if (userns == -EINVAL)
                err_hint(e, "an id may be in one map= only");
        return fsop_blame(op, userns, e);
}

int host_map_owners(struct run *r, const struct mapping *m, const char *what, struct err *e) {
        const struct mount_change change = { .userns = m->userns, .recursive = m->recursive };
        int k = mount_change(m->mount, &change);

        if (k == -EINVAL)
                r->refuted = REFUTED_IDMAP;
        if (k < 0) {
                err_set(e, ERR_HOST, -k, "cannot map the owners of %s", what);
                return err_hint(e, "--private-users=no does without");
        }
        return 0;
}

/* A file system's owners can be mapped only while it is detached, and only by a user namespace that has its maps. */
static int map_root(struct run *r, struct err *e) {
        const struct plan *p = r->plan;
        CLEAN_FD int userns = -1;
        bool own;

        /* The layers of an overlay were mapped each for itself, and a new root has its owners. */
        if (!p->root.idmap || p->root.overlay || p->root.fresh)
                return 0;
        own = p->root.idmap_host || p->ids.tree_base > 0;
        userns = own ? idmap_make_of(r->opened->proc, &p->ids.in_tree, &p->ids.in_tree) : -1;
        if (own && userns < 0)
                return err_set(e, ERR_SYSTEM, -userns, "cannot make a user namespace to map owners by");
        return host_map_owners(r, &(struct mapping){ r->held.root, userns < 0 ? r->held.userns : userns },
                               p->root.path, e);
}

/* A part of a tree whose ids are neither the container's nor those of its range. */
static int map_foreign(struct run *r, const struct fsop *op, struct err *e) {
        const struct plan *p = r->plan;
        CLEAN_FD int userns = idmap_make_of(r->opened->proc, &p->ids.in_tree, &p->ids.in_tree);

        if (userns < 0)
                return err_set(e, ERR_SYSTEM, -userns, "cannot make a user namespace to map owners by");
        return map_users(r->held.slots[op->slot], userns, op, e);
}

static int take_source(struct run *r, const struct fsop *op, struct err *e) {
        int k = take_slot(r, op, e);

        if (k == 0 && op->owners)
                return map_by_list(r, op, e);
        if (k < 0 || !(op->flags & FSOP_IDMAP))
                return k;
        if (op->flags & FSOP_IN_TREE && r->plan->ids.tree_base > 0)
                return map_foreign(r, op, e);
        if (op->flags & FSOP_OF_USER)
                return map_users(r->held.slots[op->slot], r->held.userns, op, e);
        return host_map_owners(
                r, &(struct mapping){ r->held.slots[op->slot], r->held.userns, op->flags & FSOP_RECURSIVE }, op->dst,
                e);
}

/* What was sent is the guest's; ours would keep its mounts busy. */
static int send_one(struct run *r, int slot, int *fd, struct err *e) {
        const struct message m = { .kind = MSG_TREES, .slots = { (short) slot } };
        int k = protocol_send_fds(r->held.sock, &m, &(struct msg_fds){ .n = 1, .fd = { *fd } }, e);

        clean_fd(fd);
        *fd = -1;
        return k;
}

int host_take_slots(struct run *r, struct err *e) {
        bool one_by_one = r->plan->one_by_one;
        int k = map_root(r, e);

        k = k < 0 || !one_by_one ? k : send_one(r, SLOT_ROOT, &r->held.root, e);
        for (size_t i = 0; k == 0 && i < r->plan->fsops.n; i++) {
                const struct fsop *op = &r->plan->fsops.items[i];

                if (!fsop_of_launcher(op) || run_leaves_out(r, op))
                        continue;
                k = take_source(r, op, e);
                if (k < 0 && run_spares_journal(r, op))
                        r->refuted = REFUTED_JOURNAL;
                k = k < 0 || !one_by_one ? k : send_one(r, op->slot, &r->held.slots[op->slot], e);
        }
        return k;
}

static void add_fd(struct message *m, struct msg_fds *fds, int slot, int fd) {
        if (fd < 0)
                return;
        m->slots[fds->n] = (short) slot;
        fds->fd[fds->n++] = fd;
}

int host_send_slots(struct run *r, struct err *e) {
        struct message m = { .kind = MSG_TREES };
        struct msg_fds fds = { 0 };
        int k;

        _Static_assert(PLAN_SLOTS + 1 <= MSG_FDS, "all slots and the root go in one message");
        add_fd(&m, &fds, SLOT_ROOT, r->held.root);
        for (int i = 0; i < PLAN_SLOTS; i++)
                add_fd(&m, &fds, i, r->held.slots[i]);
        k = fds.n > 0 ? protocol_send_fds(r->held.sock, &m, &fds, e) : 0;
        host_drop_slots(r);
        return k;
}

void host_drop_slots(struct run *r) {
        for (int i = 0; i < r->plan->n_slots; i++) {
                clean_fd(&r->held.slots[i]);
                r->held.slots[i] = -1;
        }
        clean_fd(&r->held.root);
        r->held.root = -1;
}
