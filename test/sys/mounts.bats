#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# File systems inside: what is mounted where, with which flags; /dev, /run/host, masks; generated files.

load ../lib/common

# The options of the mount at $1 as the payload sees it: per-mount and file system type, "rw,nosuid tmpfs".
mount_at() {
        awk -v at="$1" '$5 == at { line = $6; for (i = 7; i < NF; i++) if ($i == "-") line = line " " $(i + 1) } END { print line }' <<<"$output"
}

# mount_is WHERE TYPE FLAG...
mount_is() {
        local at=$1 flag got
        got=$(mount_at "$at")
        [ -n "$got" ] || fail "nothing is mounted on $at" "$(show)" || return 1
        [ "${got##* }" = "$2" ] || fail "$at should be a $2: $got" || return 1
        for flag in "${@:3}"; do
                [[ ",${got%% *}," == *",$flag,"* ]] || fail "$at should have $flag: $got" || return 1
        done
}

@test "the API file systems are there, of the right type and with the right flags" {
        in_tree cat /proc/self/mountinfo
        status_is 0
        mount_is /proc proc rw nosuid nodev noexec
        mount_is /sys sysfs ro nosuid nodev noexec
        mount_is /dev tmpfs nosuid
        mount_is /dev/pts devpts rw nosuid noexec
        mount_is /dev/shm tmpfs rw nosuid nodev
        mount_is /dev/mqueue mqueue rw nosuid nodev noexec
        mount_is /run tmpfs rw nosuid nodev
        mount_is /tmp tmpfs rw nosuid nodev
        mount_is /run/host tmpfs ro nosuid nodev noexec
}

@test "the same under the other name" {
        strict_in_tree cat /proc/self/mountinfo
        status_is 0
        mount_is /proc proc rw nosuid nodev noexec
        mount_is /sys sysfs ro nosuid nodev noexec
        mount_is /dev tmpfs nosuid
        mount_is /dev/shm tmpfs rw nosuid nodev
        mount_is /run tmpfs rw nosuid nodev
        mount_is /tmp tmpfs rw nosuid nodev
        mount_is /run/host tmpfs ro nosuid nodev noexec
}

@test "modes and sizes of the file systems in memory" {
        in_tree sh -c 'stat -c "%a %u:%g %n" /tmp /dev/shm /run /dev /dev/pts; df -k /tmp /dev/shm /run /dev | awk "NR > 1 { print \$6, \$2 }"; grep MemTotal /proc/meminfo'
        status_is 0
        line_is "1777 0:0 /tmp"
        line_is "1777 0:0 /dev/shm"
        line_is "755 0:0 /run"
        line_is "755 0:0 /dev"
        local memory size
        memory=$(awk '/^MemTotal/ { print $2 }' <<<"$output")
        size=$(awk '$1 == "/tmp" { print $2 }' <<<"$output")
        [ "$size" -gt $((memory / 12)) ]
        [ "$size" -lt $((memory / 9)) ]
        size=$(awk '$1 == "/run" { print $2 }' <<<"$output")
        [ "$size" -gt $((memory / 6)) ]
        [ "$size" -lt $((memory / 4)) ]
        size=$(awk '$1 == "/dev" { print $2 }' <<<"$output")
        [ "$size" -le 8192 ]
}

@test "all mounts but the root are nosuid, and all but /dev and its nodes are nodev" {
        in_tree cat /proc/self/mountinfo
        status_is 0
        local bad
        bad=$(awk '$5 != "/" && $6 !~ /(^|,)nosuid(,|$)/ { print $5 }' <<<"$output")
        [ -z "$bad" ] || fail "without nosuid: $bad"
        bad=$(awk '$5 !~ "^/dev" && $6 !~ /(^|,)nodev(,|$)/ { print $5 }' <<<"$output")
        [ -z "$bad" ] || fail "without nodev: $bad"
}

@test "the container's root is a mount of its own, and the host's mounts are not there" {
        mkdir "$work/hostmount"
        mount -t tmpfs host-secret "$work/hostmount"
        in_tree cat /proc/self/mountinfo
        umount "$work/hostmount"
        status_is 0
        output_lacks host-secret
        [ "$(awk '$5 == "/"' <<<"$output" | wc -l)" = 1 ]
}

