/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The stack grows by page faults, and a fault that a limit forbids (RLIMIT_STACK, RLIMIT_AS) is a SIGSEGV. Who takes
 * things that must be given back cannot afford that: what it may need is had before it begins. */

enum { STACKROOM = 384 << 10 }; /* bytes; the deepest calls need about half */

/* What to tell the user then. */
#define NO_STACK "the limits on memory leave no room for the stack (see ulimit -v, ulimit -s)"

/* Make the stack at least STACKROOM deep, counted from here. Two system calls where nothing is limited. 0, or -ENOMEM
 * where the limits do not leave that much. */
int stackroom_reserve(void);

/* Have it now: from here on a limit may be set that forbids to grow. */
void stackroom_have(void);
