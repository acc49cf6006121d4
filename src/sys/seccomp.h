/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* seccomp(2) and what tells that it worked. All return 0 or more, or -errno. */

#include <linux/filter.h>
#include <stdint.h>

/* Load a program for the calling thread. Needs CAP_SYS_ADMIN or no_new_privs (-EACCES). flags: SECCOMP_FILTER_FLAG_*;
 * -EINVAL also where the kernel does not know a flag. */
int seccomp_load(const struct sock_filter *insns, uint16_t n, unsigned flags);

/* SECCOMP_MODE_DISABLED or SECCOMP_MODE_FILTER, for the calling thread. */
int seccomp_mode(void);

/* Does one of our programs answer? Asks for an ioctl that each of them refuses and that without it would only complain
 * about the descriptor: 1 yes, 0 no. */
int seccomp_is_ours(void);
