/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sys/stackroom.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { STEP = 4096 };

static rlim_t limit_of(int resource) {
        struct rlimit limit;

        return getrlimit(resource, &limit) < 0 ? RLIM_INFINITY : limit.rlim_cur;
}

/* Address space counts alike whoever has it: where a mapping fits, the stack may grow as much. */
static bool fits(void) {
        void *p = mmap(NULL, STACKROOM, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        return p != MAP_FAILED && munmap(p, STACKROOM) == 0;
}

__attribute__((noinline)) static char touch(void) {
        volatile char room[STACKROOM];

        for (size_t k = STACKROOM; k > 0; k -= STEP)
                room[k - 1] = 0;
        room[0] = 0;
        return room[0];
}

int stackroom_reserve(void) {
        /* Arguments and environment are on the stack, too: execve(2) lets them have a quarter of it. */
        if (limit_of(RLIMIT_STACK) < 2 * STACKROOM)
                return -ENOMEM;
        if (limit_of(RLIMIT_AS) == RLIM_INFINITY)
                return 0;
        if (!fits())
                return -ENOMEM;
        (void) touch();
        return 0;
}

void stackroom_have(void) {
        (void) touch();
}
