#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Disk images: what they may look like, what is mounted of them, who may use them at once, and what is refused. The guard
# looks at loop devices.

load ../lib/common
load ../lib/types

# make_image TYPE [TREE]: $IMAGE, one file system without a partition table.
make_image() {
        local from=${2:-$TREE}
        IMAGE=$work/$1.raw
        case $1 in
        ext4) truncate -s "${size:-32M}" "$IMAGE" && mke2fs -q -t ext4 -d "$from" "$IMAGE" ;;
        squashfs) mksquashfs "$from" "$IMAGE" -quiet -no-progress >/dev/null ;;
        erofs) mkfs.erofs --quiet "$IMAGE" "$from" >/dev/null 2>&1 ;;
        btrfs) truncate -s 128M "$IMAGE" && mkfs.btrfs -q --rootdir "$from" "$IMAGE" >/dev/null ;;
        esac
}

# make_disk LINE...: $IMAGE, 128 MiB with a table of these lines of sfdisk(8).
make_disk() {
        IMAGE=$work/disk.raw
        truncate -s 128M "$IMAGE"
        printf '%s\n' "${label:-label: gpt}" "$@" | sfdisk -q "$IMAGE"
}

# fill PARTITION SIZE DIRECTORY: an ext4 in it.
fill() {
        local start
        start=$(sfdisk -J "$IMAGE" | jq ".partitiontable.partitions[$1 - 1].start")
        mke2fs -q -t ext4 -d "$3" -E "offset=$((start * 512))" "$IMAGE" "$2"
}

from_image() {
        try berth -q "${opts[@]}" -i "$IMAGE" "$@"
}

# The type of the file system at $1.
type_at() {
        awk -v at="$1" '$5 == at { for (i = 7; i < NF; i++) if ($i == "-") print $(i + 1), $6 }' <<<"$output"
}

@test "an ext4 image: a command runs from it, and what it writes is there the next time" {
        make_image ext4
        from_image sh -c 'echo kept >/root/file; cat /proc/self/mountinfo'
        status_is 0
        [[ $(type_at /) == "ext4 rw"* ]]
        from_image cat /root/file
        output_is kept
        e2fsck -fn "$IMAGE" >/dev/null 2>&1
}

@test "what is removed inside is no longer allocated in the image" {
        local before
        make_image ext4
        from_image true
        before=$(stat -c %b "$IMAGE")
        from_image sh -c 'head -c 8000000 /dev/urandom >/root/file; sync'
        [ "$(stat -c %b "$IMAGE")" -gt $((before + 10000)) ]
        from_image sh -c 'rm /root/file; sync; cat /proc/self/mountinfo'
        output_matches ' / / .* - ext4 .*discard'
        # A journal's blocks come on top; the kernel may do it a moment later.
        for _ in {1..50}; do
                [ "$(stat -c %b "$IMAGE")" -ge $((before + 8000)) ] || break
                sleep 0.1
        done
        [ "$(stat -c %b "$IMAGE")" -lt $((before + 8000)) ]
}

@test "owners in the image are those inside, and the image has them as before" {
        make_image ext4
        from_image sh -c 'stat -c %u:%g /bin; touch /root/new; stat -c %u /root/new'
        output_is $'0:0\n0'
        opts=(--private-users=no)
        from_image sh -c 'stat -c %u:%g /bin /root/new'
        output_is $'0:0\n0:0'
}

@test "an image may have the longest of names" {
        make_image ext4
        mv "$IMAGE" "$work/$(printf 'n%.0s' {1..251}).raw"
        IMAGE=$(echo "$work"/nnn*.raw)
        from_image echo found
        output_is found
        opts=(-x)
        from_image echo found
        output_is found
}

@test "squashfs and erofs: read-only, and shared by two at once" {
        local kind
        for kind in squashfs erofs; do
                make_image "$kind"
                from_image cat /proc/self/mountinfo
                status_is 0
                [[ $(type_at /) == "$kind ro"* ]]
                start_berth -q -M "one-$kind" -i "$IMAGE" sh -c 'echo up; exec sleep 1000'
                await "$work/out" up
                opts=(-M "two-$kind")
                from_image echo shared
                stop_berth
                output_is shared
                opts=()
        done
}

@test "btrfs" {
        make_image btrfs
        from_image cat /proc/self/mountinfo
        status_is 0
        [[ $(type_at /) == "btrfs rw"* ]]
}

# A mount of the test's own: in its mount namespace, and gone before the guard looks.
make_xfs() {
        IMAGE=$work/xfs.raw
        truncate -s 300M "$IMAGE"
        mkfs.xfs -q "$IMAGE"
        mkdir "$work/mnt"
        mount -o loop "$IMAGE" "$work/mnt"
        cp -a "$TREE/." "$work/mnt"
        umount "$work/mnt"
}

@test "xfs" {
        grep -qw xfs /proc/filesystems || skip "this kernel has no xfs"
        make_xfs
        from_image sh -c 'echo kept >/root/file; cat /proc/self/mountinfo'
        status_is 0
        [[ $(type_at /) == "xfs rw"* ]]
        opts=(--read-only)
        from_image cat /root/file
        output_is kept
}

@test "f2fs: used where the kernel has it, and a word about the kernel where it has not" {
        IMAGE=$work/f2fs.raw
        truncate -s 64M "$IMAGE"
        mkfs.f2fs -q "$IMAGE" >/dev/null
        sload.f2fs -f "$TREE" "$IMAGE" >/dev/null
        try berth --inspect "$IMAGE"
        output_matches '^table +none: f2fs$'
        if ! grep -qw f2fs /proc/filesystems && ! modprobe -q f2fs 2>/dev/null; then
                status_is 1
                output_matches '^starts +no: .*this kernel has no f2fs'
                from_image true
                refused 'this kernel has no f2fs'
                return
        fi
        output_matches '^starts +yes$'
        from_image sh -c 'echo kept >/root/file; stat -c %u:%g /bin; cat /proc/self/mountinfo'
        status_is 0
        line_is 0:0
        [[ $(type_at /) == "f2fs rw"* ]]
        for opts in --read-only --ephemeral; do
                from_image cat /root/file
                output_is kept
        done
}

