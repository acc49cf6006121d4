/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* File systems that shall be as large as their partition: the kernel does it, while they are mounted. No program is
 * run. */

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>

#include "base/clean.h"
#include "base/str.h"
#include "image/image.h"

/* Numbers of the kernel's interface that no installed header has. */
struct xfs_geometry {
        uint32_t block, rest[6], imaxpct;
        uint64_t blocks, more[9];
};
struct xfs_growth {
        uint64_t blocks;
        uint32_t imaxpct;
};
#define EXT4_RESIZE  _IOW('f', 16, uint64_t)
#define XFS_GEOMETRY _IOR('X', 100, struct xfs_geometry)
#define XFS_GROW     _IOW('X', 110, struct xfs_growth)
_Static_assert(sizeof(struct xfs_geometry) == 112 && sizeof(struct xfs_growth) == 16, "as the kernel has them");

static int grow_ext4(int dir, uint64_t size) {
        struct statfs sf;
        uint64_t blocks;

        if (fstatfs(dir, &sf) < 0)
                return -errno;
        blocks = size / (uint64_t) sf.f_bsize;
        return ioctl(dir, EXT4_RESIZE, &blocks) < 0 ? -errno : 0;
}

static int grow_btrfs(int dir, uint64_t size) {
        struct btrfs_ioctl_vol_args args = { .name = "1:max" };

        return ioctl(dir, BTRFS_IOC_RESIZE, &args) < 0 ? -errno : 0;
}

static int grow_xfs(int dir, uint64_t size) {
        struct xfs_geometry now;
        struct xfs_growth to;

        if (ioctl(dir, XFS_GEOMETRY, &now) < 0)
                return -errno;
        if (now.block == 0 || size / now.block <= now.blocks)
                return 0;
        to = (struct xfs_growth){ .blocks = size / now.block, .imaxpct = now.imaxpct };
        return ioctl(dir, XFS_GROW, &to) < 0 ? -errno : 0;
}

static const struct {
        const char *fs;
        int (*grow)(int dir, uint64_t size);
} ways[] = {
        { "ext4", grow_ext4 },
        { "btrfs", grow_btrfs },
        { "xfs", grow_xfs },
};

int image_grow(const struct image_part *p, int mount) {
        CLEAN_FD int dir = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (dir < 0)
                return -errno;
        for (size_t i = 0; i < ELEMENTS(ways); i++)
                if (streq(ways[i].fs, p->part->fs))
                        return ways[i].grow(dir, p->inside ? p->inside : p->part->size);
        return -EOPNOTSUPP;
}
