/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* GUID partition tables: UEFI Specification, 5.3. */

#include "image/dissect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clean.h"

enum { HEADER_MIN = 92, ENTRY_MIN = 128, ENTRY_MAX = 4096, ENTRIES_MAX = 1024, SECTOR_MAX = 4096 };

/* Attribute bits: Discoverable Partitions Specification. */
#define ATTR_GROWFS    (1ULL << 59)
#define ATTR_READ_ONLY (1ULL << 60)
#define ATTR_NO_AUTO   (1ULL << 63)

struct header {
        uint64_t own, other, first, last, entries;
        uint32_t n, size, crc;
};

static uint32_t crc_add(uint32_t crc, const uint8_t *p, size_t n) {
        for (size_t i = 0; i < n; i++) {
                crc ^= p[i];
                for (int bit = 0; bit < 8; bit++)
                        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320U : 0);
        }
        return crc;
}

/* As wrong as it may be, the first thing wrong is what is told: why is empty until then. */
static int bad(struct dissected *d, const char *what) {
        if (!*d->why)
                snprintf(d->why, sizeof d->why, "%s", what);
        return -EINVAL;
}

/* 1: a header that holds together is at this sector; 0: none at all. */
static int read_header(const struct disk *d, uint64_t at, struct dissected *ret, struct header *h) {
        uint8_t s[SECTOR_MAX];
        uint64_t sectors = d->size / ret->sector;
        uint32_t size, crc;

        if (at >= sectors || !disk_read(d, at * ret->sector, s, ret->sector) || memcmp(s, "EFI PART", 8) != 0)
                return 0;
        size = le32(s + 12);
        if (size < HEADER_MIN || size > ret->sector)
                return bad(ret, "the size of the GPT's header is wrong");
        crc = le32(s + 16);
        memset(s + 16, 0, 4);
        if (~crc_add(~0U, s, size) != crc)
                return bad(ret, "the checksum of the GPT's header is wrong");
        *h = (struct header){ le64(s + 24), le64(s + 32), le64(s + 40), le64(s + 48),
                              le64(s + 72), le32(s + 80), le32(s + 84), le32(s + 88) };
        if (h->own != at)
                return bad(ret, "the GPT says that it is elsewhere");
        if (h->n == 0 || h->n > ENTRIES_MAX)
                return bad(ret, "the GPT has an impossible number of entries");
        if (h->size < ENTRY_MIN || h->size > ENTRY_MAX || h->size % 8)
                return bad(ret, "the GPT's entries have an impossible size");
        if (h->first > h->last || h->last >= sectors)
                return bad(ret, "the GPT is for a larger disk: the image is cut off");
        if (h->entries < 2 || h->entries >= sectors)
                return bad(ret, "the GPT's entries are outside of the image");
        return 1;
}

static void format_uuid(const uint8_t *p, char ret[37]) {
        snprintf(ret, 37, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", le32(p), le16(p + 4), le16(p + 6), p[8],
                 p[9], p[10], p[11], p[12], p[13], p[14], p[15]);
}

/* UTF-16 of up to 36 units, to UTF-8; what is no character becomes a question mark. */
static void format_label(const uint8_t *p, char ret[112]) {
        size_t n = 0;

        for (int i = 0; i < 36 && le16(p + 2 * i); i++) {
                unsigned c = le16(p + 2 * i);

                if (c >= 0xd800 && c < 0xe000)
                        c = '?';
                if (c >= 0x800) {
                        ret[n++] = (char) (0xe0 | c >> 12);
                        ret[n++] = (char) (0x80 | (c >> 6 & 0x3f));
                        ret[n++] = (char) (0x80 | (c & 0x3f));
                } else if (c >= 0x80) {
                        ret[n++] = (char) (0xc0 | c >> 6);
                        ret[n++] = (char) (0x80 | (c & 0x3f));
                } else
                        ret[n++] = c < ' ' || c == 0x7f ? '?' : (char) c;
        }
        ret[n] = '\0';
}

