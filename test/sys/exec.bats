#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berthctl exec and shell: programs in a running container, with what its payload has, and nothing more.

load ../lib/common

# A container $1 that stays, with the options behind. Sets $leader.
start_named() {
        start_berth -q -M "$1" "${@:2}" -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up || return 1
        leader=$(leader_of "$launcher")
}

# A command in the container "exec".
run_in() {
        try ctl exec exec "$@"
}

# The descriptors of a supervisor, those of the loop's moment aside.
descriptors_of() {
        find "/proc/$1/fd" -mindepth 1 -printf '%l\n' | sed 's/\[.*//' | sort
}

# What is like the payload's: everything that a process inherits or is given.
posture='
        for word in Uid Gid Groups CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp Seccomp_filters Cpus_allowed; do
                grep "^$word:" /proc/self/status
        done
        cat /proc/self/limits /proc/self/cgroup /proc/self/oom_score_adj /proc/self/uid_map
        for ns in mnt pid uts ipc net cgroup user; do readlink /proc/self/ns/$ns; done
        inside signals; inside personality; umask; hostname
        inside walk bpf ptrace keyctl mount setns unshare io_uring_setup kexec_load init_module userfaultfd perf_event_open
        inside socket AF_UNIX AF_INET AF_NETLINK AF_PACKET AF_ALG AF_VSOCK
        inside listener
        mknod /tmp/node c 1 3; echo $?; rm -f /tmp/node'

same_posture() {
        local limit=60
        start_berth -q -M exec "$@" -D "$TREE" sh -c "$posture"'
                echo up; exec sleep 1000'
        await "$work/out" up || return 1
        run_in sh -c "$posture; echo up"
        status_is 0 || return 1
        diff -u "$work/out" - <<<"$output" || return 1
        [ "$(wc -l <"$work/out")" -gt 40 ] || return 1
        stop_berth
}

@test "a command: output, input, errors and status are its own" {
        start_named exec
        run_in sh -c 'echo out; echo err >&2; exit 7'
        status_is 7
        output_is out
        errors_is err
        output=$(echo typed | ctl exec exec cat)
        output_is typed
        run_in true
        status_is 0
        run_in /bin/inside argv 'two words' '' '*' -x --user
        output_is "[two words]"$'\n'"[]"$'\n'"[*]"$'\n'"[-x]"$'\n'"[--user]"
        # As others want it between the two; only there, and once.
        run_in -- /bin/inside argv -- -x
        status_is 0
        output_is "[--]"$'\n'"[-x]"
        try ctl exec -T -- exec -- /bin/inside argv --
        status_is 0
        output_is "[--]"
        try ctl exec exec --
        status_is 125
        errors_has "needs more words"
        stop_berth
}

@test "exit statuses: signals, not found, not executable, no such container" {
        start_named exec
        run_in sh -c 'kill -KILL $$'
        status_is 137
        run_in /bin/inside end signal 6
        status_is 134
        run_in nosuchcommand
        status_is 127
        errors_has "nosuchcommand"
        run_in /no/such/file
        status_is 127
        run_in /etc/passwd
        status_is 126
        run_in /etc
        status_is 126
        try ctl exec nosuch true
        status_is 125
        errors_has "nosuch"
        try ctl exec exec
        status_is 125
        try ctl exec --nosuch exec true
        status_is 125
        try ctl exec -t -T exec true
        status_is 125
        try ctl exec ../exec true
        status_is 125
        stop_berth
        run_in true
        status_is 125
        output_is ""
}

@test "it is in the payload's namespaces, below nobody, and sees the payload" {
        start_named exec
        run_in cut -d' ' -f4 /proc/self/stat
        output_is 0
        run_in sh -c 'tr "\0" " " </proc/1/cmdline'
        output_is "sleep 1000 "
        run_in sh -c 'for ns in mnt pid uts ipc net cgroup user; do readlink /proc/self/ns/$ns; done'
        for ns in mnt pid uts ipc net cgroup user; do
                line_is "$(readlink "/proc/$leader/ns/$ns")"
        done
        # A session of its own, and no descriptor but the three.
        run_in sh -c 'ps -o pid,sid,pgid,args | grep "[p]s -o"; inside fds'
        output_matches '^ *([0-9]+) +[0-9]+ +[0-9]+ +.*ps -o'
        run_in /bin/inside fds
        output_is ""
        stop_berth
}

@test "ids, capabilities, system calls, limits, cgroup and signals are the payload's" {
        fresh_tree
        same_posture
}

