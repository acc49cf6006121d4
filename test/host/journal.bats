#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Where the host finds a container's journal: --link-journal=.

load ../lib/common
load common

id=0123456789abcdef0123456789abcdef
place=/var/log/journal/$id

# The host's root may be on a file system whose owners cannot be mapped.
setup_file() {
        mkdir -p /var/log/journal
        mount -t tmpfs none /var/log/journal
}

teardown_file() {
        umount /var/log/journal
}

# What is kept of a container stays until the next test.
journal_tree() {
        rm -rf -- $place
        fresh_tree
        echo "${1-$id}" >"$TREE/etc/machine-id"
}

# Boots Debian as m1, lets it say a word, and looks for it: in the host's view of all journals, and in the machine's own.
boots_and_tells() {
        limit=120
        rm -rf -- $place
        host_tree trixie m1
        echo $id >"$TREE/etc/machine-id"
        start_berth -q -b -M m1 --console=read-only "$@"
        await_true eval 'systemctl -M m1 is-system-running | grep -qx running'
        systemd-run -q -M m1 --wait sh -c 'echo a-word-from-inside | systemd-cat -t teller; journalctl --sync'
        await_true eval "journalctl --merge --no-pager -o cat _MACHINE_ID=$id | grep -qx a-word-from-inside"
        await_true eval "journalctl -M m1 --no-pager -o cat -t teller | grep -qx a-word-from-inside"
        never eval "journalctl --no-pager -o cat -t teller | grep -q ."
}

ends_and_is_kept() {
        machinectl poweroff m1
        await_end
        status_is 0
        journalctl --merge --no-pager -o cat _MACHINE_ID=$id | grep -qx a-word-from-inside
        # Older ones read what a newer one has written, and cannot verify it.
        [ "$(systemd_version)" -lt 254 ] || journalctl -D $place --no-pager --verify
}

@test "guest: the host's link leads to the journal in the tree, while it runs and afterwards" {
        boots_and_tells --link-journal=guest
        [ "$(readlink $place)" = "$machines/m1/var/log/journal/$id" ]
        [ -e $place/system.journal ]
        ends_and_is_kept
        # Once more, with the link that is there.
        start_berth -q -b -M m1 --console=read-only -j
        await_true eval 'systemctl -M m1 is-system-running | grep -qx running'
        [ "$(readlink $place)" = "$machines/m1/var/log/journal/$id" ]
        ends_and_is_kept
        rm -rf "${machines:?}/m1"
}