@test "a mount made inside does not show on the host" {
        start_berth -q -D "$TREE" sh -c 'mount -t tmpfs inside-mount /srv && echo mounted; exec sleep 1000'
        await "$work/out" mounted
        local seen=0
        if grep -q inside-mount /proc/self/mountinfo; then seen=1; fi
        stop_berth
        [ "$seen" = 0 ]
}

@test "a mount made on the host afterwards does not show inside" {
        start_berth -q -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        mkdir "$work/late"
        mount -t tmpfs late-mount "$work/late"
        local leader
        leader=$(leader_of "$launcher")
        local seen=0
        if grep -q late-mount "/proc/$leader/mountinfo"; then seen=1; fi
        stop_berth
        umount "$work/late"
        [ "$seen" = 0 ]
}

@test "/dev: the usual nodes, as the usual devices, for everybody" {
        in_tree /bin/inside stat /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty
        status_is 0
        output_matches '^/dev/null char 0666 .* 1:3$'
        output_matches '^/dev/zero char 0666 .* 1:5$'
        output_matches '^/dev/full char 0666 .* 1:7$'
        output_matches '^/dev/random char 0666 .* 1:8$'
        output_matches '^/dev/urandom char 0666 .* 1:9$'
        output_matches '^/dev/tty char 0666 .* 5:0$'
}

@test "/dev: the nodes work" {
        in_tree sh -c 'echo x >/dev/null && head -c 4 /dev/zero | wc -c && head -c 8 /dev/urandom | wc -c; echo x >/dev/full || echo full'
        status_is 0
        [ "$(xargs <<<"$output")" = "4 8 full" ]
}

@test "/dev: links, and nothing else that is a device" {
        in_tree sh -c 'for l in fd stdin stdout stderr ptmx core; do echo $l $(readlink /dev/$l); done; find /dev -type b; find /dev -type c -not -path "/dev/pts/*" | sort'
        status_is 0
        line_is "fd /proc/self/fd"
        line_is "stdin /proc/self/fd/0"
        line_is "stdout /proc/self/fd/1"
        line_is "stderr /proc/self/fd/2"
        line_is "ptmx pts/ptmx"
        [ "$(grep ^/dev/ <<<"$output" | xargs)" = "/dev/full /dev/null /dev/random /dev/tty /dev/urandom /dev/zero" ]
}

@test "/dev: char and block name devices by number" {
        in_tree sh -c 'readlink -f /dev/char/1:3; [ -d /dev/block ] && echo block'
        status_is 0
        output_is $'/dev/null\nblock'
}

@test "terminals can be made inside, in the container's own devpts" {
        in_tree /bin/inside newpty
        status_is 0
        output_is "/dev/pts/0 tty group 5"
        on_terminal -- "$BERTH" -q -D "$TREE" /bin/inside newpty
        status_is 0
        output_is $'/dev/pts/1 tty group 5\r'
}

@test "a container cannot use up the host's terminals" {
        in_tree grep ' /dev/pts ' /proc/self/mountinfo
        status_is 0
        output_matches ',max=1024$'
}

@test "/dev and /run start empty of what the tree has there" {
        fresh_tree
        mkdir -p "$TREE/dev" "$TREE/run/planted"
        mknod "$TREE/dev/kmsg" c 1 11
        touch "$TREE/dev/planted"
        in_tree sh -c 'ls /dev/kmsg /dev/planted /run/planted'
        [ "$status" != 0 ]
        output_is ""
}

@test "/proc: what acts on the host is read-only" {
        in_tree sh -c 'for p in sys acpi bus fs irq scsi asound; do [ -d /proc/$p ] || continue; echo $p; done; cat /proc/self/mountinfo'
        status_is 0
        local part
        for part in sys acpi bus fs irq scsi asound; do
                grep -qx "$part" <<<"$output" || continue
                mount_is /proc/$part proc ro nosuid nodev noexec
        done
}

