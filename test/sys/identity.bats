#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Names and ids: machine name, host name, uuid.

load ../lib/common

@test "the host name inside is the directory's name" {
        in_tree hostname
        status_is 0
        output_is busybox
}

@test "a name made from a directory is cleaned" {
        fresh_tree busybox 'My_tree (old)..v2-'
        in_tree hostname
        status_is 0
        output_is Mytreeold.v2
        fresh_tree busybox '...'
        in_tree true
        [ "$status" = 0 ] || refused
}

@test "-M names the container, --hostname only its host name" {
        opts=(-M other)
        in_tree hostname
        output_is other
        opts=(-M other --hostname=shown.example)
        in_tree hostname
        output_is shown.example
}

@test "the host's name does not change" {
        local before
        before=$(uname -n)
        opts=(--hostname=changed)
        in_tree hostname
        [ "$(uname -n)" = "$before" ]
}

@test "/etc/hostname of the tree is not touched" {
        opts=(-M other)
        in_tree cat /etc/hostname
        output_is tree-hostname
}

@test "names that are no host names are refused, each by one line" {
        local name bad=('' . .. / a/b a_b 'a b' -a a- .a a. a..b 'a"b' "a'b" 'a;b' 'a$b' 'a\b' 'a:b' 'a@b' 'a%b' 'a*b' 'a?b' '~' 'a~'
                $'a\nb' $'a\tb' $'a\033[1m' $'a\001' 'ä' $'\xff' '../../etc' '/etc' 'a/../b' 'a,b' 'a+b' 'a=b' 'a#b' 'a!b' 'a&b' 'a|b' 'a<b'
                'a>b' 'a(b' 'a)b' 'a[b' 'a]b' 'a{b' 'a}b' 'a^b' 'a`b' "$(printf 'a%.0s' {1..65})" "$(printf 'a%.0s' {1..300})")
        for name in "${bad[@]}"; do
                try berth -q -M "$name" -D "$TREE" true
                refused || fail "name: $name"
                try berth -q --hostname="$name" -D "$TREE" true
                refused || fail "host name: $name"
        done
}

@test "names that are host names are accepted" {
        local name
        for name in a A 0 a-b a.b a1.b2-c3 "$(printf 'a%.0s' {1..64})"; do
                try berth -q -M "$name" -D "$TREE" hostname
                status_is 0
                output_is "$name"
        done
}

# In a place of the host where trees are found by name, an own one for the time of a test: the command of $2 in /bin/sh,
# whose words follow.
in_place() {
        local place=$1 above=${1%/*}
        shift
        case $place in
        # isolate has covered them.
        /run/machines | /var/lib/machines) sh -c "$@" ;;
        */lib/machines) with_own "${above%/lib}" sh -c "$@" ;;
        *) with_own "$above" sh -c "$@" ;;
        esac
}

@test "-M without -D looks in /etc/machines, /run/machines, /var/lib/machines, ... in this order" {
        local place link='mkdir -p "$1" && ln -s "$2" "$1/$3"'
        for place in /etc/machines /run/machines /var/lib/machines /var/lib/container /usr/local/lib/machines /usr/lib/machines; do
                try in_place "$place" "$link"' || exit 99; timeout 20 "$0" -q -M "$3" cat /etc/hostname; rm "$1/$3"' "$BERTH" "$place" "$TREE" name
                status_is 0 || fail "in $place"
                output_is tree-hostname
        done
        fresh_tree
        echo first >"$TREE/etc/hostname"
        ln -s "$trees/busybox" /var/lib/machines/name
        try in_place /etc/machines "$link"' || exit 99; timeout 20 "$0" -q -M "$3" cat /etc/hostname' "$BERTH" /etc/machines "$TREE" name
        rm /var/lib/machines/name
        status_is 0
        output_is first
}

@test "trees below /usr are read-only" {
        try in_place /usr/local/lib/machines 'mkdir -p "$1" && cp -a "$2" "$1/name" || exit 99
                exec timeout 20 "$0" -q -M name sh -c "echo here; touch /srv/x && echo written"' "$BERTH" /usr/local/lib/machines "$TREE"
        output_is here
}

