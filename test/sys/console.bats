#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The console: what the payload sees of the caller's terminal or pipes, and how the terminal is left.

load ../lib/common

terminal_restored() {
        [[ $report == *termios=same* && $report == *flags=same* ]] || fail "the terminal is not as it was:" "$report"
}

@test "on a terminal the payload has a terminal of the container, as its controlling one" {
        on_terminal -- "$BERTH" -q -D "$TREE" /bin/inside tty
        status_is 0
        output=$(tr -d '\r' <<<"$output")
        output_matches '^tty0 /dev/(pts/0|console)$'
        output_matches '^tty2 /dev/(pts/0|console)$'
        line_is "controlling yes"
        line_is "foreground yes"
        line_is "size 24x80"
        terminal_restored
}

@test "/dev/console leads to the payload's terminal" {
        on_terminal -- "$BERTH" -q -D "$TREE" sh -c 'echo via-console >/dev/console; echo via-tty >/dev/tty; readlink -f /dev/console'
        status_is 0
        output=$(tr -d '\r' <<<"$output")
        line_is via-console
        line_is via-tty
        line_is /dev/pts/0
}

@test "what is typed arrives, and echoes once" {
        on_terminal 'expect=ready' 'send=hello\r' 'expect=got hello' -- "$BERTH" -q -D "$TREE" sh -c 'echo ready; read x; echo got $x'
        status_is 0
        [ "$(grep -c '^hello' <<<"$output")" = 1 ]
        terminal_restored
}

@test "end of file at the terminal ends the reader" {
        on_terminal sleep=200 'send=abc\r\x04' -- "$BERTH" -q -D "$TREE" cat
        status_is 0
        terminal_restored
}

@test "Ctrl-C goes to the payload" {
        on_terminal 'expect=ready' 'send=\x03' -- "$BERTH" -q -a -D "$TREE" /bin/inside catch 1 6
        status_is 6
        output_has "signal INT"
        terminal_restored
}

@test "Ctrl-C in a shell below -a clears the line, and the shell stays" {
        on_terminal 'expect=# ' 'send=echo wro\x03' sleep=300 'send=echo still-$((1+1))\r' 'expect=still-2' 'send=exit 3\r' \
                -- "$BERTH" -q -a -D "$TREE" sh -i
        status_is 3
        output_lacks $'\nwro'
        terminal_restored
}

@test "Ctrl-Z suspends a job inside, not the launcher" {
        on_terminal 'expect=# ' 'send=sleep 1000\r' sleep=300 'send=\x1a' 'expect=Stopped' 'send=kill -9 %1\r' sleep=300 'send=wait; exit 4\r' \
                -- "$BERTH" -q -a -D "$TREE" sh -i
        status_is 4
        terminal_restored
}

@test "no newline gets a second carriage return" {
        on_terminal -- "$BERTH" -q -D "$TREE" printf 'a\nb\n'
        status_is 0
        [ "$output" = $'a\r\nb\r' ]
}

@test "the window size is passed on when it changes" {
        on_terminal 'expect=size 24x80' size=50x132 'expect=size 50x132' -- "$BERTH" -q -D "$TREE" /bin/inside resize 50x132
        status_is 0
}

@test "nothing is written to the terminal but the payload's output" {
        on_terminal -- "$BERTH" -q -D "$TREE" echo x
        status_is 0
        [ "$output" = $'x\r' ]
}

@test "no tint, no title and no query of the terminal, under either name" {
        on_terminal -- "$BERTH" -D "$TREE" echo x
        status_is 0
        output_lacks $'\033'
        on_terminal -- "$STRICT" --resolv-conf=off --timezone=off -D "$TREE" echo x
        status_is 0
        output_lacks $'\033'
}

@test "what a payload leaves switched on in the terminal is switched off at the end, however it ends" {
        local end
        for end in 'exit 0' 'kill -9 $$'; do
                on_terminal -- "$BERTH" -q -a -D "$TREE" sh -c "printf '\\033[?1049h\\033[?1000h\\033[?25l\\033]0;title\\007x'; $end"
                output_has $'\033[?1049l'
                output_has $'\033[?1000l'
                output_has $'\033[?25h'
                terminal_restored
        done
        on_terminal -- "$BERTH" -q -a -D "$TREE" sh -c "printf '\\033[?1049hx\\033[?1049l'"
        [ "$(grep -o 1049l <<<"$output" | wc -l)" = 1 ]
}