# Files that the payload must not read: each is either not there or covered.
# masked NUMBER PATH...: none of them tells anything, and so many at least are there to be looked at, on any kernel.
masked() {
        local least=$1
        shift
        in_tree sh -c '
                n=0
                for f; do
                        [ -e $f ] || continue
                        n=$((n + 1))
                        if cat $f >/tmp/out 2>/dev/null && [ -s /tmp/out ]; then echo readable $f; fi
                        if [ -d $f ] && [ -n "$(ls -A $f 2>/dev/null)" ]; then echo listed $f; fi
                done
                echo $n >&2' sh "$@"
        status_is 0
        output_is ""
        [ "$errors" -ge "$least" ]
}

@test "/proc: what tells about the kernel and the host is covered" {
        masked 4 /proc/kallsyms /proc/kcore /proc/keys /proc/sysrq-trigger /proc/timer_list /proc/interrupts /proc/key-users \
                /proc/config.gz /proc/partitions /proc/diskstats /proc/slabinfo /proc/vmallocinfo /proc/sched_debug
}

@test "/sys: what tells about the hardware and the kernel is covered" {
        masked 2 /sys/firmware /sys/devices/virtual/powercap /sys/kernel/vmcoreinfo /sys/kernel/notes /sys/kernel/slab \
                /sys/kernel/btf /sys/kernel/debug /sys/kernel/tracing /sys/kernel/btf/vmlinux
}

@test "under the other name systemd-nspawn's masks are there" {
        strict_in_tree sh -c 'for f in kallsyms kcore keys sysrq-trigger timer_list; do [ -e /proc/$f ] || continue; stat -c "%a %s $f" /proc/$f; done; grep -c . /proc/interrupts'
        status_is 0
        local line
        while read -r mode size name; do
                [ -z "$name" ] || [ "$mode $size" = "0 0" ]
        done <<<"$output"
}

@test "the masks are the launcher's file, not one of the tree" {
        fresh_tree
        rm -rf "${TREE:?}/dev"
        mkdir "$TREE/dev"
        ln -s /proc/sys/kernel/core_pattern "$TREE/dev/null"
        in_tree sh -c 'stat -c %a /proc/keys; stat -c %d:%i /proc/keys /proc/timer_list /proc/kallsyms | sort -u | wc -l'
        status_is 0
        [ "$(sed -n 1p <<<"$output")" = 0 ]
        [ "$(sed -n 2p <<<"$output")" = 1 ]
}

@test "/proc/sys cannot be written to, but for the own network's settings" {
        opts=(--private-network)
        in_tree sh -c 'echo x >/proc/sys/kernel/core_pattern && echo bad; echo 1 >/proc/sys/net/ipv4/ip_forward && cat /proc/sys/net/ipv4/ip_forward'
        output_is 1
        opts=()
        local before
        before=$(cat /proc/sys/net/ipv4/ip_forward)
        in_tree sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward && echo bad; true'
        output_is ""
        [ "$(cat /proc/sys/net/ipv4/ip_forward)" = "$before" ]
}

@test "the boot id is the container's own, and another one each time" {
        in_tree cat /proc/sys/kernel/random/boot_id
        status_is 0
        local first=$output
        [ "$first" != "$(cat /proc/sys/kernel/random/boot_id)" ]
        output_matches '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
        in_tree cat /proc/sys/kernel/random/boot_id
        [ "$output" != "$first" ]
}

@test "the host's kernel log is not there" {
        in_tree sh -c 'timeout 1 head -c 1 /proc/kmsg | wc -c; dmesg 2>&1 | grep -c "Linux version"'
        [ "$(sed -n 1p <<<"$output")" = 0 ]
        [ "$(sed -n 2p <<<"$output")" = 0 ]
}

@test "/sys cannot be written to" {
        in_tree sh -c 'for f in /sys/kernel/mm/ksm/run /sys/kernel/uevent_helper /sys/power/state /sys/kernel/profiling; do [ -e $f ] && echo 0 >$f && echo bad $f; done 2>/dev/null; true'
        output_is ""
}

@test "with a private network only its interfaces are in /sys/class/net" {
        opts=(--private-network)
        in_tree ls /sys/class/net
        status_is 0
        output_is lo
        strict_in_tree ls /sys/class/net
        status_is 0
        output_is lo
}

