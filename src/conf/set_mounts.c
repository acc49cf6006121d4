/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Setters for what a user wants mounted: --bind= and its kin. */

#include "conf/setting.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>

#include "base/clean.h"
#include "base/parse.h"
#include "base/str.h"

int split_colons(struct arena *a, const char *v, const char **parts, int max) {
        char *out = arena_alloc(a, strlen(v) + 1);
        int n = 0;

        parts[n++] = out;
        for (; *v; v++) {
                if (n < max && *v == '\\' && (v[1] == ':' || v[1] == '\\'))
                        *out++ = *++v;
                else if (n < max && *v == ':') {
                        *out++ = '\0';
                        parts[n++] = out;
                } else
                        *out++ = *v;
        }
        *out = '\0';
        return n;
}

/* The parts of an absolute path with single slashes between them, none in front and behind, without "." parts. NULL
 * where it is not absolute or has "..". */
static const char *plain_parts(struct arena *a, const char *path) {
        char *ret = arena_alloc(a, strlen(path) + 1), *out = ret;

        if (*path != '/' || strlen(path) >= PATH_MAX)
                return NULL;
        for (size_t n; *(path += strspn(path, "/")); path += n) {
                n = strcspn(path, "/");
                if (n == 2 && strncmp(path, "..", 2) == 0)
                        return NULL;
                if (n == 1 && *path == '.')
                        continue;
                if (out > ret)
                        *out++ = '/';
                memcpy(out, path, n);
                out += n;
        }
        *out = '\0';
        return ret;
}

/* What every container gets there lies on top. */
static bool is_covered(const char *dst) {
        static const char covered[][5] = { "dev", "proc", "run", "sys", "tmp" };

        for (size_t i = 0; i < ELEMENTS(covered); i++) {
                const char *rest = str_after(dst, covered[i]);

                if (rest && (*rest == '\0' || *rest == '/'))
                        return true;
        }
        return false;
}

/* NEW[:OLD] */
int set_pivot(const struct saying *s, struct err *e) {
        struct spec_root *r = &s->spec->root;
        const char *parts[3];
        int n = split_colons(s->arena, s->said->value, parts, 3);

        r->pivot_new = n > 2 ? NULL : plain_parts(s->arena, parts[0]);
        r->pivot_old = n == 2 ? plain_parts(s->arena, parts[1]) : NULL;
        if (!r->pivot_new || !*r->pivot_new || (n == 2 && (!r->pivot_old || !*r->pivot_old)))
                return bad_value(s, e, "not plain absolute paths");
        if (n == 2 && streq(r->pivot_new, r->pivot_old))
                return bad_value(s, e, "both paths are the same");
        if (n == 2 && is_covered(r->pivot_old))
                return bad_value(s, e, "/%.80s is covered by what every container gets", r->pivot_old);
        return 0;
}

/* Each costs a descriptor and some memory before the start. */
enum { MOUNTS_MAX = 4096 };

static struct spec_mount *new_mount(const struct saying *s, enum mount_kind kind, struct err *e) {
        struct spec_mount *m;

        if (s->spec->mounts.n >= MOUNTS_MAX) {
                bad_value(s, e, "more than %d mounts", MOUNTS_MAX);
                return NULL;
        }
        m = arena_push(s->arena, &s->spec->mounts);
        m->kind = kind;
        m->option = arena_printf(s->arena, "--%s=", s->said->row->name);
        return m;
}

/* What berth itself puts into /run/host. */
static bool is_in_run_host(const char *path) {
        static const char own[][31] = { "container-manager",
                                        "container-uuid",
                                        "os-release",
                                        "notify",
                                        "proc-kmsg",
                                        "proc-sys-kernel-random-boot-id",
                                        "incoming",
                                        "unix-export",
                                        "credentials",
                                        "inaccessible",
                                        "home",
                                        "userdb" };

        for (size_t i = 0; i < ELEMENTS(own); i++) {
                const char *rest = str_after(path, own[i]);

                if (rest && (*rest == '\0' || *rest == '/'))
                        return true;
        }
        return false;
}

