#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berthctl gc: what a killed supervisor left goes, and nothing else.

load ../lib/common

gone() {
        local try
        for try in {1..60}; do
                [ -e "/proc/$1" ] || return 0
                sleep 0.05
        done
        fail "process $1 is still there"
}

# Where the launcher makes cgroups: sets $cgroups.
find_cgroups() {
        local own
        cgroups=$(awk '{ for (i = 7; i < NF; i++) if ($i == "-" && $(i + 1) == "cgroup2") { print $5; exit } }' /proc/self/mountinfo)
        own=$(sed -n 's/^0:://p' /proc/self/cgroup)
        cgroups=$cgroups${own%/}
}

sleeper() {
        start_berth -q -M "$1" "${@:2}" -D "$TREE" sh -c 'echo ready; exec sleep 1000'
        await "$work/out" ready
}

kill_launcher() {
        kill -KILL "$launcher"
        wait "$launcher" 2>/dev/null || true
        # The payload dies with it, and its cgroup counts as empty a moment later.
        local try
        for try in {1..100}; do
                grep -qs 'populated 1' "$cgroups/berth-$1/cgroup.events" || break
                sleep 0.02
        done
}

@test "gc: nothing is left over" {
        try ctl gc
        status_is 0
        output_is "nothing is left over"
        try ctl gc --dry-run
        output_is "nothing is left over"
}

@test "gc: record, cgroup and locks of a killed supervisor" {
        find_cgroups
        sleeper gone
        kill_launcher gone
        [ -e /run/berth/gone/record ]
        [ -d "$cgroups/berth-gone" ]
        try ctl gc -n
        status_is 0
        line_is "would remove the record of gone"
        line_is "would remove the cgroup $cgroups/berth-gone"
        output_matches '^would remove the lock /run/systemd/nspawn/locks/inode-'
        output_matches '^would remove the lock /run/systemd/nspawn-uid/[0-9]+$'
        [ -e /run/berth/gone/record ]
        [ -d "$cgroups/berth-gone" ]
        try ctl gc
        status_is 0
        line_is "removed the record of gone"
        line_is "removed the cgroup $cgroups/berth-gone"
        output_matches '^removed the lock /run/systemd/nspawn/locks/inode-'
        [ ! -e /run/berth/gone ]
        [ ! -e "$cgroups/berth-gone" ]
        try ctl gc
        output_is "nothing is left over"
}

@test "gc: running containers are left alone" {
        sleeper here
        sleep 5.1
        try ctl gc
        status_is 0
        output_is "nothing is left over"
        try ctl list --no-legend
        output_matches '^here +running '
        stop_berth
        [ ! -e /run/berth/here ]
}

@test "gc: what runs in a dead container's cgroup is killed" {
        find_cgroups
        sleeper rest
        kill_launcher rest
        sleep 1000 &
        local left=$!
        echo "$left" >"$cgroups/berth-rest/cgroup.procs"
        try ctl gc --dry-run
        line_is "would kill the processes in $cgroups/berth-rest"
        [ -d "/proc/$left" ]
        try ctl gc
        status_is 0
        line_is "killed the processes in $cgroups/berth-rest"
        line_is "removed the cgroup $cgroups/berth-rest"
        status=0
        wait "$left" || status=$?
        status_is 137
}

# A payload that does not die with its supervisor: by its own will, or since the kernel takes that from what is set-user-ID.
outlive() {
        start_berth -q -M wild "$@"
        await "$work/out" 'then 0'
        # Those of the container, before they have another process above them.
        left=$(leader_of "$launcher")
        kill_launcher wild
        [ -d "/proc/$left" ]
        try ctl list --all --no-legend
        output_matches '^wild +dead '
        try ctl stop wild
        status_is 1
        errors_has "still run"
}

own_will() {
        outlive "$@" -D "$TREE" /bin/inside outlive x
        line_of "$work/out" 'with the launcher comes 9, then 0'
}

set_user_id() {
        outlive "$@" -u guest -D "$TREE" /bin/inside-suid outlive
        line_of "$work/out" 'with the launcher comes 0, then 0'
}

line_of() {
        grep -qx "$2" "$1" || fail "no line $2" "$(<"$1")"
}

