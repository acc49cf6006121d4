/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/dissect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool disk_read(const struct disk *d, uint64_t at, void *buf, size_t n) {
        if (at > d->size || n > d->size - at)
                return false;
        if (d->bytes) {
                memcpy(buf, d->bytes + at, n);
                return true;
        }
        for (size_t done = 0; done < n;) {
                ssize_t k = pread(d->fd, (char *) buf + done, n - done, (off_t) (at + done));

                if (k <= 0)
                        return false;
                done += (size_t) k;
        }
        return true;
}

/* Four entries; logical partitions are nowhere looked for, so their chain is not followed. 1: there is a table. */
static int mbr_read(const struct disk *d, const uint8_t s[512], struct dissected *ret) {
        if (s[510] != 0x55 || s[511] != 0xaa)
                return 0;
        for (unsigned i = 0; i < 4; i++) {
                const uint8_t *e = s + 446 + (size_t) i * 16;
                struct dissected_part *p = &ret->parts[ret->n];
                uint64_t start = (uint64_t) le32(e + 8) * 512, size = (uint64_t) le32(e + 12) * 512;

                if (e[0] & 0x7f)
                        return 0; /* code: a boot sector of something else */
                if (e[4] == 0)
                        continue;
                if (start == 0 || size == 0 || start >= d->size || size > d->size - start) {
                        snprintf(ret->why, sizeof ret->why, "partition %u lies outside of the image, or has no size",
                                 i + 1);
                        return -EINVAL;
                }
                for (unsigned k = 0; k < ret->n; k++)
                        if (start < ret->parts[k].start + ret->parts[k].size && ret->parts[k].start < start + size) {
                                snprintf(ret->why, sizeof ret->why, "partitions %u and %u overlap",
                                         ret->parts[k].number, i + 1);
                                return -EINVAL;
                        }
                *p = (struct dissected_part){
                        .number = i + 1, .start = start, .size = size, .bootable = e[0] == 0x80
                };
                snprintf(p->type, sizeof p->type, "%02x", e[4]);
                ret->n++;
        }
        return ret->n > 0;
}

static int dissect_bare(const struct disk *d, struct dissected *ret) {
        ret->table = TABLE_BARE;
        ret->sector = 512;
        ret->n = 1;
        ret->parts[0].number = 0;
        ret->parts[0].size = d->size;
        return superblock_look(d, &ret->parts[0], ret->why);
}

/* Kinds that cannot be told do no harm until the partition is wanted; a lie does. */
static int look_at_parts(const struct disk *d, struct dissected *ret) {
        for (unsigned i = 0; i < ret->n; i++) {
                struct dissected_part *p = &ret->parts[i];
                char why[160] = "";

                int k = superblock_look(d, p, why);

                if (k >= 0)
                        continue;
                snprintf(ret->why, sizeof ret->why, "partition %u: %.140s", p->number, why);
                return k;
        }
        return 0;
}

/* 1: there is neither a table nor a file system; ret_other: but something that has this name. */
static int dissect_known(const struct disk *d, const uint8_t first[512], struct dissected *ret,
                         char ret_other[TOLD_NAME]) {
        int k = gpt_read(d, ret);

        if (k != 0) {
                ret->table = TABLE_GPT;
                if (k > 0 && ret->n == 0) {
                        snprintf(ret->why, sizeof ret->why, "its partition table has no partitions");
                        return -EINVAL;
                }
                return k < 0 ? k : look_at_parts(d, ret);
        }
        /* A FAT has the mark of a partition table too, so what it is counts first. */
        k = dissect_bare(d, ret);
        if (k != 0)
                return k < 0 ? k : 0;
        memcpy(ret_other, ret->parts[0].other, TOLD_NAME);
        memset(ret, 0, sizeof *ret);
        ret->sector = 512;
        ret->table = TABLE_MBR;
        if (gpt_is_announced(first)) {
                snprintf(ret->why, sizeof ret->why, "it should have a GPT, and both copies are missing");
                return -EINVAL;
        }
        k = mbr_read(d, first, ret);
        return k < 0 ? k : k == 0 ? 1 : look_at_parts(d, ret);
}

int dissect(const struct disk *d, struct dissected *ret) {
        char other[TOLD_NAME] = "";
        uint8_t first[512];
        int k;

        memset(ret, 0, sizeof *ret);
        if (!disk_read(d, 0, first, sizeof first)) {
                snprintf(ret->why, sizeof ret->why, "it is empty, or too short for anything");
                return -EINVAL;
        }
        k = dissect_known(d, first, ret, other);
        if (k != 0 || ret->table != TABLE_BARE)
                ret->foreign = foreign_look(d, k);
        if (k == 0)
                return 0;
        if (ret->foreign)
                snprintf(ret->why, sizeof ret->why, "it is %s", foreign_name(ret->foreign));
        else if (k > 0 && *other)
                snprintf(ret->why, sizeof ret->why,
                         "there is no partition table in it, and %s, which is not mounted from images", other);
        else if (k > 0)
                snprintf(ret->why, sizeof ret->why, "there is no partition table and no known file system in it");
        return k == -EIO ? k : -EINVAL;
}
