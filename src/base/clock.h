/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Nanoseconds of a clock of clock_gettime(2), none of which fails for those that every kernel has. By a system call:
 * to find the faster way (vdso(7)) takes each process of a start longer than all its looks at a clock. */
static inline uint64_t clock_ns(clockid_t id) {
        struct timespec t;

        syscall(SYS_clock_gettime, id, &t);
        return (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
}
