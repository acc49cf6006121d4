/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/stack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/binary.h"
#include "base/clean.h"
#include "base/path_hint.h"
#include "base/pick.h"
#include "base/str.h"
#include "base/version.h"
#include "image/protect.h"
#include "sys/mounts.h"
#include "sys/overlay.h"
#include "sys/resolve.h"

enum { LAYERS_MAX = 32, BINDS_MAX = 64 };

static int bad_entry(const char *name, const char *why, const struct facts *f, struct err *e) {
        return err_set(e, ERR_USAGE, 0, "%s in the mount stack %s: %s", name, f->tree.path, why);
}

/* systemd.unit(5), escaping of paths: a dash is a slash, \xNN is what else cannot stand there. NULL: not a path below
 * the root, or not a plain one. */
static const char *unescape(const char *s, struct arena *a) {
        char *path = arena_strdup(a, s), *to = path;

        for (; *s; s++, to++) {
                if (s[0] == '\\') {
                        int high = s[1] == 'x' ? binary_hex_digit(s[2]) : -1,
                            low = high < 0 ? -1 : binary_hex_digit(s[3]);

                        if (low < 0 || high + low == 0)
                                return NULL;
                        *to = (char) (high << 4 | low);
                        s += 3;
                } else
                        *to = *s == '-' ? '/' : *s;
        }
        *to = '\0';
        for (const char *part = path;; part += strcspn(part, "/") + 1) {
                size_t n = strcspn(part, "/");

                if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
                        return NULL;
                if (!part[n])
                        return path;
        }
}

/* Bottom first, as their names sort. */
static void add_layer(struct facts *f, struct arena *a, const char *path, const char *id, bool image) {
        struct stack_layers *l = &f->stack.layers;
        size_t at;

        (void) arena_push(a, l);
        for (at = l->n - 1; at > 0; at--) {
                int r = version_compare(l->items[at - 1].id, id);

                if (r < 0 || (r == 0 && strcmp(l->items[at - 1].id, id) < 0))
                        break;
                l->items[at] = l->items[at - 1];
        }
        l->items[at] = (struct stack_layer){ .path = path, .id = id, .image = image };
}

/* Those above come before those below them. */
static void add_bind(struct facts *f, struct arena *a, const struct stack_bind *new) {
        struct stack_binds *b = &f->stack.binds;
        size_t at;

        (void) arena_push(a, b);
        for (at = b->n - 1; at > 0 && strcmp(b->items[at - 1].where, new->where) > 0; at--)
                b->items[at] = b->items[at - 1];
        b->items[at] = *new;
}

/* What an entry is, whatever version of it. */
struct entry {
        const char *name; /* without .v */
        const char *path;
        bool directory;
};

