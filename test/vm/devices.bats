#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Root inside is root outside and may make nodes: the program on the container's cgroup says which of them, and nothing else
# is in the way here.

load ../lib/common
load ../host/common

# "NAME TYPE MAJOR MINOR" lines: makes each node in /dev and opens it. Prints "NAME made", "NAME open", or why not.
probe_nodes() {
        cat <<'END'
while read -r name type major minor; do
        mknod /dev/probe $type $major $minor 2>/dev/null && echo "$name made" || echo "$name not made"
        { true </dev/probe; } 2>/dev/null && echo "$name open" || echo "$name not open"
        rm -f /dev/probe
done
END
}

nodes() {
        printf '%s\n' 'null c 1 3' 'zero c 1 5' 'full c 1 7' 'random c 1 8' 'urandom c 1 9' 'tun c 10 200' 'fuse c 10 229' \
                'mem c 1 1' 'port c 1 4' 'kmsg c 1 11' 'tty0 c 4 0' 'ttyS0 c 4 64' 'rtc c 252 0' 'loop-control c 10 237' \
                'autofs c 10 235' 'nvme b 259 0' 'loop0 b 7 0'
}

try_nodes() {
        nodes >"$work/nodes"
        try timeout 60 "$BERTH" -q --private-users=no "$@" -D "$TREE" sh -c "$(probe_nodes)" <"$work/nodes"
        status_is 0
}

@test "on the host itself these nodes can be made and opened" {
        local name type major minor opened=0
        mkdir "$work/dev"
        while read -r name type major minor; do
                mknod "$work/dev/$name" "$type" "$major" "$minor"
                { true <"$work/dev/$name"; } 2>/dev/null && opened=$((opened + 1))
        done < <(nodes)
        # Some have no driver here; memory, the kernel's log and the disk have one, or the tests below prove nothing.
        true <"$work/dev/mem"
        true <"$work/dev/kmsg"
        true <"$work/dev/nvme"
        [ "$opened" -ge 9 ]
}

@test "the devices of every container can be made and opened, and no others" {
        local name
        try_nodes
        for name in null zero full random urandom; do
                line_is "$name made"
                line_is "$name open"
        done
        for name in tun fuse mem port kmsg tty0 ttyS0 rtc loop-control autofs nvme loop0; do
                line_is "$name not made"
                line_is "$name not open"
        done
}

@test "--nesting adds tun and fuse, and no more" {
        local name
        modprobe tun
        modprobe fuse
        try_nodes --nesting
        for name in tun fuse; do
                line_is "$name made"
                line_is "$name open"
        done
        for name in mem port kmsg nvme loop0 loop-control; do
                line_is "$name not made"
                line_is "$name not open"
        done
}

@test "the strict face keeps the same devices closed" {
        local name
        nodes >"$work/nodes"
        try timeout 60 "$STRICT" -q --resolv-conf=off --timezone=off -D "$TREE" sh -c "$(probe_nodes)" <"$work/nodes"
        status_is 0
        for name in mem port kmsg nvme loop0 loop-control ttyS0; do
                line_is "$name not made"
                line_is "$name not open"
        done
        line_is "null open"
}

@test "a devtmpfs mounted inside opens nothing" {
        opts=(--private-users=no)
        in_tree sh -c 'mkdir /dev/all && mount -t devtmpfs none /dev/all || exit 9
                for d in mem kmsg nvme0n1 port ttyS0; do { true <"/dev/all/$d"; } 2>/dev/null && echo "$d open"; done; { true </dev/all/null; } && echo end'
        status_is 0
        output_is end
}

@test "nor does a cgroup that root makes below its own" {
        opts=(--private-users=no)
        in_tree sh -c 'mkdir /sys/fs/cgroup/below && echo $$ >/sys/fs/cgroup/below/cgroup.procs || exit 9
                mknod /dev/mem c 1 1 2>/dev/null; { true </dev/mem; } 2>/dev/null && echo open; echo end'
        status_is 0
        output_is end
}

@test "below berth@.service it is the same" {
        TREE=$machines/devices
        cp -a -- "$trees/busybox" "$TREE"
        mkdir -p /etc/systemd/nspawn
        printf '[Exec]\nPrivateUsers=no\n' >/etc/systemd/nspawn/devices.nspawn
        { echo '#!/bin/sh'; echo "cat >/tmp/nodes <<'END'"; nodes; echo END; echo '{'; probe_nodes; echo '} </tmp/nodes >/var/found'; echo 'echo end >>/var/found'; } >"$TREE/etc/rc.test"
        chmod 0755 "$TREE/etc/rc.test"
        systemctl start berth@devices.service
        await "$TREE/var/found" end
        output=$(<"$TREE/var/found")
        line_is "null open"
        line_is "mem not open"
        line_is "nvme not open"
        line_is "nvme not made"
        systemctl stop berth@devices.service
        rm -rf "$TREE" /etc/systemd/nspawn
}

# Of the nodes of --device= and of their neighbours, which can be opened how.
tried='for d in fuse nvme0n1 mem; do
        mknod /dev/$d $(case $d in fuse) echo c 10 229 ;; nvme0n1) echo b 259 0 ;; mem) echo c 1 1 ;; esac) 2>/dev/null && echo "$d made"
        { true </dev/$d; } 2>/dev/null && echo "$d read"
        [ ! -e /dev/$d ] || { true >>/dev/$d; } 2>/dev/null || continue
        [ ! -e /dev/$d ] || echo "$d written"
done; echo end'

@test "--device= opens what it names, as far as it says: in a scope, without one, in a user namespace" {
        local users place
        modprobe fuse
        for users in no pick; do
                for place in '' --keep-unit; do
                        try timeout 60 "$BERTH" -q ${place:+"$place"} --private-users=$users --device=/dev/fuse:r --device=/dev/nvme0n1:w -D "$TREE" sh -c "$tried"
                        status_is 0
                        output_is $'fuse read\nnvme0n1 written\nend'
                done
        done
        try timeout 60 "$BERTH" -q --private-users=no --device=/dev/fuse -D "$TREE" sh -c "rm /dev/fuse; $tried"
        output_is $'fuse made\nfuse read\nfuse written\nend'
}