/* The host's own directory of that name: see plan/binds.c. */
static bool is_host_own(const struct saying *s, const struct spec_mount *m) {
        static const char whole[][5] = { "dev", "proc", "run", "sys" };
        const char *from = m->kind == MOUNT_BIND && !m->source.in_tree ? plain_parts(s->arena, m->source.path) : NULL;

        for (size_t i = 0; i < ELEMENTS(whole); i++)
                if (from && streq(from, whole[i]) && streq(m->dst, whole[i]))
                        return true;
        return false;
}

/* What the container is made of. Anything below them may be covered, but for what lies in run/host. */
static bool is_own(const struct saying *s, const struct spec_mount *m) {
        static const char own[][9] = { "", "dev", "dev/pts", "proc", "run", "run/host", "sys" };
        const char *cgroup = str_after(m->dst, SPEC_CGROUP_DIR), *rest = str_after(m->dst, "run/host/");

        for (size_t i = 0; i < ELEMENTS(own); i++)
                if (streq(m->dst, own[i]))
                        return !is_host_own(s, m);
        /* A bind there is common, and has a meaning: see plan/binds.c. */
        return (rest && is_in_run_host(rest)) ||
               (m->kind != MOUNT_BIND && cgroup && (*cgroup == '\0' || *cgroup == '/'));
}

static int set_destination(const struct saying *s, struct spec_mount *m, const char *path, struct err *e) {
        m->dst = plain_parts(s->arena, path);
        if (!m->dst)
                return bad_value(s, e, "the destination is no absolute path without ..");
        return is_own(s, m) ? bad_value(s, e, "/%.80s is what the container itself is made of", m->dst) : 0;
}

/* Said on the command line, a relative path is seen from the caller's directory; a file has none. */
static int set_source(const struct saying *s, struct spec_source *ret, const char *path, struct err *e) {
        ret->in_tree = *path == '+';
        path += ret->in_tree;
        if (strlen(path) >= PATH_MAX)
                return bad_value(s, e, "the path is too long");
        if (ret->in_tree) {
                ret->path = plain_parts(s->arena, arena_printf(s->arena, "/%s", path));
                return ret->path ? 0 : bad_value(s, e, "not a valid source");
        }
        if (*path && *path != '/' && s->said->origin != ORIGIN_ARGV)
                return bad_value(s, e, "the source is no absolute path");
        ret->path = *path ? path_from_here(s, path) : path;
        return ret->path ? 0 : bad_value(s, e, "the directory that it is relative to is gone");
}

/* HOST:INSIDE[:COUNT]; the kernel takes one page of text for all of them. */
enum { MAPS_MAX = 100 };

static bool add_map(struct arena *a, struct spec_mount *m, const char *v) {
        const char *parts[4];
        uint64_t n[3] = { 0, 0, 1 };
        int count = split_colons(a, v, parts, 4);

        if (count < 2 || count > 3 || m->maps.n >= MAPS_MAX)
                return false;
        for (int i = 0; i < count; i++)
                if (parse_u64(parts[i], i == 2, UINT32_MAX - 1, &n[i]) < 0)
                        return false;
        if (n[0] + n[2] > UINT32_MAX || n[1] + n[2] > UINT32_MAX)
                return false;
        *arena_push(a, &m->maps) = (struct owner_map){ (uint32_t) n[0], (uint32_t) n[1], (uint32_t) n[2] };
        return true;
}

static bool set_bind_option(struct arena *a, struct spec_mount *m, const char *word) {
        static const struct {
                char word[11];
                enum owners owners;
        } owners[] = {
                { "noidmap", OWNERS_KEPT },
                { "idmap", OWNERS_SAME },
                { "rootidmap", OWNERS_ROOT },
                { "owneridmap", OWNERS_OWNER },
        };
        const char *map = str_after(word, "map=");

        if (streq(word, "rbind") || streq(word, "norbind")) {
                m->alone = *word == 'n';
                return true;
        }
        if (map) {
                m->owners = OWNERS_LIST;
                return add_map(a, m, map);
        }
        for (size_t i = 0; i < ELEMENTS(owners); i++)
                if (streq(owners[i].word, word)) {
                        m->owners = owners[i].owners;
                        return true;
                }
        return false;
}

