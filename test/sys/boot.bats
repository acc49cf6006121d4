#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# --boot: every kind of init up to its login prompt, and down again.

load ../lib/common

# Each of these works on a copy, since an init writes to its tree.
booted_tree() {
        need_tree "$1"
        fresh_tree "$1"
}

# Boots, logs in as root at the console, runs the command, waits for the end.
log_in_and() {
        limit=60
        on_terminal 'expect=login:' 'send=root\r' 'expect=# ' "send=$1\r" "${@:2}" -- "$BERTH" -q -b -D "$TREE"
}

@test "busybox: boots to a shell on the console, and poweroff from inside ends with 0" {
        fresh_tree
        on_terminal 'expect=PID 1 is busybox' 'expect=# ' 'send=poweroff\r' -- "$BERTH" -q -b -D "$TREE"
        status_is 0
        output_has "busybox init goes down"
        [[ $report == *termios=same* ]]
}

@test "trixie: boots to multi-user with no failed unit, and powers off from inside with 0" {
        booted_tree trixie
        log_in_and 'systemctl is-system-running --wait; systemctl --failed --no-legend --no-pager | sed s/^/FAILED:/; echo done-$((1+1))' \
                'expect=done-2' 'send=systemctl poweroff\r'
        status_is 0
        plain_output
        output_matches '^running'
        never grep '^FAILED:' <<<"$output"
        [[ $report == *termios=same* ]]
}

@test "bookworm: boots to multi-user with no failed unit, and powers off from inside with 0" {
        booted_tree bookworm
        log_in_and 'systemctl is-system-running --wait; systemctl --failed --no-legend --no-pager | sed s/^/FAILED:/; echo done-$((1+1))' \
                'expect=done-2' 'send=systemctl poweroff\r'
        status_is 0
        plain_output
        output_matches '^running'
        never grep '^FAILED:' <<<"$output"
}

@test "trixie under the other name: boots, and powers off from inside with 0" {
        booted_tree trixie
        limit=60
        on_terminal 'expect=login:' 'send=root\r' 'expect=# ' 'send=systemctl is-system-running --wait; echo done-$((1+1))\r' \
                'expect=done-2' 'send=systemctl poweroff\r' -- "$STRICT" -q -b -D "$TREE"
        status_is 0
        plain_output
        output_matches '^running'
}

@test "sysvinit: boots to the login prompt, and powers off from inside with 0" {
        booted_tree sysvinit
        log_in_and poweroff
        status_is 0
}

@test "openrc: boots to the login prompt, and powers off from inside with 0" {
        booted_tree openrc
        log_in_and poweroff
        status_is 0
}

@test "runit: boots to the login prompt, and powers off from inside with 0" {
        booted_tree runit
        log_in_and 'init 0'
        status_is 0
}

# At the console of a booted container there is job control: Ctrl-C ends what runs there, and no init takes it for a request
# to reboot.
interrupt_at_console() {
        limit=90
        on_terminal "$@" 'expect=# ' 'send=sleep 1000\r' sleep=1000 'send=\x03' 'expect=# ' 'send=sleep 1001\r' sleep=1000 'send=\x1a' \
                'expect=Stopped' 'expect=# ' 'send=kill -9 %1; echo jobs-$((1+1))\r' 'expect=jobs-2' 'expect=# ' "send=$off\r" -- "$BERTH" -q -b -D "$TREE"
        status_is 0
        output_lacks "job control"
}

@test "busybox: Ctrl-C and Ctrl-Z at the console" {
        fresh_tree
        off=poweroff interrupt_at_console
}

@test "trixie: Ctrl-C and Ctrl-Z at the console" {
        booted_tree trixie
        off='systemctl poweroff' interrupt_at_console 'expect=login:' 'send=root\r'
}

@test "sysvinit: Ctrl-C and Ctrl-Z at the console" {
        booted_tree sysvinit
        off=poweroff interrupt_at_console 'expect=login:' 'send=root\r'
}

@test "openrc: Ctrl-C and Ctrl-Z at the console" {
        booted_tree openrc
        off=poweroff interrupt_at_console 'expect=login:' 'send=root\r'
}

