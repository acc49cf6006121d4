# SPDX-License-Identifier: LGPL-2.1-or-later
#
# shellcheck disable=SC2034,SC2154 # what one file sets, another reads
# Hostile trees: how they are made, started and judged. Loaded by test/sys/hostile*.bats behind common.

# Where links lead: files and directories of the host that look worth writing to or reading from.
make_canary() {
        canary=$work/canary
        mkdir -p "$canary/dir/etc" "$canary/dir/null" "$canary/empty"
        printf 'root:x:0:0:canary:/canary:/bin/canary\nhomeless:x:0:0:canary:/canary:/bin/canary\n' >"$canary/file"
        cp "$canary/file" "$canary/dir/passwd"
        chmod 0640 "$canary/file"
        chown 7:7 "$canary/dir/passwd"
        canary_state >"$work/canary.before"
}

# Any write shows in the times.
canary_state() {
        find "$canary" -printf '%P %y %m %U:%G %s %n %T@ %C@ %l\n' | sort
}

# A small tree, whose test program does not depend on the paths that are played with. The times of its making count: this is
# done a few thousand times.
hostile_tree() {
        TREE=$work/tree
        rm -rf --one-file-system -- "$TREE" "$TREE.nspawn"
        if [ ! -d "$work/pristine" ]; then
                mkdir -p "$work/pristine"/{etc,usr/bin,usr/sbin,usr/lib,dev,proc,sys,run,tmp,var/log,root,home/guest,srv}
                ln -s usr/bin "$work/pristine/bin"
                ln -s usr/sbin "$work/pristine/sbin"
                ln -s usr/lib "$work/pristine/lib"
                cp -a -- "$trees/busybox/etc/." "$work/pristine/etc/"
                cp -a -- "$trees/busybox/usr/lib/os-release" "$work/pristine/usr/lib/"
                cp -- "$trees/busybox/usr/bin/busybox" "$work/pristine/usr/bin/sh"
                cp -- "$helpers/inside" "$work/pristine/inside"
                ln -- "$work/pristine/inside" "$work/pristine/usr/sbin/init"
                # The host's zone, so that --timezone=symlink has where to lead.
                local zone
                zone=$(readlink /etc/localtime) || zone=/usr/share/zoneinfo/UTC
                mkdir -p "$(dirname "$work/pristine/usr/share/zoneinfo/${zone#*/zoneinfo/}")"
                touch "$work/pristine/usr/share/zoneinfo/${zone#*/zoneinfo/}"
                (cd "$work" && /usr/bin/python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")')
        fi
        # The programs are only ever replaced, never written to: links to them do.
        cp -al -- "$work/pristine" "$TREE"
        rm -rf -- "${TREE:?}/etc"
        cp -a -- "$work/pristine/etc" "$TREE/etc"
}

up=../../../../../../../../../../../../../../../../../../../..

# plant KIND PATH: something of that kind in its place.
plant() {
        local kind=$1 at=$TREE/$2
        mkdir -p "$(dirname "$at")"
        rm -rf -- "$at"
        case $kind in
        file-link) ln -s "$canary/file" "$at" ;;
        file-link-up) ln -s "$up$canary/file" "$at" ;;
        dir-link) ln -s "$canary/dir" "$at" ;;
        dir-link-up) ln -s "$up$canary/dir" "$at" ;;
        new-link) ln -s "$canary/empty/new" "$at" ;;
        new-link-up) ln -s "$up$canary/empty/new" "$at" ;;
        loop-link) ln -s "$(basename "$at")" "$at" ;;
        magic-link) ln -s "/proc/self/root$canary/dir" "$at" ;;
        cwd-link) ln -s /proc/self/cwd "$at" ;;
        fd-link) ln -s /proc/self/fd/0 "$at" ;;
        fifo) mkfifo "$at" ;;
        zero) mknod "$at" c 1 5 ;;
        console) mknod "$at" c 5 1 ;;
        disk) mknod "$at" b 7 0 ;;
        socket) cp -a -- "$work/socket" "$at" ;;
        directory) mkdir "$at" ;;
        file) printf 'text\n' >"$at" ;;
        huge) truncate -s 4G "$at" ;;
        binary) head -c 60000 /dev/urandom >"$at" ;;
        mode0) printf 'text\n' >"$at" && chmod 0 "$at" ;;
        missing) ;;
        *) fail "no kind $kind" ;;
        esac
}

