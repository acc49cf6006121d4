#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# From start to end: signals, exit statuses, reboots, locks, many at once, and what remains when the launcher is killed.

load ../lib/common

# A command that stays, in the background; $leader is its PID 1.
start_sleeper() {
        start_berth -q "${opts[@]}" -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        leader=$(leader_of "$launcher")
        [ -n "$leader" ]
}

# By force. What cannot be atomic (cgroup, record, lock files) may stay, until the next start of that name takes it.
kill_launcher() {
        kill -KILL "$launcher" || fail "the launcher had ended: $(cat "$work/err")" || return 1
        wait "$launcher" 2>/dev/null || true
}

reclaim() {
        try berth -q -D "$TREE" true
        status_is 0
}

gone() {
        local try
        for try in {1..60}; do
                [ -e "/proc/$1" ] || return 0
                sleep 0.05
        done
        fail "process $1 is still there: $(tr '\0' ' ' <"/proc/$1/cmdline")"
}

@test "TERM to the launcher reaches a plain command that handles it" {
        start_berth -q -D "$TREE" /bin/inside catch 1 5
        await "$work/out" ready
        kill "$launcher"
        await_end
        status_is 5
        line_is "signal TERM"
}

@test "TERM ends a command that does not handle it" {
        start_sleeper
        kill "$launcher"
        await_end
        [ "$status" != 0 ]
        gone "$leader"
}

@test "a signal that ends the payload unasked is named" {
        start_sleeper
        kill -KILL "$leader"
        await_end
        status_is 1
        grep "ended by the signal SIGKILL" "$work/err"
        start_sleeper
        kill "$launcher"
        await_end
        never grep "ended by" "$work/err"
        # More than what the kernel gives to a new program, wherever in a page that begins.
        opts=(--rlimit=STACK=0)
        in_tree sh -c 'ls / >/dev/null; true'
        status_is 1
        errors_has "ended by the signal SIG"
}

