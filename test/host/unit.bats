#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A container as a unit of the host's service manager, and as a machine of systemd-machined.

load ../lib/common
load common

# A container that stays, called $1, with more words for berth.
start_machine() {
        start_berth -q -M "$1" -D "$TREE" "${@:2}" sh -c 'trap "exit 3" TERM; echo up; while :; do sleep 1 & wait $!; done'
        await "$work/out" up
        await_true machinectl show "$1"
}

# One property of a unit.
shown() {
        systemctl show --value -p "$2" "$1"
}

@test "a command is in a scope of its own, and a machine; afterwards there is neither" {
        local leader
        start_machine m1
        leader=$(leader_of "$launcher")
        [ "$(systemctl is-active m1.scope)" = active ]
        [ "$(shown m1.scope Slice)" = machine.slice ]
        [ "$(shown m1.scope Description)" = "Container m1" ]
        [ "$(shown m1.scope Delegate)" = yes ]
        [ "$(shown m1.scope DevicePolicy)" = closed ]
        [ "$(shown m1.scope TasksMax)" = 16384 ]
        [ "$(sed -n 's/^0:://p' "/proc/$leader/cgroup")" = /machine.slice/m1.scope/payload ]
        [ "$(machinectl show --value -p Leader m1)" = "$leader" ]
        [ "$(machinectl show --value -p Class m1)" = container ]
        [ "$(machinectl show --value -p Service m1)" = systemd-nspawn ]
        [ "$(machinectl show --value -p Unit m1)" = m1.scope ]
        [ "$(machinectl show --value -p RootDirectory m1)" = "$TREE" ]
        machinectl list --no-legend | grep -q '^m1 '
        [ "$(ps -o machine= -p "$leader" | tr -d ' ')" = m1 ]
        try systemd-cgls --no-pager -M m1
        status_is 0
        output_matches "(^|[^0-9])$leader "
        stop_berth
        never machinectl show m1
        await_no_scope m1
}

@test "the scope is asked for by a descriptor of the guest, and by its number where the manager knows none" {
        stdbuf -oL busctl monitor --match "type='method_call',member='StartTransientUnit'" >"$work/calls" 2>&1 3>&- &
        local monitor=$!
        # It is there when it sees a call; what comes before a call was seen before.
        await_true eval '"$BERTH" -q -M m0 -D "$TREE" true; grep -q "m0.scope" "$work/calls"'
        try berth -q -M m1 -D "$TREE" true
        status_is 0
        berth -q -M m2 -D "$TREE" true
        await "$work/calls" '"m2.scope"'
        kill "$monitor"
        wait "$monitor" || true
        sed -n '/"m1.scope"/,/"m2.scope"/p' "$work/calls" >"$work/ours"
        grep -A3 '"PIDFDs"' "$work/ours" | grep -q UNIX_FD
        # Refused by an older one, and asked for again.
        if [ "$(systemd_version)" -ge 257 ]; then
                never grep -q '"PIDs"' "$work/ours"
        else
                grep -q '"PIDs"' "$work/ours"
        fi
}

@test "the guest makes its mounts while the manager makes the scope, and goes no step further without it" {
        systemctl kill --signal=STOP dbus.service
        BERTH_DEBUG=step,msg start_berth -q -M m1 -D "$TREE" sh -c 'echo ran; exec sleep 1000'
        await "$work/err" 'guest: mounts: 0'
        await "$work/err" 'guest: hand over: 0'
        await "$work/err" 'agent: sent PLACE '
        [ ! -s "$work/out" ]
        never grep -E 'received PLACED|guest: placed|guest: cgroup' "$work/err"
        systemctl kill --signal=CONT dbus.service
        await "$work/out" ran
        grep -q '/m1.scope/payload$' "/proc/$(leader_of "$launcher")/cgroup"
        stop_berth
}

@test "the payload's cgroup is its own, the scope's is not" {
        start_machine m1 --private-users=pick
        local scope=/sys/fs/cgroup/machine.slice/m1.scope base
        base=$(awk 'NR == 1 { print $2 }' "/proc/$(leader_of "$launcher")/uid_map")
        [ "$(stat -c %u "$scope")" = 0 ]
        [ "$(stat -c %u "$scope/payload")" = "$base" ]
        [ "$(stat -c %u "$scope/payload/cgroup.procs")" = "$base" ]
        [ "$(stat -c %u "$scope/cgroup.procs")" = 0 ]
        stop_berth
}

