#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Users: who the payload is, inside and on the host, and who owns what.

load ../lib/common

@test "the payload is root inside, in a user namespace with a range of its own" {
        in_tree sh -c 'id -u; id -g; readlink /proc/self/ns/user'
        status_is 0
        [ "$(sed -n 1,2p <<<"$output")" = $'0\n0' ]
        output_lacks "$(readlink /proc/self/ns/user)"
        map_of -D "$TREE"
        local inside outside count
        read -r inside outside count <<<"$output"
        [ "$inside" = 0 ]
        [ "$count" = 65536 ]
        [ $((outside % 65536)) = 0 ]
        [ "$outside" -ge 524288 ]
        [ "$outside" -le 1878982656 ]
        [ "$output" = "$gid_output" ]
}

@test "under the other name there is no user namespace" {
        strict_in_tree sh -c 'readlink /proc/self/ns/user'
        status_is 0
        output_is "$(readlink /proc/self/ns/user)"
}

@test "--private-users=no: no user namespace, -U: one, under either name" {
        opts=(--private-users=no)
        in_tree readlink /proc/self/ns/user
        status_is 0
        output_is "$(readlink /proc/self/ns/user)"
        BERTH=$STRICT
        map_of --resolv-conf=off --timezone=off -U -D "$TREE"
        never grep -q '^0 0 ' <<<"$output"
        map_of --resolv-conf=off --timezone=off --private-users=pick -D "$TREE"
        never grep -q '^0 0 ' <<<"$output"
}

@test "two containers at once have different ranges" {
        fresh_tree busybox one
        local one=$TREE
        fresh_tree busybox two
        start_berth -q -D "$one" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        local first first_launcher=$launcher
        first=$(tr -s ' ' <"/proc/$(leader_of "$launcher")/uid_map" | sed 's/^ //')
        map_of -D "$TREE"
        stop_berth "$first_launcher"
        [ -n "$first" ]
        [ "$output" != "$first" ]
}

@test "the range of a name is the one that systemd-nspawn would pick" {
        # siphash24 of the name, as the reference recomputes it: "t" gives 998178816, "mt" 523632640.
        fresh_tree busybox t
        map_of -D "$TREE"
        [ "$(awk '{ print $2 }' <<<"$output")" = 998178816 ]
}

# base_of FILE TEXT: which ids a container named t gets while the host's FILE has this line.
base_of() {
        try unshare -m --propagation private sh -c '
                cat "$1" >"$3" 2>/dev/null || : >"$3"
                echo "$2" >>"$3"
                [ -e "$1" ] || : >"$1"
                mount --bind "$3" "$1" || exit 99
                exec "$4" --dry-run -D "$5" -M t -U true' sh "/etc/$1" "$2" "$work/$1" "$BERTH" "$TREE"
        status_is 0
        sed -n 's/^ids .* are \([0-9]*\)\.\..*/\1/p' <<<"$output"
}

@test "ids that a user, a group or a subordinate range of the host has are left out" {
        local base
        [ "$(base_of passwd x:x:998178815:998178815::/:/bin/sh)" = 998178816 ]
        [ "$(base_of passwd x:x:998244352:5::/:/bin/sh)" = 998178816 ]
        for base in "passwd x:x:998178816:5::/:/bin/sh" "passwd x:x:5:998244351::/:/bin/sh" "group x:x:998200000:" \
                "subuid x:998244351:1" "subgid x:900000000:100000000"; do
                base=$(base_of "${base%% *}" "${base#* }")
                [ "$base" != 998178816 ] || fail "$base"
                [ $((base % 65536)) = 0 ]
                [ "$base" -ge 524288 ]
        done
}

@test "ten at once from one tree have ten ranges" {
        local i bases
        for i in {1..10}; do
                "$BERTH" -q -d -x -M "ten-$i" -D "$TREE" sleep 1000 2>"$work/err.$i" &
        done
        wait
        bases=$(ctl list --json | jq -r '.[].idBase' | sort -u)
        for i in {1..10}; do
                ctl kill -s KILL "ten-$i" || true
        done
        for i in {1..10}; do
                ctl wait "ten-$i" || true
        done
        [ "$(wc -l <<<"$bases")" = 10 ] || fail "$bases" "$(cat "$work"/err.*)"
}

@test "a process in one container cannot signal one in another" {
        fresh_tree busybox one
        local one=$TREE
        fresh_tree busybox two
        start_berth -q -D "$one" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        local victim
        victim=$(leader_of "$launcher")
        start_two() { "$BERTH" -q -D "$TREE" sh -c 'echo up; exec sleep 1000' >"$work/out2" 2>&1 & second=$!; }
        start_two
        await "$work/out2" up
        local attacker result=0
        attacker=$(leader_of "$second")
        make_open_place "$helpers/inside"
        nsenter -t "$attacker" -U -S 0 -G 0 "$open_place/inside" kill "$victim" >"$work/kill" 2>&1 || result=$?
        stop_berth "$second"
        stop_berth
        [ "$(cat "$work/kill")" = "kill held" ]
}