@test "--kill-signal is what the payload gets, by name, number and RTMIN+n" {
        local how want
        for how in USR1:USR1 SIGUSR2:USR2 10:USR1 RTMIN+3:RTMIN+3 SIGRTMIN+4:RTMIN+4 sigterm:TERM; do
                want=${how#*:}
                start_berth -q --kill-signal="${how%:*}" -D "$TREE" /bin/inside catch 1 5
                await "$work/out" ready
                kill "$launcher"
                await_end
                status_is 5
                line_is "signal $want"
        done
}

@test "--kill-signal: what is none is refused, help lists them" {
        local bad
        for bad in NOSUCH 0 -1 65 RTMIN+99 '' SIG; do
                opts=("--kill-signal=$bad")
                in_tree true
                refused || fail "signal: $bad"
        done
        try berth --kill-signal=help
        status_is 0
        output_matches 'TERM'
        output_matches 'RTMIN'
}

@test "a second TERM kills at once" {
        start_berth -q --kill-signal=USR1 -D "$TREE" /bin/inside catch 99
        await "$work/out" ready
        leader=$(leader_of "$launcher")
        kill "$launcher"
        await "$work/out" "signal USR1"
        kill "$launcher"
        await_end
        status_is 1
        gone "$leader"
}

@test "HUP is no second request, before TERM or after it: a session that ends sends both" {
        local order name
        for order in "HUP TERM" "TERM HUP HUP" "HUP HUP HUP"; do
                start_berth -q --kill-signal=USR1 -D "$TREE" sh -c 'trap "sleep 1; exit 5" USR1; echo ready; while :; do sleep 0.1; done'
                await "$work/out" ready
                for name in $order; do
                        kill -s "$name" "$launcher"
                        sleep 0.1
                done
                await_end
                status_is 5
        done
}

# boot_that_ends NAME SCRIPT: a boot whose shutdown runs the script, asked to end; $launcher and $TREE.
boot_that_ends() {
        fresh_tree busybox "$1"
        printf '#!/bin/sh\n%s\n' "$2" >"$TREE/etc/rc.shutdown"
        start_berth -q -b -D "$TREE" --console=pipe
        await "$work/out" up
        kill "$launcher"
}

@test "a payload that does not end is killed after 90 seconds, an OS only if nothing moves in it" {
        local start=$SECONDS busy stuck command end
        boot_that_ends stuck 'exec sleep 1000'
        stuck=$launcher
        boot_that_ends busy 'i=0; while [ $i -lt 1000 ]; do sleep 0.1; i=$((i + 1)); done; echo down >/var/down'
        busy=$launcher
        start_berth -q --kill-signal=USR1 -D "$trees/busybox" /bin/inside catch 99
        command=$launcher
        await "$work/out" ready
        leader=$(leader_of "$command")
        kill "$command"
        await "$work/out" "signal USR1"
        for launcher in "$command" "$stuck" "$busy"; do
                while [ $((SECONDS - start)) -lt 160 ] && kill -0 "$launcher" 2>/dev/null; do sleep 0.5; done
                await_end
                end=$((SECONDS - start))
                if [ "$launcher" = "$busy" ]; then
                        status_is 0
                        [ $end -ge 98 ]
                        [ "$(cat "$TREE/var/down")" = down ]
                else
                        status_is 1
                        [ $end -ge 88 ]
                fi
        done
        gone "$leader"
}

@test "under the other name TERM without a kill signal kills at once, with status 1" {
        BERTH=$STRICT
        start_berth -q --resolv-conf=off --timezone=off -D "$TREE" /bin/inside catch 99
        await "$work/out" ready
        kill "$launcher"
        await_end
        status_is 1
        output_lacks "signal TERM"
}

@test "a payload that is killed gives status 1" {
        start_sleeper
        kill -KILL "$leader"
        await_end
        status_is 1
}

@test "SIGKILL to the launcher: the container dies with it" {
        local mode
        for mode in -q -a; do
                opts=("$mode")
                start_sleeper
                local all
                all=$(descendants "$launcher")
                kill_launcher
                for pid in $all; do gone "$pid"; done
        done
        reclaim
}

@test "SIGKILL to the launcher: a payload that keeps the stub's pipe open dies with it" {
        start_berth -q -a -D "$TREE" sh -c 'for fd in /proc/1/fd/*; do sleep 1001 7<>$fd & sleep 1002 7<$fd & done; echo up; exec sleep 1000'
        await "$work/out" up
        local all pid
        all=$(descendants "$launcher")
        kill_launcher
        for pid in $all; do gone "$pid"; done
        reclaim
}

@test "SIGKILL to the launcher: a booted container dies with it" {
        fresh_tree
        start_berth -q -b -D "$TREE"
        await "$work/out" "PID 1 is"
        local all pid
        all=$(descendants "$launcher")
        [ -n "$all" ]
        kill_launcher
        for pid in $all; do gone "$pid"; done
        reclaim
}

@test "SIGKILL to the launcher: processes of a user, and daemons, die with it" {
        opts=(-a -u guest)
        start_berth -q "${opts[@]}" -D "$TREE" sh -c 'setsid sleep 1001 & (sleep 1002 &) ; echo up; exec sleep 1000'
        await "$work/out" up
        sleep 0.2
        local all pid
        all=$(descendants "$launcher")
        [ "$(wc -l <<<"$all")" -ge 4 ]
        kill_launcher
        for pid in $all; do gone "$pid"; done
        reclaim
}

@test "SIGKILL to the launcher: the next start of the same tree works at once" {
        local i
        for i in {1..10}; do
                start_sleeper
                kill_launcher
                in_tree echo again
                status_is 0
                output_is again
        done
}

@test "SIGKILL to the launcher: the next start has the same name, range and tree" {
        local i name=kill-name-$$ first
        run_named() {
                berth -q "$@" -D "$TREE" sh -c 'hostname; cat /proc/self/uid_map'
        }
        for opts in "" "-M $name"; do
                first=$(run_named $opts)
                for i in {1..25}; do
                        start_berth -q $opts -D "$TREE" sh -c 'echo up; exec sleep 1000'
                        await "$work/out" up
                        kill -KILL "$launcher"
                        try run_named $opts
                        status_is 0
                        output_is "$first"
                done
        done
}

@test "a name that a living container has is not waited for" {
        start_sleeper
        try strace -o "$work/trace" -e trace=flock,clock_nanosleep "$BERTH" -q --read-only --lock=no -D "$TREE" hostname
        status_is 0
        [ "$output" != "${TREE##*/}" ]
        grep -q "^flock.*EAGAIN" "$work/trace"
        never grep -q clock_nanosleep "$work/trace"
        stop_berth
}

@test "a start that has just begun has its name, which who comes next waits for when it was killed" {
        local name=${TREE##*/} early
        # Held before there is a guest.
        strace -qq -o "$work/trace" -e trace=clone3 -e inject=clone3:delay_enter=20s "$BERTH" -q -D "$TREE" true 2>"$work/err" 3>&- &
        local tracer=$!
        await "/run/berth/$name/record" supervisor
        early=$(pgrep -P "$tracer")
        grep -qxF "{\"supervisor\":$early}" "/run/berth/$name/record"
        try ctl list --no-legend
        output_matches "^$name +starting "
        # It lives: not waited for.
        try strace -o "$work/trace2" -e trace=clock_nanosleep "$BERTH" -q --read-only --lock=no -D "$TREE" hostname
        status_is 0
        [ "$output" != "$name" ]
        never grep -q clock_nanosleep "$work/trace2"
        # As if something of it had a copy of its lock for a while.
        flock "/run/berth/$name/record" sh -c 'echo held; exec sleep 0.3' >"$work/held" 3>&- &
        local holder=$!
        # Its tracer would hold it back at its end, too.
        kill -KILL "$early" "$tracer"
        await "$work/held" held
        try berth -q -D "$TREE" hostname
        wait "$holder" "$tracer" || true
        status_is 0
        output_is "$name"
}

@test "SIGKILL at a random moment of the start: the next start has the same name and range, 40 times" {
        local i first
        run_named() {
                berth -q -D "$TREE" sh -c 'hostname; cat /proc/self/uid_map'
        }
        first=$(run_named)
        for i in {1..40}; do
                start_berth -q -D "$TREE" sleep 1000
                sleep "0.00$((RANDOM % 90 + 10))"
                kill -KILL "$launcher"
                try run_named
                status_is 0
                output_is "$first"
        done
}

@test "SIGKILL at a random moment of the start leaves nothing, 40 times" {
        local i
        for i in {1..40}; do
                start_berth -q -D "$TREE" sleep 1000
                sleep "0.00$((RANDOM % 90 + 10))"
                kill_launcher
        done
        in_tree echo works
        status_is 0
        [ ! -e "/run/berth/${TREE##*/}" ]
        # No start had to take another name, which nobody would come by again.
        try ctl gc
        status_is 0
        output_is "nothing is left over"
}

@test "TERM and HUP at a random moment of the start end it, 40 times" {
        local i names=(TERM HUP)
        for i in {1..40}; do
                start_berth -q -a -D "$TREE" sleep 1000
                # What a shell gets before it has become the program may be lost with its own handlers.
                while [ "$(cat "/proc/$launcher/comm")" = bash ]; do :; done
                sleep "0.00$((RANDOM % 90 + 10))"
                kill -s "${names[i % 2]}" "$launcher"
                await_end
                [ "$status" != 0 ]
        done
}

@test "when PID 1 ends, all other processes of the container end" {
        start_berth -q -D "$TREE" sh -c 'sleep 1000 & setsid sleep 1001 & echo up; read x <&3; exit 3' 
        await "$work/out" up
        await_end
        gone "$launcher"
}

@test "power-off from inside gives 0, halt too" {
        fresh_tree
        printf '#!/bin/sh\npoweroff -f\n' >"$TREE/etc/rc.test"
        chmod 0755 "$TREE/etc/rc.test"
        try berth -q -b -D "$TREE"
        status_is 0
        printf '#!/bin/sh\nhalt -f\n' >"$TREE/etc/rc.test"
        try berth -q -b -D "$TREE"
        status_is 0
}

@test "power-off by a plain command gives 0" {
        in_tree poweroff -f
        status_is 0
}

# Reboots until the file in the tree has N lines.
counting_tree() {
        fresh_tree
        printf '#!/bin/sh\necho start >>/srv/starts\n[ "$(wc -l </srv/starts)" -lt %s ] && exec reboot -f\nexec poweroff -f\n' "$1" >"$TREE/etc/rc.test"
        chmod 0755 "$TREE/etc/rc.test"
}

@test "a reboot from inside starts again in place" {
        counting_tree 3
        try berth -q -b -D "$TREE"
        status_is 0
        [ "$(wc -l <"$TREE/srv/starts")" = 3 ]
}

@test "fifty reboots in place" {
        counting_tree 50
        limit=120
        try berth -q -b -D "$TREE"
        status_is 0
        [ "$(wc -l <"$TREE/srv/starts")" = 50 ]
}

@test "a reboot does not change the plan: environment, uuid, host name, capabilities" {
        fresh_tree
        # Numbers of peer groups are the whole kernel's.
        cat >"$TREE/etc/rc.test" <<'END'
#!/bin/sh
{ tr '\0' '\n' </proc/1/environ | sort; hostname; grep -E '^(Cap|Seccomp|NoNewPrivs|Uid|Gid)' /proc/1/status | grep -v filters; cat /proc/1/uid_map; ulimit -a; awk '{ $1 = $2 = $3 = ""; sub("shared:[0-9]*", "shared"); print }' /proc/self/mountinfo; } >/srv/state.$(ls /srv | wc -l)
[ -e /srv/state.1 ] && exec poweroff -f
exec reboot -f
END
        chmod 0755 "$TREE/etc/rc.test"
        try berth -q -b -M rebooting -E ONE=two --hostname=h --uuid=0123456789abcdef0123456789abcdef -D "$TREE"
        status_is 0
        diff "$TREE/srv/state.0" "$TREE/srv/state.1"
}

@test "with --keep-unit a reboot ends with 133" {
        fresh_tree
        printf '#!/bin/sh\nexec reboot -f\n' >"$TREE/etc/rc.test"
        chmod 0755 "$TREE/etc/rc.test"
        try berth -q -b --keep-unit -D "$TREE"
        status_is 133
}

@test "--as-pid2 payloads can reboot and power off through the stub" {
        fresh_tree
        opts=(-a)
        in_tree poweroff -f
        status_is 0
        in_tree sh -c 'echo start >>/srv/starts; [ $(wc -l </srv/starts) -lt 2 ] && reboot -f; exit 4'
        status_is 4
        [ "$(wc -l <"$TREE/srv/starts")" = 2 ]
}

@test "--as-pid2: a payload that is stopped hears that it shall end" {
        local sig
        for sig in TERM INT HUP QUIT; do
                start_berth -q -D "$TREE" -a sh -c 'trap "exit 7" TERM INT HUP QUIT; echo up; kill -STOP $$; sleep 1000'
                await "$work/out" up
                sleep 0.1
                kill -"$sig" "$launcher"
                await_end
                status_is 7
        done
}

@test "the stub goes down on the signals that ask for it" {
        opts=(-a)
        start_berth -q -a -D "$TREE" sleep 1000
        sleep 0.5
        leader=$(leader_of "$launcher")
        # RTMIN+4 asks an init for a power-off.
        kill -s RTMIN+4 "$leader"
        await_end
        status_is 0
}

@test "start and stop fifty times in a row" {
        local i
        for i in {1..50}; do
                in_tree true
                status_is 0
        done
}

@test "a busy tree is refused, and the message says so" {
        fresh_tree
        start_sleeper
        in_tree echo x
        stop_berth
        refused busy
}

@test "a busy tree is refused to a read-only start too" {
        fresh_tree
        start_sleeper
        opts=(--read-only -M other)
        in_tree echo x
        stop_berth
        refused busy
}

@test "by another path it is still the same tree" {
        fresh_tree
        start_sleeper
        ln -s "$TREE" "$work/alias"
        mkdir "$work/bound"
        mount --bind "$TREE" "$work/bound"
        try berth -q -M other -D "$work/alias" echo x
        local first=$status second
        try berth -q -M another -D "$work/bound" echo x
        second=$status
        stop_berth
        umount "$work/bound"
        [ "$first $second" = "1 1" ]
}

@test "read-only starts share a tree: ten at once" {
        local i pids=() pid bad=0
        for i in {1..10}; do
                "$BERTH" -q --read-only -M "shared-$i" -D "$TREE" sh -c 'sleep 0.5; echo done' >"$work/shared.$i" 2>&1 </dev/null &
                pids+=($!)
        done
        for pid in "${pids[@]}"; do wait "$pid" || bad=1; done
        [ "$bad" = 0 ] || cat "$work"/shared.*
        [ "$bad" = 0 ]
        [ "$(cat "$work"/shared.* | grep -cx "done")" = 10 ]
}

@test "a writing start is refused while a read-only one runs" {
        opts=(--read-only)
        start_sleeper
        opts=(-M other)
        in_tree echo x
        stop_berth
        refused busy
}

@test "ten parallel runs, each with an overlay of its own over one read-only tree" {
        local i pids=() pid bad=0
        for i in {1..10}; do
                mkdir -p "$work/up.$i" "$work/wk.$i" "$work/o.$i"
                mount -t overlay overlay -o "lowerdir=$TREE,upperdir=$work/up.$i,workdir=$work/wk.$i" "$work/o.$i"
        done
        for i in {1..10}; do
                "$BERTH" -q -D "$work/o.$i" sh -c "echo $i >/srv/me && cat /srv/me" >"$work/over.$i" 2>&1 </dev/null &
                pids+=($!)
        done
        for pid in "${pids[@]}"; do wait "$pid" || bad=1; done
        for i in {1..10}; do
                [ "$(cat "$work/over.$i")" = "$i" ] || { bad=1; cat "$work/over.$i"; }
                [ "$(cat "$work/up.$i/srv/me")" = "$i" ] || bad=1
                umount "$work/o.$i"
        done
        [ "$bad" = 0 ]
}

@test "fifty containers started together" {
        local i pids=() pid bad=0
        for i in {1..50}; do
                mkdir "$work/t.$i"
                cp "$helpers/inside" "$work/t.$i/inside"
        done
        for i in {1..50}; do
                "$BERTH" -q -D "$work/t.$i" /inside argv "$i" >"$work/o.$i" 2>&1 </dev/null &
                pids+=($!)
        done
        for pid in "${pids[@]}"; do wait "$pid" || bad=$((bad + 1)); done
        for i in {1..50}; do
                [ "$(cat "$work/o.$i")" = "[$i]" ] || { bad=$((bad + 1)); echo "$i: $(cat "$work/o.$i")"; }
        done
        [ "$bad" = 0 ]
}

@test "SYSTEMD_NSPAWN_LOCK=0 and --lock=no go without the lock" {
        fresh_tree
        start_sleeper
        SYSTEMD_NSPAWN_LOCK=0 try berth -q -M other -D "$TREE" echo x
        local first=$status
        try berth -q --lock=no -M another -D "$TREE" echo x
        local second=$status
        stop_berth
        [ "$first $second" = "0 0" ]
}

@test "/run/berth has a record while it runs, and nothing afterwards" {
        start_sleeper
        [ -n "$(find /run/berth -name '*busybox*')" ]
        stop_berth
        in_tree true
        [ -z "$(find /run/berth -mindepth 1 -type f -size +0)" ] || find /run/berth -ls
        [ -z "$(find /run/berth -mindepth 1 -type f -size +0)" ]
}

@test "the caller's directory and its own cgroup are not changed" {
        local before
        before=$(cat /proc/self/cgroup)
        in_tree true
        [ "$(cat /proc/self/cgroup)" = "$before" ]
}

# $1: of what. The numbers of the launcher that runs.
small_and_asleep() {
        local private fds before after
        private=$(awk '/^Private_(Dirty|Clean):/ { sum += $2 } END { print sum }' "/proc/$launcher/smaps_rollup")
        fds=$(ls "/proc/$launcher/fd" | wc -l)
        before=$(awk '/ctxt_switches/ { sum += $2 } END { print sum }' "/proc/$launcher/status")
        sleep 1
        after=$(awk '/ctxt_switches/ { sum += $2 } END { print sum }' "/proc/$launcher/status")
        echo "$1: $private KiB, $fds descriptors"
        [ "$private" -le 1024 ] || fail "$1: private memory: $private KiB" || return 1
        [ "$fds" -le 16 ] || fail "$1: descriptors: $fds" || return 1
        [ "$before" = "$after" ] || fail "$1: woke up $((after - before)) times"
}

@test "the supervisor of a running container is small and asleep" {
        # A second one, so that the program itself counts as shared.
        mkdir "$work/second"
        cp "$helpers/inside" "$work/second/inside"
        "$BERTH" -q -D "$work/second" /inside catch 1 >"$work/second.out" 2>&1 3>&- </dev/null &
        local second=$! mode
        await "$work/second.out" ready
        for mode in '' '-a' '--console=read-only' '--private-users=no --private-network --notify-ready=yes'; do
                # shellcheck disable=SC2206 # words are wanted
                opts=($mode)
                start_sleeper
                sleep 0.3
                small_and_asleep "command $mode"
                stop_berth
        done
        fresh_tree
        start_berth -q -b -D "$TREE"
        await "$work/out" '/ # '
        sleep 0.5
        small_and_asleep "--boot"
        kill "$launcher"
        wait "$launcher"
        stop_berth "$second"
}

# --- the service manager's protocol

@test "READY=1 is sent when the payload runs" {
        try "$OUTSIDE" notify "$work/log" -- "$BERTH" -q -D "$TREE" true
        status_is 0
        output=$(cat "$work/log")
        line_is READY=1
        output_matches '^X_NSPAWN_LEADER_PID=[0-9]+$'
        output_matches '^STATUS='
}

@test "--notify-ready: READY=1 is sent when the payload says so, and only then" {
        try "$OUTSIDE" notify "$work/log" -- "$BERTH" -q --notify-ready=yes -D "$TREE" true
        status_is 0
        output=$(cat "$work/log")
        never grep -qx READY=1 <<<"$output"
        try "$OUTSIDE" notify "$work/log2" -- "$BERTH" -q --notify-ready=yes -D "$TREE" sh -c 'exec /bin/inside notify READY=1 "STATUS=from inside"'
        status_is 0
        output=$(cat "$work/log2")
        line_is READY=1
        line_is "STATUS=Container running: from inside"
}

@test "what a process other than PID 1 notifies is not passed on" {
        try "$OUTSIDE" notify "$work/log" -- "$BERTH" -q --notify-ready=yes -D "$TREE" sh -c '/bin/inside notify READY=1 STATUS=spoofed; true'
        status_is 0
        output=$(cat "$work/log")
        output_lacks spoofed
}

@test "--notify-ready with --as-pid2: the payload is believed, not what it starts" {
        try "$OUTSIDE" notify "$work/log" -- "$BERTH" -q -a --notify-ready=yes -D "$TREE" /bin/inside barrier READY=1
        status_is 0
        output_has "barrier ok"
        output=$(cat "$work/log")
        line_is READY=1
        try "$OUTSIDE" notify "$work/log2" -- "$BERTH" -q -a --notify-ready=yes -D "$TREE" sh -c '/bin/inside barrier READY=1; true'
        status_is 0
        output_has "barrier ok"
        output=$(cat "$work/log2")
        never grep -qx READY=1 <<<"$output"
}

# It waits for an answer by way of a descriptor, and speaks for the process above it, unless that is number 1.
@test "systemd-notify --ready: of the payload or by it, and of nobody else" {
        need_tree trixie
        local opts
        for opts in '' --private-users=no; do
                # shellcheck disable=SC2086
                try "$OUTSIDE" notify "$work/log" -- "$BERTH" -q $opts --read-only --notify-ready=yes -D "$TREE" systemd-notify --ready --status="as it should be"
                status_is 0
                output=$(cat "$work/log")
                line_is READY=1
                line_is "STATUS=Container running: as it should be"
                rm "$work/log"
        done
        try "$OUTSIDE" notify "$work/log" -- "$BERTH" -q -a --read-only --notify-ready=yes -D "$TREE" sh -c 'systemd-notify --ready; echo "status $?"'
        output_is "status 0"
        output=$(cat "$work/log")
        line_is READY=1
        try "$OUTSIDE" notify "$work/log2" -- "$BERTH" -q --read-only --notify-ready=yes -D "$TREE" sh -c 'systemd-notify --ready; echo "status $?"'
        output_is "status 0"
        output=$(cat "$work/log2")
        never grep -qx READY=1 <<<"$output"
}

@test "what a payload may not say is not passed on" {
        try "$OUTSIDE" notify "$work/log" -- "$BERTH" -q --notify-ready=yes -D "$TREE" sh -c 'exec /bin/inside notify READY=1 MAINPID=1 WATCHDOG=1 ERRNO=7 BUSERROR=x EXTEND_TIMEOUT_USEC=1 NOTIFYACCESS=all'
        status_is 0
        output=$(cat "$work/log")
        local word
        for word in MAINPID WATCHDOG ERRNO BUSERROR EXTEND_TIMEOUT_USEC=1$ NOTIFYACCESS; do never grep -q "^$word" <<<"$output"; done
}

@test "a payload that is not ready yet gets more time, one that is does not" {
        mkfifo "$work/in"
        "$OUTSIDE" notify "$work/log" -- "$BERTH" -q --notify-ready=yes -D "$TREE" sh -c 'read x; exec /bin/inside barrier READY=1' <"$work/in" >/dev/null 3>&- &
        exec 8>"$work/in"
        await "$work/log" EXTEND_TIMEOUT_USEC=90000000
        echo go >&8
        exec 8>&-
        wait $!
        grep -qx READY=1 "$work/log"
        try "$OUTSIDE" notify "$work/log2" -- "$BERTH" -q -D "$TREE" true
        status_is 0
        never grep EXTEND_TIMEOUT "$work/log2"
}

@test "what PID 1 wants to be kept is passed on, but for what only it could serve; its children are not asked" {
        try "$OUTSIDE" notify "$work/log" -- "$BERTH" -q -D "$TREE" /bin/inside store a.name
        status_is 0
        [ "$(grep -A3 -x 'and a descriptor' "$work/log")" = $'and a descriptor\nFDSTORE=1\nFDPOLL=0\nFDNAME=a.name' ]
        try "$OUTSIDE" notify "$work/log2" -- "$BERTH" -q -D "$TREE" sh -c '/bin/inside store other; true'
        never grep FDSTORE "$work/log2"
        try "$OUTSIDE" notify "$work/log3" -- "$BERTH" -q -D "$TREE" sh -c 'exec /bin/inside notify FDSTOREREMOVE=1 FDNAME=a.name'
        grep -qx FDSTOREREMOVE=1 "$work/log3"
        try "$OUTSIDE" notify "$work/log4" -- "$BERTH" -q -D "$TREE" /bin/inside store 'a:b'
        grep -qx FDNAME=stored "$work/log4"
}

@test "the service manager's watchdog is answered as long as the container runs, and only by whom it is for" {
        mkfifo "$work/in"
        WATCHDOG_USEC=100000 "$OUTSIDE" notify "$work/log" -- "$BERTH" -q -D "$TREE" cat <"$work/in" >/dev/null 3>&- &
        exec 8>"$work/in"
        await "$work/log" $'WATCHDOG=1'
        await_pings() { [ "$(grep -c WATCHDOG=1 "$work/log")" -ge 3 ]; }
        for _ in {1..200}; do if await_pings; then break; fi; sleep 0.05; done
        await_pings
        exec 8>&-
        wait $!
        WATCHDOG_USEC=100000 WATCHDOG_PID=1 try "$OUTSIDE" notify "$work/log2" -- "$BERTH" -q -D "$TREE" true
        never grep WATCHDOG "$work/log2"
}

@test "a barrier is answered" {
        in_tree sh -c 'exec /bin/inside barrier'
        status_is 0
        output_is "barrier ok"
}

@test "the end is announced, with the exit status" {
        try "$OUTSIDE" notify "$work/log" -- "$BERTH" -q -D "$TREE" /bin/inside end 7
        status_is 7
        output=$(cat "$work/log")
        line_is EXIT_STATUS=7
        line_is STOPPING=1
}

@test "a notify socket that is not there is no obstacle" {
        NOTIFY_SOCKET=/no/such/socket in_tree echo x
        status_is 0
        output_is x
}

@test "LISTEN_FDS and LISTEN_FDNAMES are forwarded, with the payload's own number" {
        try "$OUTSIDE" listen 2 web:admin -- "$BERTH" -q -D "$TREE" /bin/inside listen
        status_is 0
        output_is $'fds 2\npid own\nnames web:admin\nfd 3 listening cloexec 0\nfd 4 listening cloexec 0'
        try "$OUTSIDE" listen 1 one -- "$BERTH" -q -a -D "$TREE" /bin/inside listen
        status_is 0
        output_is $'fds 1\npid own\nnames one\nfd 3 listening cloexec 0'
}

@test "as many descriptors as are promised are passed, or refused before anything is taken" {
        local mode
        for mode in --as-pid2=no -a; do
                try bash -c 'ulimit -n 2048; exec "$@"' bash "$OUTSIDE" listen 1000 -- "$BERTH" -q $mode -D "$TREE" sh -c 'echo $LISTEN_FDS; readlink /proc/$$/fd/1002; exec /bin/inside listen'
                status_is 0
                line_is 1000
                line_is "fd 1002 listening cloexec 0"
                try bash -c 'ulimit -n 2048; exec "$@"' bash "$OUTSIDE" listen 1024 -- "$BERTH" -q $mode --rlimit=NOFILE=2048 -D "$TREE" /bin/inside listen
                status_is 0
                line_is "fd 1026 listening cloexec 0"
                try bash -c 'ulimit -n 2048; exec "$@"' bash "$OUTSIDE" listen 1020 -- "$BERTH" -q $mode -M many -D "$TREE" true
                refused "LISTEN_FDS=1020 is too much for the container's limit of 1024 open files"
                errors_has --rlimit=NOFILE=
                [ ! -e /run/berth/many ]
        done
        try bash -c 'ulimit -n 150; exec "$@"' bash "$OUTSIDE" listen 100 -- "$BERTH" -q -D "$TREE" true
        refused "LISTEN_FDS=100 is too much for berth's own limit of 150 open files"
}

@test "LISTEN_FDS for another process is ignored" {
        LISTEN_FDS=2 LISTEN_PID=1 LISTEN_FDNAMES=a:b try berth -q -D "$TREE" /bin/inside listen
        status_is 0
        output_is $'fds none\npid none\nnames none'
}

@test "LISTEN_FDS that cannot be is refused or ignored, and nothing leaks" {
        local n
        for n in -1 abc 99999999999 2000; do
                try sh -c 'LISTEN_FDS=$1 LISTEN_PID=$$ exec "$2" -q -D "$3" /bin/inside fds' sh "$n" "$BERTH" "$TREE"
                [ "$status" = 0 ] || [ "$status" = 1 ]
                output_is ""
        done
}

@test "a builder that is killed at any step ends the start, and does not hang it" {
        local at
        for at in setresgid:1 mount:1 move_mount:3 pivot_root:1; do
                try timeout 20 strace -f -o "$work/trace" -e trace="${at%:*}" -e inject="${at%:*}:signal=KILL:when=${at#*:}" \
                        "$BERTH" -q -D "$TREE" true
                grep -q 'killed by SIGKILL' "$work/trace"
                status_is 1
                grep -qE '^berth: (the (builder|guest) died|builder and guest lost)' <<<"$errors" || fail "$at: $errors"
        done
        try timeout 20 "$BERTH" -q -D "$TREE" true
        status_is 0
}

@test "children that berth was executed with are not waited for" {
        local start=$SECONDS
        try bash -c 'sleep 30 & echo $! >"$1"; shift; exec "$@"' bash "$work/pid" "$BERTH" -q -D "$TREE" sh -c 'echo x'
        kill "$(cat "$work/pid")"
        status_is 0
        output_is x
        [ $((SECONDS - start)) -lt 15 ]
}

@test "a start that had to be made again leaves nothing of its first try" {
        fresh_tree
        mkdir -p "$TREE/srv/more" "$work/more"
        mount --bind "$work/more" "$TREE/srv/more"
        local -a all
        local i
        for i in {1..5}; do
                start_berth -q -D "$TREE" sh -c 'echo up; exec sleep 1000'
                await "$work/out" up
                # The builder may still be on its way out.
                sleep 0.2
                mapfile -t all < <(descendants "$launcher")
                [ "${#all[@]}" = 1 ] || fail "${#all[@]} processes below the launcher: $(ps -o pid,stat,args -p "$(IFS=,; echo "${all[*]}")")"
                stop_berth
        done
        umount "$TREE/srv/more"
}

@test "a builder that cannot have a thread leaves the host by itself" {
        try timeout 20 strace -f -o "$work/trace" -e trace=clone -e inject=clone:error=EINVAL \
                "$BERTH" -q -D "$TREE" sh -c 'cat /proc/self/mountinfo'
        status_is 0
        grep -q INJECTED "$work/trace" || fail "it made none"
        [ "$(awk '$5 == "/"' <<<"$output" | wc -l)" = 1 ]
}
