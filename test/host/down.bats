#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A host that is powered off while containers of each kind run. It is a container on the tests' own host.

load ../lib/common
load common

# machine NAME: a busybox in /var/lib/machines of the host to be, which writes when it has been asked to end, and has done so.
machine() {
        guests=$work/guests
        mkdir -p "$guests"
        cp -a -- "$trees/busybox" "$guests/$1"
        printf '#!/bin/sh\nsleep 1\necho down >/var/down\n' >"$guests/$1/etc/rc.shutdown"
}

# host_that_runs LINE...: a host with these commands, after which it is powered off. Ended, when this returns.
host_that_runs() {
        local unit suite
        suite=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
        [ -d "$trees/host-$suite" ] || suite=sid
        unit=$(systemctl show --value -p FragmentPath berth@any.service)
        {
                printf '#!/bin/sh\nmark() { echo "$1" >>/var/lib/machines/marks; }\n'
                # A payload that is no init.
                printf 'waits="trap %s TERM; while :; do sleep 0.1; done"\n' "'sleep 1; echo down >/var/down; exit'"
                printf '%s\n' "$@" 'mark up' 'exec systemctl start --no-block --job-mode=replace-irreversibly poweroff.target'
        } >"$work/commands"
        chmod 0755 "$work/commands"
        printf '[Unit]\nAfter=multi-user.target\n[Service]\nType=oneshot\nExecStart=/commands\nStandardError=append:/var/lib/machines/marks\nKillMode=process\nTimeoutStartSec=60\n' >"$work/commands.service"
        limit=120 try berth -q -x -b -M down --console=pipe --private-users=no --nesting --api-vfs=writable --system-call-filter=bpf \
                --bind-ro="${BERTH%/bin/berth}:${BERTH%/bin/berth}" --bind-ro="$unit" --bind="$guests:/var/lib/machines" \
                --bind-ro="$trees" --bind-ro="$work/commands:/commands" --bind-ro="$work/commands.service:/etc/systemd/system/commands.service" \
                -D "$trees/host-$suite" systemd.wants=commands.service
        status_is 0
        [ "$(cat "$guests/marks")" = up ] || fail "$(cat "$guests/marks")"
}

# Each has had its time.
all_down() {
        local name
        for name; do
                [ "$(cat "$guests/$name/var/down")" = down ] || fail "$name was not asked to end, or not waited for"
        done
}

@test "services, detached ones, those of a session and paused ones end in order, in seconds" {
        local name
        for name in service detached foreground paused plain; do machine $name; done
        host_that_runs \
                'systemctl start berth@service' \
                'berth -q -d -b -D /var/lib/machines/detached' \
                'berth -q -d -b -D /var/lib/machines/paused' \
                'berth -q -d -D /var/lib/machines/plain sh -c "$waits"' \
                'systemd-run -q --scope -p SendSIGHUP=yes berth -q -b -D /var/lib/machines/foreground </dev/null >/dev/null 2>&1 &' \
                'for i in 1 2 3 4 5; do machinectl show foreground && break; sleep 1; done >/dev/null 2>&1' \
                'sleep 1' \
                'berthctl pause paused'
        all_down service detached foreground paused plain
}

@test "without its bus, too" {
        machine detached
        host_that_runs \
                'berth -q -d -b -D /var/lib/machines/detached' \
                'sleep 1' \
                'systemctl kill --signal=KILL dbus.service' \
                'systemctl stop dbus.socket dbus.service'
        all_down detached
}