@test "erofs is read straight from the file, bare or in a partition, where the kernel can" {
        make_image erofs
        from_image awk '$5 == "/"' /proc/self/mountinfo
        if ! [[ $output == *" /proc/self/fd/"* ]]; then skip "this kernel has no erofs on files"; fi
        local small=$IMAGE
        make_disk "size=8M, type=$HOME_TYPE" "size=32M, type=$ROOT_TYPE"
        mkdir "$work/home"
        fill 1 8M "$work/home"
        dd if="$small" of="$IMAGE" bs=512 conv=notrunc status=none \
                seek="$(sfdisk -J "$IMAGE" | jq '.partitiontable.partitions[1].start')"
        from_image sh -c 'awk "\$5 == \"/\"" /proc/self/mountinfo; touch /home/new'
        status_is 0
        output_has " /proc/self/fd/"
}

@test "growfs: a file system becomes as large as its partition, if its flag says so and it is writable" {
        local kind start
        for kind in ext4 btrfs xfs; do
                grep -qw "$kind" /proc/filesystems || continue
                rm -f "$work"/*.raw
                case $kind in
                ext4) size=32M make_image ext4 ;;
                btrfs) make_image btrfs ;;
                xfs) make_xfs ;;
                esac
                local small=$IMAGE
                IMAGE=$work/disk.raw
                truncate -s 600M "$IMAGE"
                printf '%s\n' "label: gpt" "size=500M, type=$ROOT_TYPE, attrs=\"GUID:59\"" | sfdisk -q "$IMAGE"
                start=$(sfdisk -J "$IMAGE" | jq '.partitiontable.partitions[0].start')
                dd if="$small" of="$IMAGE" bs=512 seek="$start" conv=notrunc,sparse status=none
                opts=(--read-only)
                from_image sh -c 'df -m / | tail -n 1'
                status_is 0
                [ "$(awk '{ print $2 }' <<<"$output")" -lt 330 ]
                opts=(--image-grow=no)
                from_image sh -c 'df -m / | tail -n 1'
                [ "$(awk '{ print $2 }' <<<"$output")" -lt 330 ]
                opts=()
                try berth -i "$IMAGE" sh -c 'df -m / | tail -n 1'
                status_is 0
                # The kernel wants CAP_SYS_RESOURCE for this one.
                if [ $kind = ext4 ] && (( (0x$(awk '/^CapEff/ { print $2 }' /proc/self/status) >> 24 & 1) == 0 )); then
                        errors_has "root partition of the image shall grow, and its ext4 does not: Operation not permitted"
                        continue
                fi
                [ "$(awk '{ print $2 }' <<<"$output")" -gt 400 ]
        done
}

# unclean: the ext4 of $IMAGE says that it was not unmounted.
unclean() {
        debugfs -w -R 'set_super_value state 0' "$IMAGE" 2>/dev/null
        [ "$(state)" = "not clean" ]
}

state() {
        LC_ALL=C dumpe2fs -h "$IMAGE" 2>/dev/null | sed -n 's/^Filesystem state: *//p'
}

@test "fsck: what was not left clean is checked, and mended as far as that takes no decision" {
        make_image ext4
        unclean
        debugfs -w -R 'set_super_value free_blocks_count 1' "$IMAGE" 2>/dev/null
        try berth -i "$IMAGE" cat /etc/hostname
        status_is 0
        output_is tree-hostname
        errors_has 'the root partition of the image was not left clean: fsck.ext4 has mended it'
        [ "$(state)" = clean ]
        e2fsck -fn "$IMAGE" >/dev/null 2>&1
        # And what was left clean is not looked at.
        try berth -i "$IMAGE" true
        status_is 0
        errors_lacks fsck
}

# acts_on FILE: would e2fsck -p do more to it than to say that it is clean?
acts_on() {
        local said
        said=$(LC_ALL=C e2fsck -p "$1" 2>&1) || return 0
        [[ $said == *$'\n'* || $said != *": clean, "* ]]
}

@test "fsck: it is run on those ext4 on which e2fsck -p would act, as far as their superblocks tell, and on no others" {
        local name commands bad=() seen=0
        make_image ext4
        mv "$IMAGE" "$work/clean"
        while IFS='|' read -r name commands; do
                cp "$work/clean" "$IMAGE"
                (eval "${commands//IMAGE/\"$IMAGE\"}") >/dev/null 2>&1 || bad+=("$name: cannot be made")
                cp "$IMAGE" "$work/copy"
                try berth --dry-run -i "$IMAGE" true
                if [[ $output == *"fsck.ext4 will check it"* ]]; then
                        acts_on "$work/copy" || bad+=("$name: it is run for nothing")
                        seen=$((seen + 1))
                elif acts_on "$work/copy"; then
                        bad+=("$name: it is not run")
                fi
        done < <(sed -E 's/ *\| */|/; s/set ([^;]*)/debugfs -w -R "set_super_value \1" IMAGE/g; s/feature ([^;]*)/debugfs -w -R "feature \1" IMAGE/' <<'END'
clean                       | true
not unmounted               | set state 0
with errors                 | set state 3
on its way to be recovered  | set state 5
journal to be replayed      | feature needs_recovery
mounted as often as it may  | tune2fs -c 3 -C 3 IMAGE
once less                   | tune2fs -c 3 -C 2 IMAGE
as often as one likes       | tune2fs -c -1 -C 100 IMAGE
the same, from of old       | set max_mnt_count 32768; set mnt_count 32769
checked too long ago        | tune2fs -i 1d -T 20200101 IMAGE
checked in days to come     | tune2fs -i 30d -T 20990101 IMAGE
the same without a limit    | tune2fs -T 20990101 IMAGE
mounted in days to come     | set mtime 20990101
a file was being removed    | set last_orphan 12
or one that cannot be       | set last_orphan 999999
files in the file for that  | tune2fs -O orphan_file IMAGE; feature orphan_present
the file for that, empty    | tune2fs -O orphan_file IMAGE
how to hash is not said     | set flags 0
more free than there is     | set free_blocks_count 999999
errors long ago             | set error_count 3
no journal                  | tune2fs -O ^has_journal IMAGE
nothing to replay it from   | tune2fs -O ^has_journal IMAGE; feature needs_recovery
another name                | tune2fs -L new IMAGE
END
        )
        printf '%s\n' "${bad[@]}" >&2
        [ "${#bad[@]}" = 0 ]
        [ "$seen" -ge 10 ]
}

