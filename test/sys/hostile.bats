#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Hostile trees: at each path that a launcher touches, each kind of thing that should not be there. For each tree and
# each way to start it: no hang, the host is not changed (a canary directory, and the guard), little memory, and either a
# container that works or an error that names the path.

load ../lib/common
load ../lib/hostile

@test "etc" { all_of etc "${kinds_dir[@]}"; }
@test "etc/passwd" { all_of etc/passwd "${kinds_all[@]}"; }
@test "etc/group" { all_of etc/group "${kinds_all[@]}"; }
@test "etc/resolv.conf" { all_of etc/resolv.conf "${kinds_all[@]}"; }
@test "etc/localtime" { all_of etc/localtime "${kinds_all[@]}"; }
@test "etc/machine-id" { all_of etc/machine-id "${kinds_all[@]}"; }
@test "etc/hostname" { all_of etc/hostname file-link fifo zero; }
@test "etc/os-release" { all_of etc/os-release "${kinds_all[@]}"; }
@test "etc/nsswitch.conf" { all_of etc/nsswitch.conf file-link fifo huge; }
@test "etc/shadow" { all_of etc/shadow file-link fifo; }
@test "usr" { all_of usr "${kinds_dir[@]}"; }
@test "usr/lib" { all_of usr/lib "${kinds_dir[@]}"; }
@test "usr/lib/os-release" { all_of usr/lib/os-release "${kinds_all[@]}"; }
@test "usr/lib/systemd" { all_of usr/lib/systemd "${kinds_dir[@]}"; }
@test "usr/lib/systemd/systemd" { all_of usr/lib/systemd/systemd file-link file-link-up dir-link loop-link magic-link fifo zero socket directory file mode0; }
@test "lib" { all_of lib "${kinds_dir[@]}"; }
@test "bin" { all_of bin "${kinds_dir[@]}"; }
@test "sbin" { all_of sbin "${kinds_dir[@]}"; }
@test "usr/sbin/init" { all_of usr/sbin/init file-link file-link-up dir-link loop-link magic-link fd-link fifo zero disk socket directory file binary mode0 missing; }
@test "usr/bin/sh" { all_of usr/bin/sh file-link file-link-up dir-link loop-link magic-link fd-link fifo zero disk socket directory file binary mode0 missing; }
@test "inside, the program itself" { all_of inside file-link file-link-up dir-link loop-link magic-link cwd-link fd-link fifo zero disk socket directory file binary mode0 missing; }
@test "dev" { all_of dev "${kinds_dir[@]}"; }
@test "dev/null" { all_of dev/null "${kinds_all[@]}"; }
@test "dev/console" { all_of dev/console "${kinds_all[@]}"; }
@test "dev/ptmx" { all_of dev/ptmx file-link dir-link new-link fifo zero; }
@test "dev/pts" { all_of dev/pts "${kinds_dir[@]}"; }
@test "dev/shm" { all_of dev/shm "${kinds_dir[@]}"; }
@test "dev/mqueue" { all_of dev/mqueue dir-link new-link fifo; }
@test "proc" { all_of proc "${kinds_dir[@]}"; }
@test "proc/self" { all_of proc/self "${kinds_dir[@]}"; }
@test "proc/sys" { all_of proc/sys "${kinds_dir[@]}"; }
@test "sys" { all_of sys "${kinds_dir[@]}"; }
@test "sys/fs/cgroup" { all_of sys/fs/cgroup "${kinds_dir[@]}"; }
@test "run" { all_of run "${kinds_dir[@]}"; }
@test "run/host" { all_of run/host "${kinds_dir[@]}"; }
@test "run/systemd" { all_of run/systemd dir-link new-link fifo; }
@test "tmp" { all_of tmp "${kinds_dir[@]}"; }
@test "var" { all_of var "${kinds_dir[@]}"; }
@test "var/log/journal" { all_of var/log/journal "${kinds_dir[@]}"; }
@test "root" { all_of root "${kinds_dir[@]}"; }
@test "home" { all_of home "${kinds_dir[@]}"; }
@test "home/homeless" { all_of home/homeless "${kinds_dir[@]}"; }
@test "srv" { all_of srv "${kinds_dir[@]}"; }
@test "usr/share/zoneinfo" { all_of usr/share/zoneinfo "${kinds_dir[@]}"; }
@test "usr/bin/getent" { all_of usr/bin/getent file-link fifo file; }

@test "a link that stays in the tree is no place for the container's own file systems either" {
        local place
        for place in dev proc run sys tmp; do
                hostile_tree
                mkdir "$TREE/srv/x"
                rm -r "${TREE:?}/$place"
                ln -s srv/x "$TREE/$place"
                try berth -q -D "$TREE" /inside end 0
                refused "/$place of the tree is or leads through a symbolic link"
        done
}

@test "the tree itself is a link: it is followed once, by the caller's will" {
        make_canary
        hostile_tree
        ln -s "$TREE" "$work/link"
        try_swiftly berth -q -D "$work/link" /inside end 0
        status_is 0
        canary_state | cmp - "$work/canary.before"
}

@test "the file of settings beside the tree: each kind" {
        make_canary
        local kind bad=0
        for kind in "${kinds_all[@]}"; do
                hostile_tree
                [ "$kind" = missing ] || plant "$kind" ../tree.nspawn
                start_way plain
                judge tree.nspawn "$kind" plain || bad=1
        done
        rm -rf "$work/tree.nspawn"
        [ "$bad" = 0 ]
}

