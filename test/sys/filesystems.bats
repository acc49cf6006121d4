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

# --- what comes from the host ---

# files_at PLACE OPTION...: as seen in a container that has that directory there.
files_at() {
        try berth -q "${@:2}" --read-only -D "$trees/busybox" --chdir="$1" /bin/inside files usr
        status_is 0
}

bound() {
        local before how
        before=$(owners "$TREE" | sort)
        [ "$(wc -l <<<"$before")" -ge 25 ] || return 1
        for how in "--private-users=no --bind=$TREE:/srv" "--private-users=pick --bind=$TREE:/srv:idmap" \
                "--private-users=pick --bind-ro=$TREE:/srv:map=0:0:65536" "--private-users=identity --bind=$TREE:/srv"; do
                # shellcheck disable=SC2086 # several words
                files_at /srv $how || return 1
                diff <(echo "$before") <(sort <<<"$output") || fail "$how" || return 1
        done
        diff <(echo "$before") <(owners "$TREE" | sort)
}

# Copied up one by one: by a new owner, new text, a new name; and what is new.
# shellcheck disable=SC2016 # the container's
change='cd /srv/usr/share/1000 && chown 7:8 plain && echo more >>acl && mv caps other && mkdir new && chown 1000:1001 new && cd /srv && inside files usr/share/1000'

overlaid() {
        local before users up=$TREE/../up handed_down=1:-1:7,2:1000:6,4:-1:5,8:3:4,10:-1:7,20:-1:4,
        before=$(owners "$TREE" | sort)
        for users in no pick; do
                rm -rf "$up" && mkdir "$up"
                files_at /srv --private-users=$users "--overlay=$TREE:$up:/srv" || return 1
                diff <(echo "$before") <(sort <<<"$output") || fail "$users" || return 1
                try berth -q --private-users=$users --read-only -D "$trees/busybox" "--overlay=$TREE:$up:/srv" sh -c "$change"
                status_is 0 || return 1
                line_is "usr/share/1000/plain 100711 7:8" || return 1
                line_is "usr/share/1000/new 40774 1000:1001 acl=$handed_down default=$handed_down" || return 1
                grep -q '^usr/share/1000/other .* caps=2000001:2000' <<<"$output" || fail "$output" || return 1
                # What was changed lies in the upper layer as it looks inside.
                diff <(grep -E '/(acl|new|plain|other) ' <<<"$output" | sort) \
                        <(cd "$up" && "$helpers/inside" files usr/share/1000 | grep -E '/(acl|new|plain|other) ' | sort) || return 1
                diff <(echo "$before") <(owners "$TREE" | sort) || return 1
        done
}

host_dirs() {
        bound && overlaid
}

@test "ext4: a directory of the host, and layers there" { on ext4 make_tree host_dirs; }
@test "btrfs: a directory of the host, and layers there" { on btrfs make_tree host_dirs; }
@test "xfs: a directory of the host, and layers there" { on xfs make_tree host_dirs; }
@test "tmpfs: a directory of the host, and layers there" { on tmpfs make_tree host_dirs; }

host_dirs_of_an_overlay() {
        local before
        before=$(owners "$TREE" | sort)
        files_at /srv --private-users=no "--bind=$TREE:/srv"
        diff <(echo "$before") <(sort <<<"$output") || return 1
        files_at /srv --private-users=no "--overlay=$TREE::/srv"
        diff <(echo "$before") <(sort <<<"$output") || return 1
        try berth -q --private-users=pick --read-only -D "$trees/busybox" "--bind=$TREE:/srv:idmap" true
        refused "cannot map the owners of $TREE" || return 1
        try berth -q --private-users=pick --read-only -D "$trees/busybox" "--overlay=$TREE::/srv" true
        refused "the owners in $TREE, a layer of an overlay, cannot be mapped on its file system" || return 1
        errors_lacks chown || return 1
        # Where nobody asked for ids, one line says what is the matter.
        try berth --read-only -D "$trees/busybox" "--overlay-ro=$TREE:$work:/srv" cat /proc/self/uid_map
        status_is 0 || return 1
        errors_has "root inside is root outside: the owners in $TREE, a layer of an overlay, cannot be mapped on its file system"
        [ "$(tr -s ' ' <<<"$output")" = " 0 0 4294967295" ]
}

@test "an overlay: a directory of the host with the host's ids, and others refused" { on overlay make_tree host_dirs_of_an_overlay; }
