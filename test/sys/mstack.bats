#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Mount stacks (systemd.mstack(7)): a directory that says by the names in it what the root is made of.

load ../lib/common

# A stack of three layers, the tree the lowest of them: $STACK.
make_stack() {
        STACK=$work/os.mstack
        mkdir -p "$STACK"/layer@{9,10}/etc
        cp -a "$TREE" "$STACK/layer@0"
        mkdir "$STACK/layer@0/data"
        echo nine >"$STACK/layer@9/etc/which"
        echo nine >"$STACK/layer@9/etc/nine"
        echo ten >"$STACK/layer@10/etc/which"
}

from_stack() {
        try berth -q "${opts[@]}" "--mstack=$STACK" "$@"
}

@test "layers lie over each other by the order of their versions, read-only without a place for changes" {
        make_stack
        touch "$STACK/notes"
        from_stack sh -c 'cat /etc/which /etc/nine; hostname; stat -c %u /etc /etc/which; echo new >/etc/new'
        line_is ten
        line_is nine
        line_is os
        errors_has "Read-only file system"
        rm -r "$STACK"/layer@9 "$STACK"/layer@10
        from_stack sh -c 'ls /etc/passwd; echo new >/etc/new'
        line_is /etc/passwd
        errors_has "Read-only file system"
        try strict -q "--mstack=$STACK" ls /etc/passwd
        output_is /etc/passwd
}

@test "rw keeps changes, with owners as in the tree; --ephemeral and --read-only leave it alone" {
        make_stack
        mkdir "$STACK/rw"
        from_stack sh -c 'echo new >/etc/new; echo changed >/etc/which; rm /etc/nine; stat -c %u /etc/new /'
        output_is $'0\n0'
        [ "$(stat -c %u:%g "$STACK/rw/data/etc/new")" = 0:0 ]
        [ "$(<"$STACK/layer@10/etc/which")" = ten ]
        from_stack sh -c 'cat /etc/new /etc/which; ls /etc/nine'
        line_is new
        line_is changed
        errors_has "No such file or directory"
        opts=(-x)
        from_stack sh -c 'cat /etc/which; echo gone >/etc/which; cat /etc/which'
        output_is $'changed\ngone'
        opts=(--read-only)
        from_stack sh -c 'cat /etc/which; echo gone >/etc/which'
        output_is changed
        errors_has "Read-only file system"
        opts=(--private-users=no)
        from_stack sh -c 'cat /etc/which; echo more >/etc/more; stat -c %u /etc/more'
        output_is $'changed\n0'
}

@test "rw that was never written to is no layer" {
        local how
        make_stack
        mkdir "$STACK/rw"
        for how in -x --read-only --volatile=overlay; do
                opts=("$how")
                from_stack cat /etc/which
                output_is ten
        done
        [ -z "$(ls -A "$STACK/rw")" ]
        rm -r "$STACK"/layer@*
        mkdir "$STACK/root"
        cp -a "$TREE/." "$STACK/root"
        opts=(--read-only)
        from_stack /bin/true
        refused 'cannot run /bin/true'
        opts=()
        mkdir -p "$STACK/rw/data"
        mv "$STACK/root/usr" "$STACK/rw/data/usr"
        from_stack cat /etc/hostname
        output_is tree-hostname
}

@test "a layer that is an image, and versions of one" {
        make_stack
        mksquashfs "$STACK/layer@0" "$work/base.raw" -quiet -no-progress >/dev/null
        rm -r "$STACK/layer@0"
        ln -s ../base.raw "$STACK/layer@0.raw"
        mkdir "$STACK/rw"
        from_stack sh -c 'cat /etc/which; echo new >/etc/new; ls /bin/busybox'
        output_is $'ten\n/bin/busybox'
        mkdir "$STACK/layer@9.v"
        mv "$STACK/layer@9" "$STACK/layer@9.v/layer@9_1"
        cp -a "$STACK/layer@9.v/layer@9_1" "$STACK/layer@9.v/layer@9_2"
        echo second >"$STACK/layer@9.v/layer@9_2/etc/nine"
        from_stack sh -c 'cat /etc/nine /etc/new'
        output_is $'second\nnew'
        echo nonsense >"$STACK/layer@5.raw"
        from_stack true
        refused "no disk image to start from"
}

@test "bind@ on a single layer: the host's own directory does not get the mount" {
        local place
        make_stack
        rm -r "$STACK"/layer@9 "$STACK"/layer@10
        mkdir -p "$STACK/rw" "$STACK/bind@data"
        touch "$STACK/bind@data/inside"
        # What is mounted below a mount that the host shares is seen there.
        place=$(stat -c %m "$STACK")
        [[ $(findmnt -no PROPAGATION "$place") == shared ]]
        from_stack ls /data
        output_is inside
        never mountpoint -q "$STACK/layer@0/data"
        [ -z "$(ls -A "$STACK/layer@0/data")" ]
}

