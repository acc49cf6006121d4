#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Places that are not a whole machine: each lacks something that a launcher would like to have.

load ../lib/common

# Runs the rest in a mount namespace of its own after the shell code $1.
in_place() {
        local code=$1
        shift
        try unshare -m --propagation private sh -c "$code"' || exit 99; exec timeout 20 "$@"' sh "$@"
}

@test "no cgroup file system at all" {
        in_place 'umount -R /sys/fs/cgroup 2>/dev/null || umount -l /sys/fs/cgroup 2>/dev/null || mount -t tmpfs x /sys/fs/cgroup' \
                "$BERTH" -q -D "$TREE" echo x
        status_is 0
        output_is x
}

@test "the cgroup file system is read-only" {
        in_place 'for m in $(awk "/ - cgroup2 / { print \$5 }" /proc/self/mountinfo); do mount -o remount,bind,ro $m; done' \
                "$BERTH" -q -D "$TREE" cat /proc/self/cgroup
        status_is 0
        output_matches '^0::/'
}

@test "cgroup2 is somewhere else than on /sys/fs/cgroup" {
        in_place 'mkdir /run/elsewhere && mount -t cgroup2 cgroup2 /run/elsewhere && umount -l /sys/fs/cgroup' \
                "$BERTH" -q -D "$TREE" sh -c 'cat /proc/self/cgroup; ls /sys/fs/cgroup/cgroup.procs'
        rmdir /run/elsewhere 2>/dev/null || true
        status_is 0
        line_is 0::/
        line_is /sys/fs/cgroup/cgroup.procs
}

@test "a boot without a cgroup file system" {
        fresh_tree
        printf '#!/bin/sh\npoweroff -f\n' >"$TREE/etc/rc.test"
        chmod 0755 "$TREE/etc/rc.test"
        in_place 'umount -R /sys/fs/cgroup 2>/dev/null || umount -l /sys/fs/cgroup' "$BERTH" -q -b -D "$TREE"
        status_is 0
}

@test "systemd inside without a usable cgroup2: it boots, or the refusal says why" {
        need_tree trixie
        fresh_tree trixie
        in_place 'umount -R /sys/fs/cgroup 2>/dev/null || umount -l /sys/fs/cgroup' "$BERTH" -q -b -D "$TREE" systemd.unit=poweroff.target
        [ "$status" = 0 ] || { status_is 1; errors_has cgroup; }
}

@test "no /sys" {
        in_place 'umount -R -l /sys' "$BERTH" -q -D "$TREE" echo x
        status_is 0
        output_is x
}

@test "no machine id, no bus, no journal, no resolver" {
        in_place 'mkdir -p "$3/../etc.up" "$3/../etc.wk" 2>/dev/null; mount -t tmpfs x /run; true' "$BERTH" -q -D "$TREE" echo x
        status_is 0
        output_is x
        in_place 'mount --bind /dev/null /etc/machine-id; mount --bind /dev/null /etc/resolv.conf' "$BERTH" -q -D "$TREE" echo x
        status_is 0
        output_is x
}

@test "/run/berth is not there yet" {
        in_place 'mount -t tmpfs x /run' "$BERTH" -q -D "$TREE" echo x
        status_is 0
        output_is x
}

@test "/run cannot be written to: the message names it, and what helps" {
        local before
        for before in : 'mkdir -m 0755 /run/berth'; do
                in_place "mount -t tmpfs x /run && $before && mount -o remount,ro /run" "$BERTH" -q -D "$TREE" echo x
                refused /run/berth
                errors_has "mount -t tmpfs tmpfs /run"
        done
        in_place 'mount -t tmpfs -o ro x /run; mount -t tmpfs tmpfs /run' "$BERTH" -q -D "$TREE" echo x
        status_is 0
}

@test "/tmp cannot be written to" {
        in_place 'mount -o remount,bind,ro /tmp; mount -o remount,bind,ro /var/tmp' "$BERTH" -q -D "$TREE" echo x
        status_is 0
        output_is x
}

@test "mknod is refused" {
        try setpriv --bounding-set -mknod --inh-caps -mknod timeout 20 "$BERTH" -q -D "$TREE" \
                sh -c 'echo x >/dev/null && head -c 2 /dev/zero | wc -c; /bin/inside stat /dev/null /dev/urandom'
        status_is 0
        line_is 2
        output_matches '^/dev/null char 0666 .* 1:3$'
        output_matches '^/dev/urandom char 0666 .* 1:9$'
}

