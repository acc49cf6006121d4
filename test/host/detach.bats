#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berth --detach on a host with systemd: the supervisor outlives the unit of who has called it; journal and console.

load ../lib/common
load common

@test "a detached container is registered when berth returns, and its supervisor is a service" {
        local supervisor
        try berth -q -d -M d1 -D "$TREE" sh -c 'trap "exit 3" TERM; echo up; while :; do sleep 1 & wait $!; done'
        status_is 0
        errors_is ""
        machinectl show d1
        [ "$(systemctl is-active d1.scope)" = active ]
        supervisor=$(ctl show -p Supervisor d1 | sed 's/.*=//')
        [ "$(systemctl show --value -p MainPID berth-d1.service)" = "$supervisor" ]
        [ "$(systemctl show -p Type,ActiveState,StatusText berth-d1.service)" = $'Type=notify\nStatusText=Container running.\nActiveState=active' ]
        grep -qx 0::/machine.slice/berth-d1.service "/proc/$supervisor/cgroup"
        # It, and what speaks to the bus.
        [ "$(wc -l <"/sys/fs/cgroup/machine.slice/berth-d1.service/cgroup.procs")" = 2 ]
        # Asked to end, it asks the container.
        ctl wait d1 >/dev/null 2>&1 &
        local waiter=$!
        await_true eval '[ "$(grep -c /run/berth/d1/control /proc/net/unix)" -ge 2 ]'
        systemctl stop berth-d1.service
        status=0
        wait $waiter || status=$?
        status_is 3
        await_no_supervisor
        never machinectl show d1
}

@test "a detached container outlives the unit that it was started in, and is replaced" {
        try systemd-run --quiet --wait --collect --unit=berth-kept-caller -p Type=oneshot \
                "$BERTH" -q -d -M d2 -D "$TREE" sleep 1000
        status_is 0
        await_value inactive eval 'systemctl is-active berth-kept-caller || true'
        await_supervisor d2
        try ctl exec d2 echo alive
        output_is alive
        try berth -q -d --replace -M d2 -D "$TREE" sh -c 'echo second; exec sleep 1000'
        status_is 0
        machinectl show d2
        ctl stop d2
        await_no_supervisor
}

@test "a service that is told of its new main process (Type=notify) goes on with the supervisor" {
        local supervisor
        systemd-run -q --unit=berth-kept -p Type=notify -p WatchdogSec=20s \
                "$BERTH" -q -d -M d3 -D "$TREE" sh -c 'trap "exit 0" TERM; while :; do sleep 1 & wait $!; done'
        supervisor=$(ctl show -p Supervisor d3 | sed 's/.*=//')
        await_value "$supervisor" systemctl show --value -p MainPID berth-kept
        [ "$(systemctl is-active berth-kept d3.scope | uniq)" = active ]
        [ "$(systemctl show --value -p StatusText berth-kept)" = "Container running." ]
        grep -qx "0::/system.slice/berth-kept.service" "/proc/$supervisor/cgroup"
        machinectl show d3
        await_no_supervisor
        systemctl stop berth-kept
        never machinectl show d3
        never systemctl is-active d3.scope

        # How the container ends is how the service does.
        systemd-run -q --unit=berth-kept -p Type=notify "$BERTH" -q -d -M d3 -D "$TREE" sh -c 'trap "exit 3" TERM; while :; do sleep 1 & wait $!; done'
        ctl kill -s TERM d3
        await_value failed eval 'systemctl is-active berth-kept || true'
        [ "$(systemctl show --value -p ExecMainStatus berth-kept)" = 3 ]
        systemctl reset-failed berth-kept
        # One that never starts.
        try systemd-run -q --unit=berth-kept -p Type=notify "$BERTH" -q -d -M d3 -D "$TREE" /no/such/program
        status_is 1
        await_value failed eval 'systemctl is-active berth-kept || true'
        systemctl reset-failed berth-kept
        # What only has the socket of a service in its environment is none: who listens there is told by a process of it.
        try systemd-run -q --wait --unit=berth-kept -p Type=exec -p NotifyAccess=all sh -c \
                "$BERTH -q -d -M d3 -D $TREE sleep 1000; exit 0"
        status_is 0
        own_scope d3
        ctl stop d3
        await_no_supervisor
}

