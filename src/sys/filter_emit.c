/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/filter_emit.h"

/* Jump distances of conditional jumps are 8 bits wide; those of BPF_JA are not. */
enum { REACH = 255 };

static uint32_t put(struct emit *e, struct sock_filter insn) {
        if (e->n == e->max) {
                e->full = true;
                return 0;
        }
        e->insns[e->n] = insn;
        return e->n++;
}

static uint32_t put_return(struct emit *e, uint32_t value) {
        return put(e, (struct sock_filter){ .code = BPF_RET | BPF_K, .k = value });
}

static uint32_t put_jump(struct emit *e, uint32_t far) {
        return put(e, (struct sock_filter){ .code = BPF_JMP | BPF_JA, .k = far });
}

/* How many instructions lie between the next one and the one at position. */
static uint32_t distance(const struct emit *e, uint32_t position) {
        return e->n > position ? e->n - position - 1 : 0;
}

static bool is_return(const struct sock_filter *i, uint32_t value) {
        return i->code == (BPF_RET | BPF_K) && i->k == value;
}

/* The position of target, or of a stepping stone to it, that a conditional jump can reach even when spare more
 * instructions come between. */
static uint32_t within_reach(struct emit *e, struct target t, uint32_t spare) {
        if (t.is_code) {
                uint32_t far = distance(e, t.value);

                return far + spare <= REACH ? t.value : put_jump(e, far);
        }
        for (uint32_t back = 0; back < e->n && back + spare <= REACH; back++)
                if (is_return(&e->insns[e->n - 1 - back], t.value))
                        return e->n - 1 - back;
        return put_return(e, t.value);
}

static struct target branch(struct emit *e, struct sock_filter insn, struct target yes, struct target no) {
        uint32_t yes_at, no_at;

        if (target_equal(yes, no))
                return yes;
        yes_at = within_reach(e, yes, 1);
        no_at = within_reach(e, no, 0);
        insn.jt = (uint8_t) distance(e, yes_at);
        insn.jf = (uint8_t) distance(e, no_at);
        return (struct target){ .is_code = true, .value = put(e, insn) };
}

struct target emit_if_equal(struct emit *e, uint32_t value, struct target yes, struct target no) {
        return branch(e, (struct sock_filter){ .code = BPF_JMP | BPF_JEQ | BPF_K, .k = value }, yes, no);
}

struct target emit_if_above(struct emit *e, uint32_t value, struct target yes, struct target no) {
        return branch(e, (struct sock_filter){ .code = BPF_JMP | BPF_JGT | BPF_K, .k = value }, yes, no);
}

struct target emit_if_at_least(struct emit *e, uint32_t value, struct target yes, struct target no) {
        return branch(e, (struct sock_filter){ .code = BPF_JMP | BPF_JGE | BPF_K, .k = value }, yes, no);
}

struct target emit_if_any_bit(struct emit *e, uint32_t bits, struct target yes, struct target no) {
        return branch(e, (struct sock_filter){ .code = BPF_JMP | BPF_JSET | BPF_K, .k = bits }, yes, no);
}

struct target emit_load(struct emit *e, uint32_t offset, struct target then) {
        const struct sock_filter load = { .code = BPF_LD | BPF_W | BPF_ABS, .k = offset };

        if (!then.is_code)
                put_return(e, then.value);
        else if (distance(e, then.value) > 0)
                put_jump(e, distance(e, then.value));
        return (struct target){ .is_code = true, .value = put(e, load) };
}

/* How many ranges at r, of at most n, are one range with single values in it that go elsewhere: always odd. Each such
 * value takes one comparison, where a range takes two. More than three in a row would cost more time than the space is
 * worth. */
static size_t cell_length(const struct range *r, size_t n) {
        size_t length = 1;

        while (length < 7 && length + 2 <= n && target_equal(r[0].to, r[length + 1].to) &&
               r[length].first + 1 == r[length + 1].first)
                length += 2;
        return length;
}

struct search {
        struct emit *emit;
        const struct range *ranges;
        size_t n;
};

static struct target search_cell(const struct search *s, size_t first, size_t length) {
        struct target t = s->ranges[first].to;

        for (size_t i = first + 1; i < first + length; i += 2)
                t = emit_if_equal(s->emit, s->ranges[i].first, s->ranges[i].to, t);
        return t;
}

/* Cells low to high - 1. */
static struct target search_cells(const struct search *s, size_t low, size_t high) {
        size_t mid = low + (high - low) / 2, first = s->ranges[low].cell;
        struct target above, below;

        if (high - low == 1)
                return search_cell(s, first, cell_length(s->ranges + first, s->n - first));
        above = search_cells(s, mid, high);
        below = search_cells(s, low, mid);
        return emit_if_at_least(s->emit, s->ranges[s->ranges[mid].cell].first, above, below);
}

struct target emit_search(struct emit *e, struct range *ranges, size_t n) {
        const struct search s = { .emit = e, .ranges = ranges, .n = n };
        size_t cells = 0;

        for (size_t i = 0; i < n; i += cell_length(ranges + i, n - i))
                ranges[cells++].cell = (uint32_t) i;
        return search_cells(&s, 0, cells);
}

void emit_finish(struct emit *e) {
        for (unsigned i = 0; i < e->n / 2; i++) {
                struct sock_filter other = e->insns[e->n - 1 - i];

                e->insns[e->n - 1 - i] = e->insns[i];
                e->insns[i] = other;
        }
}