@test "inside, the cgroup namespace begins at the payload's own" {
        try berth -q -M m1 -D "$TREE" cat /proc/self/cgroup
        status_is 0
        output_matches '^0::/$'
}

@test "what ends the host's side ends the container: stop, terminate, berth's own end" {
        start_machine m1
        systemctl stop m1.scope
        await_end
        status_is 3
        start_machine m1
        machinectl terminate m1
        await_end
        status_is 3
        start_machine m1
        kill "$launcher"
        await_end
        status_is 3
}

# What managers would kill after two seconds.
short_patience() {
        mkdir -p /run/systemd/system.conf.d
        printf '[Manager]\nDefaultTimeoutStopSec=2s\n' >/run/systemd/system.conf.d/patience.conf
        systemctl daemon-reexec
        await_value 2s systemctl show --value -p DefaultTimeoutStopUSec
}

long_patience() {
        rm -r /run/systemd/system.conf.d
        systemctl daemon-reexec
        await_value 1min\ 30s systemctl show --value -p DefaultTimeoutStopUSec
}

@test "a scope's end takes the time that the guest needs, and not what the manager gives to units" {
        local payload=(sh -c 'trap "sleep 5; echo end; exit 3" TERM; echo up; while :; do sleep 1 & wait $!; done')
        short_patience
        start_berth -q -M m1 -D "$TREE" "${payload[@]}"
        await "$work/out" up
        systemctl stop m1.scope
        await_end
        status_is 3
        output_has end
        # The supervisor's own unit gives as much.
        try berth -q -d -M m1 -D "$TREE" "${payload[@]}"
        status_is 0
        await_true eval 'berthctl logs m1 | grep -qx up'
        berthctl wait m1 >"$work/waited" 2>&1 3>&- &
        local waiter=$! code=0
        systemctl stop berth-m1.service
        wait $waiter || code=$?
        [ $code = 3 ]
        long_patience
        # An OS gets half an hour, if it uses it; --property= says otherwise.
        start_berth -q -b -M m1 -D "$TREE" --console=read-only
        await_true systemctl is-active m1.scope
        [ "$(shown m1.scope TimeoutStopUSec)" = 32min ]
        stop_berth
        start_machine m1 --property=TimeoutStopSec=7s
        [ "$(shown m1.scope TimeoutStopUSec)" = 7s ]
        stop_berth
        start_machine m1
        [ "$(shown m1.scope TimeoutStopUSec)" = 2min ]
        stop_berth
}

@test "a container that runs costs the host its supervisor and the agent: what else the start took has ended" {
        start_machine m1
        [ "$(ps -o comm= --ppid "$launcher" | sort | xargs)" = "berth-agent busybox" ]
        never grep -q Z <(ps -o stat= --ppid "$launcher")
        stop_berth
}

@test "a killed berth leaves no unit and no machine" {
        start_machine m1
        kill -KILL "$launcher"
        wait "$launcher" || true
        await_true eval '! systemctl is-active -q m1.scope'
        await_true eval '! machinectl show m1 2>/dev/null'
        # What a killed berth leaves, the next start of that name takes over.
        berth -q -M m1 -D "$TREE" true
}

# When m1 was registered.
registered_at() {
        busctl get-property org.freedesktop.machine1 /org/freedesktop/machine1/machine/m1 org.freedesktop.machine1.Machine TimestampMonotonic
}

# Kills who speaks for $launcher to the manager, and waits for the next one, and for the machine to be registered by it: $agent.
kill_agent() {
        local old before
        old=$(pgrep -P "$launcher" -x berth-agent)
        before=$(registered_at)
        kill -KILL "$old"
        await_true eval '[ "$(pgrep -P $launcher -x berth-agent)" != '"$old"' ] && pgrep -P $launcher -x berth-agent'
        agent=$(pgrep -P "$launcher" -x berth-agent)
        await_true eval 'after=$(registered_at) && [ "$after" != "'"$before"'" ]'
        [ "$(systemd_version)" -lt 258 ] || [ "$(machinectl show --value -p Supervisor m1)" = "$agent" ]
}

@test "a killed agent: the container lives on, is still listed, and hears when it shall end" {
        start_machine m1
        kill_agent
        [ "$(systemctl is-active m1.scope)" = active ]
        timeout 20 systemctl stop m1.scope
        await_end
        status_is 3
        never machinectl show m1

        start_machine m1
        kill_agent
        kill_agent
        timeout 20 machinectl terminate m1
        await_end
        status_is 3
        await_no_scope m1

        # In a service, there is only the machine.
        systemd-run -q --unit=berth-kept -p Delegate=yes -p KillMode=mixed "$BERTH" -q -M m1 --keep-unit -D "$TREE" \
                sh -c 'trap "exit 0" TERM; while :; do sleep 1 & wait; done'
        await_true machinectl show m1
        launcher=$(shown berth-kept.service MainPID)
        kill_agent
        systemctl stop berth-kept.service
        never machinectl show m1
}