static int set_bind_options(const struct saying *s, struct spec_mount *m, const char *v, struct err *e) {
        for (size_t n;; v += n + 1) {
                enum owners before = m->owners;
                const char *word;

                n = strcspn(v, ",");
                word = arena_strndup(s->arena, v, n);
                if (!set_bind_option(s->arena, m, word)) {
                        int r = bad_value(s, e, "unknown option %.40s", word);

                        return streq(word, "ro") ? err_hint(e, "--bind-ro= is read-only") : r;
                }
                /* Of the others the last one counts. */
                if (m->owners != before && before != OWNERS_KEPT && (before == OWNERS_LIST || m->maps.n > 0))
                        return bad_value(s, e, "map= does not go with %s",
                                         before == OWNERS_LIST ? word : "the one before");
                if (!v[n])
                        return 0;
        }
}

/* SOURCE[:DESTINATION[:OPTIONS]]; in front of the source - where it may be missing, + where it is in the tree. */
int set_bind(const struct saying *s, struct err *e) {
        const char *parts[3];
        int n = split_colons(s->arena, s->said->value, parts, 3), r;
        struct spec_mount *m = new_mount(s, MOUNT_BIND, e);

        if (!m)
                return -EINVAL;
        m->read_only = s->said->row->value;
        m->optional = *parts[0] == '-';
        r = set_source(s, &m->source, parts[0] + m->optional, e);
        if (r < 0)
                return r;
        if ((n == 1 || !*parts[1]) && !*m->source.path)
                return bad_value(s, e, m->source.in_tree ? "the tree itself" : "no source and no destination");
        if (n > 1 && *parts[1])
                r = set_destination(s, m, parts[1], e);
        else
                r = set_destination(
                        s, m, m->source.in_tree ? arena_printf(s->arena, "/%s", m->source.path) : m->source.path, e);
        return r < 0 || n < 3 || !*parts[2] ? r : set_bind_options(s, m, parts[2], e);
}

enum { LAYERS_MAX = 60 };

/* LOWER[:LOWER...]:UPPER:DESTINATION, the leftmost lowest; of two parts the second is the destination too. Read-only,
 * there is no upper one. */
int set_overlay(const struct saying *s, struct err *e) {
        const char *parts[LAYERS_MAX + 2];
        int n = split_colons(s->arena, s->said->value, parts, LAYERS_MAX + 2), r = 0;
        struct spec_mount *m = new_mount(s, MOUNT_OVERLAY, e);

        if (!m)
                return -EINVAL;
        if (n < 2 || n > LAYERS_MAX)
                return bad_value(s, e, n < 2 ? "at least two directories are needed" : "more than 60 parts");
        m->read_only = s->said->row->value;
        for (int i = 0; r == 0 && i < (n == 2 ? 2 : n - 1); i++) {
                struct spec_source *l = arena_push(s->arena, &m->layers);

                r = set_source(s, l, parts[i], e);
                if (r == 0 && !l->in_tree && !*l->path && (m->read_only || n == 2 || i < n - 2))
                        r = bad_value(s, e, "an empty lower directory");
        }
        if (r < 0)
                return r;
        if (n > 2)
                return set_destination(s, m, parts[n - 1], e);
        m->source = m->layers.items[1];
        return set_destination(s, m,
                               m->source.in_tree ? arena_printf(s->arena, "/%s", m->source.path) : m->source.path, e);
}

int set_inaccessible(const struct saying *s, struct err *e) {
        const char *v = s->said->value;
        struct spec_mount *m = new_mount(s, MOUNT_INACCESSIBLE, e);

        /* A + in front stands for the tree's root: all of these are seen from there. */
        return !m ? -EINVAL : set_destination(s, m, v + (*v == '+'), e);
}