@test "the same under the other name" {
        fresh_tree
        BERTH=$STRICT
        same_posture
}

@test "the same with a network of its own, a user, limits, capabilities and a tighter filter" {
        fresh_tree
        same_posture --private-network --user=nobody --rlimit=NOFILE=100:200 --oom-score-adjust=77 --cpu-affinity=0
        same_posture --drop-capability=CAP_CHOWN --ambient-capability=CAP_NET_RAW --private-network
        same_posture --no-new-privileges=yes --system-call-filter='~@keyring mknod mknodat'
        same_posture --nesting
}

@test "the same without a system call filter" {
        fresh_tree
        same_posture --seccomp=no
}

@test "the same beside a stub init, but for what the stub gives its payload" {
        fresh_tree
        same_posture -a
}

@test "beside a busybox init" {
        limit=40
        fresh_tree
        printf '::sysinit:/bin/echo up\n::askfirst:/bin/sleep 1000\n' >"$TREE/etc/inittab"
        start_berth -q -M exec -b -D "$TREE"
        await "$work/out" up
        run_in sh -c 'cat /proc/1/comm; id -u'
        status_is 0
        line_is 0
        try ctl shell exec /bin/echo by-shell
        status_is 0
        output_has by-shell
        stop_berth
}

@test "beside systemd: in the cgroup of its PID 1; exec answers before anything inside is up" {
        limit=60
        need_tree trixie
        fresh_tree trixie
        start_berth -q -M exec -b -D "$TREE"
        for try in {1..100}; do
                run_in cat /proc/1/comm
                if [ "$status" = 0 ]; then break; fi
                sleep 0.05
        done
        output_is systemd
        # Its bus is not there at once.
        for try in {1..300}; do
                run_in systemctl is-system-running --wait
                if [ "$output" = running ]; then break; fi
                sleep 0.1
        done
        output_is running
        run_in grep -h ^0:: /proc/self/cgroup /proc/1/cgroup
        status_is 0
        output_is "0::/init.scope"$'\n'"0::/init.scope"
        on_terminal 'expect=# ' 'send=tty; echo done-$((1+1))\r' expect=done-2 'send=exit 3\r' -- "$BERTHCTL" shell exec
        status_is 3
        run_in systemctl poweroff --no-block
        await_end
        status_is 0
}

@test "users: by name and by number, with and without an entry" {
        fresh_tree
        echo 'someone:x:1234:1235:,,,:/home/someone:/bin/sh' >>"$TREE/etc/passwd"
        printf 'own:x:1235:\nmore:x:77:other,someone\n' >>"$TREE/etc/group"
        mkdir -p "$TREE/home/someone"
        start_named exec
        try ctl exec -u someone exec sh -c 'id -u; id -g; grep ^Groups /proc/self/status; pwd; echo $HOME $USER $LOGNAME $SHELL'
        status_is 0
        output_is "1234"$'\n'"1235"$'\n'"Groups:"$'\t'"77 "$'\n'"/home/someone"$'\n'"/home/someone someone someone /bin/sh"
        try ctl exec --user=1234 exec sh -c 'id -u; pwd; grep ^CapEff /proc/self/status'
        output_is "1234"$'\n'"/home/someone"$'\n'"CapEff:"$'\t'"0000000000000000"
        try ctl exec -u 4711 exec sh -c 'id -u; id -g; pwd'
        output_is "4711"$'\n'"4711"$'\n'"/"
        try ctl exec -u nosuchuser exec true
        status_is 125
        errors_has "no user nosuchuser"
        try ctl exec -u 70000 exec true
        status_is 125
        errors_has 65535
        try ctl exec -u 'bad name' exec true
        status_is 125
        stop_berth
}

@test "users: root can be had where the payload is somebody else, with the container's capabilities" {
        start_named exec --user=nobody
        run_in sh -c 'id -u; grep ^CapEff /proc/self/status'
        line_is 65534
        line_is "CapEff:"$'\t'"0000000000000000"
        try ctl exec -u root exec sh -c 'id -u; grep -E "^Cap(Eff|Bnd)" /proc/self/status | cut -f2 | uniq | wc -l'
        output_is "0"$'\n'"1"
        stop_berth
}

