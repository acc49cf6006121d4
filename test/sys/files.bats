#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# --resolv-conf= and --timezone=: each mode on each kind of thing that a tree may have there.

load ../lib/common

# A command on a host whose two files say "host".
with_host_files() {
        with_own /etc sh -c '
                rm -f /etc/localtime /etc/resolv.conf
                echo host >/etc/resolv.conf
                mkdir -p "$1/zone/Test" && echo host >"$1/zone/Test/Here"
                mount --bind "$1/zone" /usr/share/zoneinfo || exit 99
                ln -s ../usr/share/zoneinfo/Test/Here /etc/localtime
                shift
                exec "$@"' sh "$work" "$@"
}

# put PATH KIND: the tree has this there.
put() {
        rm -rf --one-file-system -- "$1"
        case $2 in
                missing) ;;
                file) echo own >"$1" ;;
                link) ln -s /etc/own "$1" ;;
                dangling) ln -s /run/nowhere/at-all "$1" ;;
                out) ln -s "../../../../../../../../../../../..$work/canary" "$1" ;;
                dir) mkdir "$1" ;;
        esac
}

what_is() {
        if [ -L "$1" ]; then
                echo link
        elif [ -d "$1" ]; then
                echo dir
        elif [ -e "$1" ]; then
                cat "$1"
        else
                echo -
        fi
}

# row OPTION MODE FILE OPTION...: for each kind what is seen inside and what the tree has then; a refusal is "!".
row() {
        local file=$3 kind cell
        for kind in missing file link dangling out dir; do
                put "$TREE/etc/$file" "$kind"
                try with_host_files timeout 20 "$BERTH" -q "--$1=$2" "${@:4}" -D "$TREE" \
                        sh -c "cat /etc/$file 2>/dev/null || echo -"
                cell=$output/$(what_is "$TREE/etc/$file")
                if [ "$status" != 0 ]; then
                        [[ $errors == *"$file"* || $errors == *"$1"* ]] || fail "$*: $kind: $errors"
                        cell=!/${cell#*/}
                fi
                printf '%s ' "$cell"
                [ "$(<"$work/canary")" = canary ] || fail "$*: $kind reaches out of the tree"
        done
}

# table OPTION FILE: stdin has "MODE rw|ro", and the six cells.
table() {
        fresh_tree
        mkdir -p "$TREE/usr/share/zoneinfo/Test"
        echo zone >"$TREE/usr/share/zoneinfo/Test/Here"
        echo own >"$TREE/etc/own"
        echo canary >"$work/canary"
        local mode how cells got users bad=0
        while read -r mode how cells; do
                for users in pick no; do
                        local more=("--private-users=$users")
                        [ "$how" = rw ] || more+=(--read-only)
                        got=$(row "$1" "$mode" "$2" "${more[@]}")
                        [ "$(xargs <<<"$got")" = "$(xargs <<<"$cells")" ] || { echo "$mode $how $users: $got"; bad=1; }
                done
        done
        return $bad
}

@test "resolv.conf: what each mode does with each kind of thing in the tree" {
        #     missing    file       link       dangling   out        dir
        table resolv-conf resolv.conf <<'END'
off          rw  -/-        own/own    own/link   -/link     -/link     -/dir
off          ro  -/-        own/own    own/link   -/link     -/link     -/dir
auto         rw  -/-        host/own   host/link  host/link  host/link  -/dir
auto         ro  -/-        host/own   host/link  host/link  host/link  -/dir
delete       rw  -/-        -/-        -/-        -/-        -/-        !/dir
delete       ro  -/-        !/own      !/link     !/link     !/link     !/dir
copy-host    rw  host/host  host/host  own/link   -/link     -/link     !/dir
copy-host    ro  !/-        host/own   !/link     !/link     !/link     !/dir
replace-host rw  host/host  host/host  host/host  host/host  host/host  !/dir
replace-host ro  !/-        !/own      !/link     !/link     !/link     !/dir
bind-host    rw  !/-        host/own   host/link  host/link  host/link  !/dir
bind-host    ro  !/-        host/own   host/link  host/link  host/link  !/dir
END
}

@test "localtime: what each mode does with each kind of thing in the tree" {
        #     missing    file       link       dangling   out        dir
        table timezone localtime <<'END'
off     rw  -/-        own/own    own/link   -/link     -/link     -/dir
off     ro  -/-        own/own    own/link   -/link     -/link     -/dir
auto    rw  -/-        host/own   host/link  host/link  host/link  -/dir
auto    ro  -/-        host/own   host/link  host/link  host/link  -/dir
delete  rw  -/-        -/-        -/-        -/-        -/-        !/dir
delete  ro  -/-        !/own      !/link     !/link     !/link     !/dir
copy    rw  host/host  host/host  host/host  host/host  host/host  !/dir
copy    ro  !/-        !/own      !/link     !/link     !/link     !/dir
symlink rw  zone/link  zone/link  zone/link  zone/link  zone/link  !/dir
symlink ro  !/-        !/own      !/link     !/link     !/link     !/dir
bind    rw  !/-        host/own   host/link  host/link  host/link  !/dir
bind    ro  !/-        host/own   host/link  host/link  host/link  !/dir
END
}

@test "throw-away roots: a file that is missing is made there, and the tree is as it was" {
        fresh_tree
        put "$TREE/etc/resolv.conf" missing
        local mode
        for mode in --volatile=overlay --volatile=yes --ephemeral; do
                try with_host_files timeout 20 "$BERTH" -q $mode -D "$TREE" cat /etc/resolv.conf
                status_is 0
                output_is host || fail "$mode"
                [ ! -e "$TREE/etc/resolv.conf" ]
        done
}

# with_odd_host KIND COMMAND...: the host's two files are of this kind.
with_odd_host() {
        with_own /etc sh -c '
                rm -f /etc/localtime /etc/resolv.conf
                for file in /etc/localtime /etc/resolv.conf; do
                        case $1 in
                        fifo) mkfifo $file ;;
                        dir) mkdir $file ;;
                        dangling) ln -s /usr/share/zoneinfo/no/such $file ;;
                        device) ln -s /dev/zero $file ;;
                        esac
                done
                shift
                exec "$@"' sh "$@"
}

