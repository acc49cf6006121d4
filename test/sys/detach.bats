#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berth --detach and --replace: the caller is told what a start in the foreground tells, and the container goes on.

load ../lib/common

# Started in the background as $1 with the words behind; $supervisor is its process.
detached() {
        local name=$1
        shift
        try berth -d -M "$name" "${opts[@]}" -D "$TREE" "$@"
        status_is 0 || return 1
        output_is "$name" || return 1
        supervisor=$(value_of "$name" supervisor)
        [ -n "$supervisor" ]
}

# A number of the record.
value_of() {
        sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p" "/run/berth/$1/record"
}

# Until the name is free again.
await_gone() {
        for _ in {1..400}; do
                [ -e "/run/berth/$1" ] || return 0
                sleep 0.05
        done
        fail "$1 does not end"
}

await_ended() {
        for _ in {1..200}; do
                [ -e "/proc/$1" ] || return 0
                sleep 0.05
        done
        fail "process $1 does not end"
}

end_detached() {
        ctl stop --kill "$1"
        await_gone "$1"
}

@test "detach: relative paths are seen from where the caller is, after a reboot too" {
        cd "$work"
        mkdir up
        touch netns
        unshare --net="$work/netns" ip link add berth-a type veth peer name berth-b
        opts=(--overlay-upper=up --network-namespace-path=./netns --bind=up:/mnt)
        detached one sh -c '[ -e /srv/again ] || { echo >/srv/again; exec reboot -f; }; ls /sys/class/net; echo ready; exec sleep 1000'
        await /run/berth/one/console.log ready
        grep -q berth-a /run/berth/one/console.log
        end_detached one
        umount "$work/netns"
        [ -e "$work/up/data/srv/again" ]
}

@test "detach: returns when the payload runs, and prints the name" {
        detached one sh -c 'echo ready; exec sleep 1000'
        [ "$(ps -o sid= -p "$supervisor" | tr -d ' ')" = "$supervisor" ]
        [ "$(readlink "/proc/$supervisor/cwd")" = / ]
        for fd in 0 1 2; do
                [ "$(readlink "/proc/$supervisor/fd/$fd")" = /dev/null ]
        done
        await /run/berth/one/console.log ready
        [ "$(stat -c %a /run/berth/one/console.log)" = 600 ]
        try ctl list --no-legend
        output_has one
        try ctl exec one echo in
        output_is in
        try ctl stop one
        status_is 0
        [ ! -e /run/berth/one ]
}

@test "detach: quiet prints nothing; a machine's status is there for wait" {
        try berth -q -d -M quiet -D "$TREE" /bin/inside catch 1 5
        status_is 0
        output_is ""
        errors_is ""
        await /run/berth/quiet/console.log ready
        ctl wait quiet >"$work/waited" 2>&1 &
        local waiter=$!
        await_waiter quiet
        ctl kill quiet
        status=0
        wait $waiter || status=$?
        status_is 5
}

# Until the waiting client is connected: two sockets at the name, the listener and its.
await_waiter() {
        for _ in {1..200}; do
                if [ "$(grep -c "/run/berth/$1/control" /proc/net/unix)" -ge 2 ]; then
                        return 0
                fi
                sleep 0.05
        done
        fail "nobody waits"
}

@test "detach: a start that fails says why, and with which status" {
        try berth -q -d -M bad -D "$TREE" /no/such/program
        refused "/no/such/program"
        local background=$errors
        try berth -q -M bad -D "$TREE" /no/such/program
        refused "/no/such/program"
        [ "$errors" = "$background" ]
        try berth -q -d -M bad -a -D "$TREE" /no/such/program
        refused "/no/such/program"
        try berth -q -d -M bad -D "$work/nothing" true
        refused "$work/nothing"
        [ ! -e /run/berth/bad ]
}

@test "detach: one that ends at once was started all the same" {
        for try in 1 2 3; do
                try berth -d -M short -D "$TREE" false
                status_is 0
                output_is short
                await_gone short
        done
}

@test "detach: a boot, and one that says itself when it is ready" {
        detached booted -b
        await /run/berth/booted/console.log "up"
        ctl stop -t 15 booted
        rm -f "$work/go"
        opts=()
        try berth -d -M said --notify-ready=yes -D "$TREE" sh -c 'echo up; exec /bin/inside notify READY=1'
        status_is 0
        output_is said
        await_gone said
        try berth -q -d -M never --notify-ready=yes -D "$TREE" sh -c 'exit 7'
        refused "before it said that it is ready"
}

