/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/resolve.h"

#include <errno.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

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
