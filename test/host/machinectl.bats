#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the host's tools do with a booted container: machinectl and the options --machine of the others.

load ../lib/common
load common

# One boot for all: each test finds the machine $M up, unless it ends it.
setup_file() {
        BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR
}

# Boots the tree as machine $1, with more words for berth, until its units are up.
boot_machine() {
        limit=120
        host_tree trixie "$1"
        start_berth -q -b -M "$1" --console=read-only "${@:2}"
        await_true machinectl show "$1"
        await_true eval 'systemctl -M '"$1"' is-system-running | grep -qx running'
}

poweroff_machine() {
        machinectl poweroff "$1"
        await_end
        status_is 0
        never machinectl show "$1"
        rm -rf "${machines:?}/$1"
}

@test "list, status, show, systemd-cgls and ps know it" {
        boot_machine m1
        try machinectl list --no-legend --no-pager
        output_matches '^m1 +container +systemd-nspawn +debian +13 '
        try machinectl status m1 --no-pager
        status_is 0
        output_matches 'Service: systemd-nspawn; class container'
        output_matches 'Root: /var/lib/machines/m1'
        output_matches 'OS: Debian'
        output_matches 'Unit: m1.scope'
        output_matches 'systemd-journald'
        try systemd-cgls --no-pager /machine.slice
        output_matches 'm1.scope'
        output_matches 'systemd-logind'
        local leader other
        leader=$(machinectl show --value -p Leader m1)
        other=$(pgrep -P "$leader" -x systemd-journal)
        [ "$(ps -o machine= -p "$leader" | tr -d ' ')" = m1 ]
        # Not only the leader: each process of it.
        [ "$(ps -o machine= -p "$other" | tr -d ' ')" = m1 ]
        try busctl call org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager GetMachineByPID u "$other"
        output_is 'o "/org/freedesktop/machine1/machine/m1"'
        poweroff_machine m1
}

@test "a command, a shell and a login by machined" {
        boot_machine m1
        try "$PTY" -t 30 -- machinectl shell m1 /bin/sh -c 'echo in-$(systemd-detect-virt)-$((1+1))'
        plain_output
        output_has in-systemd-nspawn-2
        try "$PTY" -t 30 'expect=# ' 'send=echo $((40+2))-$container_uuid-\r' 'expect=42-' 'send=exit\r' -- machinectl shell m1
        status_is 0
        try "$PTY" -t 30 'expect=login:' 'send=root\r' 'expect=# ' 'send=echo $((40+2))-$container_uuid-\r' 'expect=42-' 'send=exit\r' -- \
                machinectl login m1
        plain_output
        output_has 42-
        poweroff_machine m1
}

@test "systemctl, systemd-run, loginctl, journalctl and busctl with --machine" {
        boot_machine m1
        try systemctl -M m1 is-active systemd-journald.service
        output_is active
        try systemd-run -q -M m1 --wait --pipe sh -c 'systemd-detect-virt; exit 5'
        status_is 5
        output_is systemd-nspawn
        try loginctl -M m1 list-sessions --no-legend
        status_is 0
        systemd-run -q -M m1 --wait sh -c 'echo a-word-for-the-journal | systemd-cat; journalctl --sync'
        await_true eval 'journalctl -M m1 --no-pager | grep -q a-word-for-the-journal'
        try busctl -M m1 list
        status_is 0
        output_has org.freedesktop.systemd1
        poweroff_machine m1
}

@test "a unit inside gets a credential of the container: mounts made for it are seen by all" {
        boot_machine m1 --set-credential=some.thing:content
        try systemd-run -q -M m1 --wait --pipe -p LoadCredential=some.thing sh -c 'cat $CREDENTIALS_DIRECTORY/some.thing'
        status_is 0
        output_is content
        try systemd-run -q -M m1 --wait --pipe sh -c 'grep -c " / / .* shared:" /proc/self/mountinfo; grep " /run " /proc/self/mountinfo'
        output_has shared:
        poweroff_machine m1
}

@test "files in and out" {
        boot_machine m1
        echo content >"$work/in"
        machinectl copy-to m1 "$work/in" /root/in
        [ "$(cat "$machines/m1/root/in")" = content ]
        machinectl copy-from m1 /root/in "$work/out2"
        [ "$(cat "$work/out2")" = content ]
        poweroff_machine m1
}

