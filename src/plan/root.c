/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/root.h"

#include <stdint.h>
#include <string.h>
#include <sys/mount.h>

#include "base/clean.h"
#include "base/str.h"
#include "plan/mounts.h"

const char *plan_tree_name(const struct facts *f, struct arena *a) {
        const char *path = streq(f->tree.path, "/") && f->tree.pivot ? "" : f->tree.path;

        return f->tree.pivot ? arena_printf(a, "%s/%s", path, f->tree.pivot) : path;
}

const char *plan_no_overlay(const struct facts *f) {
        return f->host.no_overlay ? "the kernel cannot make an overlay here" : NULL;
}

int plan_check_upper(const struct plan *p, const struct layer *upper, const char *option, struct err *e) {
        if (!p->ids.lent || upper->idmap || !(upper->host || upper->inside))
                return 0;
        err_set(e, ERR_USAGE, 0, "%s: ids that systemd-nsresourced lends are not kept in an upper layer as they are",
                option);
        return err_hint(e, "--private-users-ownership=auto maps its owners");
}

static int refuse(const struct spec *s, const char *why, struct err *e) {
        const char *mode = volatile_mode_name(s->root.volatile_mode);

        if (s->root.overlay_upper)
                return err_set(e, ERR_HOST, 0, "--overlay-upper=: %s", why);
        return err_set(e, ERR_HOST, 0, "--volatile=%s: %s", mode, why);
}

static bool has_seed(const struct fsop *op, const char *path, size_t n) {
        for (size_t i = 0; i < op->seeds.n; i++)
                if (strlen(op->seeds.items[i].path) == n && strncmp(op->seeds.items[i].path, path, n) == 0)
                        return true;
        return false;
}

/* A directory, and those that it lies in. */
static void add_dir(struct arena *a, struct fsop *op, const char *path) {
        for (size_t n = 0; path[n];) {
                n += path[n] == '/';
                n += strcspn(path + n, "/");
                if (!has_seed(op, path, n))
                        *arena_push(a, &op->seeds) =
                                (struct seed){ .kind = SEED_DIR, .path = arena_strndup(a, path, n), .mode = 0755 };
        }
}

/* A root of our own that the payload may not write to: what will be mounted on, and links into usr, are in it already.
 */
static void furnish(const struct facts *f, struct arena *a, struct fsop *op) {
        for (size_t i = 0; i < f->tree.missing.n; i++)
                add_dir(a, op, f->tree.missing.items[i]);
        for (size_t i = 0; i < f->image.parts.n; i++)
                add_dir(a, op, str_or(f->image.parts.items[i].where, ""));
        for (size_t i = 0; i < f->stack.binds.n; i++)
                add_dir(a, op, f->stack.binds.items[i].where);
        for (size_t i = 0; i < f->tree.usr_links.n; i++)
                *arena_push(a, &op->seeds) = (struct seed){
                        .kind = SEED_LINK,
                        .path = f->tree.usr_links.items[i],
                        .text = arena_printf(a, "usr/%s", f->tree.usr_links.items[i]),
                };
}

static void make_empty(const struct facts *f, struct arena *a, struct plan *p) {
        static const struct seed dirs[] = {
                { .kind = SEED_DIR, .path = "usr", .mode = 0755 },
                { .kind = SEED_DIR, .path = "etc", .mode = 0755 },
                { .kind = SEED_DIR, .path = "var", .mode = 0755 },
                { .kind = SEED_DIR, .path = "root", .mode = 0750 },
        };
        struct fsop *op = arena_new(a, struct fsop);

        *op = (struct fsop){ .kind = FSOP_FRESH, .dst = "", .src = "tmpfs", .options = PLAN_MEMORY, .slot = -1 };
        op->flags = p->ids.lent ? FSOP_IDMAP : 0;
        for (size_t i = 0; i < ELEMENTS(dirs); i++)
                *arena_push(a, &op->seeds) = dirs[i];
        if (!f->tree.etc_writable)
                furnish(f, a, op);
        p->root.fresh = op;
}

static int check_stack(const struct spec *s, const struct facts *f, const struct plan *p, struct err *e) {
        const char *what = s->root.volatile_mode == VOLATILE_YES ? "--volatile=yes"
                           : s->root.overlay_upper               ? "--overlay-upper="
                           : s->root.pivot_new                   ? "--pivot-root="
                           : s->root.template                    ? "--template="
                           : p->ids.chown                        ? "--private-users-ownership=chown"
                                                                 : NULL;

        if (what)
                return err_set(e, ERR_USAGE, 0, "%s does not go with the mount stack %s", what, f->tree.path);
        if (!plan_no_overlay(f) || (f->stack.layers.n == 0 && !f->stack.rw))
                return 0;
        return err_set(e, ERR_HOST, 0, "%s cannot be made an overlay: %s", f->tree.path, plan_no_overlay(f));
}

