/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/idmaps.h"

static bool overlap(uint32_t a, uint32_t n, uint32_t b, uint32_t m) {
        return a < (uint64_t) b + m && b < (uint64_t) a + n;
}

static int refuse(const struct owner_map *m, const char *why, struct err *e) {
        err_set(e, ERR_USAGE, 0, "--private-users-map=%u:%u:%u: %s", m->host, m->inside, m->count, why);
        return err_blame(e, "private-users-map", NULL);
}

static int check_row(const struct owner_map *m, size_t before, const struct spec *s, struct err *e) {
        if (m->inside == 0)
                return refuse(m, "root inside is the first id of --private-users=", e);
        if (m->host == 0)
                return refuse(m, "the host's root is nobody inside", e);
        for (size_t i = 0; i < before; i++) {
                const struct owner_map *other = &s->ids.maps.items[i];

                if (overlap(m->inside, m->count, other->inside, other->count) ||
                    overlap(m->host, m->count, other->host, other->count))
                        return refuse(m, "another one has some of these ids", e);
        }
        return 0;
}

/* What is left of the container's own range without the rows, and the rows: in order of the ids inside. */
static void merge(const struct owner_map_list *rows, struct arena *a, struct plan *p) {
        uint32_t at = 0;

        for (;;) {
                const struct owner_map *next = NULL;

                for (size_t i = 0; i < rows->n; i++)
                        if (rows->items[i].inside >= at && (!next || rows->items[i].inside < next->inside))
                                next = &rows->items[i];
                if (at < p->ids.count && (!next || next->inside > at)) {
                        uint32_t end = next && next->inside < p->ids.count ? next->inside : p->ids.count;

                        *arena_push(a, &p->ids.map) = (struct idmap_extent){ at, p->ids.base + at, end - at };
                }
                if (!next)
                        return;
                *arena_push(a, &p->ids.map) = (struct idmap_extent){ next->inside, next->host, next->count };
                at = next->inside + next->count;
        }
}

static int check_own(const struct spec *s, const struct plan *p, struct err *e) {
        for (size_t i = 0; i < s->ids.maps.n; i++)
                for (size_t k = 0; k < p->ids.map.n; k++) {
                        const struct owner_map *m = &s->ids.maps.items[i];
                        const struct idmap_extent *x = &p->ids.map.items[k];

                        if (x->inside != m->inside && overlap(m->host, m->count, x->outside, x->count))
                                return refuse(m, "the container has some of these ids of the host already", e);
                }
        return 0;
}

/* Ids of files to ids of the host: the tree's begin at first, and there are no more of them than the range has. What
 * our root makes through such a mount is kept. */
static struct idmap_extents of_files(const struct plan *p, uint32_t first, struct arena *a) {
        struct idmap_extents l = { 0 };

        for (size_t i = 0; i < p->ids.map.n; i++) {
                struct idmap_extent x = p->ids.map.items[i];

                if (first > 0 && x.inside >= p->ids.count)
                        continue;
                if (first > 0 && x.count > p->ids.count - x.inside)
                        x.count = p->ids.count - x.inside;
                x.inside += first;
                *arena_push(a, &l) = x;
        }
        if (p->ids.base > 0)
                *arena_push(a, &l) = (struct idmap_extent){ IDMAP_HOST_ROOT, 0, 1 };
        return l;
}

/* What systemd gives to services of the host for a while (DynamicUser=), which systemd-nsresourced counts with what it
 * lends: its program lets no overlay be made that could write them to a disk. */
enum { FLEETING_FIRST = 61184, FLEETING_LAST = 65519 };

/* Without further ranges, which are called the same on the disk, and without the host's root: none of ours writes. */
static struct idmap_extents of_kept(const struct plan *p, uint32_t first, struct arena *a) {
        struct idmap_extents l = { 0 };

        if (!p->ids.lent)
                return l;
        if (first > 0) {
                *arena_push(a, &l) = (struct idmap_extent){ first, p->ids.base, p->ids.count };
                return l;
        }
        *arena_push(a, &l) = (struct idmap_extent){ 0, p->ids.base, FLEETING_FIRST };
        *arena_push(a, &l) = (struct idmap_extent){ FLEETING_LAST + 1, p->ids.base + FLEETING_LAST + 1,
                                                    p->ids.count - FLEETING_LAST - 1 };
        return l;
}

/* Further ranges are called the same inside. */
static struct owner_map_list rows_of(const struct spec *s, const struct facts *f, struct arena *a) {
        struct owner_map_list l = { 0 };

        for (size_t i = 1; i < f->lent.n; i++) {
                const struct idmap_extent *x = &f->lent.items[i];

                *arena_push(a, &l) = (struct owner_map){ .host = x->outside, .inside = x->inside, .count = x->count };
        }
        return f->lent.n > 0 ? l : s->ids.maps;
}

int plan_idmaps(const struct spec *s, const struct facts *f, struct arena *a, struct plan *p, struct err *e) {
        const struct owner_map_list all = rows_of(s, f, a);
        int k = 0;

        for (size_t i = 0; k == 0 && i < s->ids.maps.n; i++)
                k = check_row(&s->ids.maps.items[i], i, s, e);
        if (k < 0)
                return k;
        merge(&all, a, p);
        for (size_t i = 0; i < p->ids.map.n; i++) {
                const struct idmap_extent *x = &p->ids.map.items[i];

                *arena_push(a, &p->ids.inner) = (struct idmap_extent){ x->inside, x->inside, x->count };
        }
        p->ids.in_tree = of_files(p, p->ids.tree_base, a);
        p->ids.on_host = of_files(p, 0, a);
        p->ids.kept_in_tree = of_kept(p, p->ids.tree_base, a);
        p->ids.kept_on_host = of_kept(p, 0, a);
        return check_own(s, p, e);
}

uint32_t plan_id_outside(const struct plan *p, uint32_t inside, uint32_t *ret) {
        for (size_t i = 0; i < p->ids.map.n; i++) {
                const struct idmap_extent *x = &p->ids.map.items[i];

                if (inside < x->inside || inside - x->inside >= x->count)
                        continue;
                *ret = x->outside + (inside - x->inside);
                return x->count - (inside - x->inside);
        }
        return 0;
}

bool plan_has_host_id(const struct plan *p, uint32_t id) {
        for (size_t i = 0; i < p->ids.map.n; i++)
                if (id >= p->ids.map.items[i].outside && id - p->ids.map.items[i].outside < p->ids.map.items[i].count)
                        return true;
        return false;
}
