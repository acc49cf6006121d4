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
#include "base/str.h"

void opened_init(struct opened *o) {
        *o = (struct opened){ -1, -1, -1 };
}

void opened_done(struct opened *o) {
        clean_fd(&o->proc);
        clean_fd(&o->root);
        clean_fd(&o->cgroup);
        opened_init(o);
}

/* systemd-nspawn(1), --machine=: where trees are looked for by name. */
static const char *const search[] = {
        "/etc/machines",      "/run/machines",           "/var/lib/machines",
        "/var/lib/container", "/usr/local/lib/machines", "/usr/lib/machines",
};

static int find_by_name(const char *name, struct arena *a, const char **ret, struct err *e) {
        for (size_t i = 0; i < ELEMENTS(search); i++) {
                const char *path = arena_printf(a, "%s/%s", search[i], name);
                struct stat st;

                if (stat(path, &st) < 0)
                        continue;
                if (!S_ISDIR(st.st_mode))
                        return err_set(e, ERR_USAGE, 0,
                                       "%s is no directory: disk images are not supported by this build yet", path);
                *ret = path;
                return 0;
        }
        err_set(e, ERR_USAGE, 0, "No image for machine '%s'.", name);
        return err_hint(e, "looked in /var/lib/machines and the like; -D names a directory anywhere");
}

/* A machine name from a directory's: what a host name cannot have is left out, as upstream does. */
static const char *clean_name(const char *path, struct arena *a) {
        const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
        char name[65], host[65] = "";
        size_t n = 0;

        if (!*base) {
                (void) gethostname(host, sizeof host - 1);
                base = host;
        }
        for (; *base && n < sizeof name - 1; base++) {
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

static int stat_root(struct facts *f, int root, struct err *e) {
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

int probe_root(const struct spec *s, struct arena *a, struct facts *f, struct opened *o, struct err *e) {
        const char *path = str_or(s->root.directory, ".");
        char real[PATH_MAX];
        int r;

        if (!s->root.directory && s->id.machine) {
                r = find_by_name(s->id.machine, a, &path, e);
                if (r < 0)
                        return r;
        }
        o->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (o->root < 0) {
                r = err_set(e, errno == ENOENT || errno == ENOTDIR ? ERR_USAGE : ERR_HOST, errno,
                            "cannot open the directory %s", path);
                return errno == ENOTDIR ? err_hint(e, "-D wants a directory") : r;
        }
        if (!realpath(path, real))
                return err_set(e, ERR_HOST, errno, "cannot resolve %s", path);
        f->tree.path = arena_strdup(a, real);
        f->tree.vendor = !s->root.directory && s->id.machine && str_after(path, "/usr/");
        f->tree.name = str_or(s->id.machine, clean_name(real, a));
        log_debug(LOG_PROBE, "tree %s, machine %s", f->tree.path, f->tree.name);
        return stat_root(f, o->root, e);
}
