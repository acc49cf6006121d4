#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# dm-verity and LUKS as far as any kernel goes: what is known of an image, passphrases, and what is said where there is
# no device-mapper. What comes out of mapped devices: test/vm/crypt.bats.

load ../lib/common

has_mapper() {
        grep -q device-mapper /proc/misc || modprobe -q dm_mod 2>/dev/null
}

make_luks() {
        IMAGE=$work/luks.raw
        printf 'a secret' >"$work/secret"
        truncate -s 20M "$IMAGE"
        cryptsetup luksFormat -q "$@" "$IMAGE" "$work/secret"
}

fast=(--type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000)

# The key was found: the next thing needed is a device, or a file system.
key_fits() {
        status_is 1
        if has_mapper; then errors_has 'no known file system'; else
                errors_has 'needs dm-crypt, and this kernel has no device-mapper'
                errors_has 'modprobe dm_mod dm_crypt'
        fi
}

from_image() {
        try berth -q "${opts[@]}" -i "$IMAGE" "$@"
}

make_verity() {
        IMAGE=$work/image.raw
        mksquashfs "$TREE" "$IMAGE" -quiet -no-progress >/dev/null
        hash=$(veritysetup format "$IMAGE" "$work/hash" | sed -n 's/^Root hash:[ \t]*//p')
        [ ${#hash} = 64 ]
}

# attribute setxattr|removexattr
attribute() {
        python3 -c 'import os, sys
args = [sys.argv[2], "user.verity.roothash", sys.argv[3].encode()]
getattr(os, sys.argv[1])(*args[:3 if sys.argv[1] == "setxattr" else 2])' "$1" "$IMAGE" "$hash"
}

@test "LUKS1 and LUKS2: a passphrase fits, or does not" {
        local kind
        echo wrong >"$work/wrong"
        for kind in "${fast[*]}" '--type luks1 --pbkdf-force-iterations 1000' \
                '--type luks2 --pbkdf argon2id --pbkdf-memory 8192 --pbkdf-force-iterations 4 --pbkdf-parallel 2'; do
                # shellcheck disable=SC2086 # words
                make_luks $kind
                opts=(--image-key-file="$work/secret")
                from_image true
                key_fits
                opts=(--image-key-file="$work/wrong")
                from_image true
                refused 'no passphrase that was given fits'
                rm "$IMAGE"
        done
}

@test "LUKS: the newline at the end of a text, a key of any bytes, the other name" {
        make_luks "${fast[@]}"
        echo >>"$work/secret"
        opts=(--image-key-file="$work/secret")
        from_image true
        key_fits
        try strict -q --image-key-file="$work/secret" -i "$IMAGE" true
        key_fits
        head -c 3000 /dev/urandom >"$work/bytes"
        printf 'a secret' >"$work/secret"
        cryptsetup luksAddKey -q --key-file "$work/secret" --pbkdf pbkdf2 --pbkdf-force-iterations 1000 "$IMAGE" "$work/bytes"
        opts=(--image-key-file="$work/bytes")
        from_image true
        key_fits
}

@test "LUKS: credentials of berth's own" {
        make_luks "${fast[@]}"
        mkdir "$work/credentials"
        from_image true
        refused 'there is no passphrase for it'
        cp "$work/secret" "$work/credentials/cryptsetup.passphrase"
        CREDENTIALS_DIRECTORY=$work/credentials from_image true
        key_fits
        printf wrong >"$work/credentials/dissect.passphrase"
        CREDENTIALS_DIRECTORY=$work/credentials from_image true
        key_fits
        # A key file is the only source where it is named.
        opts=(--image-key-file="$work/credentials/dissect.passphrase")
        CREDENTIALS_DIRECTORY=$work/credentials from_image true
        refused 'no passphrase that was given fits'
        opts=(--image-key-file="$work/missing")
        from_image true
        refused 'cannot read a passphrase from'
}

@test "LUKS: the question on the terminal, three times, and its end by ^C" {
        make_luks "${fast[@]}"
        on_terminal 'expect=passphrase for the root partition' 'send=1\r' 'expect=It does not fit.' 'send=2\r' 'expect=It does not fit.' \
                'send=a secret\r' 'expect=berth:' -- "$BERTH" -q -i "$IMAGE" true
        key_fits_terminal
        output_lacks 'a secret'
        on_terminal 'expect=passphrase' 'send=1\r' 'expect=fit' 'send=2\r' 'expect=fit' 'send=3\r' 'expect=no passphrase that was given fits' \
                -- "$BERTH" -q -i "$IMAGE" true
        status_is 1
        on_terminal 'expect=passphrase' 'send=half\x03' 'expect=no passphrase for' -- "$BERTH" -q -i "$IMAGE" true
        status_is 1
        on_terminal 'expect=there is no passphrase for it' -- "$BERTH" -q --no-ask-password -i "$IMAGE" true
        status_is 1
        output_lacks 'passphrase for the root'
}

key_fits_terminal() {
        status_is 1
        if has_mapper; then output_has 'no known file system'; else output_has 'this kernel has no device-mapper'; fi
}

@test "LUKS: the policy decides before anybody is asked" {
        make_luks "${fast[@]}"
        opts=(--image-policy=root=unprotected)
        from_image true
        refused 'is encrypted'
        opts=(--image-policy=root=encryptedwithintegrity)
        from_image true
        refused 'must be encrypted with integrity'
        try berth --inspect "$IMAGE" --image-policy=root=verity
        status_is 1
        output_has 'is encrypted'
        try berth --inspect "$IMAGE"
        if has_mapper; then
                status_is 0
                output_matches '^starts +perhaps: it is encrypted'
        else
                status_is 1
                output_matches '^starts +no: .*this kernel has no device-mapper'
        fi
        output_has 'crypto_LUKS, LUKS'
        output_has 'nobody is asked for a passphrase'
        try berth --inspect "$IMAGE" --json
        [ "$(jq -r '.partitions[0].protection' <<<"$output")" = LUKS ]
}

@test "LUKS: broken headers get an error and no key" {
        local at
        make_luks "${fast[@]}"
        cp "$IMAGE" "$work/good"
        opts=(--image-key-file="$work/secret")
        # Both copies of version, size, checksum, JSON.
        for at in 6 8 448 4096 4200 6000; do
                cp "$work/good" "$IMAGE"
                printf '\377\377\377\377' | dd of="$IMAGE" bs=1 seek="$at" conv=notrunc status=none
                printf '\377\377\377\377' | dd of="$IMAGE" bs=1 seek="$((at + 16384))" conv=notrunc status=none
                from_image true
                refused 'the encrypted root partition cannot be opened'
        done
        head -c 100000 "$work/good" >"$IMAGE"
        from_image true
        refused
        printf 'LUKS\272\276\0\002' >"$IMAGE"
        head -c 1000000 /dev/urandom >>"$IMAGE"
        from_image true
        refused 'the encrypted root partition cannot be opened'
}

@test "LUKS: a header without its data is refused by name" {
        printf 'a secret' >"$work/secret"
        truncate -s 20M "$work/data"
        cryptsetup luksFormat -q "${fast[@]}" --header "$work/header" "$work/data" "$work/secret"
        IMAGE=$work/header
        opts=(--image-key-file="$work/secret")
        from_image true
        refused 'its header is for data that lie elsewhere'
        errors_has 'cryptsetup open'
}

@test "what looks at a header is nobody, and can do next to nothing" {
        local found
        make_luks --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 6000000
        start_berth -q --image-key-file="$work/secret" -i "$IMAGE" true
        for ((try = 0; try < 100; try++)); do
                # shellcheck disable=SC2046 # one word for each process
                found=$(grep -ls '^Name:.*berth-unlock' /dev/null $(descendants "$launcher" | sed 's|.*|/proc/&/status|') | head -1) || true
                if [ -n "$found" ] && grep -qs '^Seccomp:.*2' "$found"; then break; fi
                sleep 0.05
        done
        grep -q '^Uid:.*65534.*65534.*65534' "$found"
        grep -q '^Groups:[[:space:]]*$' "$found"
        grep -q '^CapPrm:.*0000000000000000$' "$found"
        grep -q '^CapEff:.*0000000000000000$' "$found"
        grep -q '^NoNewPrivs:.*1$' "$found"
        kill -KILL "$launcher"
        wait "$launcher" 2>/dev/null || true
        try ctl gc
        status_is 0
}

@test "dm-verity: where hash and signature are found, and what is said without a device-mapper" {
        make_verity
        opts=(--root-hash="$hash" --verity-data="$work/hash")
        if ! has_mapper; then
                from_image true
                refused 'needs dm-verity, and this kernel has no device-mapper'
                errors_has 'modprobe dm_mod dm_verity'
        fi
        printf '%s\n' "$hash" >"$work/image.roothash"
        printf 'no signature' >"$work/image.roothash.p7s"
        cp "$work/hash" "$work/image.verity"
        try berth --inspect "$IMAGE" --json
        if ! has_mapper; then
                status_is 1
                [[ $(jq -r .whyNot <<<"$output") == *'this kernel has no device-mapper'* ]]
        fi
        [ "$(jq -r .verity.rootHash <<<"$output")" = "$hash" ]
        [ "$(jq -r .verity.source <<<"$output")" = file ]
        [ "$(jq -r .verity.signature <<<"$output")" = true ]
        [ "$(jq -r '.partitions[0].protection' <<<"$output")" = "dm-verity, signed" ]
        attribute setxattr
        try berth --inspect "$IMAGE" --json
        [ "$(jq -r .verity.source <<<"$output")" = "attribute of the file" ]
        rm "$work"/image.roothash* "$work/image.verity"
        attribute removexattr
        printf '%s\n' "$hash" >"$work/image.usrhash"
        try berth --inspect "$IMAGE" --json
        [ "$(jq -r .verity.role <<<"$output")" = usr ]
}

@test "dm-verity: what was said is used, or refused" {
        make_verity
        opts=(--root-hash="$hash")
        from_image true
        refused 'has no hash data for dm-verity'
        opts=(--root-hash="$hash" --verity-data="$work/missing")
        from_image true
        refused 'cannot open the hash data'
        opts=(--root-hash="$hash" --verity-data="$IMAGE")
        from_image true
        refused 'it does not begin with a header of veritysetup'
        opts=(--verity-data="$work/hash")
        from_image true
        refused 'has no root hash that this could be for'
        opts=(--root-hash-sig=base64:QUJD)
        from_image true
        refused 'has no root hash that this could be for'
        opts=(--root-hash="$hash" --root-hash-sig="$work/missing")
        from_image true
        refused 'cannot read the signature'
        opts=(--root-hash="$hash" --verity-data="$work/hash" --image-policy=root=unprotected)
        from_image true
        refused 'the policy does not let dm-verity be used'
        opts=(--image-policy=root=verity)
        from_image true
        refused 'is not protected as it must be'
        printf 'no hash\n' >"$work/image.roothash"
        opts=()
        from_image true
        refused 'holds is no root hash'
        rm "$work/image.roothash"
        ln -s /etc/shadow "$work/image.roothash"
        from_image true
        refused 'root hash'
        errors_lacks "$(head -1 /etc/shadow)"
}

@test "dm-verity: partitions without a hash are used, one line says so, and the policy may want more" {
        IMAGE=$work/disk.raw
        truncate -s 32M "$IMAGE"
        mksquashfs "$TREE" "$work/root" -quiet -no-progress >/dev/null
        printf '%s\n' 'label: gpt' 'size=16M,type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709' \
                'size=4M,type=2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5' 'size=1M,type=41092B05-9FC8-4523-994F-2DEF0408B176' |
                sed "$([ "$(uname -m)" = x86_64 ] || echo 's/4F68BCE3.*/B921B045-1DF0-41C3-AF44-4C6F280D3FAE/; s/2C7357ED.*/DF3300CE-D69F-4C92-978C-9BFB0F38D820/; s/41092B05.*/6DB69DE6-29F4-4758-A7A5-962190F00CE3/')" |
                sfdisk -q "$IMAGE"
        dd if="$work/root" of="$IMAGE" bs=1M seek=1 conv=notrunc status=none
        try berth -i "$IMAGE" echo here
        status_is 0
        output_is here
        errors_has 'no root hash was given'
        errors_has 'the signature in partition 3 of the image is of no use: it is empty'
        opts=(--image-policy=root=verity)
        SYSTEMD_DISSECT_VERITY_GUESS=0 from_image true
        refused 'its root hash is not known'
        # The UUIDs say one, and there is nothing behind it.
        from_image true
        refused 'the hash data cannot be used'
        opts=(--root-hash=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff)
        from_image true
        refused 'has no pair of root partitions for this root hash'
        errors_has '00112233-4455-6677-8899-aabbccddeeff'
}