@test "environment: the payload's, without what is its alone; what is said wins" {
        start_named exec -E FROM_BERTH=1 -E BOTH=berth
        export PASSED_ON=yes UNSAID=no LISTEN_FDS=
        run_in env
        line_is FROM_BERTH=1
        line_is BOTH=berth
        line_is container=systemd-nspawn
        line_is TERM=dumb
        output_lacks NOTIFY_SOCKET
        output_lacks LISTEN_
        output_lacks UNSAID
        try ctl exec -E BOTH=exec -E NEW='a b' --setenv=PASSED_ON -E NOT_SET_ANYWHERE exec env
        line_is BOTH=exec
        line_is "NEW=a b"
        line_is PASSED_ON=yes
        output_lacks NOT_SET_ANYWHERE
        try ctl exec -E PATH=/nowhere exec env
        status_is 127
        try ctl exec -E '=x' exec env
        status_is 125
        try ctl exec -E 'a-b=x' exec env
        status_is 125
        stop_berth
}

@test "the working directory: the payload's, or what is said" {
        start_named exec --chdir=/usr
        run_in pwd
        output_is /usr
        try ctl exec --chdir=/etc exec pwd
        output_is /etc
        try ctl exec --chdir=/no/such exec pwd
        status_is 125
        errors_has /no/such
        try ctl exec --chdir=etc exec pwd
        status_is 125
        errors_has "absolute"
        try ctl exec --chdir=/etc/passwd exec pwd
        status_is 125
        stop_berth
}

@test "a directory is not passed as stdin" {
        start_named exec
        # shellcheck disable=SC2094
        try ctl exec exec ls </
        status_is 125
        errors_has "descriptor 0 is a directory"
        stop_berth
}

@test "a terminal of its own in the container, with its size, and the caller's is as before" {
        start_named exec
        on_terminal -s 33x77 -- "$BERTHCTL" exec exec sh -c 'tty; stty size; echo $TERM; exit 5'
        status_is 5
        output_has /dev/pts/
        output_has "33 77"
        output_has vt220
        grep -qx termios=same <<<"$report"
        grep -qx flags=same <<<"$report"
        on_terminal expect=24x80 size=50x100 'expect=50x100' -- "$BERTHCTL" exec exec /bin/inside resize 50x100
        status_is 0
        # By -t also without one, by -T not even with one.
        try ctl exec -t exec tty
        status_is 0
        output_has /dev/pts/
        on_terminal -- "$BERTHCTL" exec -T exec sh -c 'readlink /proc/self/fd/0'
        output_lacks "/dev/pts/0 "
        grep -qx termios=same <<<"$report"
        stop_berth
}

@test "a terminal belongs to the user, and is the controlling one" {
        start_named exec
        on_terminal -- "$BERTHCTL" exec -u nobody exec sh -c 'stat -c %U "$(tty)"; echo through >/dev/tty; ps -o pid,tty,args | tail -3'
        status_is 0
        output_has nobody
        output_has through
        stop_berth
}

@test "keys on the terminal: interrupt, end of input, and the hot key" {
        start_named exec
        on_terminal expect=ready 'send=\x03' -- "$BERTHCTL" exec exec /bin/inside catch 1 6
        status_is 6
        output_has "signal INT"
        on_terminal expect=go 'send=line\r\x04' -- "$BERTHCTL" exec exec sh -c 'echo go; cat; exit 8'
        status_is 8
        on_terminal expect=go 'send=\x1d\x1d\x1d' -- "$BERTHCTL" exec exec sh -c 'echo go; exec sleep 1000'
        status_is 137
        grep -qx termios=same <<<"$report"
        for try in {1..100}; do
                run_in sh -c 'ps -o args | grep -c "[s]leep 1000"'
                if [ "$output" = 1 ]; then break; fi
                sleep 0.05
        done
        output_is 1
        stop_berth
}

@test "shell: the user's login shell" {
        fresh_tree
        echo 'someone:x:1234:1235:,,,:/tmp:/bin/ash' >>"$TREE/etc/passwd"
        echo 'shellless:x:1236:1235:,,,:/tmp:/no/such/shell' >>"$TREE/etc/passwd"
        ln -s busybox "$TREE/bin/ash" 2>/dev/null || true
        start_named exec
        on_terminal 'expect=#' 'send=echo $0 $HOME; exit 3\r' -- "$BERTHCTL" shell exec
        status_is 3
        output_has "-sh /root"
        on_terminal 'expect=$' 'send=echo $0 $USER; pwd; exit 4\r' -- "$BERTHCTL" shell someone@exec
        status_is 4
        output_has "-ash someone"
        on_terminal 'expect=$' 'send=echo $0; exit 4\r' -- "$BERTHCTL" shell -u shellless exec
        status_is 4
        output_has "-sh"
        try ctl shell -u root root@exec
        status_is 125
        on_terminal -- "$BERTHCTL" shell nobody@exec id -u
        output_has 65534
        stop_berth
}