# d3 restarts in place, and what is said after that is in $work/followed.
follow_restart() {
        local leader
        leader=$(ctl show --value -p Leader d3)
        ctl exec d3 systemctl reboot
        await_true eval '[ "$(ctl show --value -p Leader d3)" != '"$leader"' ]'
        await_true ctl exec d3 systemctl is-active -q systemd-journal-flush
        ctl exec d3 systemd-cat -t told echo after-the-restart
        await "$work/followed" after-the-restart
}

@test "logs of an init is its journal, attach leads to its login prompt" {
        limit=120
        host_tree trixie d3
        try berth -d -b -q --notify-ready=yes -M d3
        status_is 0
        await_true eval 'journalctl -q -M d3 -n 1'
        try ctl exec d3 systemd-cat -t told echo from-inside
        status_is 0
        await_true eval 'timeout 20 "$BERTHCTL" logs d3 | grep -q "told.*: from-inside"'
        try ctl logs -c d3
        status_is 0
        output_lacks from-inside
        output_has "Debian"
        try "$PTY" -t 60 'expect=attached; ' 'send=\r' 'expect=login:' 'send=\x1d\x1dd' 'expect=left; ' -- "$BERTHCTL" attach d3
        status_is 0
        "$BERTHCTL" logs -f -n 3 d3 >"$work/followed" 2>&1 &
        local follower=$!
        await_true eval '[ "$(grep -c /run/berth/d3/control /proc/net/unix)" -ge 2 ]'
        follow_restart
        ctl stop d3
        status=0
        wait $follower || status=$?
        status_is 0
        await_no_supervisor
        rm -rf "${machines:?}/d3"
}

@test "logs -f of a journal in memory: what the next start says follows" {
        local follower
        limit=120
        host_tree trixie d3
        rm -rf "$TREE/var/log/journal"
        try berth -d -b -q --notify-ready=yes -M d3
        status_is 0
        await_true eval 'journalctl -q -M d3 -n 1'
        ctl exec d3 systemd-cat -t told echo before-the-restart
        "$BERTHCTL" logs -f -n 3 d3 >"$work/followed" 2>&1 &
        follower=$!
        await "$work/followed" before-the-restart
        follow_restart
        # From its beginning on.
        grep -q "Journal started" "$work/followed"
        [ "$(grep -c before-the-restart "$work/followed")" = 1 ]
        ctl stop d3
        status=0
        wait $follower || status=$?
        status_is 0
        never pgrep -x journalctl
        await_no_supervisor
        rm -rf "${machines:?}/d3"
}

# --- the host's journal ---

@test "what a payload without a journal shows is in the host's journal, as text, with whose it is" {
        local since leader
        since=@$(date +%s)
        try berth -q -d -M lines -D "$TREE" sh -c 'printf "plain\n\033[1;31mred\033[0m\r\n\033]0;title\007a\ttab\n\nno-end"; exec sleep 1000'
        status_is 0
        leader=$(machinectl show --value -p Leader lines)
        await_true eval "journalctl --since=$since -q -o cat --no-pager MACHINE=lines | grep -q tab"
        try journalctl --since="$since" -o cat --no-pager MACHINE=lines
        output_is $'plain\nred\na\ttab'
        try journalctl --since="$since" -o cat --no-pager -u lines.scope
        line_is red
        try journalctl --since="$since" -o cat --no-pager -t lines LEADER="$leader" PRIORITY=6
        line_is red
        # Both have it: the log as it came.
        ctl logs lines | grep -q no-end
        ctl kill -s KILL lines
        await_true eval "journalctl --since=$since -q -o cat --no-pager MACHINE=lines | grep -q no-end"
        await_no_supervisor
}

@test "the console of an OS with a journal of its own is not repeated in the host's" {
        local since
        limit=120
        since=@$(date +%s)
        host_tree trixie m1
        try berth -q -d -b -M m1
        status_is 0
        await_true eval 'systemctl -M m1 is-system-running | grep -qx running'
        [ -z "$(journalctl --since="$since" -q -o cat --no-pager MACHINE=m1)" ]
        ctl logs --console m1 | grep -q .
        ctl stop -t 60 m1
        rm -rf "${machines:?}/m1"
}