# Before 255, machined binds by way of a directory of the host that the container sees.
@test "without a user namespace: bind, by machined and by berthctl" {
        local tunnel=/run/systemd/nspawn/propagate/m1
        boot_machine m1 --private-users=no
        mkdir "$work/shown" "$work/other"
        echo there >"$work/shown/file"
        echo too >"$work/other/file"
        try machinectl bind --mkdir m1 "$work/shown" /mnt/shown
        status_is 0
        berthctl mount --mkdir m1 "$work/other" /mnt/other
        try systemd-run -q -M m1 --wait --pipe cat /mnt/shown/file /mnt/other/file
        output_is $'there\ntoo'
        try machinectl bind --read-only m1 "$work/other" /mnt
        status_is 0
        try systemd-run -q -M m1 --wait --pipe sh -c 'cat /mnt/file; touch /mnt/file'
        status_is 1
        output_is too
        if [ "$(systemd_version)" -lt 255 ]; then
                try systemd-run -q -M m1 --wait --pipe touch /run/host/incoming/x
                status_is 1
                [ -d "$tunnel" ]
                [ -z "$(ls "$tunnel")" ]
        fi
        poweroff_machine m1
        [ ! -e "$tunnel" ]
}

@test "a killed berth leaves no directory for binds: the next start, or gc, removes it" {
        local tunnel=/run/systemd/nspawn/propagate/m1 old=no
        [ "$(systemd_version)" -ge 255 ] || old=yes
        boot_machine m1 --private-users=no
        if [ $old = yes ]; then [ -d "$tunnel" ]; else [ ! -e "$tunnel" ]; fi
        kill -KILL "$launcher"
        wait "$launcher" || true
        await_true ctl gc
        [ ! -e "$tunnel" ]
        rm -rf -- "${machines:?}/m1"
}

@test "with user ids of its own: what machined refuses, berthctl does" {
        boot_machine m1 --private-users=pick --private-users-map=1000:1000
        mkdir -m 0755 "$work/shown"
        echo content >"$work/shown/file"
        try machinectl bind --mkdir m1 "$work/shown" /mnt/shown
        status_is 1
        berthctl mount --mkdir m1 "$work/shown" /mnt/shown
        try systemd-run -q -M m1 --wait --pipe sh -c 'cat /mnt/shown/file; stat -c %u /mnt/shown/file; echo more >/mnt/shown/other'
        output_is "content
0"
        [ "$(stat -c %u "$work/shown/other")" = 0 ]
        berthctl umount m1 /mnt/shown
        # More than one range: machined looks for one.
        try machinectl copy-to m1 "$work/shown/file" /root/in
        status_is 1
        berthctl cp "$work/shown/file" m1:/root/in
        [ "$(cat "$machines/m1/root/in")" = content ]
        try machinectl copy-from m1 /root/in "$work/out2"
        status_is 1
        berthctl cp m1:/root/in "$work/out2"
        [ "$(cat "$work/out2")" = content ]
        poweroff_machine m1
}

@test "kill, by machined: one signal for the leader" {
        boot_machine m1
        machinectl kill --kill-whom=leader --signal=SIGRTMIN+4 m1
        await_end
        status_is 0
        rm -rf "${machines:?}/m1"
}

@test "terminate asks the init to shut down" {
        boot_machine m1
        machinectl terminate m1
        await_end
        status_is 0
        await_no_scope m1
        rm -rf "${machines:?}/m1"
}

@test "the manager re-executed, machined killed, the bus restarted: it lives on, and is listed again" {
        boot_machine m1
        systemctl daemon-reexec
        await_true machinectl show m1
        systemctl is-active m1.scope
        systemctl kill --signal=KILL systemd-machined.service
        await_true machinectl show m1
        machinectl list --no-legend | grep -q '^m1 '
        systemctl kill --signal=KILL dbus.service
        await_true machinectl show m1
        machinectl list --no-legend | grep -q '^m1 '
        kill -0 "$launcher"
        poweroff_machine m1
        await_no_scope m1
}

@test "the bus restarted: the scope can be stopped, although the manager knows nobody any more whom it could ask" {
        boot_machine m1
        systemctl kill --signal=KILL dbus.service
        await_true machinectl show m1
        timeout 60 systemctl stop m1.scope
        await_end
        status_is 0
        rm -rf "${machines:?}/m1"
}
