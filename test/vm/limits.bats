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

@test "no more descriptors than fs.nr_open, whatever the limit of the caller is" {
        local before
        before=$(sysctl -n fs.nr_open)
        sysctl -q -w fs.nr_open=4096
        in_tree sh -c 'ulimit -Sn; ulimit -Hn'
        sysctl -q -w "fs.nr_open=$before"
        status_is 0
        output_is $'1024\n4096'
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

# --- by berth's own options ---

# Where each kind of place has its limits.
scope=/sys/fs/cgroup/machine.slice/m1.scope
top=/sys/fs/cgroup/berth-m1

limited=(--memory=96M --memory-high=80M --cpus=0.5 --cpu-weight=50 --pids=30 --io-weight=200)

limits_are_written() {
        [ "$(cat "$1/memory.max")" = $((96 << 20)) ]
        [ "$(cat "$1/memory.high")" = $((80 << 20)) ]
        [ "$(cat "$1/cpu.max")" = "50000 100000" ]
        [ "$(cat "$1/cpu.weight")" = 50 ]
        [ "$(cat "$1/pids.max")" = 30 ]
        grep -qx 'default 200' "$1/io.weight"
}

# Runs a command at the top of the hierarchy, where controllers can be turned on below processes.
at_top=(sh -c 'echo $$ >/sys/fs/cgroup/cgroup.procs && exec "$@"' sh)

@test "limits are properties of the scope" {
        start_berth -q -M m1 -D "$TREE" "${limited[@]}" sh -c 'echo up; sleep 600'
        await "$work/out" up
        limits_are_written "$scope"
        [ "$(systemctl show --value -p TasksMax m1.scope)" = 30 ]
        try berthctl exec m1 cat /proc/self/cgroup
        output_is 0::/
        stop_berth
        never test -e "$scope"
}

@test "without a service manager they are on a cgroup of berth's, above the payload's" {
        start_other "${at_top[@]}" "$BERTH" -q --keep-unit -M m1 --private-users=no -D "$TREE" "${limited[@]}" \
                sh -c 'echo max >/sys/fs/cgroup/pids.max; mkdir /tmp/c && mount -t cgroup2 none /tmp/c && echo max >/tmp/c/memory.max; echo up; sleep 600'
        await "$work/out" up
        limits_are_written "$top"
        grep -q '^0::/berth-m1/payload$' "/proc/$(leader_of "$launcher")/cgroup"
        try berthctl exec m1 cat /proc/self/cgroup
        output_is 0::/
        stop_berth
        never test -e "$top"
}

@test "and in a unit that is kept, on the payload's" {
        local group
        systemd-run -q --unit=berth-kept -p Delegate=yes "$BERTH" -q --keep-unit -M m1 -D "$TREE" "${limited[@]}" sleep 600
        group=/sys/fs/cgroup$(systemctl show --value -p ControlGroup berth-kept.service)
        await_true grep -qx 'default 200' "$group/payload/io.weight"
        limits_are_written "$group/payload"
        systemctl stop berth-kept.service
        systemctl reset-failed berth-kept.service
}

@test "a unit that is kept hands its controllers on, and has no process at its top" {
        local group leader
        machinectl list >/dev/null
        systemd-run -q --unit=berth-kept -p Delegate=yes "$BERTH" -q --keep-unit -M m1 -D "$TREE" sleep 600
        await_true machinectl show m1
        group=/sys/fs/cgroup$(systemctl show --value -p ControlGroup berth-kept.service)
        leader=$(machinectl show --value -p Leader m1)
        grep -qx "$leader" "$group/payload/cgroup.procs"
        [ "$(cat "$group/cgroup.procs")" = "" ]
        grep -qw memory "$group/payload/cgroup.controllers"
        grep -qw pids "$group/payload/cgroup.controllers"
        systemctl stop berth-kept.service
        systemctl reset-failed berth-kept.service
}

@test "a unit whose top takes no process: a machine all the same, from its cgroup on" {
        local group leader shown=m1
        echo 'echo +memory >"/sys/fs/cgroup/system.slice/berth-kept.service/cgroup.subtree_control" && exec "$@"' >"$work/enable"
        systemd-run -q --unit=berth-kept -p Delegate=yes -p DelegateSubgroup=sub sh "$work/enable" \
                "$BERTH" -q --keep-unit -M m1 -D "$TREE" sleep 600
        await_true machinectl show m1
        group=/sys/fs/cgroup$(systemctl show --value -p ControlGroup berth-kept.service)
        leader=$(machinectl show --value -p Leader m1)
        grep -qx "$leader" "$group/payload/cgroup.procs"
        [ "$(systemd_version)" -lt 258 ] || shown=-
        [ "$(ps -o machine= -p "$leader" | tr -d ' ')" = "$shown" ]
        systemctl stop berth-kept.service
        systemctl reset-failed berth-kept.service
}

@test "beyond --memory= it is killed, beyond --pids= it makes no more" {
        local where
        local -a before keep
        for where in scope top; do
                before=() keep=()
                [ $where = scope ] || before=("${at_top[@]}") keep=(--keep-unit)
                # What a tmpfs holds counts; this machine has no swap.
                try "${before[@]}" timeout 60 "$BERTH" -q "${keep[@]}" -D "$TREE" --memory=32M sh -c 'dd if=/dev/zero of=/tmp/big bs=1M count=64 2>/dev/null; echo "status $?"; rm /tmp/big'
                output_is "status 137"
                try "${before[@]}" timeout 60 "$BERTH" -q "${keep[@]}" -D "$TREE" --pids=8 sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; wait'
                errors_has "fork"
        done
}

@test "a fork bomb ends at --pids=, and the host makes processes all the while" {
        opts=(--pids=40)
        in_tree /bin/inside exhaust processes 100000
        status_is 0
        [[ $output =~ ^processes\ [23][0-9]\ EAGAIN$ ]] || fail "$output"
        start_berth -q -M m1 -D "$TREE" --pids=40 /bin/inside bomb
        await "$work/out" up
        await_true grep -q '^max [1-9]' "$scope/pids.events"
        [ "$("$helpers/inside" exhaust processes 50)" = "processes 50 ok" ]
        [ "$(cat "$scope/pids.current")" -le 40 ]
        try berthctl stop --kill m1
        status_is 0
        wait "$launcher" || true
        never test -e "$scope"
}

@test "a share of the memory, and none" {
        start_berth -q -M m1 -D "$TREE" --memory=50% --pids=max sh -c 'echo up; sleep 600'
        await "$work/out" up
        local half
        half=$(awk '$1 == "MemTotal:" { print $2 * 512 }' /proc/meminfo)
        [ "$(cat "$scope/memory.max")" -le "$half" ]
        [ "$(cat "$scope/memory.max")" -gt $((half - 8192)) ]
        [ "$(cat "$scope/pids.max")" = max ]
        stop_berth
}

@test "a controller that cannot be turned on is a refusal" {
        # Beside these tests' own processes; a container without a limit can be there.
        try berth -q --keep-unit -M m1 -D "$TREE" true
        status_is 0
        try berth -q --keep-unit -M m1 -D "$TREE" --memory=64M true
        refused "cannot turn the controller memory on"
        mkdir /sys/fs/cgroup/narrow
        try sh -c 'echo $$ >/sys/fs/cgroup/narrow/cgroup.procs && exec "$@"' sh "$BERTH" -q --keep-unit -M m1 -D "$TREE" --cpus=1 true
        rmdir /sys/fs/cgroup/narrow
        status_is 1
        errors_has "--cpus=: cannot turn the controller cpu on"
}
