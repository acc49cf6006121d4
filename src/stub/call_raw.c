/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stub/call.h"

#include <asm/unistd.h>
#include <linux/signal.h>
#include <stddef.h>

long stub_fork(void) {
        return CALL(__NR_clone, SIGCHLD);
}

/* Compilers call these on their own, also for code without libc (gcc manual, "Standards"). */
void *memset(void *p, int c, size_t n);
void *memcpy(void *to, const void *from, size_t n);

void *memset(void *p, int c, size_t n) {
        for (size_t i = 0; i < n; i++)
                ((unsigned char *) p)[i] = (unsigned char) c;
        return p;
}

void *memcpy(void *to, const void *from, size_t n) {
        for (size_t i = 0; i < n; i++)
                ((unsigned char *) to)[i] = ((const unsigned char *) from)[i];
        return to;
}
