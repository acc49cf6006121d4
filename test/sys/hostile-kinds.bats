#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Hostile trees that are more than a wrong kind of file in one place: programs that are none, chains of links and of
# interpreters, foreign owners, missing permissions, names, what the kernel refuses to change. A row each.

load ../lib/common
load ../lib/hostile

# The row's code runs in the tree; $canary is the host's.
rows() {
        local want code words
        bad=0
        make_canary
        while IFS='|' read -r want words code; do
                want=${want%%+( )} words=${words##+( )} words=${words%%+( )} code=${code##+( )}
                case $want in '' | '#'*) continue ;; esac
                # shellcheck disable=SC2086 # several words
                variant "$want" "$code" $words
        done
        [ "$bad" = 0 ] || fail "$bad rows went wrong"
}

# poke FILE OFFSET BYTES: as printf writes them.
poke() {
        # shellcheck disable=SC2059
        printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

program() {
        cp inside srv/prog
        chmod 0755 srv/prog
        [ $# = 0 ] || poke srv/prog "$@"
}

# A program of the host that wants another interpreter: the name is replaced by one that is not longer.
with_interpreter() {
        /usr/bin/python3 - "$1" <<'END'
import re, sys
text = open('/bin/true', 'rb').read()
old = re.search(rb'/lib[^\0]*/ld-[^\0]*\0', text).group()
new = sys.argv[1].encode().ljust(len(old), b'\0')
assert len(new) == len(old)
open('srv/prog', 'wb').write(text.replace(old, new))
END
        chmod 0755 srv/prog
}

script() {
        printf '%b' "$1" >srv/prog
        chmod 0755 srv/prog
}

links() {
        local i
        for ((i = 1; i < $1; i++)); do ln -s "l$((i + 1))" "srv/l$i"; done
        ln -s "$2" "srv/l$1"
}

@test "programs whose ELF header is broken" {
        rows <<'END'
/srv/prog|/srv/prog|: >srv/prog; chmod 755 srv/prog
/srv/prog|/srv/prog|printf '\177' >srv/prog; chmod 755 srv/prog
/srv/prog|/srv/prog|printf '\177ELF' >srv/prog; chmod 755 srv/prog
/srv/prog|/srv/prog|head -c 63 inside >srv/prog; chmod 755 srv/prog
/srv/prog|/srv/prog|head -c 64 inside >srv/prog; chmod 755 srv/prog
runs|/srv/prog end 0|program 4 '\001'
runs|/srv/prog end 0|program 5 '\002'
/srv/prog|/srv/prog|program 16 '\001\000'
/srv/prog|/srv/prog|program 18 '\377\377'
/srv/prog|/srv/prog|program 32 '\377\377\377\377\377\377\377\177'
/srv/prog|/srv/prog|program 54 '\000\000'
/srv/prog|/srv/prog|program 56 '\377\377'
/srv/prog|/srv/prog|program 56 '\000\000'
/srv/prog|/srv/prog|program; chmod 644 srv/prog
/srv/prog|/srv/prog|head -c 300000 /dev/zero >srv/prog; chmod 755 srv/prog
/srv/prog|/srv/prog|truncate -s 4G srv/prog; chmod 755 srv/prog
cannot execute|-a /srv/prog|program 18 '\377\377'
cannot execute|-a /srv/prog|: >srv/prog; chmod 755 srv/prog
END
}

@test "programs that want a hostile interpreter" {
        rows <<'END'
interpreter|/srv/prog|with_interpreter /nope
interpreter|/srv/prog|with_interpreter /proc/self/fd/3
/srv/prog|/srv/prog|with_interpreter /srv/fifo; mkfifo srv/fifo
/srv/prog|/srv/prog|with_interpreter /dev/zero
/srv/prog|/srv/prog|with_interpreter /srv
/srv/prog|/srv/prog|with_interpreter /srv/loop; ln -s loop srv/loop
any|/srv/prog|with_interpreter /srv/prog
/srv/prog|/srv/prog|with_interpreter /srv/text; echo text >srv/text; chmod 755 srv/text
/srv/prog|/srv/prog|with_interpreter ''
interpreter|/srv/prog|with_interpreter /srv/out; ln -s "$canary/file" srv/out
END
}

@test "scripts: loops, chains, interpreters that are none" {
        rows <<'END'
/srv/prog|/srv/prog|script '#!/srv/prog\n'
/srv/prog|/srv/prog|script '#!/srv/b\n'; printf '#!/srv/prog\n' >srv/b; chmod 755 srv/b
prog|prog|script '#!/srv/prog\n'; mv srv/prog usr/bin/prog; ln -s /usr/bin/prog srv/prog
runs|/srv/prog end 0|script '#!/srv/b end\n'; printf '#!/inside end\n' >srv/b; chmod 755 srv/b; printf '#!/inside argv\n' >srv/prog
/srv/prog|/srv/prog|for i in 1 2 3 4 5 6 7 8 9; do printf "#!/srv/s$((i + 1))\n" >srv/s$i; chmod 755 srv/s$i; done; cp inside srv/s10; cp -p srv/s1 srv/prog
/srv/prog|/srv/prog|script '#!'
/srv/prog|/srv/prog|script '#!\n'
/srv/prog|/srv/prog|script '#! \t \t\n'
/srv/prog|/srv/prog|script '#!\0/inside\n'
/srv/prog|/srv/prog|script "#!/$(printf 'x%.0s' {1..5000})\n"
/srv/prog|/srv/prog|script "#!$(printf ' %.0s' {1..5000})/inside\n"
/srv/prog|/srv/prog|script '#!/inside\r\n'
/srv/prog|/srv/prog|script '#!/srv\n'
/srv/prog|/srv/prog|script '#!/srv/fifo\n'; mkfifo srv/fifo; chmod 755 srv/fifo
/srv/prog|/srv/prog|script '#!/dev/zero\n'
/srv/prog|/srv/prog|script '#!/dev/stdin\n'
/srv/prog|/srv/prog|script '#!/proc/self/exe\n'
/srv/prog|/srv/prog|script '#!/proc/1/exe\n'
/srv/prog|/srv/prog|script '#!/proc/self/fd/3\n'
/srv/prog|/srv/prog|script "#!$canary/file\n"
/srv/prog|/srv/prog|script "#!$up$canary/file\n"
/srv/prog|/srv/prog|script '#!/srv/out\n'; ln -s "$up$canary/file" srv/out
/srv/prog|/srv/prog|script '#!/srv/loop\n'; ln -s loop srv/loop
/srv/prog|/srv/prog|script '#!/inside\n'; chmod 644 srv/prog
/srv/prog|/srv/prog|script '#!/srv/none\n'; : >srv/none; chmod 644 srv/none
/srv/prog|/srv/prog|script '#!\033[31m\n'
init|-b|rm usr/sbin/init; printf '#!/usr/sbin/init\n' >usr/sbin/init; chmod 755 usr/sbin/init
init|-b|rm usr/sbin/init; printf '#!/nope\n' >usr/sbin/init; chmod 755 usr/sbin/init
init|-b|rm usr/sbin/init; printf '\177ELF' >usr/sbin/init; chmod 755 usr/sbin/init
END
}

@test "chains of links: as long as the kernel follows, and longer" {
        # It follows 40, and may count twice what it looks up again because something was mounted meanwhile.
        rows <<'END'
runs|/srv/l1 end 0|links 19 /inside
/srv/l1|/srv/l1|links 45 /inside
runs|--chdir=/srv/l1 /inside end 0|links 19 /home
/srv/l1|--chdir=/srv/l1 /inside end 0|links 45 /home
runs|-b end 0|links 17 /inside; ln -sf /srv/l1 usr/sbin/init
init|-b|links 45 /inside; ln -sf /srv/l1 usr/sbin/init
/etc/passwd|-u homeless /inside end 0|links 45 /etc/passwd2; mv etc/passwd etc/passwd2; ln -s /srv/l1 etc/passwd
runs|-u homeless /inside end 0|links 20 /etc/passwd2; mv etc/passwd etc/passwd2; ln -s /srv/l1 etc/passwd
os-release|-b|links 45 /usr/lib/os-release2; mv usr/lib/os-release usr/lib/os-release2; rm -f etc/os-release; ln -s /srv/l1 etc/os-release
runs||rm -rf dev proc sys run tmp; links 5 /home
dev||rm -rf dev; links 5 /home; ln -s /srv/l1 dev
runs||d=srv; for i in $(seq 300); do d=$d/x; mkdir $d; done; ln -s "/$d" srv/deep
END
}

@test "owners that the container has no ids for" {
        rows <<'END'
any||chown 100000:100000 .
any||chown 4294967294:4294967294 .
any||chown -R 100000:100000 etc usr dev proc sys run tmp
runs||chown 100000:100000 dev proc sys run tmp
any||chown 100000:100000 .; rm -rf dev proc sys run tmp
any|--resolv-conf=replace-host --timezone=copy /inside end 0|chown 100000:100000 etc
any|--resolv-conf=copy-host --timezone=copy /inside end 0|touch etc/resolv.conf etc/localtime; chown 100000:100000 etc etc/resolv.conf etc/localtime
runs|-u homeless /inside end 0|chown 100000:100000 etc/passwd etc/group
any|-u homeless /inside end 0|chown 100000:100000 home
any|-u homeless /inside end 0|mkdir home/homeless; chown 100000:100000 home/homeless
runs|/srv/prog end 0|program; chown 100000:100000 srv/prog
runs|-b end 0|chown -h 100000:100000 usr/sbin/init
any|--chdir=/srv /inside end 0|chown 100000:100000 srv
END
}

@test "no permissions, and more of them than usual" {
        rows <<'END'
runs||chmod 0 dev proc sys run tmp
runs||chmod 0 etc usr usr/lib
any||chmod 0 .
runs||chmod 7777 .
runs|-u homeless /inside end 0|chmod 0 etc/passwd etc/group
runs|-u homeless --chdir=/srv /inside end 0|chmod 7777 srv
any|-u homeless --chdir=/srv /inside end 0|chmod 0700 srv
/srv/prog|-u homeless /srv/prog|program; chmod 0700 srv/prog
/srv/dir/prog|-u homeless /srv/dir/prog|mkdir srv/dir; cp inside srv/dir/prog; chmod 0700 srv/dir
runs|-u homeless /srv/prog end 0|program; chmod 06755 srv/prog
runs|-b end 0|chmod 0 etc/os-release usr/lib/os-release
END
}

@test "what the kernel refuses to change: immutable and append-only" {
        local code
        make_canary
        bad=0
        # The attributes are taken away again by a trap of each row: a test that fails must not leave them.
        for code in 'chattr +i .' 'rm -rf dev proc; chattr +i .' 'chattr +i etc' 'chattr +a etc' 'touch etc/resolv.conf; chattr +i etc/resolv.conf' \
                'chattr +a .' 'chattr +i dev proc sys run tmp' 'chattr +i home' 'chattr +i etc/passwd usr/lib/os-release'; do
                local way
                for way in plain user write copy remove boot; do
                        hostile_tree
                        (cd "$TREE" && eval "$code")
                        start_way "$way"
                        (cd "$TREE" && chattr -i -a . etc home dev proc sys run tmp etc/resolv.conf etc/passwd usr/lib/os-release 2>/dev/null) || true
                        look_at_variant any "$code, $way" || bad=$((bad + 1))
                done
        done
        [ "$bad" = 0 ]
}

@test "names of trees: each runs, and a message shows it on one line" {
        make_canary
        local name all=($'new\nline' $'esc\033[31m' $'tab\t' ' ' 'a b' -D --boot '%s%n' "quote'" 'quote"' 'back\slash' 'com,ma' 'co:lon' 'semi;$(id)' '*' '?'
                $'bad\xff\xfeutf' 'ünï' '.hidden' '...' 'x.raw' 'x.vv' "$(printf 'n%.0s' {1..255})" "$(printf 'ü%.0s' {1..127})" 'a#b' '[x]' '~' 'a=b')
        bad=0
        mkdir "$work/names"
        for name in "${all[@]}"; do
                mkdir -- "$work/names/$name"
                cp -- "$helpers/inside" "$work/names/$name/inside"
                try_swiftly berth -q -D "$work/names/$name" /inside end 0
                # A name without a letter or digit gives no name for the container.
                case $name in ' ' | '*' | '?' | ... | '~') look_at_variant any "name $name" ;; *) look_at_variant runs "name $name" ;; esac || bad=$((bad + 1))
                (cd -- "$work/names/$name" && try_swiftly berth -q /inside end 0 && look_at_variant runs "inside of $name") || bad=$((bad + 1))
                rm -- "$work/names/$name/inside"
                try_swiftly berth -q -M named -D "$work/names/$name" /inside end 0
                look_at_variant /inside "message of $name" || bad=$((bad + 1))
        done
        rm -rf -- "$work/names"
        [ "$bad" = 0 ] || fail "$bad names went wrong"
}

