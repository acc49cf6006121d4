/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe/probe.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/log.h"
#include "base/path_hint.h"
#include "base/pick.h"
#include "base/str.h"

void opened_init(struct opened *o) {
        *o = (struct opened){ .proc = -1, .root = -1, .whole = -1, .cgroup = -1, .lent = -1 };
}

/* systemd-nspawn(1), --machine=: where trees are looked for by name. */
static const char search[][24] = {
        "/etc/machines",      "/run/machines",           "/var/lib/machines",
        "/var/lib/container", "/usr/local/lib/machines", "/usr/lib/machines",
};

/* What is looked for there by name, in this order. Each may be one of several versions: NAME.v/NAME_VERSION. */
static const struct found_as {
        struct pick pick;
        bool device; /* a block device, besides */
        bool image, stack;
} found_as[] = {
        { { "", .directories = true }, .device = true },
        { { ".raw", .files = true }, .image = true },
        { { ".mstack", .directories = true }, .stack = true },
};

static bool is_it(const char *path, const struct found_as *as, struct facts *f, bool *ret_denied) {
        struct stat st;

        if (stat(path, &st) < 0) {
                *ret_denied = *ret_denied || errno == EACCES;
                return false;
        }
        f->image.used = as->image || S_ISBLK(st.st_mode);
        return S_ISDIR(st.st_mode)   ? as->pick.directories
               : S_ISBLK(st.st_mode) ? as->device || as->pick.files
                                     : S_ISREG(st.st_mode) && as->pick.files;
}

static int find_by_name(const char *name, struct arena *a, struct facts *f, const char **ret, struct err *e) {
        bool denied = false;

        for (size_t i = 0; i < ELEMENTS(search) * ELEMENTS(found_as); i++) {
                const struct found_as *as = &found_as[i % ELEMENTS(found_as)];
                const char *path = arena_printf(a, "%s/%s%s", search[i / ELEMENTS(found_as)], name, as->pick.suffix);

                f->stack.used = as->stack;
                if (is_it(path, as, f, &denied)) {
                        *ret = path;
                        return 0;
                }
                f->image.used = as->image;
                if (pick_version(arena_printf(a, "%s.v", path), &as->pick, a, ret) > 0)
                        return 0;
        }
        f->image.used = f->stack.used = false;
        if (denied) {
                err_set(e, ERR_HOST, EACCES, "cannot look for the machine %s", name);
                return err_hint(e, "/var/lib/machines is for root alone: sudo berth ...");
        }
        err_set(e, ERR_USAGE, 0, "No image for machine '%s'.", name);
        return err_hint(e, "looked in /var/lib/machines and the like; -D names a directory anywhere, -i an image");
}

/* A directory of versions is a way to say which one. */
static int pick_path(const struct found_as *as, struct arena *a, const char **path, struct err *e) {
        int k = pick_version(*path, &as->pick, a, path);

        if (k >= 0)
                return 0;
        err_set(e, k == -ENOENT ? ERR_USAGE : ERR_HOST, k == -ENOENT ? 0 : -k, "no version to start in %s", *path);
        return err_hint(e, "names in there are NAME_VERSION[_ARCHITECTURE][+LEFT[-DONE]]%s: systemd.v(7)",
                        as->pick.suffix);
}

/* A machine name from a directory's or an image's: what a host name cannot have is left out, as upstream does. */
static const char *clean_name(const char *path, const char *suffix, struct arena *a) {
        const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
        char name[65], host[65] = "";
        size_t n = 0;

        if (!*base) {
                (void) gethostname(host, sizeof host - 1);
                base = host;
        }
        for (const char *raw = *suffix ? str_ending(base, suffix) : NULL; *base && base != raw && n < sizeof name - 1;
             base++) {
                char last = n > 0 ? name[n - 1] : '.';

                if (isascii((unsigned char) *base) && isalnum((unsigned char) *base))
                        name[n++] = *base;
                else if (*base == '-' && last != '.')
                        name[n++] = *base;
                else if (*base == '.' && last != '.' && last != '-')
                        name[n++] = *base;
        }
        while (n > 0 && (name[n - 1] == '.' || name[n - 1] == '-'))
                n--;
        name[n] = '\0';
        return arena_strdup(a, n > 0 ? name : "container");
}

static const char *without_slashes(const char *path, struct arena *a) {
        size_t n = strlen(path);

        while (n > 1 && path[n - 1] == '/')
                n--;
        return arena_strndup(a, path, n);
}

const char *probe_name(const struct spec *s, struct arena *a) {
        const char *path = str_or(s->root.image, str_or(s->root.mstack, str_or(s->root.directory, ".")));
        char real[PATH_MAX];

        if (s->id.machine)
                return s->id.machine;
        path = realpath(path, real) ? real : path;
        return clean_name(without_slashes(path, a), s->root.image ? ".raw" : s->root.mstack ? ".mstack" : "", a);
}

