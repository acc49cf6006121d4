/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A 64-bit program can make i386 calls by int 0x80 at any time: this is the way around a filter that forgot them. */

#include <asm/ioctls.h>
#include <errno.h>
#include <linux/net.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "sys/seccomp.h"
#include "unit/test-filter-compat.h"

static int int80(int nr, long arg0, long arg1, long arg2) {
        long r;

        __asm__ volatile("int $0x80"
                         : "=a"(r)
                         : "a"((long) nr), "b"(arg0), "c"(arg1), "d"(arg2)
                         : "memory", "r8", "r9", "r10", "r11");
        return (int) r;
}

static const struct probe {
        int nr;
        long args[3];
        int open, closed; /* the answer */
} probes[] = {
        { 999, { 0 }, -ENOSYS, -ENOSYS },
        { 54, { -1, TIOCSTI }, -EPERM, -EPERM },
        { 54, { -1, TCGETS }, -EBADF, -EBADF },
        { 102, { SYS_SOCKET, 0 }, -EFAULT, -EAFNOSUPPORT },
        { 102, { SYS_SOCKETPAIR, 0 }, -EFAULT, -EAFNOSUPPORT },
        { 102, { SYS_CONNECT, 0 }, -EFAULT, -EFAULT },
        { 87, { 0 }, -EPERM, -EPERM },    /* swapon */
        { 166, { 0 }, -ENOSYS, -ENOSYS }, /* vm86 */
};

static _Noreturn void inside(const struct filter *f, bool closed) {
        int wrong = 0;

        /* Dies here, by SIGSEGV, on a kernel without. */
        if (int80(20, 0, 0, 0) != getpid())
                _exit(100);
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || seccomp_load(f->insns, f->n, 0) < 0)
                _exit(101);
        for (size_t i = 0; i < ELEMENTS(probes); i++) {
                const long *a = probes[i].args;

                wrong += int80(probes[i].nr, a[0], a[1], a[2]) != (closed ? probes[i].closed : probes[i].open);
        }
        _exit(wrong);
}

int compat_check(const struct filter *f, bool closed) {
        pid_t pid = fork();
        int status;

        if (pid == 0)
                inside(f, closed);
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
                return 102;
        if (WIFEXITED(status))
                return WEXITSTATUS(status);
        return WTERMSIG(status) == SIGSEGV ? -1 : 103;
}