@test "agents that are killed again and again: there is an end to it, with one line, and a clean one" {
        local i
        start_berth -M m1 --resolv-conf=off -D "$TREE" sh -c 'trap "exit 3" TERM; echo up; while :; do sleep 1 & wait $!; done'
        await "$work/out" up
        await_true machinectl show m1
        for i in {1..5}; do
                kill_agent
        done
        errors=$(cat "$work/err")
        errors_is ""
        kill -KILL "$agent"
        await "$work/err" "the host can no longer ask the container to stop"
        never pgrep -P "$launcher" -x berth-agent
        [ "$(systemctl is-active m1.scope)" = active ]
        stop_berth
        await_true eval '! systemctl is-active -q m1.scope'
        await_true eval '! machinectl show m1 2>/dev/null'
}

@test "a request to end that is not the agent's does not end it" {
        local agent
        start_machine m1
        agent=$(pgrep -P "$launcher" -x berth-agent)
        kill "$agent"
        sleep 0.3
        [ -d "/proc/$agent" ]
        kill -0 "$launcher"
        # It still hears what is.
        systemctl stop m1.scope
        await_end
        status_is 3
}

@test "one name, thirty times in a row" {
        local i
        for i in {1..30}; do
                try berth -q -M again -D "$TREE" true
                status_is 0
                errors_is ""
        done
}

@test "the end of the scope is the end for who starts the next one of that name" {
        local i
        for i in {1..8}; do
                try berth -q -d -M again -D "$TREE" sh -c 'trap "exit 0" TERM; while :; do sleep 1 & wait $!; done'
                status_is 0
                errors_is ""
                if [ $((i % 2)) = 0 ]; then systemctl stop again.scope; else machinectl terminate again; fi
                await_true eval '! systemctl is-active -q again.scope'
        done
        try berth -q -M again -D "$TREE" true
        status_is 0
        await_no_supervisor
}

@test "a name that another's scope has is refused; without a name another one is taken" {
        systemd-run -q --scope --unit=m1.scope sleep 1000 3>&- &
        local other=$!
        await_true systemctl is-active m1.scope
        try berth -q -M m1 -D "$TREE" true
        refused "the service manager has a unit m1.scope already"
        cp -a "$TREE" "$work/m1"
        try berth -q -D "$work/m1" sh -c 'hostname'
        status_is 0
        [[ $output == m1-* ]]
        systemctl stop m1.scope
        wait "$other" || true
}

@test "--slice= and --property=: every kind of value arrives" {
        start_machine m1 --slice=some --property=MemoryMax=1G --property=CPUWeight=50 --property=TasksMax=100 \
                --property=CPUQuota=25% --property=RuntimeMaxSec='1h 5min' --property=AllowedCPUs=0 \
                --property=IPAddressDeny=any --property='DeviceAllow=/dev/null rw' --property=MemoryHigh=50% \
                --property=MemoryAccounting=yes --property=Description=other --property=KillSignal=USR1 \
                --property='IOReadBandwidthMax=/dev/null 1M' --property='After=a.service b.service' \
                --property=SendSIGHUP=yes --property=OOMPolicy=continue
        [ "$(shown m1.scope Slice)" = some.slice ]
        [ "$(shown m1.scope MemoryMax)" = 1073741824 ]
        [ "$(shown m1.scope CPUWeight)" = 50 ]
        [ "$(shown m1.scope TasksMax)" = 100 ]
        [ "$(shown m1.scope CPUQuotaPerSecUSec)" = 250ms ]
        [ "$(shown m1.scope RuntimeMaxUSec)" = "1h 5min" ]
        [ "$(shown m1.scope AllowedCPUs)" = 0 ]
        shown m1.scope IPAddressDeny | tr ' ' '\n' | sort | tr '\n' ' ' | grep -qx '0.0.0.0/0 ::/0 '
        shown m1.scope DeviceAllow | grep -q '^/dev/null rw$'
        [ "$(shown m1.scope MemoryHigh)" -gt 1000000 ]
        [ "$(shown m1.scope MemoryAccounting)" = yes ]
        [ "$(shown m1.scope Description)" = other ]
        [ "$(shown m1.scope KillSignal)" = 10 ]
        [ "$(shown m1.scope IOReadBandwidthMax)" = "/dev/null 1000000" ] ||
                [ "$(shown m1.scope IOReadBandwidthMax)" = "/dev/null 1048576" ]
        shown m1.scope After | grep -q a.service
        [ "$(shown m1.scope SendSIGHUP)" = yes ]
        [ "$(shown m1.scope OOMPolicy)" = continue ]
        stop_berth
        systemctl stop some.slice
}

