#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# --link-journal= with hostile trees, before the first start and before a restart in place. The host's /var/log is one of
# the test's own meanwhile. What it does otherwise is tested in test/host/journal.bats.

load ../lib/common
load ../lib/hostile

id=22222222222222222222222222222222
place=/var/log/journal/$id

# with_journal CODE...: on a host that keeps a journal.
with_journal() {
        local bad=0 own_id=0
        mount -t tmpfs tmpfs /var/log
        mkdir /var/log/journal
        if ! grep -qE '^[0-9a-f]{32}' /etc/machine-id; then
                echo 11111111111111111111111111111111 >"$work/machine-id"
                mount --bind "$work/machine-id" /etc/machine-id && own_id=1
        fi
        "$@" || bad=1
        umount /var/log
        [ "$own_id" = 0 ] || umount /etc/machine-id
        [ "$bad" = 0 ]
}

journal_tree() {
        hostile_tree
        echo "$id" >"$TREE/etc/machine-id"
        mkdir -p "$TREE/var/log"
        find /var/log/journal -mindepth 1 -delete
}

# Without ids of its own, root inside could do most by links.
users_of() {
        case $1 in *link*) echo pick no ;; *) echo pick ;; esac
}

modes=(guest host try-guest try-host auto)

# One start of a hostile tree: as judged for all others, and what the host has got by it.
one_start() {
        local path=$1 kind=$2 mode=$3 users=$4
        journal_tree
        plant "$kind" "$path"
        [ "$mode" != auto ] || mkdir "$place"
        try_swiftly berth -q --private-users="$users" --link-journal="$mode" -D "$TREE" /inside end 0
        # Only who insists gets no start.
        [[ $mode == guest || $mode == host || $status = 0 ]] || { echo "$path $kind $mode $users: $errors"; return 1; }
        # Something else in the place of var or var/log is no tree for a journal; the error may name the whole path.
        [ "$status" = 0 ] || [[ $errors == */var/log/journal* ]] || { echo "$path $kind $mode $users: $errors"; return 1; }
        canary_state | cmp -s - "$work/canary.before" || { echo "$path $kind $mode $users: the host was changed"; return 1; }
        [ "$status" != 124 ] || { echo "$path $kind $mode $users: hangs"; return 1; }
        # Nothing was written, so neither link nor directory is left but the one that was there.
        [ "$(ls -A /var/log/journal)" = "$([ "$mode" != auto ] || echo $id)" ] || { echo "$path $kind $mode $users: left: $(ls -lA /var/log/journal)"; return 1; }
}

# all FUNCTION PATH KIND...: the function for each kind of thing at that path, in each mode, with each kind of user ids.
all() {
        local one=$1 path=$2 kind mode users bad=0
        shift 2
        make_canary
        for kind; do
                for mode in "${modes[@]}"; do
                        for users in $(users_of $kind); do
                                "$one" "$path" "$kind" "$mode" "$users" || bad=$((bad + 1))
                        done
                done
        done
        [ "$bad" = 0 ] || { echo "${one#one_}: $bad with $path went wrong"; return 1; }
}

all_starts() {
        all one_start "$1" dir-link dir-link-up new-link loop-link magic-link fifo socket file missing
}

@test "hostile: var" { with_journal all_starts var; }
@test "hostile: var/log" { with_journal all_starts var/log; }
@test "hostile: var/log/journal" { with_journal all_starts var/log/journal; }
@test "hostile: the machine's own directory" { with_journal all_starts var/log/journal/$id; }

# The payload itself puts something in the way, and reboots.
one_restart() {
        local path=$1 kind=$2 mode=$3 users=$4
        journal_tree
        [ "$mode" != auto ] || mkdir "$place"
        try_swiftly berth -q --private-users="$users" --link-journal="$mode" -D "$TREE" sh -c '
                [ ! -e /srv/second ] || { echo second; exit 0; }
                : >/srv/second
                umount "/var/log/journal/$3" 2>/dev/null
                # What is mounted there for good goes with the directory above.
                rm -rf "$1" 2>/dev/null || { mv "${1%/"$3"}" /var/old && mkdir -p "${1%/*}"; } || exit 9
                case $2 in
                link) ln -s "$4" "$1" ;;
                link-up) ln -s "../../../../../..$4" "$1" ;;
                loop) ln -s "$1" "$1" ;;
                file) : >"$1" ;;
                fifo) mkfifo "$1" ;;
                esac
                exec /inside call reboot 0xfee1dead 672274793 0x1234567' sh "/$path" "$kind" "$id" "$canary/dir"
        [ "$status.$output" = 0.second ] || { echo "$path $kind $mode $users: $status $output $errors"; return 1; }
        canary_state | cmp -s - "$work/canary.before" || { echo "$path $kind $mode $users: the host was changed"; return 1; }
        case $mode in
        guest | host)
                [[ $errors == *"the journal of tree is not linked any more: "*"/var/log/journal/$id"* ]] ||
                        { echo "$path $kind $mode $users: said: $errors"; return 1; }
                ;;
        *) [ -z "$errors" ] || { echo "$path $kind $mode $users: said: $errors"; return 1; } ;;
        esac
        [ "$(ls -A /var/log/journal)" = "$([ "$mode" != auto ] || echo $id)" ] || { echo "$path $kind $mode $users: left: $(ls -lA /var/log/journal)"; return 1; }
}

all_restarts() {
        all one_restart "$1" link link-up loop file fifo
}

@test "a restart in place, the payload having spoilt var/log" { with_journal all_restarts var/log; }
@test "a restart in place, the payload having spoilt var/log/journal" { with_journal all_restarts var/log/journal; }
@test "a restart in place, the payload having spoilt the machine's own directory" { with_journal all_restarts var/log/journal/$id; }

restart_unspoilt() {
        journal_tree
        try berth -q --link-journal="$1" -D "$TREE" sh -c '
                echo "$(cat /var/log/journal/*/words 2>/dev/null)"
                [ ! -e /srv/second ] || exit 0
                : >/srv/second
                echo word >"/var/log/journal/$1/words"; exec /inside call reboot 0xfee1dead 672274793 0x1234567' sh $id
        status_is 0
        line_is word
        [ -z "$errors" ] || fail "$errors"
        [ "$(cat $place/words)" = word ]
}

@test "a restart in place goes on with a journal that nobody has spoilt" {
        with_journal restart_unspoilt guest
        with_journal restart_unspoilt host
}