static bool throws_away(const struct spec *s) {
        return s->root.ephemeral || s->root.volatile_mode == VOLATILE_OVERLAY;
}

/* The uppermost layer first. Without a place for changes they go nowhere, or, where they are thrown away, to memory.
 */
static struct overlay *lay(const struct spec *s, const struct facts *f, struct arena *a, const struct plan *p) {
        bool thrown_away = throws_away(s);
        bool writable = !spec_root_is_read_only(&s->root) && (f->stack.rw || thrown_away);
        struct overlay *o = arena_new(a, struct overlay);

        if (f->stack.rw && !f->stack.unused && (thrown_away || !writable))
                *arena_push(a, &o->lower) =
                        (struct layer){ .host = arena_printf(a, "%s/data", f->stack.rw), .idmap = p->ids.map_root };
        for (size_t i = f->stack.layers.n; i > 0; i--) {
                const struct stack_layer *l = &f->stack.layers.items[i - 1];

                *arena_push(a, &o->lower) = (struct layer){
                        .host = l->path,
                        .of_stack = l->image,
                        .part = l->number,
                        .idmap = p->ids.map_root,
                };
        }
        while (o->lower.n < (writable ? 1 : 2))
                *arena_push(a, &o->lower) = (struct layer){ .host = "nothing", .empty = true };
        o->data = "data";
        o->work = "work";
        if (writable && thrown_away)
                o->memory = PLAN_MEMORY;
        else if (writable)
                o->upper = (struct layer){ .host = f->stack.rw, .idmap = p->ids.map_root, .upper = true };
        if (f->stack.root) {
                /* Beside the root's, where both are kept in memory. */
                o->data = o->memory ? "usr-data" : "data";
                o->work = o->memory ? "usr-work" : "work";
                o->sub = "usr";
        }
        o->lasting = o->memory && s->root.ephemeral;
        return o;
}

const struct overlay *plan_stack_layers(const struct spec *s, const struct facts *f, struct arena *a,
                                        const struct plan *p) {
        return f->stack.layers.n == 0 && !f->stack.rw ? NULL : lay(s, f, a, p);
}

/* The root is a directory of its own, and usr of the layers is mounted in it. */
static void make_stack_root(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p) {
        struct overlay *o;

        p->root.read_only = spec_root_is_read_only(&s->root);
        if (p->root.read_only || !throws_away(s)) {
                p->root.base = f->stack.root;
                return;
        }
        o = arena_new(a, struct overlay);
        *arena_push(a, &o->lower) = (struct layer){ .host = f->stack.root, .idmap = p->ids.map_root };
        o->data = "data";
        o->work = "work";
        o->memory = PLAN_MEMORY;
        o->lasting = s->root.ephemeral;
        p->root.overlay = o;
}

static int make_stack(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        struct overlay *o;
        int k = check_stack(s, f, p, e);

        if (k < 0)
                return k;
        for (size_t i = 0; i < f->stack.notes.n; i++)
                plan_note(a, p, "%s", f->stack.notes.items[i]);
        if (f->stack.root) {
                make_stack_root(s, f, a, p);
                return 0;
        }
        if (f->stack.layers.n == 0 && !f->stack.rw) {
                make_empty(f, a, p);
                return 0;
        }
        o = lay(s, f, a, p);
        k = plan_check_upper(p, &o->upper, f->tree.path, e);
        if (k < 0)
                return k;
        p->root.overlay = o;
        p->root.read_only = !o->memory && !o->upper.host;
        return 0;
}

/* Its directories would show up between those that the tree lies in, or be changes to the tree. */
static int check_upper(const struct spec *s, const struct facts *f, struct err *e) {
        if (f->tree.upper == UPPER_APART)
                return 0;
        err_set(e, ERR_USAGE, 0, "--overlay-upper=%s: %s %s", s->root.overlay_upper,
                f->tree.upper == UPPER_IN_TREE ? "it lies in the tree" : "the tree lies in it:", f->tree.path);
        err_blame(e, "overlay-upper", NULL);
        return err_hint(e, "changes are kept in a directory apart from the tree");
}

