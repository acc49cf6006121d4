#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# File systems that say of themselves that they were left clean, and that no kernel mounts: fsck has a try at those that
# would be written to. And boot partitions are checked only where they are mounted.

load ../lib/common
load ../lib/types

XBOOTLDR_TYPE=BC13C2FF-59E6-4262-A352-B275FD6F7172

# make_image: $IMAGE, an ext4.
make_image() {
        IMAGE=$work/ext4.raw
        rm -f "$IMAGE"
        truncate -s 32M "$IMAGE"
        mke2fs -q -t ext4 -b 1024 -d "$TREE" "$IMAGE"
}

# make_disk TYPE DIRECTORY...: $IMAGE, an ext4 for each in a partition of 24 MiB of its type.
make_disk() {
        local lines=() number=0
        IMAGE=$work/disk.raw
        rm -f "$IMAGE"
        truncate -s 128M "$IMAGE"
        for ((number = 1; number <= $#; number += 2)); do
                lines+=("start=$((number / 2 * 25 + 1))MiB, size=24MiB, type=${!number}")
        done
        printf '%s\n' 'label: gpt' "${lines[@]}" | sfdisk -q "$IMAGE"
        for ((number = 1; $#; number++)); do
                mke2fs -q -t ext4 -b 1024 -d "$2" -E "offset=$(((number * 25 - 24) << 20))" "$IMAGE" 24M
                shift 2
        done
}

# part NUMBER: $IMAGE becomes a copy of this partition of it.
part() {
        dd if="$IMAGE" of="$work/part" bs=1M skip=$(($1 * 25 - 24)) count=24 status=none
        IMAGE=$work/part
}

# damage HOW [PARTITION]: it still says that it is clean.
damage() {
        local at=$((${2+($2 * 25 - 24) << 20} + 0)) fs block
        fs="$IMAGE?offset=$at"
        case $1 in
        descriptor) debugfs -w -R 'set_block_group 0 checksum 1234' "$fs" 2>/dev/null ;;
        byte) printf '\377' | dd of="$IMAGE" bs=1 seek=$((at + 2048 + 30)) conv=notrunc status=none ;;
        journal)
                block=$(debugfs -R 'blocks <8>' "$fs" 2>/dev/null | cut -d ' ' -f 1)
                [ "$block" -gt 0 ]
                dd if=/dev/zero of="$IMAGE" bs=1024 seek=$((at / 1024 + block)) count=1 conv=notrunc status=none
                ;;
        inode) debugfs -w -R 'clri <8>' "$fs" 2>/dev/null ;;
        # Where the bitmap is, takes a decision.
        bitmap) debugfs -w -R 'set_block_group 0 block_bitmap 999999' "$fs" 2>/dev/null ;;
        esac
        [ "$(LC_ALL=C dumpe2fs -h "$fs" 2>/dev/null | sed -n 's/^Filesystem state: *//p')" = clean ]
}

# Checksums of descriptors have no say in the status.
is_whole() {
        local said
        said=$(LC_ALL=C e2fsck -fn "$IMAGE" 2>&1) && [[ $said != *"Fix?"* ]]
}

# try_fake COMMAND...: try, with $work/fake as the host's fsck.ext4.
try_fake() {
        local program
        program=$(readlink -f "$(command -v fsck.ext4)")
        mount --bind "$work/fake" "$program"
        try "$@"
        umount "$program"
}

@test "what cannot be mounted is mended, and one line says so" {
        local how
        for how in descriptor byte journal inode; do
                make_image
                damage "$how"
                never is_whole
                try berth -i "$IMAGE" sh -c 'cat /etc/hostname; echo kept >/root/file'
                status_is 0
                output_is tree-hostname
                errors_has 'the root partition of the image could not be mounted: fsck.ext4 has mended it'
                [ "$(grep -c fsck <<<"$errors")" = 1 ]
                is_whole
                try berth -i "$IMAGE" cat /root/file
                output_is kept
                errors_lacks fsck
        done
}

@test "not where the image is only read, or the check is not wanted, and nothing is written then" {
        local how before option
        make_image
        damage inode
        before=$(cksum <"$IMAGE")
        for option in --read-only --volatile=overlay --image-fsck=no; do
                try berth -q "$option" -i "$IMAGE" true
                refused "cannot mount the file system of $IMAGE as ext4"
                errors_has 'it may be damaged: fsck it'
                # The kernel notes an error in what it may write to.
                [ "$option" = --image-fsck=no ] || [ "$(cksum <"$IMAGE")" = "$before" ]
        done
        # These do not matter to who writes nothing.
        for how in descriptor journal; do
                make_image
                damage "$how"
                before=$(cksum <"$IMAGE")
                try berth --read-only -i "$IMAGE" cat /etc/hostname
                output_is tree-hostname
                errors_lacks fsck
                [ "$(cksum <"$IMAGE")" = "$before" ]
                try berth -q --image-fsck=no -i "$IMAGE" true
                refused "cannot mount the file system of $IMAGE as ext4"
        done
}

