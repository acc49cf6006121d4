#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# --pivot-root=: a directory of the tree becomes the root, and the whole tree is seen in it where that was asked for.

load ../lib/common

# $TREE: an outer directory with the busybox tree at deploy/os, a link to it, and a place for the old root.
nested_tree() {
        fresh_tree
        mv "$TREE" "$work/os"
        mkdir -p "$TREE/deploy" "$TREE/top"
        mv "$work/os" "$TREE/deploy/os"
        mkdir "$TREE/deploy/os/sysroot"
        ln -s /deploy/os "$TREE/current"
}

@test "the directory is the root, with its owners as in any tree; the rest of the tree is not there" {
        nested_tree
        opts=(--pivot-root=/deploy/os)
        in_tree sh -c 'stat -c "%u:%g %n" / /etc && ls -d /deploy /top 2>/dev/null; echo x >/srv/x && pwd'
        status_is 0
        output_is "0:0 /
0:0 /etc
/"
        [ "$(stat -c %u "$TREE/deploy/os/srv/x")" = 0 ]
        opts=(--pivot-root=/current)
        in_tree cat /srv/x
        output_is x
        strict_in_tree cat /srv/x
        output_is x
}

@test "NEW:OLD: the whole tree is below OLD, as writable as the root is, and without device nodes" {
        nested_tree
        mknod "$TREE/top/null" c 1 3
        local mode
        for mode in --private-users=no --private-users=pick; do
                opts=("$mode" --pivot-root=/current:/sysroot)
                in_tree sh -c 'stat -c "%u:%g %F" /sysroot/top && echo x >/sysroot/top/x && readlink /sysroot/current && ! echo x >/sysroot/top/null && ls /sysroot/deploy/os/sysroot'
                status_is 0
                output_is "0:0 directory
/deploy/os"
                [ "$(stat -c %u:%g "$TREE/top/x")" = 0:0 ]
                rm "$TREE/top/x"
        done
        opts=(--pivot-root=/current:/sysroot --read-only)
        in_tree sh -c '! touch /sysroot/top/x && ! touch /x && ls /sysroot/top'
        output_is null
        opts=(--pivot-root=/current:/not/yet/there)
        in_tree ls /not/yet/there/top
        output_is null
}

@test "with a tree that is spared, nothing is written to it through OLD either" {
        nested_tree
        local mode
        for mode in --volatile=overlay --volatile=yes --volatile=state -x; do
                opts=("$mode" --pivot-root=/deploy/os:/sysroot)
                in_tree sh -c 'ls /sysroot && ! touch /sysroot/top/x 2>/dev/null && ! touch /sysroot/deploy/os/srv/x 2>/dev/null && touch /var/y'
                status_is 0
                output_is "current
deploy
top"
                [ -z "$(ls -A "$TREE/top")" ] || fail "$mode wrote"
                [ ! -e "$TREE/deploy/os/var/y" ]
        done
}

@test "--overlay-upper= keeps the changes of the new root" {
        nested_tree
        mkdir "$work/up"
        opts=(--overlay-upper="$work/up" --pivot-root=/current)
        in_tree touch /srv/kept
        status_is 0
        [ -e "$work/up/data/srv/kept" ]
        [ ! -e "$TREE/deploy/os/srv/kept" ]
}

@test "-x beside a running original copies the whole, and the directory of the copy is the root" {
        nested_tree
        start_berth -q --pivot-root=/deploy/os -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        opts=(-x --pivot-root=/current:/sysroot)
        in_tree sh -c 'touch /srv/x /sysroot/top/x && ls /sysroot/top /sysroot/deploy/os/srv'
        stop_berth
        status_is 0
        line_is x
        [ ! -e "$TREE/top/x" ]
        [ ! -e "$TREE/deploy/os/srv/x" ]
        [ -z "$(find "$work" -maxdepth 1 -name '.#*')" ]
}

