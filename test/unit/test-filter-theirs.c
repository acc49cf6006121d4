/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/test-filter-theirs.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clean.h"

struct filter their_program(struct arena *a) {
        const struct filter_want want = { .face = FILTER_STRICT, .caps = CAPS_DEFAULT };
        struct sock_filter *insns = arena_alloc(a, BPF_MAXINSNS * sizeof *insns);
        scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
        CLEAN_FD int fd = memfd_create("filter", MFD_CLOEXEC);
        struct filter_policy p;
        ssize_t n;

        if (!ctx || filter_policy_make(&want, &calls_native, a, &p, NULL) < 0)
                exit(2);
        seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
        for (unsigned abi = 1; abi < calls_native.n_abis; abi++)
                seccomp_arch_add(ctx, calls_native.abi[abi].token);
        for (size_t i = 0; i < calls_native.n; i++)
                if (p.calls[i].action != SCMP_ACT_ERRNO(ENOSYS))
                        seccomp_rule_add(ctx, p.calls[i].action,
                                         seccomp_syscall_resolve_name(calls_native.rows[i].name), 0);
        n = seccomp_export_bpf(ctx, fd) == 0 ? pread(fd, insns, BPF_MAXINSNS * sizeof *insns, 0) : -1;
        seccomp_release(ctx);
        return (struct filter){ .insns = insns, .n = (uint16_t) (n > 0 ? (size_t) n / sizeof *insns : 0) };
}