static int open_entry(const char *name, struct facts *f, struct arena *a, struct entry *ret, struct err *e) {
        const char *raw = str_ending(name, ".raw.v"), *v = str_ending(name, ".v");
        const struct pick newest = { raw ? ".raw" : "", .directories = !raw, .files = raw };
        struct stat st;
        int k;

        ret->path = arena_printf(a, "%s/%s", f->tree.path, name);
        ret->name = v ? arena_strndup(a, name, (size_t) (v - name)) : name;
        k = v ? pick_version(ret->path, &newest, a, &ret->path) : 0;
        if (k == -ENOENT)
                return bad_entry(name, "no version in it fits", f, e);
        if (k < 0 || stat(ret->path, &st) < 0) {
                err_set(e, ERR_HOST, k < 0 ? -k : errno, "cannot look at %s", ret->path);
                return err_hint_path(e, ret->path);
        }
        ret->directory = S_ISDIR(st.st_mode);
        if (!ret->directory && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
                return bad_entry(name, "neither a directory nor an image", f, e);
        if (!ret->directory == !str_ending(ret->name, ".raw"))
                return bad_entry(name, "a directory has no .raw at the end of its name, an image has", f, e);
        return 0;
}

static int take_bind(const struct entry *i, const char *where, bool read_only, struct facts *f, struct arena *a,
                     struct err *e) {
        struct stack_bind new = { .path = i->path, .read_only = read_only, .image = !i->directory };
        const char *raw = new.image ? str_ending(where, ".raw") : NULL;

        new.where = unescape(raw ? arena_strndup(a, where, (size_t) (raw - where)) : where, a);
        if (!new.where)
                return bad_entry(i->name, "not the escaped path of a place inside", f, e);
        if (f->stack.binds.n == BINDS_MAX)
                return bad_entry(i->name, "more of its kind than the 64 that there may be", f, e);
        add_bind(f, a, &new);
        return 0;
}

static int take_layer(const struct entry *i, const char *id, struct facts *f, struct arena *a, struct err *e) {
        const char *raw = i->directory ? NULL : str_ending(id, ".raw");

        if (f->stack.layers.n == LAYERS_MAX)
                return bad_entry(i->name, "more layers than the 32 that there may be", f, e);
        add_layer(f, a, i->path, raw ? arena_strndup(a, id, (size_t) (raw - id)) : id, raw);
        return 0;
}

/* Other names are nobody's business. */
static int take_entry(const char *name, struct facts *f, struct arena *a, struct err *e) {
        const char *layer = str_after(name, "layer@"), *bind = str_after(name, "bind@");
        const char *robind = str_after(name, "robind@");
        bool rw = streq(name, "rw") || streq(name, "rw.v"), root = streq(name, "root") || streq(name, "root.v");
        struct entry i;
        int k;

        if (!layer && !bind && !robind && !rw && !root)
                return 0;
        k = open_entry(name, f, a, &i, e);
        if (k < 0)
                return k;
        if (root) {
                f->stack.root = i.path;
                return 0;
        }
        if (layer)
                return take_layer(&i, str_after(i.name, "layer@"), f, a, e);
        if (bind || robind)
                return take_bind(&i, strchr(i.name, '@') + 1, robind, f, a, e);
        f->stack.rw = i.path;
        f->stack.unused = access(arena_printf(a, "%s/data", i.path), F_OK) < 0 && errno == ENOENT;
        return 0;
}

static int read_stack(struct facts *f, struct arena *a, struct err *e) {
        CLEAN_DIR DIR *dir = opendir(f->tree.path);
        int k = 0;

        if (!dir)
                return err_set(e, ERR_HOST, errno, "cannot read the mount stack %s", f->tree.path);
        for (struct dirent *d; k >= 0 && (d = readdir(dir));)
                k = take_entry(d->d_name, f, a, e);
        return k;
}

/* A root hash is of one image, and none of them was named. */
static const struct spec_protection *protection_of_all(const struct spec *s, struct arena *a) {
        struct spec_protection *p = arena_new(a, struct spec_protection);

        p->no_files = s->root.protection.no_files;
        p->no_embedded = s->root.protection.no_embedded;
        p->no_signature = s->root.protection.no_signature;
        p->no_certificates = s->root.protection.no_certificates;
        p->guess = s->root.protection.guess;
        return p;
}

static void keep_notes(const struct image *m, struct facts *f, struct arena *a) {
        for (size_t i = 0; i < m->notes.n; i++)
                strv_add(a, &f->stack.notes, arena_printf(a, "%s: %s", m->path, m->notes.items[i]));
}

/* The first mount of what is written to: what it says comes before there is a plan. */
static int try_first(struct image *m, struct arena *a, struct err *e) {
        CLEAN_FD int mount = image_mount_mended(m, 0, a, e);

        return mount < 0 ? mount : 0;
}

/* One more image: a layer, or one that is mounted elsewhere. Its number. */
static int open_image(const struct spec *s, const char *path, bool read_only, struct facts *f, struct arena *a,
                      struct stack *stack, struct err *e) {
        bool dry = s->self.dry_run != DRY_RUN_NO;
        const struct image_want want = {
                .path = path,
                .policy = s->root.policy_said ? &s->root.policy : NULL,
                .file_systems = s->root.file_systems,
                .direct_io = s->root.direct_io,
                .protection = protection_of_all(s, a),
                .read_only = read_only,
                .lock = !s->host.no_lock && !dry,
                .no_fsck = s->root.no_fsck,
                .peek = dry,
        };
        struct image *m;
        int k = image_open(&want, a, &m, e);

        if (k < 0)
                return k;
        stack->images[stack->n++] = m;
        k = protect_open(m, a, e);
        k = k < 0 ? k : image_fsck(m, false, a, e);
        k = k < 0 || read_only ? k : try_first(m, a, e);
        k = k < 0 || s->root.no_grow ? k : image_grow_all(m, a, e);
        if (k < 0)
                return k;
        (void) blkid_end(m->blkid);
        keep_notes(m, f, a);
        if (m->parts[0].role == ROLE_ROOT)
                return (int) stack->n - 1;
        err_set(e, ERR_IMAGE, 0, "%s has a usr partition and no root: it cannot be part of a mount stack", path);
        return err_hint(e, "what lies in / of it is");
}

static int open_images(const struct spec *s, struct facts *f, struct arena *a, struct stack *stack, struct err *e) {
        bool spared = s->root.read_only || spec_root_spares_tree(&s->root);
        int k = 0;

        stack->images = arena_alloc(a, (f->stack.layers.n + f->stack.binds.n + 1) * sizeof *stack->images);
        for (size_t i = 0; k >= 0 && i < f->stack.layers.n; i++) {
                struct stack_layer *l = &f->stack.layers.items[i];

                k = l->image ? open_image(s, l->path, true, f, a, stack, e) : 0;
                l->number = k < 0 ? 0 : (unsigned) k;
        }
        for (size_t i = 0; k >= 0 && i < f->stack.binds.n; i++) {
                struct stack_bind *b = &f->stack.binds.items[i];

                k = b->image ? open_image(s, b->path, spared || b->read_only, f, a, stack, e) : 0;
                b->number = k < 0 ? 0 : (unsigned) k;
                if (k >= 0 && b->image)
                        b->read_only = b->read_only || stack->images[k]->parts[0].read_only;
        }
        return k;
}

/* As far as it is there, for nothing is written yet: what was changed before lies on top. */
static int open_layers(const struct facts *f, const struct stack *stack, int *fds, struct err *e) {
        CLEAN_FD int rw = f->stack.rw ? open(f->stack.rw, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        int n = 0, k;

        if (f->stack.rw && rw < 0) {
                err_set(e, ERR_HOST, errno, "cannot open %s", f->stack.rw);
                return err_hint_path(e, f->stack.rw);
        }
        if (rw >= 0) {
                CLEAN_FD int data = openat(rw, "data", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

                k = data < 0 ? -1 : mount_clone(data, "", false);
                if (k >= 0)
                        fds[n++] = k;
        }
        for (size_t i = f->stack.layers.n; i > 0; i--) {
                const struct stack_layer *l = &f->stack.layers.items[i - 1];
                CLEAN_FD int dir = l->image ? -1 : open(l->path, O_PATH | O_DIRECTORY | O_CLOEXEC);

                k = l->image  ? image_mount(stack->images[l->number], 0, e)
                    : dir < 0 ? -errno
                              : mount_clone(dir, "", false);
                if (k < 0)
                        return l->image ? k : err_set(e, ERR_HOST, -k, "cannot take the layer %s", l->path);
                fds[n++] = k;
        }
        return n;
}

static int overlay_of(const struct facts *f, int fds[], int n, const int *dirs, struct err *e) {
        const struct mount_change private = { .propagation = MS_PRIVATE, .userns = -1 };
        struct overlay_layers l = {
                .lower = fds, .dirs = dirs, .n_lower = (size_t) n, .upper = -1, .userxattr = !f->host.first_userns
        };
        int k;

        for (int i = 0; i < n; i++)
                (void) mount_change(fds[i], &private);
        k = overlay_mount(&l, 0);
        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot lay the layers of %s over each other", f->tree.path) : k;
}

static int make_nothing(const struct facts *f, struct err *e) {
        int k = mount_fresh("tmpfs", "size=64k,nr_inodes=16", 0);

        return k < 0 ? err_set(e, ERR_HOST, -k, "cannot make a tmpfs for %s", f->tree.path) : k;
}

/* Those that have a usr, and one that has nothing, for the kernel wants two. */
static int usr_of(const struct facts *f, int fds[], int n, struct err *e) {
        int dirs[LAYERS_MAX + 2], m = 0, k;

        for (int i = 0; i < n; i++) {
                int dir = resolve_plain(fds[i], "usr", O_PATH | O_DIRECTORY);

                if (dir < 0) {
                        clean_fd(&fds[i]);
                        fds[i] = -1;
                        continue;
                }
                dirs[m] = dir;
                fds[m] = m == i ? fds[m] : TAKE_FD(fds[i]);
                m++;
        }
        fds[m] = dirs[m] = -1;
        k = make_nothing(f, e);
        if (k >= 0 && m > 0) {
                fds[m] = k;
                dirs[m] = fcntl(k, F_DUPFD_CLOEXEC, 3);
                k = overlay_of(f, fds, m + 1, dirs, e);
        }
        for (int i = 0; i <= m; i++)
                clean_fd(&dirs[i]);
        return k;
}

/* The root, with a usr in any case. */
static int open_base(const struct facts *f, struct err *e) {
        CLEAN_FD int dir = open(f->stack.root, O_PATH | O_DIRECTORY | O_CLOEXEC);
        int fds[2] = { -1, -1 }, k = dir < 0 ? -errno : mount_clone(dir, "", false);

        if (k < 0)
                return err_set(e, ERR_HOST, -k, "cannot take %s as a root directory", f->stack.root);
        fds[0] = k;
        k = fds[1] = make_nothing(f, e);
        if (k >= 0)
                (void) mkdirat(fds[1], "usr", 0755);
        k = k < 0 ? k : overlay_of(f, fds, 2, NULL, e);
        clean_fd(&fds[0]);
        clean_fd(&fds[1]);
        return k;
}

/* What will be mounted in it is not for the host, which may share the mount that this is a copy of. */
static int open_view(const struct facts *f, const struct stack *stack, struct err *e) {
        const struct mount_change private = { .propagation = MS_PRIVATE, .userns = -1 };
        int fds[LAYERS_MAX + 2], n = 0, view = -1;

        for (size_t i = 0; i < ELEMENTS(fds); i++)
                fds[i] = -1;
        n = open_layers(f, stack, fds, e);
        if (n == 0)
                view = make_nothing(f, e);
        else if (n == 1 && !f->stack.root) {
                view = TAKE_FD(fds[0]);
                (void) mount_change(view, &private);
        } else if (n > 0)
                view = f->stack.root ? usr_of(f, fds, n, e) : overlay_of(f, fds, n, NULL, e);
        for (size_t i = 0; i < ELEMENTS(fds); i++)
                clean_fd(&fds[i]);
        return n < 0 ? n : view;
}

/* What is seen of it before it starts. */
static int open_all(const struct facts *f, const struct stack *stack, struct err *e) {
        bool usr = f->stack.layers.n > 0 || f->stack.rw;
        int layers = f->stack.root && !usr ? -1 : open_view(f, stack, e), base;

        if (!f->stack.root || (usr && layers < 0))
                return layers;
        base = open_base(f, e);
        if (base < 0 || layers < 0) {
                clean_fd(&layers);
                return base;
        }
        base = mount_join(base, layers, "usr");
        return base < 0 ? err_set(e, ERR_HOST, -base, "cannot mount usr of the layers of %s", f->tree.path) : base;
}

/* What will be mounted in the root may be the OS, or most of it. Where there is no directory for it yet, it is not
 * seen. */
static int join_binds(const struct facts *f, const struct stack *stack, int view, struct err *e) {
        for (size_t i = 0; view >= 0 && i < f->stack.binds.n; i++) {
                const struct stack_bind *b = &f->stack.binds.items[i];
                CLEAN_FD int dir = open(b->path, O_PATH | O_CLOEXEC), place = -1;
                int mount;

                if (f->stack.layers.n == 0 && !f->stack.rw && !f->stack.root && !strchr(b->where, '/'))
                        (void) mkdirat(view, b->where, 0755);
                place = resolve_plain(view, b->where, O_PATH | O_DIRECTORY);
                if (dir < 0 || place < 0)
                        continue;
                mount = b->image ? image_mount(stack->images[b->number], 0, e) : mount_clone(dir, "", false);
                view = mount < 0 ? mount : mount_join(view, mount, b->where);
                if (view < 0)
                        return err_set(e, ERR_HOST, -view, "cannot look at %s", b->path);
        }
        return view;
}

int stack_look(const struct spec *s, struct arena *a, struct facts *f, int *ret_root, struct stack **ret,
               struct err *e) {
        struct stack *stack = *ret = arena_new(a, struct stack);
        int k = read_stack(f, a, e);

        k = k < 0 ? k : open_images(s, f, a, stack, e);
        k = k < 0 ? k : join_binds(f, stack, open_all(f, stack, e), e);
        if (k < 0)
                return k;
        *ret_root = k;
        f->tree.submounts_known = true;
        return 0;
}

void stack_close(struct stack *stack) {
        for (size_t i = 0; stack && i < stack->n; i++)
                image_close(stack->images[i]);
}

void stack_forget(struct stack *stack) {
        for (size_t i = 0; stack && i < stack->n; i++)
                image_forget(stack->images[i]);
}
