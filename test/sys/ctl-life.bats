#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berthctl: stop, kill, pause, resume, wait; and that what a record claims hits nobody else.

load ../lib/common

# A container called $1, in the background; $launcher and $leader are its processes. It runs the words behind.
start_named() {
        local name=$1
        shift
        start_berth -q -M "$name" "${opts[@]}" -D "$TREE" "$@"
        await "$work/out" ready
        leader=$(leader_of "$launcher")
        [ -n "$leader" ]
}

sleeper() {
        start_named "$1" sh -c 'echo ready; exec sleep 1000'
}

# Two lines of /proc, a moment apart: does it run?
ticks() {
        awk '{ sub(/^.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"
}

@test "stop: the payload is asked, and its end waited for" {
        start_named one /bin/inside catch 1 5
        try ctl stop one
        status_is 0
        output_is ""
        errors_is ""
        [ ! -e "/proc/$leader" ]
        [ ! -e /run/berth/one ]
        await_end
        status_is 5
        line_is "signal TERM"
}

@test "stop: one that does not end is an error after --timeout, and --kill ends it" {
        start_named deaf --kill-signal=USR1 /bin/inside catch 1000 5
        try ctl stop -t 0.3 deaf
        refused "deaf has not ended yet"
        errors_has "stop --kill deaf"
        [ -e "/proc/$leader" ]
        try ctl stop -t 0.3 --kill deaf
        status_is 0
        [ ! -e "/proc/$leader" ]
        await_end
        status_is 1
}

@test "stop --timeout=0 asks, and does not wait" {
        start_named one sh -c 'trap "sleep 1; exit 5" TERM; echo ready; while :; do sleep 0.1; done'
        try ctl stop --timeout=0 one
        refused "one has not ended yet"
        await_end
        status_is 5
}

@test "stop --kill does not ask" {
        start_named killed /bin/inside catch 1000 5
        try ctl stop --kill killed
        status_is 0
        await_end
        status_is 1
        output_lacks "signal"
}

@test "stop: several at once, one of them unknown" {
        local launchers=()
        opts=(--read-only)
        sleeper a
        launchers+=("$launcher")
        sleeper b
        launchers+=("$launcher")
        try ctl stop a nosuch b
        status_is 1
        errors_has "there is no container named nosuch"
        try ctl list --no-legend
        output_is ""
        wait "${launchers[@]}" || true
}

@test "stop: a paused container ends too" {
        sleeper frozen
        try ctl pause frozen
        status_is 0
        try ctl stop frozen
        status_is 0
        await_end
}

@test "a paused container ends too where its supervisor is asked, as the service manager does it" {
        start_named frozen sh -c 'trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done'
        try ctl pause frozen
        status_is 0
        kill "$launcher"
        await_end
        status_is 5
}

@test "stop: a boot powers off" {
        opts=(-b)
        start_berth -q -b -M booted -D "$TREE" --console=pipe
        await "$work/out" "up"
        try ctl stop -t 15 booted
        status_is 0
        await_end
        status_is 0
}

@test "stop, kill, pause: what is no name, and what does not run" {
        local verb bad
        for verb in stop kill pause resume wait status show; do
                for bad in nosuch ../run/x . '' a/b -; do
                        try ctl $verb -- "$bad"
                        refused || fail "$verb '$bad'"
                done
                try ctl $verb
                refused "needs more words"
        done
        sleeper whole
        try ctl stop who
        refused "there is no container named who"
        stop_berth
        try ctl stop -t x whole
        refused "--timeout=x"
        try ctl stop -t 1.2345 whole
        refused "--timeout=1.2345"
        try ctl kill -s NOSUCH whole
        refused "--signal=NOSUCH"
        try ctl kill -s 0 whole
        refused "--signal=0"
        try ctl kill -s
        refused "needs a value"
}

@test "kill: a signal to the first process, by name and number" {
        local how
        for how in USR1:USR1 SIGUSR2:USR2 10:USR1 RTMIN+3:RTMIN+3; do
                start_named sig /bin/inside catch 1 5
                try ctl kill -s "${how%:*}" sig
                status_is 0
                await_end
                status_is 5
                line_is "signal ${how#*:}"
        done
        start_named sig /bin/inside catch 1 6
        try ctl kill sig
        await_end
        status_is 6
        line_is "signal TERM"
}

@test "kill --all: every process, and none besides" {
        sleep 1000 &
        local bystander=$!
        start_named all sh -c 'sleep 1001 & sleep 1002 & trap "echo got" TERM; echo ready; wait; wait; sleep 1; echo end; exec sleep 1003'
        [ "$(descendants "$leader" | wc -l)" = 2 ]
        try ctl kill --all all
        status_is 0
        await "$work/out" got
        await "$work/out" end
        [ -d "/proc/$bystander" ]
        kill "$bystander"
        wait "$bystander" 2>/dev/null || true
        try ctl kill -as KILL all
        status_is 0
        await_end
        status_is 1
}

