/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/pick.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "base/version.h"

/* Names that are looked for in a directory. */
struct pattern {
        const char *dir, *stem, *suffix;
};

static const char *last_part(struct arena *a, const char *path, const char **ret_dir) {
        const char *slash = strrchr(path, '/');

        *ret_dir = !slash ? "." : slash == path ? "/" : arena_strndup(a, path, (size_t) (slash - path));
        return slash ? slash + 1 : path;
}

static bool is_directory(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* .../DIR.v/STEM___SUFFIX, or .../STEMSUFFIX.v */
static bool read_pattern(const char *path, const struct pick *p, struct arena *a, struct pattern *ret) {
        const char *dir, *name = last_part(a, path, &dir), *bars = strstr(name, "___"), *end;

        if (bars && bars > name && str_ending(dir, ".v")) {
                *ret = (struct pattern){ dir, arena_strndup(a, name, (size_t) (bars - name)), bars + 3 };
                return is_directory(dir);
        }
        end = str_ending(name, ".v");
        if (!end || end == name || !is_directory(path))
                return false;
        name = arena_strndup(a, name, (size_t) (end - name));
        end = *p->suffix ? str_ending(name, p->suffix) : NULL;
        *ret = (struct pattern){ path, end ? arena_strndup(a, name, (size_t) (end - name)) : name, p->suffix };
        return *ret->stem;
}

static bool is_wanted(int dir, const char *name, const struct pick *p) {
        struct stat st;

        if (fstatat(dir, name, &st, 0) < 0)
                return false;
        return S_ISDIR(st.st_mode) ? p->directories : p->files && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
}

int pick_version(const char *path, const struct pick *p, struct arena *a, const char **ret) {
        CLEAN_DIR DIR *dir = NULL;
        struct versioned best, v;
        struct pattern look;
        const char *found = NULL;
        size_t n = strlen(path);

        while (n > 1 && path[n - 1] == '/')
                n--;
        if (!read_pattern(arena_strndup(a, path, n), p, a, &look))
                return 0;
        dir = opendir(look.dir);
        if (!dir)
                return -errno;
        for (struct dirent *d; (d = readdir(dir));) {
                int r;

                if (!version_parse(d->d_name, look.stem, look.suffix, &v) || v.fit == VERSION_FOR_FOREIGN ||
                    !is_wanted(dirfd(dir), d->d_name, p))
                        continue;
                r = found ? versioned_compare(&v, &best) : 1;
                if (r < 0 || (r == 0 && strcmp(d->d_name, found) < 0))
                        continue;
                best = v;
                found = arena_strdup(a, d->d_name);
        }
        if (!found)
                return -ENOENT;
        *ret = arena_printf(a, "%s/%s", look.dir, found);
        return 1;
}
