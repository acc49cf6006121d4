#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berth --detach: the service that the supervisor is, and what it has of its caller. What cannot be had so is done without.

load ../lib/common
load common

# In the foreground it would be ended by this.
waits='trap "exit 3" TERM; echo up; while :; do sleep 1 & wait $!; done'

supervisor_of() {
        ctl show --value -p Supervisor "$1"
}

end_all() {
        local name
        for name; do ctl stop --kill "$name"; done
        await_no_supervisor
}

@test "the service has the right properties, and says nothing of what its caller was told" {
        local supervisor leader
        export HUSH=s3cret-variable
        try berth -d -M m1 --set-credential=pass:s3cret-credential -E TOKEN=s3cret-setting -E HUSH -D "$TREE" \
                sh -c 'echo "$TOKEN $HUSH $(cat $CREDENTIALS_DIRECTORY/pass)"; exec sleep 1000'
        status_is 0
        output_is m1
        await_true eval 'ctl logs m1 | grep -qx "s3cret-setting s3cret-variable s3cret-credential"'
        supervisor=$(supervisor_of m1)
        [ "$(systemctl show --value -p MainPID berth-m1)" = "$supervisor" ]
        try systemctl show berth-m1
        for line in Type=notify NotifyAccess=main KillMode=mixed CollectMode=inactive-or-failed Slice=machine.slice \
                TimeoutStartUSec=infinity TimeoutStopUSec=2min StandardOutput=null StandardError=journal ActiveState=active \
                "StatusText=Container running." "Description=Supervisor of container m1" DefaultDependencies=no Conflicts=shutdown.target Delegate=yes; do
                line_is "$line"
        done
        # The manager's own description, of which everybody may ask for everything.
        { echo "$output"; systemctl cat berth-m1; systemctl status -n 0 berth-m1; cat "/proc/$supervisor/cmdline"; } >"$work/all"
        busctl introspect --no-pager org.freedesktop.systemd1 /org/freedesktop/systemd1/unit/berth_2dm1_2eservice >>"$work/all"
        grep -q berth-supervisor "$work/all"
        never grep -a s3cret "$work/all"
        never grep -a "$TREE" "$work/all"
        [ "$(systemctl show --value -p Before m1.scope | tr ' ' '\n' | grep -x berth-m1.service)" = berth-m1.service ]
        [ "$(readlink "/proc/$supervisor/cwd")" = / ]
        for fd in 0 1; do
                [ "$(readlink "/proc/$supervisor/fd/$fd")" = /dev/null ]
        done
        [[ $(readlink "/proc/$supervisor/fd/2") == socket:* ]]
        [ "$(ps -o sid= -p "$supervisor" | tr -d ' ')" = "$supervisor" ]
        end_all m1
}

@test "what goes wrong when the caller has long gone is in the journal" {
        mkdir "$work/gone"
        try berth -q -d -M m1 --bind="$work/gone:/srv" -D "$TREE" sh -c 'until [ -e /tmp/go ]; do sleep 0.1; done; reboot -f'
        status_is 0
        errors_is ""
        rmdir "$work/gone"
        ctl exec m1 touch /tmp/go
        await_no_supervisor
        await_true eval 'journalctl -q --no-pager -o cat -u berth-m1 | grep -q "^berth: .*$work/gone"'
        await_no_scope m1
        [ ! -e /run/berth/m1 ]
}

@test "systemctl stop ends the container in order, and waits for it; how it ended is seen" {
        local waiter
        try berth -q -d -M m1 -D "$TREE" sh -c 'trap "sleep 2; exit 7" TERM; echo up; while :; do sleep 1 & wait $!; done'
        status_is 0
        await_true eval 'ctl logs m1 | grep -qx up'
        ctl wait m1 >/dev/null 2>&1 3>&- &
        waiter=$!
        await_true eval '[ "$(grep -c /run/berth/m1/control /proc/net/unix)" -ge 2 ]'
        systemctl stop berth-m1
        [ ! -e /run/berth/m1 ]
        status=0
        wait $waiter || status=$?
        status_is 7
        await_no_scope m1
        await_true eval 'journalctl -q --no-pager -o cat -u berth-m1 | grep -q status=7'
        await_no_supervisor
        # A boot has half an hour for it, if it uses it.
        try berth -q -d -b -M m1 -D "$TREE"
        status_is 0
        [ "$(systemctl show --value -p TimeoutStopUSec berth-m1)" = 32min ]
        systemctl stop berth-m1
        [ ! -e /run/berth/m1 ]
        await_no_supervisor
}