@test "under the other name a private network has a skeleton of /sys" {
        opts=(--private-network)
        strict_in_tree sh -c 'ls /sys; cat /proc/self/mountinfo'
        status_is 0
        mount_is /sys tmpfs ro nosuid nodev noexec
        mount_is /sys/class sysfs ro nosuid nodev noexec
        line_is kernel
        line_is devices
        never grep -qx power <<<"$output"
}

@test "the cgroup file system shows the container's own cgroup as its root" {
        in_tree sh -c 'cat /proc/self/cgroup; cat /proc/self/mountinfo'
        status_is 0
        line_is 0::/
        mount_is /sys/fs/cgroup cgroup2 nosuid nodev noexec
        [ "$(awk '$5 == "/sys/fs/cgroup" { print $4 }' <<<"$output")" = / ]
}

@test "cgroups can be made inside, and go with the container" {
        in_tree sh -c 'mkdir /sys/fs/cgroup/sub /sys/fs/cgroup/sub/deep && echo $$ >/sys/fs/cgroup/sub/deep/cgroup.procs && cat /proc/self/cgroup'
        status_is 0
        output_matches '^0::/sub/deep$'
}

@test "/run/host: the manager's name, the uuid, the host's os-release, read-only" {
        in_tree sh -c 'ls -l /run/host | awk "NR > 1 { print \$1, \$9 }"; cat /run/host/os-release; echo x >/run/host/x || echo read-only'
        status_is 0
        output_matches '^-r--r--r-- container-manager$'
        output_matches '^-r--r--r-- container-uuid$'
        output_matches '^s-w------- notify$'
        output_matches '^d.* inaccessible$'
        output_matches '^d.* incoming$'
        output_matches '^d.* unix-export$'
        output_has "$(sed -n '/^ID=/p' /etc/os-release)"
        line_is read-only
}

@test "/run/host/inaccessible has one of each kind that can be made, for nobody" {
        in_tree /bin/inside stat /run/host/inaccessible/reg /run/host/inaccessible/dir /run/host/inaccessible/fifo /run/host/inaccessible/sock
        status_is 0
        output_matches '^/run/host/inaccessible/reg file 0000 '
        output_matches '^/run/host/inaccessible/dir dir 0000 '
        output_matches '^/run/host/inaccessible/fifo fifo 0000 '
        output_matches '^/run/host/inaccessible/sock socket 0000 '
        strict_in_tree /bin/inside stat /run/host/inaccessible/chr /run/host/inaccessible/blk
        output_matches '^/run/host/inaccessible/chr char 0000 .* 0:0$'
        output_matches '^/run/host/inaccessible/blk block 0000 .* 0:0$'
}

@test "/run/host/unix-export can be written to, but has no links that are followed" {
        in_tree sh -c 'echo x >/run/host/unix-export/x && cat /run/host/unix-export/x; ln -s /etc/passwd /run/host/unix-export/l; cat /run/host/unix-export/l 2>/dev/null || echo not-followed'
        status_is 0
        output_is $'x\nnot-followed'
}

@test "--read-only: the tree cannot be written to, the rest can" {
        opts=(--read-only)
        in_tree sh -c 'echo x >/srv/x || echo ro; echo x >/tmp/x && echo x >/run/x && echo x >/dev/shm/x && echo rw; mount -o remount,rw / && echo bad; mount -o remount,bind,rw / && echo bad; echo x >/srv/x || echo still-ro'
        output_is $'ro\nrw\nstill-ro'
}

@test "--read-only: nothing in the tree changes, access times included" {
        fresh_tree
        find "$TREE" -printf '%P %A@ %T@ %C@\n' | sort >"$work/before"
        opts=(--read-only)
        in_tree sh -c 'cat /etc/passwd /etc/group >/dev/null; ls -R / >/dev/null 2>&1; true'
        status_is 0
        find "$TREE" -printf '%P %T@ %C@\n' | sort >"$work/after"
        cut -d' ' -f1,3,4 "$work/before" | cmp - "$work/after"
}

