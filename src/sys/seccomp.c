/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

int seccomp_load(const struct sock_filter *insns, uint16_t n, unsigned flags) {
        /* The kernel only reads it. */
        const struct sock_fprog prog = { .len = n, .filter = (struct sock_filter *) insns };

        return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog) < 0 ? -errno : 0;
}
