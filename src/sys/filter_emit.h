/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Classic BPF, written from its end towards its beginning: jumps go forward only, so at each jump all it can go to is
 * in place and every distance is known. */

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct emit {
        struct sock_filter *insns; /* last instruction first, room for max */
        unsigned n, max;
        bool full; /* what did not fit was dropped: the result is of no use */
};

/* Where to go: a return, or the instruction at a position. */
struct target {
        bool is_code;
        uint32_t value; /* return value or position */
};
static inline struct target emit_return(uint32_t value) {
        return (struct target){ .value = value };
}
static inline bool target_equal(struct target a, struct target b) {
        return a.is_code == b.is_code && a.value == b.value;
}

/* Load the word at offset of struct seccomp_data, then go on there. */
struct target emit_load(struct emit *e, uint32_t offset, struct target then);

/* Compare the loaded word. */
struct target emit_if_equal(struct emit *e, uint32_t value, struct target yes, struct target no);
struct target emit_if_above(struct emit *e, uint32_t value, struct target yes, struct target no);
struct target emit_if_at_least(struct emit *e, uint32_t value, struct target yes, struct target no);
struct target emit_if_any_bit(struct emit *e, uint32_t bits, struct target yes, struct target no);

/* A range of values reaches from first up to the next range; the first one begins with 0. */
struct range {
        uint32_t first;
        struct target to;
        uint32_t cell; /* for emit_search() alone */
};
/* Search the loaded word in n sorted ranges. */
struct target emit_search(struct emit *e, struct range *ranges, size_t n);

/* Bring the instructions into running order. */
void emit_finish(struct emit *e);
