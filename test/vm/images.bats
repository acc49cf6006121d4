#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What of disk images needs a kernel of its own: vfat, which is a module here, and CAP_SYS_RESOURCE, which growing an ext4
# takes.

load ../lib/common
load ../host/common

ROOT=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709
ESP=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
XBOOTLDR=BC13C2FF-59E6-4262-A352-B275FD6F7172
limit=90

# make_disk LINE...: $IMAGE, 96 MiB.
make_disk() {
        IMAGE=$work/disk.raw
        rm -f "$IMAGE"
        truncate -s 96M "$IMAGE"
        printf '%s\n' 'label: gpt' "$@" | sfdisk -q "$IMAGE"
}

# put FILE PARTITION: it becomes the content of it; take FILE PARTITION SIZE: the other way round.
put() {
        dd if="$1" of="$IMAGE" bs=512 seek="$(start_of "$2")" conv=notrunc,sparse status=none
}

take() {
        dd if="$IMAGE" of="$1" bs=512 skip="$(start_of "$2")" count=$(($3 / 512)) status=none
}

start_of() {
        sfdisk -J "$IMAGE" | jq ".partitiontable.partitions[$1 - 1].start"
}

# make_fat FILE NAME: 40 MiB, or $size, with a file NAME in it.
make_fat() {
        rm -f "$1"
        truncate -s "${size:-40M}" "$1"
        mkfs.vfat "$1" >/dev/null
        mkdir -p "$work/mnt"
        mount -o loop "$1" "$work/mnt"
        echo "$2" >"$work/mnt/$2"
        umount "$work/mnt"
}

make_root() {
        rm -f "$work/root"
        truncate -s "${size:-24M}" "$work/root"
        mke2fs -q -t ext4 -d "$TREE" "$work/root"
}

from_image() {
        try berth -q "${opts[@]}" -i "$IMAGE" "$@"
}

no_loops() {
        [ -z "$(losetup -n -a)" ]
}

# With both boot partitions, and the tree as it is now.
make_boot_disk() {
        make_root
        make_fat "$work/esp" kernel.efi
        size=8M make_fat "$work/xbootldr" entry.con
        make_disk "size=40M, type=$ESP" "size=24M, type=$ROOT" "size=8M, type=$XBOOTLDR"
        put "$work/esp" 1
        put "$work/root" 2
        put "$work/xbootldr" 3
}

@test "boot partitions are mounted where the tree has an empty directory for them" {
        fresh_tree
        mkdir "$TREE/efi" "$TREE/boot"
        make_boot_disk
        from_image sh -c 'cat /efi/kernel.efi /boot/entry.con; stat -c "%u:%g %a" /efi /efi/kernel.efi; grep vfat /proc/self/mountinfo; echo new >/efi/new; cat /efi/new'
        status_is 0
        line_is kernel.efi
        line_is entry.con
        line_is '0:0 700'
        line_is new
        output_matches ' /efi rw,nosuid,nodev,noexec.* - vfat '
        output_matches ' /boot rw,nosuid,nodev,noexec.* - vfat '
        opts=(--read-only)
        from_image sh -c 'cat /efi/new; echo other >/efi/new'
        output_is new
        errors_has 'Read-only file system'
        opts=(--private-users=no)
        from_image sh -c 'cat /efi/new; stat -c "%u:%g %a" /boot'
        line_is new
        line_is '0:0 700'
        no_loops
}

@test "where only /boot is empty, the boot loader's own partition has it, or else the other one" {
        fresh_tree
        mkdir "$TREE/boot" "$TREE/efi"
        echo full >"$TREE/efi/full"
        make_boot_disk
        try berth -i "$IMAGE" sh -c 'ls /boot /efi'
        status_is 0
        output_has entry.con
        output_has full
        output_lacks kernel.efi
        errors_has 'the esp partition of the image is left out: there is no empty directory for it'
        make_disk "size=40M, type=$ESP" "size=24M, type=$ROOT"
        put "$work/esp" 1
        put "$work/root" 2
        from_image ls /boot
        output_is kernel.efi
        no_loops
}

