/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "sys/filter_emit.h"
#include "sys/filter_policy.h"
#include "sys/filter_tables.h"

/* The program: which architecture, then a search for the number in balanced trees of ranges, the native tree nearest.
 * Behind the trees lie the few blocks that look at arguments; both ABIs of a machine share them.
 *
 * Only loads of the architecture and the number, comparisons and returns lie on the way of a call without argument
 * rules, so that the kernel can find out at load time that the answer never changes (Linux 5.11). */

struct numbered {
        uint32_t nr;
        struct filter_decision decision;
};

/* Blocks that exist already. */
struct block {
        struct filter_decision decision;
        struct target at;
};
struct block_list {
        struct block *items;
        size_t n;
};

struct coder {
        const struct filter_policy *policy;
        struct arena *arena;
        struct emit emit;
        struct block_list blocks;
        uint32_t low_half; /* where in a 64-bit argument its lower half is */
};

static struct target search_families(struct coder *c, struct target closed, struct target open) {
        const struct families *f = &c->policy->families;
        struct range ranges[65];
        size_t n = 0;

        for (unsigned i = 0; i <= 64; i++) {
                bool is_open = i < 64 ? f->open >> i & 1 : f->others;
                struct target to = is_open ? open : closed;

                if (n == 0 || !target_equal(ranges[n - 1].to, to))
                        ranges[n++] = (struct range){ .first = i, .to = to };
        }
        return emit_search(&c->emit, ranges, n);
}

static struct target look_at(struct coder *c, const struct arg_look *l, struct target yes, struct target no) {
        uint32_t offset = (uint32_t) offsetof(struct seccomp_data, args) + 8 * l->arg + c->low_half;
        struct target t = yes;

        switch (l->test) {
        case ARG_ANY_: return yes;
        case ARG_IS: t = emit_if_equal(&c->emit, l->value, yes, no); break;
        case ARG_IS_NOT: t = emit_if_equal(&c->emit, l->value, no, yes); break;
        case ARG_HAS: t = emit_if_any_bit(&c->emit, l->value, yes, no); break;
        case ARG_UP_TO: t = emit_if_above(&c->emit, l->value, no, yes); break;
        case ARG_CLOSED_FAMILY: t = search_families(c, yes, no); break;
        }
        return emit_load(&c->emit, offset, t);
}

static struct target apply_rule(struct coder *c, const struct arg_rule *r, struct target next) {
        struct target t = emit_return(SECCOMP_RET_ERRNO | r->error);

        t = look_at(c, &r->looks[1], t, next);
        return look_at(c, &r->looks[0], t, next);
}

static struct target target_of(struct coder *c, struct filter_decision d) {
        struct target t = emit_return(d.action);
        struct block *b;

        if (d.rules == 0)
                return t;
        for (size_t i = 0; i < c->blocks.n; i++)
                if (c->blocks.items[i].decision.rules == d.rules && c->blocks.items[i].decision.action == d.action)
                        return c->blocks.items[i].at;
        for (unsigned i = n_arg_rules; i-- > 0;)
                if (d.rules >> i & 1)
                        t = apply_rule(c, &arg_rules[i], t);
        b = arena_push(c->arena, &c->blocks);
        *b = (struct block){ .decision = d, .at = t };
        return t;
}

/* Where two names are one number, the one that is refused comes first: actions are ordered that way. */
static int by_number(const void *a, const void *b) {
        const struct numbered *x = a, *y = b;

        if (x->nr != y->nr)
                return x->nr < y->nr ? -1 : 1;
        return x->decision.action < y->decision.action ? -1 : x->decision.action > y->decision.action;
}

/* All calls of the ABIs behind one audit architecture, sorted. */
static size_t collect(const struct coder *c, uint32_t audit_arch, struct numbered *ret) {
        const struct call_table *t = c->policy->table;
        size_t n = 0;

        for (unsigned abi = 0; abi < t->n_abis; abi++) {
                if (t->abi[abi].audit_arch != audit_arch || (t->abi[abi].rare && !c->policy->rare_abis))
                        continue;
                for (size_t i = 0; i < t->n; i++)
                        if (t->rows[i].nr[abi] >= 0)
                                ret[n++] = (struct numbered){ (uint32_t) t->rows[i].nr[abi], c->policy->calls[i] };
        }
        qsort(ret, n, sizeof *ret, by_number);
        return n;
}

struct range_list {
        struct range *items;
        size_t n;
};

static void add_range(struct coder *c, struct range_list *l, uint32_t first, struct target to) {
        if (l->n > 0 && l->items[l->n - 1].first == first)
                l->n--;
        if (l->n == 0 || !target_equal(l->items[l->n - 1].to, to))
                *arena_push(c->arena, l) = (struct range){ .first = first, .to = to };
}

/* The search for the numbers of one audit architecture. */
static struct target code_arch(struct coder *c, uint32_t audit_arch) {
        const struct call_table *t = c->policy->table;
        struct numbered *calls = arena_alloc(c->arena, CALLS_ABIS * t->n * sizeof *calls);
        size_t n = collect(c, audit_arch, calls);
        struct range_list ranges = { 0 };
        struct target unlisted = emit_return(SECCOMP_RET_ERRNO | ENOSYS);

        add_range(c, &ranges, 0, unlisted);
        for (size_t i = 0; i < n; i++) {
                if (i > 0 && calls[i].nr == calls[i - 1].nr)
                        continue;
                add_range(c, &ranges, calls[i].nr, target_of(c, calls[i].decision));
                add_range(c, &ranges, calls[i].nr + 1, unlisted);
        }
        return emit_load(&c->emit, offsetof(struct seccomp_data, nr), emit_search(&c->emit, ranges.items, ranges.n));
}

static bool is_first_of_arch(const struct call_table *t, unsigned abi) {
        for (unsigned i = 0; i < abi; i++)
                if (t->abi[i].audit_arch == t->abi[abi].audit_arch)
                        return false;
        return true;
}

static void code_all(struct coder *c) {
        const struct call_table *t = c->policy->table;
        struct target entry[CALLS_ABIS], at = emit_return(SECCOMP_RET_KILL_PROCESS);

        for (unsigned abi = t->n_abis; abi-- > 0;)
                if (is_first_of_arch(t, abi))
                        entry[abi] = code_arch(c, t->abi[abi].audit_arch);
        for (unsigned abi = t->n_abis; abi-- > 0;)
                if (is_first_of_arch(t, abi))
                        at = emit_if_equal(&c->emit, t->abi[abi].audit_arch, entry[abi], at);
        emit_load(&c->emit, offsetof(struct seccomp_data, arch), at);
}

int filter_compile(const struct filter_policy *p, struct arena *a, struct filter *ret) {
        struct coder c = {
                .policy = p,
                .arena = a,
                .low_half = p->table->abi[0].audit_arch & __AUDIT_ARCH_LE ? 0 : 4,
                .emit = { .insns = arena_alloc(a, BPF_MAXINSNS * sizeof(struct sock_filter)), .max = BPF_MAXINSNS },
        };

        code_all(&c);
        if (c.emit.full)
                return -E2BIG;
        emit_finish(&c.emit);
        *ret = (struct filter){ .insns = c.emit.insns, .n = (uint16_t) c.emit.n, .built = true };
        return 0;
}
