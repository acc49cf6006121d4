/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks at the caller and the kernel. */

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clean.h"
#include "base/str.h"
#include "probe/check.h"
#include "sys/caps.h"
#include "sys/devices.h"
#include "sys/seccomp.h"

void check_root(const struct check_context *c, struct check_finding *ret) {
        check_say(ret, geteuid() == 0 ? CHECK_YES : CHECK_NO, "user %u", geteuid());
}

void check_admin(const struct check_context *c, struct check_finding *ret) {
        struct caps_state s;
        int k = caps_get(&s);

        check_result(ret, k < 0 ? k : s.effective & UINT64_C(1) << CAP_SYS_ADMIN ? 0 : -EPERM);
}

void check_caps(const struct check_context *c, struct check_finding *ret) {
        uint64_t has = 0, missing;

        if (caps_bounding(&has) < 0)
                has = 0;
        missing = caps_all() & ~has;
        check_say(ret, missing ? CHECK_PART : CHECK_YES, "%s", missing ? "missing:" : "all");
        for (unsigned i = 0; i < 64; i++)
                if (missing >> i & 1 && caps_name(i))
                        snprintf(ret->detail + strlen(ret->detail), sizeof ret->detail - strlen(ret->detail), " %s",
                                 caps_name(i));
}

void check_release(const struct check_context *c, struct check_finding *ret) {
        int major = 0, minor = 0, version;
        struct utsname u;

        uname(&u);
        (void) sscanf(u.release, "%d.%d", &major, &minor);
        version = major * 1000 + minor;
        check_say(ret, version < 5015 ? CHECK_NO : version < 6012 ? CHECK_PART : CHECK_YES, "%s", u.release);
}

/* With arguments that are refused once the call is known. Those for mounts are refused before without CAP_SYS_ADMIN.
 */
void check_calls(const struct check_context *c, struct check_finding *ret) {
        static const struct {
                const char *name;
                long number;
                bool of_mounts;
        } calls[] = {
                { "clone3", SYS_clone3, false },
                { "openat2", SYS_openat2, false },
                { "pidfd_open", SYS_pidfd_open, false },
                { "fsopen", SYS_fsopen, true },
                { "open_tree", SYS_open_tree, true },
                { "move_mount", SYS_move_mount, true },
                { "mount_setattr", SYS_mount_setattr, true },
        };

        check_say(ret, CHECK_YES, "%s", "");
        for (size_t i = 0; i < ELEMENTS(calls); i++) {
                if (syscall(calls[i].number, -1, -1, -1, -1, 0) >= 0 ||
                    !(errno == ENOSYS || (errno == EPERM && !calls[i].of_mounts)))
                        continue;
                ret->state = CHECK_NO;
                snprintf(ret->detail + strlen(ret->detail), sizeof ret->detail - strlen(ret->detail), "%s%s: %s",
                         *ret->detail ? ", " : "", calls[i].name, errno == ENOSYS ? "ENOSYS" : "EPERM");
        }
}

static int load_filter(const void *data) {
        const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        return seccomp_load(&allow, 1, 0);
}

void check_filters(const struct check_context *c, struct check_finding *ret) {
        check_result(ret, check_apart(load_filter, NULL));
}

void check_landlock(const struct check_context *c, struct check_finding *ret) {
        long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);

        if (abi < 0)
                check_result(ret, -errno);
        else
                check_say(ret, abi < 6 ? CHECK_PART : CHECK_YES, "ABI %ld", abi);
}

void check_keyrings(const struct check_context *c, struct check_finding *ret) {
        long k = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);

        check_result(ret, k < 0 && (errno == ENOSYS || errno == EPERM) ? -errno : 0);
}

/* Loaded first, attached then: that there is no such cgroup comes second. */
void check_device_programs(const struct check_context *c, struct check_finding *ret) {
        static const struct device_rule rule = { .major = 1, .minor = 3 };
        int k = devices_restrict(-1, &rule, 1);

        check_result(ret, k == -EBADF ? 0 : k);
}

void check_modules(const struct check_context *c, struct check_finding *ret) {
        const char *list = check_text(c, "/sys/kernel/security/lsm");
        const char *label = check_text(c, "/proc/self/attr/current");

        if (*list)
                check_say(ret, CHECK_YES, "%s%s%s", list, *label ? "; berthctl runs as " : "", label);
        else
                check_say(ret, CHECK_YES, "%s", "securityfs is not mounted: not known");
}
