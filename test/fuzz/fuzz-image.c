/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A disk image: partition table, kinds of file systems, and the choice among them. Input: a byte, then the image.
 * Where the byte is odd, the checksums of the GPT at its beginning are put right first: no change of the input would
 * get past them. */

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

/* From a file it is the same. */
static void check_file(const uint8_t *img, size_t size, const struct dissected *want) {
        int fd = memfd_create("image", MFD_CLOEXEC);
        struct dissected *d = malloc(sizeof *d);

        MUST(fd >= 0 && d && write(fd, img, size) == (ssize_t) size);
        (void) dissect(&(struct disk){ .fd = fd, .size = size }, d);
        MUST(memcmp(d, want, sizeof *d) == 0);
        close(fd);
        free(d);
}

static void check(const struct dissected *d, size_t size) {
        for (unsigned i = 0; i < d->n; i++) {
                const struct dissected_part *p = &d->parts[i];

                MUST(p->start <= size && p->size <= size - p->start && p->size > 0);
                MUST(strlen(p->type) < sizeof p->type && strlen(p->label) < sizeof p->label);
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
                size--;
                memcpy(img, data + 1, size);
                if (*data & 1)
                        put_right(img, size);
                if (dissect(&(struct disk){ .fd = -1, .bytes = img, .size = size }, d) == 0) {
                        MUST(!*d->why && d->n > 0);
                        check(d, size);
                        if (choose_parts(d, "x", &c, NULL) == 0)
                                for (int i = 0; i < ROLE_MAX_; i++)
                                        MUST(c.part[i] >= -1 && c.part[i] < (int) d->n);
                } else
                        MUST(*d->why && strlen(d->why) < sizeof d->why);
                MUST(d->foreign == 0 || *foreign_name(d->foreign));
                check_file(img, size, d);
        }
        free(d);
        free(img);
        return 0;
}