@test "bind@ and robind@: what else is mounted, at escaped paths" {
        make_stack
        mkdir -p "$STACK/rw" "$STACK/bind@data" "$STACK/bind@srv-a\\x2db" "$STACK/robind@opt"
        echo here >"$STACK/robind@opt/file"
        from_stack sh -c 'echo one >/data/one; echo two >/srv/a-b/two; cat /opt/file; touch /opt/new; stat -c %u /data/one'
        output_is $'here\n0'
        errors_has "Read-only file system"
        [ "$(<"$STACK/bind@data/one")" = one ]
        [ "$(<"$STACK/bind@srv-a\\x2db/two")" = two ]
        [ "$(stat -c %u "$STACK/bind@data/one")" = 0 ]
}

@test "images at bind@ and robind@ are mounted there, writable or not" {
        make_stack
        mkdir "$work/content"
        echo content >"$work/content/file"
        truncate -s 16M "$STACK/bind@data.raw"
        mke2fs -q -t ext4 -d "$work/content" "$STACK/bind@data.raw"
        mksquashfs "$work/content" "$STACK/bind@opt.raw" -quiet -no-progress >/dev/null
        cp "$STACK/bind@data.raw" "$work/srv.raw"
        ln -s ../srv.raw "$STACK/robind@srv.raw"
        mkdir "$STACK/rw"
        from_stack sh -c 'cat /data/file /opt/file /srv/file; echo kept >/data/kept; stat -c %u /data/kept; touch /opt/new /srv/new; grep -E " /(data|opt|srv) " /proc/self/mountinfo'
        line_is 0
        [ "$(grep -c content <<<"$output")" = 3 ]
        output_matches ' /data rw,nodev.* - ext4 '
        output_matches ' /opt ro,nodev.* - squashfs '
        output_matches ' /srv ro,nodev.* - ext4 '
        [ "$(grep -c 'Read-only file system' <<<"$errors")" = 2 ]
        from_stack cat /data/kept
        output_is kept
        opts=(-x)
        from_stack sh -c 'cat /data/kept; touch /data/new'
        output_is kept
        errors_has 'Read-only file system'
        # A second one would write to it, too.
        opts=()
        start_berth -q -M one "--mstack=$STACK" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        rm -r "$STACK/rw"
        opts=(-M two)
        from_stack true
        refused busy
        # But for the one that is to be replaced.
        mkdir "$STACK/rw"
        try berth -q --replace -M one "--mstack=$STACK" cat /data/file
        status_is 0
        output_is content
        wait "$launcher" || true
}

@test "a stack may be nothing but an image at bind@usr" {
        STACK=$work/os.mstack
        mkdir "$STACK"
        mksquashfs "$TREE/usr" "$STACK/bind@usr.raw" -quiet -no-progress >/dev/null
        from_stack /usr/bin/busybox sh -c 'busybox=/usr/bin/busybox; $busybox cat /usr/lib/os-release; $busybox grep " /usr " /proc/self/mountinfo'
        status_is 0
        output_has berth-test
        output_matches ' /usr ro.* - squashfs '
}

# A root of its own, and usr from a layer and a change to it: $STACK.
make_based() {
        STACK=$work/os.mstack
        mkdir -p "$STACK/layer@0" "$STACK/layer@1/usr/lib" "$STACK/layer@1/etc"
        cp -a "$TREE" "$STACK/root"
        mv "$STACK/root/usr" "$STACK/layer@0/usr"
        echo one >"$STACK/layer@1/usr/lib/which"
        echo one >"$STACK/layer@1/etc/only-of-layer"
}

@test "root/ is the root, and keeps changes; of the layers there is usr" {
        make_based
        from_stack sh -c 'cat /usr/lib/which; ls /etc/only-of-layer; echo new >/etc/new; stat -c %u:%g / /usr /etc/new; touch /usr/new'
        line_is one
        [ "$(grep -c '^0:0$' <<<"$output")" = 3 ]
        errors_has "/etc/only-of-layer: No such file"
        errors_has "Read-only file system"
        [ "$(<"$STACK/root/etc/new")" = new ]
        [ "$(stat -c %u "$STACK/root/etc/new")" = 0 ]
        [ -z "$(ls -A "$STACK/root/usr")" ]
        opts=(--read-only)
        from_stack sh -c 'cat /etc/new; touch /etc/other'
        output_is new
        errors_has "Read-only file system"
        opts=(--private-users=no)
        from_stack sh -c 'cat /etc/new /usr/lib/which'
        output_is $'new\none'
}

@test "root/ and rw: changes of usr are kept in rw, and those of an ephemeral run nowhere" {
        make_based
        mkdir "$STACK/rw"
        from_stack sh -c 'echo two >/usr/lib/which; echo new >/etc/new'
        status_is 0
        [ "$(<"$STACK/rw/data/usr/lib/which")" = two ]
        [ "$(<"$STACK/root/etc/new")" = new ]
        [ "$(<"$STACK/layer@1/usr/lib/which")" = one ]
        opts=(-x)
        from_stack sh -c 'cat /usr/lib/which /etc/new; echo gone >/usr/lib/which; echo gone >/etc/new; cat /usr/lib/which /etc/new'
        output_is $'two\nnew\ngone\ngone'
        [ "$(<"$STACK/rw/data/usr/lib/which")" = two ]
        [ "$(<"$STACK/root/etc/new")" = new ]
        opts=()
        from_stack cat /usr/lib/which
        output_is two
}