@test "gc: a container that has taken back that it dies with its supervisor" {
        local left how
        fresh_tree
        install -m 4755 "$TREE/bin/inside" "$TREE/bin/inside-suid"
        for how in own_will set_user_id; do
                $how
                try ctl gc --dry-run
                line_is "would remove the record of wild"
                [ -d "/proc/$left" ]
                try ctl gc
                status_is 0
                line_is "removed the record of wild"
                gone "$left"
                [ ! -e /run/berth/wild ]
                try ctl gc
                output_is "nothing is left over"
                # Or the next start of that name ends it.
                $how
                try berth -q -M wild -D "$TREE" echo again
                output_is again
                gone "$left"
        done
}

@test "gc: the same without a cgroup of its own" {
        local left how
        fresh_tree
        install -m 4755 "$TREE/bin/inside" "$TREE/bin/inside-suid"
        for how in own_will set_user_id; do
                $how
                # As where berth may not make one.
                sed -i 's/"cgroup":"[^"]*"/"cgroup":null/' /run/berth/wild/record
                try ctl gc --dry-run
                line_is "would kill the processes of wild"
                [ -d "/proc/$left" ]
                try ctl gc
                status_is 0
                line_is "killed the processes of wild"
                line_is "removed the record of wild"
                gone "$left"
                try berth -q -M wild -D "$TREE" echo again
                output_is again
        done
}

@test "SIGKILL to the launcher: with --as-pid2 no payload outlives it" {
        local left all pid
        fresh_tree
        start_berth -q -a -D "$TREE" /bin/inside outlive x
        await "$work/out" 'then 0'
        all=$(descendants "$launcher")
        kill -KILL "$launcher"
        wait "$launcher" 2>/dev/null || true
        for pid in $all; do gone "$pid"; done
        try ctl gc
        status_is 0
}

@test "gc: a dead record that lies about its cgroup kills nobody" {
        find_cgroups
        local victim path
        sleep 1000 &
        victim=$!
        mkdir "$cgroups/other" "$cgroups/berth-locked" "$cgroups/other/berth-lie"
        echo "$victim" >"$cgroups/other/cgroup.procs"
        mkdir -p /run/berth/lie
        for path in "$cgroups/other" "$cgroups" / /tmp "$cgroups/other/berth-lie/.." "$cgroups/berth-locked"; do
                printf '{"machine":"lie","leader":%d,"leaderStart":%s,"supervisor":1,"cgroup":"%s"}\n' "$victim" \
                        "$(awk '{ sub(/^.*\) /, ""); print $20 }' "/proc/$victim/stat")" "$path" >/run/berth/lie/record
                try ctl gc
                status_is 0
                line_is "removed the record of lie"
                output_lacks kill
                output_lacks cgroup
                [ -d "/proc/$victim" ]
                [ -d "$cgroups/other" ]
                mkdir -p /run/berth/lie
        done
        # Without a cgroup it is only said.
        printf '{"machine":"lie","leader":%d,"leaderStart":%s,"supervisor":1,"cgroup":null}\n' "$victim" \
                "$(awk '{ sub(/^.*\) /, ""); print $20 }' "/proc/$victim/stat")" >/run/berth/lie/record
        try ctl gc
        status_is 1
        errors_has "process $victim of its last run is still there"
        [ -d "/proc/$victim" ]
        kill "$victim"
        wait "$victim" 2>/dev/null || true
        try ctl gc
        rmdir "$cgroups/other/berth-lie" "$cgroups/berth-locked" "$cgroups/other"
        [ ! -e /run/berth/lie ]
}

@test "gc: empty cgroups of ours, directories without a record, what else lies there" {
        find_cgroups
        mkdir "$cgroups/berth-old" "$cgroups/berth-new" "$cgroups/berth-used" "$cgroups/mine"
        sleep 1000 &
        local user=$!
        echo "$user" >"$cgroups/berth-used/cgroup.procs"
        touch -d '1 minute ago' "$cgroups/berth-old" "$cgroups/berth-used" "$cgroups/mine"
        mkdir -p /run/berth/empty /run/berth/full
        : >/run/berth/full/console.log
        # What is only told of stays, the empty directory too.
        try ctl gc -n
        status_is 0
        line_is "would remove the cgroup $cgroups/berth-old"
        line_is "would remove /run/berth/empty"
        line_is "would remove /run/berth/full"
        [ -d "$cgroups/berth-old" ]
        [ -d /run/berth/empty ]
        [ -e /run/berth/full/console.log ]
        [ ! -e /run/berth/full/record ]
        try ctl gc
        status_is 0
        line_is "removed the cgroup $cgroups/berth-old"
        line_is "removed /run/berth/empty"
        line_is "removed /run/berth/full"
        output_lacks berth-new
        output_lacks berth-used
        output_lacks mine
        [ ! -e "$cgroups/berth-old" ]
        [ ! -e /run/berth/empty ]
        [ ! -e /run/berth/full ]
        [ -d "$cgroups/berth-new" ]
        [ -d "$cgroups/berth-used" ]
        [ -d "$cgroups/mine" ]
        kill "$user"
        wait "$user" 2>/dev/null || true
        rmdir "$cgroups/berth-new" "$cgroups/mine"
        local try
        for try in {1..50}; do rmdir "$cgroups/berth-used" 2>/dev/null && break; sleep 0.02; done
        [ ! -e "$cgroups/berth-used" ]
}

