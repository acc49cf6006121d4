/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/mounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/clean.h"
#include "base/str.h"
#include "plan/idmaps.h"
#include "plan/idrange.h"
#include "plan/nodes.h"
#include "plan/root.h"

/* What a user wants mounted comes on top of berth's own mounts, sorted by destination. Sources are opened by the
 * launcher, destinations looked up inside: links of the tree are followed there. */

bool plan_binds_at(const struct spec *s, const char *dst) {
        for (size_t i = 0; i < s->mounts.n; i++)
                if (streq(s->mounts.items[i].dst, dst))
                        return true;
        return false;
}

/* Where it ends. The links of a tree are none in a root that is new, but for those in usr. */
static const char *place_of(const struct spec_mount *m, const struct source *from, const struct plan *p) {
        return from->leads_to && (!p->root.fresh || str_is_below(m->dst, "usr")) ? from->leads_to : m->dst;
}

bool plan_binds_into(const struct spec *s, const struct facts *f, const struct plan *p, const char *dst) {
        for (size_t i = 0; i < s->mounts.n; i++)
                if (str_is_below(place_of(&s->mounts.items[i], &f->sources.items[i], p), dst))
                        return true;
        return false;
}

static bool is_passing(const struct spec_mount *m) {
        const struct spec_source *to = m->kind == MOUNT_BIND ? &m->source : NULL;

        if (m->kind == MOUNT_TMPFS)
                return !(m->set & MOUNT_ATTR_RDONLY);
        if (m->kind == MOUNT_OVERLAY)
                to = &m->layers.items[m->layers.n - 1];
        return to && !m->read_only && !to->in_tree && !*to->path;
}

enum laid_over plan_laid_over(const struct spec *s, const struct facts *f, const char *path) {
        enum laid_over over = OVER_NOTHING;

        for (size_t i = 0; i < s->mounts.n; i++) {
                const struct spec_mount *m = &s->mounts.items[i];

                if (!str_is_below(path, m->dst) || (m->optional && !f->sources.items[i].type))
                        continue;
                over = streq(path, m->dst) ? OVER_ITSELF : is_passing(m) ? OVER_PASSING : OVER_KEPT;
        }
        return over;
}

static const char *source_name(const struct spec_source *from, const struct facts *f, struct arena *a) {
        const char *tree = plan_tree_name(f, a);

        tree = streq(tree, "/") ? "" : tree;

        return from->in_tree ? arena_printf(a, "%s/%s", tree, from->path) : from->path;
}

static int no_source(const struct spec_mount *m, const char *name, const struct source *from, struct err *e) {
        err_set(e, m->source.in_tree ? ERR_IMAGE : ERR_HOST, from->why, "%s%s: cannot open the %s", m->option, name,
                m->kind == MOUNT_OVERLAY ? "layer" : "source");
        if (from->why == ENOENT && m->kind == MOUNT_BIND)
                err_hint(e, "a - in front of it leaves it out where it is missing");
        else if (from->why == ENOENT)
                err_hint(e, "make it: mkdir; an empty upper one is in memory");
        else if (from->why == ENOTDIR)
                err_hint(e, m->kind == MOUNT_BIND ? "a part of the path is no directory" : "layers are directories");
        else if (from->why == ELOOP)
                err_hint(e, "links lead in a circle, or there are too many");
        else if (from->why == EACCES)
                err_hint(e, "see its mode, its owner, and those of what it is in");
        return err_blame(e, m->option, name);
}

/* In as many parts as the container's own map has there. */
static bool add_owner(struct arena *a, const struct plan *p, struct idmap_extents *l, struct owner_map m) {
        while (m.count > 0) {
                uint32_t outside = m.inside, n = p->ids.own ? plan_id_outside(p, m.inside, &outside) : m.count;

                n = n < m.count ? n : m.count;
                if (n == 0)
                        return false;
                *arena_push(a, l) = (struct idmap_extent){ .inside = m.host, .outside = outside, .count = n };
                m = (struct owner_map){ m.host + n, m.inside + n, m.count - n };
        }
        return true;
}

/* An owner in the tree, as it is seen inside. */
static bool seen_inside(const struct plan *p, uint32_t id, uint32_t *ret) {
        /* As it was found: until its owners are changed, a tree is of another range. */
        *ret = p->ids.chown ? id % IDRANGE_SIZE : id - p->ids.tree_base;
        return p->ids.chown || id >= p->ids.tree_base;
}

