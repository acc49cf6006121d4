#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# --set-credential=, --load-credential=: what comes in, for whom, and where nothing of it is to be seen.

load ../lib/common

secret=secret-$RANDOM$RANDOM$RANDOM

@test "credentials are files that root inside can read, on a file system that cannot be written to" {
        opts=("--set-credential=one:$secret" '--set-credential=two:a\x00b\nc')
        in_tree sh -c 'cd "$CREDENTIALS_DIRECTORY" && pwd && stat -c "%n %u:%g %a" . one two && cat one && echo && od -c two; grep " $CREDENTIALS_DIRECTORY " /proc/self/mountinfo'
        status_is 0
        line_is /run/host/credentials
        line_is ". 0:0 500"
        line_is "one 0:0 400"
        line_is "$secret"
        output_has 'a  \0   b  \n   c'
        output_matches ' ro,nosuid,nodev,noexec.* - ramfs ramfs ro'
        in_tree sh -c 'echo x >/run/host/credentials/x || mount -o remount,rw /run/host/credentials || umount /run/host/credentials || echo kept'
        line_is kept
}

@test "the same with the host's user ids, under the other name, and for a command below the small init" {
        opts=("--set-credential=one:$secret" --private-users=no)
        in_tree sh -c 'stat -c "%u:%g %a" /run/host/credentials/one; cat /run/host/credentials/one'
        line_is "0:0 400"
        line_is "$secret"
        opts=("--set-credential=one:$secret")
        strict_in_tree cat /run/host/credentials/one
        output_is "$secret"
        opts=("--set-credential=one:$secret" -a)
        in_tree sh -c 'cat "$CREDENTIALS_DIRECTORY/one"'
        output_is "$secret"
}

@test "without credentials there is no place for them" {
        opts=()
        in_tree sh -c 'ls /run/host; echo "$CREDENTIALS_DIRECTORY"'
        output_lacks credentials
}

@test "another user cannot read them, but one that can never be root again" {
        opts=("--set-credential=one:$secret" --uid=1000)
        in_tree cat /run/host/credentials/one
        never status_is 0
        output_lacks "$secret"
        opts+=(--no-new-privileges=yes)
        in_tree cat /run/host/credentials/one
        output_is "$secret"
        opts+=(-a)
        in_tree cat /run/host/credentials/one
        output_lacks "$secret"
}

@test "--load-credential= from a file, a pipe, a socket, and what berth itself was passed" {
        printf 'from a file' >"$work/file"
        mkdir "$work/passed"
        printf 'passed on' >"$work/passed/mine"
        mkfifo "$work/pipe"
        printf 'through a pipe' >"$work/pipe" &
        python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1]); s.listen()
c, _ = s.accept(); c.sendall(b"by a socket"); c.close()' "$work/socket" 3>&- &
        for _ in {1..100}; do [ -S "$work/socket" ] && break; sleep 0.05; done
        export CREDENTIALS_DIRECTORY=$work/passed
        opts=("--load-credential=a:$work/file" "--load-credential=b:$work/pipe" "--load-credential=c:$work/socket" --load-credential=d:mine)
        in_tree sh -c 'for i in a b c d; do cat $CREDENTIALS_DIRECTORY/$i; echo; done'
        wait
        output_is $'from a file\nthrough a pipe\nby a socket\npassed on'
}

@test "--load-credential= from a FIFO: its writer may come late, be slow, and have nothing to say" {
        mkfifo "$work/late" "$work/slow" "$work/empty"
        (sleep 0.5; printf late >"$work/late") 3>&- &
        (exec >"$work/slow"; sleep 0.5; printf sl; sleep 0.5; printf ow) 3>&- &
        : >"$work/empty" 3>&- &
        : >"$work/nothing"
        opts=("--load-credential=a:$work/late" "--load-credential=b:$work/slow" "--load-credential=c:$work/empty" "--load-credential=d:$work/nothing")
        in_tree sh -c 'cd $CREDENTIALS_DIRECTORY && cat a b c d'
        wait
        status_is 0
        output_is lateslow
}

@test "--load-credential= from what the shell opened: a command's output, at any number; nothing of it comes inside" {
        try berth -q --load-credential=a:<(printf 'of a command ') --load-credential b:<(sleep 0.5; printf late) -D "$TREE" \
                sh -c 'cd $CREDENTIALS_DIRECTORY && cat a b; ls /proc/self/fd | tr "\n" " "'
        status_is 0
        output_is "of a command late0 1 2 3 "
        echo file >"$work/file"
        try berth -q --load-credential=a:/dev/fd/77 --load-credential=b:/proc/self/fd/9 -D "$TREE" sh -c 'cd $CREDENTIALS_DIRECTORY && cat a b' \
                77<"$work/file" 9<"$work/file"
        output_is $'file\nfile'
        # What is not open would soon be berth's own.
        try berth -q --load-credential=a:/dev/fd/77 -D "$TREE" true
        refused "--load-credential=: descriptor 77 is not open"
        # The supervisor keeps none.
        start_berth -q --load-credential=a:<(printf x) -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        [ "$(find "/proc/$launcher/fd" -lname 'pipe:*' | wc -l)" = 0 ]
        stop_berth
}

