#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Many containers, one after the other and at once: each is a unit and a machine, and nothing stays of any.

load ../lib/common
load common

# What the guard of each test looks at too, at once and by number.
nothing_left() {
        [ "$(machinectl list --no-legend --no-pager | wc -l)" = 0 ]
        [ "$(systemctl list-units --all --plain --no-legend --no-pager 'crowd*' | wc -l)" = 0 ]
        [ "$(find /run/berth /run/systemd/machines -mindepth 1 | wc -l)" = 0 ]
        [ "$(find /sys/fs/cgroup/machine.slice -mindepth 1 -type d | wc -l)" = 0 ]
}

# Starts $1 containers that stay, each with a tree's worth of its own state; waits until the host knows them all.
start_crowd() {
        local i
        launchers=()
        for ((i = 0; i < $1; i++)); do
                "$BERTH" -q --read-only -M "crowd$i" -D "$TREE" sh -c 'echo up; exec sleep 1000' >"$work/out.$i" 2>"$work/err.$i" 3>&- </dev/null &
                launchers+=($!)
        done
        for ((i = 0; i < $1; i++)); do
                await "$work/out.$i" up
        done
}

end_crowd() {
        local pid
        kill "${launchers[@]}"
        for pid in "${launchers[@]}"; do
                wait "$pid" || true
        done
}

@test "fifty starts of one name, one after the other" {
        local i
        for i in {1..50}; do
                try berth -q -M crowd -D "$TREE" true
                status_is 0
                errors_is ""
        done
        await_true nothing_left
}

@test "fifty at once: all are listed, all have ids of their own, and all end" {
        start_crowd 50
        await_value 50 eval 'machinectl list --no-legend --no-pager | grep -c "^crowd"'
        [ "$(systemctl list-units --state=active --plain --no-legend --no-pager 'crowd*.scope' | wc -l)" = 50 ]
        local i bases=()
        for i in "${launchers[@]}"; do
                bases+=("$(awk 'NR == 1 { print $2 }' "/proc/$(leader_of "$i")/uid_map")")
        done
        [ "$(printf '%s\n' "${bases[@]}" | sort -u | wc -l)" = 50 ] || fail "ids that are not their own:" "$(printf '%s\n' "${bases[@]}" | sort | uniq -c | sort -rn | head -3)"
        cat "$work"/err.* >"$work/all"
        [ ! -s "$work/all" ]
        end_crowd
        await_true nothing_left
}

@test "ten at once whose launchers are killed" {
        start_crowd 10
        kill -KILL "${launchers[@]}"
        local pid
        for pid in "${launchers[@]}"; do
                wait "$pid" || true
        done
        await_value 0 eval 'machinectl list --no-legend --no-pager | grep -c "^crowd" || true'
        await_value 0 eval 'systemctl list-units --all --plain --no-legend --no-pager "crowd*" | wc -l'
        # Records and locks stay until the name is used again, or somebody cleans up.
        berthctl gc >/dev/null
        await_true nothing_left
}

@test "a boot's descriptors: the launcher has as many after twenty restarts as after one" {
        local name=crowd count
        TREE=$machines/$name
        cp -a -- "$trees/busybox" "$TREE"
        printf '#!/bin/sh\necho x >>/var/boots\nn=$(wc -l </var/boots)\n[ $n = 2 ] && touch /var/two && while [ ! -e /var/on ]; do sleep 0.1; done\n[ $n -ge 22 ] || reboot -f\n' >"$TREE/etc/rc.test"
        chmod 0755 "$TREE/etc/rc.test"
        start_berth -q -b -M "$name" --console=read-only -D "$TREE"
        await_true test -e "$TREE/var/two"
        count=$(ls "/proc/$launcher/fd" | wc -l)
        touch "$TREE/var/on"
        await_value 22 eval "wc -l <'$TREE/var/boots'"
        await_true machinectl show "$name"
        [ "$(ls "/proc/$launcher/fd" | wc -l)" = "$count" ]
        stop_berth
        rm -rf "$TREE"
        await_true nothing_left
}