kinds_all=(file-link file-link-up dir-link dir-link-up new-link new-link-up loop-link magic-link cwd-link fd-link fifo zero console disk
        socket directory file huge binary mode0 missing)
# What stands for a directory; the rest would only repeat "is not a directory".
kinds_dir=(file-link dir-link dir-link-up new-link new-link-up loop-link magic-link cwd-link fifo zero socket file missing)

# Ways to start: each touches other paths. The second list is for what lies in the way of generated files.
ways_most=(plain shell stub user boot other)
ways_etc=(plain shell stub user write copy bind remove boot other other-write)

# With all that it does by default.
strict_whole() {
        timeout --foreground -k 5 "${limit:-20}" "$STRICT" "$@"
}

# A start that takes more than two seconds hangs. Where one does, the machine may be to blame: then it is tried again, and
# has as long as twenty plain starts take at that moment.
try_swiftly() {
        local limit=2 tries
        for tries in 1 2 3; do
                try "$@"
                case $status in 124 | 137) ;; *) return 0 ;; esac
                limit=$(allowance) || return 1
                echo "# $(basename "$BATS_TEST_FILENAME"): a start took too long; trial $tries, the next one has $limit s" >&2
        done
}

# Seconds.
allowance() {
        local from=$EPOCHREALTIME to
        timeout 60 "$BERTH" -q --read-only -D "$work/pristine" /inside end 0 </dev/null >"$work/allowance" 2>&1 ||
                fail "a plain start went wrong" "$(<"$work/allowance")" || return 1
        to=$EPOCHREALTIME
        # Without the brackets ">" would be a redirection.
        awk -v us="$((${to/[^0-9]/} - ${from/[^0-9]/}))" 'BEGIN { s = us * 20 / 1000000; printf "%.1f\n", (s > 2 ? s : 2) }'
}

start_way() {
        local run=berth
        case $1 in other*) run=strict_whole ;; esac
        case $1 in
        plain | other) set -- /inside end 0 ;;
        shell) set -- ;;
        stub) set -- -a /inside end 0 ;;
        user) set -- -u homeless --chdir=/srv /inside end 0 ;;
        write | other-write) set -- --resolv-conf=replace-host --timezone=copy /inside end 0 ;;
        copy) set -- --resolv-conf=copy-host --timezone=symlink /inside end 0 ;;
        bind) set -- --resolv-conf=bind-host --timezone=bind /inside end 0 ;;
        remove) set -- --resolv-conf=delete --timezone=delete /inside end 0 ;;
        boot) set -- -b end 0 ;;
        esac
        local options=()
        while [ $# -gt 0 ] && [[ $1 == -* ]]; do
                case $1 in -u) options+=("$1" "$2"); shift 2 ;; *) options+=("$1"); shift ;; esac
        done
        try_swiftly "$run" -q "${options[@]}" -D "$TREE" "$@"
}

