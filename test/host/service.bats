#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berth@.service: containers as units of the host.

load ../lib/common
load common

# A busybox in /var/lib/machines, which starts and ends in no time. What it runs is in /etc/rc.test and /etc/rc.shutdown.
machine() {
        name=$1
        TREE=$machines/$name
        cp -a -- "$trees/busybox" "$TREE"
}

script() {
        printf '#!/bin/sh\n%s\n' "$2" >"$TREE/$1"
        chmod 0755 "$TREE/$1"
}

drop_machine() {
        systemctl stop "berth@$name.service" "systemd-nspawn@$name.service"
        systemctl reset-failed 2>/dev/null || true
        rm -rf --one-file-system -- "${machines:?}/$name"
}

show_unit() {
        systemctl show --value -p "$2" "berth@$1.service"
}

@test "systemd has nothing to say about the unit" {
        machine plain
        # What an older systemd does not know it says, and leaves out; some have a word for their own units.
        try systemd-analyze verify --man=no berth@plain.service
        status_is 0
        [ "$(systemd_version)" -lt 255 ] || never grep -F berth <<<"$errors"
        drop_machine
}

@test "what systemd-nspawn@.service says of its service, this one says too" {
        local line theirs ours
        theirs=$(systemctl show --value -p FragmentPath systemd-nspawn@any.service)
        ours=$(systemctl show --value -p FragmentPath berth@any.service)
        sed -n '/^\[Service\]/,/^\[Install\]/p' "$theirs" | grep '^[A-Z][A-Za-z]*=' >"$work/theirs"
        [ "$(wc -l <"$work/theirs")" -ge 10 ]
        while read -r line; do
                case $line in
                # The program; and its control groups, which berth makes by itself.
                ExecStart=* | DelegateSubgroup=*) ;;
                ExecStopPost=*--cleanup*) grep -q '^ExecStopPost=.*--cleanup' "$ours" || fail "$line" ;;
                TimeoutSec=*)
                        grep -qxF "TimeoutStartSec=${line#*=}" "$ours" || fail "$line"
                        grep -qxF "TimeoutStopSec=${line#*=}" "$ours" || fail "$line"
                        ;;
                # Its nodes it may have to make.
                DeviceAllow=block-*) grep -q "^${line}m\?$" "$ours" || fail "$line" ;;
                *) grep -qxF -- "$line" "$ours" || fail "$line" ;;
                esac
        done <"$work/theirs"
}

