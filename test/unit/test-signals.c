/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All signals, whatever the C library keeps for itself. In processes of their own: what is set stays set. */

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/signals.h"
#include "unit/tap.h"

/* Numbers that both libraries use for their threads, and of which the kernel's mask may be without. */
static const uint64_t threads = UINT64_C(3) << 31,
                      unstoppable = UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1);

/* A mask of /proc/self/status. */
static uint64_t mask(const char *name) {
        char text[4096];
        const char *at;

        if (file_read_at(-100 /* AT_FDCWD */, "/proc/self/status", text, sizeof text) <= 0)
                return 1;
        at = strstr(text, name);
        return at ? strtoull(at + strlen(name), NULL, 16) : 1;
}

static int ignored_ends(void) {
        const unsigned long ignore[8] = { (unsigned long) SIG_IGN };

        for (int sig = 1; sig <= 64; sig++)
                (void) syscall(SYS_rt_sigaction, sig, ignore, NULL, 8);
        if (mask("SigIgn:\t") != ~unstoppable)
                return 1;
        signals_default();
        return mask("SigIgn:\t") != 0;
}

static int all_blocked(void) {
        sigset_t all;

        signals_all(&all);
        if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
                return 1;
        return (mask("SigBlk:\t") | threads) != ~unstoppable;
}

static int in_child(int (*what)(void)) {
        pid_t pid = fork();
        int status;

        if (pid == 0)
                _exit(what());
        return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

int main(void) {
        struct tap t = { 0 };

        OK_INT(&t, in_child(ignored_ends), 0, "what was ignored is not any more");
        OK_INT(&t, in_child(all_blocked), 0, "all are blocked");
        return tap_done(&t);
}
