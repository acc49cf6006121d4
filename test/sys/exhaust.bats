#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A payload that takes all it can get: the host, and its root, have what they need meanwhile and afterwards.

load ../lib/common

# What the host's root can still have: "KIND N OUTCOME".
host_has() {
        local got
        got=$("$helpers/inside" exhaust "$1" "$2")
        [ "$got" = "$1 $2 ok" ] || fail "the host has: $got" || return 1
}

# taken KIND MAX: with $opts, what the payload got, while it holds that; $n of them.
taken() {
        start_berth -q "${opts[@]}" -D "$TREE" "${inside[@]}" exhaust "$1" "$2" hold
        limit=60 await "$work/out" "$1 " || return 1
        read -r _ n outcome <"$work/out"
}

inside=(/bin/inside)

# Limits that the kernel has for each user count what the container's root does for the container, and not for the host's
# root, who made it (user_namespaces(7)).
@test "inotify instances, watches, message queues, signals: none of them is missing to the host's root" {
        local kind max want mode
        for mode in '' -a; do
                while read -r kind max want; do
                        # shellcheck disable=SC2206 # words
                        opts=($mode --rlimit=MSGQUEUE=819200 --rlimit=SIGPENDING=20000)
                        taken "$kind" "$max"
                        [ "$outcome" = "$want" ] || fail "$kind: $n $outcome"
                        [ "$n" -gt 20 ] || fail "$kind: only $n"
                        # As low as the container's share is, and lower.
                        (ulimit -i 20000 && ulimit -q 819200 && host_has "$kind" 20)
                        stop_berth
                        host_has "$kind" 20
                done <<'END'
inotify 100000 EMFILE
queues 100000 EMFILE
signals 100000 EAGAIN
END
        done
        # As many as one user may have: too many to take all of them.
        taken watches 20000
        [ "$n" = 20000 ]
        host_has watches 50
        stop_berth
}

@test "one container does not take them from another" {
        opts=(-M first)
        taken inotify 100000
        [ "$outcome" = EMFILE ]
        opts=(-M second -x)
        in_tree /bin/inside exhaust inotify 20
        stop_berth
        output_is "inotify 20 ok"
}

# For a moment it acts as another user: no longer.
@test "the launcher is who it was, with all its rights, when the container runs" {
        local before
        before=$(grep -E '^(Uid|Gid|CapPrm|CapEff):' /proc/self/status)
        start_berth -q -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        [ "$(grep -E '^(Uid|Gid|CapPrm|CapEff):' "/proc/$launcher/status")" = "$before" ]
        # NS_GET_OWNER_UID (ioctl_nsfs(2)) of what the container's is in.
        /usr/bin/python3 - "$(leader_of "$launcher")" >"$work/owners" <<'END'
import fcntl, os, struct, sys
ns = os.open(f'/proc/{sys.argv[1]}/ns/user', os.O_RDONLY)
above = fcntl.ioctl(ns, 0xb702)
for fd in ns, above:
    print(struct.unpack('I', fcntl.ioctl(fd, 0xb704, struct.pack('I', 0)))[0])
END
        local base
        base=$(awk '{ print $2 }' "/proc/$(leader_of "$launcher")/uid_map")
        stop_berth
        [ "$(<"$work/owners")" = "$base"$'\n'"$base" ]
        [ "$base" -gt 0 ]
}

@test "with the host's user ids they are the host's, and a user namespace of the host's ids is no other" {
        local mode
        for mode in no identity; do
                opts=("--private-users=$mode")
                taken inotify 100000
                [ "$outcome" = EMFILE ]
                [ "$("$helpers/inside" exhaust inotify 20 | awk '{ print $3 }')" = EMFILE ]
                stop_berth
                host_has inotify 20
        done
}

# Their quota is the user's (keyrings(7)): the calls are there only with --nesting.
@test "keys: the quota is the container's own" {
        opts=(--nesting)
        taken keys 100000
        [ "$outcome" = EDQUOT ] || fail "$outcome"
        local name=exhaust-$$
        # The default for root is higher, and what it has is not touched.
        [ "$(awk '$1 == "0:" { print $4 }' /proc/key-users | cut -d/ -f1)" -lt 100 ]
        host_has keys 20
        stop_berth
        opts=()
        in_tree /bin/inside exhaust keys 1
        output_is "keys 0 ENOSYS"
}

@test "pseudo terminals: a quarter of what there is, and the host has more" {
        opts=()
        taken ptys 100000
        [ "$outcome" = ENOSPC ] || fail "$n $outcome"
        [ "$n" -le 1024 ]
        host_has ptys 20
        stop_berth
        # A console is one of them.
        on_terminal 'expect=ptys' -- "$BERTH" -q -D "$TREE" /bin/inside exhaust ptys 100000
        [ "$(sed -n 's/.*ptys \([0-9]*\) ENOSPC.*/\1/p' <<<"$output")" -le 1023 ]
}

@test "memory: each tmpfs has an end" {
        local before after
        opts=(--tmpfs=/dev/shm:size=16m)
        before=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
        taken shm 100000
        [ "$outcome" = ENOSPC ]
        [ "$n" -le 16 ]
        stop_berth
        # What is in the container's memory goes with it.
        opts=()
        for _ in {1..100}; do
                after=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
                [ $((before - after)) -gt 100000 ] || break
                sleep 0.1
        done
        [ $((before - after)) -le 100000 ]
}

@test "open files: of the container, and nobody else's" {
        opts=(--rlimit=NOFILE=5000)
        taken files 100000
        [ "$outcome" = EMFILE ]
        [ "$n" -lt 5000 ]
        host_has files 20
        stop_berth
}

# How many processes the container of this name has, as its own proc shows them.
count_inside() {
        local all
        all=("/proc/$(sed -n 's/.*"leader":\([0-9]*\).*/\1/p' "/run/berth/$1/record")/root/proc/"[0-9]*)
        echo ${#all[@]}
}

# A limit of the user inside holds for root inside too: it is not the host's.
@test "processes: a fork bomb ends where the limit is, root's too, and all of it goes" {
        local mode n
        for mode in '' -a '-u guest'; do
                # shellcheck disable=SC2206 # words
                opts=($mode --rlimit=NPROC=200 -M bomb)
                taken processes 100000
                [ "$outcome" = EAGAIN ] || fail "$n $outcome"
                [ "$n" -lt 200 ]
                [ "$n" -gt 150 ]
                host_has processes 50
                [ "$(count_inside bomb)" -gt 150 ]
                stop_berth
        done
        # A real one, which grows from all its ends, and replaces what is killed of it.
        opts=(--rlimit=NPROC=200 -M bomb)
        start_berth -q "${opts[@]}" -D "$TREE" /bin/inside bomb
        await "$work/out" up
        for _ in {1..100}; do [ "$(count_inside bomb)" -lt 200 ] || break; sleep 0.05; done
        host_has processes 50
        n=$(count_inside bomb)
        [ "$n" -gt 150 ]
        [ "$n" -le 200 ]
        try ctl stop --kill bomb
        status_is 0
        await_end
        [ ! -e /run/berth/bomb ]
}