@test "the tree's files belong to root inside, and nothing is changed on the host" {
        in_tree sh -c 'stat -c "%u:%g %n" / /etc/passwd /usr/bin/busybox /home/guest'
        status_is 0
        output_is $'0:0 /\n0:0 /etc/passwd\n0:0 /usr/bin/busybox\n1000:1000 /home/guest'
        [ "$(stat -c %u:%g "$TREE")" = 0:0 ]
}

@test "a file that is made inside has the right owner on the host" {
        fresh_tree
        in_tree sh -c 'echo x >/srv/root-file; mkdir /srv/dir; su guest -c "echo y >/home/guest/file"; chown 44:29 /srv/dir'
        status_is 0
        [ "$(stat -c %u:%g "$TREE/srv/root-file")" = 0:0 ]
        [ "$(stat -c %u:%g "$TREE/srv/dir")" = 44:29 ]
        [ "$(stat -c %u:%g "$TREE/home/guest/file")" = 1000:1000 ]
}

@test "a file of an id that the range does not have belongs to nobody inside" {
        fresh_tree
        touch "$TREE/srv/far"
        chown 100000:100000 "$TREE/srv/far"
        in_tree stat -c %u:%g /srv/far
        status_is 0
        output_is 65534:65534
}

@test "a setuid program works inside and is not the host's root" {
        fresh_tree
        cp "$helpers/inside" "$TREE/usr/bin/suid"
        chmod 4755 "$TREE/usr/bin/suid"
        opts=(-u guest)
        in_tree sh -c '/usr/bin/suid open /etc/machine-id w; /bin/inside open /etc/machine-id w; /usr/bin/suid open /proc/sys/kernel/core_pattern w'
        status_is 0
        output_is $'/etc/machine-id ok\n/etc/machine-id EACCES\n/proc/sys/kernel/core_pattern EACCES'
}

@test "-u: user, group and supplementary groups are the tree's" {
        opts=(-u guest)
        in_tree sh -c 'id -u; id -g; grep ^Groups: /proc/self/status; echo $HOME $USER $LOGNAME'
        status_is 0
        [ "$(sed -n 1,2p <<<"$output")" = $'1000\n1000' ]
        [ "$(grep ^Groups <<<"$output" | tr -s '\t ' '\n' | sed 1d | grep . | sort -n | xargs)" = "29 44" ] ||
                [ "$(grep ^Groups <<<"$output" | tr -s '\t ' '\n' | sed 1d | grep . | sort -n | xargs)" = "29 44 1000" ]
        line_is "/home/guest guest guest"
}

@test "root has no supplementary group, whatever the caller has" {
        try setpriv --groups 4,24,27 timeout 20 "$BERTH" -q -D "$TREE" grep ^Groups: /proc/self/status
        status_is 0
        [ "$(tr -d '\t ' <<<"$output")" = Groups: ] || [ "$(tr -d '\t ' <<<"$output")" = Groups:0 ]
}

@test "-u: all capability sets but the bounding set are empty" {
        opts=(-u guest)
        in_tree grep -E '^Cap(Inh|Prm|Eff|Amb):' /proc/self/status
        status_is 0
        [ "$(awk '{ print $2 }' <<<"$output" | sort -u)" = 0000000000000000 ]
}

@test "-u: the login shell starts in the user's home" {
        opts=(-u guest)
        try berth -q -u guest -D "$TREE" < <(echo 'echo "$0 $PWD $(id -u)"')
        status_is 0
        output_is "-sh /home/guest 1000"
}

# What was made so, run by another user of the host.
as_other() {
        # setpriv(1) itself looks its program up with root's rights.
        setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'exec "$@"' sh "$TREE/srv/own" "$@" 2>&1
}

@test "a tree that others reach is told of: set-user-ID files made inside are root's outside" {
        local above=/tmp/reached
        mkdir "$above"
        mount -t tmpfs -o mode=0755,suid reached "$above"
        cp -a "$TREE" "$above/tree"
        TREE=$above/tree
        try berth -D "$TREE" sh -c 'cp /bin/inside /srv/own && chmod 4755 /srv/own'
        [ "$(stat -c '%u %a' "$TREE/srv/own")" = "0 4755" ]
        local said=$status.$errors quiet closed read_only nosuid
        local run=0 shut=0
        [ "$(as_other open /etc/shadow r)" = "/etc/shadow ok" ] || run=1
        try berth -q -D "$TREE" true
        quiet=$status.$errors
        try berth --read-only -D "$TREE" true
        read_only=$status.$errors
        chmod 0700 "$above"
        try berth -D "$TREE" true
        closed=$status.$errors
        [[ "$(as_other open /etc/shadow r)" == *"Permission denied"* ]] || shut=1
        chmod 0755 "$above"
        mount -o remount,nosuid "$above"
        [ "$(as_other open /etc/shadow r)" = "/etc/shadow EACCES" ] || shut=2
        try berth -D "$TREE" true
        nosuid=$status.$errors
        umount "$above"
        rmdir "$above"
        [ "$run.$shut" = 0.0 ] || fail "$run.$shut"
        [[ $said == "0.berth: others on this host can reach $TREE"* ]] || fail "$said"
        for said in "$quiet" "$read_only" "$closed" "$nosuid"; do
                [[ $said == 0.* && $said != *"others on this host"* ]] || fail "$said"
        done
}

