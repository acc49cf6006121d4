#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The guard itself: each kind of thing that a test leaves behind, or takes away, makes that test fail.

load ../lib/common

# A test with this body, run by another bats.
caught() {
        local name=$1 body=$2
        printf 'load %s/test/lib/common\n@test "x" {\n%s\n}\n' "$top" "$body" >"$work/$name.bats"
        mkdir -p "$work/$name.tmp"
        # Interfaces are a table of all who share a network namespace.
        try env -u BATS_RUN_TMPDIR GUARD_SETTLE=300 TMPDIR="$work/$name.tmp" unshare -n bats --no-tempdir-cleanup --formatter tap "$work/$name.bats"
        [ "$status" != 0 ] || fail "$name was not noticed" "$(show)" || return 1
        output_has "$3"
}

@test "a clean test passes" {
        printf 'load %s/test/lib/common\n@test "x" { in_tree true; status_is 0; }\n' "$top" >"$work/clean.bats"
        mkdir "$work/clean.tmp"
        try env -u BATS_RUN_TMPDIR TMPDIR="$work/clean.tmp" bats --no-tempdir-cleanup --formatter tap "$work/clean.bats"
        status_is 0
        line_is "ok 1 x"
}

@test "a mount" {
        caught mount 'mkdir $work/m; mount -t tmpfs leaked $work/m' 'left behind: mount'
        never grep -q leaked /proc/self/mountinfo
}

@test "a mount that is gone" {
        mkdir "$work/here"
        mount -t tmpfs wanted "$work/here"
        caught unmount "umount $work/here" 'gone: mount' || { umount "$work/here"; false; }
}

@test "files in /tmp, /var/tmp, /dev/shm, /run" {
        local place
        for place in /tmp /var/tmp /dev/shm /run/berth /run/systemd/nspawn; do
                caught "file${place//\//-}" "touch $place/left-behind-by-a-test" 'left behind: file'
                rm -f "$place/left-behind-by-a-test"
        done
}

@test "a process, and one that became a daemon" {
        caught process "sleep 1000.$$ 3>&- &" 'left behind: process'
        caught daemon "(setsid sleep 1001.$$ 3>&- >/dev/null 2>&1 &); sleep 0.2" 'left behind: process'
        never pgrep -xf "sleep 100[01]\\.$$"
}

@test "a cgroup" {
        local point
        point=$(awk '{ for (i = 7; i < NF; i++) if ($i == "-" && $(i + 1) == "cgroup2") { print $5; exit } }' /proc/self/mountinfo)
        caught cgroup "mkdir $point/left-behind" 'left behind: cgroup'
        [ ! -e "$point/left-behind" ] || rmdir "$point/left-behind"
}

@test "a network interface" {
        caught interface 'ip link add berth-left type veth peer name berth-left2' 'left behind: interface'
}

@test "a change of the tree that all tests share" {
        touch -r "$trees/busybox/srv" "$work/stamp"
        caught tree 'echo x >$TREE/srv/left' 'left behind: tree'
        rm "$trees/busybox/srv/left"
        touch -r "$work/stamp" "$trees/busybox/srv"
}

@test "a kernel setting" {
        local before
        before=$(cat /proc/sys/kernel/domainname)
        caught kernel 'echo changed >/proc/sys/kernel/domainname' 'left behind: kernel'
        echo "$before" >/proc/sys/kernel/domainname
}

@test "what tests leave where launchers keep things, another run of them does not see" {
        local place
        for place in /tmp /var/tmp /dev/shm /run/berth /run/systemd/nspawn /run/systemd/nspawn-uid /run/machines /var/lib/machines; do
                touch "$place/mark"
                try "$helpers/isolate" --dirs -- find "$place" -name mark
                rm "$place/mark"
                status_is 0
                output_is ""
        done
}
