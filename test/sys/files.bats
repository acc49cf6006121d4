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
