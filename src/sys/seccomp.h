/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* seccomp(2). Returns -errno. */

#include <linux/filter.h>
#include <stdint.h>

/* Load a program for the calling thread. Needs CAP_SYS_ADMIN or no_new_privs (-EACCES). flags: SECCOMP_FILTER_FLAG_*;
 * -EINVAL also where the kernel does not know a flag. */
int seccomp_load(const struct sock_filter *insns, uint16_t n, unsigned flags);