@test "a property that a newer manager has no more, since it is always so" {
        try berth -M m1 --resolv-conf=off --property=CPUAccounting=yes --property=TasksMax=100 -D "$TREE" true
        status_is 0
        if [ "$(systemd_version)" -ge 258 ]; then
                errors_is "berth: --property=CPUAccounting=yes: the service manager does so for every unit: left out"
        else
                errors_is ""
        fi
}

@test "a property that is none is refused, and nothing is left" {
        try berth -M m1 --property=NoSuchThing=1 -D "$TREE" true
        refused "--property=NoSuchThing=1"
        try berth -M m1 --property=MemoryMax=much -D "$TREE" true
        refused "--property=MemoryMax=much"
        # Known, but not to be set.
        try berth -M m1 --property=MemoryCurrent=1 -D "$TREE" true
        refused "--property=MemoryCurrent=1"
        # A value that only the manager can judge.
        try berth -M m1 --property=CollectMode=sometimes -D "$TREE" true
        refused "CollectMode"
}

@test "--register=no: a scope, and no machine" {
        start_berth -q -M m1 --register=no -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        [ "$(systemctl is-active m1.scope)" = active ]
        never machinectl show m1
        stop_berth
}

@test "--register=yes: the payload runs once it is a machine" {
        try berth -q -M m1 --register=yes -D "$TREE" true
        status_is 0
        systemctl mask --runtime -q systemd-machined.service
        systemctl stop systemd-machined.service
        try berth -q -M m1 --register=yes -D "$TREE" echo ran
        start_berth -M m1 --resolv-conf=off -D "$TREE" sh -c 'echo ran; exec sleep 1000'
        await "$work/out" ran
        await "$work/err" "cannot register m1 with systemd-machined"
        stop_berth
        systemctl unmask --runtime -q systemd-machined.service
        systemctl start systemd-machined.service
        refused "cannot register m1 with systemd-machined"
}

# ps(1) asks libsystemd.
name_in_ps() {
        ps -o machine= -p "$1" | tr -d ' '
}

@test "--keep-unit in a delegated service: supervisor and payload, and a machine" {
        machinectl list >/dev/null
        systemd-run -q --unit=berth-kept -p Delegate=yes -p KillMode=mixed "$BERTH" -q -M m1 --keep-unit -D "$TREE" sh -c 'trap "exit 0" TERM; while :; do sleep 1 & wait; done'
        await_true machinectl show m1
        local top=/sys/fs/cgroup/system.slice/berth-kept.service
        grep -qx "$(shown berth-kept.service MainPID)" "$top/supervisor/cgroup.procs"
        grep -qx "$(machinectl show --value -p Leader m1)" "$top/payload/cgroup.procs"
        [ "$(cat "$top/cgroup.procs")" = "" ]
        [ "$(machinectl show --value -p Unit m1)" = berth-kept.service ]
        [ "$(name_in_ps "$(machinectl show --value -p Leader m1)")" = m1 ]
        never systemctl is-active m1.scope
        systemctl stop berth-kept.service
        never machinectl show m1
}

@test "--keep-unit in a part of a service that is delegated" {
        local top=/sys/fs/cgroup/system.slice/berth-kept.service
        local payload=(sh -c 'trap "exit 0" TERM; while :; do sleep 1 & wait; done')
        machinectl list >/dev/null
        if [ "$(systemd_version)" -ge 254 ]; then
                systemd-run -q --unit=berth-kept -p Delegate=yes -p DelegateSubgroup=sub \
                        "$BERTH" -q -M m1 --keep-unit -D "$TREE" "${payload[@]}"
        else
                # What that property does. A file: the manager has its own opinion of dollar signs.
                echo 'mkdir "$1/sub" && echo $$ >"$1/sub/cgroup.procs" && shift && exec "$@"' >"$work/enter"
                systemd-run -q --unit=berth-kept -p Delegate=yes sh "$work/enter" "$top" \
                        "$BERTH" -q -M m1 --keep-unit -D "$TREE" "${payload[@]}"
        fi
        await_true machinectl show m1
        grep -qx "$(shown berth-kept.service MainPID)" "$top/sub/cgroup.procs" ||
                grep -qx "$(shown berth-kept.service MainPID)" "$top/supervisor/cgroup.procs"
        grep -qx "$(machinectl show --value -p Leader m1)" "$top/payload/cgroup.procs"
        [ "$(name_in_ps "$(machinectl show --value -p Leader m1)")" = m1 ]
        systemctl stop berth-kept.service
}