@test "start: up when the container is, below machine.slice, as berth's one process and the container's" {
        machine one
        # One that is started by our question may be too late with its answer: see berth(1).
        machinectl list >/dev/null
        systemctl start berth@one.service
        [ "$(show_unit one ActiveState)" = active ]
        [ "$(cat "/proc/$(show_unit one MainPID)/comm")" = berth ]
        [[ $(show_unit one ControlGroup) == /machine.slice/* ]]
        [ -e /run/berth/one/record ]
        local leader
        leader=$(leader_of "$(show_unit one MainPID)")
        [ -n "$leader" ]
        # Root inside is nobody outside.
        [ "$(stat -c %u "/proc/$leader")" -gt 65535 ]
        [ "$(sed -n 's/^0:://p' "/proc/$leader/cgroup")" = "$(show_unit one ControlGroup)/payload" ]
        await_true machinectl show one
        [ "$(machinectl show --value -p Unit one)" = berth@one.service ]
        [ "$(ps -o machine= -p "$leader" | tr -d ' ')" = one ]
        drop_machine
        await_true test ! -e "/proc/$leader"
        never test -e /run/berth/one
}

@test "stop: the container shuts down in order, and takes the time that it needs" {
        machine slow
        script etc/rc.shutdown 'sleep 3; echo down >/var/down'
        systemctl start berth@slow.service
        local begin=$SECONDS
        systemctl stop berth@slow.service
        [ $((SECONDS - begin)) -ge 3 ]
        [ "$(cat "$TREE/var/down")" = down ]
        [ "$(show_unit slow Result)" = success ]
        [ "$(show_unit slow ActiveState)" = inactive ]
        drop_machine
}

@test "a reboot from inside restarts the service, once" {
        machine again
        script etc/rc.test 'echo x >>/var/boots; [ $(wc -l </var/boots) -ge 2 ] || { sleep 0.2; reboot; }'
        systemctl start berth@again.service
        await_value 2 eval "wc -l <'$TREE/var/boots'"
        await_value active show_unit again ActiveState
        [ "$(show_unit again NRestarts)" = 1 ]
        await_true machinectl show again
        [ "$(ps -o machine= -p "$(machinectl show --value -p Leader again)" | tr -d ' ')" = again ]
        drop_machine
}

@test "machinectl terminate ends the service, well and for good" {
        machine ended
        script etc/rc.shutdown 'sleep 1; echo down >/var/down'
        systemctl start berth@ended.service
        await_true machinectl show ended
        machinectl terminate ended
        await_value inactive show_unit ended ActiveState
        [ "$(cat "$TREE/var/down")" = down ]
        [ "$(show_unit ended Result)" = success ]
        [ "$(show_unit ended NRestarts)" = 0 ]
        never machinectl show ended
        drop_machine
}

@test "poweroff from inside ends the service well" {
        machine off
        script etc/rc.test 'sleep 0.2; poweroff'
        systemctl start berth@off.service
        await_value inactive show_unit off ActiveState
        [ "$(show_unit off Result)" = success ]
        [ "$(show_unit off NRestarts)" = 0 ]
        drop_machine
}

@test "a killed berth takes the container with it, and the service starts again" {
        machine killed
        systemctl start berth@killed.service
        local leader
        leader=$(leader_of "$(show_unit killed MainPID)")
        systemctl kill --kill-whom=main --signal=KILL berth@killed.service 2>/dev/null ||
                systemctl kill --kill-who=main --signal=KILL berth@killed.service
        await_value failed show_unit killed ActiveState
        await_true test ! -e "/proc/$leader"
        systemctl start berth@killed.service
        [ "$(show_unit killed ActiveState)" = active ]
        drop_machine
}

@test "a machine that is not there is named in the journal" {
        try systemctl start berth@nowhere.service
        [ "$status" != 0 ]
        journalctl --sync
        journalctl -u berth@nowhere.service --no-pager -o cat | grep -q 'nowhere'
        systemctl reset-failed berth@nowhere.service
}

@test "a settings file of the host wins over the unit" {
        machine set
        mkdir -p /etc/systemd/nspawn
        printf '[Exec]\nHostname=chosen\nEnvironment=FROM=file\n' >/etc/systemd/nspawn/set.nspawn
        script etc/rc.test 'hostname >/var/name; tr "\0" "\n" </proc/1/environ >>/var/name; echo end >>/var/name'
        systemctl start berth@set.service
        await "$TREE/var/name" end
        grep -qx chosen "$TREE/var/name"
        grep -qx FROM=file "$TREE/var/name"
        rm -rf /etc/systemd/nspawn
        drop_machine
}

@test "machinectl start and enable use berth, with the drop-in" {
        machine ours
        install -D /usr/local/share/berth/machinectl.conf '/etc/systemd/system/systemd-nspawn@.service.d/berth.conf'
        systemctl daemon-reload
        machinectl list >/dev/null
        machinectl start ours
        [ "$(cat "/proc/$(systemctl show --value -p MainPID systemd-nspawn@ours.service)/comm")" = berth ]
        await_true machinectl show ours
        [ "$(ps -o machine= -p "$(machinectl show --value -p Leader ours)" | tr -d ' ')" = ours ]
        machinectl enable ours
        [ -e /etc/systemd/system/machines.target.wants/systemd-nspawn@ours.service ]
        machinectl disable ours
        drop_machine
        rm -r '/etc/systemd/system/systemd-nspawn@.service.d'
        systemctl daemon-reload
}

@test "enable: the container starts and stops with machines.target" {
        machine target
        systemctl enable --quiet berth@target.service
        systemctl restart machines.target
        await_true systemctl is-active berth@target.service
        systemctl stop machines.target
        await_value inactive show_unit target ActiveState
        systemctl disable --quiet berth@target.service
        drop_machine
        systemctl start machines.target
}

@test "preset: no container is enabled by its package alone" {
        systemctl enable --quiet berth@any.service
        systemctl preset --quiet berth@any.service
        try systemctl is-enabled berth@any.service
        output_is disabled
}

@test "tmpfiles: the directories are there, for root alone" {
        rmdir /run/berth 2>/dev/null || true
        try systemd-tmpfiles --create --remove --boot --prefix=/run/berth --prefix=/var/lib/machines
        status_is 0
        errors_is ""
        [ "$(stat -c %a:%u /run/berth)" = 700:0 ]
        [ "$(stat -c %a:%u /var/lib/machines)" = 700:0 ]
}

# One of the tests' own services, which is berth with these words; more properties come first, as -p NAME=VALUE, before --.
run_kept() {
        local -a properties=()
        while [ "$1" != -- ]; do properties+=("$1"); shift; done
        systemd-run -q --unit=berth-kept -p Type=notify -p Delegate=yes "${properties[@]}" "$BERTH" -q --keep-unit -M m1 -D "$TREE" "${@:2}"
}

@test "a start that takes longer than its time gets more while it is busy, and the watchdog has its answers" {
        run_kept -p TimeoutStartSec=2s -p WatchdogSec=1s -- --notify-ready=yes sh -c 'sleep 4; exec /bin/inside barrier READY=1 STATUS=late'
        await_value inactive systemctl show --value -p ActiveState berth-kept.service
        never systemctl is-failed berth-kept.service
}

@test "an OS that is busy with its end gets more time than the service has" {
        machine busy
        script etc/rc.shutdown 'i=0; while [ $i -lt 60 ]; do sleep 0.1; i=$((i + 1)); done; echo down >/var/down'
        mkdir -p /run/systemd/system/berth@busy.service.d
        printf '[Service]\nTimeoutStopSec=2\n' >/run/systemd/system/berth@busy.service.d/time.conf
        systemctl daemon-reload
        systemctl start berth@busy.service
        systemctl stop berth@busy.service
        [ "$(cat "$TREE/var/down")" = down ]
        [ "$(show_unit busy Result)" = success ]
        drop_machine
        rm -r /run/systemd/system/berth@busy.service.d
        systemctl daemon-reload
}

@test "what the payload gives away to be kept is kept by the service" {
        run_kept -p FileDescriptorStoreMax=4 -- /bin/inside store kept stay
        await_value 1 systemctl show --value -p NFileDescriptorStore berth-kept.service
        systemctl stop berth-kept.service
        systemctl reset-failed berth-kept.service 2>/dev/null || true
}
