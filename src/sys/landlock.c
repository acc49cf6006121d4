/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/landlock.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clean.h"

/* As linux/landlock.h has it from ABI 6 on; older headers lack the last member. */
struct ruleset {
        uint64_t handled_access_fs, handled_access_net, scoped;
};
#define SCOPE_ABSTRACT_UNIX_SOCKET (UINT64_C(1) << 0)

int landlock_scope_abstract(void) {
        const struct ruleset rules = { .scoped = SCOPE_ABSTRACT_UNIX_SOCKET };
        CLEAN_FD int fd = (int) syscall(SYS_landlock_create_ruleset, &rules, sizeof rules, 0);

        if (fd < 0)
                return -errno;
        return syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
}
