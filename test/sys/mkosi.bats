#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images that mkosi makes, itself in a container: what it makes without being told more, and what it makes for systems that
# are taken apart. It gets an OS tree that is there, so it fetches nothing.

load ../lib/common

# mkosi copies what device nodes hold, without an end.
make_base() {
        need_tree trixie
        cp -a --reflink=auto "$TREE" "$work/base"
        rm -rf "${work:?}/base/dev"
        mkdir "$work/base/dev"
}

# part NAME LINE...: a partition of the image, as systemd-repart wants it.
part() {
        mkdir -p "$work/mkosi.repart"
        { echo '[Partition]'; printf '%s\n' "${@:2}"; } >"$work/mkosi.repart/$1.conf"
}

# build FORMAT [LINE]...: $IMAGE, or what the format has for one. Settings of mkosi's section Content come first.
build() {
        local outer=$TREE
        [ -d "$work/base" ] || make_base
        mkdir -p "$work/out" "$work/tmp"
        printf '%s\n' '[Distribution]' 'Distribution=custom' '[Output]' "Format=$1" 'ImageId=os' 'OutputDirectory=/mnt/out' \
                '[Content]' 'BaseTrees=/mnt/base' 'Bootable=no' "${@:2}" >"$work/mkosi.conf"
        need_tree mkosi
        limit=200
        try berth -q --volatile=overlay --private-users=no --capability=CAP_SYS_ADMIN,CAP_NET_ADMIN --console=pipe --bind="$work:/mnt" \
                --bind="$work/tmp:/var/tmp" --chdir=/mnt -D "$TREE" /usr/bin/env TMPDIR=/var/tmp mkosi --force build
        TREE=$outer
        status_is 0
        IMAGE=$work/out/os.raw
}

from_image() {
        try berth -q "${opts[@]}" -i "$IMAGE" "$@"
}

# boots: to multi-user, with nothing failed, and down again.
boots() {
        limit=90
        on_terminal 'expect=login:' 'send=root\r' 'expect=# ' \
                'send=echo "IS:$(systemctl is-system-running --wait)"; systemctl --failed --no-legend --no-pager | sed s/^/FAILED:/; echo done-$((1+1))\r' \
                'expect=done-2' 'send=systemctl poweroff\r' -- "$BERTH" -q -b "${opts[@]}" "$@" \
                --set-credential=firstboot.locale:C.UTF-8 --set-credential=firstboot.timezone:UTC
        status_is 0
        plain_output
        output_matches '^IS:running'
        never grep '^FAILED:' <<<"$output"
}

# starts_in_all_ways KIND: that one is the root's file system.
starts_in_all_ways() {
        local before how
        before=$(sha256sum <"$IMAGE")
        for how in --read-only --ephemeral --volatile=yes --volatile=state --volatile=overlay; do
                opts=("$how")
                from_image sh -c '. /usr/lib/os-release; echo "$ID"; echo new >/var/new 2>/dev/null; cat /var/new'
                line_is debian
                if [ "$how" = --read-only ]; then output_lacks new; else line_is new; fi
        done
        opts=(--private-users=pick --ephemeral)
        from_image sh -c 'stat -c %u:%g /usr /etc/passwd'
        output_is $'0:0\n0:0'
        [ "$(sha256sum <"$IMAGE")" = "$before" ]
        try berth --inspect "$IMAGE" --json
        [ "$(jq -r '.partitions[] | select(.used and .role == "root") | .fileSystem' <<<"$output")" = "$1" ]
        [ "$(jq -r .starts <<<"$output")" = true ]
        [[ $(jq -r .os <<<"$output") == "Debian GNU/Linux"* ]]
}

@test "what mkosi makes without being told more" {
        build disk
        starts_in_all_ways ext4
        opts=()
        boots -i "$IMAGE"
        # What the first boot wrote is there.
        from_image sh -c 'wc -c </etc/machine-id'
        output_is 33
}

