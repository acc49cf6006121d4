#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Each way to use a tree, on each file system that a tree may lie on: whose its files are inside, by inode, access control
# list and capability, is compared with outside, file by file; and the tree is as it was before.

load ../lib/common
load ../lib/on
load ../lib/owners

mapped=(no pick identity)

@test "ext4" { on ext4 make_tree each_way; }
@test "btrfs" { on btrfs make_tree each_way; }
@test "xfs" { on xfs make_tree each_way; }
@test "tmpfs" { on tmpfs make_tree each_way; }
@test "an overlay: with the host's ids, whatever the numbers" { mapped=(no identity); on overlay make_tree each_way; }

refuses_to_map() {
        try berth -q --private-users=pick --private-users-ownership=map -D "$TREE" /usr/bin/inside end 0
        status_is 1
        [[ $errors == *"owners"* ]] || fail "$errors"
}

@test "overlay: owners that cannot be mapped are refused where that was asked for" { on overlay make_tree refuses_to_map; }

# A range of the user's, and the tree as it is: the files are nobody's, or, shifted on the disk, those of the range.
shifted() {
        local inside before
        try berth -q --private-users=1048576 -D "$TREE" --chdir=/ /usr/bin/inside files usr
        never grep -v ' 65534:65534' <<<"$output"
        find "$TREE" -depth -exec /usr/bin/python3 -c '
import os, sys
for f in sys.argv[1:]:
    s = os.lstat(f)
    os.chown(f, s.st_uid + 1048576, s.st_gid + 1048576, follow_symlinks=False)' {} +
        find "$TREE/usr/share" -name acl -exec /usr/bin/python3 -c '
import os, struct, sys
for f in sys.argv[1:]:
    a = os.getxattr(f, "system.posix_acl_access")
    n = a[:4]
    for i in range(4, len(a), 8):
        tag, rights, who = struct.unpack("<HHI", a[i:i + 8])
        n += struct.pack("<HHI", tag, rights, who + 1048576 if tag in (2, 8) else who)
    os.setxattr(f, "system.posix_acl_access", n)' {} +
        try berth -q --private-users=1048576 -D "$TREE" --chdir=/ /usr/bin/inside files usr
        status_is 0
        line_is "usr/share/1000 40750 1000:1001"
        # Who changes an owner takes the set-user-ID bit away.
        line_is "usr/share/65533/plain 100711 65533:65534"
        grep -q '^usr/share/1000/acl .* acl=1:-1:7,2:1005:6,4:-1:5,8:1006:4,' <<<"$output" || fail "$output"
}

@test "ids of a range that the caller names: nobody's, until the tree is shifted to them" { on ext4 make_tree shifted; }
