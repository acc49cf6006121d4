#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Copies of a tree, of --ephemeral beside a running original and of --template=, on each file system: that they have all
# that the tree has and no more, file by file, which way is taken, and that nothing of a throw-away one stays.

load ../lib/common
load ../lib/on
load ../lib/special

# More of what a tree can have, and, where it lies, what is handed down to all that is made there: rights of user 77.
make_original() {
        small_special_tree
        /usr/bin/python3 - "$TREE/srv" <<'END'
import os, struct, sys
os.chdir(sys.argv[1])
def acl(user):
    return struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *e) for e in (
        (1, 7, 2**32 - 1), (2, 7, user), (4, 5, 2**32 - 1), (16, 7, 2**32 - 1), (32, 5, 2**32 - 1)))
os.setxattr('fifo', 'system.posix_acl_access', acl(5))
os.mknod('null', 0o020640, os.makedev(1, 3))
os.setxattr('null', 'system.posix_acl_access', acl(6))
os.link('fifo', 'fifo.too')
os.symlink('nowhere', 'link')
os.setxattr('link', 'trusted.mark', b'1', follow_symlinks=False)
os.link('link', 'link.too', follow_symlinks=False)
os.setxattr('sgid', 'trusted.mark', b'2')
os.mkdir('closed', 0)
open(b'bad\xff\n', 'w').close()
with open('holes', 'wb') as f:
    f.truncate(40 << 20)
    f.seek(20 << 20)
    f.write(b'x' * 5000)
for name in os.listdir('.'):
    os.utime(name, ns=(1, 10**18 + 7), follow_symlinks=False)
os.setxattr('../..', 'system.posix_acl_default', acl(77))
END
}

list_all() {
        each_file "$1" <<'END'
import hashlib, stat
def names(path):
    return sorted(n for n in os.listxattr(path, follow_symlinks=False) if 'SGI_ACL' not in n)
inodes = {}
def one(path):
    st = os.lstat(path)
    content = b''
    if stat.S_ISREG(st.st_mode):
        content = hashlib.sha256(open(path, 'rb').read()).hexdigest()[:16]
    elif stat.S_ISLNK(st.st_mode):
        content = os.readlink(path)
    print(os.path.relpath(path, top), oct(st.st_mode), st.st_uid, st.st_gid, st.st_size if content else '', st.st_rdev,
          # The first name of the same file; a directory in use has other times.
          inodes.setdefault((st.st_dev, st.st_ino), path[len(top):]), st.st_mtime_ns if not stat.S_ISDIR(st.st_mode) else '', content,
          [(n, os.getxattr(path, n, follow_symlinks=False)) for n in names(path)])
END
}

# What lies beside the tree; on btrfs, its subvolumes too.
beside() {
        (cd "$TREE/.." && ls -A)
        [ "$1" != btrfs ] || btrfs subvolume list "$TREE/.." | sed 's/.* path //' | sort
}

# copied WAY KIND: both kinds of copies, and what they are made of.
copied() {
        local before beside beside_while
        before=$(list_all "$TREE")
        beside=$(beside "$2")
        [ "$(wc -l <<<"$before")" -gt 480 ] || fail "$(wc -l <<<"$before") files" || return 1
        grep -q "fifo.*posix_acl_access" <<<"$before" || fail "$before" || return 1
        try berth --dry-run --template="$TREE" -D "$TREE.too" true
        line_is "  made by    $1 of $TREE" || return 1
        try berth --dry-run -x -D "$TREE" true
        [ "$1" = copy ] || line_is "  made by    $1 of $TREE, removed at the end" || return 1
        try berth -q --template="$TREE" -D "$TREE.too" /usr/bin/inside end 0
        status_is 0 || return 1
        diff <(echo "$before") <(list_all "$TREE.too") || fail "--template=" || return 1
        [ "$(stat -c %b "$TREE.too/srv/holes")" -lt 2000 ] || return 1
        if [ "$1" = snapshot ]; then btrfs -q subvolume delete "$TREE.too"; else rm -r "$TREE.too"; fi
        start_berth -q --private-users=no -D "$TREE" /usr/bin/inside exhaust inotify 1 hold
        await "$work/out" inotify || return 1
        try berth --private-users=no -x -D "$TREE" --chdir=/ /usr/bin/inside files srv
        beside_while=$(beside "$2")
        stop_berth
        status_is 0 || return 1
        if [ "$1" = copy ]; then errors_has "$TREE is in use, and copied as it is now"; else errors_lacks "is in use"; fi || return 1
        diff <(cd "$TREE" && "$helpers/inside" files srv | sort) <(sort <<<"$output") || fail "-x" || return 1
        diff <(echo "$beside") <(echo "$beside_while") || fail "-x left something" || return 1
        diff <(echo "$before") <(list_all "$TREE") || fail "the tree was changed"
}