@test "names of programs, directories and users inside" {
        make_canary
        local name all=($'new\nline' $'esc\033[31m' ' ' -D '%s%n' $'bad\xff\xfe' "$(printf 'n%.0s' {1..255})")
        bad=0
        for name in "${all[@]}"; do
                hostile_tree
                mkdir -- "$TREE/srv/$name"
                cp -- "$helpers/inside" "$TREE/srv/$name/$name"
                try_swiftly berth -q -D "$TREE" --chdir="/srv/$name" "/srv/$name/$name" end 0
                look_at_variant runs "program $name" || bad=$((bad + 1))
                rm -- "$TREE/srv/$name/$name"
                try_swiftly berth -q -D "$TREE" "/srv/$name/$name" end 0
                look_at_variant /srv/ "missing program $name" || bad=$((bad + 1))
                rmdir -- "$TREE/srv/$name"
                try_swiftly berth -q -D "$TREE" --chdir="/srv/$name" /inside end 0
                look_at_variant /srv/ "missing directory $name" || bad=$((bad + 1))
                try_swiftly berth -q -D "$TREE" -u "$name" /inside end 0
                look_at_variant '' "user $name" || bad=$((bad + 1))
        done
        [ "$bad" = 0 ] || fail "$bad names went wrong"
}

@test "directories that are full: a hundred thousand entries where mounts go" {
        make_canary
        hostile_tree
        bad=0
        local place
        for place in dev run etc; do
                (cd "$TREE/$place" && seq 100000 | xargs touch)
        done
        try_swiftly berth -q -u homeless --resolv-conf=replace-host -D "$TREE" /inside end 0
        look_at_variant runs "full directories"
        try_swiftly berth -q -b -D "$TREE" end 0
        look_at_variant runs "full directories, booted"
}