@test "signals to berthctl reach the command" {
        local sig
        start_named exec
        for sig in TERM INT HUP QUIT; do
                rm -f "$work/exec.out"
                env --default-signal=INT,QUIT "$BERTHCTL" exec exec /bin/inside catch 1 9 >"$work/exec.out" 2>&1 3>&- &
                client=$!
                await "$work/exec.out" ready
                kill -"$sig" "$client"
                status=0
                wait "$client" || status=$?
                status_is 9
                grep -qx "signal $sig" "$work/exec.out"
        done
        stop_berth
}

# Waits until no process of the container runs the command $1.
command_gone() {
        local try
        for try in {1..100}; do
                grep -qsz "$1" /proc/[0-9]*/cmdline || return 0
                sleep 0.05
        done
        fail "$1 still runs"
}

@test "a killed berthctl takes its command along, and the container goes on" {
        start_named exec
        descriptors_of "$launcher" >"$work/before"
        "$BERTHCTL" exec exec sh -c "echo ready; exec sleep $((300000 + $$))" >"$work/exec.out" 2>&1 3>&- &
        client=$!
        await "$work/exec.out" ready
        kill -KILL "$client"
        wait "$client" || true
        command_gone $((300000 + $$))
        run_in echo still
        output_is still
        diff "$work/before" <(descriptors_of "$launcher")
        stop_berth
}

@test "a killed supervisor ends its commands: berthctl says so" {
        start_named exec
        "$BERTHCTL" exec exec sh -c "echo ready; exec sleep $((200000 + $$))" >"$work/exec.out" 2>"$work/exec.err" 3>&- &
        client=$!
        await "$work/exec.out" ready
        kill -KILL "$launcher"
        status=0
        wait "$client" || status=$?
        status_is 125
        grep -q "supervisor of exec has ended" "$work/exec.err"
        wait "$launcher" 2>/dev/null || true
        command_gone $((200000 + $$))
        # What is left over goes with the next start of that name.
        try berth -q -M exec -D "$TREE" true
        status_is 0
}

@test "the container's end is the end of its commands" {
        start_named exec
        "$BERTHCTL" exec exec sh -c 'echo ready; exec sleep 98763' >"$work/exec.out" 2>"$work/exec.err" 3>&- &
        client=$!
        await "$work/exec.out" ready
        kill "$launcher"
        await_end
        [ "$status" = 143 ] || [ "$status" = 1 ]
        status=0
        wait "$client" || status=$?
        status_is 137
}

@test "a reboot ends commands; the next start can be entered" {
        limit=60
        fresh_tree
        start_berth -q -M exec -D "$TREE" sh -c 'if [ -e /again ]; then echo second; exec sleep 1000; fi; touch /again; echo first; while [ ! -e /go ]; do sleep 0.05; done; reboot -f; sleep 1000'
        await "$work/out" first
        "$BERTHCTL" exec exec sh -c 'echo ready; touch /go; exec sleep 98762' >"$work/exec.out" 2>"$work/exec.err" 3>&- &
        client=$!
        await "$work/exec.out" ready
        status=0
        wait "$client" || status=$?
        status_is 137
        await "$work/out" second
        run_in cat /proc/1/cmdline
        status_is 0
        output_has sleep
        stop_berth
}

@test "fifty at once, each with its own status; the supervisor is then as before" {
        local i pids=()
        limit=60
        start_named exec
        descriptors_of "$launcher" >"$work/before"
        for i in {1..50}; do
                "$BERTHCTL" exec exec sh -c "echo number $i; exit $i" >"$work/exec.$i" 2>&1 3>&- &
                pids+=($!)
        done
        for i in {1..50}; do
                status=0
                wait "${pids[i - 1]}" || status=$?
                status_is "$i" || { cat "$work/exec.$i"; return 1; }
                grep -qx "number $i" "$work/exec.$i"
        done
        diff "$work/before" <(descriptors_of "$launcher")
        stop_berth
}

