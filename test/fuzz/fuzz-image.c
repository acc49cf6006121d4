/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A disk image: partition table, claims of file systems, and the choice among them. Input: a byte, then the image.
 * Where the byte is odd, the checksums of the GPT at its beginning are put right first: no change of the input would
 * get past them. The rest of it decides what berth-blkid is made to say of each place. */

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "image/roles.h"

static uint32_t crc(const uint8_t *p, size_t n) {
        uint32_t c = ~0U;

        for (size_t i = 0; i < n; i++) {
                c ^= p[i];
                for (int bit = 0; bit < 8; bit++)
                        c = c >> 1 ^ (c & 1 ? 0xedb88320U : 0);
        }
        return ~c;
}

static void put32(uint8_t *p, uint32_t v) {
        for (int i = 0; i < 4; i++)
                p[i] = (uint8_t) (v >> 8 * i);
}

static void put_right(uint8_t *img, size_t size) {
        uint64_t at, n;

        if (size < 1024 || memcmp(img + 512, "EFI PART", 8) != 0)
                return;
        at = le64(img + 512 + 72) * 512;
        n = (uint64_t) le32(img + 512 + 80) * le32(img + 512 + 84);
        if (le64(img + 512 + 72) < size && at < size && n <= size - at)
                put32(img + 512 + 88, crc(img + at, (size_t) n));
        put32(img + 512 + 16, 0);
        if (le32(img + 512 + 12) <= 512)
                put32(img + 512 + 16, crc(img + 512, le32(img + 512 + 12)));
}

/* By turns a known one, and all that an answer may be. */
static void tell(int teller, const struct disk_range *range, struct told *ret) {
        static const struct told others[] = {
                { TOLD_NOTHING },
                { TOLD_FOREIGN, 0, { "ntfs" } },
                { TOLD_TWO, 0, { "ext2", "swap" } },
                { TOLD_TWO, 0, { "ntfs", "0123456789012345678901234567890" } },
                { TOLD_DAMAGED, 0, { "btrfs" } },
                { TOLD_DAMAGED, 0, { "0123456789012345678901234567890" } },
                { TOLD_FAILED, 5 },
                { TOLD_LATE },
                { TOLD_GONE },
                { TOLD_ONE, 0, { "ntfs" } },
                { TOLD_ONE, 0, { "" } },
                { TOLD_FOREIGN, 0, { "xfs" } },
                { 4711 },
        };
        const char *names[SUPERBLOCK_NAMES];
        size_t n = 0, i = ((size_t) teller + range->start / 512) % 32;

        superblock_names(names);
        while (names[n])
                n++;
        if (i < n) {
                *ret = (struct told){ .result = TOLD_ONE };
                snprintf(ret->name[0], sizeof ret->name[0], "%s", names[i]);
        } else
                *ret = others[(i - n) % (sizeof others / sizeof *others)];
}

/* From a file it is the same. */
static void check_file(const uint8_t *img, size_t size, int teller, const struct dissected *want) {
        int fd = memfd_create("image", MFD_CLOEXEC);
        struct dissected *d = malloc(sizeof *d);

        MUST(fd >= 0 && d && write(fd, img, size) == (ssize_t) size);
        (void) dissect(&(struct disk){ .fd = fd, .size = size, .tell = tell, .teller = teller }, d);
        MUST(memcmp(d, want, sizeof *d) == 0);
        close(fd);
        free(d);
}

static void check(const struct dissected *d, size_t size) {
        for (unsigned i = 0; i < d->n; i++) {
                const struct dissected_part *p = &d->parts[i];

                MUST(p->start <= size && p->size <= size - p->start && p->size > 0);
                MUST(strlen(p->type) < sizeof p->type && strlen(p->label) < sizeof p->label);
                MUST(superblock_is_known(p->fs) && (!*p->fs || !*p->other));
                for (unsigned k = 0; k < i; k++)
                        MUST(p->start >= d->parts[k].start + d->parts[k].size ||
                             d->parts[k].start >= p->start + p->size);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        uint8_t *img = malloc(size + 1);
        struct dissected *d = malloc(sizeof *d);
        struct choice c;

        MUST(img && d);
        if (size > 0) {
                struct disk disk = { .fd = -1, .bytes = img, .size = size - 1, .tell = tell, .teller = *data >> 1 };

                size--;
                memcpy(img, data + 1, size);
                if (*data & 1)
                        put_right(img, size);
                if (dissect(&disk, d) == 0) {
                        MUST(!*d->why && d->n > 0);
                        check(d, size);
                        if (choose_parts(d, "x", &c, NULL) == 0)
                                for (int i = 0; i < ROLE_MAX_; i++)
                                        MUST(c.part[i] >= -1 && c.part[i] < (int) d->n);
                } else
                        MUST(*d->why && strlen(d->why) < sizeof d->why);
                MUST(d->foreign == 0 || *foreign_name(d->foreign));
                check_file(img, size, disk.teller, d);
        }
        free(d);
        free(img);
        return 0;
}