# What one start may look like. $1 path, $2 kind, $3 way.
judge() {
        local name
        name=$(basename "$1")
        canary_state | cmp -s - "$work/canary.before" || { echo "$1 $2 $3: the host was changed: $(canary_state | diff - "$work/canary.before" | head -n 3)"; return 1; }
        case $status in
        0) return 0 ;;
        124 | 137) echo "$1 $2 $3: hangs"; return 1 ;;
        1 | 126 | 127) ;;
        *) echo "$1 $2 $3: status $status: $errors"; return 1 ;;
        esac
        [ -n "$errors" ] || { echo "$1 $2 $3: status $status and nothing said"; return 1; }
        [ "$(wc -l <<<"$errors")" -le 2 ] || { echo "$1 $2 $3: many lines: $errors"; return 1; }
        # The thing itself, or what was asked for and led there.
        case $3 in
        shell) [[ $errors == */bin/sh* ]] && return 0 ;;
        boot) [[ $errors == *init* || $errors == *os-release* ]] && return 0 ;;
        user) [[ $errors == */etc/passwd* || $errors == */home/homeless* || $errors == */srv* ]] && return 0 ;;
        write | copy | bind | remove | other-write) [[ $errors == */etc/resolv.conf* || $errors == */etc/localtime* ]] && return 0 ;;
        esac
        [[ $errors == *"$name"* ]] || { echo "$1 $2 $3: the path is not named: $errors"; return 1; }
}

# All kinds and ways at one path; everything that is wrong is reported at once.
all_of() {
        local path=$1 kind way bad=0 ways=("${ways_most[@]}")
        shift
        case $path in etc* | usr | usr/share*) ways=("${ways_etc[@]}") ;; esac
        make_canary
        for kind; do
                hostile_tree
                plant "$kind" "$path"
                for way in "${ways[@]}"; do
                        start_way "$way" 3>&-
                        judge "$path" "$kind" "$way" || bad=$((bad + 1))
                        # These write to the tree, when they can.
                        case $way in write | remove | copy) hostile_tree; plant "$kind" "$path" ;; esac
                done
        done
        [ "$bad" = 0 ] || fail "$bad starts of hostile trees at $path went wrong"
}

# The two change places all the time: a directory, and a link to the canary.
raced() {
        make_canary
        hostile_tree
        mkdir -p "$TREE/$1"
        ln -sfn "$2" "$TREE/$1.other"
        local i bad=0
        try "$OUTSIDE" race "$TREE/$1" "$TREE/$1.other" -- sh -c '
                i=0
                while [ $i -lt 100 ]; do
                        s=124
                        for t in 2 5 10; do [ $s != 124 ] || { s=0; timeout $t "$0" -q -u homeless --resolv-conf=replace-host --timezone=copy --chdir=/ -D "$1" /inside end 0 2>/dev/null || s=$?; }; done
                        [ $s -le 1 ] || echo "start $i: status $s"
                        i=$((i + 1))
                done' "$BERTH" "$TREE"
        output_is ""
        canary_state | cmp - "$work/canary.before"
}

# variant WANT CODE [WORD]...: a fresh tree, changed by shell code that runs in it ($1 is the canary), and started with these
# words (none: /inside end 0). WANT: "runs", or the text that an error must hold, or "any" for one of the two. What is
# wrong is printed and counted in $bad.
variant() {
        local want=$1 code=$2
        shift 2
        hostile_tree
        (cd "$TREE" && eval "$code") || { echo "cannot make: $code"; bad=$((bad + 1)); return 0; }
        [ $# -gt 0 ] || set -- /inside end 0
        try_swiftly berth -q -D "$TREE" "$@"
        look_at_variant "$want" "${code:0:120} [$*]" || bad=$((bad + 1))
}

look_at_variant() {
        local want=$1 what=$2
        canary_state | cmp -s - "$work/canary.before" || { echo "$what: the host was changed"; return 1; }
        case $status in 124 | 137) echo "$what: hangs"; return 1 ;; esac
        ! env LC_ALL=C grep -q '[[:cntrl:]]' <<<"$errors" || { echo "$what: control characters: $errors"; return 1; }
        [ "$(wc -l <<<"$errors")" -le 2 ] || { echo "$what: many lines: $errors"; return 1; }
        case $want:$status in
        any:0 | any:1 | runs:0) return 0 ;;
        any:* | runs:*) echo "$what: status $status: $errors"; return 1 ;;
        *:1) ;;
        *) echo "$what: status $status: $errors"; return 1 ;;
        esac
        [[ $errors == *"$want"* ]] || { echo "$what: should name $want: $errors"; return 1; }
}
