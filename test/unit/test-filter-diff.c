/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Our compiler against libseccomp's: the same decisions, as two of its filters the way systemd-nspawn stacks them
 * (which calls; which arguments), must give the same answer for all numbers and for arguments around every value that
 * a rule looks at. Numbers of every ABI are given to libseccomp as if they were the native ones, so that its own
 * tables of names take no part. */

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/clean.h"
#include "sys/calls_resolve.h"
#include "sys/filter_tables.h"
#include "unit/test-filter-common.h"

enum { NUMBERS = 600, X32_BIT = 0x40000000, INSNS = 32768 };

struct theirs {
        struct filter calls, arguments;
};

static struct filter export(scmp_filter_ctx ctx, struct arena *a) {
        struct sock_filter *insns = arena_alloc(a, INSNS * sizeof *insns);
        CLEAN_FD int fd = memfd_create("filter", MFD_CLOEXEC);
        ssize_t n = -1;

        if (fd >= 0 && seccomp_export_bpf(ctx, fd) == 0)
                n = pread(fd, insns, INSNS * sizeof *insns, 0);
        if (n <= 0 || n == INSNS * (ssize_t) sizeof *insns)
                exit(2);
        seccomp_release(ctx);
        return (struct filter){ .insns = insns, .n = (uint16_t) ((size_t) n / sizeof *insns) };
}

static scmp_filter_ctx start(uint32_t action) {
        scmp_filter_ctx ctx = seccomp_init(action);

        /* Balanced trees, or the evaluation of linear programs is all that this test does. */
        if (!ctx || seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) < 0)
                exit(2);
        return ctx;
}

/* x32 numbers without their bit: libseccomp takes it for another architecture. */
static int32_t plain_number(const struct call_table *t, size_t row, unsigned abi) {
        int32_t nr = t->rows[row].nr[abi];

        return nr < 0 ? nr : nr & ~X32_BIT;
}

static void must(int r) {
        if (r == 0)
                return;
        printf("Bail out! libseccomp: %s\n", strerror(-r));
        exit(2);
}

static struct filter their_calls(const struct filter_policy *p, unsigned abi, struct arena *a) {
        scmp_filter_ctx ctx = start(SCMP_ACT_ERRNO(ENOSYS));

        for (size_t i = 0; i < p->table->n; i++) {
                int32_t nr = plain_number(p->table, i, abi);

                if (nr >= 0 && p->calls[i].action != SCMP_ACT_ERRNO(ENOSYS))
                        must(seccomp_rule_add(ctx, p->calls[i].action, nr, 0));
        }
        return export(ctx, a);
}

/* libseccomp compares 64 bits, or those of a mask; it looks at an argument once per rule, and every rule that is true
 * counts. So a look becomes a list of alternatives: (argument & mask) == value. */
struct alternative {
        uint32_t mask, value;
};
struct alternatives {
        struct alternative items[1100];
        size_t n;
};

static void add_alternative(struct alternatives *l, uint32_t mask, uint32_t value) {
        if (l->n == ELEMENTS(l->items))
                exit(2);
        l->items[l->n++] = (struct alternative){ mask, value };
}

static void add_family_alternatives(const struct families *f, struct alternatives *ret) {
        for (unsigned i = 0; i < 64; i++)
                if (!(f->open >> i & 1))
                        add_alternative(ret, 0xffffffff, i);
        for (unsigned bit = 6; !f->others && bit < 32; bit++)
                add_alternative(ret, 1u << bit, 1u << bit);
}

static void alternatives_of(const struct arg_look *l, const struct families *f, struct alternatives *ret) {
        ret->n = 0;
        switch (l->test) {
        case ARG_ANY_: add_alternative(ret, 0, 0); break;
        case ARG_IS: add_alternative(ret, 0xffffffff, l->value); break;
        case ARG_UP_TO:
                /* Only used with INT32_MAX. */
                if (l->value != INT32_MAX)
                        exit(2);
                add_alternative(ret, 1u << 31, 0);
                break;
        case ARG_HAS:
                for (unsigned bit = 0; bit < 32; bit++)
                        if (l->value >> bit & 1)
                                add_alternative(ret, 1u << bit, 1u << bit);
                break;
        case ARG_IS_NOT:
                for (unsigned bit = 0; bit < 32; bit++)
                        add_alternative(ret, 1u << bit, ~l->value & 1u << bit);
                break;
        case ARG_CLOSED_FAMILY: add_family_alternatives(f, ret); break;
        }
}

