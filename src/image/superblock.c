/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a range of a disk holds, by the marks that each kind has at a fixed place, and whether it is all there. */

#include "image/dissect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"

/* Size in bytes that the superblock at s claims; 0: it says nonsense. */
static uint64_t shifted(uint64_t n, unsigned shift) {
        return shift > 16 || n > UINT64_MAX >> 17 ? 0 : n << shift;
}

static uint64_t size_ext(const uint8_t *s) {
        uint64_t blocks = le32(s + 4);

        if (le32(s + 96) & 0x80) /* INCOMPAT_64BIT */
                blocks |= (uint64_t) le32(s + 336) << 32;
        return le32(s + 24) > 6 ? 0 : shifted(blocks, 10 + le32(s + 24));
}

static uint64_t be(const uint8_t *p, int n) {
        uint64_t v = 0;

        for (int i = 0; i < n; i++)
                v = v << 8 | p[i];
        return v;
}

static uint64_t size_xfs(const uint8_t *s) {
        uint64_t block = be(s + 4, 4), blocks = be(s + 8, 8);

        return block < 512 || block > 65536 || block & (block - 1) || blocks > UINT64_MAX / block ? 0 : blocks * block;
}

static uint64_t size_btrfs(const uint8_t *s) {
        return le64(s + 112);
}

static uint64_t size_squashfs(const uint8_t *s) {
        return le16(s + 28) != 4 ? 0 : le64(s + 40);
}

static uint64_t size_erofs(const uint8_t *s) {
        return s[12] < 9 || s[12] > 16 ? 0 : shifted(le32(s + 36), s[12]);
}

static uint64_t size_f2fs(const uint8_t *s) {
        return le32(s + 16) > 16 ? 0 : shifted(le64(s + 36), le32(s + 16));
}

static uint64_t size_vfat(const uint8_t *s) {
        uint64_t sector = le16(s + 11), n = le16(s + 19) ? le16(s + 19) : le32(s + 32);

        return sector < 512 || sector > 4096 || sector & (sector - 1) || s[13] == 0 ? 0 : sector * n;
}

/* Marks at a place; two of one name are alternatives. at: of the mark. base: of what size() gets. */
static const struct kind {
        const char *name;
        unsigned at, n;
        const char *mark;
        unsigned base;
        uint64_t (*size)(const uint8_t *s); /* NULL: not asked */
} kinds[] = {
        { "ext4", 1024 + 56, 2, "\x53\xef", 1024, size_ext },
        { "xfs", 0, 4, "XFSB", 0, size_xfs },
        { "btrfs", 65536 + 64, 8, "_BHRfS_M", 65536, size_btrfs },
        { "squashfs", 0, 4, "hsqs", 0, size_squashfs },
        { "erofs", 1024, 4, "\xe2\xe1\xf5\xe0", 1024, size_erofs },
        { "f2fs", 1024, 4, "\x10\x20\xf5\xf2", 1024, size_f2fs },
        { "vfat", 82, 8, "FAT32   ", 0, size_vfat },
        { "vfat", 54, 8, "FAT16   ", 0, size_vfat },
        { "vfat", 54, 8, "FAT12   ", 0, size_vfat },
        { "crypto_LUKS", 0, 6, "LUKS\xba\xbe", 0, NULL },
        { "verity", 0, 8, "verity\0\0", 0, NULL },
        { "swap", 4086, 10, "SWAPSPACE2", 0, NULL },
};

static int too_large(const struct kind *k, const uint8_t *s, uint64_t size, char why[160]) {
        uint64_t claimed = k->size(s);

        if (claimed > 0 && claimed <= size)
                return 0;
        snprintf(why, 160, "%s", k->name);
        if (claimed == 0)
                snprintf(why, 160, "the %s in it says impossible things of itself", k->name);
        else
                snprintf(why, 160, "the %s in it is larger than what there is of it: it is cut off", k->name);
        return -EINVAL;
}

int superblock_kind(const struct disk *d, uint64_t start, uint64_t size, char ret[16], char why[160]) {
        const struct kind *found = NULL;

        *ret = '\0';
        for (size_t i = 0; i < ELEMENTS(kinds); i++) {
                const struct kind *k = &kinds[i];
                uint8_t s[512], mark[16];

                if (size < (uint64_t) k->at + k->n || !disk_read(d, start + k->at, mark, k->n) ||
                    memcmp(mark, k->mark, k->n) != 0)
                        continue;
                if (found) {
                        snprintf(why, 160, "it looks like %s and %s at once", found->name, k->name);
                        return -EINVAL;
                }
                found = k;
                snprintf(ret, 16, "%s", k->name);
                if (!k->size)
                        continue;
                if (size < k->base + sizeof s || !disk_read(d, start + k->base, s, sizeof s)) {
                        snprintf(why, 160, "the %s in it is cut off", k->name);
                        return -EINVAL;
                }
                if (too_large(k, s, size, why) < 0)
                        return -EINVAL;
        }
        return found ? 1 : 0;
}