@test "until the container says that it is ready the service is starting" {
        mkfifo "$work/go"
        start_berth -q -d -M m1 --notify-ready=yes --bind="$work:/srv" -D "$TREE" sh -c 'read x </srv/go; exec /bin/inside notify READY=1'
        await_value activating eval 'systemctl is-active berth-m1 || true'
        [ -e "/proc/$launcher" ]
        echo >"$work/go"
        await_end
        status_is 0
        await_no_supervisor
}

# --- what the caller has ---

@test "directories, descriptors and what else a copy would have are the caller's" {
        local supervisor
        mkdir "$work/here"
        echo found >"$work/here/file"
        cd "$work"
        # As a shell does it: a descriptor that only this option names.
        (
                umask 027
                ulimit -c 12345
                ulimit -n 3000
                echo 200 >/proc/self/oom_score_adj
                exec 9<<<from-nine
                exec nice -n 7 ionice -c 2 -n 3 taskset -c 0 setarch --uname-2.6 "$BERTH" -q -d -M m1 --bind=here:/srv --load-credential=nine:/dev/fd/9 \
                        --load-credential=file:here/file -D "$TREE" \
                        sh -c 'cat /srv/file $CREDENTIALS_DIRECTORY/nine $CREDENTIALS_DIRECTORY/file; uname -r; echo end; exec sleep 1000'
        ) >"$work/out" 2>"$work/err" </dev/null 3>&- || fail "$(cat "$work/err")"
        [ ! -s "$work/err" ] || fail "$(cat "$work/err")"
        await_true eval 'ctl logs m1 | grep -qx end'
        try ctl logs m1
        [[ $output == found*from-nine*found*2.6.*end ]] || fail "$output"
        supervisor=$(supervisor_of m1)
        [ "$(systemctl show --value -p MainPID berth-m1)" = "$supervisor" ]
        [ "$(ps -o ni= -p "$supervisor" | tr -d ' ')" = 7 ]
        [ "$(ionice -p "$supervisor")" = "best-effort: prio 3" ]
        [ "$(cat "/proc/$supervisor/oom_score_adj")" = 200 ]
        grep -Eq '^Cpus_allowed_list:\s+0$' "/proc/$supervisor/status"
        grep -Eq '^Max open files +3000 ' "/proc/$supervisor/limits"
        grep -Eq '^Max core file size +12641280 ' "/proc/$supervisor/limits"
        end_all m1
}

@test "LISTEN_FDS, with a descriptor above them that an option names" {
        try bash -c 'exec 7<<<seven; exec "$@"' bash "$OUTSIDE" listen 2 -- "$BERTH" -q -d -M m1 --load-credential=s:/dev/fd/7 -D "$TREE" \
                sh -c 'echo "$LISTEN_FDS $(cat $CREDENTIALS_DIRECTORY/s)"; exec /bin/inside listen'
        status_is 0
        errors_is ""
        await_true eval 'journalctl -q --no-pager -o cat MACHINE=m1 | grep -qx "2 seven"'
        await_true eval 'journalctl -q --no-pager -o cat MACHINE=m1 | grep -q "fd 3"'
        await_no_supervisor
        # More than a message holds: as a process of berth's own.
        try bash -c 'ulimit -n 2048; exec "$@"' bash "$OUTSIDE" listen 300 -- "$BERTH" -q -d -M m2 -D "$TREE" sh -c 'echo $LISTEN_FDS; exec sleep 1000'
        status_is 0
        own_scope m2
        await_true eval 'ctl logs m2 | grep -qx 300'
        end_all m2
}

