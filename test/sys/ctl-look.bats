#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berthctl: status, show, stats, top.

load ../lib/common

start_named() {
        local name=$1
        shift
        start_berth -q -M "$name" "${opts[@]}" -D "$TREE" sh -c "$*"
        await "$work/out" ready
        leader=$(leader_of "$launcher")
        [ -n "$leader" ]
}

@test "status: what runs, since when, with what" {
        start_named seen 'sleep 1001 & echo ready; exec sleep 1000'
        try ctl status seen
        status_is 0
        output_matches '^seen - running since .* ago$'
        output_matches "Leader: $leader \(sleep 1000\)\$"
        output_matches "Supervisor: $launcher\$"
        output_matches "Root: $TREE\$"
        output_matches "OS: $(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' "$TREE/etc/os-release" | sed 's/[().]/\\&/g')\$"
        output_matches 'Ids: [0-9]+ to [0-9]+$'
        output_matches "Network: the host's"
        output_matches 'Tasks: 2'
        output_matches '^ +[0-9]+ sleep 1001$'
        stop_berth
}

@test "status: the container's own addresses, and processes by cgroup" {
        opts=(--private-network --capability=CAP_NET_ADMIN)
        start_named net 'ip link add dummy0 type dummy 2>/dev/null; ip addr add 10.11.12.13/24 dev lo; echo ready; exec sleep 1000'
        try ctl status net
        status_is 0
        output_matches 'Network: its own'
        try ctl show -p PrivateNetwork --value net
        output_is yes
        stop_berth
}

@test "status: what the container writes cannot steer the terminal" {
        fresh_tree
        printf 'PRETTY_NAME="\033[31mred\033]0;title\007"\n' >"$TREE/etc/os-release"
        start_berth -q -M odd -D "$TREE" sh -c 'echo ready; while :; do sleep 1; done' $'x\e[31m\n'
        await "$work/out" ready
        try ctl status odd
        status_is 0
        never grep -q $'[\x1b\x07]' "$work/.stdout"
        output_has '\x1b[31mred'
        output_has ' x\x1b[31m'
        try ctl show odd
        never grep -q $'[\x1b\x07]' "$work/.stdout"
        try ctl show --json odd
        never grep -q $'[\x1b\x07]' "$work/.stdout"
        stop_berth
}

@test "status: an os-release that is a fifo, a device or a link out of the tree stops nobody" {
        local kind
        for kind in fifo link loop; do
                fresh_tree busybox "t-$kind"
                rm "$TREE/etc/os-release"
                rm -f "$TREE/usr/lib/os-release"
                case $kind in
                fifo) mkfifo "$TREE/etc/os-release" ;;
                link) ln -s ../../../../../../etc/shadow "$TREE/etc/os-release" ;;
                loop) ln -s os-release "$TREE/etc/os-release" ;;
                esac
                start_named "k$kind" 'echo ready; exec sleep 1000'
                limit=5 try ctl status "k$kind"
                status_is 0
                output_lacks "OS:"
                stop_berth
        done
}

@test "show: properties as text and JSON, some of them, and one that there is not" {
        start_named shown 'echo ready; exec sleep 1000'
        try ctl show shown
        status_is 0
        line_is "Name=shown"
        line_is "State=running"
        line_is "Leader=$leader"
        line_is "Supervisor=$launcher"
        line_is "Root=$TREE"
        line_is "Command=sleep 1000"
        try ctl show -p Leader -p Name shown
        output_is "Leader=$leader
Name=shown"
        try ctl show --value --property=Leader shown
        output_is "$leader"
        try ctl show --json shown
        [ "$(jq -r '.name, .leader, .privateNetwork, .memoryMax, (.sinceUSec > 1600000000000000)' <<<"$output" | tr '\n' ' ')" = \
                "shown $leader false null true " ] || fail "$output"
        try ctl show --json -p Name shown
        [ "$(jq -c . <<<"$output")" = '{"name":"shown"}' ] || fail "$output"
        try ctl show -p NoSuch shown
        refused "there is no property NoSuch"
        stop_berth
}

@test "stats: what is used, of all or of those named" {
        local first
        opts=(--read-only)
        start_named busy 'echo ready; while :; do :; done'
        first=$launcher
        start_named idle 'sleep 1001 & echo ready; exec sleep 1000'
        try ctl stats --no-legend
        status_is 0
        output_matches '^busy +1 '
        output_matches '^idle +2 '
        try ctl stats --json busy
        [ "$(jq -r 'length, .[0].name, (.[0].memory > 0), .[0].tasks' <<<"$output" | tr '\n' ' ')" = "1 busy true 1 " ] || fail "$output"
        try ctl stats nosuch
        refused "nosuch"
        try ctl top --once --delay=0.5 --json
        status_is 0
        [ "$(jq -r '.[0].name, (.[0].cpuPermille > 100), .[1].name, (.[1].cpuPermille < 100)' <<<"$output" | tr '\n' ' ')" = \
                "busy true idle true " ] || fail "$output"
        stop_berth
        stop_berth "$first"
}

@test "top: again and again until its reader goes" {
        start_named watched 'echo ready; exec sleep 1000'
        try timeout 5 bash -c "'$BERTHCTL' top -d 0.1 --no-legend | head -n 3"
        status_is 0
        [ "$(grep -c '^watched ' <<<"$output")" = 3 ] || fail "$output"
        try ctl top -d 0.01
        refused "--delay=0.01"
        stop_berth
}

@test "top: in a window it shows as many as fit, those that use most, and cuts lines off; a full disk is said once" {
        local first second
        opts=(--read-only)
        start_named idle1 'echo ready; exec sleep 1000'
        first=$launcher
        start_named idle2 'echo ready; exec sleep 1000'
        second=$launcher
        start_named busy 'echo ready; while :; do :; done'
        on_terminal -s 3x20 'expect=busy' 'expect=busy' 'signal=TERM' -- "$BERTHCTL" top -d 0.3
        output_has busy
        never grep -q idle <<<"$output"
        # Lines are not broken: DECAWM.
        output_has $'\e[?7l'
        output_has $'\e[?7h'
        try bash -c "'$BERTHCTL' top --once -d 0.1 >/dev/full"
        refused "cannot write the output"
        [ "$(wc -l <<<"$errors")" = 1 ] || fail "$errors"
        stop_berth
        stop_berth "$second"
        kill -KILL "$first"
        wait "$first" || true
        try ctl stats idle1
        refused "berthctl gc"
        ctl gc
}

@test "stats: a container without a cgroup of its own is summed up over its processes" {
        start_named bare 'sleep 1001 & echo ready; exec sleep 1000'
        local record=/run/berth/bare/record
        jq -c '.cgroup = null' "$record" >"$work/new"
        cat "$work/new" >"$record"
        try ctl stats --json bare
        status_is 0
        [ "$(jq -r '.[0] | .tasks, .summed, (.memory > 0)' <<<"$output" | tr '\n' ' ')" = "2 true true " ] || fail "$output"
        try ctl status bare
        output_matches 'no cgroup of its own'
        output_matches '^ +[0-9]+ sleep 1001$'
        try ctl pause bare
        refused "no cgroup of its own"
        stop_berth
}
