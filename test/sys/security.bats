#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the payload may do and what it may reach. The classes of escape are those of other runtimes' history.

load ../lib/common

caps_of() {
        awk -v k="$1:" '$1 == k { print $2 }' <<<"$output"
}

has_cap() {
        (( 0x$(caps_of "$1") >> $2 & 1 ))
}

# linux/capability.h
CAP_CHOWN=0 CAP_DAC_READ_SEARCH=2 CAP_NET_BIND_SERVICE=10 CAP_NET_ADMIN=12 CAP_NET_RAW=13 CAP_IPC_LOCK=14 CAP_SYS_MODULE=16
CAP_SYS_RAWIO=17 CAP_SYS_ADMIN=21 CAP_SYS_BOOT=22 CAP_SYS_TIME=25 CAP_SYSLOG=34 CAP_BPF=39

# --- the namespaces

@test "mount, pid, uts, ipc, cgroup and user namespaces are the container's own, net is the host's" {
        in_tree sh -c 'for n in mnt pid uts ipc cgroup user net; do readlink /proc/self/ns/$n; done'
        status_is 0
        local n
        for n in mnt pid uts ipc cgroup user; do
                output_lacks "$(readlink "/proc/self/ns/$n")"
        done
        output_has "$(readlink /proc/self/ns/net)"
        [ "$(wc -l <<<"$output")" = 7 ]
}

@test "--private-network: a network namespace of its own, with lo up" {
        opts=(--private-network)
        in_tree sh -c 'readlink /proc/self/ns/net; ip -o link | wc -l; ip addr show lo | grep -c "inet 127.0.0.1/8"; ping -c 1 -W 1 127.0.0.1 >/dev/null && echo reached'
        status_is 0
        output_lacks "$(readlink /proc/self/ns/net)"
        [ "$(sed -n '2,$p' <<<"$output")" = $'1\n1\nreached' ]
}

@test "--network-namespace-path joins, with lo up and its own interfaces in /sys" {
        touch "$work/netns"
        unshare --net="$work/netns" true
        nsenter --net="$work/netns" ip link add berth-a type veth peer name berth-b
        opts=(--network-namespace-path="$work/netns")
        in_tree sh -c 'readlink /proc/self/ns/net; ls /sys/class/net; cat /sys/class/net/lo/flags'
        local inside
        inside=$(nsenter --net="$work/netns" readlink /proc/self/ns/net)
        # The launcher itself has come back.
        start_berth -q "${opts[@]}" -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        local launchers
        launchers=$(readlink "/proc/$launcher/ns/net")
        stop_berth
        umount "$work/netns"
        [ "$launchers" = "$(readlink /proc/self/ns/net)" ]
        status_is 0
        line_is "$inside"
        line_is berth-a
        line_is 0x9
        never grep -qx eth0 <<<"$output"
}

@test "--network-namespace-path to what is none is refused" {
        opts=(--network-namespace-path=/etc/passwd)
        in_tree true
        refused /etc/passwd
        opts=(--network-namespace-path=/no/such/netns)
        in_tree true
        refused /no/such/netns
        opts=(--network-namespace-path=/proc/self/ns/mnt)
        in_tree true
        refused /proc/self/ns/mnt
}

@test "the processes of the host cannot be seen" {
        in_tree sh -c 'ls -d /proc/[0-9]* | wc -l'
        status_is 0
        [ "$output" -le 3 ]
}

# --- capabilities

@test "default capabilities: no set has one that systemd-nspawn does not give" {
        in_tree grep ^Cap /proc/self/status
        status_is 0
        (( (0x$(caps_of CapBnd) & ~0xfdecafff) == 0 ))
        (( 0x$(caps_of CapPrm) == 0x$(caps_of CapBnd) ))
        (( 0x$(caps_of CapEff) == 0x$(caps_of CapBnd) ))
        [ "$(caps_of CapAmb)" = 0000000000000000 ]
        has_cap CapEff $CAP_CHOWN
        never has_cap CapBnd $CAP_NET_ADMIN
        never has_cap CapBnd $CAP_SYS_MODULE
        never has_cap CapBnd $CAP_SYS_RAWIO
        never has_cap CapBnd $CAP_SYS_TIME
        never has_cap CapBnd $CAP_BPF
}

@test "no capability is inheritable in berth's own mode" {
        in_tree grep ^CapInh /proc/self/status
        [ "$(caps_of CapInh)" = 0000000000000000 ]
}

@test "under the other name the capabilities are systemd-nspawn's, as far as we have them" {
        strict_in_tree grep ^Cap /proc/self/status
        status_is 0
        local own
        own=$(awk '/^CapBnd/ { print $2 }' /proc/self/status)
        (( 0x$(caps_of CapBnd) == (0xfdecafff & 0x$own) ))
        (( 0x$(caps_of CapEff) == 0x$(caps_of CapBnd) ))
        [ "$(caps_of CapAmb)" = 0000000000000000 ]
}

@test "a private network adds CAP_NET_ADMIN, a shared one in a user namespace takes CAP_NET_BIND_SERVICE" {
        opts=(--private-network)
        in_tree grep ^Cap /proc/self/status
        has_cap CapEff $CAP_NET_ADMIN
        opts=()
        in_tree grep ^Cap /proc/self/status
        never has_cap CapBnd $CAP_NET_BIND_SERVICE
}