@test "fsck: in a partition, too, and with a copy it is the copy that is mended" {
        make_disk "size=40M, type=$ROOT_TYPE"
        fill 1 32M "$TREE"
        local whole=$IMAGE start
        start=$(sfdisk -J "$IMAGE" | jq '.partitiontable.partitions[0].start')
        IMAGE=$work/part.raw
        dd if="$whole" of="$IMAGE" bs=512 skip="$start" count=65536 status=none
        unclean
        dd if="$IMAGE" of="$whole" bs=512 seek="$start" conv=notrunc status=none
        try berth -x -i "$whole" true
        status_is 0
        try berth --dry-run -i "$whole" true
        status_is 0
        output_has 'was not left clean: fsck.ext4 will check it'
        try berth -i "$whole" cat /etc/hostname
        output_is tree-hostname
        errors_has 'fsck.ext4 has mended it'
        dd if="$whole" of="$IMAGE" bs=512 skip="$start" count=65536 status=none
        [ "$(state)" = clean ]
}

@test "fsck: what takes a decision is refused, unless the image is only read, or the check is not wanted" {
        local block
        IMAGE=$work/ext4.raw
        truncate -s 32M "$IMAGE"
        mke2fs -q -t ext4 -O ^extent,^64bit -d "$TREE" "$IMAGE"
        # Two files that claim the same block.
        block=$(debugfs -R 'blocks /etc/passwd' "$IMAGE" 2>/dev/null | tr -d ' ')
        debugfs -w -R "set_inode_field /etc/group block[0] $block" "$IMAGE" 2>/dev/null
        unclean
        from_image true
        refused 'the ext4 of the root partition is damaged, and fsck.ext4 does not mend it by itself'
        errors_has 'fsck it by hand'
        opts=(--read-only)
        from_image cat /etc/hostname
        output_is tree-hostname
        opts=(--image-fsck=no)
        from_image cat /etc/hostname
        output_is tree-hostname
}

@test "fsck: without one, or one that does not work, one line says so" {
        local program
        make_image ext4
        program=$(readlink -f "$(command -v fsck.ext4)")
        unclean
        mount --bind /dev/null "$program"
        try berth -i "$IMAGE" cat /etc/hostname
        umount "$program"
        output_is tree-hostname
        errors_has 'there is no fsck.ext4 here to check it'
        unclean
        printf '#!/bin/sh\nexit 8\n' >"$work/fake"
        chmod 0755 "$work/fake"
        mount --bind "$work/fake" "$program"
        try berth -i "$IMAGE" cat /etc/hostname
        umount "$program"
        output_is tree-hostname
        errors_has 'fsck.ext4 did not work (status 8): it is used unchecked'
}

@test "fsck: it is nobody, has no rights and one device, and can make nothing" {
        local program
        make_image ext4
        program=$(readlink -f "$(command -v fsck.ext4)")
        unclean
        install -m 0755 "$helpers/inside" /run/inside-checker
        printf '#!/run/inside-checker checker\n' >"$work/fake"
        chmod 0755 "$work/fake"
        mount --bind "$work/fake" "$program"
        try berth -i "$IMAGE" true
        umount "$program"
        rm /run/inside-checker
        status_is 0
        output=$(head -c 1024 "$IMAGE" | tr -d '\0')
        line_is $'Uid:\t65534\t65534\t65534\t65534'
        line_is $'CapPrm:\t0000000000000000'
        line_is $'CapEff:\t0000000000000000'
        line_is $'NoNewPrivs:\t1'
        line_is $'Seccomp:\t2'
        line_is 'fork 0'
        line_is 'socket 0'
        line_is 'file 0'
        line_is 'disk 0'
        line_is 'fds 0'
        line_is 'args 3 -p'
}

@test "--image-file-systems: what is not in the list is not mounted" {
        make_image squashfs
        opts=(--image-file-systems=ext4:erofs)
        from_image true
        refused "a file system that is not allowed: squashfs"
        opts=(--image-file-systems=ext4,squashfs)
        from_image echo here
        output_is here
        opts=()
        SYSTEMD_DISSECT_FILE_SYSTEMS=btrfs:swap from_image true
        refused "a file system that is not allowed: squashfs"
        opts=(--image-file-systems=ext4:ntfs3)
        from_image true
        refused "not a list of file systems"
        opts=(--image-file-systems=swap)
        from_image true
        refused "nothing could be mounted"
}

@test "an ext4 whose superblock asks for a panic of the kernel does not get one" {
        make_image ext4
        tune2fs -e panic "$IMAGE" >/dev/null
        from_image cat /proc/self/mountinfo
        status_is 0
        output_lacks errors=panic
}

@test "busybox boots from an image, restarts in place, and powers off" {
        make_image ext4
        on_terminal 'expect=PID 1 is busybox' 'expect=# ' 'send=reboot\r' 'expect=PID 1 is busybox' 'expect=# ' \
                'send=poweroff\r' -- "$BERTH" -q -bi "$IMAGE"
        status_is 0
        output_has "busybox init goes down"
}

@test "busybox boots from each other file system there is for images, and powers off" {
        local kind
        for kind in squashfs erofs btrfs xfs; do
                if [ "$kind" = xfs ]; then make_xfs; else make_image "$kind"; fi
                on_terminal 'expect=PID 1 is busybox' 'expect=# ' 'send=grep " / " /proc/mounts\r' "expect= / $kind " 'expect=# ' \
                        'send=poweroff\r' -- "$BERTH" -q -bi "$IMAGE"
                status_is 0
                output_has "busybox init goes down"
        done
}

@test "trixie boots from an ext4 image to multi-user with no failed unit" {
        need_tree trixie
        size=700M make_image ext4
        limit=60
        on_terminal 'expect=login:' 'send=root\r' 'expect=# ' \
                'send=systemctl is-system-running --wait; systemctl --failed --no-legend --no-pager | sed s/^/FAILED:/; echo done-$((1+1))\r' \
                'expect=done-2' 'send=systemctl poweroff\r' -- "$BERTH" -q -bi "$IMAGE"
        status_is 0
        plain_output
        output_matches '^running'
        never grep '^FAILED:' <<<"$output"
}

