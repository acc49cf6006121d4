#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Directories of versions (systemd.v(7)): which tree or image a path in .v/ means, and what is found by name.

load ../lib/common

machines=/var/lib/machines

native=$(case $(uname -m) in x86_64) echo x86-64 ;; aarch64) echo arm64 ;; *) uname -m ;; esac)

# make_versions DIR NAME...: trees that say what they are called.
make_versions() {
        local dir=$1 name
        shift
        mkdir -p "$dir"
        for name; do
                cp -a "$TREE" "$dir/$name"
                echo "$name" >"$dir/$name/etc/which"
        done
}

@test "-D DIR.v: the newest, for this architecture, and not one that was tried in vain" {
        make_versions "$work/os.v" os_9 os_10 "os_10.1_$native" os_11_tilegx os_12+0-3
        touch "$work/os.v/os_99" "$work/os.v/notes"
        try berth -q -D "$work/os.v" cat /etc/which
        output_is "os_10.1_$native"
        try berth -q -D "$work/os.v/" cat /etc/which
        output_is "os_10.1_$native"
        mv "$work/os.v/os_12+0-3" "$work/os.v/os_12+1-2"
        try berth -q -D "$work/os.v" cat /etc/which
        output_is os_12+0-3
        try berth -q -D "$work/os.v/os___" sh -c 'cat /etc/which; hostname'
        output_is $'os_12+0-3\nos121-2'
        try strict -q -D "$work/os.v" cat /etc/which
        output_is os_12+0-3
        try berth --dry-run=json -D "$work/os.v"
        [[ $(jq -r .root.path <<<"$output") == */os.v/os_12+1-2 ]]
}

@test "-D DIR.v without one that fits is refused; a directory that is only called so is a tree" {
        mkdir "$work/os.v"
        try berth -q -D "$work/os.v" true
        refused "no version to start in"
        mkdir "$work/os.v/os_1_tilegx"
        try berth -q -D "$work/os.v" true
        refused "no version to start in"
        touch "$work/os.v/os_2"
        try berth -q -D "$work/os.v" true
        refused "no version to start in"
        try berth -q -D "$work/missing.v" true
        refused "No such file or directory"
}

@test "-i IMAGE.raw.v, and --inspect of it" {
        mkdir "$work/os.raw.v"
        mksquashfs "$TREE" "$work/os.raw.v/os_1.raw" -quiet -no-progress >/dev/null
        mkdir "$work/etc"
        cp -a "$TREE" "$work/two"
        echo two >"$work/two/etc/which"
        mksquashfs "$work/two" "$work/os.raw.v/os_1.2+3.raw" -quiet -no-progress >/dev/null
        echo nothing >"$work/os.raw.v/os_9.img"
        try berth -q -i "$work/os.raw.v" sh -c 'cat /etc/which; hostname'
        output_is $'two\nos1.23'
        try berth -q -i "$work/os.raw.v/os___.raw" cat /etc/which
        output_is two
        try berth --inspect "$work/os.raw.v"
        status_is 0
        output_has os_1.2+3.raw
        rm "$work/os.raw.v"/*.raw
        try berth -q -i "$work/os.raw.v" true
        refused "no version to start in"
        try berth --inspect "$work/os.raw.v"
        refused "no version of an image"
}

@test "-M NAME: in each place the tree, then its versions, the image, then its versions" {
        make_versions "$machines/found.v" found_1 found_2
        try berth -q -M found sh -c 'cat /etc/which; hostname'
        local versions=$output
        mkdir "$machines/other.raw.v"
        mksquashfs "$machines/found.v/found_1" "$machines/other.raw.v/other_1.raw" -quiet -no-progress >/dev/null
        mksquashfs "$machines/found.v/found_2" "$machines/other.raw.v/other_2+0.raw" -quiet -no-progress >/dev/null
        try berth -q -M other cat /etc/which
        local image=$output
        make_versions "$machines" found
        try berth -q -M found cat /etc/which
        local plain=$output
        make_versions /run/machines/found.v found_0
        try berth -q -M found cat /etc/which
        local nearer=$output
        rm -rf "${machines:?}"/* /run/machines/found.v
        [ "$versions" = $'found_2\nfound' ]
        [ "$image" = found_1 ]
        [ "$plain" = found ]
        [ "$nearer" = found_0 ]
}

@test "--template=DIR.v: a new tree from the newest" {
        make_versions "$work/base.v" base_1 base_2
        try berth -q "--template=$work/base.v" -D "$work/new" cat /etc/which
        output_is base_2
        [ "$(<"$work/new/etc/which")" = base_2 ]
        try berth -q -x "--template=$work/base.v" cat /etc/which
        output_is base_2
        mkdir "$work/none.v"
        try berth -q "--template=$work/none.v" -D "$work/newer" true
        refused "no version to start in"
        [ ! -e "$work/newer" ]
}