@test "--capability adds, --drop-capability takes away and wins, in any order and any case" {
        opts=(--capability=CAP_SYS_TIME,cap_syslog)
        in_tree grep ^Cap /proc/self/status
        has_cap CapEff $CAP_SYS_TIME
        has_cap CapEff $CAP_SYSLOG
        opts=(--drop-capability=cap_chown --capability=cap_chown)
        in_tree grep ^Cap /proc/self/status
        never has_cap CapBnd $CAP_CHOWN
        opts=(--capability=cap_chown --drop-capability=CAP_CHOWN)
        in_tree grep ^Cap /proc/self/status
        never has_cap CapBnd $CAP_CHOWN
        opts=(--drop-capability=all)
        in_tree grep ^Cap /proc/self/status
        [ "$(caps_of CapBnd)" = 0000000000000000 ]
        [ "$(caps_of CapEff)" = 0000000000000000 ]
}

@test "--capability=all gives what we have ourselves" {
        opts=(--capability=all)
        strict_in_tree grep ^CapBnd /proc/self/status
        status_is 0
        [ "$(caps_of CapBnd)" = "$(awk '/^CapBnd/ { print $2 }' /proc/self/status)" ]
        # In a user namespace: all of them, over what that namespace owns.
        in_tree grep ^CapBnd /proc/self/status
        status_is 0
        [ "$(caps_of CapBnd)" = "$(printf '%016x' $(((2 << $(cat /proc/sys/kernel/cap_last_cap)) - 1)))" ]
}

@test "--ambient-capability reaches a program that a user runs" {
        opts=(-u guest --ambient-capability=CAP_NET_RAW)
        in_tree grep ^Cap /proc/self/status
        status_is 0
        has_cap CapAmb $CAP_NET_RAW
        has_cap CapEff $CAP_NET_RAW
        (( 0x$(caps_of CapAmb) == 1 << CAP_NET_RAW ))
        (( 0x$(caps_of CapEff) == 1 << CAP_NET_RAW ))
}

@test "--ambient-capability must be one that is given, is not all, and not for --boot" {
        opts=(--ambient-capability=CAP_SYS_MODULE)
        in_tree true
        refused
        opts=(--ambient-capability=all)
        in_tree true
        refused all
        opts=(--ambient-capability=CAP_NET_RAW -b)
        in_tree
        refused
}

@test "unknown capabilities are refused, help lists the known ones" {
        local option
        for option in capability drop-capability ambient-capability; do
                opts=("--$option=CAP_NO_SUCH")
                in_tree true
                refused CAP_NO_SUCH
                try berth "--$option=help"
                status_is 0
                output_matches '[cC][aA][pP]_[sS][yY][sS]_[aA][dD][mM][iI][nN]'
        done
}

@test "--no-new-privileges" {
        in_tree grep NoNewPrivs /proc/self/status
        [ "$(awk '{ print $2 }' <<<"$output")" = 0 ]
        opts=(--no-new-privileges=yes)
        in_tree grep NoNewPrivs /proc/self/status
        [ "$(awk '{ print $2 }' <<<"$output")" = 1 ]
        opts=(--no-new-privileges=yes -a -u guest)
        in_tree grep NoNewPrivs /proc/self/status
        status_is 0
        [ "$(awk '{ print $2 }' <<<"$output")" = 1 ]
}

# --- system calls

walk() {
        in_tree /bin/inside walk "$@"
        status_is 0
}

all_are() {
        local want=$1 call got
        shift
        for call; do
                got=$(awk -v c="$call" '$1 == c { print $2 }' <<<"$output")
                [ "$got" = "$want" ] || fail "$call should give $want, not $got" || return 1
        done
}

none_are() {
        local call got
        for call in "${@:2}"; do
                got=$(awk -v c="$call" '$1 == c { print $2 }' <<<"$output")
                [ -n "$got" ] || fail "$call gave nothing at all" || return 1
                [ "$got" != "$1" ] || fail "$call should not give $1" || return 1
        done
}

@test "a filter is loaded" {
        in_tree grep -E '^Seccomp:' /proc/self/status
        status_is 0
        [ "$(awk '{ print $2 }' <<<"$output")" = 2 ]
}

@test "one filter, not five" {
        in_tree grep -E '^Seccomp_filters:' /proc/self/status
        status_is 0
        [ "$(awk '{ print $2 }' <<<"$output")" -le 1 ]
}

@test "what is not known gives ENOSYS" {
        walk unknown 1000 2000
        all_are ENOSYS unknown 1000 2000
}

@test "calls that act on the whole machine do not get through" {
        local calls=(acct clock_settime settimeofday delete_module finit_module init_module kexec_file_load kexec_load
                swapoff swapon syslog open_by_handle_at perf_event_open bpf quotactl quotactl_fd iopl ioperm
                fanotify_init lookup_dcookie nfsservctl _sysctl vserver uselib ustat sysfs)
        walk "${calls[@]}"
        local call got
        for call in "${calls[@]}"; do
                got=$(awk -v c="$call" '$1 == c { print $2 }' <<<"$output")
                [ "$got" = EPERM ] || [ "$got" = ENOSYS ] || fail "$call gives $got"
        done
}

@test "in berth's own mode io_uring, userfaultfd and the key calls do not get through, and look as if they were not there" {
        walk io_uring_setup io_uring_enter io_uring_register userfaultfd keyctl add_key request_key
        all_are ENOSYS io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key
        none_are ok userfaultfd
        none_are EINVAL userfaultfd
}

@test "calls that a new C library falls back from give ENOSYS, not EPERM" {
        walk map_shadow_stack futex_wake futex_wait futex_requeue memfd_secret unknown
        all_are ENOSYS memfd_secret unknown
        # A kernel or processor without shadow stacks has answers of its own.
        none_are EPERM map_shadow_stack futex_wake futex_wait futex_requeue
}