# A tree that is fresh from its maker has no id: systemd takes the one that it is told, and keeps it.
@test "the first boot of a tree without a machine id: its journal is found, then and the next time" {
        local mode own
        limit=120
        for mode in guest host; do
                host_tree trixie m1
                [ ! -s "$TREE/etc/machine-id" ]
                start_berth -q -b -M m1 --console=read-only --link-journal=$mode
                await_true eval 'systemctl -M m1 is-system-running | grep -qx running'
                systemd-run -q -M m1 --wait sh -c 'echo a-word-from-inside | systemd-cat -t teller; journalctl --sync'
                own=$(cat "$TREE/etc/machine-id")
                [ ${#own} = 32 ]
                machinectl poweroff m1
                await_end
                status_is 0
                [ "$(readlink "/var/log/journal/$own")" = "$([ $mode = host ] || echo "$TREE/var/log/journal/$own")" ]
                journalctl --merge --no-pager -o cat "_MACHINE_ID=$own" | grep -qx a-word-from-inside
                start_berth -q -b -M m1 --console=read-only --link-journal=$mode
                await_true eval 'systemctl -M m1 is-system-running | grep -qx running'
                machinectl poweroff m1
                await_end
                status_is 0
                rm -rf "/var/log/journal/$own" "${machines:?}/m1"
        done
        # Nothing is made for an id that nobody would come back to.
        host_tree trixie m1
        try berth -q -b --read-only --link-journal=host -M m1
        refused "the container has no machine id yet"
        rm -rf "${machines:?}/m1"
}

@test "guest, without ids of its own" {
        boots_and_tells --link-journal=guest --private-users=no
        ends_and_is_kept
        rm -rf "${machines:?}/m1"
}

@test "host: the journal is the host's directory; what root inside makes there belongs to nobody here" {
        boots_and_tells --link-journal=host
        [ ! -L $place ]
        [ -e $place/system.journal ]
        [ "$(stat -c %u $place)" = 2147352576 ]
        [ "$(stat -c %u $place/system.journal)" = 2147352576 ]
        systemd-run -q -M m1 --wait sh -c "cp /usr/bin/id /var/log/journal/$id/ && chmod 4755 /var/log/journal/$id/id"
        [ "$(stat -c %u:%a $place/id)" = 2147352576:4755 ]
        systemd-run -q -M m1 --wait rm /var/log/journal/$id/id
        ends_and_is_kept
        # Nothing of it is in the tree.
        [ -z "$(ls "$machines/m1/var/log/journal/$id")" ]
        # auto: it is there, so it is used; and who has no ids of its own goes on with it, and back.
        start_berth -q -b -M m1 --console=read-only --private-users=no
        await_true eval 'systemctl -M m1 is-system-running | grep -qx running'
        systemd-run -q -M m1 --wait sh -c 'echo a-second-word | systemd-cat -t teller; journalctl --rotate; journalctl --sync'
        ends_and_is_kept
        [ "$(stat -c %u $place/system.journal)" = 0 ]
        start_berth -q -b -M m1 --console=read-only
        await_true eval 'systemctl -M m1 is-system-running | grep -qx running'
        systemd-run -q -M m1 --wait sh -c 'echo a-third-word | systemd-cat -t teller; journalctl --sync'
        ends_and_is_kept
        [ "$(journalctl --merge --no-pager -o cat -t teller _MACHINE_ID=$id | sed -n 's/^a-\(.*\)-word$/\1/p' | tr '\n' ' ')" = 'second third ' ]
        rm -rf "${machines:?}/m1"
}

@test "auto: only where the directory is there already; nothing is made otherwise" {
        journal_tree
        opts=()
        in_tree sh -c 'mkdir -p /var/log/journal; touch /var/log/journal/x'
        status_is 0
        [ ! -e $place ]
        mkdir $place
        in_tree touch /var/log/journal/$id/made-inside
        status_is 0
        [ -e $place/made-inside ]
        opts=(--link-journal=no)
        in_tree ls /var/log/journal/$id
        output_is ""
        [ "$(stat -c %u $place/made-inside)" = 2147352576 ]
}

@test "the mount lets nothing in but files" {
        journal_tree
        opts=(--link-journal=host)
        in_tree grep " /var/log/journal/$id " /proc/self/mounts
        output_matches 'nosuid,nodev,noexec'
        [ ! -e $place ]
}

@test "a journal that never began leaves neither directory nor link" {
        journal_tree
        for mode in host guest try-host try-guest; do
                opts=("--link-journal=$mode")
                in_tree test -d /var/log/journal/$id
                status_is 0
                [ ! -e $place ]
                [ ! -L $place ]
        done
        in_tree touch /var/log/journal/$id/system.journal
        [ "$(readlink $place)" = "$TREE/var/log/journal/$id" ]
}

@test "a start that fails leaves neither" {
        journal_tree
        for mode in host guest; do
                try berth -q --link-journal=$mode -D "$TREE" /no/such/program
                [ "$status" != 0 ]
                try berth -q --link-journal=$mode --bind=/dev/null:/usr -D "$TREE" true
                refused
                [ ! -e $place ]
                [ ! -L $place ]
        done
}

@test "a killed berth leaves what the next start, or gc, removes" {
        journal_tree
        for mode in host guest; do
                start_berth -q -M m1 --link-journal=$mode -D "$TREE" sh -c 'echo up; exec sleep 1000'
                await "$work/out" up
                kill -KILL "$launcher"
                wait "$launcher" || true
                [ -e $place ]
                [ $mode = host ] || rmdir "$TREE/var/log/journal/$id"
                await_true ctl gc
                ctl gc
                [ ! -e $place ]
                [ ! -L $place ]
        done
}

@test "two containers never write to one directory" {
        journal_tree
        start_berth -q -M m1 --read-only --volatile=state --link-journal=host -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        try berth -q -M m2 --volatile=state --link-journal=host -D "$TREE" true
        refused "$place is written to by another container with this machine id"
        try berth -M m2 --volatile=state --link-journal=try-host -D "$TREE" true
        status_is 0
        errors_has "the journal is not linked: $place is written to by another container"
        try berth -M m2 --volatile=state -D "$TREE" true
        status_is 0
        stop_berth
        [ ! -e $place ]
}

@test "what cannot work is refused by name, and one line otherwise" {
        local row option words
        mkdir "$work/state"
        for row in "no machine id yet|" "the same machine id|$(cat /etc/machine-id)"; do
                journal_tree "${row#*|}"
                try berth -q --link-journal=guest -D "$TREE" true
                refused "${row%|*}"
                try berth --link-journal=try-guest -D "$TREE" true
                status_is 0
                errors_has "the journal is not linked: "
                errors_has "${row%|*}"
                try berth -D "$TREE" true
                errors_lacks journal
                rm -rf "$TREE"
        done
        journal_tree
        for option in --read-only --volatile=state --volatile=overlay "--overlay-upper=$work/state" "--bind=$work/state:/var/log"; do
                try berth -q --link-journal=guest "$option" -D "$TREE" true
                refused '--link-journal=guest: '
                errors_has '--link-journal=host keeps it on the host'
                try berth --link-journal=try-guest "$option" -D "$TREE" true
                status_is 0
                errors_has "the journal is not linked: "
        done
        try berth -q --link-journal=host --read-only -D "$TREE" true
        refused "the tree has no /var/log/journal/$id"
        for mode in guest host; do
                try berth -q --link-journal=$mode -x -D "$TREE" true
                refused "--link-journal=$mode does not go with --ephemeral"
                try berth --link-journal=try-$mode -x -D "$TREE" true
                status_is 0
                errors_has "the journal is not linked: it goes with the copy"
        done
        [ ! -e $place ]
}

@test "host works where the tree is not written to" {
        journal_tree
        mkdir "$work/state" "$work/other"
        for option in --volatile=state --volatile=overlay "--overlay-upper=$work/state" "--bind=$work/other:/var/log:idmap"; do
                try berth -q --link-journal=host "$option" -D "$TREE" sh -c "echo $option >>/var/log/journal/$id/told"
                status_is 0
        done
        [ "$(wc -l <$place/told)" = 4 ]
        try berth -q --link-journal=host --volatile=yes --uuid=$id -D "$TREE" sh -c "echo fresh >>/var/log/journal/$id/told"
        status_is 0
        [ "$(wc -l <$place/told)" = 5 ]
}

# In a mount namespace of its own: the command with another /var/log.
elsewhere() {
        try unshare -m --propagation private sh -c "$1"' && shift && exec timeout 20 "$@"' sh - "${@:2}"
}

@test "a host without /var/log/journal" {
        journal_tree
        elsewhere 'mount -t tmpfs none /var/log' "$BERTH" -q --link-journal=host -D "$TREE" true
        refused "the host keeps no journal"
        elsewhere 'mount -t tmpfs none /var/log' "$BERTH" --link-journal=try-host -D "$TREE" true
        status_is 0
        errors_has "the journal is not linked: the host keeps no journal"
        elsewhere 'mount -t tmpfs none /etc' "$BERTH" -q --link-journal=host -D "$TREE" true
        refused "the host has no machine id"
        elsewhere 'mount -t tmpfs none /etc' "$BERTH" --link-journal=try-guest -D "$TREE" true
        status_is 0
        errors_has "the journal is not linked: the host has no machine id"
}

@test "a host whose journal is on a file system that cannot map owners" {
        journal_tree
        local overlay="mkdir $work/m && mount -t tmpfs none $work/m && mkdir $work/m/l $work/m/u $work/m/w && \
                mount -t overlay -o lowerdir=$work/m/l,upperdir=$work/m/u,workdir=$work/m/w none /var/log/journal"
        elsewhere "$overlay" "$BERTH" -q --link-journal=host -D "$TREE" true
        refused "cannot map the owners of $place"
        elsewhere "rmdir $work/m; $overlay" "$BERTH" --link-journal=try-host -D "$TREE" true
        status_is 0
        errors_has "the journal is not linked: cannot map the owners of $place"
        # auto: there, and so one line too.
        elsewhere "rmdir $work/m; $overlay; mkdir $place" "$BERTH" -q -D "$TREE" true
        status_is 0
        elsewhere "rmdir $work/m; $overlay" "$BERTH" -q --private-users=no --link-journal=host -D "$TREE" touch /var/log/journal/$id/x
        status_is 0
}

@test "what is there already is not taken away" {
        journal_tree
        # Another tree's.
        mkdir -p "$work/other/var/log/journal/$id"
        ln -s "$work/other/var/log/journal/$id" $place
        for mode in guest host; do
                try berth -q --link-journal=$mode -D "$TREE" true
                refused "a machine with the same id"
        done
        [ "$(readlink $place)" = "$work/other/var/log/journal/$id" ]
        # One that is gone.
        rmdir "$work/other/var/log/journal/$id"
        try berth -q --link-journal=guest -D "$TREE" touch /var/log/journal/$id/x
        status_is 0
        [ "$(readlink $place)" = "$TREE/var/log/journal/$id" ]
        # Its own, by the other mode.
        try berth -q --link-journal=host -D "$TREE" touch /var/log/journal/$id/y
        status_is 0
        [ ! -L $place ]
        [ -e $place/y ]
        try berth -q --link-journal=guest -D "$TREE" true
        refused "the host has a journal in $place already"
        rm $place/y
        try berth -q --link-journal=guest -D "$TREE" true
        status_is 0
        [ -L $place ]
        rm $place
        : >$place
        for mode in guest host; do
                try berth -q --link-journal=$mode -D "$TREE" true
                refused "is no directory"
        done
}

@test "a tree whose directories are links: nothing is made elsewhere" {
        local part kind
        mkdir "$work/canary"
        for part in var/log var/log/journal "var/log/journal/$id"; do
                for kind in "$work/canary" "../../../../../..$work/canary" /etc /proc/1 loop; do
                        journal_tree
                        rm -rf "${TREE:?}/var/log"
                        mkdir -p "$TREE/${part%/*}"
                        ln -s "$kind" "$TREE/$part"
                        for mode in guest host; do
                                try berth -q --link-journal=$mode -D "$TREE" true
                                refused "is, or leads through, a symbolic link"
                                try berth --link-journal=try-$mode -D "$TREE" true
                                status_is 0
                                errors_has "the journal is not linked: "
                        done
                        mkdir $place
                        try berth -D "$TREE" true
                        status_is 0
                        rmdir $place
                        [ -z "$(ls -A "$work/canary")" ]
                        [ ! -e "$TREE/etc/$id" ]
                        rm -rf "$TREE"
                done
        done
        for kind in file fifo; do
                journal_tree
                rm -rf "${TREE:?}/var/log/journal"
                if [ $kind = file ]; then : >"$TREE/var/log/journal"; else mkfifo "$TREE/var/log/journal"; fi
                try berth -q --link-journal=host -D "$TREE" true
                refused "is no directory"
                rm -rf "$TREE"
        done
        [ ! -e $place ]
}

# --- --forward-journal= ---

remote=/usr/lib/systemd/systemd-journal-remote

# Boots m1 by a command that ends in a call of berth, lets it say a word and shut down.
forwards_and_ends() {
        start_other "$@"
        await_true eval 'systemctl -M m1 is-system-running | grep -qx running'
        systemd-run -q -M m1 --wait sh -c 'echo a-word-from-inside | systemd-cat -t teller; journalctl --sync'
        [ "$(journal_receivers)" = 1 ]
        machinectl poweroff m1
        await_end
        status_is 0
        [ -z "$errors" ]
        [ "$(journal_receivers)" = 0 ]
}

journal_receivers() {
        grep -lx systemd-journal /proc/[0-9]*/comm | while IFS= read -r comm; do
                tr '\0' ' ' <"${comm%/comm}/cmdline" 2>/dev/null | grep '^systemd-journal-remote ' || true
        done | wc -l
}

words=("$BERTH" -q -b -M m1 --console=read-only)

# Its journald sends from 256 on, and the host's program takes from a socket of this kind from then on, too.
@test "forwarded to a directory and to a file: what journald inside logs" {
        limit=120
        mkdir "$work/kept"
        if [ "$(systemd_version)" -lt 256 ]; then
                try "${words[@]}" --forward-journal="$work/kept" -D "$trees/busybox"
                refused "the host's systemd-journal-remote is of systemd $(systemd_version)"
                return 0
        fi
        host_tree trixie m1
        forwards_and_ends "${words[@]}" --forward-journal="$work/kept"
        journalctl -D "$work/kept" --no-pager -o cat -t teller | grep -qx a-word-from-inside
        journalctl -D "$work/kept" --no-pager -o cat | grep -q 'Journal started'
        # A relative path, and no ids of its own.
        cd "$work"
        forwards_and_ends "${words[@]}" --private-users=no --forward-journal=one.journal
        journalctl --file="$work/one.journal" --no-pager -o cat -t teller | grep -qx a-word-from-inside
        start_other "${words[@]}" --forward-journal="$work/kept"
        await_true eval 'systemctl -M m1 is-system-running | grep -qx running'
        # Its end is no end of the container, and is said.
        kill -KILL "$(journal_receiver)"
        await "$work/err" "the journal of m1 is not forwarded any more"
        [ "$(machinectl show --value -p State m1)" = running ]
        machinectl poweroff m1
        await_end
        status_is 0
        rm -rf "${machines:?}/m1"
}

journal_receiver() {
        local pid
        for pid in $(descendants "$launcher"); do
                case $(tr '\0' ' ' <"/proc/$pid/cmdline") in systemd-journal-remote*) echo "$pid" ;; esac
        done
}

# A payload that sends what a journal would, $1 entries of half a KiB, and is gone at once. The tree has perl.
sends() {
        need_tree trixie
        cat >"$work/send" <<'END'
use Socket;
socket(S, PF_UNIX, SOCK_STREAM, 0) && connect(S, sockaddr_un("/run/host/journal/socket")) or die $!;
select S;
for my $i (1 .. $ARGV[0]) {
    my $t = 1800000000000000 + $i;
    print "__REALTIME_TIMESTAMP=$t\n__MONOTONIC_TIMESTAMP=$t\n_BOOT_ID=$ARGV[1]\n_MACHINE_ID=$ARGV[1]\n_HOSTNAME=m1\nPRIORITY=6\n",
        "MESSAGE=line-$i-", "x" x 300, "\n\n";
}
END
        try berth -q -M m1 --read-only --volatile=overlay --bind-ro="$work/send:/send" "${@:2}" -D "$TREE" perl /send "$1" $id
        status_is 0
        errors_is ""
}

@test "forwarded: the last lines are there when the container is gone" {
        [ "$(systemd_version)" -ge 256 ] || return 0
        local i
        for i in 1 2 3; do
                mkdir "$work/kept"
                sends 3000 --forward-journal="$work/kept"
                [ "$(journalctl -D "$work/kept" --no-pager -o cat | wc -l)" = 3000 ]
                journalctl -D "$work/kept" --no-pager -o cat -n 1 | grep -q '^line-3000-'
                rm -r "$work/kept"
        done
}

@test "forwarded, with limits: they are kept to, or refused by name where the host's program has none" {
        [ "$(systemd_version)" -ge 256 ] || return 0
        local one limits=(--forward-journal-max-use=2M --forward-journal-keep-free=1M --forward-journal-max-file-size=512K --forward-journal-max-files=3)
        mkdir "$work/kept"
        if [ "$(systemd_version)" -lt 261 ]; then
                for one in "${limits[@]}"; do
                        try "$BERTH" -q -M m1 --forward-journal="$work/kept" "$one" -D "$trees/busybox" true
                        refused "${one%%=*}=: the host's systemd-journal-remote is of systemd $(systemd_version)"
                done
                [ -z "$(ls "$work/kept")" ]
                return 0
        fi
        limit=20
        sends 20000 --forward-journal="$work/kept" "${limits[@]}"
        # More came than may be kept: of the newest there is some, of the oldest none.
        journalctl -D "$work/kept" --no-pager -o cat -n 1 | grep -q '^line-20000-'
        never eval "journalctl -D $work/kept --no-pager -o cat | grep -q '^line-1-'"
        [ "$(find "$work/kept" -name '*.journal' | wc -l)" -le 3 ]
        [ -z "$(find "$work/kept" -name '*.journal' -size +512k)" ]
        [ "$(find "$work/kept" -name '*.journal' -printf '%s\n' | awk '{ n += $1 } END { print n }')" -le 2097152 ]
        rm -r "$work/kept"
        # Without limits all of it is kept.
        mkdir "$work/kept"
        sends 20000 --forward-journal="$work/kept"
        [ "$(journalctl -D "$work/kept" --no-pager -o cat | wc -l)" = 20000 ]
}

@test "where nothing can be forwarded: a clear error, and nothing stays" {
        [ "$(systemd_version)" -ge 256 ] || return 0
        fresh_tree
        try berth -q -M m1 --forward-journal="$work/missing/x.journal" -D "$TREE" true
        status_is 1
        errors_has "$remote does not start"
        try berth -q -M m1 --forward-journal="$work/plain" -D "$TREE" true
        refused "--forward-journal=$work/plain: no directory"
        mkfifo "$work/fifo.journal"
        try berth -q -M m1 --forward-journal="$work/fifo.journal" -D "$TREE" true
        refused "neither a file nor a directory"
        elsewhere "mount -t tmpfs none ${remote%/*}" "$BERTH" -q -M m1 --forward-journal="$work/x.journal" -D "$TREE" true
        refused "the host has no systemd-journal-remote"
        try berth -q -M m1 --forward-journal="$work/x.journal" -D "$TREE" /no/such/program
        status_is 1
        [ ! -e /run/berth/m1 ]
        [ "$(journal_receivers)" = 0 ]
}

@test "a killed berth takes the receiver of its journal along" {
        [ "$(systemd_version)" -ge 256 ] || return 0
        fresh_tree
        mkdir "$work/kept"
        start_berth -q -M m1 --forward-journal="$work/kept" -D "$TREE" sh -c 'echo up; cat /run/host/credentials/journal.forward_to_socket; exec sleep 1000'
        await "$work/out" /run/host/journal/socket
        [ "$(journal_receivers)" = 1 ]
        kill -KILL "$launcher"
        wait "$launcher" || true
        await_value 0 journal_receivers
        await_true ctl gc
        start_berth -q -M m1 --forward-journal="$work/kept" -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        stop_berth
        [ "$(journal_receivers)" = 0 ]
}