@test "users and groups: hostile texts" {
        make_canary
        local text bad=0
        local texts=(
                'homeless'
                'homeless:'
                'homeless:x'
                'homeless:x:::::'
                'homeless:x:-1:0::/:'
                'homeless:x:4294967295:0::/:'
                'homeless:x:99999999999999999999:0::/:'
                'homeless:x:0x0:0::/:'
                'homeless:x:0 :0::/:'
                'homeless:x:1001:1001::../../../../../../../../tmp/evil:/bin/sh'
                "homeless:x:1001:1001::$up$canary/empty/made:/bin/sh"
                "homeless:x:1001:1001::/proc/self/root$canary/empty/made:/bin/sh"
                'homeless:x:1001:1001::relative:/bin/sh'
                'homeless:x:1001:1001:::/bin/sh'
                'homeless:x:1001:1001::/dev/shm/home:/bin/sh'
                'homeless:x:1001:1001::/proc/1:/bin/sh'
                $'homeless:x:1001:1001::/h\033[31m:/bin/sh'
                $'homeless:x:1001:1001::/h\0null:/bin/sh'
                "homeless:x:1001:1001::/$(printf 'x%.0s' {1..5000}):/bin/sh"
                "$(printf 'a%.0s' {1..100000})"
                "$(for i in {1..5000}; do echo "u$i:x:$i:$i::/:"; done)"
        )
        for text in "${texts[@]}"; do
                hostile_tree
                printf '%s\n' "$text" >"$TREE/etc/passwd"
                start_way user
                case $status in 0 | 1 | 126 | 127) ;; *) echo "passwd '${text:0:60}': status $status: $errors"; bad=1 ;; esac
                never grep -q $'\033' "$work/.stdout" "$work/.stderr" || bad=1
                canary_state | cmp -s - "$work/canary.before" || { echo "passwd '${text:0:60}': the host was changed"; bad=1; }
        done
        for text in "x:x:5:$(printf 'homeless,%.0s' {1..20000})" "$(for i in {1..3000}; do echo "g$i:x:$i:homeless"; done)" 'g:x:-1:homeless' 'g:x:99999999999:homeless'; do
                hostile_tree
                printf '%s\n' "$text" >"$TREE/etc/group"
                start_way user
                case $status in 0 | 1) ;; *) echo "group '${text:0:60}': status $status: $errors"; bad=1 ;; esac
        done
        [ "$bad" = 0 ]
}

@test "os-release: hostile texts" {
        make_canary
        local text bad=0
        for text in '' $'\0\0\0' "$(printf 'ID=%.0s' {1..20000})" $'PRETTY_NAME="\033]0;x\007"' 'ID="unterminated' "ID=$(printf 'x%.0s' {1..60000})"; do
                hostile_tree
                printf '%s\n' "$text" >"$TREE/usr/lib/os-release"
                start_way boot
                case $status in 0 | 1) ;; *) echo "os-release '${text:0:40}': status $status: $errors"; bad=1 ;; esac
                never grep -q $'\033' "$work/.stdout" "$work/.stderr" || bad=1
        done
        [ "$bad" = 0 ]
}

@test "scripts and programs that are none: hostile headers" {
        make_canary
        local text bad=0
        for text in '#!' '#!/' '#!/proc/self/exe' '#!/proc/1/exe' "#!$canary/file" "#!$up$canary/file" '#!/inside' '#! ' "#!$(printf '/x%.0s' {1..3000})" $'\177ELF' $'\177ELF\002\001\001'; do
                hostile_tree
                printf '%s\n' "$text" >"$TREE/srv/prog"
                chmod 0755 "$TREE/srv/prog"
                try_swiftly berth -q -D "$TREE" /srv/prog end 0
                case $status in 0 | 1 | 2 | 126 | 127 | 139) ;; *) echo "header '${text:0:40}': status $status: $errors"; bad=1 ;; esac
                canary_state | cmp -s - "$work/canary.before" || { echo "header '${text:0:40}': the host was changed"; bad=1; }
        done
        [ "$bad" = 0 ]
}

hanging() {
        timeout "${limit:-60}" sleep 60
}

@test "a start that hangs is seen, and one that hung once is tried again" {
        hostile_tree
        try_swiftly hanging 2>"$work/told"
        status_is 124
        [ "$(wc -l <"$work/told")" = 3 ]
        rm -f "$work/once"
        try_swiftly sh -c 'mkdir "$0" 2>/dev/null && exit 124; echo fine' "$work/once" 2>/dev/null
        status_is 0
        output_is fine
}

small_berth() {
        timeout --foreground -k 5 "${limit:-20}" prlimit --as=100000000 "$BERTH" "$@"
}

@test "little memory is used for a huge file" {
        make_canary
        local path
        for path in etc/passwd etc/group etc/machine-id usr/lib/os-release etc/resolv.conf; do
                hostile_tree
                plant huge "$path"
                try_swiftly berth -q -u homeless -D "$TREE" /inside end 0
                [ "$status" -le 1 ]
                # Address space as the measure: what is read whole would need 4 GiB.
                try_swiftly small_berth -q -b -D "$TREE" end 0
                [ "$status" -le 1 ]
        done
}

@test "race: dev changes into a link while containers start" { raced dev "$work/canary/dir"; }
@test "race: proc changes into a link while containers start" { raced proc "$work/canary/dir"; }
@test "race: run changes into a link while containers start" { raced run "$up$work/canary/dir"; }
@test "race: sys changes into a link while containers start" { raced sys /proc/self/root/etc; }
@test "race: tmp changes into a link while containers start" { raced tmp "$work/canary/empty"; }
@test "race: etc changes into a link while containers start" { raced etc "$up$work/canary/dir"; }
@test "race: home changes into a link while containers start" { raced home "$up$work/canary/empty"; }
