#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Where the partitions of a disk image are mounted: links in their places lead on, but never out of the tree. And --inspect
# says of each image what a start of it says.

load ../lib/common
load ../lib/types

# make_disk TYPE DIRECTORY...: $IMAGE, an ext4 for each in a partition of its type.
make_disk() {
        local lines=() dirs=() number=0 start size
        IMAGE=$work/disk.raw
        rm -f "$IMAGE"
        truncate -s 128M "$IMAGE"
        for ((; $#; )); do
                case $1 in "$ROOT_TYPE" | "$USR_TYPE") size=32 ;; *) size=8 ;; esac
                lines+=("size=${size}M, type=$1")
                dirs+=("$size" "$2")
                shift 2
        done
        printf '%s\n' 'label: gpt' "${lines[@]}" | sfdisk -q "$IMAGE"
        for ((number = 0; number < ${#lines[@]}; number++)); do
                start=$(sfdisk -J "$IMAGE" | jq ".partitiontable.partitions[$number].start")
                mke2fs -q -t ext4 -d "${dirs[number * 2 + 1]}" -E "offset=$((start * 512))" "$IMAGE" "${dirs[number * 2]}M"
        done
}

# dir NAME FILE...: a directory $work/NAME with these files, each with its name in it.
dir() {
        local name=$1 file
        mkdir -p "$work/$name"
        for file in "${@:2}"; do
                mkdir -p "$work/$name/$(dirname -- "$file")"
                echo "$file" >"$work/$name/$file"
        done
}

from_image() {
        try berth -q "${opts[@]}" -i "$IMAGE" "$@"
}

# same_verdict [no]: --inspect and a start agree, by their words too.
same_verdict() {
        local verdict why
        try berth --inspect "$IMAGE" --json "${opts[@]}" true
        verdict=$(jq -r .starts <<<"$output")
        why=$(jq -r .whyNot <<<"$output")
        from_image true
        if [ "${1-yes}" = no ]; then
                [ "$verdict" = false ] || fail "--inspect says $verdict, and the start: $errors"
                [ "$errors" = "berth: $why" ] || fail "--inspect: $why" "a start: $errors"
                status_is 1
        else
                [ "$verdict" = true ] || fail "--inspect says $verdict: $why"
                status_is 0
        fi
}

# link_home TARGET: a disk whose /home is that link, with a home partition.
link_home() {
        rm -rf "${TREE:?}/home"
        ln -s "$1" "$TREE/home"
        make_disk "$ROOT_TYPE" "$TREE" "$HOME_TYPE" "$work/home"
}

@test "a link in the place of a partition is followed inside, and what is written there stays" {
        local mode
        fresh_tree
        dir home of-home
        mkdir -p "$TREE/data/home"
        link_home data/home
        same_verdict
        from_image sh -c 'cat /home/of-home /data/home/of-home; echo new >/home/new; grep " /data/home " /proc/self/mountinfo | wc -l'
        output_is $'of-home\nof-home\n1'
        for mode in -x --volatile=overlay --volatile=state --read-only --private-users=no; do
                opts=("$mode")
                same_verdict
                from_image cat /home/new
                output_is new
        done
        opts=(-x)
        from_image sh -c 'echo lost >/home/lost; cat /home/lost'
        output_is lost
        opts=()
        from_image ls /home/lost
        status_is 1
        # By an init, through a restart.
        on_terminal 'expect=# ' 'send=echo more >/home/more; reboot\r' 'expect=PID 1 is busybox' 'expect=# ' \
                'send=echo "[$(cat /home/new)$(cat /data/home/more)]"; poweroff\r' -- "$BERTH" -q -bi "$IMAGE"
        status_is 0
        output_has "[newmore]"
        link_home /data/../data/./home
        same_verdict
        from_image cat /home/of-home
        output_is of-home
}

@test "links that lead out of the tree lead to its own root" {
        fresh_tree
        dir home of-home
        mkdir -p "$TREE/srv/deep"
        link_home ../../../../../srv/deep
        same_verdict
        from_image cat /srv/deep/of-home
        output_is of-home
        # A place that the host has too; not below /tmp, which is the container's own.
        mkdir -p "$TREE/var/lib"
        link_home /var/lib
        same_verdict
        from_image cat /var/lib/of-home
        output_is of-home
        [ ! -e /var/lib/of-home ]
}

@test "a link may lead into another partition, which is mounted before" {
        fresh_tree
        dir home of-home
        dir var home/below log/of-var
        rm -rf "${TREE:?}/var" "${TREE:?}/home"
        mkdir -p "$TREE/data/var"
        ln -s data/var "$TREE/var"
        ln -s var/home "$TREE/home"
        make_disk "$ROOT_TYPE" "$TREE" "$HOME_TYPE" "$work/home" "$VAR_TYPE" "$work/var"
        same_verdict
        from_image sh -c 'cat /home/of-home /var/log/of-var; ls /home/below'
        line_is of-home
        line_is log/of-var
        errors_has 'No such file'
        opts=(--volatile=overlay)
        same_verdict
        from_image sh -c 'cat /home/of-home; echo x >/var/x; echo x >/home/x'
        output_is of-home
        opts=()
        from_image ls /var/x /home/x
        output_is ''
        # Where it is not there, it is an error, and not the host's to make.
        rm -r "$work/var/home"
        make_disk "$ROOT_TYPE" "$TREE" "$HOME_TYPE" "$work/home" "$VAR_TYPE" "$work/var"
        same_verdict no
        errors_has 'the link /home in'
        errors_has 'leads to /data/var/home, which is not there'
}

@test "usr may be a link, too" {
        fresh_tree
        mv "$TREE/usr" "$work/usr"
        mkdir -p "$TREE/system/usr"
        ln -s system/usr "$TREE/usr"
        make_disk "$ROOT_TYPE" "$TREE" "$USR_TYPE" "$work/usr"
        same_verdict
        from_image sh -c 'ls /system/usr/bin/busybox; awk "/ .system.usr /" /proc/self/mountinfo | wc -l'
        output_is $'/system/usr/bin/busybox\n1'
}

@test "a link that leads nowhere, in a circle, to the root or below another mount is refused by name" {
        fresh_tree
        dir home of-home
        dir srv of-srv
        link_home nowhere
        same_verdict no
        errors_has 'the link /home in'
        errors_has 'leads to /nowhere, which is not there'
        link_home home
        same_verdict no
        errors_has 'leads in a circle'
        link_home /
        same_verdict no
        errors_has 'leads to the root directory'
        link_home /proc/1/root/etc
        same_verdict no
        errors_has 'leads to /proc/1/root/etc, which is not there'
        mkdir "$TREE/run/home"
        link_home run/home
        same_verdict no
        errors_has 'leads to /run/home, and another mount goes on /run'
        link_home /dev
        same_verdict no
        errors_has 'leads to /dev, and another mount goes on /dev'
        link_home srv
        make_disk "$ROOT_TYPE" "$TREE" "$HOME_TYPE" "$work/home" "$SRV_TYPE" "$work/srv"
        same_verdict no
        errors_has 'leads to /srv, and another mount goes on /srv'
        mkdir -p "$TREE/var/home"
        link_home var/home
        same_verdict
        opts=(--volatile=state)
        same_verdict no
        errors_has 'another mount goes on /var'
        opts=()
        touch "$TREE/file"
        link_home file
        same_verdict no
        errors_has '/home in'
        errors_has 'is no directory'
}

@test "a place that is missing is made where that can be, and a file in it is refused" {
        fresh_tree
        dir home of-home
        dir var of-var
        dir tmp of-tmp
        rm -rf "${TREE:?}/home" "${TREE:?}/var"
        make_disk "$ROOT_TYPE" "$TREE" "$HOME_TYPE" "$work/home"
        opts=(--read-only)
        same_verdict no
        errors_has 'has no directory /home to mount its home partition on'
        opts=()
        same_verdict
        from_image cat /home/of-home
        output_is of-home
        opts=(--read-only)
        same_verdict
        opts=()
        echo file >"$TREE/home"
        make_disk "$ROOT_TYPE" "$TREE" "$HOME_TYPE" "$work/home"
        same_verdict no
        errors_has '/home in'
        errors_has 'is no directory'
        # In a partition of its own the directory is made in that one.
        rm "$TREE/home"
        mkdir "$TREE/var"
        make_disk "$ROOT_TYPE" "$TREE" "$TMP_TYPE" "$work/tmp" "$VAR_TYPE" "$work/var"
        opts=(--read-only)
        same_verdict no
        errors_has 'has no directory /var/tmp to mount its tmp partition on'
        opts=()
        same_verdict
        from_image cat /var/of-var /var/tmp/of-tmp
        output_is $'of-var\nof-tmp'
}

@test "the verdict is that of a start with the same options" {
        fresh_tree
        make_disk "$ROOT_TYPE" "$TREE"
        same_verdict
        rm -rf "${TREE:?}/tmp"
        ln -s var/tmp "$TREE/tmp"
        make_disk "$ROOT_TYPE" "$TREE"
        opts=(--tmp-tmpfs=no)
        same_verdict
        rm -rf "${TREE:?}/tmp" "$TREE/sys"
        mkdir "$TREE/tmp"
        ln -s proc "$TREE/sys"
        make_disk "$ROOT_TYPE" "$TREE"
        opts=()
        same_verdict no
        rm "$TREE/sys"
        make_disk "$ROOT_TYPE" "$TREE"
        opts=(--read-only)
        same_verdict no
        errors_has 'has no directory'
        mkdir "$TREE/sys"
        rm -rf "$TREE/proc"
        touch "$TREE/proc"
        make_disk "$ROOT_TYPE" "$TREE"
        opts=()
        try berth --inspect "$IMAGE"
        status_is 1
        from_image true
        status_is 1
        mkdir "$work/nothing"
        make_disk "$ROOT_TYPE" "$work/nothing"
        same_verdict no
        errors_has 'that is no OS tree'
}

@test "what cannot be known without a start is told: a check of what was not left clean" {
        make_disk "$ROOT_TYPE" "$TREE"
        debugfs -w -R 'set_super_value state 0' "$IMAGE?offset=$(($(sfdisk -J "$IMAGE" | jq '.partitiontable.partitions[0].start') * 512))" 2>/dev/null
        try berth --inspect "$IMAGE"
        status_is 0
        output_matches '^note +the root partition of the image was not left clean'
        output_matches '^starts +perhaps: fsck.ext4 checks its root partition first$'
        try berth --inspect "$IMAGE" --read-only
        output_matches '^starts +yes, read-only$'
        try berth --inspect "$IMAGE" --image-fsck=no
        output_matches '^starts +yes$'
        from_image true
        status_is 0
        try berth --inspect "$IMAGE"
        output_matches '^starts +yes$'
}

@test "paths of an image's own, whichever partition they are in: --bind=+, --volatile=yes, --pivot-root=" {
        fresh_tree
        dir home of-home
        mv "$TREE/usr" "$work/usr"
        mkdir -p "$TREE/usr" "$TREE/home" "$work/usr/etc"
        make_disk "$ROOT_TYPE" "$TREE" "$USR_TYPE" "$work/usr" "$HOME_TYPE" "$work/home"
        opts=(--bind=+/home:/mnt)
        from_image cat /mnt/of-home
        output_is of-home
        opts=(-x --bind=+/home:/mnt)
        from_image cat /mnt/of-home
        output_is of-home
        opts=(--overlay-ro=+/home:+/etc:/mnt)
        from_image ls /mnt/of-home /mnt/hostname
        output_is $'/mnt/hostname\n/mnt/of-home'
        make_disk "$ROOT_TYPE" "$TREE" "$USR_TYPE" "$work/usr"
        opts=(--bind=+/usr/bin:/mnt/bin --bind=+/etc:/mnt/etc)
        same_verdict
        from_image ls /mnt/bin/busybox /mnt/etc/hostname
        output_is $'/mnt/bin/busybox\n/mnt/etc/hostname'
        opts=(--volatile=yes)
        same_verdict
        from_image sh -c 'ls /usr/bin/busybox; touch /usr/x'
        output_is /usr/bin/busybox
        status_is 1
        opts=(--pivot-root=/usr:/old)
        from_image /bin/busybox ls -d /old/etc /bin/busybox
        status_is 0
        output_is $'/bin/busybox\n/old/etc'
        make_disk "$ROOT_TYPE" "$TREE" "$USR_TYPE" "$work/usr" "$HOME_TYPE" "$work/home"
        try berth -i "$IMAGE" --pivot-root=/usr /bin/busybox true
        status_is 0
        errors_has 'the home partition of the image is left out: /home is not in the new root directory'
}
