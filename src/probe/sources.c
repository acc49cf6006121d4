/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the sources of --bind= and its kin lead to. Only looked at: the launch opens them again. */

#include "probe/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clean.h"
#include "sys/resolve.h"

static struct source look(const struct spec_mount *m, const struct opened *o) {
        CLEAN_FD int fd = -1;
        struct stat st;

        /* A new directory. */
        if (!m->source.in_tree && (!m->source.path || !*m->source.path))
                return (struct source){ .type = S_IFDIR };
        if (m->source.in_tree)
                fd = resolve_in_root(o->root, *m->source.path ? m->source.path : ".", O_PATH);
        else
                fd = open(m->source.path, O_PATH | O_CLOEXEC);
        if (fd < 0)
                return (struct source){ .why = m->source.in_tree ? -fd : errno };
        if (fstat(fd, &st) < 0)
                return (struct source){ .why = errno };
        return (struct source){
                .type = st.st_mode & S_IFMT, .device = st.st_rdev, .uid = st.st_uid, .gid = st.st_gid
        };
}

static void look_at_destination(const struct spec_mount *m, const struct opened *o, struct source *to) {
        CLEAN_FD int fd = resolve_in_root(o->root, m->dst, O_PATH);
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return;
        to->to_uid = st.st_uid;
        to->to_gid = st.st_gid;
}

void probe_sources(const struct spec *s, struct arena *a, struct facts *f, const struct opened *o) {
        f->sources = (struct source_list){ 0 };
        for (size_t i = 0; i < s->mounts.n; i++) {
                struct source *new = arena_push(a, &f->sources);

                *new = look(&s->mounts.items[i], o);
                if (s->mounts.items[i].owners == OWNERS_OWNER)
                        look_at_destination(&s->mounts.items[i], o, new);
        }
}
