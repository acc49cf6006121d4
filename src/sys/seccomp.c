/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int seccomp_load(const struct sock_filter *insns, uint16_t n, unsigned flags) {
        /* The kernel only reads it. */
        const struct sock_fprog prog = { .len = n, .filter = (struct sock_filter *) insns };

        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog) < 0 ? -errno : 0;
}

int seccomp_mode(void) {
        int r = prctl(PR_GET_SECCOMP, 0, 0, 0, 0);

        return r < 0 ? -errno : r;
}

int seccomp_is_ours(void) {
        /* The whole register, with a bit in the upper half: the program must see through that too. */
        long r = syscall(SYS_ioctl, -1, (unsigned long) (1ULL << 32 | TIOCSTI), 0);

        return r < 0 && errno == EPERM;
}