static int make_overlay(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        struct overlay *o = arena_new(a, struct overlay);
        int k = check_upper(s, f, e);

        if (k < 0)
                return k;
        if (plan_no_overlay(f)) {
                refuse(s, plan_no_overlay(f), e);
                return err_hint(e, "--volatile=yes and --volatile=state do without");
        }
        *arena_push(a, &o->lower) = (struct layer){ .inside = "", .idmap = p->ids.map_root };
        o->data = "data";
        o->work = "work";
        o->lasting = s->root.ephemeral;
        if (s->root.overlay_upper)
                o->upper = (struct layer){ .host = s->root.overlay_upper, .idmap = p->ids.map_root, .upper = true };
        else
                o->memory = PLAN_MEMORY;
        p->root.overlay = o;
        k = plan_check_upper(p, &o->upper, "--overlay-upper=", e);
        return k < 0 ? err_blame(e, "overlay-upper", NULL) : 0;
}

/* A root with nothing but usr: programs of the OS make the rest, as at their first boot. */
static int make_fresh(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        if (f->tree.split_usr) {
                err_set(e, ERR_IMAGE, 0, "--volatile=yes: /bin of %s is a directory of its own, and not in /usr",
                        f->tree.path);
                return err_hint(e, "--volatile=overlay works with every tree");
        }
        make_empty(f, a, p);
        if (f->image.used && !plan_image_has_root(f))
                return 0;
        plan_add_fsop(a, p,
                      &(struct fsop){
                              .kind = FSOP_TREE,
                              .dst = "usr",
                              .host = arena_printf(a, "%s/usr", plan_tree_name(f, a)),
                              .slot = -1,
                              .set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV,
                              .flags = FSOP_IN_TREE | FSOP_RECURSIVE | (p->ids.map_root ? FSOP_IDMAP : 0),
                              .why = "--volatile=yes",
                      });
        return 0;
}

static void make_copy(const struct facts *f, struct arena *a, struct plan *p, const char *keep_as) {
        struct plan_copy *c = arena_new(a, struct plan_copy);
        const char *slash = strrchr(f->tree.path, '/');
        uint64_t random;

        memcpy(&random, f->random + 24, sizeof random);
        c->method = f->tree.subvolume ? COPY_SNAPSHOT : f->tree.can_reflink ? COPY_REFLINK : COPY_FULL;
        c->from = str_or(f->tree.template, f->tree.path);
        c->dir = slash == f->tree.path ? "/" : arena_strndup(a, f->tree.path, (size_t) (slash - f->tree.path));
        c->name = arena_printf(a, ".#berth.%.64s.%016llx", p->machine, (unsigned long long) random);
        c->path = arena_printf(a, "%s/%s", slash == f->tree.path ? "" : c->dir, c->name);
        c->keep_as = keep_as;
        p->copy = c;
        if (!keep_as)
                p->root.path = c->path;
        /* What is mounted inside the original is not. */
        p->root.check_submounts = false;
        p->root.lock = p->root.lock == LOCK_NONE ? LOCK_NONE : LOCK_EXCLUSIVE;
}

/* One with shared blocks was made before anybody looked at what is in it. */
static void make_image_copy(const struct facts *f, struct arena *a, struct plan *p, enum copy_method method) {
        struct plan_copy *c = arena_new(a, struct plan_copy);

        c->method = method;
        c->from = f->tree.path;
        p->copy = c;
        p->root.lock = method == COPY_REFLINK ? LOCK_NONE : p->root.lock;
}

bool plan_owns_tree(const struct facts *f, const struct plan *p) {
        return !p->ids.own || p->ids.map_root || p->ids.chown || f->tree.uid == p->ids.base;
}

/* By the way that costs least, and by which the original is its own again at once: only an overlay goes on reading it.
 */