/* Options of a mount, and of tmpfs(5). */
static const struct {
        char name[12];
        uint64_t set, clear;
} mount_flags[] = {
        { "ro", MOUNT_ATTR_RDONLY, 0 },
        { "rw", 0, MOUNT_ATTR_RDONLY },
        { "nosuid", MOUNT_ATTR_NOSUID, 0 },
        { "suid", 0, MOUNT_ATTR_NOSUID },
        { "nodev", MOUNT_ATTR_NODEV, 0 },
        { "dev", 0, MOUNT_ATTR_NODEV },
        { "noexec", MOUNT_ATTR_NOEXEC, 0 },
        { "exec", 0, MOUNT_ATTR_NOEXEC },
        { "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0 },
        { "nodiratime", MOUNT_ATTR_NODIRATIME, 0 },
        { "strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME },
        { "noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME },
        { "relatime", 0, MOUNT_ATTR__ATIME },
};

static bool take_flag(struct spec_mount *m, const char *word) {
        for (size_t i = 0; i < ELEMENTS(mount_flags); i++)
                if (streq(mount_flags[i].name, word)) {
                        m->set = (m->set & ~mount_flags[i].clear) | mount_flags[i].set;
                        return true;
                }
        return false;
}

/* The kernel's memparse(), or a share of the memory. */
static bool is_share_or_size(const char *v) {
        size_t n = strspn(v, "0123456789");

        return n > 0 && n < 20 && (!v[n] || (strchr("kKmMgGtTpPeE%", v[n]) && !v[n + 1]));
}

static bool is_mode(const char *v) {
        mode_t mode;

        return parse_mode(v, &mode) == 0;
}

static bool is_id(const char *v) {
        uid_t id;

        return parse_uid(v, &id) == 0;
}

static bool is_huge(const char *v) {
        return streq(v, "never") || streq(v, "always") || streq(v, "within_size") || streq(v, "advise");
}

/* tmpfs(5) */
static bool is_tmpfs_option(const char *word) {
        static const struct {
                const char *name;
                bool (*is_good)(const char *v);
        } options[] = {
                { "mode=", is_mode },
                { "size=", is_share_or_size },
                { "nr_blocks=", is_share_or_size },
                { "uid=", is_id },
                { "gid=", is_id },
                { "nr_inodes=", is_share_or_size },
                { "huge=", is_huge },
        };
        static const char flags[][8] = { "noswap", "inode32", "inode64" };

        for (size_t i = 0; i < ELEMENTS(options); i++) {
                const char *v = str_after(word, options[i].name);

                if (v)
                        return strlen(word) < 100 && options[i].is_good(v);
        }
        for (size_t i = 0; i < ELEMENTS(flags); i++)
                if (streq(flags[i], word))
                        return true;
        return false;
}

static int set_tmpfs_options(const struct saying *s, struct spec_mount *m, const char *v, struct err *e) {
        m->options = *v ? "" : m->options;
        for (size_t n; *v; v += n + (v[n] == ',')) {
                const char *word;

                n = strcspn(v, ",");
                word = arena_strndup(s->arena, v, n);
                if (*word && !take_flag(m, word)) {
                        if (!is_tmpfs_option(word))
                                return bad_value(s, e, "no option of a tmpfs: %.40s", word);
                        m->options = arena_printf(s->arena, "%s%s%s", m->options, *m->options ? "," : "", word);
                }
        }
        return 0;
}

/* DESTINATION[:OPTIONS]. With options, the mode is the kernel's: everybody may write to it. */
int set_tmpfs(const struct saying *s, struct err *e) {
        const char *parts[2];
        int n = split_colons(s->arena, s->said->value, parts, 2), r;
        struct spec_mount *m = new_mount(s, MOUNT_TMPFS, e);

        if (!m)
                return -EINVAL;
        m->options = "mode=0755";
        m->set = MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME;
        r = set_destination(s, m, parts[0], e);
        return r < 0 || n < 2 ? r : set_tmpfs_options(s, m, parts[1], e);
}