@test "what programs need gets through" {
        local calls=(getpid clone3 mount umount2 pivot_root chroot unshare setns ptrace memfd_create pidfd_open name_to_handle_at
                fsopen move_mount mount_setattr open_tree statmount landlock_create_ruleset sethostname personality seccomp mlock)
        walk "${calls[@]}"
        none_are ENOSYS "${calls[@]}"
}

@test "under the other name the table is systemd-nspawn's where it matters" {
        strict_in_tree /bin/inside walk keyctl add_key request_key io_uring_setup userfaultfd acct bpf swapon kexec_load syslog \
                open_by_handle_at perf_event_open fanotify_init memfd_secret map_shadow_stack mlock
        status_is 0
        none_are ENOSYS keyctl add_key request_key io_uring_setup
        local call got
        for call in acct bpf swapon kexec_load syslog open_by_handle_at perf_event_open fanotify_init; do
                got=$(awk -v c="$call" '$1 == c { print $2 }' <<<"$output")
                [ "$got" = EPERM ] || [ "$got" = ENOSYS ] || fail "$call gives $got"
        done
}

@test "x32 and the 32 bit entry: nothing gets through that is closed on x86-64" {
        [ "$(uname -m)" = x86_64 ] || skip "another architecture"
        in_tree sh -c '/bin/inside x32 0; /bin/inside x32 39; /bin/inside i386 175; /bin/inside i386 128 0 0 0; /bin/inside i386 87 0 0; /bin/inside i386 425 1 0'
        # i386: 128 init_module, 87 swapon, 425 io_uring_setup; x32 39 is getpid.
        local got
        for got in 128 87; do
                [ "$(awk -v c=$got '$1 == c { print $2 }' <<<"$output")" = EPERM ] ||
                        [ "$(awk -v c=$got '$1 == c { print $2 }' <<<"$output")" = ENOSYS ] || fail "i386 $got: $output"
        done
        [ "$(awk '$1 == 425 { print $2 }' <<<"$output")" = ENOSYS ]
        never grep -q '^39 ok' <<<"$output"
}

@test "programs of 32 bits run" {
        [ "$(uname -m)" = x86_64 ] || skip "another architecture"
        in_tree /bin/inside i386 20
        status_is 0
        output_is "20 ok"
}

@test "SYSTEMD_SECCOMP=0 and --seccomp=no load no filter" {
        SYSTEMD_SECCOMP=0 in_tree grep -E '^Seccomp:' /proc/self/status
        status_is 0
        [ "$(awk '{ print $2 }' <<<"$output")" = 0 ]
        opts=(--seccomp=no)
        in_tree grep -E '^Seccomp:' /proc/self/status
        status_is 0
        [ "$(awk '{ print $2 }' <<<"$output")" = 0 ]
}

@test "--system-call-filter removes with ~, adds without, by name and by group; what is forbidden wins" {
        opts=('--system-call-filter=~@mount')
        walk mount pivot_root getpid
        all_are EPERM mount pivot_root
        all_are ok getpid
        opts=(--system-call-filter=acct)
        walk acct
        none_are ENOSYS acct
        in_tree /bin/inside call acct 0
        # Allowed, and refused by the kernel for the lack of CAP_SYS_PACCT: EPERM either way, so a call without a capability shows it.
        opts=(--system-call-filter=io_uring_setup)
        walk io_uring_setup
        none_are ENOSYS io_uring_setup
        opts=('--system-call-filter=~mount umount2' --system-call-filter=mount)
        walk mount umount2
        all_are EPERM mount umount2
        opts=('--system-call-filter=@memlock @pkey' '--system-call-filter=@clock')
        walk pkey_alloc mlock
        none_are ENOSYS pkey_alloc
        none_are EPERM pkey_alloc
}

@test "--system-call-filter: names that are none are refused" {
        local bad
        for bad in no_such_call @no-such-group '~no_such_call' '@' '~'; do
                opts=("--system-call-filter=$bad")
                in_tree true
                status_is 1 || fail "filter: $bad"
        done
}

@test "socket families: in berth's own mode only the ordinary ones" {
        in_tree /bin/inside socket AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_VSOCK AF_ALG AF_KEY AF_XDP AF_PACKET AF_BLUETOOTH AF_TIPC AF_RDS AF_CAN AF_NFC
        status_is 0
        all_are ok AF_UNIX AF_INET AF_NETLINK
        none_are ok AF_VSOCK AF_ALG AF_KEY AF_XDP AF_PACKET AF_BLUETOOTH AF_TIPC AF_RDS AF_CAN AF_NFC
}

@test "packet sockets come with a network of its own" {
        opts=(--private-network)
        in_tree /bin/inside socket AF_PACKET
        output_is "AF_PACKET ok"
}

@test "audit sockets look as if there was no audit" {
        in_tree /bin/inside audit
        output_is "audit EAFNOSUPPORT"
        strict_in_tree /bin/inside audit
        output_is "audit EAFNOSUPPORT"
}