@test "an image that systemd-repart makes, itself in a container, boots: root, home and var" {
        mkdir "$work/out" "$work/defs" "$work/home"
        echo home >"$work/home/which"
        printf '[Partition]\nType=root\nFormat=ext4\nCopyFiles=/\nMinimize=guess\nLabel=os_1\n' >"$work/defs/10-root.conf"
        printf '[Partition]\nType=home\nFormat=squashfs\nCopyFiles=/home:/\nMinimize=best\nReadOnly=yes\n' >"$work/defs/20-home.conf"
        printf '[Partition]\nType=var\nFormat=ext4\nSizeMinBytes=16M\nSizeMaxBytes=16M\n' >"$work/defs/30-var.conf"
        cp -a "$TREE" "$work/src"
        cp "$work/home/which" "$work/src/home/which"
        need_tree repart
        limit=120
        try berth -q --read-only --private-users=no --console=pipe --bind-ro="$work/src:/mnt" --bind-ro="$work/defs:/media" \
                --bind="$work/out:/opt" -D "$TREE" \
                /usr/bin/env TMPDIR=/tmp systemd-repart --offline=yes --empty=create --size=auto --dry-run=no --definitions=/media --copy-source=/mnt /opt/os.raw
        status_is 0
        IMAGE=$work/out/os.raw
        try berth --inspect "$IMAGE" --json
        status_is 0
        [ "$(jq -r '[.partitions[] | select(.used) | .role + " " + .fileSystem] | sort | join(", ")' <<<"$output")" = "home squashfs, root ext4, var ext4" ]
        from_image sh -c 'cat /home/which; echo kept >/var/kept; cat /var/kept; grep -E " /(home|var) " /proc/self/mountinfo'
        line_is home
        line_is kept
        [[ $(type_at /home) == "squashfs ro"* ]]
        [[ $(type_at /var) == "ext4 rw"* ]]
        on_terminal 'expect=PID 1 is busybox' 'expect=# ' 'send=cat /var/kept; poweroff\r' -- "$BERTH" -q -bi "$IMAGE"
        status_is 0
        output_has kept
}

@test "the same by the other name" {
        make_image ext4
        try strict -q -i "$IMAGE" sh -c 'hostname; cat /proc/self/mountinfo'
        status_is 0
        line_is ext4
        [[ $(type_at /) == "ext4 rw"* ]]
}

@test "GPT: the newest root by its label, home and var in their places, and the boot partition left out" {
        make_disk "size=8M, type=$ESP_TYPE" "size=32M, type=$ROOT_TYPE, name=os_9" "size=32M, type=$ROOT_TYPE, name=os_10" \
                "size=8M, type=$HOME_TYPE" "size=8M, type=$VAR_TYPE, attrs=\"GUID:60\""
        mkdir "$work/home" "$work/var"
        echo home >"$work/home/which"
        echo var >"$work/var/which"
        fill 3 32M "$TREE"
        fill 4 8M "$work/home"
        fill 5 8M "$work/var"
        try berth -i "$IMAGE" sh -c 'cat /home/which /var/which; echo new >/home/new; echo new >/var/new; cat /proc/self/mountinfo' 2>&1
        line_is home
        line_is var
        errors_has "the esp partition of the image is left out"
        errors_has "Read-only file system"
        [[ $(type_at /home) == "ext4 rw,nodev"* ]]
        [[ $(type_at /var) == "ext4 ro,nodev"* ]]
        from_image cat /home/new
        output_is new
        try berth --dry-run=json -i "$IMAGE"
        [ "$(jq -r .root.image <<<"$output")" = "gpt, partition 3, ext4" ]
}

@test "GPT: hash data and signature go by versions, too: those of the newest root are its" {
        local verity
        verity=$(case $(uname -m) in x86_64) echo 2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5 ;; *) echo DF3300CE-D69F-4C92-978C-9BFB0F38D820 ;; esac)
        make_disk "size=8M, type=$verity, name=os_9_verity, uuid=00000000-0000-0000-0000-000000000001" \
                "size=32M, type=$ROOT_TYPE, name=os_9, uuid=00000000-0000-0000-0000-000000000002" \
                "size=32M, type=$ROOT_TYPE, name=os_10, uuid=11111111-1111-1111-1111-111111111111" \
                "size=8M, type=$verity, name=os_10_verity, uuid=22222222-2222-2222-2222-222222222222"
        fill 2 32M "$TREE"
        fill 3 32M "$TREE"
        try berth --inspect "$IMAGE" --json --image-policy=root=verity
        [ "$(jq -r .verity.rootHash <<<"$output")" = 1111111111111111111111111111111122222222222222222222222222222222 ]
        [ "$(jq -r .verity.source <<<"$output")" = "UUIDs of the partitions" ]
        try berth --inspect "$IMAGE" --json
        [ "$(jq -r .verity <<<"$output")" = null ]
}

@test "GPT with sectors of 4096 bytes" {
        "$top/test/lib/bad-images" "$work" --large-sectors "$ROOT_TYPE"
        IMAGE=$work/large.raw
        mke2fs -q -t ext4 -b 4096 -d "$TREE" -E offset=65536 "$IMAGE" 32M
        from_image echo found
        line_is found
}

# $work/root and $work/usr: the tree as two.
split_tree() {
        cp -a "$TREE/usr" "$work/usr"
        cp -a "$TREE" "$work/root"
        rm -rf "${work:?}/root/usr"
        mkdir "$work/root/usr"
}

