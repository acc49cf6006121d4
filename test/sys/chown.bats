#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# --private-users-ownership=chown: the owners in the tree itself are changed, all of them or none, and only by name.

load ../lib/common
load ../lib/hostile
load ../lib/on
load ../lib/special

range=655360
chown=("--private-users=$range" --private-users-ownership=chown)

top_owner() {
        stat -c %u:%g "$TREE"
}

@test "all owners in the tree are changed, for good, and back; what chown(2) takes away is there again" {
        special_tree
        local before
        before=$(list_owners 0)
        opts=("${chown[@]}")
        in_tree sh -c 'stat -c %u:%g /srv/d3/f7 /srv/sgid /srv/out /; stat -c %a /srv/d3/f5; cat /proc/self/uid_map' </dev/null
        status_is 0
        [ "$(head -5 <<<"$output")" = $'7:3\n3:4\n0:0\n0:0\n4755' ]
        [ "$(top_owner)" = $range:$range ]
        [ "$(stat -c %u /etc/passwd)" = 0 ]
        diff <(echo "$before") <(list_owners $range)
        opts=(-U)
        in_tree stat -c %u:%g /srv/d3/f7
        output_is 7:3
        opts=(--private-users=identity --private-users-ownership=chown)
        in_tree true
        status_is 0
        [ "$(top_owner)" = 0:0 ]
        diff <(echo "$before") <(list_owners 0)
}

# There and back, and through another start on the way, which takes the tree as it is.
there_and_back() {
        local before inside
        before=$(list_owners 0)
        inside=$(cd "$TREE" && "$helpers/inside" files srv | sort)
        try berth -q "${chown[@]}" -D "$TREE" --chdir=/ /usr/bin/inside files srv
        status_is 0
        diff <(echo "$inside") <(sort <<<"$output") || return 1
        [ "$(top_owner)" = $range:$range ] || return 1
        diff <(echo "$before") <(list_owners $range) || return 1
        try berth -q "${chown[@]}" -D "$TREE" --chdir=/ /usr/bin/inside files srv
        status_is 0
        diff <(echo "$inside") <(sort <<<"$output") || return 1
        try berth -q --private-users=identity --private-users-ownership=chown -D "$TREE" /usr/bin/inside end 0
        status_is 0
        diff <(echo "$before") <(list_owners 0)
}

@test "file by file, there and back: ext4" { on ext4 small_special_tree there_and_back; }
@test "file by file, there and back: xfs" { on xfs small_special_tree there_and_back; }
@test "file by file, there and back: tmpfs" { on tmpfs small_special_tree there_and_back; }
@test "file by file, there and back: overlay, written to" { on overlay small_special_tree there_and_back; }
# Copied up, each name of a file becomes one of its own, and a directory of two layers counts no links.
@test "file by file, there and back: overlay, from its lower layer" { links=any; on overlay-lower small_special_tree there_and_back; }

@test "file by file, there and back: btrfs, with a subvolume in the tree" { on btrfs with_subvolume there_and_back; }

@test "the kernel's own file systems in the tree are left alone, wherever they are" {
        fresh_tree
        mkdir -p "$TREE/srv/chroot"/{proc,sys}
        mount -t proc proc "$TREE/srv/chroot/proc"
        mount -t sysfs sysfs "$TREE/srv/chroot/sys"
        try berth -q "${chown[@]}" -D "$TREE" true
        umount "$TREE/srv/chroot/sys" "$TREE/srv/chroot/proc"
        status_is 0
        [ "$(top_owner)" = $range:$range ]
        [ "$(stat -c %u "$TREE/srv/chroot/proc" "$TREE/srv/chroot" | xargs)" = "0 $range" ] || fail "$(stat -c %u "$TREE/srv/chroot/proc")"
        [ "$(stat -c %u /sys /proc | xargs)" = "0 0" ]
}