static void add_their_rule(scmp_filter_ctx ctx, const struct arg_rule *r, int nr, const struct alternative *x,
                           const struct alternative *y) {
        struct scmp_arg_cmp cmp[2] = {
                SCMP_CMP(r->looks[0].arg, SCMP_CMP_MASKED_EQ, x->mask, x->value),
                SCMP_CMP(r->looks[1].arg, SCMP_CMP_MASKED_EQ, y->mask, y->value),
        };
        unsigned n = x->mask ? y->mask ? 2 : 1 : 0;

        if (n == 2 && r->looks[0].arg == r->looks[1].arg) {
                uint32_t both = x->mask & y->mask;

                if ((x->value & both) != (y->value & both))
                        return; /* never true */
                cmp[0] = SCMP_CMP(r->looks[0].arg, SCMP_CMP_MASKED_EQ, x->mask | y->mask, x->value | y->value);
                n = 1;
        }
        int result = seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(r->error), nr, n, cmp);

        must(result == -EEXIST ? 0 : result);
}

static void add_their_rules(scmp_filter_ctx ctx, const struct filter_policy *p, const struct arg_rule *r, int nr) {
        static struct alternatives x, y;

        alternatives_of(&r->looks[0], &p->families, &x);
        alternatives_of(&r->looks[1], &p->families, &y);
        for (size_t i = 0; i < x.n; i++)
                for (size_t k = 0; k < y.n; k++)
                        add_their_rule(ctx, r, nr, &x.items[i], &y.items[k]);
}

static struct filter their_arguments(const struct filter_policy *p, unsigned abi, struct arena *a) {
        scmp_filter_ctx ctx = start(SCMP_ACT_ALLOW);

        for (size_t i = 0; i < p->table->n; i++)
                for (unsigned rule = 0; rule < n_arg_rules && plain_number(p->table, i, abi) >= 0; rule++)
                        if (p->calls[i].rules >> rule & 1)
                                add_their_rules(ctx, p, &arg_rules[rule], plain_number(p->table, i, abi));
        return export(ctx, a);
}

static uint32_t ask_them(const struct theirs *f, uint32_t nr, const uint64_t args[3]) {
        const struct seccomp_data d = { .nr = (int) nr,
                                        .arch = seccomp_arch_native(),
                                        .args = { args[0], args[1], args[2] } };
        uint32_t first = filter_run(&f->calls, &d);

        return first == SECCOMP_RET_ALLOW ? filter_run(&f->arguments, &d) : first;
}

struct comparison {
        const struct filter *ours;
        struct theirs theirs;
        uint32_t arch, add; /* add: what makes a plain number one of this ABI */
        unsigned cases, differ;
};

static void compare(struct comparison *c, uint32_t nr, const uint64_t args[3]) {
        const struct seccomp_data d = { .nr = (int) (nr + c->add),
                                        .arch = c->arch,
                                        .args = { args[0], args[1], args[2] } };
        uint32_t ours = filter_run(c->ours, &d), theirs = ask_them(&c->theirs, nr, args);

        c->cases++;
        if (ours != theirs && c->differ++ < 10)
                printf("# number %u(%#llx, %#llx, %#llx): we say %s, they say %s\n", nr + c->add,
                       (unsigned long long) args[0], (unsigned long long) args[1], (unsigned long long) args[2],
                       action_name(ours), action_name(theirs));
}

static const uint64_t interesting[] = {
        0,
        1,
        2,
        8,
        9,
        AF_INET6,
        AF_NETLINK,
        AF_PACKET,
        AF_VSOCK,
        44,
        45,
        46,
        63,
        64,
        65,
        O_DSYNC,
        O_SYNC,
        O_CREAT,
        TIOCSTI,
        TIOCSTI + 1,
        TIOCLINUX,
        TIOCLINUX - 1,
        0x100000,
        0x400000,
        0x20008,
        0x40000,
        0x7fffffff,
        0x80000000,
        0xfffffffe,
        0xffffffff,
        1ull << 32,
        1ull << 32 | TIOCSTI,
        1ull << 32 | AF_NETLINK,
        1ull << 63 | 9,
        UINT64_MAX,
};

static void compare_arguments(struct comparison *c, uint32_t nr) {
        for (uint64_t family = 0; family < 70; family++)
                compare(c, nr, (const uint64_t[]){ family, SOCK_RAW, 0 });
        for (size_t i = 0; i < ELEMENTS(interesting); i++)
                for (size_t k = 0; k < ELEMENTS(interesting); k++) {
                        compare(c, nr, (const uint64_t[]){ interesting[i], interesting[k], 0 });
                        compare(c, nr, (const uint64_t[]){ interesting[i], 0, interesting[k] });
                }
}