@test "GPT: root and usr in partitions of their own; and usr alone, with a root that is gone at the end" {
        split_tree
        make_disk "size=16M, type=$ROOT_TYPE" "size=32M, type=$USR_TYPE"
        fill 1 16M "$work/root"
        fill 2 32M "$work/usr"
        from_image sh -c 'echo new >/root/new; cat /root/new; cat /proc/self/mountinfo'
        status_is 0
        line_is new
        [[ $(type_at /usr) == "ext4 rw,nodev"* ]]
        rm "$IMAGE"
        make_disk "size=32M, type=$USR_TYPE"
        fill 1 32M "$work/usr"
        from_image sh -c 'echo new >/root/new; cat /root/new; cat /proc/self/mountinfo'
        status_is 0
        line_is new
        [[ $(type_at /) == "tmpfs rw,nodev"* ]]
        [[ $(type_at /usr) == "ext4 rw,nodev"* ]]
        try berth --inspect "$IMAGE"
        status_is 0
        output_matches '^os +Berth test tree'
        # The root is berth's own, and read-only for the payload.
        local how
        for how in --read-only --volatile=state; do
                opts=("$how")
                from_image sh -c 'ls /bin/sh; touch /root/new /usr/new; touch /var/new && echo var'
                line_is /bin/sh
                [ "$(grep -c 'Read-only file system' <<<"$errors")" = "$([ $how = --read-only ] && echo 3 || echo 2)" ]
        done
        line_is var
        opts=(--volatile=overlay)
        from_image sh -c 'touch /root/new /usr/new && echo both'
        output_is both
}

@test "GPT: a root that the first start is to fill has no usr yet: the place for it is made, where something may be" {
        local before
        split_tree
        mkdir "$work/empty"
        make_disk "size=16M, type=$ROOT_TYPE" "size=32M, type=$USR_TYPE"
        fill 1 16M "$work/empty"
        fill 2 32M "$work/usr"
        before=$(sha256sum <"$IMAGE")
        try berth --inspect "$IMAGE"
        output_matches '^os +Berth test tree'
        output_matches '^starts +yes$'
        try berth --dry-run -i "$IMAGE" /usr/bin/sh
        status_is 0
        opts=(--read-only)
        from_image true
        refused "has no directory /usr to mount its usr partition on"
        for opts in --ephemeral --volatile=overlay --volatile=yes; do
                from_image sh -c 'echo new >/new; cat /new; ls /usr/bin/sh'
                output_is $'new\n/usr/bin/sh'
        done
        [ "$(sha256sum <"$IMAGE")" = "$before" ]
        opts=()
        from_image /usr/bin/sh -c 'echo kept >/kept; cat /proc/self/mountinfo'
        status_is 0
        [[ $(type_at /) == "ext4 rw"* ]]
        [[ $(type_at /usr) == "ext4 rw,nodev"* ]]
        opts=(--read-only)
        from_image /usr/bin/sh -c 'cat /kept'
        output_is kept
}

@test "what the host has to open first, and a root that nothing names, are told with the command that helps" {
        local plain=0FC63DAF-8483-4772-8E79-3D69D8477DE4
        make_disk "size=32M, type=$plain" "size=8M, type=E6D6D379-F507-44C2-A23C-238F2A3DF928"
        fill 1 32M "$TREE"
        opts=()
        try berth -i "$IMAGE" echo found
        output_is found
        errors_has "partition 2 of the image is left out: it is for LVM"
        rm "$IMAGE"
        make_disk "size=8M, type=$ESP_TYPE" "size=32M, type=$plain" "size=32M, type=$plain"
        fill 2 32M "$TREE"
        from_image true
        refused "2 partitions of the plain Linux kind"
        # What it says is what it takes.
        sh -c "$(sed -n 's/.*\(sfdisk --part-type FILE NUMBER [^)]*\).*/\1/p' <<<"$errors" | sed "s,FILE NUMBER,$IMAGE 2,")" >/dev/null 2>&1
        from_image echo found
        output_is found
        rm "$IMAGE"
        label='label: dos' make_disk "size=8M, type=c" "size=32M, type=83"
        fill 2 32M "$TREE"
        from_image true
        refused "no partition that could be the root"
        sh -c "$(sed -n 's/.*\(sfdisk --activate FILE 2\).*/\1/p' <<<"$errors" | sed "s,FILE,$IMAGE,")" >/dev/null 2>&1
        from_image echo found
        output_is found
}

@test "a root that only its flag keeps from being used, and a kernel or place that cannot mount it, are told with what helps" {
        make_disk "size=32M, type=$ROOT_TYPE, attrs=\"GUID:63\""
        fill 1 32M "$TREE"
        from_image true
        refused "no-auto"
        sh -c "$(sed -n 's/.*\(sfdisk --part-attrs FILE 1 [^)]*\).*/\1/p' <<<"$errors" | sed "s,FILE,$IMAGE,")" >/dev/null 2>&1
        from_image echo found
        output_is found
        # shellcheck disable=SC2016 # its own $@
        try unshare -m --propagation private sh -c 'mount -t tmpfs x /dev; exec "$@"' sh "$BERTH" -q -i "$IMAGE" true
        refused "there is no /dev/loop-control"
        # shellcheck disable=SC2016 # its own $@
        try bash -c 'ulimit -n 16; exec "$@"' bash "$BERTH" -q -i "$IMAGE" true
        refused "see ulimit -n"
        errors_lacks "damaged"
        # A feature that no kernel has yet.
        /usr/bin/python3 -c 'import sys; f = open(sys.argv[1], "r+b"); f.seek((1 << 20) + 1024 + 0x64); f.write(b"\0\0\0\x40")' "$IMAGE"
        from_image true
        refused "cannot mount partition 1 (root)"
        errors_has "this kernel lacks a feature of it"
}

@test "a GPT whose beginning is damaged is read from its end, and one line says so" {
        make_disk "size=32M, type=$ROOT_TYPE"
        fill 1 32M "$TREE"
        printf x | dd of="$IMAGE" bs=1 seek=530 conv=notrunc status=none
        try berth -i "$IMAGE" echo found
        output_is found
        errors_has "its copy at the end is used"
}

@test "a single partition of the plain Linux kind, and one of an old-style table that is bootable" {
        make_disk "size=32M, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4"
        fill 1 32M "$TREE"
        from_image echo gpt
        output_is gpt
        rm "$IMAGE"
        label='label: dos' make_disk "size=32M, type=83, bootable"
        fill 1 32M "$TREE"
        from_image echo mbr
        output_is mbr
}

