#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A command as the payload: what it is started with, and what comes back.

load ../lib/common

@test "a command's output is all that is on stdout, also without -q" {
        try berth -D "$TREE" echo x
        status_is 0
        output_is x
}

@test "with -q nothing is on stderr" {
        in_tree echo x
        status_is 0
        errors_is ""
}

@test "arguments arrive untouched" {
        in_tree /bin/inside argv "a b" "" $'c\nd' '*' '$HOME' '\x' '--' '-q' 'ä'
        status_is 0
        output_is "$(printf '[%s]\n' "a b" "" $'c\nd' '*' '$HOME' '\x' '--' '-q' 'ä')"
}

@test "the exit status is the command's" {
        local n
        for n in 0 1 2 7 42 127 255; do
                in_tree /bin/inside end $n
                status_is $n
        done
}

@test "exit status 133, which asks a service manager for a restart, becomes 1" {
        in_tree /bin/inside end 133
        status_is 1
}

@test "the command is PID 1 of its own PID namespace" {
        in_tree sh -c 'echo $$; readlink /proc/self; ls /proc | grep -c "^[0-9]"'
        status_is 0
        [ "$(head -n 1 <<<"$output")" = 1 ]
}

@test "stderr is separate from stdout" {
        in_tree sh -c 'echo out; echo err >&2'
        status_is 0
        output_is out
        errors_is err
}

@test "stdin is delivered, with its end" {
        try berth -q -D "$TREE" cat < <(printf 'one\ntwo\n')
        status_is 0
        output_is $'one\ntwo'
}

@test "an empty stdin ends at once" {
        limit=5 in_tree cat
        status_is 0
        output_is ""
}

@test "binary data passes unchanged in both directions" {
        head -c 3000000 /dev/urandom >"$work/data"
        berth -q -D "$TREE" cat <"$work/data" >"$work/back"
        cmp "$work/data" "$work/back"
}

@test "no carriage return is added and no escape sequence is written" {
        try berth -D "$TREE" printf 'a\nb\n'
        status_is 0
        cmp "$work/.stdout" <(printf 'a\nb\n')
        never grep -q $'\033' "$work/.stdout" "$work/.stderr"
}

@test "a reader that goes away does not make the launcher hang" {
        limit=10
        local first
        first=$(berth -q -D "$TREE" yes | head -n 1)
        [ "$first" = y ]
}

@test "a file as stdout and stderr is passed on, not copied" {
        berth -q -D "$TREE" sh -c 'case $(readlink /proc/$$/fd/1) in pipe*) exit 3 ;; esac; echo x; echo y >&2' >"$work/both" 2>&1
        [ "$(cat "$work/both")" = $'x\ny' ]
}

@test "closed standard descriptors are no obstacle" {
        try berth -q -D "$TREE" true <&-
        status_is 0
        status=0
        berth -q -D "$TREE" true >&- || status=$?
        [ "$status" = 0 ]
        status=0
        berth -q -D "$TREE" true 2>&- || status=$?
        [ "$status" = 0 ]
        status=0
        berth -q -D "$TREE" /bin/inside fds <&- >"$work/fds" 2>&- || status=$?
        [ "$status" = 0 ]
        [ ! -s "$work/fds" ]
}

@test "only the standard descriptors are open, whatever the caller leaves" {
        try "$OUTSIDE" leak -- "$BERTH" -q -D "$TREE" /bin/inside fds
        status_is 0
        output_is ""
}

@test "signals are neither blocked nor ignored, whatever the caller does" {
        try "$OUTSIDE" block -- "$BERTH" -q -D "$TREE" /bin/inside signals
        status_is 0
        output_is ""
}

@test "the umask is 0022, whatever the caller has" {
        (
                umask 0077
                in_tree sh -c umask
                status_is 0
                output_is 0022
        )
}

@test "the command is looked up in the payload's PATH" {
        fresh_tree
        mkdir -p "$TREE/usr/local/sbin" "$TREE/opt/bin"
        printf '#!/bin/sh\necho local\n' >"$TREE/usr/local/sbin/echo"
        printf '#!/bin/sh\necho mine\n' >"$TREE/opt/bin/mine"
        chmod 0755 "$TREE/usr/local/sbin/echo" "$TREE/opt/bin/mine"
        in_tree echo x
        output_is local
        opts=(-E PATH=/opt/bin:/bin)
        in_tree mine
        status_is 0
        output_is mine
}