@test "more clients than there is room for are refused by name, and the container goes on" {
        start_named exec
        python3 - <<'END'
import os, socket
path = '/run/berth/exec/control'
kept = []
for _ in range(64):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(path)
    kept.append(s)
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(path)
s.settimeout(10)
assert b'serves 64 clients already' in s.recv(4096)
assert s.recv(4096) == b''
END
        run_in echo room
        output_is room
        stop_berth
}

# The numbers of the messages, from where they are defined: control.py.
control_words() {
        export PYTHONPATH=$work
        awk '/CONTROL_VERSION =/ { gsub(/[^0-9]/, ""); print "VERSION = " $0 }
                /^enum control_kind/ { on = 1; next } on && /};/ { exit }
                on && match($0, /CONTROL_[A-Z_]+/) { print substr($0, RSTART + 8, RLENGTH - 8) " = " n++ }' \
                "$top/src/run/control.h" >"$work/control.py"
        grep -q '^FAIL = ' "$work/control.py"
}

@test "nonsense from a client ends its connection, and nothing else" {
        start_named exec
        control_words
        descriptors_of "$launcher" >"$work/before"
        python3 - <<'END'
import array, os, socket, struct
from control import *
path = '/run/berth/exec/control'
def talk(data, fds=()):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(path)
    s.settimeout(10)
    s.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))] if fds else [])
    answer = b''
    try:
        while (got := s.recv(4096)):
            answer += got
    except ConnectionResetError:
        pass
    return answer
def message(kind, version=VERSION, signal=0):
    return struct.pack('=IIiiii', version, kind, signal, 0, 0, 0)
null = os.open('/dev/null', os.O_RDONLY)
assert talk(b'x') == b''
assert talk(b'\xff' * 24) != b'' # another version: told so
for other in (0, VERSION - 1, VERSION + 1):
    assert b'another version' in talk(message(EXEC, version=other))
for kind in (NONE, *range(REQUESTS_, FAIL + 2), 1000):
    assert talk(message(kind)) == b'', kind
assert talk(message(EXEC)) == b''           # EXEC without a block
assert talk(message(EXEC), [null, null]) == b''
assert b'cannot be read' in talk(message(EXEC), [null])
assert b'cannot be read' in talk(message(EXEC), [null] * 4)
assert b'no signal' in talk(message(SIGNAL, signal=-1))
assert b'no signal' in talk(message(SIGNAL, signal=1000))
assert talk(message(STOP) + b'x' * 5000) == b''
for block in (b'', b'short', b'x' * 4096):
    fd = os.memfd_create('b', os.MFD_ALLOW_SEALING)
    os.write(fd, block)
    assert b'cannot be read' in talk(message(EXEC), [fd])
END
        chmod 0700 /run/berth/exec
        run_in echo on
        output_is on
        diff "$work/before" <(descriptors_of "$launcher")
        stop_berth
}

@test "only the owner of the supervisor gets through" {
        start_named exec
        [ "$(stat -c %a:%u /run/berth/exec)" = 700:0 ]
        [ "$(stat -c %a:%u /run/berth/exec/control)" = 600:0 ]
        # Somebody who has got hold of the socket all the same is not answered.
        control_words
        python3 - <<'END'
import os, socket, struct
from control import *
os.chmod('/run/berth/exec', 0o711)
os.chmod('/run/berth/exec/control', 0o666)
os.chdir('/run/berth/exec')
os.setgroups([]); os.setgid(1000); os.setuid(1000)
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect('control')
s.settimeout(10)
try:
    s.send(struct.pack('=IIiiii', VERSION, STOP, 0, 0, 0, 0))
    assert s.recv(4096) == b''
except (ConnectionResetError, BrokenPipeError):
    pass
END
        chmod 0700 /run/berth/exec
        run_in echo on
        output_is on
        stop_berth
}

@test "a stopped payload can be entered, a paused container says that it is paused" {
        start_named exec
        kill -STOP "$leader"
        run_in echo beside
        status_is 0
        output_is beside
        kill -CONT "$leader"
        cgroup=$(python3 -c 'import json; print(json.load(open("/run/berth/exec/record"))["cgroup"] or "")')
        [ -n "$cgroup" ]
        echo 1 >"$cgroup/cgroup.freeze"
        run_in echo frozen
        echo 0 >"$cgroup/cgroup.freeze"
        status_is 125
        errors_has "exec is paused"
        stop_berth
}

