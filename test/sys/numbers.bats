#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Numbers of processes go round: whoever is stopped, killed, entered is the process that was meant, and no later one.

load ../lib/common

# In a process namespace where they go round as fast as the kernel allows (kernel.pid_max is each one's own, Linux 6.14).
in_few_numbers() {
        try timeout 120 unshare --pid --fork --kill-child --mount-proc --propagation private bash -c '
                [ "$1" = no ] || echo 400 >/proc/sys/kernel/pid_max || exit 99
                shift
                exec "$@"' bash "$few" "$OUTSIDE" churn "$work/count" -- bash -c "$1" bash "$BERTH" "$BERTHCTL" "$TREE" "$work"
}

few=no
if kernel_is 6.14; then few=yes; fi

# Nobody else was hit; with few numbers each of them was had by many.
nobody_else_was_hit() {
        local n hit
        read -r n _ hit _ <"$work/count"
        [ "$hit" = 0 ] || fail "$hit of $n processes were hit" || return 1
        [ "$few" = no ] || [ "$n" -gt 2000 ] || fail "only $n processes"
}

@test "the host's limit of numbers is not touched by these tests" {
        [ "$few" = yes ] || skip "before Linux 6.14 it is one for all"
        local before
        before=$(cat /proc/sys/kernel/pid_max)
        in_few_numbers 'cat /proc/sys/kernel/pid_max'
        output_is 400
        [ "$(cat /proc/sys/kernel/pid_max)" = "$before" ]
}

@test "stop, kill and exec hit the container and nobody else, while numbers go round" {
        # shellcheck disable=SC2016 # for the shell inside
        in_few_numbers '
                berth=$1 ctl=$2 tree=$3
                payload="echo up; while :; do for i in 1 2 3 4 5; do true & done; wait; done"
                for i in 1 2 3 4 5 6 7 8; do
                        "$berth" -d -q -M round -D "$tree" sh -c "$payload" || exit 1
                        for k in 1 2 3; do
                                [ "$("$ctl" exec round echo in)" = in ] || exit 2
                                "$ctl" kill --all --signal=CONT round || exit 3
                                "$ctl" status round >/dev/null || exit 4
                        done
                        case $i in
                        [14]) "$ctl" stop --kill round || exit 5 ;;
                        [25]) "$ctl" kill --all --signal=KILL round || exit 6; "$ctl" wait round >/dev/null 2>&1 ;;
                        [36]) "$ctl" kill --signal=KILL round || exit 7; "$ctl" wait round >/dev/null 2>&1 ;;
                        *) "$ctl" stop --timeout=1 --kill round || exit 8 ;;
                        esac
                        for k in $(seq 200); do [ -e /run/berth/round ] || break; sleep 0.05; done
                        [ ! -e /run/berth/round ] || exit 9
                done'
        status_is 0
        nobody_else_was_hit
}

@test "a supervisor that is killed takes its container along, whose numbers others have got; the next start finds nobody" {
        # shellcheck disable=SC2016 # for the shell inside
        in_few_numbers '
                berth=$1 ctl=$2 tree=$3 work=$4
                for i in 1 2 3 4 5; do
                        "$berth" -q -M round -D "$tree" sh -c "echo up; exec sleep 1000" >"$work/up.$i" &
                        for k in $(seq 200); do grep -q up "$work/up.$i" && break; sleep 0.05; done
                        kill -KILL $!
                        wait $! 2>/dev/null
                        # By now the numbers in the record that is left are those of others.
                        sleep 0.7
                        "$ctl" stop --kill round 2>/dev/null
                        "$ctl" kill --all --signal=KILL round 2>/dev/null
                        "$berth" -q -M round -D "$tree" true || exit 1
                        "$ctl" gc >/dev/null 2>&1 || exit 2
                done'
        status_is 0
        nobody_else_was_hit
}