@test "kill --all: processes of a namespace inside too" {
        local mark=$((100000 + $$))
        opts=(--nesting)
        start_named deep sh -c "unshare -pf sh -c 'sleep $mark & echo ready; wait; wait' & exec sleep 1000"
        ps -eo args | grep -qx "sleep $mark"
        try ctl kill --all -s USR1 deep
        status_is 0
        local try
        for try in {1..40}; do
                ps -eo args | grep -qx "sleep $mark" || break
                sleep 0.05
        done
        never grep -qx "sleep $mark" <(ps -eo args)
        stop_berth
}

@test "pause and resume" {
        start_named spin sh -c 'echo ready; while :; do :; done'
        local before
        try ctl pause spin
        status_is 0
        try ctl list --no-legend
        output_matches '^spin +paused '
        before=$(ticks "$leader")
        sleep 0.3
        [ "$(ticks "$leader")" = "$before" ]
        try ctl pause spin
        status_is 0
        try ctl resume spin
        status_is 0
        sleep 0.3
        [ "$(ticks "$leader")" -gt "$before" ]
        try ctl list --no-legend
        output_matches '^spin +running '
        stop_berth
}

@test "wait: the exit status of the container" {
        start_named waited sh -c 'echo ready; sleep 0.5; exit 7'
        try ctl wait waited
        status_is 7
        await_end
        opts=(--read-only)
        start_named waited sh -c 'echo ready; sleep 0.5; exit 7'
        local first=$launcher
        start_named second sh -c 'echo ready; sleep 0.2; exit 3'
        try ctl wait second waited
        status_is 7
        wait "$first" || true
        await_end
        opts=()
        sleeper waited
        ctl wait waited &
        local waiting=$!
        try ctl stop --kill waited
        status=0
        wait "$waiting" || status=$?
        status_is 1
        await_end
}

@test "wait: a supervisor that is killed" {
        kernel_is 6.15 || return 0
        sleeper doomed
        ctl wait doomed &
        local waiting=$!
        sleep 0.3
        kill -KILL "$launcher"
        wait "$launcher" 2>/dev/null || true
        status=0
        wait "$waiting" || status=$?
        status_is 137
        try berth -q -M doomed -D "$TREE" true
        status_is 0
}

# A record made up by hand, with a lock that is held by $holder. $1: supervisor, $2: leader, $3: cgroup.
make_record() {
        mkdir -p /run/berth/lie
        printf '{"version":1,"machine":"lie","leader":%d,"leaderStart":%s,"supervisor":%d,"mode":"command","uuid":"","idBase":0,"idCount":0,"privateNetwork":false,"root":"/","cgroup":%s}\n' \
                "$2" "$(awk '{ sub(/^.*\) /, ""); print $20 }' "/proc/$2/stat")" "$1" "${3:-null}" >/run/berth/lie/record
}

@test "a record that lies: nobody is hurt by what it claims" {
        local victim holder verb
        sleep 1000 &
        victim=$!
        mkdir -p /run/berth/lie
        : >/run/berth/lie/record
        bash -c 'exec 9</run/berth/lie/record; flock -n 9; exec sleep 1001' &
        holder=$!
        sleep 0.2
        # Nobody's supervisor is a shell, and the victim not its leader.
        make_record $$ "$victim"
        for verb in "stop -t 0.5 --kill" "stop --kill" kill "kill -s KILL" "kill -a" pause wait status show; do
                # shellcheck disable=SC2086
                try ctl $verb lie
                refused "the record of lie" || fail "$verb"
        done
        # The one that does hold it, and a leader that is not below it.
        make_record "$holder" "$victim"
        for verb in "stop --kill" "kill -s KILL" "kill -a"; do
                # shellcheck disable=SC2086
                try ctl $verb lie
                refused "the record of lie" || fail "$verb"
        done
        [ -d "/proc/$victim" ]
        kill "$holder" "$victim"
        wait "$holder" "$victim" 2>/dev/null || true
        rm -r /run/berth/lie
}

@test "a record that lies about its cgroup: nothing else is frozen" {
        sleeper true1
        local record=/run/berth/true1/record other
        other=$(jq -r .cgroup "$record")
        other=${other%/*}
        # Written in place: the lock stays the supervisor's.
        jq -c --arg cgroup "$other" '.cgroup = $cgroup' "$record" >"$work/new"
        cat "$work/new" >"$record"
        try ctl pause true1
        refused "no cgroup of its own"
        [ "$(awk '/^frozen/ { print $2 }' "$other/cgroup.events" 2>/dev/null || echo 0)" != 1 ]
        stop_berth
}