@test "runit: Ctrl-C and Ctrl-Z at the console" {
        booted_tree runit
        off='init 0' interrupt_at_console 'expect=login:' 'send=root\r'
}

@test "Ctrl-C while an init starts and has no terminal yet is not for the init" {
        fresh_tree
        printf '::ctrlaltdel:/bin/touch /srv/asked\n' >>"$TREE/etc/inittab"
        printf '#!/bin/sh\necho early\nsleep 2\n' >"$TREE/etc/rc.test"
        chmod 0755 "$TREE/etc/rc.test"
        on_terminal 'expect=early' 'send=\x03' 'expect=# ' 'send=poweroff\r' -- "$BERTH" -q -b -D "$TREE"
        status_is 0
        [ ! -e "$TREE/srv/asked" ]
}

# Starts in the background, waits for the text at the console, sends TERM to the launcher.
stop_by_term() {
        local text=$1
        limit=60
        on_terminal "expect=$text" sleep=300 signal=TERM -- "$BERTH" -q -b -D "$TREE"
        status_is 0
}

@test "TERM to the launcher shuts busybox down in order" {
        fresh_tree
        stop_by_term '# '
        output_has "busybox init goes down"
}

@test "TERM before the init can hear it is not lost" {
        fresh_tree
        rm "$TREE/usr/sbin/init" "$TREE/etc/inittab"
        printf '#!/bin/sh\necho early\nsleep 2\ntrap "echo heard; exit 3" TERM\nwhile :; do sleep 0.1; done\n' >"$TREE/usr/sbin/init"
        chmod 0755 "$TREE/usr/sbin/init"
        start_berth -q -b -D "$TREE"
        await "$work/out" early
        kill "$launcher"
        await_end
        status_is 3
        grep heard "$work/out"
        # Before the first instruction of an init that shows nothing of what it waits for.
        fresh_tree busybox other
        for delay in 0.004 0.005 0.006 0.007 0.008 0.01; do
                start_berth -q -b -D "$TREE"
                sleep "$delay"
                kill "$launcher"
                await_end
                [ "$status" != 137 ]
        done
}

@test "TERM to the launcher shuts systemd down in order" {
        booted_tree trixie
        stop_by_term 'login:'
        output_matches 'Reached target.*(Power Off|Shutdown)|[Pp]owering off|System Power Off'
}

@test "TERM to the launcher shuts sysvinit down in order" {
        booted_tree sysvinit
        stop_by_term 'login:'
}

@test "TERM to the launcher shuts openrc down in order" {
        booted_tree openrc
        stop_by_term 'login:'
}

@test "TERM to the launcher shuts runit down in order" {
        booted_tree runit
        stop_by_term 'login:'
}

# Of inits that this machine has none of: the link that tells which it is, and what their own documents say stops them
# (dinit(8), s6-svscan(8); the handlers that s6-linux-init-maker(8) writes, where TERM does nothing).
@test "TERM to the launcher asks dinit and s6 by the signal that they go down on" {
        local program signal
        while read -r program signal; do
                fresh_tree
                rm -f "$TREE/usr/sbin/init"
                cp "$helpers/inside" "$TREE/usr/bin/$program"
                ln -s "../bin/$program" "$TREE/usr/sbin/init"
                start_berth -q -b -D "$TREE" catch 1
                await "$work/out" ready
                kill "$launcher"
                await "$work/out" "signal $signal"
                wait "$launcher"
                rm -rf "$TREE"
        done <<END
dinit TERM
s6-svscan TERM
s6-linux-init PWR
END
        # The same by what the script says that is called init.
        fresh_tree
        rm -f "$TREE/usr/sbin/init"
        mkdir -p "$TREE/etc/s6-linux-init/current/bin"
        cp "$helpers/inside" "$TREE/usr/bin/execlineb"
        printf '#!/bin/execlineb end\n\n/bin/s6-linux-init -c /etc/s6-linux-init/current -m 0022 -- "$@"\n' \
                >"$TREE/etc/s6-linux-init/current/bin/init"
        chmod 0755 "$TREE/etc/s6-linux-init/current/bin/init"
        ln -s /etc/s6-linux-init/current/bin/init "$TREE/usr/sbin/init"
        try berth -q -b --dry-run -D "$TREE"
        line_is "stop signal  PWR, killed after 90 s without progress"
}