@test "--restrict-address-families: lists, ~ lists, none, nothing" {
        opts=('--restrict-address-families=AF_INET AF_UNIX')
        in_tree /bin/inside socket AF_UNIX AF_INET AF_INET6 AF_NETLINK
        all_are ok AF_UNIX AF_INET
        all_are EAFNOSUPPORT AF_INET6 AF_NETLINK
        opts=('--restrict-address-families=~AF_INET6')
        in_tree /bin/inside socket AF_UNIX AF_INET AF_INET6
        all_are ok AF_UNIX AF_INET
        all_are EAFNOSUPPORT AF_INET6
        opts=(--restrict-address-families=none)
        in_tree /bin/inside socket AF_UNIX AF_INET AF_INET6 AF_NETLINK
        all_are EAFNOSUPPORT AF_UNIX AF_INET AF_INET6 AF_NETLINK
        opts=(--restrict-address-families=)
        strict_in_tree /bin/inside socket AF_UNIX AF_INET AF_NETLINK
        all_are ok AF_UNIX AF_INET AF_NETLINK
        opts=(--restrict-address-families=AF_UNIX '--restrict-address-families=~AF_UNIX')
        in_tree /bin/inside socket AF_UNIX
        all_are EAFNOSUPPORT AF_UNIX
}

@test "--restrict-address-families cannot be gone around by socketcall or io_uring" {
        opts=(--restrict-address-families=AF_UNIX)
        in_tree /bin/inside walk io_uring_setup
        all_are ENOSYS io_uring_setup
        strict_in_tree /bin/inside walk io_uring_setup
        none_are EFAULT io_uring_setup
        none_are EINVAL io_uring_setup
        [ "$(uname -m)" = x86_64 ] || return 0
        in_tree /bin/inside socketcall 2
        never grep -q ok <<<"$output"
        strict_in_tree /bin/inside socketcall 2
        never grep -q ok <<<"$output"
}

@test "--restrict-address-families: what is no family is refused" {
        local bad
        for bad in AF_NOSUCH INET 'AF_INET ~AF_INET6' '~' 'none AF_INET'; do
                opts=("--restrict-address-families=$bad")
                in_tree true
                status_is 1 || fail "families: $bad"
        done
}

@test "--suppress-sync: the calls succeed and do nothing, O_SYNC is refused" {
        in_tree /bin/inside sync
        output_matches '^fsync EBADF$'
        opts=(--suppress-sync=yes)
        in_tree /bin/inside sync
        status_is 0
        all_are ok sync fsync fdatasync msync syncfs sync_file_range
        none_are ok 'open(O_SYNC)' 'open(O_DSYNC)'
        opts=()
        SYSTEMD_SUPPRESS_SYNC=1 in_tree /bin/inside sync
        all_are ok fsync
}

@test "container engines can listen for system calls, with --nesting" {
        opts=(--nesting)
        in_tree /bin/inside listener
        output_is "listener ok"
}

# --- ways out

held() {
        in_tree /bin/inside "$@"
        output_has " held"
        output_lacks ESCAPED
        output_lacks writable
}

@test "a fresh proc gives no writable /proc/sys" {
        held fresh-proc
}

@test "remounting and unmounting gives no writable /proc/sys" {
        held remount
        held umount
}

@test "what acts on the host cannot be opened for writing" {
        held direct
        opts=(--private-network)
        held direct
        opts=()
        strict_in_tree /bin/inside direct
        output_is "direct held"
}

@test "cgroup v1 with its release agent cannot be had" {
        held cgroup1
}

@test "sysfs cannot be made writable" {
        held fresh-sysfs
        held sysfs-rw
}

@test "files of the host cannot be opened by handle" {
        held handle
        strict_in_tree /bin/inside handle
        output_is "handle held"
}

@test "a second chroot does not lead out" {
        held chroot
        strict_in_tree /bin/inside chroot
        output_is "chroot held"
}

@test "device nodes cannot be made and opened" {
        held mknod
}

@test "no program of the host can be written to" {
        held exe
        opts=(-a)
        held exe
        opts=()
        strict_in_tree /bin/inside exe
        output_is "exe held"
}

@test "the whole list, with everything that a boot gives" {
        opts=(--private-network -a)
        local what
        for what in fresh-proc remount umount direct cgroup1 fresh-sysfs sysfs-rw handle chroot mknod exe; do
                held $what
        done
}

@test "the whole list, with --nesting" {
        opts=(--nesting --private-network)
        local what
        for what in fresh-proc remount umount direct cgroup1 fresh-sysfs sysfs-rw handle chroot mknod exe; do
                held $what
        done
}

@test "a directory that the caller left open does not lead out" {
        try "$OUTSIDE" leak -- "$BERTH" -q -D "$TREE" sh -c '/bin/inside fds; for n in 5 6 7 8 100 101; do ls /proc/self/fd/$n/ 2>/dev/null | head -n 1; done'
        status_is 0
        output_is ""
}

@test "--chdir through a descriptor that is left open does not lead out" {
        fresh_tree
        local n
        for n in {3..63} 100 101; do
                try "$OUTSIDE" leak -- timeout 20 "$BERTH" -q --chdir=/proc/self/fd/$n -D "$TREE" /bin/inside cwd
                [ "$status" = 1 ]
                output_lacks OUTSIDE
                ln -sfn /proc/self/fd/$n "$TREE/app"
                try "$OUTSIDE" leak -- timeout 20 "$BERTH" -q --chdir=/app -D "$TREE" /bin/inside cwd
                [ "$status" = 1 ]
                output_lacks OUTSIDE
        done
        # The same by a settings file that is trusted.
        for n in {5..8} 101; do
                ln -sfn /proc/self/fd/$n "$TREE/app"
                printf '[Exec]\nWorkingDirectory=/app\n' >"$TREE.nspawn"
                try "$OUTSIDE" leak -- timeout 20 "$BERTH" -q --settings=trusted -D "$TREE" /bin/inside cwd
                refused "cannot use /app as the working directory"
                printf '[Exec]\nWorkingDirectory=/proc/self/fd/%s\n' "$n" >"$TREE.nspawn"
                try "$OUTSIDE" leak -- timeout 20 "$BERTH" -q --settings=trusted -D "$TREE" /bin/inside cwd
                output_lacks OUTSIDE
                errors_has "a working directory below /dev, /proc or /sys is not allowed"
        done
}

