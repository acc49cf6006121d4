#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Trees for another machine: their programs are run by an emulator of the host, known to the one container alone, or the
# error says what is missing.

load ../lib/common

host_formats() {
        ls -A /proc/sys/fs/binfmt_misc
}

# A kernel before 6.7 has none for a user namespace.
can_emulate() {
        unshare -Urm sh -c 'mount -t binfmt_misc none /mnt' 2>/dev/null || skip "this kernel has one binfmt_misc for all"
        [ -z "$(host_formats | grep qemu-aarch64)" ] || skip "the host runs these programs already"
}

@test "a command, a script, the stub and a login shell of an arm64 tree run, and nothing is registered with the host" {
        need_tree foreign
        can_emulate
        local before
        before=$(host_formats)
        opts=(--private-users=pick)
        try berth "${opts[@]}" -D "$TREE" uname -m
        output_is aarch64
        [[ $errors == *"programs for aarch64 are run by /usr/"*/qemu-aarch64* ]]
        in_tree sh -c 'sh -c "echo \$0 \$# \$1" name one; ls -A /proc/sys/fs/binfmt_misc; host=no; exit 7'
        status_is 7
        line_is "name 1 one"
        line_is berth
        opts=(--private-users=pick -a)
        in_tree uname -m
        output_is aarch64
        opts=(--private-users=pick)
        try berth -q "${opts[@]}" -D "$TREE" <<<'uname -m'
        output_is aarch64
        [ "$(host_formats)" = "$before" ]
}

@test "the table of formats is the container's, and not to be written to; one of another container does not see it" {
        need_tree foreign
        can_emulate
        opts=(--private-users=pick)
        in_tree sh -c 'grep " /proc/sys/fs/binfmt_misc " /proc/self/mounts; echo -1 >/proc/sys/fs/binfmt_misc/berth; umount /proc/sys/fs/binfmt_misc; mount -o remount,rw /proc/sys/fs/binfmt_misc; uname -m'
        line_is aarch64
        [[ $output == *"binfmt_misc ro,nosuid,nodev,noexec"* ]]
        need_tree busybox
        in_tree ls -A /proc/sys/fs/binfmt_misc
        output_is ""
}

@test "an init for arm64 boots, and what berthctl exec starts is run by the emulator as well" {
        fresh_tree foreign
        can_emulate
        start_berth -q -b --private-users=pick -M foreign-boot -D "$TREE"
        await "$work/out" "busybox init is up"
        try "$BERTHCTL" exec foreign-boot uname -m
        stop_berth
        status_is 0
        output_is aarch64
}

@test "set-user-ID programs of the tree have their rights under the emulator" {
        fresh_tree foreign
        can_emulate
        # By hand: geteuid(), and exit() with what that said.
        /usr/bin/python3 - "$TREE/who" <<'END'
import struct, sys
head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 183, 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0)
part = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 136, 136, 4096)
open(sys.argv[1], "wb").write(head + part + struct.pack("<4I", 0xd28015e8, 0xd4000001, 0xd2800ba8, 0xd4000001))
END
        opts=(--private-users=pick -u guest)
        chmod 755 "$TREE/who"
        in_tree /who
        status_is $((1000 & 255))
        chmod 4755 "$TREE/who"
        in_tree /who
        status_is 0
}

@test "without a user namespace, or an emulator, the error says what is missing" {
        need_tree foreign
        can_emulate
        opts=(--private-users=no)
        in_tree uname
        refused "Exec format error"
        [[ $errors == *"it is for aarch64, this machine is $(uname -m): with --private-users=pick"* ]]
        opts=(--private-users=no -a)
        in_tree uname
        [[ $errors == *"it is for aarch64, this machine is $(uname -m): with --private-users=pick"* ]]
        # The emulator hidden, in a mount namespace of the test's own.
        local emulator
        emulator=$(command -v qemu-aarch64-static)
        try unshare -m sh -c 'mount --bind /dev/null "$0" && exec "$@"' "$emulator" "$BERTH" -q --private-users=pick -D "$TREE" uname
        status_is 1
        [[ $errors == *"it is for aarch64"*"install qemu-aarch64-static"* ]]
}

@test "programs of machines that nobody knows are named by their number; what is no program is called that" {
        fresh_tree
        opts=()
        printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\376\376%0100d' 0 >"$TREE/odd"
        printf '\177ELF\2\1' >"$TREE/short"
        chmod 755 "$TREE/odd" "$TREE/short"
        in_tree /odd
        refused "it is for another machine (number 65278)"
        in_tree /short
        refused "not for this machine, or no program"
}