@test "detach: an interrupted wait ends the start" {
        start_berth -d -M waits --notify-ready=yes -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await /run/berth/waits/console.log up
        kill -INT "$launcher"
        await_end
        status_is 1
        await_gone waits
        start_berth -d -M waits --notify-ready=yes -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await /run/berth/waits/console.log up
        kill -KILL "$launcher"
        await_gone waits
        wait "$launcher" || true
}

@test "detach: the caller's descriptors are free when it returns" {
        local said
        said=$("$BERTH" -d -M free -D "$TREE" sleep 1000 2>&1)
        [ "${said##*$'\n'}" = free ]
        end_detached free
}

@test "detach: a killed supervisor takes its container along, and gc what is left" {
        detached gone sh -c 'echo ready; exec sleep 1000'
        await /run/berth/gone/console.log ready
        leader=$(value_of gone leader)
        kill -KILL "$supervisor"
        await_ended "$leader"
        [ -e /run/berth/gone/console.log ]
        try ctl gc
        status_is 0
        line_is "removed the record of gone"
        [ ! -e /run/berth/gone ]
}

@test "detach: the log is bounded, and keeps the newest" {
        detached long sh -c 'i=0; while [ $i -lt 40000 ]; do echo "line $i ................................................................"; i=$((i+1)); done; echo the end; exec sleep 1000'
        limit=60
        await /run/berth/long/console.log "the end"
        [ -e /run/berth/long/console.log.1 ]
        [ "$(stat -c %s /run/berth/long/console.log.1)" -le 1048576 ]
        [ "$(stat -c %s /run/berth/long/console.log)" -le 1048576 ]
        grep -q '^line 39999 ' /run/berth/long/console.log
        end_detached long
}

@test "detach: a restart in place goes on with the same log" {
        fresh_tree
        opts=(-b)
        detached again
        await /run/berth/again/console.log up
        local before
        before=$(value_of again leader)
        ctl exec again reboot -f || true
        for _ in {1..200}; do
                if [ "$(value_of again leader)" != "$before" ]; then
                        break
                fi
                sleep 0.05
        done
        [ "$(value_of again leader)" != "$before" ]
        [ "$(value_of again supervisor)" = "$supervisor" ]
        end_detached again
}

@test "detach: the supervisor is small" {
        detached small sleep 1000
        local kib fds
        # What is its own; of the program itself, pages come and go with what it does.
        kib=$(awk '/^Private_Dirty:/ { print $2 }' "/proc/$supervisor/smaps_rollup")
        fds=$(find "/proc/$supervisor/fd" -mindepth 1 | wc -l)
        echo "$kib KiB, $fds descriptors"
        ls -l "/proc/$supervisor/fd"
        [ "$kib" -le 512 ]
        [ "$fds" -le 24 ]
        end_detached small
}

@test "detach: what does not go with it" {
        try berth -d --console=pipe -D "$TREE" true
        refused "--console=pipe"
        try berth -d -P -D "$TREE" true
        refused "--console=pipe"
        try berth -d --background=44 -D "$TREE" true
        refused "--background="
        try berth -d --dry-run -D "$TREE" true
        status_is 0
        output_matches '^console +detached$'
}

@test "replace: a running container of that name ends first" {
        opts=(--read-only)
        detached same sh -c 'echo first; exec sleep 1000'
        local before=$supervisor
        try berth -q -d -M same "${opts[@]}" -D "$TREE" sleep 1000
        refused "a container named same is running"
        opts=(--read-only --replace)
        detached same sh -c 'echo second; exec sleep 1000'
        [ "$supervisor" != "$before" ]
        [ ! -e "/proc/$before" ]
        await /run/berth/same/console.log second
        never grep first /run/berth/same/console.log
        try berth -q --replace -M same "${opts[@]}" -D "$TREE" echo in the foreground
        status_is 0
        output_is "in the foreground"
        [ ! -e /run/berth/same ]
        try berth -q --replace -M same "${opts[@]}" -D "$TREE" echo nobody before
        output_is "nobody before"
}