@test "--read-only writes nothing into the image, which others may share" {
        local before
        make_image ext4
        before=$(sha256sum <"$IMAGE")
        start_berth -q --read-only -M one -i "$IMAGE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        opts=(--read-only -M two)
        from_image sh -c 'echo x >/root/x; echo here'
        output_is here
        errors_has "Read-only file system"
        opts=(-M three)
        from_image true
        refused "is currently busy"
        stop_berth
        [ "$(sha256sum <"$IMAGE")" = "$before" ]
}

@test "--volatile and --ephemeral: the image is not written to, and shared" {
        local before mode
        make_image ext4
        before=$(sha256sum <"$IMAGE")
        start_berth -q --read-only -M one -i "$IMAGE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        for mode in state overlay; do
                opts=("--volatile=$mode" -M two)
                from_image sh -c 'echo new >/var/new; cat /var/new'
                output_is new
        done
        opts=(--ephemeral -M two)
        from_image sh -c 'echo new >/root/new; cat /root/new'
        output_is new
        stop_berth
        [ "$(sha256sum <"$IMAGE")" = "$before" ]
}

@test "--ephemeral: all partitions can be written to, through a reboot, and the image stays as it is" {
        local before
        make_disk "size=32M, type=$ROOT_TYPE" "size=8M, type=$VAR_TYPE" "size=8M, type=$HOME_TYPE, attrs=\"GUID:60\""
        mkdir "$work/var" "$work/home"
        echo var >"$work/var/which"
        fill 1 32M "$TREE"
        fill 2 8M "$work/var"
        fill 3 8M "$work/home"
        before=$(sha256sum <"$IMAGE")
        for opts in --ephemeral --volatile=overlay; do
                from_image sh -c 'cat /var/which; echo new >/var/which; cat /var/which; echo new >/home/new; echo x >/etc/new; stat -c %u /var'
                output_is $'var\nnew\n0'
                errors_has "Read-only file system"
        done
        opts=(--ephemeral)
        on_terminal 'expect=# ' 'send=echo one >/var/new; echo two >/etc/new; reboot\r' 'expect=PID 1 is busybox' 'expect=# ' \
                'send=echo "[$(cat /var/new)$(cat /etc/new)]"; poweroff\r' -- "$BERTH" -q -x -bi "$IMAGE"
        status_is 0
        output_has "[onetwo]"
        [ "$(sha256sum <"$IMAGE")" = "$before" ]
}

@test "--ephemeral where files can share blocks: a copy without a name, also of an image that is in use" {
        local before
        make_image ext4
        truncate -s 400M "$work/volume"
        mkfs.btrfs -q "$work/volume" 2>/dev/null
        mkdir "$work/mnt"
        mount -o loop "$work/volume" "$work/mnt"
        mv "$IMAGE" "$work/mnt/os.raw"
        IMAGE=$work/mnt/os.raw
        before=$(sha256sum <"$IMAGE")
        opts=(-x -M one)
        try berth --dry-run "${opts[@]}" -i "$IMAGE" true
        local dry=$output
        from_image sh -c 'echo new >/root/new; cat /root/new; cat /proc/self/mountinfo'
        local first=$output
        local same=no names
        if [ "$(sha256sum <"$IMAGE")" = "$before" ]; then same=yes; fi
        start_berth -q -M two -i "$IMAGE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        from_image sh -c 'ls /root; echo beside'
        local second=$output
        stop_berth
        names=$(ls -A "$work/mnt")
        umount "$work/mnt"
        output=$dry
        output_has "made by    reflinks of"
        output=$first
        line_is new
        [[ $(type_at /) == "ext4 rw"* ]]
        [ "$same" = yes ]
        [ "$second" = beside ]
        [ "$names" = os.raw ]
}

@test "--ephemeral where there are neither shared blocks nor overlays: a full copy, and nothing stays of it" {
        local before
        make_image ext4
        before=$(sha256sum <"$IMAGE")
        try strace -o "$work/trace" -e trace=fsopen -e inject=fsopen:error=ENODEV:when=3 \
                "$BERTH" -x -i "$IMAGE" sh -c 'echo new >/root/new; cat /root/new; cat /proc/self/mountinfo'
        grep -q 'fsopen("overlay".*INJECTED' "$work/trace"
        status_is 0
        line_is new
        errors_has "is copied as a whole"
        [[ $(type_at /) == "ext4 rw"* ]]
        [ "$(sha256sum <"$IMAGE")" = "$before" ]
        [ "$(find "$work" -name '.#*' | wc -l)" = 0 ]
}

@test "an image in use is busy, for a start that would write and for one that would not" {
        make_image ext4
        start_berth -q -i "$IMAGE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        from_image true
        refused "Disk image $IMAGE is currently busy"
        errors_has "--read-only lets several share it"
        opts=(--read-only)
        from_image true
        refused "Disk image $IMAGE is currently busy"
        errors_has "writes to it, and must end first"
        stop_berth
        # Another program's lock counts too.
        exec {lock}<"$IMAGE"
        flock -x "$lock"
        from_image true
        refused "is currently busy"
        exec {lock}<&-
        from_image echo free
        output_is free
}

@test "an image that the host has mounted is busy, although mount(8) takes no lock, for a start that would write" {
        make_image ext4
        mkdir "$work/mnt"
        mount -o loop "$IMAGE" "$work/mnt"
        try berth -q -i "$IMAGE" true
        local first=$errors
        try berth -q --read-only -i "$IMAGE" echo read
        local second=$output
        umount "$work/mnt"
        [[ $first == *"is currently busy"* ]] || fail "$first"
        [ "$second" = read ]
        # One that only reads is in nobody's way.
        mount -o loop,ro "$IMAGE" "$work/mnt"
        try berth -q -i "$IMAGE" echo written
        local third=$output
        umount "$work/mnt"
        [ "$third" = written ]
        try berth -q -i "$IMAGE" echo free
        output_is free
}

@test "a file that nobody may write to, and one of a read-only file system, are used read-only" {
        make_image ext4
        chmod a-w "$IMAGE"
        opts=()
        from_image cat /proc/self/mountinfo
        status_is 0
        [[ $(type_at /) == "ext4 ro"* ]]
}

