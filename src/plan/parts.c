/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The partitions of a disk image, each on its directory of the root, or where a link in its place leads inside. */

#include <sys/mount.h>

#include "base/str.h"
#include "plan/mounts.h"
#include "plan/root.h"

/* Changes of a partition go where those of the root go. */
static const struct overlay *part_overlay(const struct facts *f, struct arena *a, const struct plan *p, unsigned i) {
        const struct image_part_facts *part = &f->image.parts.items[i];
        struct overlay *o = arena_new(a, struct overlay);

        *arena_push(a, &o->lower) = (struct layer){
                .host = arena_printf(a, "partition %u of %s", part->number, f->tree.path),
                .of_image = true,
                .part = i,
                .idmap = p->ids.map_root,
        };
        o->memory = PLAN_MEMORY;
        o->lasting = p->root.overlay && p->root.overlay->lasting;
        o->data = arena_printf(a, "data-%s", role_name(part->role));
        o->work = arena_printf(a, "work-%s", role_name(part->role));
        return o;
}

static bool is_at_or_below(const char *path, const char *dir) {
        const char *rest = str_after(path, dir);

        return rest && (!*rest || *rest == '/');
}

/* Seen from the root, which may be a directory of the tree: NULL, not in there. */
static const char *place_of(const struct facts *f, const struct image_part_facts *part) {
        const char *rest = f->tree.pivot ? str_after(part->where, f->tree.pivot) : part->where;

        return !f->tree.pivot ? rest : rest && *rest == '/' ? rest + 1 : NULL;
}

/* In another partition it is for that one to say. */
static bool can_make_in(const struct facts *f, const char *where) {
        for (size_t i = f->image.parts.n; i-- > 1;) {
                const struct image_part_facts *other = &f->image.parts.items[i];

                if (other->where != where && is_at_or_below(where, other->where))
                        return !other->read_only;
        }
        return f->tree.etc_writable;
}

/* What the tree has there must be a directory, or can be made one. */
static int check_spot(const struct facts *f, const struct plan *p, const struct image_part_facts *part,
                      struct err *e) {
        const char *name = part->link ? part->link : part->where, *role = role_name(part->role);

        switch (part->spot) {
        case SPOT_THERE:
                if (*part->where)
                        return 0;
                err_set(e, ERR_IMAGE, 0, "the link /%s in %s leads to the root directory", name, f->tree.path);
                break;
        case SPOT_MISSING:
                if (p->root.fresh || can_make_in(f, part->where))
                        return 0;
                err_set(e, ERR_IMAGE, 0, "%s has no directory /%s to mount its %s partition on", f->tree.path, name,
                        role);
                return err_hint(e, "an empty one is needed, and not made in what is read-only");
        case SPOT_OTHER: err_set(e, ERR_IMAGE, 0, "/%s in %s is no directory", name, f->tree.path); break;
        case SPOT_LOST:
                err_set(e, ERR_IMAGE, 0, "the link /%s in %s leads to /%s, which is not there", name, f->tree.path,
                        part->where);
                break;
        case SPOT_CIRCLE: err_set(e, ERR_IMAGE, 0, "the link /%s in %s leads in a circle", name, f->tree.path); break;
        }
        return err_hint(e, "its %s partition is mounted there: it must be a directory, or lead to one", role);
}

/* A link may lead to where something else is mounted: one of the two would not be seen. */
static int check_covered(const struct facts *f, const struct plan *p, const struct image_part_facts *part,
                         struct err *e) {
        const char *dst = place_of(f, part);
        bool later = false;

        for (size_t i = 0; dst && i < p->fsops.n; i++) {
                const struct fsop *op = &p->fsops.items[i];

                if (op->dst == dst) {
                        later = true;
                        continue;
                }
                if (op->flags & FSOP_OF_USER || op->flags & FSOP_IN_TREE ||
                    !(later ? is_at_or_below(dst, op->dst) : streq(dst, op->dst)))
                        continue;
                err_set(e, ERR_IMAGE, 0, "the link /%s in %s leads to /%s, and another mount goes on /%s: %s",
                        part->link, f->tree.path, part->where, op->dst, str_or(op->why, ""));
                return err_hint(e, "one would cover the other: the link must lead elsewhere");
        }
        return 0;
}

static int add_image_part(const struct facts *f, struct arena *a, struct plan *p, unsigned i, bool thrown_away,
                          struct err *e) {
        const struct image_part_facts *part = &f->image.parts.items[i];
        const char *dst = place_of(f, part);
        bool boot = part->role == ROLE_ESP || part->role == ROLE_XBOOTLDR;
        bool read_only = p->copy ? part->fixed : part->read_only;
        struct fsop op = {
                .kind = FSOP_TREE,
                .dst = dst,
                .slot = -1,
                .part = i,
                .host = arena_printf(a, "partition %u of %s", part->number, f->tree.path),
                .set = MOUNT_ATTR_NODEV | (read_only ? MOUNT_ATTR_RDONLY : 0) |
                       (boot ? MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW : 0),
                .flags = FSOP_OF_IMAGE | (p->ids.map_root ? FSOP_IDMAP : 0) |
                         (can_make_in(f, part->where) ? FSOP_MAKE_DIR : 0),
                .why = arena_printf(a, "%s partition, %s%s%s", role_name(part->role), part->fs,
                                    part->link ? ", by the link /" : "", part->link ? part->link : ""),
        };
        int k;

        if (!dst) {
                plan_note(a, p, "the %s partition of the image is left out: /%s is not in the new root directory",
                          role_name(part->role), part->where);
                return 0;
        }
        k = check_spot(f, p, part, e);
        if (k < 0)
                return k;

        if (thrown_away && read_only && !part->fixed && !boot && !plan_no_overlay(f)) {
                op.kind = FSOP_OVERLAY;
                op.overlay = part_overlay(f, a, p, i);
                op.host = NULL;
                op.set = MOUNT_ATTR_NODEV;
                op.flags = FSOP_BY_HOST | (op.flags & FSOP_MAKE_DIR);
        }
        plan_add_fsop(a, p, &op);
        return 0;
}

/* The other partitions of an image, each with owners mapped as in the tree. */
int plan_image_parts(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        int k = 0;
        bool thrown_away =
                !spec_root_is_read_only(&s->root) && (s->root.volatile_mode == VOLATILE_OVERLAY ||
                                                      (s->root.ephemeral && s->root.volatile_mode == VOLATILE_NO));

        /* --volatile=yes takes usr alone, from the root. */
        if (p->root.fresh && plan_image_has_root(f))
                return 0;
        for (size_t i = plan_image_has_root(f) ? 1 : 0; k == 0 && i < f->image.parts.n; i++)
                k = add_image_part(f, a, p, (unsigned) i, thrown_away, e);
        return k;
}

int plan_check_parts(const struct facts *f, const struct plan *p, struct err *e) {
        int k = 0;

        for (size_t i = 0; k == 0 && i < f->image.parts.n; i++)
                if (f->image.parts.items[i].link && !(p->root.fresh && plan_image_has_root(f)))
                        k = check_covered(f, p, &f->image.parts.items[i], e);
        return k;
}
