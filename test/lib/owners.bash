# SPDX-License-Identifier: LGPL-2.1-or-later
#
# shellcheck disable=SC2034,SC2154 # what one file sets, another reads
# Whose a tree's files are inside, by inode, access control list and capability, against outside, file by file.

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

# Root modes, and ids of the array mapped. An overlay's owners cannot be mapped: on one only the host's numbers are right.
each_way() {
        local root ids bad=0 before
        before=$(owners "$TREE" | sort)
        [ "$(wc -l <<<"$before")" -ge 25 ] || return 1
        grep -q 'acl=' <<<"$before" || return 1
        grep -q 'caps=2000001:2000' <<<"$before" || return 1
        for root in "" --read-only --volatile=yes --volatile=state --volatile=overlay -x --overlay-upper="$work/upper"; do
                for ids in "${mapped[@]}"; do
                        rm -rf "$work/upper" && mkdir "$work/upper"
                        # shellcheck disable=SC2086 # none, or one
                        same_inside $root --private-users=$ids || bad=1
                done
        done
        return $bad
}

# Says its map and how often it was started, which it knows by a file; three times.
write_rebooter() {
        cat >"$TREE/usr/sbin/again" <<'END'
#!/bin/sh
echo x >>/root/starts
echo $(wc -l </root/starts) $(tr -s ' ' </proc/self/uid_map) $(stat -c %u /root/starts)
[ "$(wc -l </root/starts)" -ge 3 ] && exit 7
exec reboot -f
END
        chmod 0755 "$TREE/usr/sbin/again"
}