@test "--keep-unit without a user namespace: a machine by its name, too" {
        machinectl list >/dev/null
        systemd-run -q --unit=berth-kept -p Delegate=yes -p KillMode=mixed "$BERTH" -q -M m1 --keep-unit --private-users=no -D "$TREE" \
                sh -c 'trap "exit 0" TERM; while :; do sleep 1 & wait; done'
        await_true machinectl show m1
        grep -qx "$(machinectl show --value -p Leader m1)" /sys/fs/cgroup/system.slice/berth-kept.service/payload/cgroup.procs
        [ "$(name_in_ps "$(machinectl show --value -p Leader m1)")" = m1 ]
        systemctl stop berth-kept.service
}

@test "--keep-unit, and machined hangs: the container does not wait for it, and is in its cgroup" {
        local begin
        await_true stop_machined
        begin=$SECONDS
        systemd-run -q --unit=berth-kept -p Delegate=yes -p KillMode=mixed -p StandardOutput=file:"$work/up" \
                "$BERTH" -q -M m1 --keep-unit -D "$TREE" sh -c 'trap "exit 0" TERM; echo up; while :; do sleep 1 & wait; done'
        await "$work/up" up
        [ $((SECONDS - begin)) -lt 5 ]
        grep -qx "$(leader_of "$(shown berth-kept.service MainPID)")" /sys/fs/cgroup/system.slice/berth-kept.service/payload/cgroup.procs
        systemctl kill --signal=CONT systemd-machined.service
        systemctl stop berth-kept.service
        await_true eval '! machinectl show m1 2>/dev/null'
}

@test "--register=no --keep-unit spawns nothing" {
        start_berth -q -M m1 --register=no --keep-unit -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        never pgrep -P "$launcher" -x berth-agent
        never systemctl is-active m1.scope
        stop_berth
}

# A bus at $work/bus that does not do what a bus does: $bus. MODE: mute (takes the connection and never says a word),
# shut (ends it at once), noise (says what is no D-Bus), hello (answers up to the first call, and nothing more), leaves
# (answers that, and ends the connection at the next call), denies (answers all that follows with an error).
start_bus() {
        cat >"$work/bus.pl" <<'END'
use Socket;
my ($path, $mode) = @ARGV;
socket(L, PF_UNIX, SOCK_STREAM, 0) && bind(L, sockaddr_un($path)) && listen(L, 16) or die $!;
$SIG{CHLD} = "IGNORE";
while (1) {
    accept(C, L) or next;
    close(C), next if $mode eq "shut" || fork;
    serve() if $mode ne "mute";
    sleep 1000;
}
sub get { my ($n, $b) = ($_[0], ""); while ($n > length $b) { sysread(C, $b, $n - length $b, length $b) or exit 0 } $b }
sub field {
    my ($code, $type, $value) = @_;
    my %as = (u => "L<", g => "C/a x", s => "L</a x");
    pack("C C a x", $code, 1, $type) . pack($as{$type}, $value);
}
sub reply {
    my ($kind, $serial, @more) = @_;
    my ($fields, $body) = ("", pack "L< a* x", 5, ":1.77");
    for ([5, "u", $serial], [8, "g", "s"], [6, "s", ":1.77"], [7, "s", "org.freedesktop.DBus"], @more) {
        $fields .= "\0" x (-length($fields) % 8);
        $fields .= field(@$_);
    }
    my $head = pack "a C C C L< L< L<", "l", $kind, 0, 1, length $body, $serial, length $fields;
    syswrite C, $head . $fields . "\0" x (-length($fields) % 8) . $body;
}
sub serve {
    if ($mode eq "noise") { syswrite C, "\x7fELF\r\n" x 500; sleep 1000 }
    my $words = "";
    $words .= get(1) until $words =~ /BEGIN\r\n$/;
    syswrite C, "DATA\r\nOK " . "0" x 32 . "\r\nAGREE_UNIX_FD\r\n";
    for (my $n = 0; ; $n++) {
        my ($end, $kind, $flags, $one, $body, $serial, $fields) = unpack "a C C C L< L< L<", get(16);
        get($fields + -$fields % 8 + $body);
        if ($n == 0) { reply(2, $serial) }
        elsif ($mode eq "hello") { sleep 1000 }
        elsif ($mode eq "leaves") { exit 0 }
        else { reply(3, $serial, [4, "s", "org.freedesktop.DBus.Error.AccessDenied"]) }
    }
}
END
        rm -f "$work/bus"
        perl "$work/bus.pl" "$work/bus" "$1" 3>&- &
        bus=$!
        await_true test -S "$work/bus"
}