# A file that is more than half of what there is room for: the copy can only be made if its blocks are shared.
make_large_original() {
        make_original
        head -c 220M /dev/zero >"$TREE/srv/large"
}

make_subvolume() {
        btrfs -q subvolume create "$TREE"
        make_large_original
}

make_with_subvolume() {
        make_large_original
        btrfs -q subvolume create "$TREE/srv/volume"
        touch "$TREE/srv/volume/file"
        chown 7:8 "$TREE/srv/volume/file"
}

@test "ext4: a full copy" { on ext4 make_original copied copy ext4; }
@test "xfs: blocks are shared" { on xfs make_large_original copied reflinks xfs; }
@test "btrfs: blocks are shared, those of a subvolume inside too" { on btrfs make_with_subvolume copied reflinks btrfs; }
@test "btrfs: a subvolume has a snapshot" { on btrfs make_subvolume copied snapshot btrfs; }
@test "tmpfs: a full copy" { on tmpfs make_original copied copy tmpfs; }
@test "an overlay of the host: a full copy" { on overlay make_original copied copy overlay; }


# What the payload makes in its copy may be a subvolume too, and so may what is in that. A subvolume that is read-only has
# a copy that is not.
gone_with_subvolumes() {
        local copy end
        btrfs property set -ts "$TREE" ro true
        for end in stopped killed; do
                start_berth -q -M gone --private-users=no -x -D "$TREE" /usr/bin/inside exhaust inotify 1 hold
                await "$work/out" inotify || return 1
                copy=$(echo "$TREE"/../.#berth.gone.*)
                btrfs -q subvolume create "$copy/srv/new"
                btrfs -q subvolume create "$copy/srv/new/er"
                touch "$copy/srv/new/er/file"
                if [ $end = stopped ]; then
                        stop_berth
                else
                        kill -KILL "$launcher"
                        wait "$launcher" || true
                        ctl gc
                fi
                [ "$(beside btrfs)" = $'tree\ntree' ] || fail "$end: $(beside btrfs)" || return 1
        done
        btrfs property set -ts "$TREE" ro false
}

@test "btrfs: a throw-away snapshot goes with the subvolumes that were made in it" { on btrfs make_subvolume gone_with_subvolumes; }

# The tree is a file system of its own: where no copy can lie beside it, there is an overlay.
mounted_on() {
        try berth -q -x -D "$work/on/tree" /usr/bin/inside end 7
        status_is 7
        [ -z "$(find "$work/on" -maxdepth 1 -name '.#*')" ]
        mount -o remount,ro "$work/on"
        try berth -q -x -D "$work/on/tree" /usr/bin/inside end 7
        status_is 7
}

@test "a tree that is mounted by itself, in a directory of another file system, and in one that cannot be written to" {
        local kind bad=0
        mkdir "$work/on"
        for kind in btrfs xfs; do
                mount -t tmpfs tmpfs "$work/on"
                mkdir "$work/on/tree"
                on $kind small_special_tree on_top $kind || bad=1
                umount "$work/on"
        done
        [ "$bad" = 0 ]
}

on_top() {
        local bad=0
        mount --bind "$TREE" "$work/on/tree"
        mounted_on || bad=1
        umount "$work/on/tree"
        return $bad
}

# What file systems note for themselves stays behind.
to_another() {
        local before
        [ "$1" != btrfs ] || btrfs property set "$TREE/srv/sgid" compression zlib
        before=$(list_all "$TREE")
        [ "$1" != btrfs ] || grep -q "btrfs.compression.*zlib" <<<"$before" || fail "no property" || return 1
        try berth -q --template="$TREE" -D "$work/elsewhere" /usr/bin/inside end 0
        status_is 0 || return 1
        diff <(sed "s/('btrfs.compression', b'zlib'), //" <<<"$before") <(list_all "$work/elsewhere") || return 1
        never /usr/bin/python3 -c 'import os, sys; sys.exit(not any("SGI" in n for n in os.listxattr(sys.argv[1])))' "$work/elsewhere/srv/fifo"
        rm -r "$work/elsewhere"
}

@test "from xfs to another file system" { on xfs make_original to_another xfs; }
@test "from btrfs to another file system" { on btrfs make_original to_another btrfs; }

@test "on a terminal a copy shows how far it is, also in a single large file" {
        fresh_tree
        head -c 70M /dev/zero >"$TREE/srv/large"
        on_terminal -- "$BERTH" --template="$TREE" -D "$TREE.too" true
        status_is 0
        [[ $output =~ "copying: "[0-9]+" files, 6"[4-9]" MiB" ]] || fail "$output"
        try berth --template="$TREE" -D "$TREE.three" true
        status_is 0
        errors_lacks copying
}

@test "a limit on the size of files ends a copy, is named, and nothing of it stays" {
        fresh_tree
        # shellcheck disable=SC2016 # its own $@
        try bash -c 'ulimit -f 1; exec "$@"' bash "$BERTH" -q --template="$TREE" -D "$TREE.too" true
        refused "see ulimit -f"
        [ ! -e "$TREE.too" ]
        [ -z "$(find "$work" -maxdepth 1 -name '.#*')" ]
}

@test "a copy can be broken off, also in a single large file, and nothing of it stays" {
        local way
        # The large file is the first, so that no count of files comes before it.
        TREE=$work/tree
        mkdir -p "$TREE/usr"
        head -c 70M /dev/zero >"$TREE/large"
        cp "$helpers/inside" "$TREE/inside"
        start_berth -q -D "$TREE" /inside exhaust inotify 1 hold
        await "$work/out" inotify
        for way in "--template=$TREE -D $TREE.too" "-x -D $TREE"; do
                # shellcheck disable=SC2086 # several words
                try strace -f -o "$work/trace" -e trace=copy_file_range -e inject=copy_file_range:signal=TERM:when=1 \
                        timeout 20 "$BERTH" -q $way /inside end 0
                refused "the copy of $TREE was not completed"
                [ "$(find "$work" -maxdepth 1 -name '*tree*')" = "$TREE" ]
        done
        stop_berth
}

@test "who swaps files, directories, links and FIFOs meanwhile gets nothing of the host copied, and nobody waits" {
        TREE=$work/tree
        mkdir -p "$TREE/usr" "$work/canary/in"
        cp "$helpers/inside" "$TREE/inside"
        echo secret-of-the-host | tee "$work/canary/file" >"$work/canary/in/file"
        for i in {0..9}; do
                mkdir -p "$TREE/$i/dir"
                ln -s "$work/canary/in" "$TREE/$i/dir.other"
                echo "own" | tee "$TREE/$i/dir/file" "$TREE/$i/fifo" >"$TREE/$i/file"
                ln -s "$work/canary/file" "$TREE/$i/file.other"
                mkfifo "$TREE/$i/fifo.other"
        done
        /usr/bin/python3 - "$TREE" <<'END' &
import ctypes, os, sys
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None)
while True:
    for i in range(10):
        for name in 'dir', 'file', 'fifo':
            libc.renameat2(-100, f'{i}/{name}'.encode(), -100, f'{i}/{name}.other'.encode(), 2)
END
        local racer=$! i done=0 bad=0
        for i in {1..60}; do
                try berth -q --template="$TREE" -D "$work/copy" /inside end 0
                case $status in
                0) done=$((done + 1)) ;;
                1) [[ $errors == "berth: cannot copy $TREE/"[0-9]/* && $errors != *"in one another"* ]] || { bad=1; echo "$errors"; } ;;
                *) bad=1; echo "$status $errors" ;;
                esac
                [ -z "$(find "$work/copy" -type f -exec grep -l secret-of-the-host {} + 2>/dev/null)" ] || bad=2
                rm -rf "$work/copy"
                [ -z "$(find "$work" -maxdepth 1 -name '.#*')" ] || bad=3
        done
        kill $racer
        wait $racer || true
        [ $bad = 0 ] || fail "$bad"
        [ "$done" -gt 0 ] || fail "$errors"
}

@test "a file that became a link a moment ago is told as what it is" {
        local nth
        TREE=$work/tree
        mkdir -p "$TREE/usr"
        cp "$helpers/inside" "$TREE/inside"
        echo own >"$TREE/usr/swapped"
        try strace -o "$work/trace" -e trace=openat "$BERTH" -q --template="$TREE" -D "$work/two" /inside end 0
        nth=$(grep '^openat' "$work/trace" | grep -n '"swapped", O_RDONLY' | cut -d: -f1)
        [ -n "$nth" ]
        try strace -o "$work/trace" -e trace=openat -e "inject=openat:error=ELOOP:when=$nth" "$BERTH" -q --template="$TREE" -D "$work/three" /inside end 0
        refused "cannot copy $TREE/usr/swapped to "
        errors_lacks "in one another"
}
