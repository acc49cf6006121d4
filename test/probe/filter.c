/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* filter PID: what the system call programs of a running process decide, read back from the kernel.
 *
 * Prints for each call that is known a line as the tables of test/compat have it: name, and the decision with all
 * arguments 0 on x86-64, i386 and x32. Then lines that begin with "=": how many programs and instructions, and what
 * becomes of an unknown call and an unknown architecture. Of several programs the strictest decision counts
 * (seccomp(2)).
 *
 * PTRACE_SECCOMP_GET_FILTER takes CAP_SYS_ADMIN in the first user namespace, and a kernel with checkpoint/restore. */

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "unit/test-filter-common.h"

#ifndef PTRACE_SECCOMP_GET_FILTER
#define PTRACE_SECCOMP_GET_FILTER 0x420c
#endif

enum { PROGRAMS = 16 };

struct loaded {
        struct filter programs[PROGRAMS];
        unsigned n;
};

static void fail(const char *what) {
        fprintf(stderr, "filter: %s: %s\n", what, strerror(errno));
        exit(77);
}

/* A tracer needs the process to stand still; it goes on when we end. */
static void read_programs(pid_t pid, struct loaded *ret) {
        if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 ||
            waitpid(pid, NULL, __WALL) < 0)
                fail("cannot trace");
        for (ret->n = 0; ret->n < PROGRAMS; ret->n++) {
                long n = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, ret->n, NULL);
                struct sock_filter *insns;

                if (n < 0 && errno == ENOENT)
                        break;
                if (n < 0)
                        fail("cannot read a program");
                insns = calloc((size_t) n, sizeof *insns);
                if (!insns || ptrace(PTRACE_SECCOMP_GET_FILTER, pid, ret->n, insns) < 0)
                        fail("cannot read a program");
                ret->programs[ret->n] = (struct filter){ .insns = insns, .n = (uint16_t) n };
        }
        (void) ptrace(PTRACE_DETACH, pid, 0, 0);
}

/* The least value wins, as a signed number (kernel/seccomp.c, seccomp_run_filters()). */
static uint32_t decide_all(const struct loaded *l, const struct seccomp_data *d) {
        uint32_t result = SECCOMP_RET_ALLOW;

        for (unsigned i = 0; i < l->n; i++) {
                uint32_t r = filter_run(&l->programs[i], d);

                if ((int32_t) (r & SECCOMP_RET_ACTION_FULL) < (int32_t) (result & SECCOMP_RET_ACTION_FULL))
                        result = r;
        }
        return result;
}

static const char *cell(const struct loaded *l, unsigned abi, const struct call_row *row) {
        struct seccomp_data d = { .nr = row->nr[abi] };

        if (abi >= calls_native.n_abis || row->nr[abi] < 0)
                return "-";
        d.arch = calls_native.abi[abi].audit_arch;
        return action_name(decide_all(l, &d));
}

static void tell_unknown(const struct loaded *l) {
        const struct seccomp_data call = { .nr = 100000, .arch = calls_native.abi[0].audit_arch };
        const struct seccomp_data arch = { .nr = 39, .arch = 0x12345 };

        printf("= unknown call %s\n", action_name(decide_all(l, &call)));
        printf("= unknown architecture %s\n", action_name(decide_all(l, &arch)));
}

int main(int argc, char **argv) {
        struct loaded l;
        unsigned instructions = 0, blocked = 0, native = 0;

        if (argc != 2)
                return 2;
        read_programs(atoi(argv[1]), &l);
        for (size_t i = 0; i < calls_native.n; i++) {
                const struct call_row *row = &calls_native.rows[i];

                printf("%-34s %-12s %-12s %s\n", row->name, cell(&l, 0, row), cell(&l, 1, row), cell(&l, 2, row));
                native += row->nr[0] >= 0;
                blocked += row->nr[0] >= 0 && strcmp(cell(&l, 0, row), "allow") != 0;
        }
        for (unsigned i = 0; i < l.n; i++)
                instructions += l.programs[i].n;
        printf("= programs %u\n= instructions %u\n= blocked %u of %u\n", l.n, instructions, blocked, native);
        tell_unknown(&l);
        return 0;
}