@test "busybox: a reboot from inside starts again in place" {
        fresh_tree
        on_terminal 'expect=PID 1 is busybox' 'expect=# ' 'send=reboot\r' 'expect=PID 1 is busybox' 'expect=# ' 'send=poweroff\r' \
                -- "$BERTH" -q -b -D "$TREE"
        status_is 0
}

# reboots_in_place TREE REBOOT POWEROFF: by these commands, typed by root at the console.
reboots_in_place() {
        booted_tree "$1"
        limit=90
        on_terminal 'expect=login:' 'send=root\r' 'expect=# ' "send=$2\r" 'expect=login:' 'send=root\r' 'expect=# ' \
                "send=$3\r" -- "$BERTH" -q -b -D "$TREE"
        status_is 0
}

@test "trixie: a reboot from inside starts again in place" {
        reboots_in_place trixie 'systemctl reboot' 'systemctl poweroff'
}

@test "bookworm: a reboot from inside starts again in place" {
        reboots_in_place bookworm 'systemctl reboot' 'systemctl poweroff'
}

@test "sysvinit: a reboot from inside starts again in place" {
        reboots_in_place sysvinit reboot poweroff
}

@test "openrc: a reboot from inside starts again in place" {
        reboots_in_place openrc reboot poweroff
}

@test "runit: a reboot from inside starts again in place" {
        reboots_in_place runit 'init 6' 'init 0'
}

@test "without a terminal the console is shown and nothing is read" {
        fresh_tree
        start_berth -q -b -D "$TREE"
        await "$work/out" "PID 1 is busybox"
        kill "$launcher"
        await_end
        status_is 0
        output_has "busybox init goes down"
}

@test "--boot has a network of its own, with the loopback interface up" {
        fresh_tree
        printf '#!/bin/sh\nls /sys/class/net; cat /sys/class/net/lo/flags; echo end; poweroff\n' >"$TREE/etc/rc.test"
        chmod 0755 "$TREE/etc/rc.test"
        limit=30
        try berth -q -b -D "$TREE"
        status_is 0
        [ "$(sed -n '/PID 1 is/,/end/{/PID 1 is/d;/end/d;p}' <<<"$output" | tr -d '\r')" = $'lo\n0x9' ]
}

@test "--boot under the other name has the host's network" {
        fresh_tree
        printf '#!/bin/sh\nreadlink /proc/self/ns/net; poweroff\n' >"$TREE/etc/rc.test"
        chmod 0755 "$TREE/etc/rc.test"
        limit=30
        try strict -q -b -D "$TREE"
        status_is 0
        output_has "$(readlink /proc/self/ns/net)"
}

@test "words after --boot: NAME=VALUE goes to the environment, the rest to init's arguments" {
        fresh_tree
        rm "$TREE/usr/sbin/init"
        printf '#!/bin/sh\necho "args: $*"\nenv\nexec /bin/inside end 0\n' >"$TREE/usr/sbin/init"
        chmod 0755 "$TREE/usr/sbin/init"
        try berth -q -b -D "$TREE" FOO=bar with-dash=v systemd.unit=x.target 3 =v 123=x 'foo!=x' quiet
        status_is 0
        output=$(tr -d '\r' <<<"$output")
        line_is "args: systemd.unit=x.target 3 =v 123=x foo!=x quiet"
        line_is FOO=bar
        line_is with_dash=v
}

@test "init's environment: container is set, LANG is not, nothing of the caller's is" {
        fresh_tree
        rm "$TREE/usr/sbin/init"
        printf '#!/bin/sh\nenv\nexec /bin/inside end 0\n' >"$TREE/usr/sbin/init"
        chmod 0755 "$TREE/usr/sbin/init"
        PLANTED=secret LANG=xx_YY.UTF-8 try berth -q -b -D "$TREE"
        status_is 0
        output=$(tr -d '\r' <<<"$output")
        line_is container=systemd-nspawn
        output_lacks PLANTED
        output_lacks LANG=
        output_matches '^container_uuid=[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
}

