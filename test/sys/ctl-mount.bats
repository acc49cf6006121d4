#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berthctl mount, umount: the host's directories in a running container.

load ../lib/common

start_box() {
        fresh_tree
        chown -R 0:0 "$TREE"
        start_berth -q -M box "${opts[@]}" -D "$TREE" sh -c 'echo ready; exec sleep 1000'
        await "$work/out" ready
        mkdir "$work/host"
        echo there >"$work/host/file"
        chown 1000:1000 "$work/host/file"
}

inside() {
        ctl exec box "$@" </dev/null
}

@test "mount: a directory, with its owners mapped, and away again" {
        start_box
        mkdir "$TREE/point"
        try ctl mount box "$work/host" /point
        status_is 0
        output_is ""
        errors_is ""
        try inside cat /point/file
        output_is there
        try inside stat -c %u:%g /point/file
        output_is 1000:1000
        try inside sh -c 'echo new >/point/new'
        status_is 0
        [ "$(stat -c %u:%g "$work/host/new")" = 0:0 ]
        [ -z "$(ls -A "$TREE/point")" ]
        try ctl umount box /point
        status_is 0
        try inside ls /point
        output_is ""
        stop_berth
}

@test "mount: without a user namespace" {
        opts=(--private-users=no)
        start_box
        mkdir "$TREE/point"
        try ctl mount box "$work/host" /point
        status_is 0
        try inside stat -c %u:%g /point/file
        output_is 1000:1000
        try ctl umount box /point
        status_is 0
        stop_berth
}

@test "mount --read-only: root inside cannot take it back, nor nodev" {
        start_box
        mkdir "$TREE/point"
        try ctl mount -r box "$work/host" /point
        status_is 0
        try inside sh -c 'echo x >/point/x'
        never test "$status" = 0
        [ ! -e "$work/host/x" ]
        try inside mount -o remount,bind,rw /point
        never test "$status" = 0
        try inside mount -o remount,bind,ro,dev /point
        never test "$status" = 0
        try inside sh -c 'mkdir /tmp/other && mount --bind /point /tmp/other && mount -o remount,bind,rw /tmp/other'
        never test "$status" = 0
        try inside sh -c 'echo x >/tmp/other/x'
        never test "$status" = 0
        [ ! -e "$work/host/x" ]
        stop_berth
}

@test "mount: a file, and what is mounted below" {
        start_box
        mkdir "$TREE/point" "$work/host/sub"
        : >"$TREE/root/file"
        try ctl mount box "$work/host/file" /root/file
        status_is 0
        try inside cat /root/file
        output_is there
        mount -t tmpfs none "$work/host/sub"
        echo deep >"$work/host/sub/deep"
        try ctl mount box "$work/host" /point
        status_is 0
        try inside cat /point/sub/deep
        output_is deep
        umount -l "$work/host/sub"
        try ctl umount --lazy box /point
        status_is 0
        try ctl umount box /root/file
        status_is 0
        stop_berth
}

@test "mount --mkdir: what is missing is made, and belongs to root inside" {
        start_box
        try ctl mount --mkdir box "$work/host" /srv/a/b
        status_is 0
        try inside cat /srv/a/b/file
        output_is there
        try inside stat -c %u:%g /srv /srv/a
        output_is "0:0
0:0"
        [ "$(stat -c %u:%g "$TREE/srv/a")" = 0:0 ]
        try ctl mount --mkdir --read-only box "$work/host/file" /srv/c/d
        status_is 0
        try inside cat /srv/c/d
        output_is there
        try ctl mount --mkdir box "$work/host" /tmp/e
        status_is 0
        try inside cat /tmp/e/file
        output_is there
        # As a shell completes a directory that is there, and people write one that is not.
        try ctl mount --mkdir box "$work/host" /srv/f/
        status_is 0
        try inside cat /srv/f/file
        output_is there
        try ctl mount box "$work/host" /srv/a/
        status_is 0
        try inside cat /srv/a/file
        output_is there
        stop_berth
}

@test "mount --no-map: owners are nobody inside" {
        start_box
        mkdir "$TREE/point"
        try ctl mount --no-map box "$work/host" /point
        status_is 0
        try inside stat -c %u:%g /point/file
        output_is 65534:65534
        stop_berth
}

@test "mount: links of the container lead nowhere else" {
        start_box
        local before
        mkdir "$work/victim" "$work/victim/sub"
        ln -s "$work/victim" "$TREE/root/link"
        ln -s /proc/1/root "$TREE/root/magic"
        before=$(cut -d' ' -f3- /proc/self/mountinfo)
        try ctl mount box "$work/host" /root/link
        refused "cannot open"
        try ctl mount box "$work/host" /root/link/sub
        refused "cannot open"
        try ctl mount box "$work/host" /root/magic/tmp
        refused "cannot open"
        try ctl mount --mkdir box "$work/host" /root/link/made
        # What the link means inside is made inside.
        [ ! -e "$work/victim/made" ]
        [ "$(cut -d' ' -f3- /proc/self/mountinfo)" = "$before" ]
        [ -z "$(ls -A "$work/victim/sub")" ]
        stop_berth
}

@test "mount: refusals" {
        start_box
        mkdir "$TREE/point" "$TREE/root/foreign"
        chown 100000:100000 "$TREE/root/foreign"
        local bad
        for bad in point / /point/../etc /./point '' //point; do
                try ctl mount box "$work/host" "$bad"
                refused "cannot be a mount point" || fail "$bad"
        done
        try ctl mount box "$work/nosuch" /point
        refused "cannot open $work/nosuch"
        try ctl mount box "$work/host" /nosuch
        refused "--mkdir makes it"
        try ctl mount box "$work/host/file" /point
        refused "one is a directory"
        try ctl mount box "$work/host" /etc/passwd
        refused "one is a directory"
        try ctl mount --mkdir box "$work/host" /root/foreign/x
        refused "belongs to nobody in box"
        try ctl mount nosuch "$work/host" /point
        refused "there is no container named nosuch"
        try ctl mount box "$work/host"
        refused "needs more words"
        try ctl umount box /point
        refused "is no mount point"
        try ctl umount box /
        refused "cannot be a mount point"
        try ctl umount box /nosuch/x
        refused "cannot open"
        try ctl mount box "$work/host" /point
        status_is 0
        ctl exec box sh -c 'cd /point; echo ready >/tmp/ready; exec sleep 1000' </dev/null &
        local user=$! try
        for try in {1..100}; do inside test -e /tmp/ready && break; sleep 0.05; done
        try ctl umount box /point
        refused "--lazy"
        try ctl umount -l box /point
        status_is 0
        stop_berth
        wait "$user" || true
}

@test "umount: what the container itself is made of stays" {
        start_box
        local point
        for point in /proc /sys /dev /proc/sys; do
                try ctl umount box $point
                refused || fail "$point"
        done
        stop_berth
}
