/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Trees whose programs are for another machine, and the emulator that runs them. */

#include "plan/plan.h"

/* The container gets a table of formats of its own: binfmt_misc of its user namespace, Linux 6.7. The host's is never
 * changed: it is one for all. */
bool plan_emulates(const struct facts *f, const struct plan *p);

/* What the kernel is told: a line for binfmt_misc's register. */
const char *plan_emulator_line(const struct facts *f, struct arena *a);

/* What is said about it, in advance and where the program does not start. */
void plan_foreign(const struct facts *f, struct arena *a, struct plan *p);