@test "the old spelling, and systemd-nspawn's name" {
        fresh_tree
        BERTH=$STRICT
        try strict -q --private-users=$range --private-users-chown -D "$TREE" stat -c %u /
        status_is 0
        output_is 0
        [ "$(top_owner)" = $range:$range ]
}

@test "a settings file beside the tree cannot ask for it" {
        fresh_tree
        printf '[Exec]\nPrivateUsers=pick\n[Files]\nPrivateUsersOwnership=chown\n' >"$TREE.nspawn"
        opts=(--settings=yes)
        in_tree stat -c %u /
        status_is 0
        output_is 0
        [ "$(top_owner)" = 0:0 ]
        [ "$(stat -c %u "$TREE/usr")" = 0 ]
}

@test "nothing else changes a tree: not auto, not where its owners cannot be mapped" {
        mkdir "$work/up" "$work/wk" "$work/over"
        mount -t overlay overlay -o "lowerdir=$TREE,upperdir=$work/up,workdir=$work/wk" "$work/over"
        try berth -q -U --private-users-ownership=auto -D "$work/over" true
        local said=$status.$errors after changed
        after=$(find "$work/up" | wc -l)
        try berth -q "${chown[@]}" -D "$work/over" stat -c %u /etc/passwd
        changed=$status.$output.$(stat -c %u "$work/over/etc/passwd")
        umount "$work/over"
        [[ $said == 1.*"--private-users-ownership=chown changes them in the tree itself"* ]] || fail "$said"
        [ "$after" = 1 ]
        [ "$changed" = 0.0.$range ] || fail "$changed" "$errors"
        [ "$(stat -c %u "$TREE/etc/passwd")" = 0 ]
}

@test "-x: the copy's owners are changed, the tree's are not" {
        fresh_tree
        opts=(-x -U --private-users-ownership=chown)
        in_tree sh -c 'stat -c %u:%g / /etc/passwd; echo x >/srv/new'
        status_is 0
        output_is $'0:0\n0:0'
        [ "$(top_owner)" = 0:0 ]
        [ "$(stat -c %u "$TREE/etc/passwd")" = 0 ]
        [ ! -e "$TREE/srv/new" ]
}

@test "a tree that is right already is not even read" {
        fresh_tree
        opts=("${chown[@]}")
        in_tree true
        try strace -f -o "$work/trace" -e trace=fchownat,getdents64,listxattr timeout 20 "$BERTH" -q "${chown[@]}" -D "$TREE" true
        status_is 0
        never grep -E 'listxattr|AT_EMPTY_PATH' "$work/trace"
        [ "$(grep -c getdents64 "$work/trace")" -lt 10 ]
}

# What is there before is there after, and the message names it.
refuses() {
        local before
        before=$(list_owners 0)
        in_tree true
        refused "$1"
        diff <(echo "$before") <(list_owners 0)
}

@test "files that are not the tree's alone: refused by name, and nothing has changed" {
        special_tree
        opts=("${chown[@]}")
        chown 100000 "$TREE/srv/d5/f5"
        refuses "$TREE/srv/d5/f5: id 100000 is not of the tree's own range"
        chown 5:5 "$TREE/srv/d5/f5"
        setcap -n 100000 cap_net_raw+ep "$TREE/srv/d5/f6"
        refuses "$TREE/srv/d5/f6: id 100000"
        rm "$TREE/srv/d5/f6"
        echo secret >"$work/host"
        chmod 4600 "$work/host"
        ln "$work/host" "$TREE/srv/d7/linked"
        refuses "$TREE/srv/d7/linked: the file has a name outside of the tree too"
        [ "$(stat -c %u:%a "$work/host")" = 0:4600 ]
        rm "$TREE/srv/d7/linked"
        mount --bind "$work" "$TREE/srv/d8"
        try berth -q "${chown[@]}" -D "$TREE" true
        umount "$TREE/srv/d8"
        refused "$TREE/srv/d8: something is mounted there"
        [ "$(top_owner)" = 0:0 ]
        in_tree true
        status_is 0
}

