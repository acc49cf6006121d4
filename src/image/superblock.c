/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a range of a disk holds is libblkid's to tell (blkid.h). What its superblock claims beyond that is read here:
 * is it all there, does it lead elsewhere, was it left clean? */

#include "image/dissect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"
#include "base/str.h"

enum { SUPER_MIN = 512, SUPER_MAX = 2304 };

/* Of an ext4: flags of its features, and of its superblock. */
enum { EXT_DIRHASH = 0x3, EXT_DIR_INDEX = 0x20, EXT_RECOVER = 0x4, EXT_64BIT = 0x80 };

/* Size in bytes that the superblock at s claims; 0: it says nonsense. */
static uint64_t shifted(uint64_t n, unsigned shift) {
        return shift > 16 || n > UINT64_MAX >> 17 ? 0 : n << shift;
}

static uint64_t size_ext(const uint8_t *s) {
        uint64_t blocks = le32(s + 4);

        if (le32(s + 96) & EXT_64BIT)
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

/* What would have the kernel look for more than what lies here: on a device, or below a path, of the image's choice.
 */
static const char *beyond_ext(const uint8_t *s) {
        if (le32(s + 96) & 0x8) /* INCOMPAT_JOURNAL_DEV */
                return "is the journal of another file system";
        return le32(s + 92) & 0x4 /* COMPAT_HAS_JOURNAL */ && le32(s + 224) == 0 ? "has its journal on another device"
                                                                                 : NULL;
}

static const char *beyond_btrfs(const uint8_t *s) {
        return le64(s + 136) > 1 ? "is spread over several devices" : NULL;
}

static const char *beyond_erofs(const uint8_t *s) {
        return le32(s + 80) & 0x8 /* INCOMPAT_DEVICE_TABLE */ && le16(s + 86) > 0 ? "wants other devices" : NULL;
}

static const char *beyond_f2fs(const uint8_t *s) {
        return s[2201] ? "is spread over several devices" : NULL;
}

/* More is free than there is: the numbers are lies. */
static bool is_freer_than_full(const uint8_t *s) {
        uint64_t blocks = le32(s + 4), free = le32(s + 12);

        if (le32(s + 96) & EXT_64BIT) {
                blocks |= (uint64_t) le32(s + 336) << 32;
                free |= (uint64_t) le32(s + 344) << 32;
        }
        return free > blocks || le32(s + 16) > le32(s);
}

/* As e2fsck(8) -p: clean, without errors, a journal that needs no replay, no files that were being removed (by the
 * list of old, or in a file), and not due by the number of mounts, or the time since the last check (which it has to
 * find out itself). What lies elsewhere than in the superblock it would see, too: descriptors of groups, the journal,
 * copies. */
static bool unclean_ext(const uint8_t *s) {
        uint16_t most = le16(s + 54);

        return (le16(s + 58) & 3) != 1 || le32(s + 96) & EXT_RECOVER || le32(s + 232) > 0 ||
               le32(s + 100) & 0x10000 /* RO_COMPAT_ORPHAN_PRESENT */ ||
               (most > 0 && most < 0x8000 && le16(s + 52) >= most) || le32(s + 68) > 0 ||
               (!(le32(s + 352) & EXT_DIRHASH) && le32(s + 92) & EXT_DIR_INDEX) || is_freer_than_full(s);
}

/* The two bits that Windows and Linux set: in use, and bad blocks met. A FAT32 has no size of its FAT where the others
 * have it. */
static bool unclean_fat(const uint8_t *s) {
        return (le16(s + 22) == 0 ? s[65] : s[37]) & 3;
}

/* Windows says it in the second entry of the first FAT, by a bit that is gone. A FAT12 has no such bit. */
static bool is_fat_in_use(const struct disk *d, const struct dissected_part *p, const uint8_t *s) {
        uint64_t at = (uint64_t) le16(s + 14) * le16(s + 11);
        uint8_t fat[8];

        if (at > p->size || p->size - at < sizeof fat || !disk_read(d, p->start + at, fat, sizeof fat))
                return false;
        if (le16(s + 22) == 0)
                return !(le32(fat + 4) & 0x8000000);
        return memcmp(s + 54, "FAT16", 5) == 0 && !(le16(fat + 2) & 0x8000);
}

static const struct kind {
        const char *name;
        unsigned base;                           /* of what size() and the others get */
        uint64_t (*size)(const uint8_t *s);      /* NULL: not asked */
        const char *(*beyond)(const uint8_t *s); /* NULL: it knows no such thing */
        unsigned more;                           /* bytes of the superblock that are needed, 0: SUPER_MIN */
        bool (*unclean)(const uint8_t *s);       /* NULL: the kernel sees to it itself */
        /* NULL: nothing outside of the superblock says so, too */
        bool (*in_use)(const struct disk *d, const struct dissected_part *p, const uint8_t *s);
} kinds[] = {
        { "ext4", 1024, size_ext, beyond_ext, .unclean = unclean_ext },
        { "xfs", 0, size_xfs },
        { "btrfs", 65536, size_btrfs, beyond_btrfs },
        { "squashfs", 0, size_squashfs },
        { "erofs", 1024, size_erofs, beyond_erofs },
        { "f2fs", 1024, size_f2fs, beyond_f2fs, SUPER_MAX },
        { "vfat", 0, size_vfat, .unclean = unclean_fat, .in_use = is_fat_in_use },
        { "crypto_LUKS" },
        { "verity" },
        { "swap" },
};

/* libblkid's names, where they are others: the kernel's ext4 mounts the older ones, too. */
static const struct {
        char told[15], name[7];
} renamed[] = {
        { "ext2", "ext4" },
        { "ext3", "ext4" },
        { "jbd", "ext4" },
        { "DM_verity_hash", "verity" },
};

bool superblock_is_known(const char *fs) {
        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                if (streq(kinds[i].name, fs))
                        return true;
        return !*fs;
}

void superblock_names(const char *ret[SUPERBLOCK_NAMES]) {
        _Static_assert(ELEMENTS(kinds) + ELEMENTS(renamed) < SUPERBLOCK_NAMES, "all names, and NULL");
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                ret[n++] = kinds[i].name;
        for (size_t i = 0; i < ELEMENTS(renamed); i++)
                ret[n++] = renamed[i].told;
        ret[n] = NULL;
}

static const struct kind *kind_of(const char *told) {
        for (size_t i = 0; i < ELEMENTS(renamed); i++)
                if (streq(renamed[i].told, told))
                        told = renamed[i].name;
        for (size_t i = 0; i < ELEMENTS(kinds); i++)
                if (streq(kinds[i].name, told))
                        return &kinds[i];
        return NULL;
}

static int check(const struct kind *k, const uint8_t *s, uint64_t size, char why[160]) {
        uint64_t claimed = k->size(s);
        const char *beyond = k->beyond ? k->beyond(s) : NULL;

        if (claimed == 0)
                snprintf(why, 160, "the %s in it says impossible things of itself", k->name);
        else if (claimed > size)
                snprintf(why, 160, "the %s in it is larger than what there is of it: it is cut off", k->name);
        else if (beyond)
                snprintf(why, 160, "the %s in it %s", k->name, beyond);
        else
                return 0;
        return -EINVAL;
}

static int claims(const struct disk *d, const struct kind *k, struct dissected_part *p, char why[160]) {
        size_t n = k->more ? k->more : SUPER_MIN;
        uint8_t s[SUPER_MAX];

        snprintf(p->fs, sizeof p->fs, "%s", k->name);
        if (!k->size)
                return 1;
        if (p->size < k->base + n || !disk_read(d, p->start + k->base, s, n)) {
                snprintf(why, 160, "the %s in it is cut off", k->name);
                return -EINVAL;
        }
        p->unclean = (k->unclean && k->unclean(s)) || (k->in_use && k->in_use(d, p, s));
        return check(k, s, p->size, why) < 0 ? -EINVAL : 1;
}

/* Nobody told, or not one thing. */
static int refuse(const struct told *t, char why[160]) {
        const struct kind *a = kind_of(t->name[0]), *b = kind_of(t->name[1]);

        switch (t->result) {
        case TOLD_TWO:
                snprintf(why, 160, "it looks like %s and %s at once", a ? a->name : t->name[0],
                         b ? b->name : t->name[1]);
                return -EINVAL;
        case TOLD_DAMAGED:
                snprintf(why, 160, "the %s in it is damaged: the checksum of its superblock is wrong",
                         a ? a->name : t->name[0]);
                return -EINVAL;
        case TOLD_FAILED:
                snprintf(why, 160, "libblkid cannot tell what it holds: %s",
                         t->error == ENOMEM ? "that takes too much memory" : "it cannot be read");
                return -EIO;
        case TOLD_LATE:
                snprintf(why, 160, "berth-blkid does not tell what it holds within %d seconds", BLKID_PATIENCE_S);
                return -EIO;
        default: snprintf(why, 160, "berth-blkid has ended without telling what it holds"); return -EIO;
        }
}

int superblock_look(const struct disk *d, struct dissected_part *p, char why[160]) {
        const struct disk_range range = { p->start, p->size };
        const struct kind *k;
        struct told t;

        *p->fs = *p->other = '\0';
        p->unclean = false;
        d->tell(d->teller, &range, &t);
        k = kind_of(t.name[0]);
        if (t.result == TOLD_ONE && k)
                return claims(d, k, p, why);
        if (t.result == TOLD_FOREIGN && !k)
                snprintf(p->other, sizeof p->other, "%s", t.name[0]);
        return t.result == TOLD_NOTHING || (t.result == TOLD_FOREIGN && !k) ? 0 : refuse(&t, why);
}
