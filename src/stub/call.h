/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The stub's way to the kernel. Two implementations: start_MACHINE.S with call_raw.c (no libc), and call_libc.c. */

/* Returns the result or -errno. */
long stub_call(long number, long a, long b, long c, long d, long e, long f);

long stub_fork(void);

_Noreturn void stub_main(void);

#define CALL_6_(n, a, b, c, d, e, f, ...)                                                                             \
        stub_call(n, (long) (a), (long) (b), (long) (c), (long) (d), (long) (e), (long) (f))
#define CALL(...) CALL_6_(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