@test "a machine that is not there is named" {
        try berth -q -M berth-no-such-machine true
        refused berth-no-such-machine
}

@test "the uuid: the environment and /run/host agree, in the form with dashes" {
        in_tree sh -c 'echo $container_uuid; cat /run/host/container-uuid; stat -c %a /run/host/container-uuid'
        status_is 0
        [ "$(sed -n 1p <<<"$output")" = "$(sed -n 2p <<<"$output")" ]
        output_matches '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
        line_is 444
}

@test "without a machine id the uuid is another one each time" {
        in_tree sh -c 'echo $container_uuid'
        local first=$output
        in_tree sh -c 'echo $container_uuid'
        [ "$output" != "$first" ]
}

@test "--uuid is used, in both forms" {
        opts=(--uuid=0123456789abcdef0123456789abcdef)
        in_tree sh -c 'echo $container_uuid'
        output_is 01234567-89ab-cdef-0123-456789abcdef
        opts=(--uuid=01234567-89AB-CDEF-0123-456789ABCDEF)
        in_tree sh -c 'echo $container_uuid'
        output_is 01234567-89ab-cdef-0123-456789abcdef
}

@test "a valid machine id of the tree wins over --uuid" {
        fresh_tree
        echo aaaabbbbccccddddeeeeffff00001111 >"$TREE/etc/machine-id"
        opts=(--uuid=0123456789abcdef0123456789abcdef)
        in_tree sh -c 'echo $container_uuid'
        output_is aaaabbbb-cccc-dddd-eeee-ffff00001111
}

@test "a machine id that is none is not taken" {
        fresh_tree
        local text
        for text in '' uninitialized 00000000000000000000000000000000 short zzzzbbbbccccddddeeeeffff00001111 \
                aaaabbbbccccddddeeeeffff000011112 "aaaabbbb ccccddddeeeeffff00001111"; do
                printf '%s\n' "$text" >"$TREE/etc/machine-id"
                opts=(--uuid=0123456789abcdef0123456789abcdef)
                in_tree sh -c 'echo $container_uuid'
                output_is 01234567-89ab-cdef-0123-456789abcdef
        done
}

@test "the machine id file is never written by the launcher" {
        fresh_tree
        rm "$TREE/etc/machine-id"
        opts=(--uuid=0123456789abcdef0123456789abcdef)
        in_tree true
        status_is 0
        [ ! -e "$TREE/etc/machine-id" ]
}

@test "bad uuids are refused" {
        local bad
        for bad in '' 0 00000000000000000000000000000000 00000000-0000-0000-0000-000000000000 xyz 0123456789abcdef0123456789abcde \
                0123456789abcdef0123456789abcdef0 0123456789abcdef0123456789abcdeg 01234567-89ab-cdef-0123-456789abcde '{01234567-89ab-cdef-0123-456789abcdef}'; do
                try berth -q --uuid="$bad" -D "$TREE" true
                refused --uuid || fail "uuid: $bad"
        done
}

@test "two containers of one name cannot run at once, and the message says so" {
        fresh_tree busybox one
        local one=$TREE
        fresh_tree busybox two
        start_berth -q -M same -D "$one" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        try berth -q -M same -D "$TREE" true
        stop_berth
        refused same
}

@test "container= and container-manager name systemd-nspawn, since programs look for it" {
        in_tree sh -c 'echo $container; cat /run/host/container-manager'
        status_is 0
        output_is $'systemd-nspawn\nsystemd-nspawn'
}

@test "--container-service and SYSTEMD_NSPAWN_CONTAINER_SERVICE change it" {
        opts=(--container-service=other)
        in_tree sh -c 'echo $container; cat /run/host/container-manager'
        output_is $'other\nother'
        opts=()
        SYSTEMD_NSPAWN_CONTAINER_SERVICE=third in_tree sh -c 'echo $container'
        output_is third
}