@test "sparse files of a terabyte at every file that is read" {
        make_canary
        local path way
        bad=0
        for path in etc/passwd etc/group etc/machine-id etc/os-release usr/lib/os-release etc/resolv.conf etc/localtime etc/inittab usr/sbin/init usr/bin/sh; do
                for way in plain shell user boot copy; do
                        hostile_tree
                        rm -rf -- "${TREE:?}/$path"
                        truncate -s 1T "$TREE/$path"
                        chmod 0755 "$TREE/$path"
                        start_way "$way"
                        look_at_variant any "$path, $way" || bad=$((bad + 1))
                done
        done
        [ "$bad" = 0 ]
}

@test "the state directory: each kind at each name that a start uses" {
        make_canary
        hostile_tree
        local at kind dev ino
        bad=0
        dev=$(stat -c %D "$TREE") ino=$(stat -c %i "$TREE")
        for at in /run/berth/tree /run/berth/tree/record /run/berth/tree/lock /run/systemd/nspawn/locks /run/systemd/nspawn/locks/"inode-$((16#$dev)):$ino" \
                /run/systemd/nspawn-uid "$work/.#tree.lck"; do
                for kind in file-link dir-link new-link loop-link fifo zero socket directory file; do
                        try unshare -m --propagation private bash -c '
                                source "$1"; work=$2 canary=$3 up=$4 TREE=/
                                mount -t tmpfs run /run && mkdir -p /run/berth /run/systemd/nspawn/locks && chmod 700 /run/berth || exit 99
                                rm -rf "$5"; plant "$6" "$5" || exit 99
                                timeout 10 "$7" -q -D "$8" /inside end 0; s=$?
                                case $5 in "$2"/*) rm -rf "$5" ;; esac
                                exit $s' sh "$top/test/lib/hostile.bash" "$work" "$canary" "$up" "$at" "$kind" "$BERTH" "$TREE"
                        look_at_variant any "$at is $kind" || bad=$((bad + 1))
                        [ "$status" = 0 ] || [ -n "$errors" ] || { echo "$at is $kind: nothing said"; bad=$((bad + 1)); }
                done
        done
        [ "$bad" = 0 ] || fail "$bad state files went wrong"
}

# Like raced(), with files, and with the ways that read them.
files_raced() {
        make_canary
        hostile_tree
        ln -sfn "$2" "$TREE/$1.other"
        shift 2
        try "$OUTSIDE" race "$TREE/$raced" "$TREE/$raced.other" -- sh -c '
                i=0
                while [ $i -lt 100 ]; do
                        timeout 10 "$@" >/dev/null 2>&1
                        s=$?
                        case $s in 0 | 1) ;; *) echo "start $i: status $s" ;; esac
                        i=$((i + 1))
                done' sh "$BERTH" -q -D "$TREE" "$@"
        output_is ""
        canary_state | cmp - "$work/canary.before"
}

@test "race: etc/passwd" { raced=etc/passwd; files_raced etc/passwd "$up$work/canary/file" -u homeless /inside end 0; }
@test "race: usr/sbin/init" { raced=usr/sbin/init; files_raced usr/sbin/init /proc/self/exe -b end 0; }
@test "race: the program" { raced=inside; files_raced inside /proc/self/exe /inside end 0; }
@test "race: the working directory" { mkdir -p "$work"; raced=srv; files_raced srv /proc/self/root --chdir=/srv /inside cwd; }
@test "race: etc/resolv.conf, copied" { raced=etc; files_raced etc "$up$work/canary/dir" --resolv-conf=copy-host --timezone=copy /inside end 0; }

@test "race: the tree itself changes into a link to the host" {
        make_canary
        hostile_tree
        ln -s / "$work/tree.other"
        try "$OUTSIDE" race "$TREE" "$work/tree.other" -- sh -c '
                i=0
                while [ $i -lt 100 ]; do
                        timeout 10 "$0" -q -D "$1" /inside end 0 2>/dev/null
                        s=$?
                        case $s in 0 | 1) ;; *) echo "start $i: status $s" ;; esac
                        i=$((i + 1))
                done' "$BERTH" "$TREE"
        output_is ""
        rm -f "$work/tree.other" 2>/dev/null || rm -rf --one-file-system "$work/tree.other"
        canary_state | cmp - "$work/canary.before"
}