@test "a block device: used like a file, and refused while it is mounted" {
        local device
        make_image ext4
        device=$(losetup --find --show "$IMAGE")
        IMAGE=$device
        opts=(-M block)
        from_image sh -c 'echo kept >/root/file; echo done'
        local first=$output
        mkdir "$work/mnt"
        mount "$device" "$work/mnt"
        from_image true
        local second=$errors content
        content=$(<"$work/mnt/root/file")
        umount "$work/mnt"
        losetup -d "$device"
        [ "$first" = "done" ]
        [[ $second == *"Device or resource busy"* ]]
        [ "$content" = kept ]
}

@test "who does not write does not look for others who do" {
        local kind
        for kind in squashfs erofs ext4; do
                make_image "$kind"
                strace -f -o "$work/calls" -e trace=openat "$BERTH" -q -i "$IMAGE" true
                if [ "$kind" = ext4 ]; then grep -q '"/sys/block"' "$work/calls"; else never grep -q '"/sys/block"' "$work/calls"; fi
        done
        strace -f -o "$work/calls" -e trace=openat "$BERTH" -q --read-only -i "$IMAGE" true
        never grep -q '"/sys/block"' "$work/calls"
}

# ahead WORD...: the calls that read something ahead in such a start; sets first, the launcher's number.
ahead() {
        strace -f -o "$work/calls" -e trace=fadvise64,execve "$BERTH" -q "$@" >/dev/null
        first=$(awk 'NR == 1 { print $1 }' "$work/calls")
        grep POSIX_FADV_WILLNEED "$work/calls" >"$work/ahead" || true
}

@test "what an image is to run is read ahead, by a thread that waits for nothing and nobody" {
        local word first
        make_image ext4
        for word in true /bin/true /usr/bin/../bin/true; do
                ahead -i "$IMAGE" "$word"
                [ -s "$work/ahead" ]
                never grep -q "^$first " "$work/ahead"
        done
        # A shell; a directory, whose files are in memory or will be; what only looks; what is not there, or no file.
        ahead -i "$IMAGE" </dev/null
        [ -s "$work/ahead" ]
        ahead -D "$TREE" true
        [ ! -s "$work/ahead" ]
        ahead --dry-run -i "$IMAGE" true
        [ ! -s "$work/ahead" ]
        for word in no-such-command /usr ./true; do
                ahead -i "$IMAGE" "$word" 2>/dev/null || true
                [ ! -s "$work/ahead" ]
        done
        # Where there can be no thread.
        try strace -o "$work/calls" -e trace=clone -e inject=clone:error=EAGAIN "$BERTH" -q -i "$IMAGE" echo here
        output_is here
}

@test "a block device that cannot be written to is used read-only" {
        local device kind
        make_image ext4
        device=$(losetup --find --show --read-only "$IMAGE")
        try berth -q -i "$device" cat /proc/self/mountinfo
        losetup -d "$device"
        status_is 0
        kind=$(type_at /)
        [[ $kind == "ext4 ro"* ]]
}

@test "-M finds NAME.raw, and its settings file" {
        make_image ext4
        mv "$IMAGE" /var/lib/machines/found.raw
        printf '[Exec]\nEnvironment=FROM=file\n' >/var/lib/machines/found.nspawn
        try berth -q -M found sh -c 'echo "$FROM"; hostname'
        rm /var/lib/machines/found.raw /var/lib/machines/found.nspawn
        output_is $'file\nfound'
}

@test "--image-policy: what is not as it must be is refused by its name, before anything is mounted" {
        make_disk "size=32M, type=$ROOT_TYPE" "size=8M, type=$HOME_TYPE"
        fill 1 32M "$TREE"
        mkdir "$work/home"
        echo home >"$work/home/which"
        fill 2 8M "$work/home"
        opts=(--image-policy=root=unprotected:home=absent)
        from_image true
        refused "partition 2 (home) must not be there"
        opts=(--image-policy=root=unprotected:home=encrypted)
        from_image true
        refused "partition 2 (home) is not protected as it must be"
        opts=(--image-policy=root=unprotected:srv=unprotected)
        from_image true
        refused "the srv partition is missing"
        opts=(--image-policy=root=unprotected+read-only-on:=ignore)
        from_image true
        refused "partition 1 (root) has the wrong read-only flag"
        opts=(--image-policy=root=verity)
        from_image true
        refused "partition 1 (root) is not protected as it must be"
        opts=(--image-policy=root=xfs+btrfs)
        from_image true
        refused "partition 1 (root) has a file system of another type"
        # Left alone, as if it were not there.
        opts=(--image-policy=root=unprotected:home=unused)
        from_image sh -c 'ls /home'
        status_is 0
        output_lacks which
        opts=('--image-policy=*')
        from_image cat /home/which
        output_is home
}

