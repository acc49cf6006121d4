/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Search trees of every size, up to the longest program that the kernel takes, against a walk through the ranges. */

#include <stdlib.h>

#include "base/clean.h"
#include "sys/filter_emit.h"
#include "unit/test-filter-common.h"

enum { NR = offsetof(struct seccomp_data, nr), ARG = offsetof(struct seccomp_data, args) };

struct sample {
        struct range ranges[2000];
        uint32_t answers[2000]; /* per range: a return value, 0 for the block that looks at an argument */
        size_t n;
};

static uint32_t next(uint32_t *seed) {
        *seed = *seed * 1664525 + 1013904223;
        return *seed >> 8;
}

/* kinds: how many different answers. Few make single values within ranges, many make none. */
static void fill(struct sample *s, size_t n, uint32_t kinds, uint32_t seed, struct target block) {
        uint32_t first = 0;

        for (s->n = 0; s->n < n; s->n++) {
                uint32_t answer = next(&seed) % kinds;

                if (s->n > 0 && answer == s->answers[s->n - 1])
                        answer = (answer + 1) % kinds;
                s->answers[s->n] = answer;
                s->ranges[s->n] = (struct range){ .first = first, .to = answer ? emit_return(answer) : block };
                first += 1 + (next(&seed) % 3 ? 0 : next(&seed) % 50);
        }
}

static bool ask(const struct filter *f, uint32_t value, uint64_t argument, uint32_t want) {
        const struct seccomp_data d = { .nr = (int) value, .args = { argument } };

        return filter_run(f, &d) == want;
}

static unsigned count_wrong(const struct sample *s, const struct filter *f) {
        unsigned wrong = 0;

        for (size_t i = 0; i < s->n; i++) {
                uint32_t last = i + 1 < s->n ? s->ranges[i + 1].first - 1 : UINT32_MAX;
                uint32_t low = s->answers[i] ? s->answers[i] : 1000, high = s->answers[i] ? s->answers[i] : 2000;

                wrong += !ask(f, s->ranges[i].first, 7, high) + !ask(f, s->ranges[i].first, 6, low);
                wrong += !ask(f, last, 7, high) + !ask(f, last, 6, low);
        }
        return wrong;
}

/* The block is as far away as it can be: it is the end of the program. */
static struct target emit_block(struct emit *e) {
        return emit_load(e, ARG, emit_if_equal(e, 7, emit_return(2000), emit_return(1000)));
}

static bool try(struct sample *s, size_t n, uint32_t kinds, unsigned *longest) {
        static struct sock_filter insns[BPF_MAXINSNS];
        struct emit e = { .insns = insns, .max = BPF_MAXINSNS };
        struct filter f = { .insns = insns };
        struct target block = emit_block(&e);

        fill(s, n, kinds, (uint32_t) n, block);
        emit_load(&e, NR, emit_search(&e, s->ranges, s->n));
        emit_finish(&e);
        f.n = (uint16_t) e.n;
        *longest = e.n > *longest ? e.n : *longest;
        return !e.full && count_wrong(s, &f) == 0;
}

int main(void) {
        static struct sample s;
        struct sock_filter insns[300];
        struct emit e = { .insns = insns, .max = 100 };
        struct tap t = { 0 };
        unsigned bad = 0, longest = 0;

        for (uint32_t kinds = 2; kinds < 9; kinds += 3)
                for (size_t n = 1; n < 900; n += n < 20 ? 1 : 37)
                        bad += !try(&s, n, kinds, &longest);
        OK_INT(&t, bad, 0, "trees of all sizes");
        OK(&t, try(&s, 1900, 8, &longest), "a very long program");
        OK(&t, longest > 1900, "... of %u instructions", longest);
        for (size_t i = 0; i < ELEMENTS(insns); i++)
                insns[i].k = 42;
        fill(&s, 500, 8, 1, emit_return(9));
        emit_load(&e, NR, emit_search(&e, s.ranges, s.n));
        OK(&t, e.full && e.n == 100, "too long");
        OK_INT(&t, insns[100].k, 42, "nothing is written behind the end");
        return tap_done(&t);
}
