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

/* Where the caller has less, and we may not have more (CAP_SYS_RESOURCE is what most containers lack), it is that. */
static int limit(int what, rlim_t most) {
        const struct rlimit want = { most, most };
        struct rlimit now;

        if (setrlimit(what, &want) == 0)
                return 0;
        if (errno != EPERM || getrlimit(what, &now) < 0)
                return -errno;
        now.rlim_cur = now.rlim_max;
        return setrlimit(what, &now) < 0 ? -errno : 0;
}

static int set_limits(rlim_t memory, rlim_t cpu_s) {
        int k = limit(RLIMIT_CPU, cpu_s);

        k = k < 0 ? k : limit(RLIMIT_CORE, 0);
        return k < 0 || SECCOMP_SANITIZED ? k : limit(RLIMIT_AS, memory);
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