@test "options that it does not go with" {
        fresh_tree
        local option
        for option in --read-only --volatile=yes --volatile=state --volatile=overlay "--overlay-upper=$work" --private-users=no; do
                try berth -q -U --private-users-ownership=chown "$option" -D "$TREE" true
                refused "--private-users-ownership=chown does not go with ${option%%=[yso/]*}"
        done
        try berth -q --private-users=200000 --private-users-ownership=chown -D "$TREE" true
        refused "that takes 65536 ids, from a multiple of it on"
        [ "$(top_owner)" = 0:0 ]
}

# killed CALL NUMBER SIGNAL: the start gets it at this call of its kind.
killed() {
        try strace -f -o "$work/trace" -e trace="$1" -e inject="$1:signal=$3:when=$2" \
                timeout 20 "$BERTH" -q "${chown[@]}" -D "$TREE" true
}

@test "a request to end is heeded; the tree is marked, refused by others, and completed by the next" {
        special_tree
        local before
        before=$(list_owners 0)
        killed fchownat 200 TERM
        [ "$status" = 1 ]
        errors_has "the change of the owners in $TREE was not completed"
        errors_has "the next start with the same option completes it"
        [ "$(top_owner)" = 4294836224:4294836224 ]
        local mode
        for mode in -U --private-users=identity --private-users=$range; do
                try berth -q "$mode" -D "$TREE" true
                refused "a change of the owners in $TREE was broken off"
        done
        try berth --private-users=no -D "$TREE" true
        status_is 0
        errors_has "a change of the owners in $TREE was broken off"
        opts=("${chown[@]}")
        in_tree true
        status_is 0
        diff <(echo "$before") <(list_owners $range)
}

@test "SIGKILL at any moment: the next start completes it, and no bit is lost" {
        special_tree
        local before at
        before=$(list_owners 0)
        for at in fchownat:{1,2,3,4,7,40} setxattr:{1,2,3,4,5,6,7,40} removexattr:{1,2,30} chmod:{1,2,10}; do
                killed "${at%:*}" "${at#*:}" KILL
                [ "$status" = 137 ] || fail "$at: $status"
                [ "$at" = setxattr:1 ] || [ "$at" = fchownat:1 ] || [ "$(top_owner)" = 4294836224:4294836224 ] || fail "$at: $(top_owner)"
                # On to another range than the one that it was on the way to.
                try berth -q --private-users=1310720 --private-users-ownership=chown -D "$TREE" true
                status_is 0
                diff <(echo "$before") <(list_owners 1310720) || fail "$at"
                try berth -q --private-users=identity --private-users-ownership=chown -D "$TREE" true
                status_is 0
                diff <(echo "$before") <(list_owners 0) || fail "$at, and back"
        done
}

# Capabilities are not in it: systemd-nspawn loses them. Nor is berth's note, which it does not know.
list_common() {
        list_owners "$1" | grep -v '/caps ' | sed "s/('trusted.berth.owners', [^)]*)//"
}

@test "a call that fails: the file is named, and the next start completes it" {
        special_tree
        local before at
        before=$(list_owners 0)
        for at in statx:100 listxattr:30 getxattr:3 listxattr:800 setxattr:{1,3,6} fchownat:{1,40,100} chmod:2; do
                try strace -f -o "$work/trace" -e trace="${at%:*}" -e inject="${at%:*}:error=EIO:when=${at#*:}" \
                        timeout 20 "$BERTH" -q "${chown[@]}" -D "$TREE" true
                refused "cannot change the owners of $TREE"
                errors_has "Input/output error"
                [ "$(top_owner)" = 0:0 ] || errors_has "the next start with the same option completes it"
                try berth -q --private-users=1310720 --private-users-ownership=chown -D "$TREE" true
                status_is 0
                diff <(echo "$before") <(list_owners 1310720) || fail "$at"
                try berth -q --private-users=identity --private-users-ownership=chown -D "$TREE" true
                status_is 0
        done
}

