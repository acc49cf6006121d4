/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/root.h"

#include <sys/mount.h>

#include "base/clean.h"
#include "base/str.h"
#include "plan/mounts.h"

/* Numbers as systemd-nspawn has them for what is thrown away. */
#define MEMORY "mode=0755,size=25%,nr_inodes=1m"

static int refuse(const struct spec *s, const char *why, struct err *e) {
        const char *mode = volatile_mode_name(s->root.volatile_mode);

        if (s->root.overlay_upper)
                return err_set(e, ERR_HOST, 0, "--overlay-upper=: %s", why);
        return err_set(e, ERR_HOST, 0, "--volatile=%s: %s", mode, why);
}

static int make_overlay(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        struct overlay *o = arena_new(a, struct overlay);

        if (f->host.no_overlay) {
                refuse(s, "the kernel cannot make an overlay here", e);
                return err_hint(e, "--volatile=yes and --volatile=state do without");
        }
        *arena_push(a, &o->lower) = (struct layer){ .inside = "", .idmap = p->ids.map_root };
        o->data = "data";
        o->work = "work";
        if (s->root.overlay_upper)
                o->upper = (struct layer){ .host = s->root.overlay_upper, .idmap = p->ids.map_root, .upper = true };
        else
                o->memory = MEMORY;
        p->root.overlay = o;
        return 0;
}

/* A root with nothing but usr: programs of the OS make the rest, as at their first boot. */
static int make_fresh(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        static const struct seed dirs[] = {
                { .kind = SEED_DIR, .path = "usr", .mode = 0755 },
                { .kind = SEED_DIR, .path = "etc", .mode = 0755 },
                { .kind = SEED_DIR, .path = "var", .mode = 0755 },
                { .kind = SEED_DIR, .path = "root", .mode = 0750 },
        };
        struct fsop *op = arena_new(a, struct fsop);

        if (f->tree.split_usr) {
                err_set(e, ERR_IMAGE, 0, "--volatile=yes: /bin of %s is a directory of its own, and not in /usr",
                        f->tree.path);
                return err_hint(e, "--volatile=overlay works with every tree");
        }
        *op = (struct fsop){ .kind = FSOP_FRESH, .dst = "", .src = "tmpfs", .options = MEMORY, .slot = -1 };
        for (size_t i = 0; i < ELEMENTS(dirs); i++)
                *arena_push(a, &op->seeds) = dirs[i];
        p->root.fresh = op;
        plan_add_fsop(a, p,
                      &(struct fsop){
                              .kind = FSOP_TREE,
                              .dst = "usr",
                              .host = arena_printf(a, "%s/usr", f->tree.path),
                              .slot = -1,
                              .set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV,
                              .flags = FSOP_IN_TREE | FSOP_RECURSIVE | (p->ids.map_root ? FSOP_IDMAP : 0),
                              .why = "--volatile=yes",
                      });
        return 0;
}

int plan_root(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        bool spared = spec_root_spares_tree(&s->root);

        p->root.path = f->tree.path;
        p->root.read_only = s->root.read_only || (f->tree.vendor && !spared);
        p->root.lock = s->host.no_lock                                    ? LOCK_NONE
                       : p->root.read_only || f->tree.read_only || spared ? LOCK_SHARED
                                                                          : LOCK_EXCLUSIVE;
        p->root.idmap = p->ids.map_root;
        p->root.check_submounts = !f->tree.submounts_known;
        if (s->root.volatile_mode == VOLATILE_YES)
                return make_fresh(s, f, a, p, e);
        return s->root.volatile_mode == VOLATILE_OVERLAY || s->root.overlay_upper ? make_overlay(s, f, a, p, e) : 0;
}
