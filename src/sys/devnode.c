/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/devnode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clean.h"
#include "sys/mounts.h"

int devnode_open_hidden(dev_t dev, mode_t kind, int flags) {
        CLEAN_FD int place = mount_fresh("tmpfs", "size=4k,nr_inodes=4", 0);
        int fd;

        if (place < 0)
                return place;
        fd = mknodat(place, "node", kind | 0600, dev) < 0 ? -1 : openat(place, "node", flags);
        return fd < 0 ? -errno : fd;
}

int devnode_open_block(dev_t dev, bool read_only, char path[DEVNODE_PATH]) {
        int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK;
        CLEAN_FD int fd = open(path, flags | O_NOFOLLOW);
        struct stat st;
        int hidden;

        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == dev)
                return TAKE_FD(fd);
        hidden = devnode_open_hidden(dev, S_IFBLK, flags);
        if (hidden >= 0)
                snprintf(path, DEVNODE_PATH, "/proc/self/fd/%d", hidden);
        return hidden;
}