@test "the last output waits for a slow reader, whatever signal comes that asks for nothing" {
        local sig
        mkfifo "$work/fifo"
        for sig in WINCH CONT USR1 ALRM; do
                # More than a pipe holds, and not more than that and the launcher's own buffer: so it has ended.
                "$BERTH" -q --console=read-only -M slow -D "$TREE" seq 12000 >"$work/fifo" 3>&- </dev/null &
                launcher=$!
                exec 5<"$work/fifo"
                await_end_of_payload
                kill -s "$sig" "$launcher"
                [ "$(wc -l <&5)" = 12000 ] || fail "output was lost by SIG$sig"
                exec 5<&-
                wait "$launcher"
        done
}

# The launcher has nobody below it any more.
await_end_of_payload() {
        local try
        for try in {1..200}; do
                [ ! -e /run/berth/slow/record ] || [ -n "$(descendants "$launcher")" ] || return 0
                sleep 0.02
        done
        fail "the payload does not end"
}

@test "--background= tints, and takes the tint away at the end" {
        on_terminal -- "$BERTH" -q --background=44 -D "$TREE" echo x
        status_is 0
        output_has $'\033[44m'
        [[ ${output##*x} == *$'\033[0m'* || ${output##*x} == *$'\033[m'* || ${output##*x} == *$'\033[49m'* ]]
        terminal_restored
        on_terminal -- "$BERTH" -q --background= -D "$TREE" echo x
        output_lacks $'\033'
}

@test "the environment has the caller's TERM on a terminal" {
        on_terminal -- env TERM=xterm-256color COLORTERM=truecolor NO_COLOR=1 "$BERTH" -q -D "$TREE" env
        output=$(tr -d '\r' <<<"$output")
        line_is TERM=xterm-256color
        line_is COLORTERM=truecolor
        line_is NO_COLOR=1
}

@test "the terminal is restored when the payload is killed" {
        on_terminal 'expect=ready' 'send=x' -- sh -c '
                "$0" -q -D "$1" /bin/inside catch 9 &
                sleep 1
                launcher=$!
                find_leader() { for p in $(cat /proc/$1/task/*/children); do
                        [ "$(readlink /proc/$p/ns/pid)" != "$(readlink /proc/self/ns/pid)" ] && echo $p || find_leader $p; done; }
                kill -9 $(find_leader $launcher)
                wait $launcher' "$BERTH" "$TREE"
        # In the background of a shell without job control the launcher still has the terminal.
        terminal_restored
        status_is 1
}

@test "the terminal is restored after TERM, HUP, INT and QUIT to the launcher" {
        local name
        for name in TERM HUP INT QUIT; do
                on_terminal 'expect=ready' signal=$name -- "$BERTH" -q -a -D "$TREE" /bin/inside catch 1 5
                terminal_restored
                status_is 5
                output_has "signal $name"
        done
}

@test "the terminal is restored when the payload made it raw" {
        on_terminal -- "$BERTH" -q -D "$TREE" sh -c 'stty raw -echo; printf x'
        status_is 0
        terminal_restored
}

@test "the terminal is restored when the start fails" {
        on_terminal -- "$BERTH" -q -D "$TREE" no-such-program
        status_is 1
        terminal_restored
}

@test "a hang-up of the terminal ends the container" {
        on_terminal 'expect=ready' close= -- "$BERTH" -q -D "$TREE" sh -c 'echo ready; sleep 1000'
        [ "$status" != 124 ]
}

@test "^] three times within a second kills" {
        on_terminal 'expect=ready' 'send=\x1d\x1d\x1d' -- "$BERTH" -q -D "$TREE" /bin/inside catch 99
        status_is 1
        terminal_restored
}

@test "^] slowly does nothing" {
        on_terminal 'expect=# ' 'send=\x1d' sleep=1200 'send=\x1d' sleep=1200 'send=\x1d' sleep=1200 'send=\x15exit 8\r' \
                -- "$BERTH" -q -D "$TREE" sh -i
        status_is 8
}

@test "^]^]p asks for a power-off, ^]^]r for a reboot" {
        fresh_tree
        limit=40
        on_terminal 'expect=PID 1 is busybox' 'expect=# ' 'send=\x1d\x1dr' 'expect=PID 1 is busybox' 'expect=# ' 'send=\x1d\x1dp' \
                -- "$BERTH" -q -b -D "$TREE"
        status_is 0
        output_has "busybox init goes down"
        terminal_restored
}

@test "--console=pipe hands the descriptors through" {
        opts=(--console=pipe)
        try berth -q --console=pipe -D "$TREE" sh -c 'readlink /proc/self/fd/1' >/dev/null
        in_tree sh -c '[ -e /dev/console ] && echo console; /bin/inside tty'
        status_is 0
        output_lacks console
        line_is "tty0 no"
        try berth -q -P -D "$TREE" cat < <(printf abc)
        output_is abc
}

@test "--console=autopipe: pipes without a terminal, a console with one" {
        try berth -q --console=autopipe -D "$TREE" cat < <(printf 'abc\n')
        status_is 0
        output_is abc
        on_terminal -- "$BERTH" -q --console=autopipe -D "$TREE" /bin/inside tty
        output=$(tr -d '\r' <<<"$output")
        output_matches '^tty0 /dev/(pts/0|console)$'
        terminal_restored
}

@test "--console=read-only shows and takes no input" {
        on_terminal 'send=typed\r' 'expect=end' -- "$BERTH" -q --console=read-only -D "$TREE" sh -c 'sleep 0.5; read -t 1 x; echo "read: [$x] end"'
        status_is 0
        output_has "read: [] end"
        terminal_restored
}

@test "--console=passive shows nothing while it runs" {
        try berth -q --console=passive -D "$TREE" /bin/inside tty
        status_is 0
        in_tree true
        status_is 0
}

@test "--console=interactive needs a terminal" {
        opts=(--console=interactive)
        in_tree echo x
        [ "$status" = 1 ] || output_has x
}

@test "an unknown --console mode is refused and the modes are named" {
        opts=(--console=fancy)
        in_tree true
        refused fancy
        errors_has read-only
}

@test "--console=help lists the modes" {
        try berth --console=help
        status_is 0
        local mode
        for mode in interactive read-only passive pipe autopipe; do
                output_matches "(^|[[:space:]])$mode"
        done
}

@test "output that is still in the terminal when the payload ends is not lost" {
        on_terminal -- "$BERTH" -q -D "$TREE" sh -c 'i=0; while [ $i -lt 3000 ]; do echo line-$i; i=$((i+1)); done'
        status_is 0
        [ "$(grep -c '^line-' <<<"$output")" = 3000 ]
        output_has line-2999
}

@test "a lot of output passes an interactive console unchanged" {
        limit=40
        on_terminal -- "$BERTH" -q -D "$TREE" sh -c 'stty -opost; seq 1 100000'
        status_is 0
        [ "$(tr -d '\r' <<<"$output" | sha256sum)" = "$(seq 1 100000 | sha256sum)" ]
}

@test "stdin from a pipe and stdout on a terminal: both work" {
        on_terminal -- sh -c 'printf "one\ntwo\n" | "$0" -q -D "$1" cat' "$BERTH" "$TREE"
        status_is 0
        output=$(tr -d '\r' <<<"$output")
        output_is $'one\ntwo'
        terminal_restored
}

@test "stdin on a terminal and stdout in a pipe: both work" {
        on_terminal 'send=typed\r\x04' -- sh -c '"$0" -q -D "$1" cat | tr a-z A-Z' "$BERTH" "$TREE"
        status_is 0
        output_has TYPED
        terminal_restored
}

@test "the caller's own terminal cannot be typed into from inside" {
        [ ! -e /proc/sys/dev/tty/legacy_tiocsti ] || echo 1 >/proc/sys/dev/tty/legacy_tiocsti
        local mode result=
        for mode in interactive autopipe read-only pipe; do
                on_terminal sleep=100 -- "$BERTH" -q --console=$mode -D "$TREE" /bin/inside inject
                # Own terminal: whatever happens, nothing may be left to read on ours.
                [[ $report == *left=0* ]] || result+=" $mode"
                [ "$mode" != pipe ] || output_has "inject held"
        done
        [ ! -e /proc/sys/dev/tty/legacy_tiocsti ] || echo 0 >/proc/sys/dev/tty/legacy_tiocsti
        [ -z "$result" ] || fail "typed into the caller's terminal:$result"
}

@test "without -q what the launcher says about itself is on stderr, without control characters" {
        try berth -D "$TREE" true
        status_is 0
        output_is ""
        never grep -q '[[:cntrl:]]' <<<"$errors"
}

@test "output that cannot be written is reported, and the payload goes on" {
        local mode
        for mode in interactive read-only; do
                errors=$("$BERTH" -q --console=$mode -D "$TREE" sh -c 'echo lost; echo done >&2; exit 7' 2>&1 >/dev/full) && status=0 || status=$?
                status_is 7
                errors_is "berth: output was lost: No space left on device"
        done
        "$BERTH" -q --console=read-only -D "$TREE" echo lost 2>/dev/null >/dev/full && status=0 || status=$?
        status_is 1
}