@test "replace: nobody is ended for what cannot start" {
        opts=(--read-only)
        detached same sleep 1000
        local before=$supervisor bad
        for bad in "no-such-command" "/no/such" "-u nobody-known true" "--bind=/no-such-source:/mnt true" "-E PATH=/srv sleep 1"; do
                try berth -q --replace -M same "${opts[@]}" -D "$TREE" $bad
                refused
                [ "$(value_of same supervisor)" = "$before" ]
                ctl exec same true
        done
        # Where the tree is not all that there will be, it is not asked.
        mkdir "$work/more"
        cp "$TREE/bin/busybox" "$work/more/echo"
        try berth -q --replace -M same "${opts[@]}" --bind="$work/more:/srv" -D "$TREE" /srv/echo from elsewhere
        status_is 0
        output_is "from elsewhere"
        [ ! -e /run/berth/same ]
}

@test "logs: all of it, and the last lines" {
        detached says sh -c 'printf "one\ntwo\n\nfour\n"; exec sleep 1000'
        await /run/berth/says/console.log four
        try ctl logs says
        status_is 0
        output_is $'one\ntwo\n\nfour'
        try ctl logs -n 2 says
        output_is $'\nfour'
        try ctl logs --lines=1 says
        output_is four
        try ctl logs -n 0 says
        output_is ""
        try ctl logs -n 100 says
        output_is $'one\ntwo\n\nfour'
        try ctl status says
        line_is two
        line_is four
        for bad in x -1 ''; do
                try ctl logs "--lines=$bad" says
                refused "--lines=$bad"
        done
        end_detached says
        try ctl logs says
        refused "there is no container named says"
}

@test "logs: a terminal is not steered by them" {
        detached steers sh -c 'printf "\033[31mred\033[0m\033]0;title\007\033[6n\033[2Jend\n"; exec sleep 1000'
        await /run/berth/steers/console.log end
        on_terminal -- "$BERTHCTL" logs steers
        status_is 0
        output_is $'\e[31mred\e[0mend\r'
        [[ $report == *left=0* ]]
        end_detached steers
}

@test "logs: of a container in the foreground there are none, of a killed one there are" {
        start_berth -q -M front -D "$TREE" sh -c 'echo ready; exec sleep 1000'
        await "$work/out" ready
        try ctl logs front
        refused "front runs in the foreground"
        stop_berth
        detached gone sh -c 'echo last words; exec sleep 1000'
        await /run/berth/gone/console.log words
        leader=$(value_of gone leader)
        kill -KILL "$supervisor"
        await_ended "$leader"
        try ctl logs -f gone
        status_is 0
        output_is "last words"
        ctl gc
}

@test "logs -f: goes on with what comes, through a change of files, and ends with the container" {
        detached grows sh -c 'until_there() { while [ ! -e $1 ]; do sleep 0.1; done; }; echo begin; until_there /tmp/go; i=0; while [ $i -lt 30000 ]; do echo "line $i ................................................................"; i=$((i+1)); done; echo the end; until_there /tmp/stop'
        limit=120
        ctl logs -f grows >"$work/followed" 2>"$work/err" &
        local follower=$!
        await "$work/followed" begin
        ctl exec grows touch /tmp/go
        await "$work/followed" "the end"
        [ -e /run/berth/grows/console.log.1 ]
        ctl exec grows touch /tmp/stop
        status=0
        wait $follower || status=$?
        status_is 0
        [ "$(grep -c '^line ' "$work/followed")" = 30000 ]
        [ "$(grep '^line ' "$work/followed" | cut -d' ' -f2 | sort -n -u | wc -l)" = 30000 ]
        never grep -q $'\r' "$work/followed"
        await_gone grows
}

# On a terminal at the console of $1: the steps behind follow when it is ready for them.
at_console() {
        local name=$1
        shift
        on_terminal 'expect=attached; ' 'expect=\r\n' "$@" -- "$BERTHCTL" attach "$name"
}

leave='send=\x1d\x1dd'

@test "attach: a terminal gets the console, leaves it, and comes back" {
        detached shell sh
        at_console shell 'send=echo $((40+2))\r' 'expect=42' "$leave" 'expect=left; '
        status_is 0
        [[ $report == *termios=same* ]]
        [[ $report == *flags=same* ]]
        at_console shell 'send=echo $((50+3))\r' 'expect=53' "$leave" 'expect=left; '
        status_is 0
        # What was there before is shown again, and of the key nothing came to the shell.
        plain_output
        output_has 42
        at_console shell 'send=echo x$((60+4))\r' 'expect=x64' 'send=exit 5\r'
        status_is 5
        [[ $report == *termios=same* ]]
        await_gone shell
}