@test "a script runs, by name and by path, with its name as the first word" {
        fresh_tree
        printf '#!/bin/sh\necho "$0 $*"\n' >"$TREE/usr/bin/script"
        chmod 0755 "$TREE/usr/bin/script"
        in_tree /usr/bin/script a b
        status_is 0
        output_is "/usr/bin/script a b"
        in_tree script a b
        status_is 0
        output_is "/usr/bin/script a b"
}

@test "argv[0] is the word as it was given" {
        in_tree sh -c 'tr "\0" "\n" </proc/1/cmdline; :' x y
        status_is 0
        [ "$(head -n 1 <<<"$output")" = sh ]
}

@test "a program that is not there is named" {
        in_tree no-such-program
        refused no-such-program
        in_tree /no/such/program
        refused /no/such/program
}

@test "a program that cannot be run is named" {
        fresh_tree
        printf 'not a program' >"$TREE/usr/bin/noexec"
        mkdir "$TREE/usr/bin/directory"
        in_tree /usr/bin/noexec
        refused /usr/bin/noexec
        in_tree /usr/bin/directory
        refused /usr/bin/directory
}

@test "a tree on a file system that is mounted noexec" {
        mkdir "$work/noexec"
        try unshare -m --propagation private sh -c 'mount -t tmpfs -o noexec tmpfs "$1" && cp -a "$2" "$1/t" && shift 2 && exec "$@"' \
                sh "$work/noexec" "$TREE" "$BERTH" -q -D "$work/noexec/t" true
        refused "mounted noexec"
}

@test "no more processes are allowed" {
        try bash -c 'ulimit -u 1; exec "$@"' bash "$BERTH" -q -D "$TREE" true
        refused "ulimit -u"
}

@test "a script whose interpreter is missing is named" {
        fresh_tree
        printf '#!/no/interpreter\n' >"$TREE/usr/bin/orphan"
        chmod 0755 "$TREE/usr/bin/orphan"
        in_tree /usr/bin/orphan
        refused /usr/bin/orphan
}

@test "without a command a login shell starts, in the user's home" {
        try berth -q -D "$TREE" < <(echo 'echo "$0 $PWD"')
        status_is 0
        output_is "-sh /root"
}

@test "the exit status of the login shell comes back" {
        try berth -q -D "$TREE" < <(echo 'exit 9')
        status_is 9
}

@test "the working directory of a command is /" {
        in_tree pwd
        status_is 0
        output_is /
}

@test "--chdir sets the working directory, links inside included" {
        fresh_tree
        mkdir -p "$TREE/srv/deep"
        ln -s /srv/deep "$TREE/link"
        opts=(--chdir=/srv/deep)
        in_tree pwd
        status_is 0
        output_is /srv/deep
        opts=(--chdir=/link)
        in_tree sh -c 'pwd -P'
        status_is 0
        output_is /srv/deep
}

@test "a command with a slash in it is seen from the working directory, and a script reads its name as it was said" {
        fresh_tree
        mkdir -p "$TREE/srv/deep"
        printf '#!/bin/sh\necho "$0 in $PWD, $*"\n' >"$TREE/srv/deep/script"
        chmod +x "$TREE/srv/deep/script"
        ln -s /bin/busybox "$TREE/srv/deep/echo"
        opts=(--chdir=/srv/deep)
        in_tree ./script one
        status_is 0
        output_is "./script in /srv/deep, one"
        in_tree ../deep/script two
        output_is "../deep/script in /srv/deep, two"
        in_tree ./echo three
        status_is 0
        output_is three
        opts+=(-E PATH=.:/bin)
        in_tree script four
        status_is 0
        output_is "/srv/deep/./script in /srv/deep, four"
        opts=(--chdir=/srv)
        in_tree ./script
        refused "cannot run ./script"
        opts=()
        in_tree srv/deep/script five
        output_is "srv/deep/script in /, five"
}

@test "--chdir to what is missing, relative, or an API file system is refused" {
        opts=(--chdir=/nowhere)
        in_tree pwd
        refused /nowhere
        opts=(--chdir=relative)
        in_tree pwd
        refused relative
        local path
        for path in /proc /proc/self /dev /dev/shm /sys /srv/../proc; do
                opts=("--chdir=$path")
                in_tree pwd
                refused "--chdir"
        done
}

@test "--chdir to an ordinary file is refused" {
        opts=(--chdir=/etc/passwd)
        in_tree pwd
        refused /etc/passwd
}

@test "many .. lead to the root and no further" {
        in_tree /bin/inside cwd
        status_is 0
        output_is $'cwd /\nup root'
}

@test "-a: the command is PID 2 below a stub" {
        opts=(-a)
        in_tree sh -c 'echo $$; echo $PPID; cat /proc/1/comm'
        status_is 0
        output_matches '^2$'
        output_matches '^1$'
        output_lacks $'\nsh'
}