@test "systemd-nspawn completes what berth has begun, and berth what it has" {
        special_tree
        mkdir -p "$TREE/var/log/journal"
        local before words=(systemd-nspawn -q --register=no --keep-unit --link-journal=no --resolv-conf=off --timezone=off
                -M half -D "$TREE" --private-users-ownership=chown)
        before=$(list_common 0)
        killed fchownat 200 TERM
        [ "$(top_owner)" = 4294836224:4294836224 ]
        in_own_cgroup timeout 20 "${words[@]}" --private-users=$range /bin/true
        [ "$(top_owner)" = $range:$range ] || fail "$errors"
        diff <(echo "$before") <(list_common $range)
        in_own_cgroup strace -f -o "$work/trace" -e trace=fchownat -e inject=fchownat:signal=KILL:when=100 \
                timeout 20 "${words[@]}" --private-users=1310720 /bin/true
        [ "$(top_owner)" = 4294836224:4294836224 ] || fail "$(top_owner)" "$errors"
        try berth -q --private-users=1310720 --private-users-ownership=chown -D "$TREE" true
        status_is 0
        diff <(echo "$before") <(list_common 1310720)
        never grep -q trusted.berth <<<"$(list_owners 1310720)"
}

@test "on a terminal it shows how far it is, and only there" {
        fresh_tree
        mkdir "$TREE/srv/many"
        (cd "$TREE/srv/many" && seq 1 3000 | xargs touch)
        on_terminal -- "$BERTH" "${chown[@]}" -D "$TREE" true
        [[ $output == *"changing the owners in the tree: "[12]" of "* || $output =~ "changing the owners in the tree: "[0-9]+" of "[0-9]+ ]] || fail "$output"
        try berth --private-users=identity --private-users-ownership=chown -D "$TREE" true
        status_is 0
        errors_lacks "changing the owners"
}

@test "who swaps directories for links meanwhile gains nothing" {
        special_tree
        mkdir "$work/canary"
        echo secret >"$work/canary/file"
        ln -s "$work/canary" "$TREE/srv/a-link"
        mkdir "$TREE/srv/a-dir"
        touch "$TREE/srv/a-dir/file"
        /usr/bin/python3 - "$TREE/srv" <<'END' &
import ctypes, os, sys
os.chdir(sys.argv[1])
libc = ctypes.CDLL(None)
while True:
    libc.renameat2(-100, b'a-dir', -100, b'a-link', 2)
END
        local racer=$! i done=0 bad=0
        for i in {1..40}; do
                # What it hides is of another range than the rest then: a mark says that this is known.
                chown 4294836224:4294836224 "$TREE"
                try berth -q --private-users=$((range * (i % 2 + 1))) --private-users-ownership=chown -D "$TREE" true
                [ "$status" != 0 ] || done=$((done + 1))
                [ "$(stat -c %u:%g "$work/canary" "$work/canary/file" | xargs)" = "0:0 0:0" ] || bad=1
        done
        kill $racer
        wait $racer || true
        [ $bad = 0 ]
        [ "$done" -ge 20 ] || fail "$done of 40" "$errors"
}