/* Where the root, or a part of it, is a new one, all in there is root's. */
static bool is_in_tree(const struct spec *s, const struct plan *p, const char *dst) {
        static const char covered[][5] = { "dev", "proc", "run", "sys", "tmp" };

        for (size_t i = 0; i < ELEMENTS(covered); i++)
                if (str_is_below(dst, covered[i]))
                        return false;
        if (s->root.volatile_mode == VOLATILE_STATE)
                return !str_is_below(dst, "var");
        return !p->root.fresh || str_is_below(dst, "usr");
}

/* owneridmap */
static int find_owner(const struct spec *s, const struct spec_mount *m, const struct source *from,
                      const struct plan *p, struct owner_map *u, struct owner_map *g, struct err *e) {
        if (!from->to_found || !is_in_tree(s, p, m->dst))
                return 0;
        if (seen_inside(p, from->to_uid, &u->inside) && seen_inside(p, from->to_gid, &g->inside))
                return 0;
        err_set(e, ERR_USAGE, 0, "%s%s: /%s of the tree belongs to %u:%u, whom the container does not have", m->option,
                m->source.path, m->dst, from->to_uid, from->to_gid);
        return err_blame(e, m->option, m->source.path);
}

static int no_ids(const struct spec_mount *m, const struct owner_map *map, struct err *e) {
        err_set(e, ERR_USAGE, 0, "%s%s: the container has no ids %u..%u", m->option, m->source.path, map->inside,
                map->inside + map->count - 1);
        err_hint(e, "--private-users= and --private-users-map= say which it has");
        return err_blame(e, m->option, m->source.path);
}

static int make_owners(const struct spec *s, const struct spec_mount *m, const struct source *from, struct arena *a,
                       const struct plan *p, struct fsop *op, struct err *e) {
        struct fsop_owners *o = arena_new(a, struct fsop_owners);
        struct owner_map u = { from->uid, 0, 1 }, g = { from->gid, 0, 1 };

        op->owners = o;
        if (m->owners == OWNERS_OWNER && find_owner(s, m, from, p, &u, &g, e) < 0)
                return -EINVAL;
        for (size_t i = 0; i < m->maps.n && m->owners == OWNERS_LIST; i++)
                if (!add_owner(a, p, &o->uids, m->maps.items[i]) || !add_owner(a, p, &o->gids, m->maps.items[i]))
                        return no_ids(m, &m->maps.items[i], e);
        if (m->owners == OWNERS_LIST)
                return 0;
        if (!add_owner(a, p, &o->uids, u))
                return no_ids(m, &u, e);
        return add_owner(a, p, &o->gids, g) ? 0 : no_ids(m, &g, e);
}

static int map_owners(const struct spec *s, const struct spec_mount *m, const struct source *from, struct arena *a,
                      const struct plan *p, struct fsop *op, struct err *e) {
        if (m->owners == OWNERS_KEPT) {
                op->flags |= m->source.in_tree && p->ids.map_root ? FSOP_IDMAP : 0;
                return 0;
        }
        if (!p->ids.own && m->owners == OWNERS_SAME) {
                err_set(e, ERR_USAGE, 0, "%s%s: there are no user ids of its own to map owners to", m->option,
                        m->source.path);
                err_hint(e, "--private-users=pick gives the container some");
                return err_blame(e, m->option, m->source.path);
        }
        if (m->owners == OWNERS_SAME) {
                op->flags |= FSOP_IDMAP;
                return 0;
        }
        return make_owners(s, m, from, a, p, op, e);
}

/* With an overlay, what is in the tree is what is in the overlay: kept by the guest before anything lies on it. */
static bool is_kept(const struct spec_mount *m, const struct plan *p) {
        return p->root.overlay && m->kind == MOUNT_BIND && m->source.in_tree &&
               (m->owners == OWNERS_KEPT || (m->owners == OWNERS_SAME && p->ids.own));
}