# poll(2) says at once what it would say in half a minute.
@test "--load-credential= from a FIFO that nobody writes to: an end, and a reason" {
        mkfifo "$work/fifo"
        try timeout 20 strace -f -o "$work/trace" -e inject=poll:retval=0:when=1 "$BERTH" -q "--load-credential=a:$work/fifo" -D "$TREE" true
        grep -q 'poll(.*30000.*INJECTED' "$work/trace"
        refused "--load-credential=a: cannot read $work/fifo: Connection timed out (nothing came within 30 seconds)"
        # Whose writer is there, and silent, is waited for.
        sleep 1000 >"$work/fifo" 3>&- &
        local writer=$!
        start_berth -q "--load-credential=a:$work/fifo" -D "$TREE" true
        sleep 0.5
        kill -0 "$launcher"
        kill "$writer"
        wait "$writer" || true
        await_end
        status_is 0
}

@test "--load-credential= from a FIFO whose writer says nothing: an end, and a reason" {
        mkfifo "$work/fifo"
        sleep 1000 >"$work/fifo" 3>&- &
        local writer=$!
        try timeout 20 strace -f -o "$work/trace" -e inject=poll:retval=0:when=1 "$BERTH" -q "--load-credential=a:$work/fifo" -D "$TREE" true
        kill "$writer"
        wait "$writer" || true
        grep -q 'poll(.*90000.*INJECTED' "$work/trace"
        refused "--load-credential=a: cannot read $work/fifo: Connection timed out (it is open to be written to, but nothing came for 90 seconds)"
}

@test "--load-credential= of a relative path, and of a command, in the background" {
        cd "$work"
        echo relative >file
        try berth -d -M loaded --load-credential=a:./file --load-credential=b:<(sleep 0.3; printf late) -D "$TREE" \
                sh -c 'cd $CREDENTIALS_DIRECTORY && cat a b; exec sleep 1000'
        status_is 0
        output_is loaded
        local seen
        seen=$(ctl exec loaded cat /run/host/credentials/a /run/host/credentials/b)
        try ctl stop --kill loaded
        [ "$seen" = $'relative\nlate' ]
}

@test "--load-credential= waits, and is interrupted: ^C, TERM" {
        mkfifo "$work/fifo"
        local signal
        for signal in INT TERM; do
                start_berth -q "--load-credential=a:$work/fifo" -D "$TREE" echo started
                sleep 0.3
                kill -0 "$launcher"
                kill -"$signal" "$launcher"
                await_end
                never status_is 0
                output_is ""
        done
}

@test "--load-credential= from a socket where nobody is served" {
        python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1]); s.listen(0)
c = socket.socket(socket.AF_UNIX); c.connect(sys.argv[1])
time.sleep(1000)' "$work/socket" 3>&- &
        local server=$!
        for _ in {1..100}; do [ -S "$work/socket" ] && break; sleep 0.05; done
        sleep 0.2
        # What the kernel says when the time is over.
        try timeout 20 strace -f -o "$work/trace" -e trace=connect,setsockopt -e inject=connect:error=EAGAIN "$BERTH" -q "--load-credential=a:$work/socket" -D "$TREE" true
        refused "cannot read $work/socket: Connection timed out"
        [ "$(grep -cE 'SO_(SND|RCV)TIMEO' "$work/trace")" = 2 ]
        kill "$server"
        wait "$server" || true
        try berth -q "--load-credential=a:$work/socket" -D "$TREE" true
        refused "nobody listens at that socket"
}

@test "what cannot be loaded is no start" {
        unset CREDENTIALS_DIRECTORY
        try berth -q "--load-credential=a:$work/missing" -D "$TREE" true
        refused "--load-credential=a: cannot open $work/missing"
        try berth -q --load-credential=a:name -D "$TREE" true
        refused "--load-credential=a"
        try berth -q "--load-credential=a:$work" -D "$TREE" true
        refused "$work"
        head -c 1100000 /dev/zero >"$work/large"
        try berth -q "--load-credential=a:$work/large" -D "$TREE" true
        refused "$work/large"
        try berth -q --set-credential=a:x --load-credential=a:./x -D "$TREE" true
        refused "a second credential"
        try berth -q '--set-credential=a:\q' -D "$TREE" true
        refused backslash
}

@test "a secret is in no command line, environment, record, plan or trace" {
        export BERTH_DEBUG=all
        start_berth --set-credential=one:"$secret" --set-credential "two:$secret" -M secretive -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        local pid
        for pid in "$launcher" $(descendants "$launcher"); do
                never grep -qa "$secret" "/proc/$pid/cmdline"
                never grep -qa "$secret" "/proc/$pid/environ"
        done
        tr '\0' ' ' <"/proc/$launcher/cmdline" | grep -q one:
        never grep -rqa "$secret" /run/berth
        stop_berth
        never grep -qa "$secret" "$work/out" "$work/err"
        unset BERTH_DEBUG
        for form in text json; do
                try berth "--dry-run=$form" "--set-credential=one:$secret" -D "$TREE" true
                status_is 0
                output_lacks "$secret"
        done
        try berth -q "--set-credential=/one:$secret" -D "$TREE" true
        status_is 1
        errors_lacks "$secret"
}

@test "with --dry-run nothing is loaded" {
        try berth "--load-credential=a:$work/missing" --dry-run -D "$TREE" true
        status_is 0
}

@test "a reboot passes them again" {
        opts=(--set-credential=one:"$secret" --volatile=no -x -M again)
        in_tree sh -c '[ -e /srv/x ] && exec cat /run/host/credentials/one; touch /srv/x; reboot -f'
        output_is "$secret"
}