@test "/proc/self/exe as the program is refused" {
        fresh_tree
        ln -s /proc/self/exe "$TREE/usr/bin/evil"
        in_tree /usr/bin/evil
        refused /usr/bin/evil
        in_tree /proc/self/exe
        refused /proc/self/exe
        printf '#!/proc/self/exe\n' >"$TREE/usr/bin/evil2"
        chmod 0755 "$TREE/usr/bin/evil2"
        in_tree /usr/bin/evil2
        [ "$status" != 0 ]
}

@test "the caller's keys cannot be read" {
        try "$OUTSIDE" key berth-secret -- "$BERTH" -q -D "$TREE" /bin/inside key berth-secret
        output_lacks FOUND
        try "$OUTSIDE" key berth-secret -- "$STRICT" --resolv-conf=off --timezone=off -q -U -D "$TREE" /bin/inside key berth-secret
        output_lacks FOUND
}

@test "the session keyring is a new one" {
        local ours
        ours=$("$helpers/inside" session | awk '{ print $2 }')
        strict_in_tree /bin/inside session
        output_lacks " $ours "
        # Reached through nesting, where the key calls are allowed.
        opts=(--nesting)
        in_tree /bin/inside session
        status_is 0
        output_lacks " $ours "
}

@test "the caller's environment cannot be read, from any process inside" {
        PLANTED=very-secret-token in_tree sh -c 'env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr "\0" "\n"'
        output_lacks very-secret-token
        opts=(-a)
        PLANTED=very-secret-token in_tree sh -c 'env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr "\0" "\n"'
        output_lacks very-secret-token
}

@test "abstract sockets of the host cannot be reached, where the kernel can close them" {
        try "$OUTSIDE" abstract "berth-test-abstract.$$" -- "$BERTH" -q -D "$TREE" /bin/inside connect "@berth-test-abstract.$$"
        # landlock_create_ruleset(2): the version. What securityfs says need not be there.
        if [ "$(/usr/bin/python3 -c 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))')" -ge 6 ]; then
                output_is "@berth-test-abstract.$$ EPERM"
        fi
        try "$OUTSIDE" abstract "berth-test-abstract.$$" -- "$BERTH" -q --private-network -D "$TREE" /bin/inside connect "@berth-test-abstract.$$"
        output_is "@berth-test-abstract.$$ ECONNREFUSED"
}

@test "the host's loopback cannot be reached from a private network" {
        local port=$((20000 + $$ % 40000))
        try "$OUTSIDE" tcp "$port" -- "$BERTH" -q --private-network -D "$TREE" /bin/inside tcp "$port"
        output_is "tcp ECONNREFUSED"
        try "$OUTSIDE" tcp "$port" -- "$BERTH" -q -D "$TREE" /bin/inside tcp "$port"
        output_is "tcp ok"
}

@test "a payload that kills all it can see kills nobody but its own" {
        in_tree sh -c 'sleep 100 & kill -9 -1; wait; ls -d /proc/[0-9]* | grep -c .; echo here'
        status_is 0
        # Itself, and what counts.
        [[ $output = [123]$'\n'here ]] || fail "$output"
        opts=(-a)
        in_tree sh -c 'sleep 100 & kill -9 -1; wait; echo here'
        status_is 0
        output_is here
}

@test "no launcher process is in the container's PID namespace" {
        in_tree sh -c 'cat /proc/[0-9]*/comm'
        never grep -qi berth <<<"$output"
        opts=(-a)
        in_tree sh -c 'for p in /proc/[0-9]*; do readlink $p/exe; done | sort -u'
        output_lacks "$BERTH"
}

# Of a process that is not in the container its cgroup.procs says 0: so it does of the builder, for the moment in which that
# ends.
@test "no cgroup above the container's can be seen, in a file system of its own neither" {
        local look='mkdir /tmp/c && mount -t cgroup2 c /tmp/c || exit; for i in 1 2 3 4 5; do grep -qx 0 /tmp/c/cgroup.procs || break; sleep 0.2; done
                cat /tmp/c/cgroup.procs && sed -n "s,.* \(/[^ ]*\) /tmp/c .*,root \1,p" /proc/self/mountinfo'
        in_tree sh -c "$look"
        status_is 0
        line_is 1
        line_is "root /"
        never grep -qx 0 <<<"$output"
        strict_in_tree sh -c "$look"
        status_is 0
        line_is 1
        line_is "root /"
        never grep -qx 0 <<<"$output"
}

@test "no mount can be made writable, or lose nodev, but those that are the container's own" {
        local try_all='while read -r a b c d place options rest; do
                [ "$place" = /tmp ] || [ "$place" = /sys/fs/cgroup ] && continue
                case ,$options, in *,ro,*) mount -o remount,bind,rw "$place" 2>/dev/null && echo "rw $place";; esac
                case ,$options, in *,nodev,*) mount -o remount,bind,rw,dev "$place" 2>/dev/null && echo "dev $place";; esac
        done </proc/self/mountinfo; echo done'
        in_tree sh -c "$try_all"
        output_is 'done'
        opts=(--private-network)
        in_tree sh -c "$try_all"
        output_is 'done'
        # With the host's ids nothing is locked: so it would have been seen.
        opts=(--private-users=no)
        in_tree sh -c "$try_all"
        output_has "rw /proc/sys"
        output_has "dev /"
}