const int *plan_keep_sources(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p) {
        int *slots = arena_alloc(a, (s->mounts.n + 1) * sizeof *slots);

        for (size_t i = 0; i < s->mounts.n; i++) {
                const struct spec_mount *m = &s->mounts.items[i];

                slots[i] = -1;
                if (!f->sources.items[i].type || !is_kept(m, p))
                        continue;
                slots[i] = p->n_slots;
                plan_add_fsop(a, p,
                              &(struct fsop){
                                      .kind = FSOP_KEEP,
                                      .dst = *m->source.path ? m->source.path : ".",
                                      .slot = slots[i],
                                      .flags = FSOP_FOLLOW | FSOP_OF_USER | (m->alone ? 0 : FSOP_RECURSIVE),
                                      .why = m->option,
                              });
        }
        return slots;
}

static void add_kept(const struct spec_mount *m, const struct source *from, int slot, struct arena *a,
                     struct plan *p) {
        plan_add_fsop(a, p,
                      &(struct fsop){
                              .kind = FSOP_TREE,
                              .dst = m->dst,
                              .src = m->source.path,
                              .slot = slot,
                              .set = m->read_only ? MOUNT_ATTR_RDONLY : 0,
                              .flags = (S_ISDIR(from->type) ? FSOP_MAKE_DIR : FSOP_MAKE_FILE) | FSOP_PARENTS |
                                       FSOP_FOLLOW | FSOP_OF_USER | (m->alone ? 0 : FSOP_RECURSIVE),
                              .why = m->option,
                      });
}

/* Is the tree itself not to be written to by this container? */
static bool is_spared(const struct plan *p) {
        return p->root.read_only || p->root.fresh || p->root.overlay;
}

static int add_bind(const struct spec *s, const struct spec_mount *m, const struct facts *f, const struct source *from,
                    struct arena *a, struct plan *p, struct err *e) {
        bool spared = m->source.in_tree && is_spared(p);
        struct fsop *op;

        if (spared && !m->read_only)
                plan_note(a, p, "%s+/%s is read-only, as the tree is", m->option, m->source.path);
        op = plan_add_fsop(a, p,
                           &(struct fsop){
                                   .kind = FSOP_TREE,
                                   .dst = m->dst,
                                   .src = m->source.in_tree ? m->source.path : NULL,
                                   .host = source_name(&m->source, f, a),
                                   .slot = -1,
                                   .set = m->read_only || spared ? MOUNT_ATTR_RDONLY : 0,
                                   .flags = (S_ISDIR(from->type) ? FSOP_MAKE_DIR : FSOP_MAKE_FILE) | FSOP_PARENTS |
                                            FSOP_FOLLOW | FSOP_OF_USER | (m->source.in_tree ? FSOP_IN_TREE : 0) |
                                            (m->alone ? 0 : FSOP_RECURSIVE),
                                   .why = m->option,
                           });
        return map_owners(s, m, from, a, p, op, e);
}

/* Ids in the options of a tmpfs are those inside. */
static int check_tmpfs(const struct spec_mount *m, const struct plan *p, struct err *e) {
        for (const char *v = m->options; v && *v; v += strcspn(v, ","), v += *v == ',') {
                const char *id = str_or(str_after(v, "uid="), str_after(v, "gid="));
                uint32_t outside;

                if (!id || !p->ids.own || plan_id_outside(p, (uint32_t) strtoul(id, NULL, 10), &outside) > 0)
                        continue;
                err_set(e, ERR_USAGE, 0, "%s/%s: the container has no %.3s %.*s", m->option, m->dst, v,
                        (int) strcspn(id, ","), id);
                return err_blame(e, m->option, m->dst);
        }
        return 0;
}

static void add_fresh(const struct spec_mount *m, const char *options, uint64_t set, struct arena *a, struct plan *p) {
        plan_add_fsop(a, p,
                      &(struct fsop){
                              .kind = FSOP_FRESH,
                              .dst = m->dst,
                              .src = "tmpfs",
                              .options = options,
                              .slot = -1,
                              .set = set,
                              .flags = FSOP_MAKE_DIR | FSOP_PARENTS | FSOP_FOLLOW | FSOP_OF_USER,
                              .why = m->option,
                      });
}

/* What is mounted last lies on top, and that is the container's own. */
static bool is_covered(const struct spec_mount *m, const struct source *from, const struct plan *p) {
        return str_is_below(place_of(m, from, p), SPEC_CGROUP_DIR);
}