static int take_entry(const uint8_t *e, unsigned number, const struct header *h, struct dissected *ret) {
        static const uint8_t unused[16];
        uint64_t first = le64(e + 32), last = le64(e + 40), attrs = le64(e + 48);
        struct dissected_part *p = &ret->parts[ret->n];

        if (memcmp(e, unused, sizeof unused) == 0)
                return 0;
        if (ret->n == DISSECT_PARTS)
                return bad(ret, "the GPT has more than 128 partitions");
        if (first > last || first < h->first || last > h->last) {
                snprintf(ret->why, sizeof ret->why, "partition %u lies outside of the image, or has no size", number);
                return -EINVAL;
        }
        *p = (struct dissected_part){
                .number = number,
                .start = first * ret->sector,
                .size = (last - first + 1) * ret->sector,
                .growfs = attrs & ATTR_GROWFS,
                .read_only = attrs & ATTR_READ_ONLY,
                .no_auto = attrs & ATTR_NO_AUTO,
        };
        format_uuid(e, p->type);
        format_uuid(e + 16, p->uuid);
        format_label(e + 56, p->label);
        ret->n++;
        return 0;
}

static int check_overlaps(struct dissected *ret) {
        for (unsigned i = 0; i < ret->n; i++)
                for (unsigned k = 0; k < i; k++) {
                        const struct dissected_part *a = &ret->parts[i], *b = &ret->parts[k];

                        if (a->start < b->start + b->size && b->start < a->start + a->size) {
                                snprintf(ret->why, sizeof ret->why, "partitions %u and %u overlap", b->number,
                                         a->number);
                                return -EINVAL;
                        }
                }
        return 0;
}

/* Twice: first only for the checksum. */
static int read_entries(const struct disk *d, const struct header *h, struct dissected *ret) {
        uint8_t e[ENTRY_MAX];
        uint64_t at = h->entries * ret->sector;
        uint32_t crc = ~0U;

        ret->n = 0;
        for (uint32_t i = 0; i < h->n; i++) {
                if (!disk_read(d, at + (uint64_t) i * h->size, e, h->size))
                        return bad(ret, "the GPT's entries are outside of the image");
                crc = crc_add(crc, e, h->size);
        }
        if (~crc != h->crc)
                return bad(ret, "the checksum of the GPT's entries is wrong");
        for (uint32_t i = 0; i < h->n; i++)
                if (!disk_read(d, at + (uint64_t) i * h->size, e, h->size) || take_entry(e, i + 1, h, ret) < 0)
                        return bad(ret, "the GPT changes while it is read");
        return check_overlaps(ret);
}

static int read_table(const struct disk *d, uint64_t at, struct dissected *ret) {
        struct header h;
        int k = read_header(d, at, ret, &h);

        if (k <= 0)
                return k;
        k = read_entries(d, &h, ret);
        return k < 0 ? k : 1;
}

bool gpt_is_announced(const uint8_t s[512]) {
        return s[510] == 0x55 && s[511] == 0xaa && s[450] == 0xee;
}

int gpt_read(const struct disk *d, struct dissected *ret) {
        static const unsigned sectors[] = { 512, 4096, 1024, 2048 };
        uint8_t first[512];
        bool announced = disk_read(d, 0, first, sizeof first) && gpt_is_announced(first);

        for (size_t i = 0; i < ELEMENTS(sectors); i++) {
                char why[sizeof ret->why] = "";
                int k;

                ret->sector = sectors[i];
                ret->from_backup = false;
                *ret->why = '\0';
                k = read_table(d, 1, ret);
                if (k > 0)
                        return 1;
                memcpy(why, ret->why, sizeof why);
                *ret->why = '\0';
                /* A copy at the end that nothing points to may be left of what was here before. */
                if ((k < 0 || announced) && d->size / sectors[i] > 2 &&
                    read_table(d, d->size / sectors[i] - 1, ret) > 0) {
                        ret->from_backup = true;
                        return 1;
                }
                /* What is wrong with the first one says more. */
                if (k < 0)
                        memcpy(ret->why, why, sizeof why);
                if (*ret->why)
                        return -EINVAL;
        }
        ret->sector = 512;
        ret->n = 0;
        return 0;
}
