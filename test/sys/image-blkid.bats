#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The program that tells what an image holds: what it answers, what it may do, and what becomes of an image when it does
# not do its work.

load ../lib/common
load ../lib/types

blkid=$build/src/berth-blkid

# A launcher in a place of its own, $work/place, where its berth-blkid is what a test puts there.
make_place() {
        mkdir "$work/place"
        cp -- "$BERTH" "$work/place/berth"
}

ask() {
        try "$top/test/lib/ask-blkid" "$blkid" "$@"
        [ "$status" = 0 ] || fail "$errors"
}

# by_fake LINE...: a start from $work/bare.raw, where this shell script is berth-blkid.
by_fake() {
        printf '%s\n' '#!/bin/sh' "$@" >"$work/place/berth-blkid"
        chmod 0755 "$work/place/berth-blkid"
        try timeout --foreground -k 5 40 "$work/place/berth" -q -i "$work/bare.raw" true
}

# answer RESULT NAME: a line of such a script, for one answer in advance.
answer() {
        printf "{ printf '\\\\%o\\\\0\\\\0\\\\0\\\\0\\\\0\\\\0\\\\0%s'; head -c %d /dev/zero; } | dd bs=72 iflag=fullblock 2>/dev/null >&3; exec sleep 1000\n" \
                "$1" "$2" $((64 - ${#2}))
}

make_bare() {
        truncate -s 32M "$work/bare.raw"
        mke2fs -q -t ext4 -d "$TREE" "$work/bare.raw"
}

@test "each kind of file system is told by its name, wherever it lies" {
        local kind
        truncate -s 512M "$work/all"
        mke2fs -q -t ext4 -E offset=$((1 << 20)) "$work/all" 8M
        mke2fs -q -t ext2 -E offset=$((16 << 20)) "$work/all" 8M
        mksquashfs "$TREE" "$work/squashfs" -quiet -no-progress >/dev/null
        mkfs.erofs --quiet "$work/erofs" "$TREE" >/dev/null 2>&1
        truncate -s 128M "$work/btrfs" "$work/f2fs"
        mkfs.btrfs -q "$work/btrfs" >/dev/null 2>&1
        mkfs.f2fs -q "$work/f2fs"
        truncate -s 400M "$work/xfs"
        mkfs.xfs -q "$work/xfs"
        for kind in squashfs erofs btrfs f2fs xfs; do
                ask "$work/$kind"
                line_is "one $kind"
        done
        ask "$work/all" $((1 << 20)):$((8 << 20)) $((16 << 20)):$((8 << 20)) $((64 << 20)):$((8 << 20)) 0:$((1 << 20)) $((511 << 20)):$((2 << 20))
        [ "$(head -n 5 <<<"$output" | tr '\n' ,)" = 'one ext4,one ext2,nothing,nothing,failed,' ]
}

@test "what tells is nobody, and can do next to nothing" {
        make_bare
        ask "$work/bare.raw"
        line_is 'one ext4'
        line_is 'Uid: 65534 65534 65534 65534'
        line_is 'Gid: 65534 65534 65534 65534'
        line_is 'Groups:'
        line_is 'CapInh: 0000000000000000'
        line_is 'CapPrm: 0000000000000000'
        line_is 'CapEff: 0000000000000000'
        line_is 'CapAmb: 0000000000000000'
        line_is 'NoNewPrivs: 1'
        line_is 'Seccomp: 2'
        line_is 'Max cpu time 5 5 seconds'
        line_is 'Max core file size 0 0 bytes'
        line_is 'Max address space 268435456 268435456 bytes'
        line_is 'relro r--p'
        line_is 'code that can be written: 0'
        line_is 'status 0'
        # Its system calls, once it has the image: it reads and answers, and what it may not do does no harm.
        strace -f -qq -o "$work/trace" "$BERTH" -q -i "$work/bare.raw" true
        sed -n '/execve(.*berth-blkid/,$p' "$work/trace" >"$work/rest"
        awk -v pid="$(awk 'NR == 1 { print $1 }' "$work/rest")" '
                $1 == pid && seen { sub(/\(.*/, "", $2); print $2 }
                $1 == pid && /seccomp\(SECCOMP_SET_MODE_FILTER/ { seen = 1 }' "$work/rest" | sort -u >"$work/calls"
        grep -qx read "$work/calls"
        never grep -vxE 'read|pread64|lseek|_llseek|fstat|fstat64|newfstatat|statx|mmap|mmap2|munmap|mremap|mprotect|madvise|brk|write|fadvise64|exit_group|\+\+\+|<\.\.\.|---' "$work/calls"
        # Not root has no other user to become, and the rest all the same.
        make_open_place "$work/bare.raw" "$blkid" "$top/test/lib/ask-blkid"
        try setpriv --reuid 12345 --regid 12345 --clear-groups "$open_place/ask-blkid" "$open_place/berth-blkid" "$open_place/bare.raw"
        line_is 'one ext4'
        line_is 'Uid: 12345 12345 12345 12345'
        line_is 'NoNewPrivs: 1'
        line_is 'Seccomp: 2'
        # Nor has root where there is no other user.
        try unshare -r "$top/test/lib/ask-blkid" "$blkid" "$work/bare.raw"
        line_is 'one ext4'
        line_is 'CapPrm: 0000000000000000'
        line_is 'Seccomp: 2'
}

@test "it makes do with less memory and time than it may have, where the caller has no more to give" {
        make_bare
        # shellcheck disable=SC2016 # its own $@
        try setpriv --bounding-set -sys_resource --inh-caps -sys_resource bash -c 'ulimit -v 100000; ulimit -t 3; exec "$@"' bash \
                "$BERTH" -q -i "$work/bare.raw" true
        status_is 0
}

@test "it starts with a socket, and nothing else of its launcher's" {
        make_bare
        make_place
        by_fake "ls -l /proc/self/fd >'$work/fds'; env >'$work/env'; exit 1"
        refused 'has ended without telling'
        grep -q ' 3 -> socket' "$work/fds"
        [ "$(grep -c -- '-> /dev/null' "$work/fds")" = 2 ]
        never grep -qE 'bare|pipe' "$work/fds"
        never grep -qvE '^(PWD|OLDPWD|SHLVL|_)=' "$work/env"
}

@test "without it no image is used, and one line says what is missing" {
        make_bare
        make_place
        try "$work/place/berth" -q -i "$work/bare.raw" true
        refused "bare.raw: cannot run berth-blkid, which tells what is in an image"
        errors_has libblkid
        try "$work/place/berth" --inspect "$work/bare.raw"
        refused "cannot run berth-blkid"
        try "$work/place/berth" -q -D "$TREE" echo here
        output_is here
        by_fake 'exit 127'
        refused 'has ended without telling'
        errors_has 'libblkid.so.1 has to be installed'
}

@test "one that ends, is killed or talks nonsense: the image is refused, and nothing stays" {
        make_bare
        make_place
        by_fake 'exit 0'
        refused "bare.raw: berth-blkid has ended without telling what it holds"
        by_fake 'kill -KILL $$'
        refused "has ended without telling"
        by_fake 'head -c 72 /dev/zero | tr "\0" A >&3; exec sleep 1000'
        refused "has ended without telling"
        by_fake 'echo ext4 >&3; exec sleep 1000'
        refused "has ended without telling"
        by_fake "$(answer 1 ntfs)"
        refused "has ended without telling"
        by_fake "$(answer 2 ext4)"
        refused "has ended without telling"
        # A lie is one file system mounted as another at most.
        by_fake "$(answer 1 squashfs)"
        refused "the squashfs in it"
        by_fake "$(answer 2 ntfs)"
        refused "there is no partition table in it, and ntfs, which is not mounted from images"
        by_fake "$(answer 0 '')"
        refused "there is no partition table and no known file system in it"
}

@test "one that does not come to an end is not waited for" {
        make_bare
        make_place
        by_fake 'exec sleep 1000.25'
        refused "bare.raw: berth-blkid does not tell what it holds within 10 seconds"
        never pgrep -fx 'sleep 1000.25'
}

@test "a launcher that is stopped while it waits goes on waiting" {
        make_bare
        make_place
        # The one that asks is the launcher's copy.
        by_fake 'sleep 1' 'asks=$(pgrep -P $PPID -x berth)' "kill -STOP \$asks && sleep 0.3 && kill -CONT \$asks && touch '$work/stopped'" \
                'sleep 0.3' "$(answer 2 ntfs)"
        refused 'and ntfs, which is not mounted from images'
        [ -e "$work/stopped" ]
}

@test "nothing of it is left while a container runs" {
        make_bare
        start_berth -q -i "$work/bare.raw" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        never pgrep -P "$launcher" -x berth-blkid
        kill "$launcher"
        wait "$launcher" 2>/dev/null || true
}

@test "--inspect: what is no file system of images is told by its name" {
        IMAGE=$work/disk.raw
        truncate -s 128M "$IMAGE"
        printf '%s\n' 'label: gpt' "size=32M, type=$ROOT_TYPE" "size=8M, type=$HOME_TYPE" | sfdisk -q "$IMAGE"
        mke2fs -q -t ext4 -d "$TREE" -E offset=$((1 << 20)) "$IMAGE" 32M
        "$top/test/lib/bad-images" "$work/bad" >/dev/null
        dd if="$work/bad/whole-lvm.raw" of="$IMAGE" bs=1M seek=33 conv=notrunc status=none
        try berth --inspect "$IMAGE"
        status_is 1
        output_matches '^ +2 +home .* LVM2_member +'
        output_matches '^starts +no: .*partition 2 \(home\) holds LVM2_member, which is not mounted from images'
        try berth --inspect "$IMAGE" --json --image-policy=root=unprotected
        [ "$(jq -r '[.starts, .partitions[1].fileSystem] | join(" ")' <<<"$output")" = "true LVM2_member" ]
}
