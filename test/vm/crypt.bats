#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# dm-verity and LUKS: this machine's kernel has a device-mapper. The guard looks at mapped devices and loop devices.

load ../lib/common
load ../host/common

ROOT=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709
ROOT_VERITY=2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5
ROOT_SIG=41092B05-9FC8-4523-994F-2DEF0408B176
USR=8484680C-9521-48C6-9C11-B0720656F69E
USR_VERITY=77FF5F63-E7B6-4633-ACF4-1565B864C0E6
HOME_TYPE=933AC7E1-2EB4-4F13-B844-0E14E2AEF915
limit=90

# $data, $hash_data, $hash: a squashfs with the hash data of it.
make_verity() {
        data=$work/data hash_data=$work/hash
        mksquashfs "${1:-$TREE}" "$data" -quiet -no-progress -noappend >/dev/null
        hash=$(veritysetup format "$data" "$hash_data" | sed -n 's/^Root hash:[ \t]*//p')
        [ ${#hash} = 64 ]
}

as_uuid() {
        sed -E 's/(.{8})(.{4})(.{4})(.{4})(.{12})/\1-\2-\3-\4-\5/' <<<"$1"
}

# put FILE PARTITION: it becomes the content of it.
put() {
        local start
        start=$(sfdisk -J "$IMAGE" | jq ".partitiontable.partitions[$2 - 1].start")
        dd if="$1" of="$IMAGE" bs=512 seek="$start" conv=notrunc status=none
}

# make_disk [SIGNATURE]: $IMAGE with the three, as systemd-repart makes it.
make_disk() {
        IMAGE=$work/disk.raw
        rm -f "$IMAGE"
        truncate -s 32M "$IMAGE"
        printf '%s\n' 'label: gpt' \
                "size=16M,type=${data_type:-$ROOT},uuid=$(as_uuid "${hash:0:32}")" \
                "size=4M,type=${hash_type:-$ROOT_VERITY},uuid=$(as_uuid "${hash:32}")" \
                "size=1M,type=$ROOT_SIG" | sfdisk -q "$IMAGE"
        put "$data" 1
        put "$hash_data" 2
        if [ $# -gt 0 ]; then put "$1" 3; fi
}

# $work/NAME.key, $work/NAME.crt
make_signer() {
        openssl req -x509 -newkey rsa:2048 -nodes -keyout "$work/$1.key" -out "$work/$1.crt" -days 3000 -subj "/CN=$1" 2>/dev/null
}

# sign NAME TEXT: $work/signature, and $work/json as a partition has it.
sign() {
        printf %s "$2" >"$work/signed"
        openssl smime -sign -noattr -binary -nocerts -in "$work/signed" -signer "$work/$1.crt" -inkey "$work/$1.key" -outform der -out "$work/signature"
        jq -nc --arg h "${3:-$2}" --arg s "$(base64 -w0 "$work/signature")" '{rootHash: $h, signature: $s}' >"$work/json"
}

# Until the end of the test, which has to say untrust.
trust() {
        untrust
        mkdir -p /etc/verity.d
        cp -- "$work/$1.crt" /etc/verity.d/
}

untrust() {
        rm -rf /etc/verity.d
}

from_image() {
        try berth -q "${opts[@]}" -i "$IMAGE" "$@"
}

nothing_is_mapped() {
        [ "$(dmsetup ls)" = "No devices found" ]
        [ -z "$(losetup -n -a)" ]
}

make_luks() {
        IMAGE=$work/luks.raw
        truncate -s 56M "$IMAGE"
        printf %s "${secret:-a secret}" >"$work/secret"
        cryptsetup luksFormat -q "$@" "$IMAGE" "$work/secret"
        cryptsetup open --key-file "$work/secret" "$IMAGE" berth-test-make
        mke2fs -q -t ext4 -d "$TREE" /dev/mapper/berth-test-make
        cryptsetup close berth-test-make
}

# "PLACE TYPE SOURCE" lines, for a shell inside.
mounts='sed -nE "s/^([^ ]+ ){4}([^ ]+) .* - ([^ ]+ [^ ]+) .*/\2 \3/p" /proc/self/mountinfo'

fast=(--type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000)

@test "dm-verity: a squashfs with its hash data in a file" {
        make_verity
        IMAGE=$data
        opts=(--root-hash="$hash" --verity-data="$hash_data")
        from_image sh -c 'cat /proc/self/mountinfo; cat /etc/hostname'
        status_is 0
        output_matches '/dev/dm-[0-9]+'
        output_has tree-hostname
        nothing_is_mapped
}

@test "dm-verity: hash and hash data beside the image, or in its attribute" {
        make_verity
        IMAGE=$work/image.raw
        cp -- "$data" "$IMAGE"
        cp -- "$hash_data" "$work/image.verity"
        printf '%s\n' "$hash" >"$work/image.roothash"
        opts=(--image-policy=root=verity)
        from_image cat /etc/hostname
        output_is tree-hostname
        rm "$work/image.roothash"
        from_image true
        refused 'the file system in it is not protected as it must be'
        # setxattr(2): no program of this machine does it.
        perl -e 'my ($path, $value) = @ARGV; my $name = "user.verity.roothash"; exit(syscall(188, $path, $name, $value, length $value, 0) == 0 ? 0 : 1)' "$IMAGE" "$hash"
        from_image cat /etc/hostname
        output_is tree-hostname
}

@test "dm-verity: the partitions that the hash names, with a user namespace and without" {
        make_verity
        make_disk
        opts=(--root-hash="$hash")
        from_image sh -c 'stat -c %u /bin; '"$mounts"''
        status_is 0
        output_matches '^0$'
        output_matches '^/ squashfs /dev/dm-'
        opts+=(--private-users=no)
        from_image stat -c %u:%g /bin
        output_is 0:0
        nothing_is_mapped
}

@test "dm-verity: busybox boots from it, and restarts in place" {
        make_verity
        make_disk
        on_terminal 'expect=PID 1 is busybox' 'expect=# ' 'send=reboot\r' 'expect=PID 1 is busybox' 'expect=# ' \
                'send=poweroff\r' -- "$BERTH" -q --root-hash="$hash" --volatile=overlay -bi "$IMAGE"
        status_is 0
        nothing_is_mapped
}

@test "dm-verity: of two versions in one image the hash chooses" {
        local first first_data first_hash
        fresh_tree
        make_verity
        first=$hash first_data=$work/one first_hash=$work/one-hash
        mv -- "$data" "$first_data"
        mv -- "$hash_data" "$first_hash"
        echo other >"$TREE/etc/hostname"
        make_verity
        IMAGE=$work/disk.raw
        truncate -s 48M "$IMAGE"
        printf '%s\n' 'label: gpt' \
                "size=16M,type=$ROOT,name=v1,uuid=$(as_uuid "${first:0:32}")" "size=4M,type=$ROOT_VERITY,name=v1,uuid=$(as_uuid "${first:32}")" \
                "size=16M,type=$ROOT,name=v2,uuid=$(as_uuid "${hash:0:32}")" "size=4M,type=$ROOT_VERITY,name=v2,uuid=$(as_uuid "${hash:32}")" | sfdisk -q "$IMAGE"
        put "$first_data" 1
        put "$first_hash" 2
        put "$data" 3
        put "$hash_data" 4
        opts=(--root-hash="$first")
        from_image cat /etc/hostname
        output_is tree-hostname
        opts=(--root-hash="$hash")
        from_image cat /etc/hostname
        output_is other
        opts=()
        from_image cat /etc/hostname
        output_is other
        nothing_is_mapped
}

@test "dm-verity: usr alone" {
        mkdir -p "$work/usr"
        cp -a "$TREE/usr/." "$work/usr"
        make_verity "$work/usr"
        data_type=$USR hash_type=$USR_VERITY make_disk
        printf %s "$hash" >"$work/disk.usrhash"
        opts=(--image-policy=usr=verity)
        from_image /usr/bin/busybox cat /proc/self/mountinfo
        status_is 0
        output_matches '/usr .* squashfs /dev/dm-'
        # Only the first line counts.
        printf '%s\nmore\n' "$hash" >"$work/disk.usrhash"
        from_image /usr/bin/busybox true
        status_is 0
        rm "$work/disk.usrhash"
        opts+=(--image-verity-guess=no)
        from_image true
        refused 'must be protected by dm-verity, and its root hash is not known'
        perl -e 'my ($path, $value) = @ARGV; my $name = "user.verity.usrhash"; exit(syscall(188, $path, $name, $value, length $value, 0) == 0 ? 0 : 1)' "$IMAGE" "$hash"
        from_image /usr/bin/busybox true
        status_is 0
        nothing_is_mapped
}

@test "dm-verity: a hash that was said is of the root, unless a signature beside the image says that it is of usr" {
        mkdir -p "$work/usr"
        cp -a "$TREE/usr/." "$work/usr"
        make_verity "$work/usr"
        data_type=$USR hash_type=$USR_VERITY make_disk
        opts=(--root-hash="$hash")
        from_image true
        refused 'no pair of root partitions for this root hash'
        make_signer ours
        sign ours "$hash"
        trust ours
        cp "$work/signature" "$work/disk.usrhash.p7s"
        opts+=(--image-policy=usr=signed)
        from_image /usr/bin/busybox cat /proc/self/mountinfo
        status_is 0
        output_matches '/usr .* squashfs /dev/dm-'
        make_signer other
        sign other "$hash"
        cp "$work/signature" "$work/disk.usrhash.p7s"
        from_image true
        refused 'nobody whom this host knows has signed the root hash of usr'
        untrust
        nothing_is_mapped
}

@test "dm-verity: a wrong hash is refused, and so is what was tampered with" {
        local wrong
        make_verity
        make_disk
        wrong=$(sed 's/^...../fffff/' <<<"$hash")
        opts=(--root-hash="$wrong")
        from_image true
        refused 'no pair of root partitions for this root hash'
        opts=(--root-hash="$wrong" --verity-data="$hash_data")
        from_image true
        refused 'is not what its root hash says'
        printf 'hsqs\377\377' | dd of="$IMAGE" bs=512 seek="$(sfdisk -J "$IMAGE" | jq '.partitiontable.partitions[0].start')" conv=notrunc status=none
        opts=(--root-hash="$hash")
        from_image true
        refused 'is not what its root hash says'
        nothing_is_mapped
}

@test "dm-verity: a block that was changed cannot be read, all others can" {
        local at
        export IMAGE
        fresh_tree
        head -c 1000000 /dev/urandom >"$TREE/root/big"
        sha256sum <"$TREE/root/big" >"$work/sum"
        make_verity
        make_disk
        opts=(--root-hash="$hash")
        from_image sha256sum /root/big
        output_has "$(cut -d' ' -f1 "$work/sum")"
        # Random bytes are stored as they are.
        at=$(head -c 500016 "$TREE/root/big" | tail -c 16 | perl -0777 -ne 'open F, "<", $ENV{IMAGE}; $d = <F>; print index($d, $_)')
        [ "$at" -gt 0 ]
        printf 'XXXX' | dd of="$IMAGE" bs=1 seek="$at" conv=notrunc status=none
        from_image sh -c 'cat /etc/hostname; sha256sum /root/big'
        output_is tree-hostname
        [ "$status" != 0 ]
        errors_has 'rror'
        nothing_is_mapped
}

@test "dm-verity: without a hash one line says so, unless the policy wants more" {
        make_verity
        make_disk
        try berth -i "$IMAGE" cat /etc/hostname
        status_is 0
        output_is tree-hostname
        errors_has 'no root hash was given'
        opts=(--image-policy=root=verity --image-verity-guess=no)
        from_image true
        refused 'root hash is not known'
        opts=(--image-policy=root=unprotected)
        from_image cat /etc/hostname
        output_is tree-hostname
        opts=(--image-policy=root=unprotected --root-hash="$hash")
        from_image true
        refused 'the policy does not let dm-verity be used'
        opts=(--image-policy=root=encrypted)
        from_image true
        refused 'partition 1 (root) is not protected as it must be'
        opts=(--image-policy=root=signed --root-hash="$hash")
        from_image true
        refused 'must be protected by a signature, and there is none'
        nothing_is_mapped
}

@test "dm-verity: where else a root hash is looked for can be said" {
        make_verity
        make_disk
        opts=(--image-policy=root=verity)
        # The UUIDs say it, where the policy wants one.
        from_image sh -c 'cat /etc/hostname; '"$mounts"
        status_is 0
        output_has tree-hostname
        output_matches '^/ squashfs /dev/dm-'
        SYSTEMD_DISSECT_VERITY_GUESS=0 from_image true
        refused 'root hash is not known'
        opts=(--image-verity-guess=yes)
        from_image sh -c "$mounts"
        output_matches '^/ squashfs /dev/dm-'
        # A file beside it.
        printf '%s\n' "$hash" >"$work/disk.roothash"
        opts=(--image-policy=root=verity --image-verity-guess=no)
        from_image cat /etc/hostname
        output_is tree-hostname
        SYSTEMD_DISSECT_VERITY_SIDECAR=0 from_image true
        refused 'root hash is not known'
        nothing_is_mapped
}

@test "dm-verity: UUIDs that are none of its hash are found out" {
        make_verity
        make_disk
        sfdisk -q --part-uuid "$IMAGE" 1 11111111-2222-4333-8444-555555555555
        opts=(--image-policy=root=verity)
        from_image true
        refused 'is not what its root hash says'
        nothing_is_mapped
}

@test "signatures: whether they are looked for, and who may sign, can be said" {
        make_verity
        make_signer ours
        sign ours "$hash"
        trust ours
        make_disk "$work/json"
        opts=(--image-policy=root=signed)
        SYSTEMD_DISSECT_VERITY_EMBEDDED=0 from_image true
        refused 'its root hash is not known'
        SYSTEMD_ALLOW_USERSPACE_VERITY=0 from_image true
        refused 'nobody whom this host knows has signed'
        errors_has 'image-verity-certificates=no'
        SYSTEMD_DISSECT_VERITY_SIGNATURE=0 from_image true
        refused 'must be signed, and signatures are not checked'
        opts=(--image-verity-signature=no --image-policy=root=verity+signed)
        untrust
        try berth "${opts[@]}" -i "$IMAGE" cat /etc/hostname
        status_is 0
        output_is tree-hostname
        errors_lacks "nobody whom"
        nothing_is_mapped
}

@test "signatures: one by a certificate of this host is good, in a partition, a file or on the command line" {
        make_verity
        make_signer ours
        sign ours "$hash"
        make_disk "$work/json"
        opts=(--image-policy=root=signed)
        from_image true
        refused 'nobody whom this host knows has signed'
        trust ours
        from_image cat /etc/hostname
        status_is 0
        output_is tree-hostname
        make_disk
        from_image true
        refused 'its root hash is not known'
        opts+=(--root-hash="$hash")
        from_image true
        refused 'must be protected by a signature, and there is none'
        opts+=(--root-hash-sig="$work/signature")
        from_image cat /etc/hostname
        output_is tree-hostname
        opts=(--image-policy=root=signed --root-hash="$hash" --root-hash-sig="base64:$(base64 -w0 "$work/signature")")
        from_image cat /etc/hostname
        output_is tree-hostname
        opts=(--image-policy=root=signed)
        cp "$work/signature" "$work/disk.roothash.p7s"
        echo "$hash" >"$work/disk.roothash"
        from_image cat /etc/hostname
        output_is tree-hostname
        untrust
        nothing_is_mapped
}

@test "signatures: of something else, of somebody else, and what is none" {
        make_verity
        make_signer ours
        make_signer theirs
        trust ours
        opts=(--image-policy=root=signed)
        # Ours, but of another hash; the partition says otherwise.
        sign ours "$(tr 0-9a-f 1-9a-f0 <<<"$hash")" "$hash"
        make_disk "$work/json"
        from_image true
        refused 'the signature of the root hash of root is wrong'
        # Also where the policy would do without.
        opts=(--image-policy=root=verity+signed)
        from_image true
        refused 'the signature of the root hash of root is wrong'
        sign theirs "$hash"
        make_disk "$work/json"
        try berth "${opts[@]}" -i "$IMAGE" cat /etc/hostname
        status_is 0
        errors_has 'by nobody whom this host knows'
        opts=(--image-policy=root=signed)
        from_image true
        refused 'nobody whom this host knows has signed'
        opts=(--root-hash="$hash" --root-hash-sig="$work/signature")
        from_image true
        refused 'nobody whom this host knows has signed'
        head -c 300 /dev/urandom >"$work/noise"
        opts=(--root-hash="$hash" --root-hash-sig="$work/noise")
        from_image true
        refused 'the signature of the root hash of root is wrong'
        printf '{"rootHash": "%s", "signature": "no base64"}' "$hash" >"$work/json"
        make_disk "$work/json"
        opts=(--image-policy=root=signed)
        from_image true
        refused 'root hash is not known'
        untrust
        nothing_is_mapped
}

@test "inspection: root hash, signature, verdict" {
        make_verity
        make_signer ours
        sign ours "$hash"
        trust ours
        make_disk "$work/json"
        try berth --inspect "$IMAGE" --json
        status_is 0
        [ "$(jq -r .verity.rootHash <<<"$output")" = "$hash" ]
        [ "$(jq -r .verity.signatureGood <<<"$output")" = true ]
        [ "$(jq -r '.partitions[0].protection' <<<"$output")" = "dm-verity, signed" ]
        [ "$(jq -r .os <<<"$output")" = "Berth test tree (busybox)" ]
        try berth --inspect "$IMAGE"
        line_is "root hash  $hash (signature in it)"
        output_has ', good'
        untrust
        nothing_is_mapped
}

@test "LUKS2: by key file, what is written is there the next time, and the newline of a text does no harm" {
        make_luks "${fast[@]}"
        opts=(--image-key-file="$work/secret")
        from_image sh -c 'echo kept >/root/file; cat /proc/self/mountinfo'
        status_is 0
        output_matches '/ / .* ext4 /dev/dm-'
        echo >>"$work/secret"
        from_image cat /root/file
        output_is kept
        try berth --inspect "$IMAGE"
        output_matches '^starts +perhaps: it is encrypted'
        try berth --inspect "$IMAGE" "${opts[@]}"
        status_is 0
        output_matches '^starts +yes$'
        output_matches '^os +Berth test tree'
        echo wrong >"$work/wrong"
        try berth --inspect "$IMAGE" --image-key-file="$work/wrong"
        status_is 1
        output_matches '^starts +no: .*passphrase'
        opts+=(--read-only)
        from_image sh -c 'cat /root/file; touch /root/other'
        output_is kept
        errors_has 'Read-only'
        nothing_is_mapped
}

@test "LUKS2: with argon2, sectors of 4096 bytes; LUKS1" {
        make_luks --type luks2 --pbkdf argon2id --pbkdf-memory 65536 --pbkdf-force-iterations 4 --pbkdf-parallel 2 --sector-size 4096
        opts=(--image-key-file="$work/secret")
        from_image cat /etc/hostname
        output_is tree-hostname
        rm "$IMAGE"
        make_luks --type luks1 --pbkdf-force-iterations 1000
        from_image cat /etc/hostname
        output_is tree-hostname
        nothing_is_mapped
}

@test "LUKS: the policy says whether it must be, and may be" {
        make_luks "${fast[@]}"
        opts=(--image-key-file="$work/secret" --image-policy=root=encrypted)
        from_image cat /etc/hostname
        output_is tree-hostname
        opts=(--image-key-file="$work/secret" --image-policy=root=unprotected)
        from_image true
        refused 'is encrypted'
        opts=(--image-key-file="$work/secret" --image-policy=root=encryptedwithintegrity)
        from_image true
        refused 'must be encrypted with integrity'
        opts=(--image-key-file="$work/secret" --image-policy=root=encrypted+btrfs)
        from_image true
        refused 'has a file system of another type'
        nothing_is_mapped
}

@test "LUKS: a wrong passphrase, and none" {
        make_luks "${fast[@]}"
        echo wrong >"$work/wrong"
        opts=(--image-key-file="$work/wrong")
        from_image true
        refused 'no passphrase that was given fits'
        opts=()
        from_image true
        refused 'there is no passphrase for it'
        mkdir "$work/credentials"
        printf wrong >"$work/credentials/dissect.passphrase"
        CREDENTIALS_DIRECTORY=$work/credentials from_image true
        refused 'no passphrase that was given fits'
        cp "$work/secret" "$work/credentials/cryptsetup.passphrase"
        CREDENTIALS_DIRECTORY=$work/credentials from_image cat /etc/hostname
        output_is tree-hostname
        nothing_is_mapped
}

@test "LUKS: on a terminal it is asked for, three times at most, and not shown" {
        make_luks "${fast[@]}"
        on_terminal 'expect=passphrase for the root partition' 'send=wrong\r' 'expect=It does not fit.' 'send=a secret\r' 'expect=inside' \
                -- "$BERTH" -q -i "$IMAGE" echo inside
        status_is 0
        output_lacks 'a secret'
        on_terminal 'expect=passphrase' 'send=1\r' 'expect=fit' 'send=2\r' 'expect=fit' 'send=3\r' 'expect=no passphrase that was given fits' \
                -- "$BERTH" -q -i "$IMAGE" true
        status_is 1
        on_terminal 'expect=there is no passphrase for it' -- "$BERTH" -q --no-ask-password -i "$IMAGE" true
        status_is 1
        nothing_is_mapped
}

@test "LUKS: the supervisor of a detached container asks at the terminal of its caller, and can be interrupted there" {
        make_luks "${fast[@]}"
        on_terminal 'expect=passphrase for the root partition' 'send=wrong\r' 'expect=It does not fit.' 'send=a secret\r' 'expect=asked' \
                -- "$BERTH" -d -M asked -i "$IMAGE" sleep 1000
        status_is 0
        output_lacks 'a secret'
        [ "$(systemctl show --value -p MainPID berth-asked)" = "$(berthctl show --value -p Supervisor asked)" ]
        berthctl stop --kill asked
        on_terminal 'expect=passphrase' 'send=\x03' -- "$BERTH" -d -M asked -i "$IMAGE" sleep 1000
        status_is 1
        [[ $report == *termios=same* ]]
        for _ in {1..200}; do
                systemctl is-active -q berth-asked || break
                sleep 0.1
        done
        never systemctl is-active -q berth-asked
        nothing_is_mapped
}

@test "LUKS: what is in it is looked at, too: no table, no second layer" {
        make_luks "${fast[@]}"
        cryptsetup open --key-file "$work/secret" "$IMAGE" berth-test-make
        dd if=/dev/zero of=/dev/mapper/berth-test-make bs=1M count=1 status=none
        cryptsetup close berth-test-make
        opts=(--image-key-file="$work/secret")
        from_image true
        status_is 1
        errors_has 'no known file system'
        nothing_is_mapped
}

@test "LUKS: a cipher that hides nothing is none" {
        make_luks "${fast[@]}" --cipher cipher_null-ecb --key-size 256
        opts=(--image-key-file="$work/secret" --image-policy=root=encrypted)
        from_image true
        status_is 1
        errors_has 'none of what berth opens'
        nothing_is_mapped
}

@test "LUKS: with integrity, or a header for data elsewhere, it is refused; its mapped device is an image, too" {
        make_luks "${fast[@]}" --integrity hmac-sha256
        opts=(--image-key-file="$work/secret")
        from_image true
        refused 'it is encrypted with integrity'
        errors_has '/dev/mapper'
        nothing_is_mapped
        cryptsetup open --key-file "$work/secret" "$IMAGE" berth-test-open
        try berth -q -i /dev/mapper/berth-test-open cat /etc/hostname
        cryptsetup close berth-test-open
        output_is tree-hostname
        truncate -s 32M "$work/data"
        rm -f "$work/header"
        cryptsetup luksFormat -q "${fast[@]}" --header "$work/header" "$work/data" "$work/secret"
        IMAGE=$work/header
        from_image true
        refused 'its header is for data that lie elsewhere'
        nothing_is_mapped
}

@test "LUKS: root verified, home encrypted, in one image" {
        make_verity
        IMAGE=$work/disk.raw
        truncate -s 64M "$IMAGE"
        printf '%s\n' 'label: gpt' "size=16M,type=$ROOT,uuid=$(as_uuid "${hash:0:32}")" \
                "size=4M,type=$ROOT_VERITY,uuid=$(as_uuid "${hash:32}")" "size=32M,type=$HOME_TYPE" | sfdisk -q "$IMAGE"
        put "$data" 1
        put "$hash_data" 2
        truncate -s 32M "$work/home"
        printf 'a secret' >"$work/secret"
        cryptsetup luksFormat -q "${fast[@]}" "$work/home" "$work/secret"
        cryptsetup open --key-file "$work/secret" "$work/home" berth-test-make
        mke2fs -q -t ext4 /dev/mapper/berth-test-make
        cryptsetup close berth-test-make
        put "$work/home" 3
        opts=(--root-hash="$hash" --image-key-file="$work/secret")
        from_image sh -c 'echo kept >/home/file; '"$mounts"''
        status_is 0
        output_matches '^/ squashfs /dev/dm-'
        output_matches '^/home ext4 /dev/dm-'
        from_image cat /home/file
        output_is kept
        nothing_is_mapped
}

@test "berth@.service may have the devices that a verified image takes" {
        make_verity
        make_disk
        mkdir -p /var/lib/machines
        cp -- "$IMAGE" /var/lib/machines/verified.raw
        printf '%s\n' "$hash" >/var/lib/machines/verified.roothash
        systemctl start berth@verified.service || fail "$(journalctl -u berth@verified.service -n 5 --no-pager -o cat)"
        try dmsetup table
        output_has " verity "
        systemctl stop berth@verified.service
        rm /var/lib/machines/verified.raw /var/lib/machines/verified.roothash
}

@test "whoever is killed, no mapped device and no loop device stays" {
        local sleep
        make_luks "${fast[@]}"
        for sleep in 0.02 0.05 0.1 0.15 0.2 0.3 0.4 0.6 1 2; do
                start_berth -q --image-key-file="$work/secret" -i "$IMAGE" sh -c 'echo up; exec sleep 1000'
                sleep "$sleep"
                kill -KILL "$launcher"
                wait "$launcher" 2>/dev/null || true
                await_true nothing_is_mapped
        done
        make_verity
        make_disk
        start_berth -q --root-hash="$hash" -i "$IMAGE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        [ "$(dmsetup ls | grep -c ^berth-)" = 1 ]
        kill -KILL "$launcher"
        wait "$launcher" 2>/dev/null || true
        await_true nothing_is_mapped
        try "${BERTH%/*}/berthctl" gc
        status_is 0
}

@test "the passphrase is in no argument, no record, no plan, and no table" {
        secret=thesecretofthistest make_luks "${fast[@]}"
        start_berth -q --image-key-file="$work/secret" -M crypt -i "$IMAGE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        never grep -rqs thesecretofthistest /run/berth
        never grep -qs thesecretofthistest /proc/[0-9]*/cmdline
        [[ $(dmsetup table --showkeys) == *":64:logon:berth:"* ]]
        never grep -q 'logon.*berth:berth-' /proc/keys
        stop_berth
        try berth --dry-run --image-key-file="$work/secret" -i "$IMAGE" true
        status_is 0
        output_lacks thesecretofthistest
        nothing_is_mapped
}
