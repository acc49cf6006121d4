/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/btrfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "base/clean.h"

static bool is_subvolume(int fd) {
        struct statfs sf;
        struct stat st;

        return fstat(fd, &st) == 0 && st.st_ino == BTRFS_FIRST_FREE_OBJECTID && S_ISDIR(st.st_mode) &&
               fstatfs(fd, &sf) == 0 && sf.f_type == BTRFS_SUPER_MAGIC;
}

bool btrfs_is_lone_subvolume(int fd) {
        struct btrfs_ioctl_get_subvol_rootref_args inside = { 0 };

        /* -EOVERFLOW: there are many. */
        return is_subvolume(fd) && ioctl(fd, BTRFS_IOC_GET_SUBVOL_ROOTREF, &inside) == 0 && inside.num_items == 0;
}

bool btrfs_is_subvolume(int dir, const char *name) {
        struct stat st;
        CLEAN_FD int fd = -1;

        /* Cheap first: other file systems have few directories of that number. */
        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || st.st_ino != BTRFS_FIRST_FREE_OBJECTID)
                return false;
        fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd >= 0 && is_subvolume(fd);
}

int btrfs_snapshot(int from, int dir, const char *name) {
        struct btrfs_ioctl_vol_args_v2 args = { .fd = from };

        if (strlen(name) >= sizeof args.name)
                return -ENAMETOOLONG;
        strcpy(args.name, name);
        return ioctl(dir, BTRFS_IOC_SNAP_CREATE_V2, &args) < 0 ? -errno : 0;
}

int btrfs_destroy(int dir, const char *name) {
        CLEAN_FD int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct btrfs_ioctl_vol_args args = { 0 };

        if (fd < 0 || strlen(name) >= sizeof args.name)
                return fd < 0 ? -errno : -ENAMETOOLONG;
        strcpy(args.name, name);
        return ioctl(fd, BTRFS_IOC_SNAP_DESTROY, &args) < 0 ? -errno : 0;
}