@test "-a: the exit status is the command's, 128+n for a signal" {
        opts=(-a)
        in_tree /bin/inside end 7
        status_is 7
        in_tree /bin/inside end signal 15
        status_is 143
        in_tree /bin/inside end signal 9
        status_is 137
}

@test "-a under the other name: a signal gives 255" {
        opts=(-a)
        strict_in_tree /bin/inside end signal 15
        status_is 255
        strict_in_tree /bin/inside end 7
        status_is 7
}

@test "-a: the stub reaps" {
        opts=(-a)
        in_tree /bin/inside zombies 30
        status_is 0
        output_is "zombies 0"
}

# Programs look for container= in PID 1's environment; the launcher's end is noticed by a pipe.
@test "-a: the stub's environment says container and its uuid only, it has no capability more than the payload, and no descriptor but a pipe" {
        opts=(-a -E SECRET=very)
        in_tree sh -c '
                tr "\0" "\n" </proc/1/environ
                echo --
                for fd in /proc/1/fd/*; do readlink $fd | cut -d: -f1; done
                echo --
                for p in 1 self; do grep -aE "^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):" /proc/$p/status; done | sort | uniq -c | awk "{ print \$1 }" | sort -u'
        status_is 0
        output_lacks SECRET
        [ "$(sed '/^--/,$d' <<<"$output" | cut -d= -f1 | sort | xargs)" = "container container_uuid" ]
        [ "$(sed '1,/^--/d;/^--/,$d' <<<"$output")" = pipe ]
        [ "$(tail -n 1 <<<"$output")" = 2 ]
}

@test "-a: TERM, INT, HUP and QUIT to the launcher reach the command" {
        local name
        for name in TERM INT HUP QUIT; do
                start_berth -q -a -D "$TREE" /bin/inside catch 1 5
                await "$work/out" ready
                kill -s $name "$launcher"
                await_end
                status_is 5
                line_is "signal $name"
        done
}

@test "-a: when the command ends, so does what it left behind" {
        opts=(-a)
        limit=5
        in_tree sh -c 'sleep 1000 & setsid sleep 1000 & echo started'
        status_is 0
        output_is started
}

@test "options after the command are the command's" {
        in_tree echo -D /nowhere --boot -h
        status_is 0
        output_is "-D /nowhere --boot -h"
        in_tree -- echo --version
        status_is 0
        output_is --version
}

@test "short options cluster, and long ones may be cut short" {
        try berth -qD "$TREE" echo one
        output_is one
        try berth -qaD"$TREE" echo two
        output_is two
        try berth --quie --direc "$TREE" echo three
        output_is three
        try berth -q --directory="$TREE" --chd=/srv pwd
        output_is /srv
}

@test "an abbreviation that fits several options is refused, and they are named" {
        try berth --private -D "$TREE" true
        refused --private
}

@test "without -D the current directory is the tree" {
        cd "$TREE"
        try berth -q cat /usr/lib/os-release
        status_is 0
        output_has ID=berth-test
}

@test "a relative -D starts at the current directory" {
        cd "$trees"
        try berth -q -D busybox echo here
        output_is here
        try berth -q -D ./busybox/../busybox echo here
        output_is here
}

@test "a lone static program in an empty directory runs" {
        static_tree
        in_tree /inside argv works
        status_is 0
        output_is "[works]"
}

@test "--read-only makes no mount points: a tree without them is refused, one without /tmp has none inside" {
        static_tree
        opts=(--read-only)
        in_tree /inside argv works
        refused "has no directory dev to mount on"
        [ "$(ls "$TREE")" = inside ]
        mkdir "$TREE"/{proc,sys,dev,run}
        opts=(--read-only)
        try berth --read-only -D "$TREE" /inside argv works
        status_is 0
        output_is "[works]"
        errors_has "no /tmp inside"
        [ "$(ls "$TREE")" = $'dev\ninside\nproc\nrun\nsys' ]
}

@test "/usr of the host, mounted into an empty root, is enough" {
        mkdir -p "$work/root/usr"
        mount --bind /usr "$work/root/usr"
        TREE=$work/root
        in_tree /usr/bin/cat /proc/1/comm
        umount "$work/root/usr"
        status_is 0
        output_is cat
}

@test "an empty argument list is refused" {
        try "$OUTSIDE" argc0 -- "$BERTH"
        [ "$status" != 0 ]
        [ "$status" -lt 126 ]
}

@test "an empty word as the command is refused" {
        in_tree ""
        status_is 1
}
