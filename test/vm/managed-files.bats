#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# --private-users=managed on each file system that a tree may lie on, and each way to use it: whose its files are inside, by
# inode, access control list and capability, and what is left of that when the container restarts in place.
# test/sys/filesystems.bats has the first for the other ids.

load ../lib/common
load ../host/common
load ../lib/on
load ../lib/owners

mapped=(managed)
# A worker of the service that is new has its programs looked at by the kernel first.
limit=120

# The host's own care for xfs fails where one is unmounted at once.
setup_file() {
        systemctl start systemd-nsresourced.service
        systemctl mask -q --runtime --now xfs_healer_start.service
}

@test "ext4" { on ext4 make_tree each_way; }
@test "btrfs" { on btrfs make_tree each_way; }
@test "xfs" { on xfs make_tree each_way; }
@test "tmpfs" { on tmpfs make_tree each_way; }

restarting_tree() {
        cp -a -- "$trees/busybox" "$TREE"
        write_rebooter
}

restarting_subvolume() {
        btrfs -q subvolume create "$TREE"
        cp -a -- "$trees/busybox/." "$TREE/"
        write_rebooter
}

starts=$'1 0 0 65536 0\n2 0 0 65536 0\n3 0 0 65536 0'

# In a copy (an overlay, shared blocks or a snapshot, as the file system has it), and in the tree.
restarts() {
        local mode
        for mode in -x --ephemeral=no; do
                try berth -q $mode -D "$TREE" --private-users=managed /usr/sbin/again
                status_is 7 || return 1
                output_is "$starts" || return 1
        done
        [ "$(wc -l <"$TREE/root/starts")" = 3 ] || return 1
        [ "$(stat -c %u "$TREE/root/starts")" = 0 ] || return 1
        [ -z "$(find "$TREE/.." -xdev \( -name '.#*' -o -uid +65535 -o -gid +65535 \) -print -quit)" ]
}

@test "reboots in place: ext4" { on ext4 restarting_tree restarts; }
@test "reboots in place: btrfs, in a snapshot too" { on btrfs restarting_subvolume restarts; }
@test "reboots in place: xfs" { on xfs restarting_tree restarts; }
@test "reboots in place: tmpfs" { on tmpfs restarting_tree restarts; }

# image_of KIND: $work/image.raw, with a tree that restarts.
image_of() {
        TREE=$work/at
        mkdir -p "$TREE"
        rm -f "$work/image.raw"
        if [ "$1" = squashfs ]; then
                cp -a -- "$trees/busybox/." "$TREE/"
                write_rebooter
                mksquashfs "$TREE" "$work/image.raw" -quiet -no-progress >/dev/null
                rm -rf --one-file-system -- "$TREE"
                return
        fi
        truncate -s 400M "$work/image.raw"
        "mkfs.$1" -q "$work/image.raw" >/dev/null 2>&1
        mount -o loop "$work/image.raw" "$TREE"
        cp -a -- "$trees/busybox/." "$TREE/"
        write_rebooter
        umount "$TREE"
}

@test "images of each file system, written to and thrown away, through reboots in place" {
        local kind mode
        for kind in btrfs xfs squashfs; do
                image_of $kind
                for mode in -x --read-only=no; do
                        [ "$kind.$mode" != squashfs.--read-only=no ] || continue
                        try berth -q $mode -i "$work/image.raw" --private-users=managed /usr/sbin/again
                        status_is 7 || fail "$kind, $mode"
                        output_is "$starts" || fail "$kind, $mode"
                done
        done
        [ -z "$(losetup -n -a)" ]
}

refused_there() {
        try berth -q --private-users=managed -D "$TREE" /usr/bin/inside end 0
        refused "cannot give $TREE user ids of its own: owners cannot be mapped on its file system (--private-users=no runs it without: root inside is then root outside)"
}

# The kernel maps no owners of an overlay, and ids that are lent may not be on a disk.
@test "an overlay of the host: refused, and why" { on overlay make_tree refused_there; }
