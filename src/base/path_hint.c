/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/path_hint.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"

/* How far a path leads: to there ("." where not even its first part is good), and not on to part. */
struct stop {
        char there[PATH_MAX];
        char part[NAME_MAX + 1];
        bool link; /* which is a link to what is missing */
};

/* The part that ends at byte end: is it there, and a directory where more comes behind it? */
static bool is_good(const char *path, size_t end, bool more, bool *ret_link) {
        char text[PATH_MAX];
        struct stat st;

        memcpy(text, path, end);
        text[end] = '\0';
        if (stat(text, &st) == 0)
                return !more || S_ISDIR(st.st_mode);
        *ret_link = lstat(text, &st) == 0 && S_ISLNK(st.st_mode);
        return false;
}

/* False: all of it is there now. */
static bool find_stop(const char *path, struct stop *ret) {
        size_t next;

        for (size_t at = strspn(path, "/"); path[at]; at = next) {
                size_t end = at + strcspn(path + at, "/"), last = at;

                next = end + strspn(path + end, "/");
                ret->link = false;
                if (end - at > NAME_MAX || is_good(path, end, path[next], &ret->link))
                        continue;
                while (last > 1 && path[last - 1] == '/')
                        last--;
                memcpy(ret->there, last > 0 ? path : ".", last > 0 ? last : 1);
                ret->there[last > 0 ? last : 1] = '\0';
                memcpy(ret->part, path + at, end - at);
                ret->part[end - at] = '\0';
                return true;
        }
        return false;
}

static int hint_missing(struct err *e, const char *path) {
        char here[PATH_MAX];
        struct stop s;

        if (!find_stop(path, &s))
                return *path != '/' && !getcwd(here, sizeof here) && errno == ENOENT
                               ? err_hint(e, "the current directory is gone: cd to one that is there")
                               : -e->code;
        return s.link ? err_hint(e, "%.90s in %.90s is a link to what is not there", s.part, s.there)
                      : err_hint(e, "%.90s has no %.90s", streq(s.there, ".") ? "this directory" : s.there, s.part);
}

static int hint_no_directory(struct err *e, const char *path) {
        struct stop s;

        return find_stop(path, &s) ? err_hint(e, "%.90s in %.90s is no directory", s.part, s.there)
                                   : err_hint(e, "name a directory");
}

int err_hint_path(struct err *e, const char *path) {
        if (!e || strlen(path) >= PATH_MAX)
                return e && e->code > 0 ? -e->code : -EINVAL;
        switch (e->code) {
        case ENOENT: return hint_missing(e, path);
        case ENOTDIR: return hint_no_directory(e, path);
        case EISDIR: return err_hint(e, "name a file in it");
        case ELOOP: return err_hint(e, "links lead in a circle, or there are too many: readlink -e shows where");
        case EACCES:
                return err_hint(e, geteuid() == 0 ? "not even root may: see its mode, its owner, its mount"
                                                  : "sudo berth ...");
        default: return e->code > 0 ? -e->code : -EINVAL;
        }
}
