/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/siphash.h"

struct state {
        uint64_t v[4];
};

static uint64_t rotate(uint64_t x, unsigned by) {
        return x << by | x >> (64 - by);
}

/* n bytes, least significant first. */
static uint64_t load(const uint8_t *p, size_t n) {
        uint64_t x = 0;

        for (size_t i = 0; i < n; i++)
                x |= (uint64_t) p[i] << (8 * i);
        return x;
}

static void rounds(struct state *s, int n) {
        uint64_t *v = s->v;

        for (int i = 0; i < n; i++) {
                v[0] += v[1], v[2] += v[3];
                v[1] = rotate(v[1], 13) ^ v[0], v[3] = rotate(v[3], 16) ^ v[2];
                v[0] = rotate(v[0], 32);
                v[2] += v[1], v[0] += v[3];
                v[1] = rotate(v[1], 17) ^ v[2], v[3] = rotate(v[3], 21) ^ v[0];
                v[2] = rotate(v[2], 32);
        }
}

static void absorb(struct state *s, uint64_t word) {
        s->v[3] ^= word;
        rounds(s, 2);
        s->v[0] ^= word;
}

uint64_t siphash24(const void *data, size_t n, const uint8_t key[16]) {
        const uint8_t *p = data;
        uint64_t low = load(key, 8), high = load(key + 8, 8);
        /* The constants are "somepseudorandomlygeneratedbytes". */
        struct state s = { {
                low ^ UINT64_C(0x736f6d6570736575),
                high ^ UINT64_C(0x646f72616e646f6d),
                low ^ UINT64_C(0x6c7967656e657261),
                high ^ UINT64_C(0x7465646279746573),
        } };

        for (size_t i = 0; i < n / 8; i++)
                absorb(&s, load(p + 8 * i, 8));
        absorb(&s, load(n % 8 ? p + n - n % 8 : p, n % 8) | (uint64_t) n << 56);
        s.v[2] ^= 0xff;
        rounds(&s, 4);
        return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}
