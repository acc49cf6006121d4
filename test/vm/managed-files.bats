#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# --private-users=managed on each file system that a tree may lie on, and each way to use it: whose its files are inside, by
# inode, access control list and capability. test/sys/filesystems.bats has the same for the other ids.

load ../lib/common
load ../host/common
load ../lib/on
load ../lib/owners

mapped=(managed)
limit=60

setup_file() {
        systemctl start systemd-nsresourced.service
}

@test "ext4" { on ext4 make_tree each_way; }
@test "btrfs" { on btrfs make_tree each_way; }
@test "xfs" { on xfs make_tree each_way; }
@test "tmpfs" { on tmpfs make_tree each_way; }

refused_there() {
        try berth -q --private-users=managed -D "$TREE" /usr/bin/inside end 0
        refused "cannot give $TREE user ids of its own: owners cannot be mapped on its file system (--private-users=no runs it without: root inside is then root outside)"
}

# The kernel maps no owners of an overlay, and ids that are lent may not be on a disk.
@test "an overlay of the host: refused, and why" { on overlay make_tree refused_there; }
