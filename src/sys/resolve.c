/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/resolve.h"

#include <errno.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"

static int call(int dir, const char *path, int flags, uint64_t resolve) {
        struct open_how how = { .flags = (uint64_t) (flags | O_CLOEXEC), .resolve = resolve };
        long r;

        /* RESOLVE_IN_ROOT asks for a retry with EAGAIN when a rename or mount raced with ".." (openat2(2)). A
         * tree that keeps racing must not keep us here. */
        for (int tries = 0; tries < 32; tries++) {
                r = syscall(SYS_openat2, dir, path, &how, sizeof how);
                if (r >= 0 || (errno != EAGAIN && errno != EINTR))
                        break;
        }
        return r < 0 ? -errno : (int) r;
}

int resolve_in_root(int root, const char *path, int flags) {
        return call(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int resolve_plain(int root, const char *path, int flags) {
        return call(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
}

int resolve_beneath(int dir, const char *path, int flags) {
        return call(dir, path, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

/* What the link says; NULL: it is none, or is not there. */
static const char *link_text(int root, const char *path, struct arena *a) {
        CLEAN_FD int fd = resolve_plain(root, path, O_PATH | O_NOFOLLOW);
        char text[PATH_MAX];
        ssize_t n = fd < 0 ? -1 : readlinkat(fd, "", text, sizeof text);

        return n <= 0 || n == sizeof text ? NULL : arena_strndup(a, text, (size_t) n);
}

static const char *above(const char *path, struct arena *a) {
        const char *slash = strrchr(path, '/');

        return slash ? arena_strndup(a, path, (size_t) (slash - path)) : "";
}

/* As the kernel would do it (path_resolution(7)). */
const char *resolve_by_text(int root, const char *path, struct arena *a) {
        enum { LINKS_MAX = 40 };
        const char *at = "", *rest = path;

        for (int links = 0; *rest && links <= LINKS_MAX;) {
                size_t n = strcspn(rest, "/");
                const char *part = arena_strndup(a, rest, n), *next, *to;

                rest += n + strspn(rest + n, "/");
                if (n == 0 || streq(part, "."))
                        continue;
                next = streq(part, "..") ? above(at, a) : *at ? arena_printf(a, "%s/%s", at, part) : part;
                to = streq(part, "..") ? NULL : link_text(root, next, a);
                if (to) {
                        links++;
                        rest = arena_printf(a, "%s/%s", to, rest);
                        next = *to == '/' ? "" : at;
                }
                at = next;
        }
        return *rest ? NULL : at;
}
