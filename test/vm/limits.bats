#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Limits of a control group with controllers, and those that only a process with every capability may raise.

load ../lib/common
load ../host/common

@test "a limit of the service holds the container: memory" {
        TREE=$machines/memory
        cp -a -- "$trees/busybox" "$TREE"
        # A file in a tmpfs counts: 64 MiB do not fit into 32.
        printf '#!/bin/sh\ndd if=/dev/zero of=/run/big bs=1M count=64 2>/dev/null\necho "status $?" >/var/found\n' >"$TREE/etc/rc.test"
        chmod 0755 "$TREE/etc/rc.test"
        systemctl set-property --runtime berth@memory.service MemoryMax=32M MemorySwapMax=0
        systemctl start berth@memory.service
        await_true grep -q '^oom_kill [1-9]' "/sys/fs/cgroup$(systemctl show --value -p ControlGroup berth@memory.service)/memory.events"
        systemctl stop berth@memory.service || true
        systemctl revert berth@memory.service
        systemctl reset-failed berth@memory.service 2>/dev/null || true
        rm -rf "$TREE"
}

@test "a limit of the service holds the container: processes" {
        TREE=$machines/tasks
        cp -a -- "$trees/busybox" "$TREE"
        printf '#!/bin/sh\nn=0\nwhile [ $n -lt 100 ]; do sleep 60 & n=$((n + 1)); done\n' >"$TREE/etc/rc.test"
        chmod 0755 "$TREE/etc/rc.test"
        systemctl set-property --runtime berth@tasks.service TasksMax=20
        systemctl start berth@tasks.service
        local group
        group=/sys/fs/cgroup$(systemctl show --value -p ControlGroup berth@tasks.service)
        await_true grep -q '^max [1-9]' "$group/pids.events"
        [ "$(cat "$group/pids.current")" -le 20 ]
        systemctl stop berth@tasks.service
        systemctl revert berth@tasks.service
        rm -rf "$TREE"
}

@test "resource limits go above those of the caller" {
        ulimit -n 1000
        opts=(--rlimit=NOFILE=20000:30000)
        in_tree sh -c 'ulimit -Sn; ulimit -Hn'
        status_is 0
        output_is $'20000\n30000'
}

@test "without an option they are those of the kernel's first process" {
        ulimit -n 1000 -u 500
        in_tree sh -c 'ulimit -Sn; ulimit -Hn'
        status_is 0
        output_is $'1024\n524288'
}

@test "--oom-score-adjust goes down too" {
        opts=(--oom-score-adjust=-500)
        in_tree cat /proc/self/oom_score_adj
        status_is 0
        output_is -500
}

@test "a container in a user namespace cannot raise its own limits" {
        opts=(--private-users=pick)
        in_tree sh -c 'ulimit -Hn 2000000 2>/dev/null && echo raised; echo -600 >/proc/self/oom_score_adj && echo lowered; echo end' 2>/dev/null
        output_is end
}
