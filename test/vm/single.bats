#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A host that lets nobody in a user namespace make another: Debian's kernels have a switch for that.

load ../lib/common
load ../host/common

switch=/proc/sys/kernel/unprivileged_userns_clone
limit=60

teardown_file() {
        echo 1 >/proc/sys/kernel/unprivileged_userns_clone
}

# What the payload may undo, and what it sees; without what is by chance.
look_inside() {
        try berth -D "$TREE" -M same --private-users=pick sh -c '
                for m in /proc/kcore /proc/keys /proc/sys /sys /dev /run/host; do umount $m && echo "$m unmounted"; done
                mount -o remount,bind,rw /proc/sys && echo writable; mknod /dev/mem c 1 1 && echo made
                unshare -m sh -c "umount /proc/keys" && echo unmasked; echo 1 >/proc/sys/kernel/panic && echo written
                grep -E "^(Cap|NoNewPrivs|Seccomp|Groups)" /proc/self/status
                sed "s/^[0-9]* [0-9]* [0-9:]* //; s/ master:[0-9]*//; s/ shared:[0-9]*//; s/id=[0-9]*/id=/g" /proc/self/mountinfo'
        status_is 0
}

@test "a container has a user namespace, and its mounts are locked as elsewhere" {
        fresh_tree
        echo 1 >$switch
        look_inside
        cp "$work/.stdout" "$work/elsewhere"
        never grep -E '^(writable|made|unmasked|written)$|unmounted$' "$work/elsewhere"
        echo 0 >$switch
        look_inside
        errors_has "no user namespace can be made in another one here (kernel.unprivileged_userns_clone): root inside can change the sizes of /run, /dev/shm and other file systems in memory"
        diff "$work/elsewhere" "$work/.stdout"
}

@test "and what it is said to be weaker in, and no more: sizes of file systems in memory" {
        fresh_tree
        local at expect='mount: permission denied (are you root?)'
        for at in 1 0; do
                echo $at >$switch
                try berth -q -D "$TREE" sh -c 'mount -o remount,nosuid,nodev,size=9m tmpfs /run && df -m /run | tail -n 1 | tr -s " " | cut -d " " -f 2'
                [ $at = 1 ] || expect=
                errors_is "$expect"
                [ $at = 1 ] || output_is 9
        done
}

@test "an OS boots so, its units are well, and it ends" {
        echo 0 >$switch
        host_tree trixie
        limit=150
        on_terminal 'expect=login:' 'send=root\r' 'expect=# ' \
                'send=systemctl is-system-running --wait; systemctl --failed --no-legend --no-pager | sed s/^/FAILED:/; umount /proc/sys || echo locked-$((1+1))\r' \
                'expect=locked-2' 'send=systemctl poweroff\r' -- "$BERTH" -q -b -D "$TREE"
        status_is 0
        plain_output
        output_matches '^running'
        never grep '^FAILED:' <<<"$output"
        rm -rf "$TREE"
}