@test "--dry-run and --inspect change nothing, and tell what a start would do" {
        local before
        make_image
        damage inode
        before=$(cksum <"$IMAGE")
        try berth --dry-run -i "$IMAGE" true
        refused "cannot mount the file system of $IMAGE as ext4"
        errors_has 'a start lets fsck mend'
        try berth --inspect "$IMAGE"
        status_is 0
        output_matches '^starts +perhaps: fsck.ext4 checks its root partition first$'
        try berth --inspect "$IMAGE" --read-only
        status_is 1
        output_matches '^starts +no: cannot mount'
        try berth --inspect "$IMAGE" --image-fsck=no
        status_is 1
        try berth --inspect "$IMAGE" --volatile=overlay
        status_is 1
        [ "$(cksum <"$IMAGE")" = "$before" ]
}

@test "what takes a decision is refused" {
        make_image
        damage bitmap
        try berth -q -i "$IMAGE" true
        refused 'the ext4 of the root partition is damaged, and fsck.ext4 does not mend it by itself'
        errors_has 'fsck it by hand'
        # It could not be started by these either.
        errors_lacks --read-only
        fresh_tree
        make_disk "$ROOT_TYPE" "$TREE" "$HOME_TYPE" "$TREE/etc"
        damage bitmap 2
        try berth -q -i "$IMAGE" true
        refused 'the ext4 of the home partition is damaged, and fsck.ext4 does not mend it by itself'
}

@test "without an fsck, or with one that does not help, it is the mount's error" {
        local status_of before
        make_image
        damage descriptor
        before=$(cksum <"$IMAGE")
        for status_of in 0 1 8; do
                printf '#!/bin/sh\nexit %s\n' "$status_of" >"$work/fake"
                chmod 0755 "$work/fake"
                try_fake berth -q -i "$IMAGE" true
                refused "cannot mount the file system of $IMAGE as ext4"
                errors_has 'it may be damaged: fsck it'
        done
        chmod 0644 "$work/fake"
        try_fake berth -q -i "$IMAGE" true
        refused "cannot mount the file system of $IMAGE as ext4"
        [ "$(cksum <"$IMAGE")" = "$before" ]
}

@test "any partition, also one that is mounted while the container is made" {
        local options
        fresh_tree
        mkdir -p "$TREE/home" "$TREE/var" "$work/home" "$work/var"
        echo of-home >"$work/home/file"
        echo of-var >"$work/var/file"
        for options in "" --bind=+/home:/mnt --private-users=no; do
                make_disk "$ROOT_TYPE" "$TREE" "$HOME_TYPE" "$work/home" "$VAR_TYPE" "$work/var"
                damage descriptor 2
                damage journal 3
                try berth ${options:+"$options"} -i "$IMAGE" cat /home/file /var/file
                status_is 0
                output_is $'of-home\nof-var'
                errors_has 'the home partition of the image could not be mounted: fsck.ext4 has mended it'
                errors_has 'the var partition of the image could not be mounted: fsck.ext4 has mended it'
                [ "$(grep -c fsck <<<"$errors")" = 2 ]
                try berth -i "$IMAGE" cat /home/file
                output_is of-home
                errors_lacks fsck
                part 2
                is_whole
                IMAGE=$work/disk.raw
                part 3
                is_whole
        done
        # A flag of its own says that it is only read.
        make_disk "$ROOT_TYPE" "$TREE" "$HOME_TYPE" "$work/home"
        sfdisk -q --part-attrs "$IMAGE" 2 GUID:60
        damage inode 2
        try berth -q -i "$IMAGE" true
        refused "cannot mount partition 2 (home) of $IMAGE as ext4"
}

@test "an image that a mount stack binds" {
        make_image
        damage descriptor
        mkdir -p "$work/os.mstack/rw"
        cp -a "$TREE" "$work/os.mstack/layer@0"
        mkdir -p "$work/os.mstack/layer@0/srv"
        mv "$IMAGE" "$work/os.mstack/bind@srv.raw"
        IMAGE=$work/os.mstack/bind@srv.raw
        try berth --mstack="$work/os.mstack" cat /srv/etc/hostname
        status_is 0
        output_is tree-hostname
        errors_has "$IMAGE: the root partition of the image could not be mounted: fsck.ext4 has mended it"
        is_whole
}

@test "a boot partition that is left out is not checked, and one that is mounted is" {
        local at=$((26 << 20))
        fresh_tree
        mkdir "$work/loader"
        echo of-boot >"$work/loader/file"
        rm -rf "${TREE:?}/boot" "${TREE:?}/efi"
        make_disk "$ROOT_TYPE" "$TREE" "$XBOOTLDR_TYPE" "$work/loader"
        debugfs -w -R 'set_super_value state 0' "$IMAGE?offset=$at" 2>/dev/null
        try berth -i "$IMAGE" cat /etc/hostname
        status_is 0
        output_is tree-hostname
        errors_has 'the xbootldr partition of the image is left out'
        errors_lacks fsck
        mkdir "$TREE/boot"
        make_disk "$ROOT_TYPE" "$TREE" "$XBOOTLDR_TYPE" "$work/loader"
        debugfs -w -R 'set_super_value state 0' "$IMAGE?offset=$at" 2>/dev/null
        try berth --dry-run -i "$IMAGE" true
        output_has 'the xbootldr partition of the image was not left clean: fsck.ext4 will check it'
        try berth --bind=+/boot:/mnt -i "$IMAGE" cat /boot/file /mnt/file
        status_is 0
        output_is $'of-boot\nof-boot'
        errors_has 'the xbootldr partition of the image was not left clean: fsck.ext4 has mended it'
        part 2
        is_whole
}
