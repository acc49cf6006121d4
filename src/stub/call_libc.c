/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* For machines without a start file of our own: the stub is then linked with a static libc. */

#include <errno.h>
#include <unistd.h>

#include "stub/call.h"

long stub_call(long number, long a, long b, long c, long d, long e, long f) {
        long r = syscall(number, a, b, c, d, e, f);

        return r < 0 ? -errno : r;
}

long stub_fork(void) {
        pid_t pid = fork();

        return pid < 0 ? -errno : pid;
}

int main(void) {
        stub_main();
}
