/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What of ptrace(2) depends on the machine: a file for each. */

#include <linux/audit.h>
#include <stdint.h>
#include <sys/types.h>

extern const uint32_t regs_arch; /* AUDIT_ARCH_* */

/* At the entry of a call: make it another one. 0 or -1 and errno. */
int regs_replace_call(pid_t tid, long nr);

/* At its exit: what it returns, -errno for an error. */
int regs_set_result(pid_t tid, long result);
