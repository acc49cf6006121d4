/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/confine.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "sys/caps.h"
#include "sys/seccomp_write.h"

enum { NOBODY = 65534 };

/* EINVAL: no such id here; EPERM: no right to change it. */
static bool may_go_on(int result) {
        return result == 0 || errno == EINVAL || errno == EPERM;
}

static int become_nobody(void) {
        if (may_go_on(setgroups(0, NULL)) && may_go_on(setresgid(NOBODY, NOBODY, NOBODY)) &&
            may_go_on(setresuid(NOBODY, NOBODY, NOBODY)))
                return 0;
        return -errno;
}

static int set_limits(rlim_t memory, rlim_t cpu_s) {
        const struct rlimit room = { memory, memory }, cpu = { cpu_s, cpu_s }, none = { 0, 0 };

        if (setrlimit(RLIMIT_CPU, &cpu) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
                return -errno;
        return SECCOMP_SANITIZED || setrlimit(RLIMIT_AS, &room) == 0 ? 0 : -errno;
}

int confine(rlim_t memory, rlim_t cpu_s) {
        int k = set_limits(memory, cpu_s);

        k = k < 0 || geteuid() != 0 ? k : become_nobody();
        k = k < 0 ? k : caps_set(0, 0, 0);
        if (k < 0)
                return k;
        /* The first is forgotten when ids change. */
        return prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}
