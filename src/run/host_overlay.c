/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Process P, in the host's namespaces: several directories become one. Each layer is taken as a detached mount of its
 * own, so that its owners can be mapped before it goes into the overlay, which itself cannot be mapped. */

#include "run/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/msg.h"
#include "base/path_hint.h"
#include "sys/idmap.h"
#include "sys/mounts.h"
#include "sys/overlay.h"
#include "sys/resolve.h"

struct taken {
        const struct overlay *o;
        int lower[OVERLAY_LOWER]; /* -1: not yet */
        int dirs[OVERLAY_LOWER];  /* of each the part that is meant, where it is not the whole */
        int upper;
};

static const char *layer_name(const struct run *r, const struct layer *l) {
        return l->host ? l->host : l->inside && *l->inside ? l->inside : r->plan->root.path;
}

static int open_layer(struct run *r, const struct layer *l, struct err *e) {
        int dir = l->inside ? resolve_in_root(r->opened->root, *l->inside ? l->inside : ".", O_PATH | O_DIRECTORY)
                            : open(l->host, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (dir >= 0)
                return dir;
        err_set(e, ERR_HOST, l->inside ? -dir : errno, "cannot open the layer %s", layer_name(r, l));
        return l->inside ? dir : err_hint_path(e, l->host);
}

/* Its file system need not be the tree's. */
static bool is_of_user(const struct layer *l) {
        return l->host || (l->inside && *l->inside);
}

/* What the kernel makes for itself in an upper layer is ours: the host's root must have a number there. */
static int map_layer(struct run *r, const struct layer *l, int mount, struct err *e) {
        const struct plan *p = r->plan;
        bool kept = l->upper && p->ids.lent;
        const struct idmap_extents *ids = l->inside ? (kept ? &p->ids.kept_in_tree : &p->ids.in_tree)
                                                    : (kept ? &p->ids.kept_on_host : &p->ids.on_host);
        bool with_host = l->idmap && (p->root.idmap_host || l->upper || (l->inside && p->ids.tree_base > 0));
        CLEAN_FD int userns = with_host ? idmap_make_of(r->opened->proc, ids, ids) : -1;
        int k;

        if (!l->idmap)
                return 0;
        if (with_host && userns < 0)
                return err_set(e, ERR_SYSTEM, -userns, "cannot make a user namespace to map owners by");
        k = host_map_owners(r, &(struct mapping){ mount, userns < 0 ? r->held.userns : userns }, layer_name(r, l), e);
        if (k == 0 || r->refuted != REFUTED_IDMAP || !is_of_user(l))
                return k;
        r->refuted = REFUTED_LAYER;
        return err_set(e, ERR_HOST, -k, "the owners in %s, a layer of an overlay, cannot be mapped on its file system",
                       l->host ? l->host : l->inside);
}

/* A copy is a peer of its source: nothing that the host mounts there later shall come along. */
static int take_layer(struct run *r, const struct layer *l, int *ret, struct err *e) {
        const struct mount_change private = { .propagation = MS_PRIVATE, .userns = -1 };
        /* The whole of an image is mounted once more: a detached mount cannot be copied before Linux 6.15. */
        bool empty = *ret < 0 && l->empty, stacked = *ret < 0 && l->of_stack;
        bool image = *ret < 0 && r->image && (l->of_image || (l->inside && !*l->inside));
        bool from_dir = *ret < 0 && !image && !stacked && !empty;
        CLEAN_FD int dir = from_dir ? open_layer(r, l, e) : -1;
        int k;

        if (from_dir && dir < 0)
                return dir;
        if (empty)
                *ret = mount_fresh("tmpfs", "size=4k,nr_inodes=4,mode=0755", 0);
        if (stacked) {
                *ret = image_mount(r->stack->images[l->part], 0, e);
                if (*ret < 0)
                        return *ret;
        }
        if (image) {
                *ret = image_mount(r->image, l->of_image ? l->part : 0, e);
                if (*ret < 0)
                        return *ret;
        }
        if (dir >= 0)
                *ret = mount_clone(dir, "", false);
        k = *ret < 0 ? *ret : mount_change(*ret, &private);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot take the layer %s", layer_name(r, l))
                     : map_layer(r, l, *ret, e);
}

/* What is seen of an overlay's own top directory is the uppermost layer's. */
static int make_data(int upper, const char *name, const struct stat *like) {
        if (mkdirat(upper, name, 0755) < 0)
                return errno == EEXIST ? 0 : -errno;
        if (fchownat(upper, name, like->st_uid, like->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
            fchmodat(upper, name, like->st_mode & 07777, 0) < 0)
                return -errno;
        return 0;
}

/* One that is there is used again; a link or another thing of its name is not. */
static int make_work(int upper, const char *name) {
        struct stat st;

        if (mkdirat(upper, name, 0700) == 0)
                return 0;
        if (errno != EEXIST || fstatat(upper, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/* What lies in the layers is nobody's that could lead elsewhere; one that has no such directory adds nothing. */
static int take_subs(struct run *r, struct taken *t, struct err *e) {
        for (size_t i = 0; i < t->o->lower.n; i++) {
                int k = resolve_plain(t->lower[i], t->o->sub, O_PATH | O_DIRECTORY);

                if (k == -ENOENT) {
                        clean_fd(&t->lower[i]);
                        t->lower[i] = mount_fresh("tmpfs", "size=4k,nr_inodes=4,mode=0755", 0);
                        k = t->lower[i] < 0 ? t->lower[i] : fcntl(t->lower[i], F_DUPFD_CLOEXEC, 3);
                }
                t->dirs[i] = k;
                if (k < 0)
                        return err_set(e, ERR_HOST, -k, "cannot open %s of the layer %s", t->o->sub,
                                       layer_name(r, &t->o->lower.items[i]));
        }
        return 0;
}

static int make_upper(struct taken *t) {
        const struct overlay *o = t->o;
        CLEAN_FD int data = -1;
        struct stat like;
        int k = fstat(t->lower[0], &like) < 0 ? -errno : make_data(t->upper, o->data, &like);

        if (k < 0 || !o->sub)
                return k;
        data = openat(t->upper, o->data, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (data < 0 || fstat(t->dirs[0], &like) < 0)
                return -errno;
        return make_data(data, o->sub, &like);
}

/* What is thrown away of root and partitions is one file system; a user's overlay has its own. */
static int take_memory(struct run *r, struct taken *t, struct err *e) {
        const struct overlay *o = t->o;

        t->upper = o->lasting && r->held.memory >= 0 ? fcntl(r->held.memory, F_DUPFD_CLOEXEC, 3)
                                                     : mount_fresh("tmpfs", o->memory, 0);
        if (t->upper < 0)
                return err_set(e, ERR_HOST, -t->upper, "cannot make a tmpfs for the changes");
        return 0;
}

static int furnish_upper(struct run *r, struct taken *t, struct err *e) {
        const struct overlay *o = t->o;
        const char *where = o->memory ? "memory" : layer_name(r, &o->upper);
        int k = make_upper(t);

        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot make the upper layer in %s", where);
        k = make_work(t->upper, o->work);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot use %s/%s for an overlay", where, o->work) : 0;
}

static int mount_taken(struct run *r, const struct taken *t, uint64_t attrs, struct err *e) {
        const struct overlay_layers l = {
                .lower = t->lower,
                .dirs = t->o->sub ? t->dirs : NULL,
                .n_lower = t->o->lower.n,
                .upper = t->upper,
                .data = t->o->data,
                .work = t->o->work,
                .sub = t->o->sub,
                .userxattr = r->plan->ids.lent || !r->facts->host.first_userns,
                .attach = r->plan->ids.lent,
        };
        int k = overlay_mount(&l, attrs);

        if (k == -ELOOP) {
                err_set(e, ERR_USAGE, 0, "cannot make an overlay over %s: its directories lie in one another",
                        layer_name(r, &t->o->lower.items[0]));
                return err_hint(e, "what --overlay= or --overlay-upper= write to must be apart from the others");
        }
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot make an overlay over %s", layer_name(r, &t->o->lower.items[0]))
                     : k;
}

static bool has_upper(const struct overlay *o) {
        return o->memory || o->upper.host || o->upper.inside;
}

static int make_here(struct run *r, struct taken *t, uint64_t attrs, struct err *e) {
        int k = t->o->memory ? take_memory(r, t, e) : 0;

        if (k == 0 && has_upper(t->o))
                k = furnish_upper(r, t, e);
        k = k < 0 ? k : mount_taken(r, t, attrs, e);
        if (k < 0 || !t->o->memory || !t->o->lasting)
                return k;
        /* As it is now, see overlay_mount(). */
        clean_fd(&r->held.memory);
        r->held.memory = fcntl(t->upper, F_DUPFD_CLOEXEC, 3);
        return k;
}

/* --- with ids that are lent ---
 *
 * An overlay belongs to the user namespace that it was made in, and so does a tmpfs. Those of the host would keep ids
 * that are lent for one run only, for all that the kernel can tell: it lets nobody with such ids make a file there. So
 * a process M makes both as root of the container. It has a mount namespace of its own, since layers must be attached.
 */

static int become_root_inside(struct run *r, struct err *e) {
        if (setns(r->opened->lent, CLONE_NEWUSER) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot enter the user namespace that was lent");
        if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot become root of the user namespace that was lent");
        return unshare(CLONE_NEWNS) < 0 ? err_set(e, ERR_HOST, errno, "cannot make a mount namespace") : 0;
}

/* What was attached goes with M's namespace: of a tmpfs that others are to use after us, a copy stays. */
static int make_inside(struct run *r, struct taken *t, uint64_t attrs, struct err *e) {
        int k = become_root_inside(r, e), overlay = k < 0 ? k : make_here(r, t, attrs, e);

        if (overlay < 0 || !t->o->lasting)
                return overlay;
        clean_fd(&r->held.memory);
        r->held.memory = mount_clone(t->upper, "", false);
        return r->held.memory < 0 ? err_set(e, ERR_SYSTEM, -r->held.memory, "cannot keep the tmpfs for the changes")
                                  : overlay;
}

struct made {
        int result;
        struct err err;
};

static _Noreturn void answer_from_inside(struct run *r, struct taken *t, uint64_t attrs, int sock) {
        struct made m = { 0 };
        struct msg_fds fds = { 0 };
        int overlay = make_inside(r, t, attrs, &m.err);

        m.result = overlay < 0 ? overlay : 0;
        if (overlay >= 0)
                fds.fd[fds.n++] = overlay;
        if (overlay >= 0 && t->o->lasting)
                fds.fd[fds.n++] = r->held.memory;
        _exit(msg_send(sock, &m, sizeof m, &fds) < 0);
}

static int take_answer(struct run *r, const struct taken *t, int sock, struct err *e) {
        struct msg_fds fds = { 0 };
        struct made m;

        if (msg_recv(sock, &m, sizeof m, &fds, 0) != sizeof m)
                return err_set(e, ERR_SYSTEM, ECHILD, "who should make an overlay died");
        if (m.result < 0) {
                *e = m.err;
                return m.result;
        }
        if (fds.n != 1 + t->o->lasting) {
                msg_fds_close(&fds);
                return err_set(e, ERR_BUG, 0, "no overlay came from who should make it");
        }
        if (t->o->lasting) {
                clean_fd(&r->held.memory);
                r->held.memory = fds.fd[1];
        }
        return fds.fd[0];
}

static int make_by_child(struct run *r, struct taken *t, uint64_t attrs, struct err *e) {
        struct process maker = { .pidfd = -1 };
        CLEAN_FD int here = -1, there = -1;
        int pair[2], code, status, k = msg_pair(pair);

        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make a socket pair");
        here = pair[0];
        there = pair[1];
        k = process_clone(0, -1, &maker);
        if (k == 0) {
                close(TAKE_FD(here));
                answer_from_inside(r, t, attrs, there);
        }
        if (k < 0)
                return err_set(e, ERR_SYSTEM, -k, "cannot make a process that makes an overlay");
        close(TAKE_FD(there));
        k = take_answer(r, t, here, e);
        (void) process_wait(maker.pidfd, true, &code, &status);
        clean_fd(&maker.pidfd);
        return k;
}

static int make_of_layers(struct run *r, struct taken *t, uint64_t attrs, struct err *e) {
        int k = 0;

        for (size_t i = 0; k == 0 && i < t->o->lower.n; i++)
                k = take_layer(r, &t->o->lower.items[i], &t->lower[i], e);
        if (k == 0 && t->o->sub)
                k = take_subs(r, t, e);
        if (k == 0 && has_upper(t->o) && !t->o->memory)
                k = take_layer(r, &t->o->upper, &t->upper, e);
        return k < 0 ? k : r->plan->ids.lent ? make_by_child(r, t, attrs, e) : make_here(r, t, attrs, e);
}

int host_lock_upper(struct run *r, const struct fsop *op, struct err *e) {
        const struct overlay *o = op->overlay;
        CLEAN_FD int dir = -1, fd = -1;

        if (!(op->flags & FSOP_OF_USER) || !(o->upper.host || o->upper.inside) || r->plan->root.lock == LOCK_NONE)
                return 0;
        dir = open_layer(r, &o->upper, e);
        if (dir < 0)
                return dir;
        fd = resolve_plain(dir, o->data, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return err_set(e, ERR_HOST, -fd, "cannot open the layer %s of %s", o->data, layer_name(r, &o->upper));
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                err_set(e, ERR_BUSY, errno == EWOULDBLOCK ? EBUSY : errno,
                        "%s/%s, for changes of /%s, is that of another overlay", layer_name(r, &o->upper), o->data,
                        op->dst);
                return err_hint(e, "each needs one of its own");
        }
        r->held.uppers[op->slot] = TAKE_FD(fd);
        return 0;
}

int host_make_overlay(struct run *r, const struct overlay *o, int top, uint64_t attrs, struct err *e) {
        struct taken t = { .o = o, .upper = -1 };
        int k;

        for (size_t i = 0; i < OVERLAY_LOWER; i++)
                t.lower[i] = t.dirs[i] = -1;
        t.lower[0] = top;
        k = o->lower.n > OVERLAY_LOWER ? err_set(e, ERR_USAGE, 0, "an overlay of more than %d layers", OVERLAY_LOWER)
                                       : make_of_layers(r, &t, attrs, e);
        for (size_t i = 0; i < OVERLAY_LOWER; i++) {
                clean_fd(&t.lower[i]);
                clean_fd(&t.dirs[i]);
        }
        clean_fd(&t.upper);
        return k;
}

/* What the kernel has in its directory: whiteouts, which it makes once and links. */
static void empty(int dir, const char *name) {
        CLEAN_FD int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        _Alignas(struct dirent64) char buf[4096];
        ssize_t n = fd < 0 ? -1 : getdents64(fd, (void *) buf, sizeof buf);

        for (ssize_t at = 0; at < n;) {
                const struct dirent64 *d = (const void *) (buf + at);

                if (d->d_name[0] == '#')
                        (void) unlinkat(fd, d->d_name, 0);
                at += d->d_reclen;
        }
}

/* A directory of ours beside one of the user's; the kernel makes two in it. */
static void remove_work(int upper, const char *name) {
        static const char made[][6] = { "work", "index" };
        CLEAN_FD int work = openat(upper, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        for (size_t i = 0; i < ELEMENTS(made) && work >= 0; i++) {
                empty(work, made[i]);
                (void) unlinkat(work, made[i], AT_REMOVEDIR);
        }
        (void) unlinkat(upper, name, AT_REMOVEDIR);
}

void host_drop_overlays(struct run *r) {
        for (size_t i = 0; i < r->plan->fsops.n; i++) {
                const struct fsop *op = &r->plan->fsops.items[i];
                CLEAN_FD int upper = -1;

                if (op->kind != FSOP_OVERLAY || !(op->flags & FSOP_OF_USER) ||
                    !(op->overlay->upper.host || op->overlay->upper.inside))
                        continue;
                /* While it is ours: its own directory may be that of who comes next. */
                upper = r->held.uppers[op->slot] < 0 && r->plan->root.lock != LOCK_NONE
                                ? -1
                                : open_layer(r, &op->overlay->upper, NULL);
                if (upper >= 0)
                        remove_work(upper, op->overlay->work);
                clean_fd(&r->held.uppers[op->slot]);
                r->held.uppers[op->slot] = -1;
        }
}
