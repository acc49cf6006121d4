/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which processor a process waits for: sched_setaffinity(2). */

#include <sys/types.h>

/* The one that we are on, which says little of the next moment; -1: unknown. */
int cpus_here(void);

/* A process that waits for its turn on cpu goes to another one that it may be on, if there is any; one that is
 * elsewhere stays there. What it may be on is as before. cpu -1: nothing happens. Not for a process that sets this
 * itself meanwhile. */
void cpus_move_from(pid_t pid, int cpu);
