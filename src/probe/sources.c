/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the sources of --bind= and its kin lead to. Only looked at: the launch opens them again. */

#include "probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clean.h"
#include "sys/resolve.h"

static struct source look(const struct spec_source *from, const struct opened *o) {
        CLEAN_FD int fd = -1;
        struct stat st;

        /* A new directory. */
        if (!from->in_tree && (!from->path || !*from->path))
                return (struct source){ .type = S_IFDIR };
        if (from->in_tree)
                fd = resolve_in_root(o->root, *from->path ? from->path : ".", O_PATH);
        else
                fd = open(from->path, O_PATH | O_CLOEXEC);
        if (fd < 0)
                return (struct source){ .why = from->in_tree ? -fd : errno };
        if (fstat(fd, &st) < 0)
                return (struct source){ .why = errno };
        return (struct source){
                .type = st.st_mode & S_IFMT, .device = st.st_rdev, .uid = st.st_uid, .gid = st.st_gid
        };
}

/* All layers must be directories. */
static struct source look_at_layers(const struct spec_mount *m, const struct opened *o) {
        struct source layer = { .type = S_IFDIR };

        for (size_t i = 0; i < m->layers.n && layer.type; i++) {
                layer = look(&m->layers.items[i], o);
                layer.layer = (int) i;
                if (layer.type && !S_ISDIR(layer.type))
                        layer = (struct source){ .why = ENOTDIR, .layer = (int) i };
        }
        return layer;
}

static void look_at_destination(const struct spec_mount *m, const struct opened *o, struct source *to) {
        CLEAN_FD int fd = resolve_in_root(o->root, m->dst, O_PATH);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return;
        to->to_found = true;
        to->to_uid = st.st_uid;
        to->to_gid = st.st_gid;
}

static const char *find_links(const struct spec_mount *m, const struct opened *o, struct arena *a) {
        CLEAN_FD int fd = resolve_plain(o->root, m->dst, O_PATH);

        return fd == -ELOOP ? resolve_by_text(o->root, m->dst, a) : NULL;
}

void probe_sources(const struct spec *s, struct arena *a, struct facts *f, const struct opened *o) {
        f->sources = (struct source_list){ 0 };
        for (size_t i = 0; i < s->mounts.n; i++) {
                struct source *new = arena_push(a, &f->sources);
                const struct spec_mount *m = &s->mounts.items[i];

                *new = m->kind == MOUNT_OVERLAY ? look_at_layers(m, o) : look(&m->source, o);
                if (m->owners == OWNERS_OWNER)
                        look_at_destination(m, o, new);
                new->leads_to = find_links(m, o, a);
        }
}
