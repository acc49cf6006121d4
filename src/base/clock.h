/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <time.h>

/* Nanoseconds of a clock of clock_gettime(2), none of which fails for those that every kernel has. */
static inline uint64_t clock_ns(clockid_t id) {
        struct timespec t;

        clock_gettime(id, &t);
        return (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
}
