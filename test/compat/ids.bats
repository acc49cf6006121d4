#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Ranges of user ids are shared with systemd-nspawn: both pick the same for a name, and each leaves alone what the other has.

load ../lib/common

# The range that systemd-nspawn picks for the name $1.
nspawn_picks() {
        in_own_cgroup timeout 20 systemd-nspawn -q --register=no --keep-unit --link-journal=no --resolv-conf=off \
                --timezone=off -D "$TREE" -M "$1" --private-users=pick --private-users-ownership=map cat /proc/self/uid_map
        awk '{ print $2 }' <<<"$output"
}

@test "the range of a name is the one that systemd-nspawn picks" {
        fresh_tree
        local name
        for name in a debian-13 x0123456789012345678901234567890123456789; do
                [ "$(nspawn_picks "$name")" = "$(map_of -D "$TREE" -M "$name"; awk '{ print $2 }' <<<"$output")" ] || fail "$name"
        done
}

@test "systemd-nspawn leaves a range alone that berth has" {
        fresh_tree busybox one
        local one=$TREE picked
        fresh_tree busybox two
        start_berth -q -D "$one" -M t sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        [ "$(tr -s ' ' <"/proc/$(leader_of "$launcher")/uid_map" | cut -d' ' -f3)" = 998178816 ]
        picked=$(nspawn_picks t)
        stop_berth
        [ "$picked" -ge 524288 ] || fail "$picked" "$errors"
        [ "$picked" != 998178816 ]
        [ "$(nspawn_picks t)" = 998178816 ]
}

@test "berth leaves a range alone that systemd-nspawn has" {
        fresh_tree
        # The lock that it holds, as it holds it.
        mkdir -p /run/systemd/nspawn-uid
        /usr/bin/python3 - /run/systemd/nspawn-uid/998178816 "$work/up" <<'END' &
import fcntl, struct, sys, time
f = open(sys.argv[1], 'w')
fcntl.fcntl(f, 37, struct.pack('hhqqi', fcntl.F_WRLCK, 0, 0, 0, 0))  # F_OFD_SETLK
open(sys.argv[2], 'w').write('up')
time.sleep(1000)
END
        local holder=$!
        await "$work/up" up
        map_of -D "$TREE" -M t
        kill $holder
        wait $holder || true
        rm -f /run/systemd/nspawn-uid/998178816
        local base
        base=$(awk '{ print $2 }' <<<"$output")
        [ "$base" -ge 524288 ] || fail "$output"
        [ "$base" != 998178816 ]
}
