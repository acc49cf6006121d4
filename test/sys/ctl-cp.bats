#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berthctl cp: to a container and back, with owners mapped, and against containers that do not want it.

load ../lib/common

# A container on a tree of its own, called box.
start_box() {
        fresh_tree
        chown -R 0:0 "$TREE"
        start_berth -q -M box "${opts[@]}" -D "$TREE" sh -c 'echo ready; exec sleep 1000'
        await "$work/out" ready
}

# The same with a payload of its own.
start_box_with() {
        fresh_tree
        chown -R 0:0 "$TREE"
        start_berth -q -M box "${opts[@]}" -D "$TREE" sh -c "$1"
        await "$work/out" ready
}

inside() {
        ctl exec box "$@" </dev/null
}

# Name, type, mode, owner, size and target of all that is below $1.
listing() {
        (cd "$1" && find . -mindepth 1 -printf '%P %y %m %U:%G %s %l\n' | sort)
}

@test "cp: a file there and back" {
        start_box
        head -c 100000 /dev/urandom >"$work/file"
        chmod 0640 "$work/file"
        try ctl cp "$work/file" box:/root/copy
        status_is 0
        output_is ""
        errors_is ""
        try inside stat -c '%a %u:%g %s' /root/copy
        output_is "640 0:0 100000"
        try ctl cp box:/root/copy "$work/back"
        status_is 0
        cmp "$work/file" "$work/back"
        [ "$(stat -c '%a %u:%g' "$work/back")" = "640 0:0" ]
        # Into directories, under its own name; relative paths begin at the root of the container.
        try ctl cp "$work/file" box:tmp
        status_is 0
        try ctl cp box:tmp/file box:/root/copy "$work"
        status_is 0
        cmp "$work/file" "$work/copy"
        inside test -f /tmp/file
        stop_berth
}

@test "cp: file systems of the container's own" {
        local dir
        start_box
        echo text >"$work/file"
        for dir in /tmp /run /dev/shm; do
                try ctl cp "$work/file" "box:$dir/"
                status_is 0
                try inside stat -c %u:%g "$dir/file"
                output_is 0:0
                try ctl cp "box:$dir/file" "$work/back"
                status_is 0
                [ "$(cat "$work/back")" = text ]
        done
        stop_berth
}

@test "cp: without a user namespace too" {
        opts=(--private-users=no)
        start_box
        echo text >"$work/file"
        chown 1000:1001 "$work/file"
        try ctl cp "$work/file" box:/root/plain
        try ctl cp -a "$work/file" box:/root/kept
        status_is 0
        [ "$(stat -c %u:%g "$TREE/root/plain")" = 0:0 ]
        [ "$(stat -c %u:%g "$TREE/root/kept")" = 1000:1001 ]
        stop_berth
}

@test "cp: what is there is replaced at once, and never written to" {
        start_box
        echo old >"$TREE/root/file"
        ln "$TREE/root/file" "$TREE/root/other"
        ln -s other "$TREE/root/link"
        echo new >"$work/file"
        try ctl cp "$work/file" box:/root/file
        status_is 0
        [ "$(cat "$TREE/root/file")" = new ]
        [ "$(cat "$TREE/root/other")" = old ]
        try ctl cp "$work/file" box:/root/link
        status_is 0
        [ ! -L "$TREE/root/link" ]
        [ "$(cat "$TREE/root/other")" = old ]
        echo outside >"$work/target"
        ln -s target "$work/link"
        try ctl cp box:/root/file "$work/link"
        status_is 0
        [ "$(cat "$work/target")" = outside ]
        [ "$(cat "$work/link")" = new ]
        [ -z "$(find "$TREE" "$work" -xdev -name '.berthctl*')" ]
        stop_berth
}

@test "cp: directories with all that is in them" {
        start_box
        mkdir -p "$work/dir/sub/deep" "$work/dir/empty"
        echo a >"$work/dir/a"
        echo b >"$work/dir/sub/deep/b"
        ln -s ../a "$work/dir/sub/link"
        ln -s /nowhere "$work/dir/dangling"
        chmod 0750 "$work/dir/sub"
        chmod 0755 "$work/dir/a"
        try ctl cp "$work/dir" box:/root/new
        status_is 0
        try ctl cp box:/root/new "$work/back"
        status_is 0
        [ "$(listing "$work/dir")" = "$(listing "$work/back")" ] || fail "$(diff <(listing "$work/dir") <(listing "$work/back"))"
        # Into one that is there it is added by its name, and a second time merged.
        echo c >"$work/dir/c"
        try ctl cp "$work/dir" box:/root/new
        status_is 0
        [ "$(cat "$TREE/root/new/dir/c")" = c ]
        echo kept >"$TREE/root/new/dir/kept"
        echo changed >"$work/dir/a"
        try ctl cp "$work/dir" box:/root/new
        status_is 0
        [ "$(cat "$TREE/root/new/dir/kept")" = kept ]
        [ "$(cat "$TREE/root/new/dir/a")" = changed ]
        try ctl cp "$work/dir/" box:/root/slash
        status_is 0
        [ -f "$TREE/root/slash/a" ]
        stop_berth
}