@test "-u: a missing home is made, however its slashes are written" {
        fresh_tree
        printf 'odd:x:1003:1003::/srv//deep/./odd/:/bin/sh\n' >>"$TREE/etc/passwd"
        opts=(-u odd)
        in_tree sh -c 'echo "$HOME"; touch /srv/deep/odd/file'
        status_is 0
        output_is /srv//deep/./odd/
        [ "$(stat -c '%u:%g %a' "$TREE/srv/deep/odd")" = "1003:1003 755" ]
}

@test "-u: a missing home is made, and belongs to the user" {
        fresh_tree
        opts=(-u homeless)
        in_tree sh -c 'cd && pwd && touch here'
        status_is 0
        output_is /home/homeless
        [ "$(stat -c '%u:%g %a' "$TREE/home/homeless")" = "1001:1001 755" ]
}

@test "-u: by number, with an entry and without one" {
        opts=(-u 1000)
        in_tree sh -c 'id -u; id -g; echo $HOME'
        status_is 0
        output_is $'1000\n1000\n/home/guest'
        opts=(-u 12345)
        in_tree sh -c 'id -u; echo $HOME'
        status_is 0
        [ "$(sed -n 1p <<<"$output")" = 12345 ]
        [ "$(sed -n 2p <<<"$output")" = / ]
}

@test "-u root and -u 0 need no entry" {
        fresh_tree
        rm "$TREE/etc/passwd" "$TREE/etc/group"
        local name
        for name in root 0; do
                opts=(-u "$name")
                in_tree sh -c 'id -u; echo $HOME'
                status_is 0
                output_is $'0\n/root'
        done
}

@test "-u: who is not known is named" {
        opts=(-u nosuchuser)
        in_tree true
        refused nosuchuser
}

@test "-u: numbers that are none are refused" {
        local bad
        for bad in -1 4294967295 4294967296 99999999999999999999 0x10 1000x ' 1000' 1e3 '' 65535 65536; do
                opts=("--uid=$bad")
                in_tree true
                [ "$status" = 1 ] || fail "uid: $bad" "$(show)"
                [ "$(wc -l <<<"$errors")" -le 2 ] || fail "uid: $bad" "$(show)"
        done
}

@test "-u: no program of the tree runs to look the user up" {
        fresh_tree
        rm "$TREE/usr/bin/getent" 2>/dev/null || true
        printf '#!/bin/sh\ntouch /srv/getent-ran\necho guest:x:0:0::/:/bin/sh\n' >"$TREE/usr/bin/getent"
        chmod 0755 "$TREE/usr/bin/getent"
        opts=(-u guest)
        in_tree id -u
        status_is 0
        output_is 1000
        [ ! -e "$TREE/srv/getent-ran" ]
}

@test "-u: a terminal belongs to the user" {
        on_terminal -- "$BERTH" -q -u guest -D "$TREE" sh -c 'stat -L -c %u /dev/pts/0; echo to-tty >/dev/tty'
        status_is 0
        output=$(tr -d '\r' <<<"$output")
        line_is 1000
        line_is to-tty
}

@test "-u with -a: the stub is root, the payload is not" {
        opts=(-u guest -a)
        in_tree sh -c 'id -u; stat -c %u /proc/1'
        status_is 0
        [ "$(sed -n 1p <<<"$output")" = 1000 ]
}

@test "--user=NAME is the old spelling" {
        try berth -q --user=guest -D "$TREE" id -u
        status_is 0
        output_is 1000
}

@test "--private-users-ownership=map maps" {
        opts=(--private-users=pick --private-users-ownership=map)
        in_tree stat -c %u:%g /etc/passwd
        status_is 0
        output_is 0:0
        [ "$(stat -c %u "$TREE/etc/passwd")" = 0 ]
}

@test "user namespaces can be made inside" {
        in_tree unshare -rU true
        status_is 0
}

@test "the id maps cannot be changed from inside" {
        in_tree sh -c 'echo "0 0 1" >/proc/self/uid_map && echo changed; echo "0 0 1" >/proc/1/gid_map && echo changed; wc -l </proc/self/uid_map'
        output_is 1
}