@test "the tree's files may lie in wait" {
        fresh_tree
        rm -f "$TREE/etc/passwd" "$TREE/etc/group"
        mkfifo "$TREE/etc/passwd" "$TREE/etc/group"
        ln -s /proc/self/exe "$TREE/bin/self"
        mkfifo "$TREE/bin/fifo"
        chmod 755 "$TREE/bin/fifo"
        mkdir "$TREE/dir"
        ln -s /proc/1/root "$TREE/dir/root"
        start_named exec
        try ctl exec -u someone exec true
        status_is 125
        errors_has "/etc/passwd"
        run_in /bin/self
        [ "$status" = 126 ] || status_is 127
        run_in fifo
        status_is 126
        try ctl exec --chdir=/dir/root exec pwd
        status_is 125
        run_in echo fine
        output_is fine
        stop_berth
}

@test "a payload that covers /proc and /dev/pts gains nothing" {
        fresh_tree
        start_berth -q -M exec -D "$TREE" sh -c 'mount -t tmpfs none /proc && mount -t tmpfs none /dev/pts && mkdir -p /proc/self/fd /proc/self/ns && touch /dev/pts/ptmx && echo up; exec sleep 1000'
        await "$work/out" up
        run_in /bin/sh -c 'echo runs; echo $0'
        status_is 0
        line_is runs
        try ctl exec -t exec true
        status_is 125
        errors_has "console"
        stop_berth
}

# What the container can see of the process on its way to exec.
@test "what is on its way shows neither the host's words nor its descriptors" {
        limit=60
        start_berth -q -M exec -E SECRET_WORD=1 -D "$TREE" sh -c '
                echo up
                while [ ! -e /tmp/stop ]; do
                        for p in /proc/[0-9]*; do
                                case $p in /proc/1|/proc/self) continue ;; esac
                                { tr "\0" " " <$p/cmdline; tr "\0" " " <$p/environ; readlink $p/exe $p/cwd $p/fd/*; } 2>/dev/null
                        done
                done' >/dev/null
        await "$work/out" up
        for try in {1..30}; do
                HOST_SECRET=1 run_in true
                status_is 0
        done
        run_in touch /tmp/stop
        await_end
        never grep -qF -e "$BERTH" -e "$TREE" -e HOST_SECRET -e run/berth "$work/out"
}

@test "what is on its way cannot be traced" {
        limit=60
        start_berth -q -M exec --private-network -D "$TREE" /bin/inside seize /tmp/stop
        await "$work/out" up
        for try in {1..30}; do
                run_in true
                status_is 0
        done
        run_in touch /tmp/stop
        await_end
        status_is 0
        line_is "tried yes"
        line_is "seize held"
}

@test "requests: stop, a signal, kill, reboot, power off" {
        request() {
                python3 - "$@" <<'END'
import control, socket, struct, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect('/run/berth/exec/control')
s.settimeout(20)
w = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
w.connect('/run/berth/exec/control')
w.settimeout(20)
w.send(struct.pack('=IIiiii', control.VERSION, control.WAIT, 0, 0, 0, 0))
s.send(struct.pack('=IIiiii', control.VERSION, getattr(control, sys.argv[1]), int(sys.argv[2]), 0, 0, 0))
done = struct.unpack('=IIiiii', s.recv(24))
assert done[1] == control.DONE, done
if sys.argv[3:] != ['stays']:
    end = struct.unpack('=IIiiii', w.recv(24))
    print('ended' if end[1] == control.ENDED else end[1], end[5])
END
        }
        control_words
        # STOP: as a signal to the supervisor. Twice is no more than once.
        start_berth -q -M exec -D "$TREE" /bin/inside catch 1 5
        await "$work/out" ready
        output=$(request STOP 0)
        output_is "ended 5"
        await_end
        status_is 5
        never test -e /run/berth/exec
        # A signal for the payload.
        start_berth -q -M exec -D "$TREE" /bin/inside catch 2 6
        await "$work/out" ready
        request SIGNAL 10 stays
        await "$work/out" "signal USR1"
        output=$(request SIGNAL 15)
        output_is "ended 6"
        await_end
        # KILL waits for nobody.
        start_named exec
        output=$(request KILL 0)
        output_is "ended 1"
        await_end
        # Reboot and power off as the service manager of the tree has them.
        start_berth -q -M exec -D "$TREE" /bin/inside catch 2 6
        await "$work/out" ready
        request REBOOT 0 stays
        await "$work/out" "signal RTMIN+5"
        output=$(request POWEROFF 0)
        output_is "ended 6"
        await_end
        grep -qx "signal RTMIN+4" "$work/out"
}
