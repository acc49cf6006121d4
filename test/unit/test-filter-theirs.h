/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unit/test-filter-common.h"

/* libseccomp's program, as a binary tree, for the calls that the strict face leaves open. It lives in a file of its
 * own since libseccomp's header and sys/seccomp.h both have a seccomp_load(). */
struct filter their_program(struct arena *a);