stop_bus() {
        # shellcheck disable=SC2046 # one word for each process
        kill $(descendants "$bus") "$bus" 2>/dev/null || true
        wait "$bus" || true
}

@test "a bus that does not do what a bus does: one line, and the container starts all the same, in bounded time" {
        local mode why begin
        limit=40
        for mode in mute shut noise hello leaves denies; do
                start_bus $mode
                case $mode in
                mute | hello) why='the service manager makes no scope for m1: Connection timed out' ;;
                denies) why='cannot make m1.scope: ' ;;
                # Where it is met is a matter of time.
                *) why= ;;
                esac
                begin=$SECONDS
                try env DBUS_SYSTEM_BUS_ADDRESS=unix:path="$work/bus" "$BERTH" -M m1 --resolv-conf=off -D "$TREE" echo ran
                status_is 0
                output_is ran
                [ $((SECONDS - begin)) -le 25 ]
                errors_has "berth: no unit of its own: $why"
                [ "$(wc -l <<<"$errors")" = 1 ] || fail "$mode: $errors"
                # What spoke to it ends too.
                await_true eval '! pgrep -x berth-agent'
                stop_bus
        done
}

@test "a bus that does not do what a bus does: what was asked for by name is refused, in bounded time" {
        limit=25
        start_bus hello
        try env DBUS_SYSTEM_BUS_ADDRESS=unix:path="$work/bus" "$BERTH" -M m1 --slice=some -D "$TREE" echo ran
        refused "--slice=: there is no scope to make: the service manager makes no scope for m1"
        try env DBUS_SYSTEM_BUS_ADDRESS=unix:path="$work/bus" "$BERTH" -M m1 --register=yes -D "$TREE" echo ran
        refused "--register=yes: cannot register m1: the service manager makes no scope for m1"
        stop_bus
        for mode in shut leaves denies; do
                start_bus $mode
                try env DBUS_SYSTEM_BUS_ADDRESS=unix:path="$work/bus" "$BERTH" -M m1 --register=yes -D "$TREE" echo ran
                refused "--register=yes: cannot register m1: "
                stop_bus
        done
}

@test "the bus hangs while a container runs: its end waits a moment, and nothing of it stays when the bus is back" {
        start_machine m1
        local agent begin
        agent=$(pgrep -P "$launcher" -x berth-agent)
        systemctl kill --signal=STOP dbus.service
        begin=$SECONDS
        kill "$launcher"
        await_end
        status_is 3
        [ $((SECONDS - begin)) -le 8 ]
        # It tries for ten seconds more.
        await_true test ! -e "/proc/$agent"
        systemctl kill --signal=CONT dbus.service
        await_true eval '! systemctl is-active -q m1.scope'
        await_true eval '! machinectl show m1 2>/dev/null'
        berth -q -M m1 -D "$TREE" true
}

@test "no bus: one line, and the container starts all the same; with -q no line" {
        try env DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere "$BERTH" -M m1 --resolv-conf=off -D "$TREE" echo ran
        status_is 0
        output_is ran
        errors_is "berth: no unit of its own: cannot connect to the bus: No such file or directory"
        try env DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere "$BERTH" -q -M m1 -D "$TREE" echo ran
        status_is 0
        errors_is ""
        try env DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere "$BERTH" -q -M m1 --register=yes -D "$TREE" echo ran
        refused "--register=yes"
}

@test "a machine that is called init: the manager has an init.scope, which is left alone" {
        local before
        before=$(systemctl show init.scope)
        try berth -M init -q --read-only --register=yes -D "$TREE" true
        status_is 0
        errors_is ""
        [ "$(systemctl show -p LoadState,TasksMax,Slice init.scope)" = "$(grep -E '^(LoadState|TasksMax|Slice)=' <<<"$before")" ]
        start_berth -q -M init --read-only -D "$TREE" sleep 1000
        await_true systemctl is-active -q machine-init.scope
        await_true machinectl show init
        systemctl stop machine-init.scope
        await_end
}