@test "few capabilities: what is lacking is not given, and the start works" {
        local keep=+sys_admin,+setuid,+setgid,+setpcap,+chown,+dac_override,+fowner,+kill,+sys_chroot,+mknod
        try setpriv --bounding-set "-all,$keep" --inh-caps "-all" timeout 20 "$BERTH" -q -D "$TREE" --private-users=no grep ^CapBnd /proc/self/status
        status_is 0
        (( (0x$(awk '{ print $2 }' <<<"$output") & ~0x$(printf '%x' $((1 << 21 | 1 << 7 | 1 << 6 | 1 << 8 | 1 | 1 << 1 | 1 << 3 | 1 << 5 | 1 << 18 | 1 << 27)))) == 0 ))
}

@test "the tree has a proc mounted already" {
        fresh_tree
        mount -t proc proc "$TREE/proc"
        in_tree sh -c 'echo $$; ls -d /proc/[0-9]* | wc -l; grep -c " /proc " /proc/self/mountinfo'
        umount "$TREE/proc"
        status_is 0
        [ "$(sed -n 2p <<<"$output")" -le 3 ]
}

@test "the tree has sys, dev and run mounted already, populated" {
        fresh_tree
        mount --rbind /sys "$TREE/sys"
        mount --make-rslave "$TREE/sys"
        mount --bind /dev "$TREE/dev"
        mount -t tmpfs run "$TREE/run"
        mkdir "$TREE/run/planted"
        in_tree sh -c 'ls /dev/kmsg /run/planted 2>/dev/null; echo x >/dev/null && echo works'
        umount -R "$TREE/sys"
        umount "$TREE/dev" "$TREE/run"
        status_is 0
        output_is works
}

@test "the tree lacks the directories that are mounted on" {
        fresh_tree
        rm -rf "${TREE:?}"/{dev,proc,sys,run,tmp}
        in_tree sh -c 'for d in dev proc sys run tmp; do [ -d /$d ] && echo $d; done; echo x >/dev/null'
        status_is 0
        output_is $'dev\nproc\nsys\nrun\ntmp'
}

@test "a tree on a read-only file system" {
        fresh_tree
        mount --bind "$TREE" "$TREE"
        mount -o remount,bind,ro "$TREE"
        in_tree sh -c 'echo x; echo y >/srv/y || echo ro'
        umount "$TREE"
        status_is 0
        output_is $'x\nro'
}

@test "a tree on a tmpfs" {
        mkdir "$work/mem"
        mount -t tmpfs mem "$work/mem"
        cp -a "$TREE" "$work/mem/tree"
        try berth -q -D "$work/mem/tree" stat -c %u:%g /etc/passwd
        umount "$work/mem"
        status_is 0
        output_is 0:0
}

@test "a tree on an overlay" {
        mkdir "$work/up" "$work/wk" "$work/over"
        mount -t overlay overlay -o "lowerdir=$TREE,upperdir=$work/up,workdir=$work/wk" "$work/over"
        try berth -q -D "$work/over" sh -c 'echo x >/srv/x && cat /srv/x'
        umount "$work/over"
        status_is 0
        output_is x
}

@test "a tree that cannot be idmapped: it runs, and one line says that root inside is root outside" {
        mkdir "$work/up" "$work/wk" "$work/over"
        mount -t overlay overlay -o "lowerdir=$TREE,upperdir=$work/up,workdir=$work/wk" "$work/over"
        try berth -D "$work/over" cat /proc/self/uid_map
        umount "$work/over"
        status_is 0
        if grep -q 4294967295 <<<"$output"; then
                errors_has root
                [ "$(grep -c 'root' <<<"$errors")" = 1 ]
        fi
}

@test "the same asked for by name is refused where it cannot be" {
        mkdir "$work/up" "$work/wk" "$work/over"
        mount -t overlay overlay -o "lowerdir=$TREE,upperdir=$work/up,workdir=$work/wk" "$work/over"
        try berth -q --private-users=pick -D "$work/over" cat /proc/self/uid_map
        umount "$work/over"
        if [ "$status" = 0 ]; then
                never grep -q 4294967295 <<<"$output"
        else
                refused
        fi
}

