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
        mkdir -p /var/lib/machines
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
        mkdir "$STACK/root"
        from_stack true
        refused "not supported yet"
        rmdir "$STACK/root"
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