@test "what is bound from the host does not follow the host's mounts" {
        local mode group
        fresh_tree
        echo nameserver 127.0.0.1 >"$TREE/etc/resolv.conf"
        for mode in --private-users=pick --private-users=no; do
                try unshare --mount --propagation private sh -c 'mount --make-rshared / && cat /proc/self/mountinfo >"$0" && exec "$@"' "$work/host" "$BERTH" -q $mode -D "$TREE" cat /proc/self/mountinfo
                status_is 0
                grep -q ' /etc/resolv.conf ' <<<"$output"
                # Shared, as all mounts inside are, but with none of the host's.
                group=$(sed -n 's|.* /etc/resolv.conf .* shared:\([0-9]*\) .*|\1|p' <<<"$output")
                [ -n "$group" ]
                grep -q ' shared:' "$work/host"
                never grep " shared:$group " "$work/host"
                never grep -q ' master:' <<<"$output"
        done
}

@test "no mount inside follows one of the host's, where the host's are shared" {
        grep -q "shared:" /proc/self/mountinfo
        in_tree cat /proc/self/mountinfo
        never grep -qE ' master:[0-9]+ ' <<<"$output"
}

@test "tmpfs, ptys and the like have limits" {
        in_tree sh -c 'dd if=/dev/zero of=/dev/fill bs=1M count=64 2>/dev/null; ls -l /dev/fill | awk "{ print \$5 }"'
        [ "$output" -lt 8388608 ]
        in_tree grep -E ' - (tmpfs|devpts) ' /proc/self/mountinfo
        [ "$(grep -c . <<<"$output")" -ge 6 ]
        local all=$output
        grep -q ' /dev/pts .*max=' <<<"$all"
        never grep -qvE ' /dev/pts |size=.*nr_inodes=' <<<"$all"
        in_tree sh -c 'cd /sys/fs/cgroup && cat cgroup.max.descendants cgroup.max.depth; echo 5 >cgroup.max.depth && echo changed'
        output_is $'4096\n32'
}

# --- text

@test "control characters of a name are not printed as they are" {
        local name=$'evil\033]0;title\007name'
        mkdir "$work/$name"
        try berth -D "$work/$name" true
        never grep -q $'\033' "$work/.stdout" "$work/.stderr"
        try berth -D "$TREE" $'no\033[31mprogram'
        never grep -q $'\033' "$work/.stdout" "$work/.stderr"
        try berth --no-such-$'\033[31m'
        never grep -q $'\033' "$work/.stdout" "$work/.stderr"
}

@test "control characters of an os-release are not printed as they are" {
        fresh_tree
        printf 'ID=x\nPRETTY_NAME="\033]0;title\007"\n' >"$TREE/usr/lib/os-release"
        try berth -D "$TREE" true
        status_is 0
        never grep -q $'\033' "$work/.stdout" "$work/.stderr"
}

# --- what is checked before the start

@test "fault: a mask that cannot be made ends the start" {
        try strace -f -o /dev/null -e inject=move_mount:error=EINVAL:when=6 "$BERTH" -q -D "$TREE" echo started
        [ "$status" != 0 ]
        output_lacks started
        [ -n "$errors" ]
}

# The call is not made, and says that it was: what the kernel never does shows what a mistake of ours would come to.
@test "fault: what only seems to be done ends the start, since the guest compares itself with the plan" {
        local call what words i
        while read -r call what words; do
                # Apart from the mounts of the tests: one of the calls cuts the propagation.
                # shellcheck disable=SC2086 # words
                try unshare --mount --propagation private strace -f -o "$work/trace" -e "inject=${call%%:*}:retval=0:${call#*:}" "$BERTH" -q $words -D "$TREE" echo started
                grep -q INJECTED "$work/trace" || fail "$call was never made"
                output_lacks started
                refused
                # "-": what comes next is in the way already.
                [ "$what" = - ] || errors_is "berth: ${what//_/ }: not what the plan says, so the container is not started"
        done <<'END'
capset:when=1+ capabilities
close_range:when=1+ open_descriptors
pivot_root:when=1+ -
umount2:when=1+ -
pivot_root:when=1+ - --private-users=no
umount2:when=1+ the_root_directory --private-users=no
mount_setattr:when=1 the_root_directory
mount_setattr:when=1 the_root_directory --read-only
setresuid:when=2 user_and_group -u guest --private-users=no
setresuid:when=2 - -u guest
setresgid:when=2 user_and_group -u guest
END
        # Most mounts are attached by the one, the covers of proc and sysfs by the other.
        for call in move_mount mount; do
                for ((i = 1; i <= 35; i += 2)); do
                        try strace -f -o "$work/trace" -e "inject=$call:retval=0:when=$i" "$BERTH" -q -D "$TREE" echo started
                        grep -q INJECTED "$work/trace" || break
                        output_lacks started
                        status_is 1
                done
                [ "$i" -gt 15 ] || fail "$call was made $i times only"
        done
}

# Calls of the process that becomes the payload, or the stub before it. $work/trace has those of all.
calls_of() {
        strace -f -o "$work/trace" -e trace=prctl,setresuid,unshare,execveat,clone3,pivot_root "$BERTH" -q "$@"
        awk '/execveat\(/ && !first { first = $1 } { line[NR] = $0; pid[NR] = $1 }
                END { for (i = 1; i <= NR; i++) if (pid[i] == first) print line[i] }' "$work/trace"
}

