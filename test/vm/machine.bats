#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The machine is what the tests of this directory need.

load ../lib/common
load ../host/common

@test "cgroup2 is the only hierarchy, with the controllers for limits" {
        [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]
        local name
        for name in cpu io memory pids; do grep -qw "$name" /sys/fs/cgroup/cgroup.controllers; done
}

@test "AppArmor is on, and root has every capability" {
        [ "$(cat /sys/module/apparmor/parameters/enabled)" = Y ]
        [ "$(sed -n 's/^CapBnd:\t//p' /proc/self/status)" = "$(printf '%016x' $(((1 << ($(cat /proc/sys/kernel/cap_last_cap) + 1)) - 1)))" ]
}