@test "mounts inside the tree come along" {
        fresh_tree
        mkdir -p "$TREE/srv/sub"
        mount -t tmpfs submount "$TREE/srv/sub"
        echo hello >"$TREE/srv/sub/file"
        in_tree cat /srv/sub/file
        umount "$TREE/srv/sub"
        status_is 0
        output_is hello
}

@test "of mounts inside the tree that cover each other, those come along that are seen" {
        fresh_tree
        mkdir -p "$TREE/srv/sub" "$TREE/srv/late/sub"
        mount -t tmpfs one "$TREE/srv/sub"
        mkdir "$TREE/srv/sub/deep"
        mount -t tmpfs two "$TREE/srv/sub/deep"
        mount -t tmpfs three "$TREE/srv/sub"
        mkdir "$TREE/srv/sub/deep"
        mount -t tmpfs four "$TREE/srv/sub/deep"
        # Older than what it lies on, since it was moved there.
        mkdir "$work/place"
        mount --bind "$work/place" "$work/place"
        mount --make-private "$work/place"
        mkdir "$work/place/moved"
        mount -t tmpfs five "$work/place/moved"
        mount -t tmpfs six "$TREE/srv/late"
        mkdir "$TREE/srv/late/sub"
        mount --move "$work/place/moved" "$TREE/srv/late/sub"
        in_tree sh -c 'awk "\$5 ~ /^\/srv/ { print \$5, \$(NF - 1) }" /proc/self/mountinfo'
        umount -R "$TREE/srv/late" "$TREE/srv/sub" "$TREE/srv/sub" "$work/place"
        status_is 0
        output_is $'/srv/late six\n/srv/late/sub five\n/srv/sub three\n/srv/sub/deep four'
}

@test "--read-only holds for mounts inside the tree as well" {
        fresh_tree
        mkdir -p "$TREE/srv/sub"
        mount -t tmpfs submount "$TREE/srv/sub"
        opts=(--read-only)
        in_tree sh -c 'echo x >/srv/sub/x || echo ro'
        umount "$TREE/srv/sub"
        output_is ro
}

@test "SYSTEMD_NSPAWN_TMPFS_TMP=0 and --tmp-tmpfs=no leave /tmp to the tree" {
        fresh_tree
        touch "$TREE/tmp/of-the-tree"
        in_tree ls /tmp
        output_is ""
        SYSTEMD_NSPAWN_TMPFS_TMP=0 in_tree ls /tmp
        output_is of-the-tree
        opts=(--tmp-tmpfs=no)
        in_tree ls /tmp
        output_is of-the-tree
}

@test "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network opens /proc/sys/net only" {
        opts=(--private-users=no --private-network)
        SYSTEMD_NSPAWN_API_VFS_WRITABLE=network in_tree sh -c 'test -w /proc/sys/net/ipv4/ip_forward && echo net; echo 1 >/proc/sys/net/ipv4/ip_forward && echo written; cat /proc/self/mountinfo | grep -c "/proc/sys ro"'
        line_is net
        line_is written
}

# --- generated files

@test "resolv.conf: by default the container can resolve as the host does, and the tree is not written to" {
        fresh_tree
        echo "nameserver 192.0.2.1 # of the tree" >"$TREE/etc/resolv.conf"
        in_tree cat /etc/resolv.conf
        status_is 0
        output_is "$(cat /etc/resolv.conf)"
        [ "$(cat "$TREE/etc/resolv.conf")" = "nameserver 192.0.2.1 # of the tree" ]
}

@test "resolv.conf: off and a private network leave the tree's" {
        fresh_tree
        echo "nameserver 192.0.2.1" >"$TREE/etc/resolv.conf"
        opts=(--resolv-conf=off)
        in_tree cat /etc/resolv.conf
        output_is "nameserver 192.0.2.1"
        opts=(--private-network)
        in_tree cat /etc/resolv.conf
        output_is "nameserver 192.0.2.1"
}

@test "resolv.conf: copy-host writes a copy into the tree, and does not follow a link" {
        fresh_tree
        opts=(--resolv-conf=copy-host)
        in_tree cat /etc/resolv.conf
        status_is 0
        output_is "$(cat /etc/resolv.conf)"
        cmp /etc/resolv.conf "$TREE/etc/resolv.conf"
        rm "$TREE/etc/resolv.conf"
        ln -s "$work/outside-file" "$TREE/etc/resolv.conf"
        in_tree true
        [ ! -e "$work/outside-file" ]
        [ -L "$TREE/etc/resolv.conf" ]
}