@test "boot partitions of an old-style table, by their types" {
        fresh_tree
        mkdir "$TREE/boot" "$TREE/efi"
        make_root
        make_fat "$work/esp" kernel.efi
        size=8M make_fat "$work/xbootldr" entry.con
        IMAGE=$work/disk.raw
        truncate -s 96M "$IMAGE"
        printf '%s\n' 'label: dos' "size=40M, type=ef" "size=24M, type=83, bootable" "size=8M, type=ea" | sfdisk -q "$IMAGE"
        put "$work/esp" 1
        put "$work/root" 2
        put "$work/xbootldr" 3
        from_image cat /efi/kernel.efi /boot/entry.con
        output_is $'kernel.efi\nentry.con'
        try berth --inspect "$IMAGE"
        output_matches '^ +1 +esp .* vfat +used'
        output_matches '^ +3 +xbootldr .* vfat +used'
        opts=(--image-policy=root=unprotected:esp=absent)
        from_image true
        refused 'partition 1 (esp) must not be there'
        no_loops
}

@test "where a boot partition belongs there may be a link, which is followed inside" {
        fresh_tree
        mkdir -p "$TREE/boot/efi"
        ln -s boot/efi "$TREE/efi"
        make_boot_disk
        try berth -i "$IMAGE" cat /efi/kernel.efi /boot/efi/kernel.efi
        output_is $'kernel.efi\nkernel.efi'
        errors_has 'the xbootldr partition of the image is left out: there is no empty directory for it'
        no_loops
}

@test "the machine of an image has no directory on the host" {
        fresh_tree
        make_root
        start_berth -q -M m1 -i "$work/root" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        await_true machinectl show m1
        [ "$(machinectl show --value -p RootDirectory m1)" = "" ]
        [ "$(machinectl show --value -p Unit m1)" = m1.scope ]
        stop_berth
        no_loops
}

@test "a bare vfat with one static program is an image, too" {
        make_fat "$work/fat.raw" file
        IMAGE=$work/fat.raw
        mount -o loop "$IMAGE" "$work/mnt"
        mkdir "$work/mnt"/{usr,dev,proc,sys,run,tmp,etc}
        cp "$TREE/usr/bin/busybox" "$work/mnt/usr/busybox"
        umount "$work/mnt"
        from_image /usr/busybox sh -c 'busybox=/usr/busybox; $busybox cat /file; $busybox grep " / / " /proc/self/mountinfo'
        status_is 0
        line_is file
        output_matches ' - vfat '
        no_loops
}

# This kernel cannot copy what is attached nowhere, and its overlays take no such layers (Linux 6.15).
@test "several partitions, one by a link: writable, thrown away through a restart, as sources and as the root" {
        local before
        fresh_tree
        mkdir -p "$TREE/data/home" "$work/home"
        rm -rf "${TREE:?}/home"
        ln -s data/home "$TREE/home"
        mv "$TREE/usr" "$work/usr"
        mkdir "$TREE/usr"
        echo kept >"$work/home/file"
        IMAGE=$work/disk.raw
        make_root
        mke2fs -q -t ext4 -d "$work/usr" "$work/usr.ext4" 24M
        mke2fs -q -t ext4 -d "$work/home" "$work/home.ext4" 8M
        make_disk "size=24M, type=$ROOT" "size=24M, type=8484680C-9521-48C6-9C11-B0720656F69E" \
                "size=8M, type=933AC7E1-2EB4-4F13-B844-0E14E2AEF915"
        put "$work/root" 1
        put "$work/usr.ext4" 2
        put "$work/home.ext4" 3
        try berth --inspect "$IMAGE"
        output_matches '^starts +yes$'
        from_image sh -c 'cat /home/file /data/home/file; echo new >/home/new'
        output_is $'kept\nkept'
        before=$(sha256sum <"$IMAGE")
        on_terminal 'expect=# ' 'send=echo one >/home/x; echo two >/etc/x; reboot\r' 'expect=PID 1 is busybox' 'expect=# ' \
                'send=echo "[$(cat /home/new)$(cat /home/x)$(cat /etc/x)]"; poweroff\r' -- "$BERTH" -q -x -bi "$IMAGE"
        status_is 0
        output_has "[newonetwo]"
        opts=(--volatile=overlay)
        from_image sh -c 'echo x >/home/x; cat /home/x'
        output_is x
        opts=(--volatile=yes)
        from_image ls /usr/bin/busybox
        output_is /usr/bin/busybox
        opts=(--read-only --bind=+/usr/bin:/srv --bind=+/home:/root)
        from_image ls /srv/busybox /root/file
        output_is $'/root/file\n/srv/busybox'
        [ "$(sha256sum <"$IMAGE")" = "$before" ]
        opts=(--pivot-root=/usr:/old)
        from_image /bin/busybox ls -d /old/etc /bin/busybox
        output_is $'/bin/busybox\n/old/etc'
        no_loops
}