/* Said by its own name it is refused earlier. */
static int no_place(const struct spec_mount *m, const struct source *from, struct err *e) {
        err_set(e, ERR_IMAGE, 0, "%s/%s: a link of the tree leads it to /%s, which the container itself is made of",
                m->option, m->dst, from->leads_to);
        err_hint(e, "choose another place");
        return err_blame(e, m->option, m->dst);
}

static int leave_out(const struct spec_mount *m, const struct facts *f, struct arena *a, struct plan *p,
                     struct err *e) {
        if (f->cgroup.found) {
                plan_note(
                        a, p,
                        "%s/%s has no effect, as with systemd-nspawn: the container's own cgroup file system is there",
                        m->option, m->dst);
                return 0;
        }
        err_set(e, ERR_HOST, 0, "%s/%s: this host has no cgroup2", m->option, m->dst);
        err_hint(e, "choose another place");
        return err_blame(e, m->option, m->dst);
}

/* kept: the slot that its source is kept in, -1: in none. */
static int bind_one(const struct spec *s, const struct spec_mount *m, const struct facts *f, const struct source *from,
                    int kept, struct arena *a, struct plan *p, struct err *e) {
        uint64_t set = MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME | (m->read_only ? MOUNT_ATTR_RDONLY : 0);

        if (is_covered(m, from, p))
                return leave_out(m, f, a, p, e);
        if (!m->source.in_tree && !*m->source.path) {
                add_fresh(m, "mode=0755", set, a, p);
                return 0;
        }
        if (!from->type && m->optional && (from->why == ENOENT || from->why == ENOTDIR))
                return 0;
        if (!from->type)
                return no_source(m, source_name(&m->source, f, a), from, e);
        if (kept < 0)
                return add_bind(s, m, f, from, a, p, e);
        add_kept(m, from, kept, a, p);
        return 0;
}

/* The owners of all layers are mapped: what is root's there is root's inside. */
static struct layer make_layer(const struct spec_source *from, const struct plan *p) {
        return (struct layer){
                .inside = from->in_tree ? from->path : NULL,
                .host = from->in_tree ? NULL : from->path,
                .idmap = from->in_tree ? p->ids.map_root : p->ids.own && p->ids.base > 0,
        };
}

/* The kernel wants its own directory on the same mount: the mount is of the directory above, and has both. */
static int make_upper(const struct spec_mount *m, const struct spec_source *from, struct arena *a,
                      const struct plan *p, struct overlay *o, struct err *e) {
        const char *path = from->path, *slash;
        size_t n = strlen(path);

        if (from->in_tree && is_spared(p)) {
                err_set(e, ERR_USAGE, 0, "%s+/%s would write to the tree, which is not to be changed", m->option,
                        path);
                err_hint(e, "an empty one is in memory, and gone with the container");
                return err_blame(e, m->option, path);
        }
        while (n > 1 && path[n - 1] == '/')
                n--;
        path = arena_strndup(a, path, n);
        slash = strrchr(path, '/');
        o->data = slash ? slash + 1 : path;
        if (!*o->data || streq(o->data, ".") || streq(o->data, "..")) {
                err_set(e, ERR_USAGE, 0, "%s%s: not a directory that can be written to", m->option, from->path);
                return err_blame(e, m->option, from->path);
        }
        o->work = arena_printf(a, ".#%.200s.work", o->data);
        o->upper = make_layer(from, p);
        o->upper.upper = true;
        path = !slash ? "" : slash == path ? "/" : arena_strndup(a, path, (size_t) (slash - path));
        *(from->in_tree ? &o->upper.inside : &o->upper.host) = path;
        return plan_check_upper(p, &o->upper, m->option, e) < 0 ? err_blame(e, m->option, from->path) : 0;
}

