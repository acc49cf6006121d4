# SPDX-License-Identifier: LGPL-2.1-or-later
#
# shellcheck disable=SC2034,SC2154 # what one file sets, another reads
# A tree on a file system of a kind, in a loop file or in memory.

# on KIND MAKE CODE: $TREE is a tree, as MAKE makes it, on that file system while CODE runs. overlay: in the upper layer;
# overlay-lower: in the lower one.
on() {
        local kind=$1 make=$2 at=$work/at bad=0
        shift 2
        mkdir -p "$at"
        truncate -s 400M "$work/disk"
        case $kind in
        tmpfs) mount -t tmpfs tmpfs "$at" ;;
        overlay*)
                mount -t tmpfs tmpfs "$at"
                mkdir "$at/l" "$at/u" "$at/w" "$at/m"
                [ "$kind" = overlay ] || { TREE=$at/l/tree && "$make"; }
                mount -t overlay -o "lowerdir=$at/l,upperdir=$at/u,workdir=$at/w" overlay "$at/m"
                ;;
        *) "mkfs.$kind" -q "$work/disk" && mount -o loop "$work/disk" "$at" || return 1 ;;
        esac
        case $kind in
        overlay*) TREE=$at/m/tree ;;
        *) TREE=$at/tree ;;
        esac
        [ "$kind" = overlay-lower ] || "$make"
        "$@" || bad=1
        ! mountpoint -q "$at/m" || umount "$at/m"
        umount "$at"
        rm "$work/disk"
        [ "$bad" = 0 ] || fail "on $kind"
}