# The kernel refuses user namespaces to a process whose root is not that of its mount namespace (user_namespaces(7)).
in_chroot() {
        mkdir -p "$work/host"
        try unshare -m --propagation private sh -c '
                mount --rbind / "$1" && mount -t tmpfs run "$1/run" || exit 99
                root=$1; shift; exec timeout 20 chroot "$root" "$@"' sh "$work/host" "$@"
}

@test "in a chroot no user namespace can be made: it runs without, and says so; asked for by name it is refused" {
        in_chroot "$BERTH" -D "$TREE" sh -c 'cat /proc/self/uid_map'
        status_is 0
        [ "$(xargs <<<"$output")" = "0 0 4294967295" ]
        [ "$(grep -c "root inside is root outside" <<<"$errors")" = 1 ]
        in_chroot "$BERTH" -q --private-users=pick -D "$TREE" true
        refused "user namespace"
}

# What makes a start begin once more is seen only when the tree is there. /proc/tty: the kernel allows no fresh proc in a
# user namespace where parts of the visible one are covered.
@test "parts of proc are covered: --template= makes the tree once, and a chown that would be in vain is not begun" {
        local covered='mount -t tmpfs x /proc/tty'
        fresh_tree
        in_place "$covered" "$BERTH" --template="$TREE" -D "$TREE.too" cat /proc/self/uid_map
        status_is 0
        [ "$(xargs <<<"$output")" = "0 0 4294967295" ]
        errors_lacks "not needed"
        diff <(cd "$TREE" && find . | sort) <(cd "$TREE.too" && find . | sort)
        in_place "$covered" "$BERTH" -q --resolv-conf=off --template="$TREE" -D "$TREE.three" --pivot-root=/usr:/whole ls /whole/etc/passwd
        status_is 0
        [ -d "$TREE.three/etc" ]
        in_place "$covered" "$BERTH" -q -D "$TREE" --private-users-ownership=chown true
        refused "a fresh proc cannot be mounted here in a user namespace"
        [ "$(stat -c %u "$TREE" "$TREE/usr/bin" | sort -u)" = 0 ]
}

@test "the number of user namespaces is used up: it runs without, and says so" {
        try strace -f -o "$work/trace" -e trace=clone3 -e inject=clone3:error=ENOSPC:when=1..2 "$BERTH" -D "$TREE" cat /proc/self/uid_map
        grep -q INJECTED "$work/trace"
        status_is 0
        [ "$(xargs <<<"$output")" = "0 0 4294967295" ]
        [ "$(grep -c "root inside is root outside" <<<"$errors")" = 1 ]
}

@test "a user namespace that is refused once only is not given up" {
        try strace -o "$work/trace" -e trace=clone3 -e inject=clone3:error=EPERM:when=1 "$BERTH" -D "$TREE" cat /proc/self/setgroups
        grep -q INJECTED "$work/trace"
        status_is 0
        errors_lacks "root outside"
}

@test "in a user namespace that has one id only: a refusal that says why, or it runs" {
        try unshare -Urm --propagation private sh -c 'mount -t tmpfs run /run; exec "$1" -q -D "$2" echo x' sh "$BERTH" "$TREE"
        if [ "$status" = 0 ]; then output_is x; else refused; fi
}

@test "inside a container of berth's own, with --nesting: a command and a boot" {
        fresh_tree
        mkdir -p "$TREE/srv/tree"
        cp -a "$trees/busybox/." "$TREE/srv/tree/"
        cp "$BERTH" "$TREE/usr/bin/berth"
        copy_libraries "$BERTH" "$TREE"
        printf '#!/bin/sh\necho booted-inside\npoweroff -f\n' >"$TREE/srv/tree/etc/rc.test"
        chmod 0755 "$TREE/srv/tree/etc/rc.test"
        opts=(--nesting)
        in_tree sh -c 'berth -q -D /srv/tree echo nested; berth -q -b -D /srv/tree'
        status_is 0
        output_has nested
        output_has booted-inside
}

