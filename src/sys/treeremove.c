/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/treeremove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "sys/btrfs.h"

/* One descriptor for each level; what lies deeper is moved up first. */
enum { DEPTH = 100 };

struct removing {
        int top;
        unsigned moved; /* directories that were moved up */
        bool again;
};

/* chattr(1) +i and +a keep files, and their directories, from everybody. */
static int make_removable(int dir, const char *name) {
        CLEAN_FD int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        int flags;

        if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
                return -EPERM;
        if (!(flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)))
                return 0;
        flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
        return ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 ? -errno : 0;
}

static int remove_name(int dir, const char *name, int flags) {
        if (unlinkat(dir, name, flags) == 0 || errno == ENOENT)
                return 0;
        if (errno != EPERM || make_removable(dir, ".") < 0 || make_removable(dir, name) < 0)
                return -errno;
        return unlinkat(dir, name, flags) < 0 ? -errno : 0;
}

static int empty(struct removing *r, int dir, int depth);

static int move_up(struct removing *r, int dir, const char *name) {
        char up[32];

        r->again = true;
        do
                snprintf(up, sizeof up, ".#deep.%u", r->moved++);
        while (faccessat(r->top, up, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
        return renameat(dir, name, r->top, up) < 0 ? -errno : 0;
}

static int remove_dir(struct removing *r, int dir, const char *name, int depth) {
        CLEAN_FD int fd = -1;
        int k;

        if (depth == DEPTH)
                return move_up(r, dir, name);
        if (btrfs_is_subvolume(dir, name) && btrfs_destroy(dir, name) == 0)
                return 0;
        fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        k = empty(r, fd, depth + 1);
        return k < 0 ? k : remove_name(dir, name, AT_REMOVEDIR);
}

static int empty(struct removing *r, int dir, int depth) {
        int fd = fcntl(dir, F_DUPFD_CLOEXEC, 3), k = 0;
        CLEAN_DIR DIR *d = fd < 0 ? NULL : fdopendir(fd);

        if (!d)
                return -errno;
        for (struct dirent *e; k == 0 && (errno = 0, e = readdir(d));) {
                struct stat st;

                if (streq(e->d_name, ".") || streq(e->d_name, ".."))
                        continue;
                if (fstatat(dir, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        k = errno == ENOENT ? 0 : -errno;
                else
                        k = S_ISDIR(st.st_mode) ? remove_dir(r, dir, e->d_name, depth)
                                                : remove_name(dir, e->d_name, 0);
        }
        return k < 0 ? k : -errno;
}

int treeremove(int dir, const char *name) {
        struct removing r = { .top = -1 };
        CLEAN_FD int top = -1;
        int k;

        if (btrfs_is_subvolume(dir, name) && btrfs_destroy(dir, name) == 0)
                return 0;
        top = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (top < 0)
                return -errno;
        r.top = top;
        do {
                r.again = false;
                k = lseek(top, 0, SEEK_SET) < 0 ? -errno : empty(&r, top, 0);
        } while (k == 0 && r.again);
        return k < 0 ? k : remove_name(dir, name, AT_REMOVEDIR);
}