static int make_ephemeral(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p,
                          struct err *e) {
        bool beside = !f->image.used && !f->tree.read_only && !f->tree.vendor && !f->tree.host_root;

        if (!plan_owns_tree(f, p))
                plan_note(a, p, "the copy keeps /etc/hostname and machine id of %s: its files are nobody's inside",
                          f->tree.path);
        if (beside && (f->tree.subvolume || f->tree.can_reflink)) {
                make_copy(f, a, p, NULL);
                return 0;
        }
        if (f->image.copied) {
                make_image_copy(f, a, p, COPY_REFLINK);
                return 0;
        }
        /* The lower layer of an overlay is the original. */
        if (!plan_no_overlay(f) && !f->tree.in_use && !p->ids.chown)
                return make_overlay(s, f, a, p, e);
        if (f->image.used && !f->image.parts.items[0].fixed && !s->root.read_only) {
                plan_note(a, p, "%s is copied as a whole%s", f->tree.path,
                          plan_no_overlay(f) ? ": no overlay can be made over it" : "");
                make_image_copy(f, a, p, COPY_FULL);
                return 0;
        }
        if (!beside) {
                err_set(e, ERR_HOST, 0, "--ephemeral: no copy of %s can be made beside it, and no overlay over it",
                        f->tree.path);
                return err_hint(e, f->tree.in_use ? "a container that runs from it writes to it" : "--volatile=state");
        }
        if (f->tree.in_use)
                plan_note(a, p, "%s is in use, and copied as it is now", f->tree.path);
        else if (p->ids.chown)
                plan_note(a, p, "%s is copied as a whole: the owners in an overlay cannot be changed", f->tree.path);
        else
                plan_note(a, p, "%s is copied as a whole: no overlay can be made over it", f->tree.path);
        make_copy(f, a, p, NULL);
        return 0;
}

bool plan_has_own_id(const struct spec *s, const struct facts *f, const struct plan *p) {
        return s->root.ephemeral && !p->root.read_only && !p->root.fresh && plan_owns_tree(f, p);
}

bool plan_image_has_root(const struct facts *f) {
        return f->image.used && f->image.parts.items[0].role == ROLE_ROOT;
}

static void describe_image(const struct facts *f, struct arena *a, struct plan *p) {
        const struct image_part_facts *part = f->image.parts.items;

        p->root.image = part->number == 0
                                ? part->fs
                                : arena_printf(a, "%s, partition %u, %s", f->image.table, part->number, part->fs);
        for (size_t i = 0; i < f->image.notes.n; i++)
                plan_note(a, p, "%s", f->image.notes.items[i]);
}

/* A read-only root may have a home that is not. */
static bool is_shared(const struct facts *f) {
        bool all = f->tree.read_only;

        for (size_t i = 0; i < f->image.parts.n; i++)
                all = all && f->image.parts.items[i].read_only;
        for (size_t i = 0; i < f->stack.binds.n; i++)
                all = all && f->stack.binds.items[i].read_only;
        return all;
}

/* What was said of an image is never left aside. */
static int check_protection(const struct spec *s, const struct facts *f, struct err *e) {
        const struct spec_protection *p = &s->root.protection;
        const char *option = p->hash_size            ? "--root-hash="
                             : p->sig || p->sig_path ? "--root-hash-sig="
                             : p->hash_data          ? "--verity-data="
                             : p->key_file           ? "--image-key-file="
                                                     : NULL;

        if (f->image.used || !option)
                return 0;
        err_set(e, ERR_USAGE, 0, "%s is for disk images, and %s is a directory", option, f->tree.path);
        err_hint(e, "leave it out, or start an image by -i");
        return err_blame(e, option, NULL);
}

int plan_root(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        bool spared = spec_root_spares_tree(&s->root);
        int k = check_protection(s, f, e);

        if (k < 0)
                return k;
        p->root.path = f->tree.path;
        p->root.pivot = f->tree.pivot;
        if (f->image.used)
                describe_image(f, a, p);
        p->root.read_only = spec_root_is_read_only(&s->root) ||
                            ((f->tree.vendor || (f->image.used && f->tree.read_only)) && !spared);
        p->root.lock = s->host.no_lock                                                 ? LOCK_NONE
                       : s->root.read_only || f->tree.vendor || spared || is_shared(f) ? LOCK_SHARED
                                                                                       : LOCK_EXCLUSIVE;
        p->root.idmap = p->ids.map_root;
        p->root.check_submounts = !f->tree.submounts_known;
        if (f->tree.template)
                make_copy(f, a, p, strrchr(f->tree.path, '/') + 1);
        else if (s->root.template && !s->root.ephemeral && !f->tree.made)
                plan_note(a, p, "%s is there: --template= is not needed", f->tree.path);
        if (f->stack.used)
                return make_stack(s, f, a, p, e);
        if (s->root.volatile_mode == VOLATILE_YES || (f->image.used && !plan_image_has_root(f)))
                return make_fresh(s, f, a, p, e);
        if (s->root.volatile_mode == VOLATILE_OVERLAY || s->root.overlay_upper)
                return make_overlay(s, f, a, p, e);
        return s->root.ephemeral && s->root.volatile_mode == VOLATILE_NO ? make_ephemeral(s, f, a, p, e) : 0;
}
