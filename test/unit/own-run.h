/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A /run of the test's own, for tests of what is kept below it: an empty tmpfs in a mount namespace that ends with the
 * test. Without root a user namespace lends the right to mount. */

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static inline bool own_run_write(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t) strlen(text);

        if (fd >= 0)
                close(fd);
        return good;
}

static inline bool own_run_be_root(void) {
        char uids[64], gids[64];

        snprintf(uids, sizeof uids, "0 %u 1", geteuid());
        snprintf(gids, sizeof gids, "0 %u 1", getegid());
        return unshare(CLONE_NEWUSER) == 0 && own_run_write("/proc/self/setgroups", "deny") &&
               own_run_write("/proc/self/uid_map", uids) && own_run_write("/proc/self/gid_map", gids);
}

static inline bool own_run(void) {
        if (geteuid() != 0 && !own_run_be_root())
                return false;
        return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
               mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=4m") == 0;
}