@test "a restart in place: a new leader in a new scope, known again" {
        host_tree trixie
        limit=60
        start_berth -q -b -M m1 -D "$TREE" --console=read-only
        await_true machinectl show m1
        local first
        first=$(machinectl show --value -p Leader m1)
        await_true eval 'machinectl reboot m1 && sleep 0.2 && [ "$(machinectl show --value -p Leader m1)" != '"$first"' ]'
        [ "$(systemctl is-active m1.scope)" = active ]
        # An init that has just begun does not hear yet.
        await_true eval 'machinectl poweroff m1; ! kill -0 '"$launcher"
        await_end
        status_is 0
        never machinectl show m1
        rm -rf "$TREE"
}

@test "a default that the manager is too old for is left out, with one line" {
        start_berth -b -M m1 --resolv-conf=off -D "$TREE" --console=read-only
        await_true machinectl show m1
        stop_berth
        local line="the service manager does not know CoredumpReceive: left out"
        if [ "$(systemd_version)" -ge 255 ]; then
                never grep -F "left out" "$work/err"
        else
                [ "$(grep -cF "$line" "$work/err")" = 1 ] || fail "$(<"$work/err")"
                # What was asked for is not.
                try berth -q -M m1 --property=CoredumpReceive=yes -D "$TREE" true
                refused "--property=CoredumpReceive=yes: "
        fi
}

# It ends by itself when it has had nothing to do for a while: then another one would answer. $hung is its process.
stop_machined() {
        machinectl list >/dev/null
        systemctl kill --signal=STOP systemd-machined.service
        hung=$(shown systemd-machined.service MainPID)
        machined_hangs
}

machined_hangs() {
        grep -q '^State:.T' "/proc/$hung/status" && [ "$(systemctl is-active systemd-machined.service)" = active ] &&
                [ "$(shown systemd-machined.service MainPID)" = "$hung" ]
}

# While it hangs from beginning to end: what was seen otherwise says nothing.
try_with_hung_machined() {
        local tries hangs
        for tries in 1 2 3; do
                await_true stop_machined
                try "$@"
                hangs=no
                if machined_hangs; then hangs=yes; fi
                systemctl kill --signal=CONT systemd-machined.service
                [ $hangs = no ] || return 0
                echo "# systemd-machined went on by itself, try $tries" >&3
        done
        fail "systemd-machined does not stay stopped"
}

@test "machined hangs: nothing waits for it that need not, and nothing of the container stays with it" {
        await_true stop_machined
        local begin=$SECONDS
        start_berth -q -M m1 -D "$TREE" sh -c 'echo ran; exec sleep 1000'
        await "$work/out" ran
        [ $((SECONDS - begin)) -lt 5 ]
        stop_berth
        [ $((SECONDS - begin)) -lt 15 ]
        systemctl kill --signal=CONT systemd-machined.service
        limit=30
        try_with_hung_machined berth -q -M m1 --register=yes -D "$TREE" echo ran
        refused "systemd-machined does not register m1"
        await_true eval '! machinectl show m1 2>/dev/null'
        await_true eval '! systemctl is-active -q m1.scope'
        try berth -M m1 --resolv-conf=off -D "$TREE" true
        status_is 0
        errors_is ""
}

@test "machined hangs while a container runs: the end does not wait for it, and it hears of it all the same" {
        export BERTH_DEBUG=life
        start_machine m1
        unset BERTH_DEBUG
        await_true stop_machined
        stop_berth
        machined_hangs
        grep -q "the unit is left" "$work/err"
        await_no_scope m1
        systemctl kill --signal=CONT systemd-machined.service
        await_true eval '! machinectl show m1 2>/dev/null'
        await_true test ! -e /run/systemd/machines/m1
}

@test "berthctl with a container that has a scope: what it is, programs in it, a pause, its end" {
        start_machine m1
        local scope=/sys/fs/cgroup/machine.slice/m1.scope leader
        leader=$(leader_of "$launcher")
        try berthctl list --no-legend
        output_matches "^m1 +running +command +$leader "
        try berthctl show m1 -p CGroup --value
        output_is "$scope/payload"
        try berthctl exec -T m1 sh -c 'cat /proc/self/cgroup; exit 7'
        status_is 7
        line_is 0::/
        berthctl exec -T m1 sleep 1000 3>&- &
        await_value 3 eval "wc -l <$scope/payload/cgroup.procs"
        try berthctl stats --no-legend m1
        status_is 0
        output_matches '^m1 '
        berthctl pause m1
        [ "$(awk '/^frozen/ { print $2 }' "$scope/payload/cgroup.events")" = 1 ]
        [ "$(systemctl is-active m1.scope)" = active ]
        berthctl resume m1
        berthctl stop m1
        wait $! || true
        await_end
        status_is 3
        await_no_scope m1
}