@test "who becomes the payload, and who makes its mounts, is undumpable while they do, and dies with the launcher" {
        local words
        for words in "" "--private-users=no" "-u guest" "-u guest --private-users=no" "-a -u guest" "-a"; do
                # shellcheck disable=SC2086 # words
                calls_of $words -D "$TREE" true >"$work/calls"
                grep -q 'execveat(' "$work/calls" || fail "no program with '$words'"
                # The last word about either, before the program.
                awk '/PR_SET_DUMPABLE/ { dumpable = $0 } /execveat\(/ { exit } END { print dumpable }' "$work/calls" >"$work/last"
                grep -q SUID_DUMP_DISABLE "$work/last" || fail "dumpable with '$words'" "$(cat "$work/calls")"
                # A change of ids takes it back (prctl(2)).
                awk '/setresuid/ { told = 0 } /PR_SET_PDEATHSIG, SIGKILL/ { told = 1 } /execveat\(/ { exit } END { exit !told }' \
                        "$work/calls" || fail "outlives with '$words'" "$(cat "$work/calls")"
                # The mounts: whoever it is that changes the root.
                awk '/pivot_root/ { maker = $1 } { line[NR] = $0; pid[NR] = $1 }
                        END { for (i = 1; i <= NR; i++) if (pid[i] == maker) print line[i] }' "$work/trace" |
                        awk '/PR_SET_DUMPABLE/ { dumpable = $0 } /pivot_root/ { exit } END { print dumpable }' >"$work/last"
                grep -q SUID_DUMP_DISABLE "$work/last" || fail "its mounts by one that is dumpable, with '$words'" "$(cat "$work/trace")"
        done
}

@test "the program is executed by a path without links, whose last part is not followed: it may have been exchanged" {
        local words
        for words in "" "-a"; do
                # shellcheck disable=SC2086 # words
                calls_of $words -D "$TREE" true >/dev/null
                grep 'execveat(AT_FDCWD, "/usr/bin/busybox"' "$work/trace" >"$work/by-path" || fail "not by a path, with '$words'"
                never grep -v AT_SYMLINK_NOFOLLOW "$work/by-path"
        done
}

@test "who enters a running container is undumpable before that" {
        strace -f -o "$work/trace" -e trace=prctl,setns "$BERTH" -q -M entered -D "$TREE" sh -c 'echo up; exec sleep 1000' >"$work/out" 3>&- &
        local tracer=$!
        await "$work/out" up
        try ctl exec entered true
        ctl stop --kill entered
        wait "$tracer" || true
        status_is 0
        awk '/PR_SET_DUMPABLE/ { last[$1] = $0 } /setns\(.*CLONE_NEWNS/ { print last[$1]; n++ } END { exit n != 1 }' "$work/trace" >"$work/last"
        grep -q SUID_DUMP_DISABLE "$work/last"
}

@test "no path below /proc is opened by name once the tree is in place" {
        strace -f -o "$work/trace" -e trace=open,openat,openat2,pivot_root,execve,execveat "$BERTH" -q -D "$TREE" true
        # Only the guest: it is the one that changes its root.
        awk '/pivot_root/ { guest = $1 } /execve/ && guest == $1 { exit } guest == $1' "$work/trace" >"$work/after"
        grep -q pivot_root "$work/after"
        never grep -E '"/proc' "$work/after"
}

@test "no shared library is opened once the tree is in place" {
        strace -f -o "$work/trace" -e trace=open,openat,openat2,pivot_root,execve,execveat "$BERTH" -q -u guest -D "$TREE" true
        # Only the guest: it is the one that changes its root.
        awk '/pivot_root/ { guest = $1 } /execve/ && guest == $1 { exit } guest == $1' "$work/trace" >"$work/after"
        grep -q pivot_root "$work/after"
        never grep -E '\.so|nsswitch|/etc/passwd' "$work/after"
}

# They are FIFOs: who opened one would wait.
@test "libraries of the tree that lie in wait for the launcher are not opened, before neither" {
        fresh_tree
        local dir file
        for dir in usr/lib usr/lib64 "usr/lib/$(uname -m)-linux-gnu"; do
                mkdir -p "$TREE/$dir"
                for file in libnss_files.so.2 libnss_systemd.so.2 libc.so.6 libseccomp.so.2 libblkid.so.1 ld-linux-x86-64.so.2; do
                        mkfifo "$TREE/$dir/$file"
                done
        done
        [ -L "$TREE/lib" ]
        mkfifo "$TREE/etc/ld.so.preload" "$TREE/etc/ld.so.cache" "$TREE/usr/lib/libc.musl-x86_64.so.1"
        # Each way to look a user up, to write to the tree, and to enter it.
        try strace -f -y -o "$work/trace" -e trace=open,openat,openat2,execve,execveat timeout 20 "$BERTH" -q -u guest \
                --resolv-conf=copy-host -D "$TREE" id -u
        status_is 0
        output_is 1000
        grep -q 'etc/passwd' "$work/trace"
        never grep -E "${TREE}[^ ]*(libnss|libc\\.|libseccomp|libblkid|ld\\.so|ld-linux)|<${TREE}[^ ]*>, \"[^\"]*(libnss|libc\\.|ld\\.so)" "$work/trace"
}