@test "what is written to the tree takes no other file's place, and leaves none" {
        fresh_tree
        mkdir -p "$TREE/usr/share/zoneinfo/Europe" "$TREE/etc/.berth-new"
        echo zone >"$TREE/usr/share/zoneinfo/Europe/Berlin"
        echo x >"$TREE/etc/resolv.conf"
        : >"$TREE/etc/localtime"
        ls -A "$TREE/etc" >"$work/before"
        try with_host_zone link timeout 20 "$BERTH" -q --resolv-conf=copy-host --timezone=symlink -D "$TREE" true
        status_is 0
        rmdir "$TREE/etc/.berth-new"
        echo "of the tree" >"$TREE/etc/.berth-new"
        try with_host_zone link timeout 20 "$BERTH" -q --resolv-conf=copy-host --timezone=symlink -D "$TREE" true
        status_is 0
        [ "$(cat "$TREE/etc/.berth-new")" = "of the tree" ]
        ls -A "$TREE/etc" | cmp - "$work/before"
        cmp /etc/resolv.conf "$TREE/etc/resolv.conf"
        [ "$(readlink "$TREE/etc/localtime")" = ../usr/share/zoneinfo/Europe/Berlin ]
}

@test "what cannot be written leaves nothing behind" {
        fresh_tree
        mount -t tmpfs -o size=4k,nr_inodes=20 full "$TREE/etc"
        cp "$trees/busybox/etc/passwd" "$TREE/etc/" && head -c 4096 /dev/zero >"$TREE/etc/filler" 2>/dev/null || true
        : >"$TREE/etc/resolv.conf"
        opts=(--resolv-conf=copy-host)
        in_tree true
        ls -A "$TREE/etc" >"$work/after"
        umount "$TREE/etc"
        refused "cannot write /etc/resolv.conf"
        never grep -q berth "$work/after"
}

@test "resolv.conf: replace-host takes the place of a link" {
        fresh_tree
        ln -sfn "$work/outside-file" "$TREE/etc/resolv.conf"
        opts=(--resolv-conf=replace-host)
        in_tree cat /etc/resolv.conf
        status_is 0
        [ ! -e "$work/outside-file" ]
        [ ! -L "$TREE/etc/resolv.conf" ]
        cmp /etc/resolv.conf "$TREE/etc/resolv.conf"
}

@test "resolv.conf: bind-host shows the host's, read-only" {
        fresh_tree
        echo "nameserver 192.0.2.1" >"$TREE/etc/resolv.conf"
        opts=(--resolv-conf=bind-host)
        in_tree sh -c 'cat /etc/resolv.conf; echo x >>/etc/resolv.conf || echo ro'
        output_is "$(cat /etc/resolv.conf)"$'\nro'
        [ "$(cat "$TREE/etc/resolv.conf")" = "nameserver 192.0.2.1" ]
}

@test "resolv.conf: delete removes it from the tree" {
        fresh_tree
        echo x >"$TREE/etc/resolv.conf"
        opts=(--resolv-conf=delete)
        in_tree ls /etc/resolv.conf
        [ "$status" != 0 ]
        [ ! -e "$TREE/etc/resolv.conf" ]
}

# With another file of systemd on the host, or none, for the time of a test: in a mount namespace of its own.
with_host_static() {
        with_own /usr/lib sh -c '
                mkdir -p /usr/lib/systemd && rm -f /usr/lib/systemd/resolv.conf || exit 99
                [ "$1" = none ] || echo "nameserver 192.0.2.2" >/usr/lib/systemd/resolv.conf
                shift
                exec "$@"' sh "$@"
}

@test "resolv.conf: copy-static takes the host's static file" {
        fresh_tree
        echo "nameserver 192.0.2.1" >"$TREE/etc/resolv.conf"
        try with_host_static file timeout 20 "$BERTH" -q --resolv-conf=copy-static -D "$TREE" cat /etc/resolv.conf
        status_is 0
        output_is "nameserver 192.0.2.2"
        [ "$(cat "$TREE/etc/resolv.conf")" = "nameserver 192.0.2.2" ]
}

