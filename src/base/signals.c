/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/signals.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LAST = 64, SET_SIZE = 8 /* of the kernel's sigset_t */ };

void signals_default(void) {
        /* The kernel's struct sigaction is smaller than this, and SIG_DFL is zero. */
        const unsigned long action[8] = { 0 };

        for (int sig = 1; sig <= LAST; sig++)
                (void) syscall(SYS_rt_sigaction, sig, action, NULL, SET_SIZE);
}

void signals_all(sigset_t *ret) {
        memset(ret, 0xff, sizeof *ret);
}