# Half a directory is no copy of it. Each read of one fails once.
@test "cp: a directory that cannot be read to its end" {
        local when n=0
        start_box
        mkdir -p "$work/dir/below"
        touch "$work/dir/"{a,b,c} "$work/dir/below/"{d,e}
        for when in {1..9}; do
                try strace -qq -o "$work/trace" -P "$work/dir" -P "$work/dir/below" -e trace=getdents64 \
                        -e inject="getdents64:error=EIO:when=$when" "$BERTHCTL" cp "$work/dir" "box:/root/copy$when"
                grep -q INJECTED "$work/trace" || break
                n=$when
                status_is 1
                errors_has "cannot read the directory $work/dir"
                errors_has "Input/output error"
                never inside test -e "/root/copy$when"
        done
        [ "$n" -ge 3 ]
        status_is 0
        inside test -e "/root/copy$when/below/e"
        stop_berth
}

@test "cp: holes stay holes" {
        start_box
        truncate -s 100M "$work/sparse"
        printf x | dd of="$work/sparse" bs=1 seek=50000000 conv=notrunc status=none
        try ctl cp "$work/sparse" box:/root/
        status_is 0
        [ "$(stat -c %s "$TREE/root/sparse")" = $((100 * 1024 * 1024)) ]
        [ "$(stat -c %b "$TREE/root/sparse")" -lt 2000 ]
        cmp "$work/sparse" "$TREE/root/sparse"
        try ctl cp box:/root/sparse "$work/back"
        status_is 0
        [ "$(stat -c %b "$work/back")" -lt 2000 ]
        cmp "$work/sparse" "$work/back"
        : >"$work/empty"
        try ctl cp "$work/empty" box:/root/
        status_is 0
        [ -f "$TREE/root/empty" ]
        try ctl cp box:/proc/1/status "$work/made-up"
        status_is 0
        grep -q ^Name: "$work/made-up"
        stop_berth
}

@test "cp --archive: owners by their numbers inside, times, set-user-ID bits to the inside only" {
        start_box
        mkdir "$work/dir"
        echo x >"$work/dir/x"
        ln -s x "$work/dir/l"
        chown -h 1000:2000 "$work/dir" "$work/dir/x" "$work/dir/l"
        chmod 6755 "$work/dir/x"
        touch -d '2001-02-03 04:05:06' "$work/dir/x" "$work/dir"
        try ctl cp -a "$work/dir" box:/root/
        status_is 0
        try inside stat -c '%n %a %u:%g' /root/dir /root/dir/x /root/dir/l
        output_is "/root/dir 755 1000:2000
/root/dir/x 6755 1000:2000
/root/dir/l 777 1000:2000"
        [ "$(stat -c %Y "$TREE/root/dir/x")" = "$(stat -c %Y "$work/dir/x")" ]
        [ "$(stat -c %Y "$TREE/root/dir")" = "$(stat -c %Y "$work/dir")" ]
        try ctl cp --archive box:/root/dir "$work/back"
        status_is 0
        [ "$(stat -c '%a %u:%g' "$work/back/x")" = "755 1000:2000" ]
        [ "$(stat -c '%u:%g' "$work/back/l")" = "1000:2000" ]
        try ctl cp box:/root/dir/x "$work/plain"
        [ "$(stat -c '%a %u:%g' "$work/plain")" = "755 0:0" ]
        try ctl cp "$work/dir/x" box:/root/plain
        try inside stat -c '%a %u:%g' /root/plain
        output_is "755 0:0"
        chown 100000 "$work/dir/x"
        try ctl cp -a "$work/dir/x" box:/root/
        refused "belongs to user 100000"
        stop_berth
}

@test "cp: devices, pipes and sockets are left out, and nothing of them is opened" {
        start_box
        mkdir "$work/dir"
        mkfifo "$work/dir/pipe"
        mknod "$work/dir/null" c 1 3
        echo x >"$work/dir/x"
        try ctl cp "$work/dir" box:/root/
        status_is 1
        errors_has "pipe is a pipe: left out"
        errors_has "null is a device: left out"
        [ -f "$TREE/root/dir/x" ]
        [ ! -e "$TREE/root/dir/pipe" ]
        mkfifo "$TREE/root/fifo"
        limit=5 try ctl cp box:/root/fifo "$work/"
        status_is 1
        errors_has "is a pipe: left out"
        try ctl cp box:/dev/null "$work/"
        status_is 1
        errors_has "is a device: left out"
        [ ! -e "$work/null" ]
        stop_berth
}

@test "cp: other file systems inside of a directory are left out" {
        start_box
        try ctl cp box:/ "$work/all"
        status_is 1
        errors_has "/proc is another file system: left out"
        errors_has "/dev is another file system: left out"
        [ ! -e "$work/all/proc" ]
        [ -f "$work/all/etc/os-release" ]
        stop_berth
}