@test "namespaces: what is mounted for the caller only, its network, its host name" {
        try unshare --mount --net --uts sh -c 'mount -t tmpfs here /mnt && cp -a "$0" /mnt/tree && echo mine >/mnt/tree/srv/mine && hostname theirs && ip link add berth-own type veth peer name berth-other &&
                exec "$1" -q -d -M m1 --bind=/mnt/tree/srv:/opt -D /mnt/tree sh -c "cat /srv/mine /opt/mine; ls /sys/class/net; echo end; exec sleep 1000"' "$TREE" "$BERTH"
        status_is 0
        errors_is ""
        await_true eval 'ctl logs m1 | grep -qx end'
        try ctl logs m1
        [ "$(head -n 2 <<<"$output")" = $'mine\nmine' ]
        output_has berth-own
        [ "$(systemctl show --value -p MainPID berth-m1)" = "$(supervisor_of m1)" ]
        [ "$(nsenter -t "$(supervisor_of m1)" -u hostname)" = theirs ]
        [ ! -e /mnt/tree ]
        end_all m1
}

@test "a caller in another root" {
        try unshare --mount bash -c 'mkdir -p "$0" && mount --rbind / "$0" && for d in proc sys run dev; do mount --rbind /$d "$0/$d"; done && mount -t tmpfs only "$0/mnt" && cp -a "$1" "$0/mnt/tree" &&
                exec chroot "$0" "$2" -q -d -M m1 -D /mnt/tree sh -c "echo up; exec sleep 1000"' "$work/root" "$TREE" "$BERTH"
        status_is 0
        errors_is ""
        await_true eval 'ctl logs m1 | grep -qx up'
        [ "$(systemctl show --value -p MainPID berth-m1)" = "$(supervisor_of m1)" ]
        [ "$(readlink "/proc/$(supervisor_of m1)/root")" = "$work/root" ]
        end_all m1
}

# --- errors, and the caller's end ---

@test "what goes wrong is told to the caller, with its status" {
        local foreground
        try berth -q -M m1 -D "$TREE" /no/such/program
        refused "/no/such/program"
        foreground=$errors
        try berth -q -d -M m1 -D "$TREE" /no/such/program
        refused "/no/such/program"
        [ "$errors" = "$foreground" ]
        try berth -q -d -M m1 -D "$work/nothing" true
        refused "$work/nothing"
        try berth -q -d -M m1 --no-such-option -D "$TREE" true
        refused "--no-such-option"
        try berth -q -d -M m1 --notify-ready=yes -D "$TREE" sh -c 'exit 7'
        refused "before it said that it is ready"
        try berth -d -M m1 -D "$TREE" --link-journal=host sleep 1000
        [ "$(grep -c 'link-journal' <<<"$errors")" -le 1 ]
        [ ! -e /run/berth/m1 ] || end_all m1
        await_no_supervisor
        never systemctl is-failed berth-m1
}

@test "an interrupted start ends, and so does one whose caller is killed, or whose supervisor" {
        local sig supervisor
        for sig in TERM INT KILL; do
                start_berth -q -d -M m1 --notify-ready=yes -D "$TREE" sh -c 'echo up; exec sleep 1000'
                await /run/berth/m1/console.log up
                kill -s $sig "$launcher"
                if [ $sig = KILL ]; then
                        wait "$launcher" || true
                else
                        await_end
                        status_is 1
                fi
                await_no_supervisor
                [ ! -e /run/berth/m1 ]
        done
        start_berth -q -d -M m1 --notify-ready=yes -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await /run/berth/m1/console.log up
        supervisor=$(systemctl show --value -p MainPID berth-m1)
        kill -KILL "$supervisor"
        await_end
        status_is 1
        grep -q "the supervisor was killed by signal 9\|the supervisor ended without a word" "$work/err"
        await_no_supervisor
        await_no_scope m1
        ctl gc
}

@test "a killed supervisor takes its container along" {
        local leader
        try berth -q -d -M m1 -D "$TREE" sh -c "$waits"
        status_is 0
        leader=$(ctl show --value -p Leader m1)
        kill -KILL "$(supervisor_of m1)"
        await_true test ! -e "/proc/$leader"
        await_no_supervisor
        await_no_scope m1
        await_true eval '! machinectl show m1'
        ctl gc
        [ ! -e /run/berth/m1 ]
}