@test "the state directory is for root only, and a link in its place is refused" {
        in_tree true
        [ "$(stat -c '%a %u' /run/berth)" = "700 0" ]
        mkdir "$work/elsewhere"
        try unshare -m --propagation private sh -c '
                mount -t tmpfs run /run
                ln -s "$1" /run/berth
                exec "$2" -q -D "$3" true' sh "$work/elsewhere" "$BERTH" "$TREE"
        [ -z "$(ls -A "$work/elsewhere")" ]
        [ "$status" = 1 ]
        errors_has /run/berth
}

@test "a state directory that others may write to is refused" {
        try unshare -m --propagation private sh -c '
                mount -t tmpfs run /run
                mkdir /run/berth
                chmod 0777 /run/berth
                exec "$1" -q -D "$2" true' sh "$BERTH" "$TREE"
        [ "$status" = 1 ]
        errors_has /run/berth
}

@test "each directory of state: another user's, open to others, a link: refused by its name, and nothing is made there" {
        mkdir "$work/elsewhere"
        local dir kind
        for dir in /run/berth /run/systemd/nspawn/locks /run/systemd/nspawn-uid; do
                for kind in other open link; do
                        try unshare -m --propagation private sh -c '
                                mount -t tmpfs run /run && mkdir -p "${1%/*}" || exit 99
                                case $2 in
                                other) mkdir "$1"; chown 65534 "$1" ;;
                                open) mkdir "$1"; chmod 0777 "$1" ;;
                                link) ln -s "$3" "$1" ;;
                                esac
                                "$4" -q -D "$5" true; s=$?
                                [ -z "$(ls -A "$1/")" ] || echo "something is there"
                                exit $s' sh "$dir" "$kind" "$work/elsewhere" "$BERTH" "$TREE"
                        refused "$dir" || fail "$dir, $kind"
                done
        done
        # One above is another program's: what lies in it is looked at all the same.
        try unshare -m --propagation private sh -c '
                mount -t tmpfs run /run && mkdir -p /run/systemd/nspawn && chmod 0777 /run/systemd/nspawn && ln -s "$1" /run/systemd/nspawn/locks || exit 99
                exec "$2" -q -D "$3" true' sh "$work/elsewhere" "$BERTH" "$TREE"
        refused /run/systemd/nspawn/locks
        [ -z "$(ls -A "$work/elsewhere")" ]
}

# As sudo(8) may keep it from another user.
@test "--user: XDG_RUNTIME_DIR of another user, open to others, or a link is not asked" {
        local dir=$work/runtime kind
        for kind in other open link file; do
                mkdir -p "$work/real/systemd"
                touch "$work/real/systemd/private" "$work/real/bus"
                chmod 0700 "$work/real"
                rm -rf "$dir"
                case $kind in
                other) chown 1000 "$work/real"; mv "$work/real" "$dir" ;;
                open) chmod 0777 "$work/real"; mv "$work/real" "$dir" ;;
                link) ln -s "$work/real" "$dir" ;;
                file) touch "$dir" ;;
                esac
                XDG_RUNTIME_DIR=$dir try strace -f -e trace=connect,openat -o "$work/trace" "$BERTH" -q --user -D "$TREE" true
                refused "XDG_RUNTIME_DIR=$dir" || fail "$kind"
                never grep -E "connect|runtime/" "$work/trace"
        done
        # Of our own the reason is another one.
        rm -rf "$dir"
        mkdir -m 0700 "$dir"
        XDG_RUNTIME_DIR=$dir try berth -q --user -D "$TREE" true
        refused "--user"
        errors_lacks XDG_RUNTIME_DIR
}

@test "a launcher that was made setuid refuses" {
        make_open_place "$TREE"
        # The tests' own /tmp is nosuid.
        mkdir "$open_place/suid"
        mount -t tmpfs suid "$open_place/suid"
        cp "$BERTH" "$open_place/suid/berth"
        chmod 4755 "$open_place/suid/berth"
        as_nobody "$open_place/suid/berth" -q -D "$open_place/busybox" true
        umount "$open_place/suid"
        refused setuid
}

# One of the host's nodes that are not in every container, and can be opened here.
open_device() {
        for device in /dev/fuse /dev/net/tun /dev/loop-control /dev/kmsg; do
                if { true <>"$device"; } 2>/dev/null; then return 0; fi
        done
        fail "this host has no device to try"
}

@test "--device= opens one node and no other, with and without a user namespace" {
        local device users
        open_device
        for users in pick no; do
                opts=("--private-users=$users" "--device=$device")
                # shellcheck disable=SC2016 # for the shell inside
                in_tree sh -c 'true <>"$1" && stat -c "%F %u" "$1"; for d in /dev/[a-z]* /dev/net/* /dev/char/*; do
                        [ -L "$d" ] || [ ! -c "$d" ] || [ "$d" = "$1" ] || echo "$d"; done | sort' sh "$device"
                status_is 0
                output_is "character special file 0
/dev/full
/dev/null
/dev/random
/dev/tty
/dev/urandom
/dev/zero"
        done
}

@test "--device=PATH:r is for reading, whoever asks" {
        local device users
        open_device
        for users in pick no; do
                opts=("--private-users=$users" "--device=$device:r")
                # shellcheck disable=SC2016 # for the shell inside
                in_tree sh -c 'chmod 0666 "$1"; true <"$1" && echo read; { true >"$1"; } 2>/dev/null && echo written; mknod /dev/other c 10 229 2>/dev/null && echo made; echo end' sh "$device"
                # Where the cgroup has no device program, this is refused.
                if [ "$status" = 0 ]; then
                        output_is $'read\nend'
                else
                        refused "devices cannot be restricted"
                fi
        done
}