@test "root/ that is empty at first, with usr from an image: busybox boots, and restarts" {
        make_based
        mksquashfs "$STACK/layer@0" "$work/vendor.raw" -quiet -no-progress >/dev/null
        rm -r "$STACK/layer@0"
        ln -s ../vendor.raw "$STACK/layer@0.raw"
        rm -rf "$STACK/root"
        mkdir -p "$STACK/root/etc"
        cp "$TREE"/etc/{inittab,rc,rc.shutdown} "$STACK/root/etc"
        ln -s usr/bin usr/sbin usr/lib "$STACK/root"
        on_terminal 'expect=PID 1 is busybox' 'expect=# ' 'send=cat /usr/lib/which; echo kept >/etc/kept; reboot\r' \
                'expect=one' 'expect=PID 1 is busybox' 'expect=# ' 'send=cat /etc/kept; poweroff\r' \
                -- "$BERTH" -q -b "--mstack=$STACK"
        status_is 0
        output_has kept
        [ "$(<"$STACK/root/etc/kept")" = kept ]
}

@test "an empty stack is an empty root in memory" {
        STACK=$work/empty.mstack
        mkdir "$STACK"
        from_stack true
        refused "no OS tree"
        mkdir "$STACK/robind@usr"
        cp -a "$TREE/usr/." "$STACK/robind@usr"
        from_stack sh -c 'echo new >/new; cat /new; awk "\$5 == \"/\"" /proc/self/mountinfo'
        line_is new
        output_has " - tmpfs tmpfs rw"
        [ -z "$(find "$STACK" -name new)" ]
}

@test "-M finds NAME.mstack; busybox boots from one, and restarts" {
        make_stack
        mkdir "$STACK/rw"
        mv "$STACK" /var/lib/machines/found.mstack
        try berth -q -M found sh -c 'cat /etc/which; hostname'
        local first=$output
        on_terminal 'expect=PID 1 is busybox' 'expect=# ' 'send=echo kept >/etc/kept; reboot\r' 'expect=PID 1 is busybox' 'expect=# ' \
                'send=cat /etc/kept; poweroff\r' -- "$BERTH" -q -b -M found
        rm -r /var/lib/machines/found.mstack
        [ "$first" = $'ten\nfound' ]
        status_is 0
        output_has kept
}

@test "one at a time, unless nothing is written" {
        make_stack
        start_berth -q -M one "--mstack=$STACK" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        opts=(-M two)
        from_stack echo shared
        stop_berth
        output_is shared
        mkdir "$STACK/rw"
        start_berth -q -M one "--mstack=$STACK" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        from_stack true
        refused busy
        stop_berth
}

@test "what a stack cannot be is refused by name" {
        make_stack
        opts=(-D "$TREE")
        from_stack true
        refused "exclude each other"
        opts=(--volatile=yes)
        from_stack true
        refused "--volatile=yes does not go with"
        opts=("--overlay-upper=$work")
        from_stack true
        refused "--overlay-upper= does not go with"
        opts=()
        ln -s nowhere "$STACK/bind@mnt"
        from_stack true
        refused "bind@mnt in $STACK is a link to what is not there"
        rm "$STACK/bind@mnt"
        touch "$STACK/root"
        from_stack true
        refused "a directory has no .raw"
        rm "$STACK/root"
        local name
        for name in "bind@" "bind@-" "bind@srv--a" "bind@..-etc" 'bind@a\x2' 'bind@a\x00' "robind@a-."; do
                mkdir "$STACK/$name"
                from_stack true
                refused "not the escaped path"
                rmdir "$STACK/$name"
        done
        touch "$STACK/layer@3"
        from_stack true
        refused "a directory has no .raw"
        rm "$STACK/layer@3"
        mkfifo "$STACK/layer@3"
        from_stack true
        refused "neither a directory nor an image"
        rm "$STACK/layer@3"
        mkdir "$STACK/layer@3.v"
        from_stack true
        refused "no version in it fits"
        STACK=$work/missing.mstack
        from_stack true
        refused "No such file or directory"
}

@test "links in a layer lead nowhere else, and the stack's own directory does not change" {
        make_stack
        local before after
        rm -rf "$STACK/layer@10/etc"
        ln -s /etc "$STACK/layer@10/etc"
        before=$(ls -lA --time-style=full-iso "$STACK")
        from_stack sh -c 'readlink /etc; echo here' || true
        after=$(ls -lA --time-style=full-iso "$STACK")
        [ "$before" = "$after" ]
}
