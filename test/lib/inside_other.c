/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Architectures without a second system call table of interest here. */

#include "inside.h"

const struct call arch_calls[1];
const size_t n_arch_calls = 0;
const struct verbs verbs_arch = { (const struct verb *) 0, 0 };
