#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The host is up, containers start on it, and systemd-nspawn is a good neighbour.

load ../lib/common
load common

@test "the host is up, and none of its units has failed" {
        await_true systemctl is-system-running
        try systemctl --failed --no-legend --no-pager
        status_is 0
        output_is ""
        [ "$(cat /proc/1/comm)" = systemd ]
}

@test "berth is installed where a distribution would put it" {
        try "$BERTH" --version
        status_is 0
        [ "$BERTH" = "$(type -P berth)" ]
}

@test "a command runs, with a range of ids of its own, and nothing is said" {
        try berth -D "$TREE" --resolv-conf=off id -u
        status_is 0
        output_is 0
        errors_is ""
        map_of -D "$TREE"
        [[ $output =~ ^0\ [1-9][0-9]+\ 65536$ ]]
}

@test "a command runs as systemd-nspawn would run it, and nothing is said" {
        try strict -D "$TREE" sh -c 'cat /proc/self/uid_map; echo $container'
        status_is 0
        output_matches '^ +0 +0 +4294967295$'
        line_is systemd-nspawn
}

@test "an OS boots, its units are well, and poweroff from inside ends with 0" {
        host_tree trixie
        limit=60
        on_terminal 'expect=login:' 'send=root\r' 'expect=# ' \
                'send=systemctl is-system-running --wait; systemctl --failed --no-legend --no-pager | sed s/^/FAILED:/; echo done-$((1+1))\r' \
                'expect=done-2' 'send=systemctl poweroff\r' -- "$BERTH" -q -b -D "$TREE"
        status_is 0
        plain_output
        output_matches '^running'
        never grep '^FAILED:' <<<"$output"
        rm -rf "$TREE"
}

@test "systemd-nspawn refuses a tree that berth runs, and may have it afterwards" {
        fresh_tree
        start_berth -q -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        try nspawn -M other -D "$TREE" true
        [ "$status" != 0 ]
        errors_has busy
        stop_berth
        try nspawn -M other -D "$TREE" true
        status_is 0
}

@test "berth refuses a tree that systemd-nspawn runs, and may have it afterwards" {
        start_nspawn -M other -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        try berth -q -D "$TREE" true
        refused "another container uses it"
        stop_berth
        try berth -q -D "$TREE" true
        status_is 0
}

@test "both use a tree read-only at the same time" {
        start_berth -q --read-only -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        try nspawn -M other --read-only -D "$TREE" echo beside
        status_is 0
        output_has beside
        stop_berth
}

# The ranges of two containers of the same name must not meet, whoever comes second.
@test "a range of ids that systemd-nspawn uses is not picked" {
        local theirs
        cp -a "$TREE" "$work/theirs"
        start_nspawn -U --private-users-ownership=map -M same -D "$work/theirs" sh -c 'cat /proc/self/uid_map; echo up; exec sleep 1000'
        await "$work/out" up
        theirs=$(awk 'NR == 1 { print $2 }' "$work/out")
        [ "$theirs" -gt 0 ]
        local nspawn=$launcher
        # Without a unit: newer ones call theirs as berth does.
        map_of --keep-unit --register=no --private-users=pick -M same -D "$TREE"
        stop_berth "$nspawn"
        [[ $output =~ ^0\ [1-9][0-9]+\ 65536$ ]]
        [ "$(cut -d' ' -f2 <<<"$output")" != "$theirs" ]
}

@test "systemd-nspawn does not pick a range of ids that berth uses" {
        local ours theirs
        cp -a "$TREE" "$work/theirs"
        start_berth -q --private-users=pick -M same -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        ours=$(awk '{ print $2 }' "/proc/$(leader_of "$launcher")/uid_map")
        [ "$ours" -gt 0 ]
        # In a unit of its own: the scope and the machine of that name are berth's.
        theirs=$(systemd-run -q --wait --pipe -p Delegate=yes -E SYSTEMD_LOG_LEVEL=err systemd-nspawn -q --keep-unit --register=no \
                --resolv-conf=off --timezone=off --link-journal=no -U --private-users-ownership=map -M same -D "$work/theirs" cat /proc/self/uid_map |
                awk '{ print $2 }')
        stop_berth
        [ "$theirs" -gt 0 ]
        [ "$theirs" != "$ours" ]
}