int probe_top(struct facts *f, int root, struct err *e) {
        struct stat st, host;

        if (fstat(root, &st) < 0 || stat("/", &host) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot look at %s", f->tree.path);
        f->tree.dev = st.st_dev;
        f->tree.ino = st.st_ino;
        f->tree.uid = st.st_uid;
        f->tree.gid = st.st_gid;
        f->tree.host_root = st.st_dev == host.st_dev && st.st_ino == host.st_ino;
        return 0;
}

int probe_made(struct facts *f, struct opened *o, struct err *e) {
        struct stat st;

        if (!o->made)
                return 0;
        o->made = false;
        if (fstat(o->whole >= 0 ? o->whole : o->root, &st) < 0)
                return err_set(e, ERR_SYSTEM, errno, "cannot look at %s", f->tree.path);
        f->tree.dev = st.st_dev;
        f->tree.ino = st.st_ino;
        f->tree.template = NULL;
        f->tree.made = true;
        return 0;
}

/* The tree is not there: what will be, is known by the template. *path is what it shall be, and what is opened then.
 */
static int find_template(const struct spec *s, struct arena *a, struct facts *f, const char **path, struct err *e) {
        const char *want = without_slashes(*path, a);
        const char *slash = strrchr(want, '/'), *name = slash ? slash + 1 : want;
        const char *dir = !slash ? "." : slash == want ? "/" : arena_strndup(a, want, (size_t) (slash - want));
        char real[PATH_MAX];

        if (faccessat(AT_FDCWD, want, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return 0;
        if (!*name || streq(name, ".") || streq(name, ".."))
                return err_set(e, ERR_USAGE, 0, "%s cannot be made from a template", *path);
        if (!realpath(dir, real)) {
                err_set(e, ERR_USAGE, errno, "cannot make %s", *path);
                return err_hint(e, "the directory that it shall be in must be there");
        }
        f->tree.path = arena_printf(a, "%s/%s", streq(real, "/") ? "" : real, name);
        *path = s->root.template;
        if (pick_path(&found_as[0], a, path, e) < 0)
                return err_blame(e, "template", NULL);
        if (!realpath(*path, real)) {
                err_set(e, ERR_USAGE, errno, "cannot use the template %s", s->root.template);
                return err_hint_path(e, s->root.template);
        }
        f->tree.template = *path = arena_strdup(a, real);
        name = str_after(f->tree.path, streq(real, "/") ? "" : real);
        if (!name || *name != '/')
                return 0;
        err_set(e, ERR_USAGE, 0, "cannot make %s from %s, which it would lie in", f->tree.path, real);
        return err_blame(e, "template", NULL);
}

/* Which directory is meant: a path as the user says it. */
static int find_path(const struct spec *s, struct arena *a, struct facts *f, const char **ret, struct err *e) {
        bool other = s->root.image || s->root.mstack;
        int r;

        *ret = str_or(s->root.image, str_or(s->root.mstack, str_or(s->root.directory, ".")));
        f->image.used = s->root.image;
        f->stack.used = s->root.mstack;
        if (other || s->root.directory) {
                r = pick_path(&found_as[s->root.image ? 1 : s->root.mstack ? 2 : 0], a, ret, e);
                if (r < 0 || other)
                        return r;
        }
        if (s->root.template && !s->root.directory && !s->id.machine) {
                if (s->root.ephemeral) {
                        *ret = s->root.template;
                        return pick_path(&found_as[0], a, ret, e);
                }
                err_set(e, ERR_USAGE, 0, "--template= does not say what to make");
                return err_hint(e, "-D or -M does");
        }
        if (!s->root.directory && s->id.machine) {
                r = find_by_name(s->id.machine, a, f, ret, s->root.template ? NULL : e);
                if (r < 0 && !s->root.template)
                        return r;
                if (r < 0)
                        *ret = arena_printf(a, "/var/lib/machines/%s", s->id.machine);
        }
        return s->root.template ? find_template(s, a, f, ret, e) : 0;
}

static int resolve(const char *path, bool image, struct arena *a, const char **ret, struct err *e) {
        char real[PATH_MAX];

        if (!realpath(path, real)) {
                err_set(e, errno == ENOENT || errno == ENOTDIR ? ERR_USAGE : ERR_HOST, errno, "cannot find %s%s",
                        image ? "the image " : "", path);
                return err_hint_path(e, path);
        }
        *ret = arena_strdup(a, real);
        return 0;
}

static int open_directory(const struct spec *s, const char *path, struct opened *o, struct err *e) {
        int r;

        o->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (o->root >= 0)
                return 0;
        r = err_set(e, errno == ENOENT || errno == ENOTDIR ? ERR_USAGE : ERR_HOST, errno,
                    "cannot open the directory %s%s", path, s->root.mstack ? " (--mstack=)" : "");
        if (r == -ENOTDIR && !s->root.mstack && faccessat(AT_FDCWD, path, F_OK, 0) == 0)
                return err_hint(e, "-D wants a directory, -i a disk image");
        return err_hint_path(e, path);
}

int probe_root(const struct spec *s, struct arena *a, struct facts *f, struct opened *o, struct err *e) {
        bool by_name = !s->root.image && !s->root.mstack && !s->root.directory && s->id.machine;
        const char *path, *real;
        int r = find_path(s, a, f, &path, e);

        r = r < 0 || f->image.used ? r : open_directory(s, path, o, e);
        r = r < 0 ? r : resolve(path, f->image.used, a, &real, e);
        if (r < 0)
                return r;
        f->tree.path = str_or(f->tree.path, real);
        f->tree.vendor = by_name && str_after(path, "/usr/");
        f->tree.name = str_or(s->id.machine, clean_name(f->tree.path,
                                                        f->image.used   ? ".raw"
                                                        : f->stack.used ? ".mstack"
                                                                        : "",
                                                        a));
        log_debug(LOG_PROBE, "%s %s, machine %s", f->image.used ? "image" : "tree", f->tree.path, f->tree.name);
        r = f->image.used ? 0 : probe_top(f, o->root, e);
        /* What it makes the root of is seen later. */
        if (r == 0 && f->stack.used) {
                clean_fd(&o->root);
                o->root = -1;
        }
        return r;
}
