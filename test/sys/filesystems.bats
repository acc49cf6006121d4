#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Each way to use a tree, on each file system that a tree may lie on: whose its files are inside, by inode, access control
# list and capability, is compared with outside, file by file; and the tree is as it was before.

load ../lib/common
load ../lib/on

# Files of several owners, with lists and capabilities that name others.
make_tree() {
        mkdir -p "$TREE"/{usr/bin,usr/sbin,etc,dev,proc,sys,run,tmp,var,root,srv}
        ln -s usr/bin "$TREE/bin"
        cp "$helpers/inside" "$TREE/usr/bin/inside"
        printf 'root:x:0:0::/root:/bin/sh\n' >"$TREE/etc/passwd"
        : >"$TREE/etc/resolv.conf"
        : >"$TREE/etc/localtime"
        /usr/bin/python3 - "$TREE/usr/share" <<'END'
import os, struct, sys
top = sys.argv[1]
def entries(*e): return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *x) for x in e)
none = 0xffffffff
def acl(user, group): return entries((1, 7, none), (2, 6, user), (4, 5, none), (8, 4, group), (16, 7, none), (32, 4, none))
os.mkdir(top)
for owner in (0, 1, 1000, 65533):
    d = f"{top}/{owner}"
    os.mkdir(d, 0o750)
    for kind in ("plain", "acl", "caps"):
        open(f"{d}/{kind}", "w").write(kind)
    os.symlink("plain", f"{d}/link")
    os.chown(f"{d}/link", owner, owner + 1, follow_symlinks=False)
    for kind in ("plain", "acl", "caps", ""):
        os.chown(f"{d}/{kind}", owner, owner + 1)
    os.chmod(f"{d}/plain", 0o4711)
    os.setxattr(f"{d}/acl", "system.posix_acl_access", acl(owner + 5 if owner < 65000 else 9, owner + 6 if owner < 65000 else 7))
    os.setxattr(d, "system.posix_acl_default", acl(owner, 3))
    os.setxattr(f"{d}/caps", "security.capability", struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0))
END
}

owners() {
        (cd "$1" && "$helpers/inside" files usr)
}

same_inside() {
        local inside
        try berth -q "$@" -D "$TREE" --chdir=/ /usr/bin/inside files usr
        inside=$(sort <<<"$output")
        status_is 0 || { echo "$*: $errors"; return 1; }
        [ "$inside" = "$before" ] || { echo "$*:"; diff <(printf '%s\n' "$before") <(printf '%s\n' "$inside"); return 1; }
        [ "$(owners "$TREE" | sort)" = "$before" ] || { echo "$*: the tree was changed"; return 1; }
}

# Root modes and ids. An overlay's owners cannot be mapped: on one only the host's numbers are right.
each_way() {
        local root ids bad=0 before
        before=$(owners "$TREE" | sort)
        [ "$(wc -l <<<"$before")" -ge 25 ] || return 1
        grep -q 'acl=' <<<"$before" || return 1
        grep -q 'caps=2000001:2000' <<<"$before" || return 1
        for root in "" --read-only --volatile=yes --volatile=state --volatile=overlay -x --overlay-upper="$work/upper"; do
                for ids in no "${mapped[@]}"; do
                        rm -rf "$work/upper" && mkdir "$work/upper"
                        # shellcheck disable=SC2086 # none, or one
                        same_inside $root --private-users=$ids || bad=1
                done
        done
        return $bad
}

mapped=(pick identity)

@test "ext4" { on ext4 make_tree each_way; }
@test "btrfs" { on btrfs make_tree each_way; }
@test "xfs" { on xfs make_tree each_way; }
@test "tmpfs" { on tmpfs make_tree each_way; }
@test "an overlay: with the host's ids, whatever the numbers" { mapped=(identity); on overlay make_tree each_way; }

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