@test "--template= makes the whole tree, and --boot looks for os-release and init in the directory" {
        nested_tree
        opts=()
        try berth -q --template="$TREE" -D "$work/made" --pivot-root=/current:/sysroot ls /sysroot
        output_is "current
deploy
top"
        [ -d "$work/made/deploy/os" ]
        rm -r "$work/made"
        cp "$helpers/inside" "$TREE/deploy/os/usr/sbin/own-init"
        ln -sf own-init "$TREE/deploy/os/usr/sbin/init"
        opts=(--pivot-root=/deploy/os -b)
        in_tree end 7
        status_is 7
        rm "$TREE/deploy/os/usr/lib/os-release"
        rm -f "$TREE/deploy/os/etc/os-release"
        cp "$trees/busybox/usr/lib/os-release" "$TREE/os-release"
        in_tree end 7
        refused "os-release"
}

@test "the user's own mounts, and what is in the tree for them, are seen from the new root" {
        nested_tree
        mkdir -p "$TREE/deploy/os/only" "$work/src"
        echo new >"$TREE/deploy/os/only/f"
        echo host >"$work/src/f"
        opts=(--pivot-root=/current --bind=+/only:/srv --bind="$work/src:/mnt/a" --tmpfs=/var/t)
        in_tree sh -c 'cat /srv/f /mnt/a/f && stat -f -c %T /var/t'
        output_is "new
host
tmpfs"
        [ -d "$TREE/deploy/os/mnt/a" ]
        [ ! -e "$TREE/mnt" ]
}

@test "what is mounted inside the new root comes along" {
        nested_tree
        mkdir "$TREE/deploy/os/data"
        mount -t tmpfs berth-test "$TREE/deploy/os/data"
        echo x >"$TREE/deploy/os/data/x"
        opts=(--pivot-root=/current)
        in_tree cat /data/x
        umount "$TREE/deploy/os/data"
        output_is x
}

@test "a directory of an image" {
        nested_tree
        truncate -s 32M "$work/i.raw"
        mke2fs -q -t ext4 -d "$TREE" "$work/i.raw"
        local mode
        for mode in --private-users=no --private-users=pick --volatile=overlay --volatile=yes; do
                try berth -q -i "$work/i.raw" "$mode" --pivot-root=/deploy/os:/sysroot sh -c 'stat -c %u / && ls -d /sysroot/top && touch /var/x'
                status_is 0
                output_is "0
/sysroot/top"
        done
        try berth -q -i "$work/i.raw" --pivot-root=/nowhere true
        refused "cannot make /nowhere of"
}

@test "links lead to nothing outside of the tree" {
        nested_tree
        mkdir -p "$work/canary/usr/bin"
        cp "$helpers/inside" "$work/canary/inside"
        ln -s "$work/canary" "$TREE/out"
        ln -s ../../../../../../../../../.."$work/canary" "$TREE/up"
        ln -s /proc/self/cwd "$TREE/cwd"
        ln -s loop "$TREE/loop"
        mkfifo "$TREE/fifo"
        local to
        for to in out up cwd loop fifo missing; do
                opts=(--pivot-root="/$to")
                in_tree /inside end 0
                refused "cannot make /$to of"
        done
        # The place for the old root is looked up from the new one, and made there. Not below /tmp, which is the
        # container's own.
        local canary
        canary=$(mktemp -d /var/lib/berth-canary.XXXXXX)
        rm -r "$TREE/deploy/os/sysroot"
        for to in "$canary" "../../../../../../../..$canary"; do
                ln -sfn "$to" "$TREE/deploy/os/sysroot"
                opts=(--pivot-root=/deploy/os:/sysroot/x)
                in_tree ls -d /sysroot/x/deploy
                status_is 0
                output_is /sysroot/x/deploy
                [ "$(ls -A "$TREE/deploy/os$canary")" = x ]
                rm -r "$TREE/deploy/os/var/lib"
                rmdir "$canary" # with nothing in it
                mkdir "$canary"
        done
        rmdir "$canary"
}

@test "the key, in a file that is trusted; and what is refused" {
        nested_tree
        printf '[Exec]\nPivotRoot=/current:/sysroot\n' >"$TREE.nspawn"
        opts=(--settings=trusted)
        in_tree ls /sysroot/top
        status_is 0
        opts=(--pivot-root=/deploy/os)
        in_tree ls /sysroot/top
        never status_is 0
        [[ $errors == *PivotRoot* ]]
        rm "$TREE.nspawn"
        opts=(--pivot-root=/current:/run/old)
        in_tree true
        refused "covered by what every container gets"
        opts=(--pivot-root=/)
        in_tree true
        refused "not plain absolute paths"
}