# hostile WANT CODE: in a small tree, which the code spoils ($canary is the host's). WANT: runs, or what the message names.
hostile() {
        rm -rf --one-file-system -- "$work/spoilt"
        TREE=$work/spoilt
        mkdir -p "$TREE"/{usr,etc,dev,proc,sys,run,tmp,srv}
        cp -- "$helpers/inside" "$TREE/inside"
        (cd "$TREE" && eval "$2")
        # A link to a file of the host changes that.
        canary_state >"$work/canary.before"
        limit=10 try berth -q "${chown[@]}" -D "$TREE" /inside end 0
        diff "$work/canary.before" <(canary_state) || fail "$2: the host has changed" || return 1
        if [ "$1" = runs ]; then
                [ "$status" = 0 ] || fail "$2" "$(show)" || return 1
                [ "$(top_owner)" = $range:$range ] || fail "$2: $(top_owner)"
        else
                [ "$status" = 1 ] || fail "$2" "$(show)" || return 1
                [[ $errors == *"$1"* ]] || fail "$2" "$(show)" || return 1
                [ "$(wc -l <<<"$errors")" -le 2 ] || fail "$2" "$(show)" || return 1
                [[ $errors != *$'\033'* ]] || fail "$2" "$(show)"
        fi
}

mark='chown 4294836224:4294836224 .'
note() {
        /usr/bin/python3 -c 'import os, struct, sys; os.setxattr(sys.argv[1], "trusted.berth." + sys.argv[2], bytes.fromhex(sys.argv[3]))' "$@"
}

@test "hostile trees gain nothing, and are named" {
        make_canary
        hostile runs 'ln -s "$canary/file" srv/a; ln -s "$canary/dir" srv/b; ln -s "$canary" etc/passwd'
        hostile runs 'ln -s . srv/loop; ln -s loop2 srv/loop1; ln -s loop1 srv/loop2; ln -s /proc/self/root srv/magic; ln -s /proc/1/cwd proc/1'
        hostile runs 'mknod srv/null c 1 3; mknod srv/disk b 7 200; mkfifo srv/fifo; chmod 6777 srv/fifo; chmod 0 srv/disk usr'
        hostile runs '/usr/bin/python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\"srv/socket\")"'
        hostile runs 'touch "srv/$(printf "n%.0s" {1..255})" srv/$'"'esc\\033[31m'"' srv/$'"'new\\nline'"' srv/$'"'bad\\377'"' srv/...'
        hostile runs 'touch srv/f; /usr/bin/python3 -c "import os; [os.link(\"srv/f\", f\"srv/f{i}\") for i in range(3000)]"'
        hostile runs 'p=srv; for i in {1..190}; do p=$p/d; done; mkdir -p $p'
        hostile 'too many directories' 'p=srv; for i in {1..210}; do p=$p/d; done; mkdir -p $p'
        hostile 'too many directories' 'cd srv; for i in {1..30}; do d=$(printf "n%.0s" {1..250}); mkdir $d; cd -P $d; done'
        hostile $'srv/esc\\x1b[31m' 'touch srv/$'"'esc\\033[31m'"'; chown 100000 srv/$'"'esc\\033[31m'"
        hostile 'srv/new\x0aline' 'touch srv/$'"'new\\nline'"'; chown 100000 srv/$'"'new\\nline'"
        hostile srv/nobody 'touch srv/nobody; chown 4294967294:4294967294 srv/nobody'
        hostile srv/busy 'touch srv/busy; chown 4294836224 srv/busy'
        hostile srv/host 'ln "$canary/file" srv/host'
        hostile srv/host "ln \"\$canary/file\" srv/host; $mark"
        hostile 'of two ranges' 'chown 655360:0 .'
        # Notes that nobody of us made: of a wrong size, with capabilities that are none, for another root.
        hostile runs "note srv kept 00; note . kept 00; note . owners 00; note inside kept 00; $mark"
        hostile runs "note srv kept $(printf 'ff%.0s' {1..32}); $mark"
        hostile runs "note srv owners 00000100; note inside kept ed890000180000000100000300200000$(printf '00%.0s' {1..12})00000000; $mark"
        hostile inside "note inside kept ed890000180000000100000300200000$(printf '00%.0s' {1..12})a0860100; $mark"
        hostile inside "note inside kept ed890000140000000100000900200000$(printf '00%.0s' {1..12})00000000; $mark"
}