static int add_overlay(const struct spec_mount *m, const struct facts *f, const struct source *from, struct arena *a,
                       struct plan *p, struct err *e) {
        struct overlay *o = arena_new(a, struct overlay);
        size_t n = m->layers.n - (m->read_only ? 0 : 1);
        int r = 0;

        if (!from->type)
                return no_source(m, source_name(&m->layers.items[from->layer], f, a), from, e);
        if (plan_no_overlay(f)) {
                err_set(e, ERR_HOST, 0, "%s: %s", m->option, plan_no_overlay(f));
                return err_blame(e, m->option, NULL);
        }
        for (size_t i = n; i > 0; i--)
                *arena_push(a, &o->lower) = make_layer(&m->layers.items[i - 1], p);
        if (!m->read_only && (m->layers.items[n].in_tree || *m->layers.items[n].path))
                r = make_upper(m, &m->layers.items[n], a, p, o, e);
        else if (!m->read_only) {
                o->memory = PLAN_MEMORY;
                o->data = "data";
                o->work = "work";
        }
        plan_add_fsop(a, p,
                      &(struct fsop){
                              .kind = FSOP_OVERLAY,
                              .dst = m->dst,
                              .overlay = o,
                              .slot = -1,
                              .set = MOUNT_ATTR_NODEV | (m->read_only ? MOUNT_ATTR_RDONLY : 0),
                              .flags = FSOP_BY_HOST | FSOP_MAKE_DIR | FSOP_PARENTS | FSOP_FOLLOW | FSOP_OF_USER,
                              .why = m->option,
                      });
        return r;
}

static int add_one(const struct spec *s, const struct spec_mount *m, const struct facts *f, const struct source *from,
                   int kept, struct arena *a, struct plan *p, struct err *e) {
        if (m->kind != MOUNT_BIND && is_covered(m, from, p))
                return no_place(m, from, e);
        switch (m->kind) {
        case MOUNT_BIND: return bind_one(s, m, f, from, kept, a, p, e);
        case MOUNT_OVERLAY: return add_overlay(m, f, from, a, p, e);
        case MOUNT_TMPFS: add_fresh(m, *m->options ? m->options : NULL, m->set, a, p); return check_tmpfs(m, p, e);
        case MOUNT_INACCESSIBLE:
                plan_add_fsop(a, p,
                              &(struct fsop){ .kind = FSOP_HIDE,
                                              .dst = m->dst,
                                              .slot = -1,
                                              .flags = FSOP_FOLLOW | FSOP_OF_USER,
                                              .why = m->option });
                return 0;
        }
        return err_set(e, ERR_BUG, 0, "unknown kind of mount %d", m->kind);
}

int plan_binds(const struct spec *s, const struct facts *f, const int *kept, struct arena *a, struct plan *p,
               struct err *e) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < s->mounts.n; i++) {
                r = add_one(s, &s->mounts.items[i], f, &f->sources.items[i], kept[i], a, p, e);
                r = r < 0 ? r : plan_host_dir(s, &s->mounts.items[i], a, p, e);
        }
        return r;
}

void plan_seed_binds(const struct spec *s, const struct facts *f, struct arena *a, struct seed_list *seeds) {
        for (size_t i = 0; i < s->mounts.n; i++) {
                const struct spec_mount *m = &s->mounts.items[i];
                const char *name = str_after(m->dst, "run/host/");
                bool file = m->kind == MOUNT_BIND && (m->source.in_tree || *m->source.path) &&
                            !S_ISDIR(f->sources.items[i].type);

                if (!name || m->kind == MOUNT_INACCESSIBLE || (file && !f->sources.items[i].type) ||
                    plan_has_seed(seeds, name))
                        continue;
                plan_seed_directories(name, a, seeds);
                *arena_push(a, seeds) = (struct seed){ .kind = file ? SEED_FILE : SEED_DIR,
                                                       .path = name,
                                                       .text = file ? "" : NULL,
                                                       .mode = file ? 0444 : 0755 };
        }
}

static bool is_device(mode_t type) {
        return S_ISCHR(type) || S_ISBLK(type);
}

int plan_bind_devices(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        for (size_t i = 0; i < s->mounts.n; i++) {
                const struct source *from = &f->sources.items[i];

                if (s->mounts.items[i].kind != MOUNT_BIND || !is_device(from->type))
                        continue;
                if (p->cgroup.devices.n >= PLAN_DEVICES)
                        return err_set(e, ERR_USAGE, 0, "more than %d device nodes are bound", PLAN_DEVICES);
                *arena_push(a, &p->cgroup.devices) = (struct device_rule){
                        .block = S_ISBLK(from->type),
                        .major = major(from->device),
                        .minor = (int) minor(from->device),
                        .read_only = s->mounts.items[i].read_only,
                };
        }
        return 0;
}
