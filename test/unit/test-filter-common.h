/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of the system call filter share. */

#include <linux/seccomp.h>

#include "base/arena.h"
#include "sys/calls.h"
#include "sys/filter_policy.h"
#include "unit/tap.h"

/* What the kernel would answer. Ends the test program where the kernel would refuse to load the program at all. */
uint32_t filter_run(const struct filter *f, const struct seccomp_data *d);

/* "allow", "kill", an errno's name, "ok" for success without the call. */
const char *action_name(uint32_t action);

/* A program for want on the given table, always built. */
struct filter build(const struct filter_want *want, const struct call_table *t, struct arena *a);

/* The number of a call on the nth ABI of this machine's table, -1. */
int32_t number(const char *name, unsigned abi);
uint32_t decide(const struct filter *f, unsigned abi, const char *name, uint64_t arg0, uint64_t arg1, uint64_t arg2);

/* The words of a file, which ends the test program where it cannot be read. Lines that begin with # are not part of
 * it. */
struct strv read_words(struct arena *a, const char *dir, const char *file);
bool has_word(const struct strv *v, const char *word);

/* What a container has by default, of those capabilities that matter; more of them than matter. */
#define CAPS_DEFAULT 0xfdecafffull