@test "boot partitions, root, home and swap" {
        part 00-esp Type=esp Format=vfat SizeMinBytes=40M
        part 05-boot Type=xbootldr Format=vfat SizeMinBytes=40M
        part 10-root Type=root Format=ext4 CopyFiles=/ Minimize=guess
        part 20-home Type=home Format=ext4 SizeMinBytes=16M SizeMaxBytes=16M
        part 30-swap Type=swap Format=swap SizeMinBytes=16M SizeMaxBytes=16M
        build disk
        try berth --inspect "$IMAGE" --json
        [ "$(jq -r '[.partitions[] | .role + " " + .fileSystem] | join(", ")' <<<"$output")" = "esp vfat, xbootldr vfat, root ext4, home ext4, swap swap" ]
        starts_in_all_ways ext4
        opts=()
        from_image sh -c 'awk "\$5 == \"/home\"" /proc/self/mountinfo; echo kept >/home/kept'
        output_matches ' / /home .* - ext4 '
        boots -i "$IMAGE"
        from_image cat /home/kept
        line_is kept
}

@test "a root of btrfs, of xfs, of erofs" {
        local kind minimize
        for kind in btrfs xfs erofs; do
                grep -qw $kind /proc/filesystems || continue
                minimize=guess opts=()
                if [ $kind = erofs ]; then minimize=best opts=(--volatile=state); fi
                part 10-root Type=root "Format=$kind" CopyFiles=/ "Minimize=$minimize"
                build disk
                boots -i "$IMAGE"
                starts_in_all_ways $kind
        done
}

@test "an empty root and a usr of erofs: the first boot fills the root" {
        part 10-root Type=root Format=ext4 SizeMinBytes=64M SizeMaxBytes=64M
        part 20-usr Type=usr Format=erofs CopyFiles=/usr:/ Minimize=best
        build disk
        opts=(--ephemeral)
        from_image /usr/bin/sh -c 'echo new >/new; cat /new; ls /etc'
        line_is new
        # Nobody can log in: what PAM needs is in the etc that it has not.
        limit=90
        opts=(--set-credential=firstboot.locale:C.UTF-8 --set-credential=firstboot.timezone:UTC --set-credential=passwd.plaintext-password.root:x)
        on_terminal 'expect=login:' 'send=\x1d\x1d\x1d' -- "$BERTH" -q -b "${opts[@]}" -i "$IMAGE"
        opts=(--read-only)
        from_image cat /etc/locale.conf
        output_has C.UTF-8
}

@test "a root with hash data and a signature: the root hash is mkosi's, and it starts where the kernel can verify" {
        need_tree mkosi
        try berth -q --read-only --private-users=no --bind="$work:/mnt" -D "$TREE" openssl req -x509 -newkey rsa:2048 -nodes -keyout /mnt/key.pem -out /mnt/cert.pem -subj /CN=test -days 30
        status_is 0
        part 10-root Type=root Format=erofs CopyFiles=/ Minimize=best Verity=data VerityMatchKey=root
        part 11-verity Type=root-verity Verity=hash VerityMatchKey=root Minimize=best
        part 12-sig Type=root-verity-sig Verity=signature VerityMatchKey=root
        build disk '[Validation]' Verity=yes VerityKey=/mnt/key.pem VerityCertificate=/mnt/cert.pem
        try berth --inspect "$IMAGE" --json
        # Both halves of the hash are UUIDs of the partitions.
        [ "$(jq -r .verity.rootHash <<<"$output")" = "$(sfdisk -J "$IMAGE" | jq -r '[.partitiontable.partitions[0:2][].uuid] | join("") | gsub("-"; "") | ascii_downcase')" ]
        [ "$(jq -r .verity.source <<<"$output")" = "signature in it" ]
        from_image true
        if ! grep -q device-mapper /proc/devices /proc/misc; then
                refused "needs dm-verity, and this kernel has no device-mapper"
                return
        fi
        status_is 0
}

@test "a directory; and an archive, which is refused by that name" {
        build directory
        opts=(-x)
        boots -D "$work/out/os"
        build tar
        try berth -i "$work"/out/os.tar* true
        refused "is no disk image to start from: it is "
}