@test "fsck: a vfat that was not left clean is checked" {
        make_fat "$work/fat" file
        fresh_tree
        mkdir "$TREE/efi"
        make_root
        # In use, as it says itself: a FAT16, by its size.
        printf '\001' | dd of="$work/fat" bs=1 seek=37 conv=notrunc status=none
        make_disk "size=40M, type=$ESP" "size=24M, type=$ROOT"
        put "$work/fat" 1
        put "$work/root" 2
        try berth -i "$IMAGE" cat /efi/file
        status_is 0
        output_is file
        errors_has 'the esp partition of the image was not left clean: fsck.vfat has mended it'
        take "$work/fat" 1 $((40 << 20))
        [ "$(od -An -tu1 -j37 -N1 "$work/fat" | tr -d ' ')" = 0 ]
        try berth -i "$IMAGE" true
        errors_lacks fsck
        no_loops
}

@test "growfs: an ext4 becomes as large as its partition, bare and encrypted" {
        make_root
        make_disk "size=80M, type=$ROOT, attrs=\"GUID:59\""
        put "$work/root" 1
        try berth -i "$IMAGE" sh -c 'df -m / | tail -n 1'
        status_is 0
        errors_lacks grow
        [ "$(awk '{ print $2 }' <<<"$output")" -gt 60 ]
        take "$work/root" 1 $((80 << 20))
        e2fsck -fn "$work/root" >/dev/null 2>&1
        printf secret >"$work/secret"
        cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$work/root" "$work/secret"
        cryptsetup open --key-file "$work/secret" "$work/root" berth-test-grow
        mke2fs -q -t ext4 -d "$TREE" /dev/mapper/berth-test-grow 24M
        cryptsetup close berth-test-grow
        make_disk "size=80M, type=$ROOT, attrs=\"GUID:59\""
        put "$work/root" 1
        opts=(--image-key-file="$work/secret")
        from_image sh -c 'df -m / | tail -n 1'
        status_is 0
        [ "$(awk '{ print $2 }' <<<"$output")" -gt 45 ]
        no_loops
}

# Milliseconds, the median of five.
time_of() {
        local i before
        for i in 1 2 3 4 5; do
                before=${EPOCHREALTIME/./}
                "$@" </dev/null >>"$work/timed" 2>&1 || return 1
                echo $(((${EPOCHREALTIME/./} - before) / 1000))
        done | sort -n | sed -n 3p
}

# Prints what it finds, and never fails by a time: an emulated machine is no measure of a real one.
@test "speed: an ext4 and a squashfs, by systemd-nspawn and by berth" {
        local kind other ours own
        make_root
        mv "$work/root" "$work/ext4.raw"
        mksquashfs "$TREE" "$work/squashfs.raw" -quiet -no-progress >/dev/null
        own=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
        for kind in ext4 squashfs; do
                other=$(time_of systemd-nspawn -q --register=no --keep-unit --console=pipe -i "$work/$kind.raw" true)
                ours=$(time_of "$BERTH" -q --register=no --keep-unit --console=pipe -i "$work/$kind.raw" true)
                [ "$ours" -gt 0 ]
                [ "$other" -gt 0 ]
                printf '# start from a %s: systemd-nspawn %s ms, berth %s ms, ratio %s (goal: <= 0.2)\n' "$kind" "$other" "$ours" \
                        "$(awk "BEGIN { printf \"%.3f\", $ours / $other }")" >&3
        done
        # What systemd-nspawn makes in the unit of its caller.
        rmdir "${own%/supervisor}"/{payload,supervisor} 2>/dev/null || true
        no_loops
}