@test "attach: what a hot key is made of reaches the payload where it is none, and not where it is" {
        detached bytes sh -c 'stty raw -echo; echo ready; while :; do dd bs=1 count=1 2>/dev/null | od -An -tx1; done'
        await /run/berth/bytes/console.log ready
        at_console bytes 'send=\x1d' 'expect=1d' 'send=\x1dx' 'expect=1d' 'expect=78' 'send=\x1d\x1dy' 'expect=1d' 'expect=1d' 'expect=79' \
                'send=z' 'expect=7a' "$leave" 'expect=left; '
        status_is 0
        at_console bytes 'send=e' 'expect=65' "$leave" 'expect=left; '
        status_is 0
        output=$(ctl logs bytes | tr -d ' \n')
        output_is ready1d1d781d1d797a65
        end_detached bytes
}

@test "attach: keys come one by one, and a key kills" {
        detached keys sleep 1000
        at_console keys 'send=\x1d' 'send=\x1d' 'send=d' 'expect=left; '
        status_is 0
        at_console keys 'send=\x1d\x1d\x1d'
        status_is 1
        [[ $report == *termios=same* ]]
        await_gone keys
        opts=(-b)
        detached keys
        await /run/berth/keys/console.log up
        at_console keys 'send=\x1d\x1dp'
        status_is 0
        await_gone keys
}

@test "attach: the window's size follows" {
        detached size sh -c 'trap "stty size" WINCH; echo ready; while :; do sleep 0.1; done'
        await /run/berth/size/console.log ready
        on_terminal -s 33x77 'expect=33 77' size=50x100 'expect=50 100' "$leave" 'expect=left; ' -- "$BERTHCTL" attach size
        status_is 0
        end_detached size
}

@test "attach: several at once" {
        detached many sh
        "$PTY" -t 20 'expect=attached; ' 'expect=\r\n' 'expect=both-7' 'send=echo from-$((1+1))\r' 'expect=from-2' "$leave" \
                'expect=left; ' -- "$BERTHCTL" attach many >"$work/first" 2>&1 &
        local first=$!
        await "$work/first" 'attached; '
        at_console many 'send=echo both-$((3+4))\r' 'expect=both-7' 'expect=from-2' "$leave" 'expect=left; '
        status_is 0
        wait $first
        end_detached many
}

@test "attach: no terminal: what is said goes in, what is shown comes out" {
        detached piped sh -c 'read line; echo "got $line"; read line; echo "got $line"; exit 6'
        try ctl attach piped <<<$'first\nsecond'
        status_is 6
        output_has "got first"
        output_has "got second"
        detached piped sleep 1000
        start_other_ctl attach piped
        await_waiter piped
        kill -TERM "$launcher"
        await_end
        status_is 143
        end_detached piped
}

# Like start_berth, with the second program.
start_other_ctl() {
        : >"$work/out"
        env --default-signal=INT,QUIT "$BERTHCTL" "$@" >"$work/out" 2>"$work/err" 3>&- </dev/null &
        launcher=$!
}

@test "attach: the terminal is restored when the client is told to end, or the supervisor is killed" {
        detached told sleep 1000
        at_console told signal=TERM
        status_is 143
        [[ $report == *termios=same* ]]
        "$PTY" -t 20 -r "$work/report" 'expect=attached; ' 'expect=\r\n' -- "$BERTHCTL" attach told >"$work/first" 2>&1 &
        local first=$!
        await "$work/first" 'attached; '
        kill -KILL "$supervisor"
        status=0
        wait $first || status=$?
        status_is 1
        await "$work/report" termios=same
        await "$work/first" "the supervisor of told has ended"
        ctl gc
}

@test "attach: a restart in place goes on at the same terminal" {
        fresh_tree
        opts=(-b)
        detached again
        await /run/berth/again/console.log up
        local before
        before=$(value_of again leader)
        at_console again 'send=\x1d\x1dr' 'expect=up' "$leave" 'expect=left; '
        status_is 0
        [ "$(value_of again leader)" != "$before" ]
        [ "$(value_of again supervisor)" = "$supervisor" ]
        end_detached again
}

@test "attach: what cannot be attached to" {
        start_berth -q -M front -D "$TREE" sh -c 'echo ready; exec sleep 1000'
        await "$work/out" ready
        try ctl attach front
        refused "front runs in the foreground"
        stop_berth
        try ctl attach nosuch
        refused "no container named nosuch"
}
