/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "regs.h"

#include <sys/ptrace.h>
#include <sys/user.h>

const uint32_t regs_arch = AUDIT_ARCH_X86_64;

int regs_replace_call(pid_t tid, long nr) {
        struct user_regs_struct r;

        if (ptrace(PTRACE_GETREGS, tid, 0, &r) < 0)
                return -1;
        r.orig_rax = (unsigned long long) nr;
        return (int) ptrace(PTRACE_SETREGS, tid, 0, &r);
}

int regs_set_result(pid_t tid, long result) {
        struct user_regs_struct r;

        if (ptrace(PTRACE_GETREGS, tid, 0, &r) < 0)
                return -1;
        r.rax = (unsigned long long) result;
        return (int) ptrace(PTRACE_SETREGS, tid, 0, &r);
}
