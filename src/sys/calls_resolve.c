/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/calls_resolve.h"

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean.h"
#include "base/str.h"

static const struct machine {
        const char *name;
        unsigned n_abis;
        struct call_abi abi[CALLS_ABIS];
} machines[] = {
        { "x86_64-little",
          3,
          { { "x86-64", AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64, false },
            { "i386", AUDIT_ARCH_I386, SCMP_ARCH_X86, false },
            { "x32", AUDIT_ARCH_X86_64, SCMP_ARCH_X32, true } } },
        { "aarch64-little",
          2,
          { { "aarch64", AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64, false },
            { "arm", AUDIT_ARCH_ARM, SCMP_ARCH_ARM, false } } },
        { "x86-little", 1, { { "i386", AUDIT_ARCH_I386, SCMP_ARCH_X86, false } } },
        { "arm-little", 1, { { "arm", AUDIT_ARCH_ARM, SCMP_ARCH_ARM, false } } },
        { "riscv64-little", 1, { { "riscv64", AUDIT_ARCH_RISCV64, SCMP_ARCH_RISCV64, false } } },
        { "ppc64-little", 1, { { "ppc64le", AUDIT_ARCH_PPC64LE, SCMP_ARCH_PPC64LE, false } } },
        { "s390x-big",
          2,
          { { "s390x", AUDIT_ARCH_S390X, SCMP_ARCH_S390X, false },
            { "s390", AUDIT_ARCH_S390, SCMP_ARCH_S390, false } } },
};

/* What libseccomp 2.5 does not know. From 424 on a call has the same number on each architecture here. only: the one
 * ABI that has it, as a libseccomp token. */
static const struct newer {
        const char *name;
        int nr;
        uint32_t only;
} newer[] = {
        { "cachestat", 451, 0 },
        { "fchmodat2", 452, 0 },
        { "map_shadow_stack", 453, 0 },
        { "futex_wake", 454, 0 },
        { "futex_wait", 455, 0 },
        { "futex_requeue", 456, 0 },
        { "statmount", 457, 0 },
        { "listmount", 458, 0 },
        { "lsm_get_self_attr", 459, 0 },
        { "lsm_set_self_attr", 460, 0 },
        { "lsm_list_modules", 461, 0 },
        { "mseal", 462, 0 },
        { "setxattrat", 463, 0 },
        { "getxattrat", 464, 0 },
        { "listxattrat", 465, 0 },
        { "removexattrat", 466, 0 },
        { "open_tree_attr", 467, 0 },
        { "file_getattr", 468, 0 },
        { "file_setattr", 469, 0 },
        { "listns", 470, 0 },
        { "rseq_slice_yield", 471, 0 },
        { "uretprobe", 335, SCMP_ARCH_X86_64 },
        { "uprobe", 336, SCMP_ARCH_X86_64 },
};

enum { X32_BIT = 0x40000000, NUMBERS = 512 };

/* Names by number on one ABI. Where a call can also be reached through socketcall(2) or ipc(2), libseccomp gives a
 * made-up negative number for its name, and only this way back gives the real one. */
struct by_number {
        char *names[NUMBERS];
};

static void by_number_done(struct by_number *b) {
        for (size_t i = 0; i < NUMBERS; i++)
                free(b->names[i]);
}

static int base_number(uint32_t token) {
        return token == SCMP_ARCH_X32 ? X32_BIT : 0;
}

static void by_number_init(struct by_number *b, uint32_t token) {
        for (int i = 0; i < NUMBERS; i++)
                b->names[i] = seccomp_syscall_resolve_num_arch(token, base_number(token) + i);
}

static int from_newer(const char *name, uint32_t token) {
        for (size_t i = 0; i < ELEMENTS(newer); i++)
                if (streq(newer[i].name, name) && (newer[i].only == 0 || newer[i].only == token))
                        return base_number(token) + newer[i].nr;
        return -1;
}

static int number_of(const struct by_number *b, uint32_t token, const char *name) {
        int nr = seccomp_syscall_resolve_name_arch(token, name), ours = from_newer(name, token);

        if (nr >= 0)
                return ours >= 0 && ours != nr ? -EUCLEAN : nr;
        for (int i = 0; i < NUMBERS; i++)
                if (b->names[i] && streq(b->names[i], name))
                        return base_number(token) + i;
        return ours;
}

struct row_list {
        struct call_row *items;
        size_t n;
};

static int by_name(const void *a, const void *b) {
        return strcmp(((const struct call_row *) a)->name, ((const struct call_row *) b)->name);
}

static int gather_group(const struct call_group *g, struct arena *a, struct row_list *ret) {
        const char *words = g->words;
        struct word w;

        while (word_next(&words, &w)) {
                if (*w.s == '@')
                        continue;
                if (w.n >= CALL_NAME)
                        return -EUCLEAN;
                memcpy(arena_push(a, ret)->name, w.s, w.n);
        }
        return 0;
}

static int gather_names(struct arena *a, struct row_list *ret) {
        size_t kept = 0;

        for (unsigned i = 0; calls_group_nth(i); i++)
                if (gather_group(calls_group_nth(i), a, ret) < 0)
                        return -EUCLEAN;
        qsort(ret->items, ret->n, sizeof *ret->items, by_name);
        for (size_t i = 0; i < ret->n; i++)
                if (i == 0 || !streq(ret->items[i].name, ret->items[kept - 1].name))
                        ret->items[kept++] = ret->items[i];
        ret->n = kept;
        return 0;
}

static int number_rows(struct row_list *rows, unsigned abi, uint32_t token) {
        CLEAN(by_number_done) struct by_number b = { 0 };
        size_t found = 0;

        by_number_init(&b, token);
        for (size_t i = 0; i < rows->n; i++) {
                int nr = number_of(&b, token, rows->items[i].name);

                if (nr == -EUCLEAN)
                        return nr;
                rows->items[i].nr[abi] = nr < 0 ? -1 : nr;
                found += nr >= 0;
        }
        /* A libseccomp that does not know this architecture at all must not make an empty program. */
        return found < 200 ? -EUCLEAN : 0;
}

static const struct machine *find_machine(const char *name) {
        for (size_t i = 0; i < ELEMENTS(machines); i++)
                if (streq(machines[i].name, name))
                        return &machines[i];
        return NULL;
}

int calls_resolve(const char *machine, struct arena *a, struct call_table *ret) {
        const struct machine *m = find_machine(machine);
        struct row_list rows = { 0 };
        int r;

        if (!m)
                return -ENOENT;
        r = gather_names(a, &rows);
        for (unsigned abi = 0; r == 0 && abi < CALLS_ABIS; abi++)
                if (abi < m->n_abis)
                        r = number_rows(&rows, abi, m->abi[abi].token);
                else
                        for (size_t i = 0; i < rows.n; i++)
                                rows.items[i].nr[abi] = -1;
        if (r < 0)
                return r;
        *ret = (struct call_table){ .n_abis = m->n_abis, .rows = rows.items, .n = rows.n };
        memcpy(ret->abi, m->abi, sizeof ret->abi);
        return 0;
}