@test "gc: a directory that is not removed is not said to be" {
        mkdir -p /run/berth/early
        printf /somewhere/else >/run/berth/early/copy
        try ctl gc
        status_is 1
        errors_has '/somewhere/else is no copy of berth'
        output_lacks "removed /run/berth/early"
        [ -e /run/berth/early/copy ]
        rm -r /run/berth/early
}

@test "gc: locks that somebody holds stay" {
        mkdir -p /run/systemd/nspawn/locks
        : >/run/systemd/nspawn/locks/inode-1:1
        : >/run/systemd/nspawn/locks/other
        python3 -c '
import fcntl, struct, sys, time
f = open("/run/systemd/nspawn/locks/inode-2:2", "w+")
fcntl.fcntl(f, 37, struct.pack("hhqqi4x", fcntl.F_RDLCK, 0, 0, 0, 0))
print("held", flush=True)
time.sleep(1000)' >"$work/held" &
        local holder=$!
        await "$work/held" held
        try ctl gc
        status_is 0
        output_is "removed the lock /run/systemd/nspawn/locks/inode-1:1"
        [ -e /run/systemd/nspawn/locks/inode-2:2 ]
        [ -e /run/systemd/nspawn/locks/other ]
        kill "$holder"
        wait "$holder" 2>/dev/null || true
        try ctl gc
        output_is "removed the lock /run/systemd/nspawn/locks/inode-2:2"
        rm /run/systemd/nspawn/locks/other
}

# --- berth --cleanup: the same for one name ---

@test "cleanup: what a killed run of the name left, and of no other" {
        find_cgroups
        sleeper gone
        kill_launcher gone
        fresh_tree
        sleeper other
        kill_launcher other
        # A name that is in use, and one that nobody knows.
        fresh_tree busybox third
        sleeper third
        for name in third nobody; do
                try berth -q --cleanup -M $name
                status_is 0
                output_is ""
        done
        kill -0 "$launcher"
        [ -e /run/berth/third/record ]
        [ -e /run/berth/gone/record ]
        try berth --cleanup -M gone
        status_is 0
        line_is "removed the record of gone"
        line_is "removed the cgroup $cgroups/berth-gone"
        [ ! -e /run/berth/gone ]
        [ ! -d "$cgroups/berth-gone" ]
        [ -e /run/berth/other/record ]
        stop_berth
        # The tree's name, whether it is still there or not.
        rm -rf "$work/tree"
        mkdir "$work/other"
        try berth -q --cleanup -D "$work/other/"
        status_is 0
        output_is ""
        [ ! -e /run/berth/other ]
        try berth -q --cleanup -i "$work/missing.raw"
        status_is 0
        try berth --cleanup -M gone
        status_is 0
        output_is ""
}

@test "cleanup: a start that was killed before its record was written, and what it noted" {
        mkdir -p /run/berth/early /var/lib
        printf /somewhere/else >/run/berth/early/copy
        try berth -q --cleanup -M early
        status_is 1
        errors_has '/somewhere/else is no copy of berth'
        rm /run/berth/early/copy
        try berth -q --cleanup -M early
        status_is 0
        [ ! -e /run/berth/early ]
}

@test "cleanup: needs a name, and not a copy's" {
        try berth --cleanup
        refused "--cleanup does not say of which container"
        try berth --cleanup -x -D "$TREE"
        refused "--cleanup does not go with --ephemeral"
        make_open_place "$BERTH"
        as_nobody "$open_place/berth" --cleanup -M x
        refused "need to be root"
}
