/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sys/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clean.h"
#include "unit/tap.h"

static void test_names(struct tap *t) {
        static const char *const bad[] = {
                "",         "cap_",          "CAP_FOO", "64",
                "cap_5",    "all",           "chown ",  "cap_chown,kill",
                "capchown", "cap_cap_chown", "=ep",     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        };
        uint64_t bit, seen = 0;

        OK(t, caps_from_name("CAP_CHOWN", &bit) == 0 && bit == 1ull << CAP_CHOWN, "CAP_CHOWN");
        OK(t, caps_from_name("cap_ipc_lock", &bit) == 0 && bit == 1ull << CAP_IPC_LOCK, "cap_ipc_lock");
        OK(t, caps_from_name("5", &bit) == 0 && bit == 1ull << CAP_KILL, "5");
        OK(t, caps_from_name("Net_Admin", &bit) == 0 && bit == 1ull << CAP_NET_ADMIN, "Net_Admin");
        OK(t, caps_from_name("checkpoint_restore", &bit) == 0 && bit == 1ull << CAP_CHECKPOINT_RESTORE,
           "the last one");
        for (size_t i = 0; i < ELEMENTS(bad); i++)
                OK(t, caps_from_name(bad[i], &bit) == -EINVAL, "\"%s\" is no capability", bad[i]);
        OK_STR(t, caps_name(CAP_SYS_ADMIN), "cap_sys_admin", "a name");
        OK_STR(t, caps_name(63), NULL, "a number without a name");
        OK_STR(t, caps_name(1000), NULL, "a number out of range");
        for (unsigned i = 0; caps_name(i); i++)
                if (caps_from_name(caps_name(i), &bit) == 0 && bit == 1ull << i)
                        seen |= bit;
        OK_INT(t, seen & caps_all(), caps_all() & ((1ull << (CAP_LAST_CAP + 1)) - 1), "names and numbers agree");
}

/* In a process of its own: what is dropped stays dropped. */
static int change_sets(void) {
        const uint64_t keep = 1ull << CAP_CHOWN | 1ull << CAP_SETPCAP, some = 1ull << CAP_CHOWN;
        struct caps_state s;
        uint64_t bounding;

        if (caps_drop_bounding(keep) < 0 || caps_set(keep, keep, some) < 0 || caps_set_ambient(some) < 0)
                return 1;
        if (caps_bounding(&bounding) < 0 || bounding != keep || caps_bounding_within(keep) != 1 ||
            caps_bounding_within(~some) != 0)
                return 6;
        if (caps_get(&s) < 0 || s.effective != keep || s.permitted != keep || s.inheritable != some)
                return 2;
        if (s.ambient != some || caps_set_ambient(0) < 0 || caps_get(&s) < 0 || s.ambient != 0)
                return 3;
        if (caps_set(0, 0, 0) < 0 || caps_get(&s) < 0 || s.effective || s.permitted || s.inheritable)
                return 4;
        return caps_set(some, some, 0) == -EPERM && caps_set_ambient(some) == -EPERM && caps_drop_bounding(0) == -EPERM
                       ? 0
                       : 5;
}

int main(void) {
        struct tap t = { 0 };
        struct caps_state s = { 0 };

        test_names(&t);
        OK(&t, (caps_all() & 0xffffffff) == 0xffffffff, "the kernel knows the first 32");
        OK(&t, caps_get(&s) == 0 && caps_bounding_within(caps_all()) == 1, "the sets of this process");
        if (s.effective >> CAP_SETPCAP & 1) {
                pid_t pid = fork();
                int status;

                if (pid == 0)
                        _exit(change_sets());
                OK(&t, waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0,
                   "sets are changed");
        } else
                tap_skip(&t, "sets are changed", "needs CAP_SETPCAP");
        return tap_done(&t);
}