# A user's bus as distributions have it; the tree of this host lacks the package.
start_user_bus() {
        mkdir -p /run/systemd/user
        printf '[Socket]\nListenStream=%%t/bus\n' >/run/systemd/user/dbus.socket
        printf '[Unit]\nRequires=dbus.socket\n[Service]\nType=notify\nExecStart=/usr/bin/dbus-daemon --session --address=systemd: --nofork --nopidfile --systemd-activation\n' \
                >/run/systemd/user/dbus.service
        # It does not find a bus again that was started anew meanwhile, and without it no user's manager starts.
        systemctl restart systemd-logind.service
        systemctl start user@0.service
        export XDG_RUNTIME_DIR=/run/user/0
        systemctl --user start dbus.service
        await_true test -S /run/user/0/bus
}

stop_user_bus() {
        systemctl stop user@0.service
        unset XDG_RUNTIME_DIR
        rm -r /run/systemd/user
        systemctl stop user-runtime-dir@0.service
}

@test "--user: a scope of the user's manager, which ends it too" {
        start_user_bus
        start_berth -q --user -M m1 -D "$TREE" sh -c 'trap "exit 3" TERM; echo up; while :; do sleep 1 & wait $!; done'
        await "$work/out" up
        [ "$(systemctl --user is-active m1.scope)" = active ]
        never systemctl is-active m1.scope
        grep -q '/user@0.service/.*/m1.scope/payload$' "/proc/$(leader_of "$launcher")/cgroup"
        # From 259 on a user has a machined too.
        [ "$(systemd_version)" -lt 259 ] || [ "$(machinectl --user show --value -p Unit m1)" = m1.scope ]
        systemctl --user stop m1.scope
        await_end
        status_is 3
        start_berth -q --system -M m1 -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        [ "$(systemctl is-active m1.scope)" = active ]
        never systemctl --user is-active m1.scope
        stop_berth
        stop_user_bus
}

# --- machines that are not berth's ---

@test "berthctl list shows the host's other machines too, by whom they are; --own does not" {
        local leader
        start_machine m1
        local first=$launcher
        fresh_tree busybox theirs
        start_nspawn -M other -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await_true machinectl show other
        leader=$(machinectl show --value -p Leader other)
        try ctl list --no-legend
        status_is 0
        errors_is ""
        output_matches '^m1 +running +command '
        output_matches "^other +running +systemd-nspawn:container +$leader "
        [ "$(wc -l <<<"$output")" = 2 ]
        try ctl list --json
        [ "$(jq -r '.[] | [.name, .state, .foreign, .service, .class, .leader] | join(" ")' <<<"$output" | tail -n 1)" = "other running true systemd-nspawn container $leader" ]
        [ "$(jq -r '.[0] | [.name, .foreign] | join(" ")' <<<"$output")" = "m1 false" ]
        try ctl list --own --no-legend
        output_matches '^m1 '
        [ "$(wc -l <<<"$output")" = 1 ]
        for verb in status show stop; do
                try ctl $verb other
                status_is 1
                output_is ""
                errors_has "other is a machine of this host, but none of berth's (machinectl status shows it)"
        done
        machinectl show other
        # No verb does anything with it, so none completes its name.
        for verb in status stop exec cp; do
                try complete_bash berthctl $verb ""
                output_matches '^m1:?$'
                output_lacks other
        done
        # A machined that hangs is waited for a moment, and its machines are missed by one line.
        systemctl kill --signal=STOP systemd-machined.service
        local before=$EPOCHSECONDS
        try ctl list --no-legend
        systemctl kill --signal=CONT systemd-machined.service
        [ $((EPOCHSECONDS - before)) -le 10 ]
        status_is 0
        errors_has "machines that are not berth's are not shown: systemd-machined does not answer"
        output_matches '^m1 +running '
        [ "$(wc -l <<<"$output")" = 1 ]
        machinectl terminate other
        wait "$launcher" || true
        launcher=$first
        stop_berth
        try ctl list --no-legend
        output_is ""
}