@test "what is no file on the host is not there: nothing of it comes inside, and nobody waits" {
        fresh_tree
        put "$TREE/etc/resolv.conf" file
        put "$TREE/etc/localtime" file
        local kind mode
        for kind in fifo dir dangling device; do
                try with_odd_host "$kind" timeout 10 "$BERTH" -q -D "$TREE" cat /etc/resolv.conf /etc/localtime
                status_is 0
                output_is $'own\nown' || fail "$kind"
                for mode in copy-host replace-host bind-host; do
                        try with_odd_host "$kind" timeout 10 "$BERTH" -q "--resolv-conf=$mode" --timezone=off -D "$TREE" true
                        refused "--resolv-conf=$mode: the host has no file /etc/resolv.conf" || fail "$kind $mode"
                done
                for mode in copy bind symlink; do
                        try with_odd_host "$kind" timeout 10 "$BERTH" -q "--timezone=$mode" --resolv-conf=off -D "$TREE" true
                        refused "--timezone=$mode: the host has no file /etc/localtime" || fail "$kind $mode"
                done
        done
        [ "$(<"$TREE/etc/resolv.conf")" = own ]
        [ "$(<"$TREE/etc/localtime")" = own ]
}

# Held before the open of what was looked at; it is another thing then.
@test "what is no file any more when it is opened ends the start" {
        fresh_tree
        put "$TREE/etc/resolv.conf" file
        local kind
        for kind in 'mkfifo' 'mkdir' 'ln -s /dev/zero'; do
                rm -f "$work/trace"
                # shellcheck disable=SC2016 # for the shell inside
                try with_host_files sh -c '
                        kind=$1 trace=$2
                        shift 2
                        timeout 20 strace -f -o "$trace" -P /etc/resolv.conf -e trace=openat -e inject=openat:delay_enter=1500000:when=1 "$@" &
                        until grep -q openat "$trace" 2>/dev/null || [ $((i += 1)) -gt 100 ]; do sleep 0.01; done
                        sleep 0.7
                        rm /etc/resolv.conf
                        $kind /etc/resolv.conf
                        wait $!' sh "$kind" "$work/trace" "$BERTH" -q --resolv-conf=copy-host -D "$TREE" echo started
                refused "/etc/resolv.conf is no regular file" || fail "$kind" "$(cat "$work/trace")"
                [ "$(<"$TREE/etc/resolv.conf")" = own ]
        done
}

@test "none of the host's own files is waited for, where it is a FIFO" {
        local file
        for file in passwd group subuid subgid machine-id os-release shadow; do
                try with_own /etc sh -c 'rm -f "/etc/$1" && mkfifo "/etc/$1" || exit 99
                        shift
                        exec "$@"' sh "$file" timeout 10 "$BERTH" -q --link-journal=try-guest -D "$TREE" echo started
                status_is 0
                output_is started || fail "$file"
                try with_own /etc sh -c 'rm -f "/etc/$1" && mkfifo "/etc/$1" || exit 99
                        shift
                        exec "$@"' sh "$file" timeout 10 "$BERTH" -q --link-journal=host --bind-user=root -D "$TREE" echo started
                [ "$status" = 1 ] || fail "$file: $status"
        done
}
