/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plan/idrange.h"

#include <string.h>

#include "base/colon.h"
#include "base/siphash.h"

/* systemd-nspawn's key for machine names. */
static const uint8_t key[16] = {
        0xe1, 0x56, 0xe0, 0xf0, 0x4a, 0xf0, 0x41, 0xaf, 0x96, 0x41, 0xcf, 0x41, 0x33, 0x94, 0xff, 0x72,
};

bool idrange_valid(uint32_t base) {
        return base >= IDRANGE_MIN && base <= IDRANGE_MAX && base % IDRANGE_SIZE == 0;
}

uint32_t idrange_of_owner(uid_t uid, gid_t gid) {
        /* The top directory belongs to the range's root: both ids are its first. */
        return uid == gid && idrange_valid(uid) ? uid : 0;
}

static uint32_t into_bounds(uint32_t x) {
        x = x % (IDRANGE_MAX - IDRANGE_MIN) + IDRANGE_MIN;
        return x - x % IDRANGE_SIZE;
}

uint32_t idrange_candidate(const char *machine, unsigned attempt, uint64_t random) {
        uint64_t seed[2] = { random, attempt };

        if (attempt == 0)
                return into_bounds((uint32_t) siphash24(machine, strlen(machine), key));
        return into_bounds((uint32_t) siphash24(seed, sizeof seed, key));
}

/* What is below six digits is no id of a range, nor is the sum of two such numbers. Most files have nothing else, and
 * need not be taken apart. */
static bool has_large_number(const char *s) {
        unsigned digits = 0;

        for (; s && *s && digits < 6; s++)
                digits = *s >= '0' && *s <= '9' ? digits + 1 : 0;
        return digits == 6;
}

static bool id_in(uint32_t base, const char *s) {
        struct span text = { s, s ? strlen(s) : 0 };
        struct colon_line l;
        uint32_t id;

        /* uid and gid of passwd(5) and the gid of group(5): the third field of both, and passwd's fourth, which as a
         * group's member list is no number. */
        while (colon_next(&text, &l))
                for (int i = 2; i <= 3; i++)
                        if (span_u32(l.field[i], &id) && id >= base && id - base < IDRANGE_SIZE)
                                return true;
        return false;
}

static bool overlaps(uint32_t base, const char *s) {
        struct span text = { s, s ? strlen(s) : 0 };
        struct colon_line l;
        uint32_t first, count;

        while (colon_next(&text, &l)) {
                if (!span_u32(l.field[1], &first))
                        continue;
                /* A count that is too large reaches the end. */
                if (!span_u32(l.field[2], &count))
                        count = l.field[2].n >= 10 ? UINT32_MAX : 0;
                if (count > 0 && first < base + IDRANGE_SIZE && (uint64_t) first + count > base)
                        return true;
        }
        return false;
}

bool idrange_in_use(uint32_t base, const struct idrange_files *f) {
        return (has_large_number(f->passwd) && id_in(base, f->passwd)) ||
               (has_large_number(f->group) && id_in(base, f->group)) ||
               (has_large_number(f->subuid) && overlaps(base, f->subuid)) ||
               (has_large_number(f->subgid) && overlaps(base, f->subgid));
}