@test "inside a container of berth's own, without --nesting: a command and a boot, in any network" {
        fresh_tree
        mkdir -p "$TREE/srv/tree"
        cp -a "$trees/busybox/." "$TREE/srv/tree/"
        cp "$BERTH" "$TREE/usr/bin/berth"
        copy_libraries "$BERTH" "$TREE"
        printf '#!/bin/sh\necho booted-inside\npoweroff -f\n' >"$TREE/srv/tree/etc/rc.test"
        chmod 0755 "$TREE/srv/tree/etc/rc.test"
        ln -s berth "$TREE/usr/bin/systemd-nspawn"
        for outer in --private-users=pick --private-network --private-users=identity; do
                opts=("$outer")
                in_tree sh -c 'berth -q -D /srv/tree echo nested; berth -q --private-network -D /srv/tree echo alone;
                        systemd-nspawn -q -D /srv/tree echo strict; berth -q -b -D /srv/tree;
                        berth -D /srv/tree sh -c "echo x >/proc/sys/kernel/domainname" 2>&1'
                output_has nested
                output_has alone
                output_has strict
                output_has booted-inside
                output_has "Read-only file system"
        done
}

# The shared libraries of a program, into the same places of a tree.
copy_libraries() {
        local library
        for library in $(ldd "$1" | grep -oE '/[^ ]+'); do
                mkdir -p "$2$(dirname "$library")"
                cp -L "$library" "$2$library"
        done
}

@test "inside systemd-nspawn: a command and a boot" {
        [ -x /usr/bin/systemd-nspawn ] || skip "systemd-nspawn is not installed"
        fresh_tree
        mkdir -p "$TREE/srv/tree"
        cp -a "$trees/busybox/." "$TREE/srv/tree/"
        cp "$BERTH" "$TREE/usr/bin/berth"
        copy_libraries "$BERTH" "$TREE"
        printf '#!/bin/sh\necho booted-inside\npoweroff -f\n' >"$TREE/srv/tree/etc/rc.test"
        chmod 0755 "$TREE/srv/tree/etc/rc.test"
        # In a mount namespace of its own: what it leaves in /run is not ours to find.
        try unshare -mC --propagation private sh -c 'mount -t tmpfs run /run; exec systemd-nspawn -q -P --register=no --keep-unit --resolv-conf=off --timezone=off --link-journal=no -D "$1" sh -c "berth -q -D /srv/tree echo nested; berth -q -b -D /srv/tree"' sh "$TREE"
        rmdir /sys/fs/cgroup/*/payload /sys/fs/cgroup/*/supervisor /sys/fs/cgroup/payload /sys/fs/cgroup/supervisor 2>/dev/null || true
        status_is 0
        output_has nested
        output_has booted-inside
}

@test "inside bubblewrap with only CAP_SYS_ADMIN and friends" {
        command -v bwrap >/dev/null || skip "bubblewrap is not installed"
        try bwrap --bind / / --proc /proc --dev /dev --tmpfs /run --unshare-pid --unshare-ipc --cap-add ALL \
                timeout 20 "$BERTH" -q -D "$TREE" echo nested
        status_is 0
        output_is nested
}

@test "with a private root file system, and with a shared one, nothing gets out" {
        in_place 'mount --make-rprivate /' "$BERTH" -q -D "$TREE" sh -c 'mount -t tmpfs leak /srv; echo x'
        status_is 0
        in_place 'mount --make-rshared /' "$BERTH" -q -D "$TREE" sh -c 'mount -t tmpfs leak /srv; echo x'
        status_is 0
}

@test "few descriptors and little memory: it runs, or ends with a message" {
        local n
        for n in 3 4 6 8 10 12 14 16 20 32 64; do
                try sh -c 'ulimit -n $1; shift; exec "$@"' sh $n "$BERTH" -q -D "$TREE" echo x
                [ "$status" = 0 ] || [ -n "$errors" ] || fail "nothing said with $n descriptors"
                [ "$status" != 0 ] || output_is x
                [ "$n" -lt 16 ] || status_is 0
        done
        for n in 4000 8000 16000 32000 64000; do
                try sh -c 'ulimit -v $1; shift; exec "$@"' sh $n "$BERTH" -q -D "$TREE" echo x
                [ "$status" -lt 128 ] || fail "died with $n KiB: $status"
                [ "$status" != 0 ] || output_is x
        done
        for n in 24 40 100 400; do
                try sh -c 'ulimit -s $1; shift; exec "$@"' sh $n "$BERTH" -q -D "$TREE" echo x
                refused "see ulimit -v, ulimit -s"
        done
}

@test "an unprivileged user gets a message that says what is needed" {
        make_open_place "$BERTH" "$TREE"
        as_nobody "$open_place/berth" -q -D "$open_place/busybox" true
        refused
        errors_has root
}