@test "cp: links of the container never lead out of it" {
        mkdir "$work/host"
        echo secret >"$work/host/secret"
        start_box
        ln -s "$work/host" "$TREE/root/absolute"
        ln -s ../../../../../../../../../.."$work/host" "$TREE/root/relative"
        ln -s /proc/1/root "$TREE/root/magic"
        ln -s loop "$TREE/root/loop"
        echo evil >"$work/file"
        local name
        for name in absolute relative; do
                try ctl cp "$work/file" "box:/root/$name/"
                refused "cannot open"
                try ctl cp "$work/file" "box:/root/$name/x"
                refused "cannot open"
                try ctl cp "box:/root/$name/secret" "$work/stolen"
                refused "cannot open"
        done
        # A path of that name inside is what they mean.
        inside mkdir -p "$work/host"
        try ctl cp "$work/file" box:/root/absolute/
        status_is 0
        inside test -f "$work/host/file"
        for name in magic/etc loop/x ../../../../../../proc/1/root/etc; do
                try ctl cp "$work/file" "box:/root/$name/"
                refused || fail "$name"
                try ctl cp "box:/root/$name/os-release" "$work/stolen"
                refused || fail "$name"
        done
        try ctl cp "$work/file" "box:../../../../../../../..$work/"
        [ "$(ls "$work/host")" = secret ]
        # Links that are copied out stay links.
        try ctl cp box:/root "$work/out-dir"
        status_is 0
        [ -L "$work/out-dir/absolute" ]
        # And what is copied over them later does not go through them.
        rm -r "$TREE/root/absolute"
        mkdir "$TREE/root/absolute"
        echo evil >"$TREE/root/absolute/secret"
        try ctl cp box:/root/. "$work/out-dir"
        try ctl cp box:/root "$work/out-dir"
        try ctl cp box:/root/absolute "$work/out-dir/"
        [ "$(cat "$work/host/secret")" = secret ]
        [ "$(ls "$work/host")" = secret ]
        stop_berth
}

@test "cp: a container that swaps directories for links meanwhile" {
        mkdir "$work/host"
        start_box_with "mkdir -p /root/a/b /evil; ln -s $work/host /evil/b; echo ready
                while :; do mv /root/a /root/c; mv /evil /root/a; mv /root/a /evil; mv /root/c /root/a; done"
        mkdir -p "$work/dir/b/c"
        local i
        for i in {1..40}; do
                echo "$i" >"$work/dir/b/x$i"
                try ctl cp "$work/dir" box:/root/a/b
                try ctl cp "$work/dir/b" box:/root/a/
                try ctl cp "$work/dir/b/x$i" box:/root/a/b/
        done
        [ -z "$(ls -A "$work/host")" ]
        # The tree is still what the mover works on: it may be at either place.
        [ -n "$(find "$TREE" -name 'x1' | head -n 1)" ]
        stop_berth
}

@test "cp: into directories of nobody inside nothing is written" {
        start_box
        mkdir "$TREE/root/hosts"
        chown 100000:100000 "$TREE/root/hosts"
        echo x >"$work/file"
        try ctl cp "$work/file" box:/root/hosts/
        refused "belongs to nobody in box"
        mkdir "$work/hosts"
        echo x >"$work/hosts/file"
        try ctl cp "$work/hosts" box:/root
        refused "belongs to nobody in box"
        [ -z "$(ls -A "$TREE/root/hosts")" ]
        stop_berth
}

@test "cp: bad words" {
        start_box
        echo x >"$work/file"
        try ctl cp "$work/file"
        refused "needs more words"
        try ctl cp "$work/file" "$work/other"
        refused "one side is to be the host"
        try ctl cp box:/etc/passwd box:/root/
        refused "one side is to be the host"
        try ctl cp "$work/file" nosuch:/root
        refused "there is no container named nosuch"
        try ctl cp "$work/nosuch" box:/root
        refused "cannot open"
        try ctl cp box:/nosuch "$work"
        refused "cannot open /nosuch"
        try ctl cp "$work/file" box:/nosuch/
        refused "cannot open the directory /nosuch/"
        try ctl cp "$work/file" box:/nosuch/x
        refused "cannot open the directory above"
        try ctl cp box:/ "$work"
        refused "has no name of its own"
        try ctl cp "$work/file" "$work/strict" box:/root/nosuch
        refused "several sources"
        try ctl cp "" box:/root
        refused "a path is empty"
        try ctl cp "$work/strict" box:/etc/passwd
        refused "no directory"
        cp "$work/file" "$work/a:b"
        cd "$work"
        try ctl cp ./a:b box:/root/
        status_is 0
        [ -f "$TREE/root/a:b" ]
        stop_berth
}

@test "cp: a read-only container" {
        opts=(--read-only)
        start_box
        echo x >"$work/file"
        try ctl cp "$work/file" box:/root/
        refused "Read-only file system"
        try ctl cp "$work/file" box:/tmp/
        status_is 0
        stop_berth
}