@test "resolv.conf: a mode that has no source is refused, and leaves the file alone" {
        fresh_tree
        local mode
        echo "nameserver 192.0.2.1" >"$TREE/etc/resolv.conf"
        for mode in copy-static replace-static bind-static; do
                try with_host_static none timeout 20 "$BERTH" -q --resolv-conf=$mode -D "$TREE" cat /etc/resolv.conf
                refused "--resolv-conf=$mode: the host has no file /usr/lib/systemd/resolv.conf"
                [ "$(cat "$TREE/etc/resolv.conf")" = "nameserver 192.0.2.1" ]
        done
}

@test "timezone: by default the tree is not written to" {
        fresh_tree
        in_tree true
        status_is 0
        never test -e "$TREE/etc/localtime"
        never test -L "$TREE/etc/localtime"
}

# With another /etc/localtime on the host, for the time of a test: in a mount namespace of its own.
with_host_zone() {
        with_own /etc sh -c '
                rm -f /etc/localtime
                case $2 in
                link) mkdir -p "$1/zone" && ln -s ../usr/share/zoneinfo/Europe/Berlin /etc/localtime ;;
                file) printf "TZif-test" >/etc/localtime ;;
                esac
                shift 2
                exec "$@"' sh "$work" "$@"
}

@test "timezone: symlink, where the zone is in the tree" {
        fresh_tree
        mkdir -p "$TREE/usr/share/zoneinfo/Europe"
        echo zone >"$TREE/usr/share/zoneinfo/Europe/Berlin"
        try with_host_zone link timeout 20 "$BERTH" -q --timezone=symlink -D "$TREE" readlink /etc/localtime
        status_is 0
        output_matches 'usr/share/zoneinfo/Europe/Berlin$'
        [ -L "$TREE/etc/localtime" ]
}

@test "timezone: auto shows the host's zone without writing to the tree" {
        fresh_tree
        mkdir -p "$TREE/usr/share/zoneinfo/Europe"
        echo zone >"$TREE/usr/share/zoneinfo/Europe/Berlin"
        : >"$TREE/etc/localtime"
        try with_host_zone file timeout 20 "$BERTH" -q -D "$TREE" cat /etc/localtime
        status_is 0
        output_is TZif-test
        [ ! -s "$TREE/etc/localtime" ]
}

@test "timezone: copy writes a copy" {
        fresh_tree
        try with_host_zone file timeout 20 "$BERTH" -q --timezone=copy -D "$TREE" cat /etc/localtime
        status_is 0
        output_is TZif-test
        [ "$(cat "$TREE/etc/localtime")" = TZif-test ]
}

@test "timezone: bind shows the host's file, read-only" {
        fresh_tree
        echo of-the-tree >"$TREE/etc/localtime"
        try with_host_zone file timeout 20 "$BERTH" -q --timezone=bind -D "$TREE" sh -c 'cat /etc/localtime; echo; echo x >/etc/localtime || echo ro'
        output_is $'TZif-test\nro'
        [ "$(cat "$TREE/etc/localtime")" = of-the-tree ]
}

@test "timezone: off leaves it alone, delete removes it" {
        fresh_tree
        echo of-the-tree >"$TREE/etc/localtime"
        try with_host_zone file timeout 20 "$BERTH" -q --timezone=off -D "$TREE" cat /etc/localtime
        status_is 0
        output_is of-the-tree
        opts=(--timezone=delete)
        in_tree ls /etc/localtime
        [ "$status" != 0 ]
        [ ! -e "$TREE/etc/localtime" ]
}

@test "--resolv-conf=help and --timezone=help list the modes" {
        try berth --resolv-conf=help
        status_is 0
        local mode
        for mode in off auto delete copy-host copy-static copy-uplink copy-stub replace-host replace-stub bind-host bind-uplink; do
                output_matches "(^|[[:space:]])$mode"
        done
        try berth --timezone=help
        status_is 0
        for mode in off copy bind symlink delete auto; do
                output_matches "(^|[[:space:]])$mode"
        done
}
