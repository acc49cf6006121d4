#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The host's own /dev, /proc, /run and /sys in place of the container's.

load ../lib/common

opts=(--read-only)

# The same with the notes for the user.
loud() {
        try berth "${opts[@]}" -D "$TREE" "$@"
}

# each_users FUNCTION: with user ids of the container's own, and without.
each_users() {
        local users
        for users in pick no; do
                "$1" "$users"
        done
}

see_dev() {
        loud --private-users="$1" --bind=/dev sh -c 'stat -f -c %T /dev; echo x >/dev/null && echo written
                stat -c %t:%T /dev/loop-control; stat -f -c %T /dev/pts; ls /dev/pts'
        status_is 0
        output_is $'tmpfs\nwritten\na:ed\ndevpts\nptmx'
        errors_has "/dev is the host's, but for terminals"
}

@test "--bind=/dev: the host's nodes, and terminals of the container's own" {
        each_users see_dev
        in_tree --bind=/dev --bind-ro=/dev/null:/dev/zero sh -c 'head -c 1 /dev/zero | wc -c'
        output_is 0
}

open_dev() {
        in_tree --private-users="$1" --bind=/dev sh -c '
                for d in /dev/kmsg /dev/mem /dev/loop0 /dev/loop-control /dev/vda /dev/sda; do
                        [ ! -e "$d" ] || (: <"$d") 2>/dev/null && [ -e "$d" ] && echo "opened $d"
                done; echo end'
        status_is 0
        output_is end
}

@test "--bind=/dev opens no device that was closed" {
        each_users open_dev
}

console_of() {
        on_terminal -- "$BERTH" -q -D "$TREE" "${opts[@]}" --private-users="$1" --bind=/dev \
                sh -c 'tty; echo via-console >/dev/console; echo via-tty >/dev/tty'
        status_is 0
        output=$(tr -d '\r' <<<"$output")
        output_matches '^/dev/(pts/0|console)$'
        line_is via-console
        line_is via-tty
}

see_proc() {
        sleep 1000 &
        local mark=$!
        loud --private-users="$1" --bind=/proc sh -c "cat /proc/$mark/comm; cat /proc/self/comm; echo \$\$; stat -f -c %T /proc"
        kill "$mark"
        wait "$mark" || true
        status_is 0
        output_is $'sleep\ncat\n1\nproc'
        errors_has "/proc is the host's"
}

@test "--bind=/proc: the host's processes are seen; the payload is process 1 all the same" {
        each_users see_proc
        # What is verified at the end, and by exec, is read from it.
        in_tree -a --bind=/proc sh -c 'echo $$'
        output_is 2
        in_tree --bind-ro=/proc sh -c 'echo 1 >/proc/self/oom_score_adj'
        errors_has "Read-only file system"
        start_berth -q -D "$TREE" "${opts[@]}" -M seen --bind=/proc sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        try ctl exec seen sh -c 'id -u; stat -f -c %T /proc'
        stop_berth
        status_is 0
        output_is $'0\nproc'
}

@test "--bind=/proc with user ids of its own gives no rights over the host" {
        in_tree --bind=/proc sh -c '
                for f in /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/1/oom_score_adj; do
                        (: >"$f") 2>/dev/null && echo "opened $f"
                done; ls /proc/1/root/ 2>/dev/null; readlink /proc/1/cwd; echo end'
        output_is end
}

see_sys() {
        loud --private-users="$1" --bind=/sys sh -c 'stat -f -c %T /sys; ls /sys/fs/cgroup/cgroup.procs; ls -d /sys/kernel/notes; wc -c </sys/kernel/notes'
        status_is 0
        line_is sysfs
        line_is /sys/fs/cgroup/cgroup.procs
        line_is "$(wc -c </sys/kernel/notes)"
        errors_has "/sys is the host's"
}

@test "--bind=/sys: nothing is covered but control groups" {
        each_users see_sys
        in_tree --bind=/sys sh -c '(: >/sys/kernel/uevent_seqnum || : >/sys/power/state || : >/sys/kernel/mm/ksm/run) 2>/dev/null && echo opened; echo end'
        output_is end
}

see_run() {
        loud --private-users="$1" --bind=/run sh -c 'ls -d /run/berth; [ -e /run/host/notify ] || echo covered'
        status_is 0
        output_is $'/run/berth\ncovered'
        errors_has "/run is the host's"
        # Its own way to end is not in there.
        start_berth -q -D "$TREE" "${opts[@]}" -M seen --private-users="$1" --bind=/run sh -c 'trap "exit 7" TERM; echo up; while :; do sleep 0.1; done'
        await "$work/out" up
        kill -TERM "$launcher"
        await_end
}

@test "--bind=/run: the host's sockets, and no /run/host" {
        local before
        before=$(ls -A /run)
        each_users see_run
        [ "$(ls -A /run)" = "$before" ]
        in_tree --bind=/run --set-credential=a:b true
        refused "--bind=/run does not go with a credential"
        in_tree --bind=/run --bind=/dev/null:/run/host/x true
        refused "--bind=/run does not go with a mount below /run/host"
        try berth -q -D "$TREE" --private-users=no -b --bind=/run
        refused "--bind=/run does not go with --boot"
}

@test "--bind=/dev: the console and its terminal are the container's" {
        each_users console_of
}

@test "all of them, by the other name, as builders call it" {
        opts=(--register=no --keep-unit -a --console=pipe --bind /dev --bind /proc --capability CAP_SYS_ADMIN --chdir=/srv
                --resolv-conf=off --timezone=off)
        strict_in_tree sh -c 'echo hi; pwd; [ -e /dev/loop-control ] && cat /proc/1/comm'
        status_is 0
        line_is hi
        line_is /srv
        line_is "$(cat /proc/1/comm)"
        opts=(--register=no --keep-unit --resolv-conf=off --timezone=off --bind=/dev --bind=/proc --bind=/sys --bind=/tmp --bind=/run --bind=/home)
        strict_in_tree echo hi
        status_is 0
        line_is hi
}

@test "nothing but the host's own goes there" {
        mkdir -p "$work/proc/self/fd"
        local bind
        for bind in --bind="$work/proc:/proc" --bind=/sys:/proc --bind=+/dev --bind=/proc/1:/proc --tmpfs=/run --bind=:/dev --bind=/dev/pts \
                --bind-ro=/run/host --overlay="$work:/dev" --inaccessible=/sys; do
                in_tree "$bind" true
                refused "is what the container itself is made of" || fail "$bind"
        done
}
