/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "sys/filter.h"

/* Load f in a process of its own and try calls of the compat ABI there. Returns how many give what they should not, -1
 * where there is no such ABI. closed: socketcall(2) makes no sockets. */
int compat_check(const struct filter *f, bool closed);
