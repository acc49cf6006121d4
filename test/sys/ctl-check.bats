#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berthctl check: what the host offers. That it leaves nothing behind is the guard's word.

load ../lib/common

@test "check: a host where the tests run can start containers" {
        try ctl check
        status_is 0
        errors_is ""
        line_is "berth can start containers here."
        output_matches '^  root +yes +user 0$'
        output_matches '^  user +yes'
        output_matches "^  release +(yes|part) +$(uname -r | sed 's/[.+]/\\&/g')\$"
        never grep -q ' $' "$work/.stdout"
}

@test "check: --no-legend leaves the lines of what was looked at" {
        try ctl check --no-legend
        status_is 0
        output_matches '^  root +yes +user 0$'
        output_lacks 'berth can start'
        never grep -q '^[^ ]' "$work/.stdout"
        never grep -qx '' "$work/.stdout"
}

@test "check: as JSON" {
        try ctl check --json
        status_is 0
        [ "$(jq -r '[.[] | select(.needed and .state == "no")] | length' <<<"$output")" = 0 ] || fail "$output"
        [ "$(jq -r '.[] | select(.name == "root") | .state, .detail, .needed, .without' <<<"$output" | tr '\n' ' ')" = \
                "yes user 0 true null " ] || fail "$output"
        [ "$(jq -r '[.[] | select(.state == "yes" and .help != null)] | length' <<<"$output")" = 0 ] || fail "$output"
        [ "$(jq -r '[.[] | .group] | unique | length' <<<"$output")" -ge 8 ] || fail "$output"
}

@test "check: without root it says so, and the status is 1" {
        chmod 0755 "$work"
        cp "$BERTHCTL" "$work/berthctl"
        try setpriv --reuid=65534 --regid=65534 --clear-groups "$work/berthctl" check
        status_is 1
        output_matches '^  root +no +user 65534$'
        output_matches '^berth cannot start containers here: root'
}

@test "check: without CAP_SYS_ADMIN" {
        try setpriv --bounding-set=-sys_admin,-mknod "$BERTHCTL" check
        status_is 1
        output_matches '^  CAP_SYS_ADMIN +no'
        output_matches '^  capabilities +part +missing: .*cap_sys_admin.* cap_mknod'
        output_matches '^  device nodes +no'
        output_matches '^berth cannot start containers here: CAP_SYS_ADMIN, mount, PID, UTS, IPC, cgroup$'
}

@test "check: limits of namespaces" {
        try unshare -Ur sh -c "echo 0 >/proc/sys/user/max_net_namespaces; echo 0 >/proc/sys/user/max_user_namespaces; exec '$BERTHCTL' check"
        output_matches '^  network +no +No space left on device \(at most 0\)$'
        output_matches '^  user +no +No space left on device \(at most 0\)$'
        output_matches '^ +root inside is root outside$'
        output_matches '^ +-> see user.max_user_namespaces'
}

@test "check: in a user namespace" {
        try unshare -Ur "$BERTHCTL" check
        output_matches '^  user +part +only from the first one'
}

@test "check: a proc that is covered in parts" {
        try unshare -m sh -c "mount -t tmpfs none /proc/scsi 2>/dev/null || mount -t tmpfs none /proc/sys; exec '$BERTHCTL' check"
        output_matches '^  fresh proc +part +not in a user namespace'
}

@test "check: no cgroup2 that can be written to" {
        local point
        point=$(awk '{ for (i = 7; i < NF; i++) if ($i == "-" && $(i + 1) == "cgroup2") { print $5; exit } }' /proc/self/mountinfo)
        try unshare -m sh -c "mount -o remount,bind,ro '$point'; exec '$BERTHCTL' check"
        status_is 0
        output_matches '^  own cgroup +no +.*Read-only file system'
        output_matches "^ +containers stay in their caller's cgroup"
}

@test "check: records that are not root's alone" {
        mkdir -p /run/berth
        chmod 0777 /run/berth
        try ctl check
        chmod 0700 /run/berth
        status_is 1
        output_matches '^  records +no +/run/berth belongs to user 0 with mode 0777$'
        output_matches '^berth cannot start containers here: records$'
}