# --- the manager ---

@test "it lives on when berth-agent is killed, and the manager is loaded and executed anew" {
        local supervisor agent
        try berth -q -d -M m1 -D "$TREE" sh -c "$waits"
        status_is 0
        supervisor=$(supervisor_of m1)
        agent=$(pgrep -P "$supervisor" -x berth-agent)
        kill -KILL "$agent"
        await_true eval '[ "$(pgrep -P '"$supervisor"' -x berth-agent)" != '"$agent"' ]'
        systemctl daemon-reload
        systemctl daemon-reexec
        await_value "$supervisor" systemctl show --value -p MainPID berth-m1
        [ "$(systemctl is-active berth-m1)" = active ]
        try ctl exec m1 echo alive
        output_is alive
        systemctl stop berth-m1
        [ ! -e /run/berth/m1 ]
        await_no_supervisor
}

@test "another unit has the name of the service: it gets another one" {
        systemd-run -q --unit=berth-m1.service sleep 1000
        try berth -q -d -M m1 -D "$TREE" sh -c "$waits"
        status_is 0
        errors_is ""
        own=$(sed -n 's,^0::/machine.slice/,,p' "/proc/$(supervisor_of m1)/cgroup")
        [[ $own == berth-m1-*.service ]]
        [ "$(systemctl show --value -p MainPID "$own")" = "$(supervisor_of m1)" ]
        systemctl show --value -p Before m1.scope | grep -qw "$own"
        systemctl stop "$own" berth-m1.service
        [ ! -e /run/berth/m1 ]
        await_no_supervisor
        # One that has just ended has no unit that is in the way.
        for _ in {1..10}; do
                try berth -q -d -M m1 -D "$TREE" sh -c "$waits"
                status_is 0
                await_supervisor m1
                ctl stop --kill m1
        done
        await_no_supervisor
}

@test "what a service cannot have of its caller: the supervisor is a process of berth's own, in a scope" {
        local how
        for how in "setpriv --no-new-privs" "setpriv --bounding-set=-sys_boot" "unshare --cgroup" "unshare --time"; do
                $how true 2>/dev/null || { [ "$how" = "unshare --time" ]; continue; }
                try $how "$BERTH" -q -d -M m1 -D "$TREE" sh -c "$waits"
                status_is 0
                errors_is ""
                own_scope m1
                [ "$own" = "berth-m1-$(supervisor_of m1).scope" ]
                end_all m1
        done
        # The manager does not find the program.
        try unshare --mount sh -c 'mount -t tmpfs bin /mnt && cp "$0" /mnt/berth && exec /mnt/berth -q -d -M m1 -D "$1" sh -c "$2"' "$BERTH" "$TREE" "$waits"
        status_is 0
        errors_is ""
        own_scope m1
        end_all m1
}

@test "no bus, or one that hangs: started all the same, once" {
        limit=40
        try env DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere "$BERTH" -d -M m1 --resolv-conf=off -D "$TREE" sh -c "$waits"
        status_is 0
        output_is m1
        errors_is "berth: no unit of its own: cannot connect to the bus: No such file or directory"
        end_all m1
        systemctl kill --signal=STOP dbus.service
        try berth -d -M m1 --resolv-conf=off -D "$TREE" sh -c "$waits"
        systemctl kill --signal=CONT dbus.service
        status_is 0
        output_is m1
        errors_is "berth: no unit of its own: the service manager makes no service for m1: Connection timed out"
        # A request that was on its way comes to nothing.
        await_no_supervisor
        try ctl exec m1 echo alive
        output_is alive
        end_all m1
        # Interrupted while it waits.
        systemctl kill --signal=STOP dbus.service
        start_berth -q -d -M m1 -D "$TREE" sh -c "$waits"
        await_true pgrep -P "$launcher" -x berth-agent
        kill -TERM "$launcher"
        await_end
        systemctl kill --signal=CONT dbus.service
        status_is 1
        await_no_supervisor
        [ ! -e /run/berth/m1 ]
}

@test "not run by hand" {
        try bash -c 'exec -a berth-supervisor "$0" -D /' "$BERTH"
        refused "berth runs this by itself"
}