@test "init is PID 1 and has the console as its terminal" {
        fresh_tree
        rm "$TREE/usr/sbin/init"
        printf '#!/bin/sh\necho pid $$\n/bin/inside tty\n/bin/inside stat /dev/console\nexec /bin/inside end 0\n' >"$TREE/usr/sbin/init"
        chmod 0755 "$TREE/usr/sbin/init"
        try berth -q -b -D "$TREE"
        status_is 0
        output=$(tr -d '\r' <<<"$output")
        line_is "pid 1"
        output_matches '^tty0 /dev/(pts/0|console)$'
        output_matches '^/dev/console link '
}

@test "the order in which an init is looked for" {
        fresh_tree
        mkdir -p "$TREE/usr/lib/systemd"
        printf '#!/bin/sh\necho from-systemd\nexec /bin/inside end 0\n' >"$TREE/usr/lib/systemd/systemd"
        chmod 0755 "$TREE/usr/lib/systemd/systemd"
        try berth -q -b -D "$TREE"
        status_is 0
        output_has from-systemd
}

@test "a tree without an init is refused, and the places are named" {
        fresh_tree
        rm "$TREE/usr/sbin/init"
        try berth -q -b -D "$TREE"
        refused init
}

@test "a tree without os-release is not booted, unless told to" {
        fresh_tree
        rm "$TREE/usr/lib/os-release" "$TREE/etc/os-release"
        try berth -q -b -D "$TREE"
        refused os-release
        printf '#!/bin/sh\npoweroff\n' >"$TREE/etc/rc.test"
        chmod 0755 "$TREE/etc/rc.test"
        limit=30
        try env SYSTEMD_NSPAWN_CHECK_OS_RELEASE=0 timeout --foreground 30 "$BERTH" -q -b -D "$TREE"
        status_is 0
        try berth -q -b --os-release-check=no -D "$TREE"
        status_is 0
}

@test "a plain command needs no os-release" {
        fresh_tree
        rm "$TREE/usr/lib/os-release" "$TREE/etc/os-release"
        in_tree echo x
        status_is 0
        output_is x
}

@test "--boot and --as-pid2 exclude each other" {
        try berth -q -b -a -D "$TREE"
        refused --as-pid2
}

@test "systemd finds nothing to set up that the container has already" {
        booted_tree trixie
        log_in_and 'systemd-detect-virt; cat /proc/1/comm; hostname; cat /etc/machine-id | tr -d "\\n" | wc -c; mount -t cgroup2 | wc -l; echo done-$((1+1))' \
                'expect=done-2' 'send=systemctl poweroff\r'
        status_is 0
        plain_output
        output_matches '^systemd-nspawn$'
        line_is systemd
        line_is 32
        line_is 1
}

@test "the machine id that init keeps is the container's uuid" {
        booted_tree trixie
        log_in_and 'tr -d - </run/host/container-uuid; cat /etc/machine-id; echo done-$((1+1))' 'expect=done-2' 'send=systemctl poweroff\r'
        status_is 0
        plain_output
        local ids
        ids=$(grep -xE '[0-9a-f]{32}' <<<"$output")
        [ "$(wc -l <<<"$ids")" = 2 ]
        [ "$(sort -u <<<"$ids" | wc -l)" = 1 ]
}

@test "services with sandboxing of their own work inside" {
        booted_tree trixie
        log_in_and 'systemd-run --wait --pipe -q -p PrivateTmp=yes -p ProtectSystem=strict -p PrivateDevices=yes -p ProtectKernelTunables=yes -p NoNewPrivileges=yes -p PrivateNetwork=yes echo sandbox-ok; systemd-run --wait --pipe -q -p PrivateUsers=yes -p DynamicUser=yes id -u; echo done-$((1+1))' \
                'expect=done-2' 'send=systemctl poweroff\r'
        status_is 0
        plain_output
        line_is sandbox-ok
        output_matches '^6[0-9]{4}$'
}