@test "--inspect: what there is, what is used, and why it does not start" {
        make_disk "size=8M, type=$ESP_TYPE" "size=32M, type=$ROOT_TYPE, name=os_1" "size=8M, type=$HOME_TYPE"
        fill 2 32M "$TREE"
        mkdir "$work/home"
        fill 3 8M "$work/home"
        try berth --inspect "$IMAGE"
        status_is 0
        output_matches '^ +2 +root .*32M +ext4 +used +"os_1"$'
        output_matches '^init +/sbin/init \(busybox\)$'
        output_matches '^starts +yes$'
        try berth --inspect "$IMAGE" --json --image-policy=root=unprotected:home=absent
        status_is 1
        [ "$(jq -r '.partitions | map(.role) | join(" ")' <<<"$output")" = "esp root home" ]
        [ "$(jq -r .starts <<<"$output")" = false ]
        [[ $(jq -r .whyNot <<<"$output") == *"partition 3 (home) must not be there"* ]]
        try berth --inspect "$IMAGE" --json --image-policy=root=unprotected+ext4:home=verity:esp=absent:usr=verity
        status_is 1
        [ "$(jq -r '.partitions | map([.number, .allowed, .used] | join(" ")) | join(", ")' <<<"$output")" = "1 false false, 2 true true, 3 false false" ]
        [ "$(jq -r '.objections | map([.role, .partition, .rule] | join(" ")) | join(", ")' <<<"$output")" = "usr  usr=verity, home 3 home=verity, esp 1 esp=absent, usr-verity  usr-verity=unprotected" ]
        [[ $(jq -r '.partitions[2].whyNot' <<<"$output") == *"partition 3 (home) is not protected as it must be"* ]]
        [[ $(jq -r .whyNot <<<"$output") == *"the usr partition is missing"* ]]
        try berth --inspect "$IMAGE" --image-policy=root=unprotected+ext4:home=verity:esp=absent
        output_matches '^ +1 +esp .* refused$'
        output_matches '^ +2 +root .* used '
        output_matches '^refused by home=verity: .*partition 3 \(home\) is not protected as it must be'
        output_matches '^refused by esp=absent: .*partition 1 \(esp\) must not be there'
        output_matches '^starts +no: .*partition 3'
        # What cannot be mounted does not start; what has no init does not boot.
        fresh_tree
        rm "$TREE/sbin/init"
        mke2fs -q -t ext4 -d "$TREE" "$work/odd.raw" 32M
        try berth --inspect "$work/odd.raw"
        status_is 0
        output_matches '^init +none: not with --boot$'
        output_matches '^starts +yes$'
        try berth -b --inspect "$work/odd.raw"
        status_is 1
        output_matches '^starts +no: .*has no init'
        # Flags of features that no kernel has: s_feature_incompat, and without a checksum that would give it away.
        mke2fs -q -t ext4 -O ^metadata_csum -d "$TREE" "$work/odd.raw" 32M
        printf '\x42\x02\x00\x40' | dd of="$work/odd.raw" bs=1 seek=$((1024 + 96)) conv=notrunc status=none
        try berth --inspect "$work/odd.raw"
        status_is 1
        output_matches '^starts +no: .*cannot mount the file system'
        try berth --inspect "$TREE"
        refused "is a directory"
        # Not root, and not even able to write.
        make_open_place "$IMAGE" "$BERTH" "$build/src/berth-blkid"
        as_nobody "$open_place/berth" --inspect "$open_place/disk.raw"
        status_is 0
        output_matches '^starts +perhaps: only root can mount it to look$'
        as_nobody "$open_place/berth" --inspect "$open_place/disk.raw" --json
        [ "$(jq -r '[.starts, .unless] | join(" ")' <<<"$output")" = " only root can mount it to look" ]
}

@test "malformed images: each has one clear error, and leaves nothing" {
        local file words n=0 bad=()
        while IFS=$'\t' read -r file words; do
                IMAGE=$file
                from_image true
                n=$((n + 1))
                refused "${words%|*}" || refused "${words#*|}" || bad+=("$file: $errors")
        done < <("$top/test/lib/bad-images" "$work/bad")
        printf '%s\n' "${bad[@]}" >&2
        [ "${#bad[@]}" = 0 ]
        [ "$n" -ge 60 ]
}

@test "an image that is compressed, or in an archive, is refused by that name, with what unpacks it" {
        local whole program
        make_disk "size=32M, type=$ROOT_TYPE"
        fill 1 32M "$TREE"
        whole=$IMAGE
        for program in gzip xz zstd bzip2 lz4; do
                command -v $program >/dev/null || continue
                "$program" -1 -c "$whole" >"$work/small" 2>/dev/null
                IMAGE=$work/small
                from_image true
                refused "is no disk image to start from: it is compressed by $program"
        done
        tar -C "$work" -cf "$work/small" disk.raw
        from_image true
        refused "it is a tar archive"
        try berth --inspect "$work/small"
        refused "it is a tar archive (unpack it into a directory, and start that with -D)"
        # What a CD has left between table and partitions of an image that is in order does not matter.
        printf CD001 | dd of="$whole" bs=1 seek=32769 conv=notrunc status=none
        IMAGE=$whole
        from_image echo found
        output_is found
}

@test "what is no image is refused" {
        opts=()
        IMAGE=$TREE
        from_image true
        refused "is a directory"
        IMAGE=$work/missing.raw
        from_image true
        refused "No such file or directory"
        IMAGE=/dev/null
        from_image true
        refused "neither a file nor a block device"
        mkfifo "$work/fifo"
        IMAGE=$work/fifo
        from_image true
        refused "neither a file nor a block device"
}

@test "the launcher is killed: no loop device, no mount, and the image is free again" {
        make_image ext4
        start_berth -q -i "$IMAGE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        kill -KILL "$launcher"
        wait "$launcher" || true
        from_image echo again
        output_is again
}

@test "without memory at any point a start leaves no file of a lock" {
        local n failed=0
        make_image ext4
        for n in $(seq 1 12); do
                try strace -qq -o /dev/null -e trace=mmap -e inject=mmap:error=ENOMEM:when="$n+" "$BERTH" -q -i "$IMAGE" true
                [ "$status" = 0 ] || failed=$((failed + 1))
                [ -z "$(find /run/systemd/nspawn/locks -type f 2>/dev/null)" ]
        done
        [ "$failed" -ge 3 ]
        status_is 0
}

@test "--detach: the image stays locked by the supervisor, until that ends" {
        make_image ext4
        try berth -q --detach -M one -i "$IMAGE" sleep 1000
        status_is 0
        opts=(-M two)
        from_image true
        refused "is currently busy"
        # Nobody is ended for an image that cannot start.
        truncate -s 1M "$work/none.raw"
        try berth -q --replace -M one -i "$work/none.raw" true
        refused
        try berth -q --replace -M one -i "$IMAGE" --image-policy=root=verity true
        refused
        ctl exec one true
        try berth -q --detach --replace -M one -i "$IMAGE" sleep 1000
        status_is 0
        ctl stop --kill one
        for _ in {1..200}; do
                [ -e /run/berth/one ] || break
                sleep 0.05
        done
        from_image echo free
        output_is free
}

@test "the payload has no loop device, and does not learn where the image lies" {
        make_image ext4
        from_image sh -c 'ls /dev/loop* 2>/dev/null; grep -c raw /proc/self/mountinfo; ls /proc/self/fd | wc -l'
        line_is 0
        output_lacks loop
}

@test "--dry-run looks without a trace: the image is not written to" {
        local before
        make_image ext4
        before=$(sha256sum <"$IMAGE")
        try berth --dry-run -bi "$IMAGE"
        status_is 0
        output_has "(image: ext4)  writable"
        [ "$(sha256sum <"$IMAGE")" = "$before" ]
}