static void compare_abi(struct tap *t, struct arena *a, const struct filter_policy *p, const struct filter *ours,
                        unsigned abi) {
        const struct call_abi *info = &p->table->abi[abi];
        struct comparison c = {
                .ours = ours,
                .arch = info->audit_arch,
                .add = info->token == SCMP_ARCH_X32 ? X32_BIT : 0,
                .theirs = { their_calls(p, abi, a), their_arguments(p, abi, a) },
        };

        for (uint32_t nr = 0; nr <= NUMBERS; nr++)
                compare(&c, nr, (const uint64_t[]){ 0, 0, 0 });
        for (size_t i = 0; i < p->table->n; i++)
                if (plain_number(p->table, i, abi) >= NUMBERS)
                        compare(&c, (uint32_t) plain_number(p->table, i, abi), (const uint64_t[]){ 0, 0, 0 });
        compare(&c, 0x3fffffff, (const uint64_t[]){ 0, 0, 0 });
        for (size_t i = 0; i < p->table->n; i++)
                if (p->calls[i].rules && plain_number(p->table, i, abi) >= 0)
                        compare_arguments(&c, (uint32_t) plain_number(p->table, i, abi));
        OK_INT(t, c.differ, 0, "%s, %u cases; ours %u instructions, theirs %u + %u", info->name, c.cases, ours->n,
               c.theirs.calls.n, c.theirs.arguments.n);
}

#define LIST(...)                                                                                                     \
        (&(struct strv){ .items = (char **) (const char *[]){ __VA_ARGS__ },                                          \
                         .n = ELEMENTS(((const char *[]){ __VA_ARGS__ })) })

static void compare_want(struct tap *t, const struct filter_want *want, const struct call_table *table) {
        CLEAN(arena_done) struct arena a = { 0 };
        struct filter_policy p;
        struct filter ours = { 0 };
        struct err e = { 0 };

        if (!OK(t, filter_policy_make(want, table, &a, &p, &e) == 0 && filter_compile(&p, &a, &ours) == 0, "made %s",
                e.text))
                return;
        for (unsigned abi = 0; abi < table->n_abis; abi++)
                if (!table->abi[abi].rare || p.rare_abis)
                        compare_abi(t, &a, &p, &ours, abi);
}

/* Many holes. The calls that have argument rules stay. */
static void compare_ragged(struct tap *t, const struct call_table *table, unsigned step) {
        CLEAN(arena_done) struct arena a = { 0 };
        struct filter_want want = { .face = FILTER_STRICT,
                                    .allow = LIST("@known"),
                                    .suppress_sync = true,
                                    .families_said = true,
                                    .families = LIST("AF_INET", "AF_PACKET", "AF_XDP") };
        struct strv deny = { 0 };

        for (size_t i = 0; i < table->n; i++)
                if ((uint32_t) table->rows[i].nr[0] % 7 < step &&
                    !strstr("ioctl socket socketpair fsync openat", table->rows[i].name))
                        strv_add(&a, &deny, table->rows[i].name);
        want.deny = &deny;
        compare_want(t, &want, table);
}

int main(void) {
        static const char *const machines[] = { "x86_64-little", "aarch64-little", "riscv64-little" };
        const struct filter_want wants[] = {
                { .face = FILTER_BERTH, .caps = CAPS_DEFAULT },
                { .face = FILTER_BERTH, .caps = CAPS_DEFAULT, .private_net = true, .nesting = true, .tree32 = true },
                { .face = FILTER_BERTH, .caps = 0, .suppress_sync = true },
                { .face = FILTER_STRICT, .caps = CAPS_DEFAULT },
                { .face = FILTER_STRICT, .caps = UINT64_MAX, .suppress_sync = true },
                { .face = FILTER_STRICT, .families_said = true, .families = LIST("AF_UNIX", "AF_XDP", "AF_INET") },
                { .face = FILTER_STRICT,
                  .families_said = true,
                  .families_deny_list = true,
                  .families = LIST("AF_VSOCK") },
                { .face = FILTER_BERTH, .families_said = true, .families_none = true },
                { .face = FILTER_STRICT, .allow = LIST("@known"), .deny = LIST("@clock", "ioctl", "openat2") },
                { .face = FILTER_BERTH, .deny = LIST("@known") },
        };

        struct tap t = { 0 };

        for (size_t m = 0; m < ELEMENTS(machines); m++) {
                CLEAN(arena_done) struct arena a = { 0 };
                struct call_table table;

                if (!OK(&t, calls_resolve(machines[m], &a, &table) == 0, "numbers of %s", machines[m]))
                        continue;
                for (size_t i = 0; i < ELEMENTS(wants); i++)
                        compare_want(&t, &wants[i], &table);
                for (unsigned step = 1; step < 5; step++)
                        compare_ragged(&t, &table, step);
        }
        return tap_done(&t);
}
