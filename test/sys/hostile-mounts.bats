#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Hostile trees, and what a user mounts in them, throws away, or makes the root: some 500 trees, with a kind of thing where
# such an option goes; and 500 starts during which that place changes all the time. Judged as in hostile.bats.

load ../lib/common
load ../lib/hostile

# What lies outside of the tree for the options to show: not to be changed either.
make_sources() {
        make_canary
        mkdir -p "$canary/source/sub" "$work/upper"
        echo text >"$canary/source/file"
        canary_state >"$work/canary.before"
}

# option_on PATH OPTION...: what may stand for a directory at that path of the tree, each with a start that has these options.
option_on() {
        local path=$1 kind bad=0
        shift
        make_sources
        for kind in "${kinds_dir[@]}"; do
                hostile_tree
                plant "$kind" "$path"
                rm -rf "$work/upper" && mkdir "$work/upper"
                # Where only usr is kept, the program is there too.
                try_swiftly berth -q "$@" -D "$TREE" "${program:-/inside}" end 0
                judge "$path" "$kind" "$*" || bad=$((bad + 1))
        done
        [ "$bad" = 0 ] || fail "$bad starts with $* of hostile trees at $path went wrong"
}

@test "above the top of the tree there is nothing, for however long the host's mounts are being left" {
        local name=above-$$-$RANDOM users
        make_sources
        hostile_tree
        rm -rf "${TREE:?}/var" && mkdir -p "$TREE/var" "$TREE/srv"
        ln -s ../srv "$TREE/var/up"
        ln -s ../../../tmp "$TREE/var/tmp"
        for users in pick no; do
                opts=("--private-users=$users" --bind="$work/canary/source:/var/up/$name" --bind="$work/canary/source:/var/tmp/$name")
                try timeout 20 strace -f -o "$work/trace" -e trace=umount2 -e inject=umount2:delay_enter=300000 \
                        "$BERTH" -q "${opts[@]}" -D "$TREE" /inside end 0
                status_is 0
                grep -q DELAYED "$work/trace" || fail "nothing was delayed"
                never test -e "/tmp/$name"
                never test -e "/srv/$name"
                rmdir "$TREE/srv/$name"
        done
}

@test "destination of --bind=: a directory" { option_on srv/x --bind="$work/canary/source:/srv/x"; }
@test "destination of --bind-ro=: a file" { option_on srv/x --bind-ro="$work/canary/source/file:/srv/x"; }
@test "on the way to the destination of --bind=" { option_on srv/x --bind="$work/canary/source:/srv/x/sub"; }
@test "further up on the way" { option_on srv/x --bind-ro="$work/canary/source/file:/srv/x/a/b/c"; }
@test "destination of --bind= with the host's ids" { option_on srv/x --private-users=no --bind="$work/canary/source:/srv/x"; }
@test "destination of --bind-ro=: a file, with the host's ids" { option_on srv/x --private-users=no --bind-ro="$work/canary/source/file:/srv/x"; }
@test "on the way to the destination, with the host's ids" { option_on srv/x --private-users=no --bind="$work/canary/source:/srv/x/sub"; }
@test "further up on the way, with the host's ids" { option_on srv/x --private-users=no --bind-ro="$work/canary/source/file:/srv/x/a/b/c"; }
@test "destination of --bind= with mapped owners" { option_on srv/x --private-users=pick --bind="$work/canary/source:/srv/x:rootidmap"; }
@test "owner of the destination, with owneridmap" { option_on srv/x --private-users=pick --bind="$work/canary/source:/srv/x:owneridmap"; }
@test "source of --bind= in the tree" { option_on srv/x --bind=+/srv/x:/mnt; }
@test "on the way to a source in the tree" { option_on srv/x --bind-ro=+/srv/x/sub:/mnt; }
@test "a source in the tree that may be missing" { option_on srv/x --bind=-+/srv/x:/mnt; }
@test "an empty source at a hostile place" { option_on srv/x --bind=:/srv/x; }
@test "destination of --tmpfs=" { option_on srv/x --tmpfs=/srv/x:mode=0700; }
@test "on the way to the destination of --tmpfs=" { option_on srv/x --tmpfs=/srv/x/sub; }
@test "--inaccessible=" { option_on srv/x --inaccessible=/srv/x; }
@test "on the way of --inaccessible=" { option_on srv/x --inaccessible=/srv/x/sub; }
@test "destination of --overlay=" { option_on srv/x --overlay="$work/canary/source:$work/upper:/srv/x"; }
@test "on the way to the destination of --overlay=" { option_on srv/x --overlay="$work/canary/source::/srv/x/sub"; }
@test "lower layer of --overlay= in the tree" { option_on srv/x --overlay=+/srv/x::/mnt; }
@test "upper layer of --overlay= in the tree" { option_on srv/x --overlay="$work/canary/source:+/srv/x:/mnt"; }
@test "above the upper layer of --overlay= in the tree" { option_on srv/x --overlay="$work/canary/source:+/srv/x/sub:/mnt"; }
@test "layers of --overlay-ro= in the tree" { option_on srv/x --overlay-ro="+/srv/x:$work/canary/source:/mnt"; }
@test "the kernel's own directory of an upper layer" { option_on .#root.work --overlay="$work/canary/source:+/root:/srv"; }
@test "--volatile=yes: usr" { program=/usr/sbin/init; option_on usr --volatile=yes; }
@test "--volatile=yes: bin" { program=/usr/sbin/init; option_on bin --volatile=yes; }
@test "--volatile=yes: etc" { program=/usr/sbin/init; option_on etc --volatile=yes; }
@test "--volatile=state: var" { option_on var --volatile=state; }
@test "--volatile=overlay: etc/resolv.conf" { option_on etc/resolv.conf --volatile=overlay; }
@test "--volatile=overlay: dev" { option_on dev --volatile=overlay; }
@test "--overlay-upper=: what the tree has at the names of its directories" { option_on data --overlay-upper="$work/upper"; }
@test "-x: etc/machine-id" { option_on etc/machine-id -x; }
@test "-x: etc/hostname" { option_on etc/hostname -x; }
@test "-x: etc" { option_on etc -x; }
@test "--pivot-root=: the new root" { option_on srv/x --pivot-root=/srv/x; }
@test "--pivot-root=: on the way to the new root" { option_on srv/x --pivot-root=/srv/x/sub; }
@test "--pivot-root=: in the new root, where the old one is wanted" {
        new_root() { mkdir -p "$1/os" && cp -al -- "$work/pristine/." "$1/os/"; }
        local kind bad=0
        make_sources
        for kind in "${kinds_dir[@]}"; do
                hostile_tree
                new_root "$TREE"
                plant "$kind" os/old
                try_swiftly berth -q --pivot-root=/os:/old -D "$TREE" /inside end 0
                judge os/old "$kind" pivot || bad=$((bad + 1))
                try_swiftly berth -q --volatile=overlay --pivot-root=/os:/old/x -D "$TREE" /inside end 0
                judge os/old "$kind" pivot-below || bad=$((bad + 1))
        done
        [ "$bad" = 0 ]
}
@test "credentials: run/host" { option_on run/host --set-credential=a:b; }
@test "credentials: run/host/credentials" { option_on run/host/credentials --set-credential=a:b; }
@test "--bind-user=: etc/passwd, etc/group, and where the entries go" {
        # Stand-ins for the host's files, for the time of the test.
        printf 'root:x:0:0:root:/root:/bin/sh\njoe:x:4321:4321:Joe:%s:/bin/sh\n' "$work" >"$work/users"
        printf 'root:x:0:\njoe:x:4321:\n' >"$work/groups"
        mount --bind "$work/users" /etc/passwd
        mount --bind "$work/groups" /etc/group
        local path bad=0
        for path in etc/passwd etc/group run/host/userdb run/host/home; do
                option_on "$path" --bind-user=joe --bind-user-group=audio || bad=1
        done
        umount /etc/passwd /etc/group
        [ "$bad" = 0 ]
}
@test "--device= and a bound node: dev/net" { option_on dev/net --device=/dev/null:r --bind=/dev/zero:/dev/net/x; }

# All at once, and to be copied: each must come out as the kind that it is, and nothing be followed or waited for.
@test "a full copy for -x of a tree with each kind of thing in it" {
        local kind
        make_sources
        hostile_tree
        for kind in "${kinds_all[@]}"; do plant "$kind" "srv/$kind"; done
        start_berth -q -D "$TREE" sh -c 'echo up; read x </srv/fifo'
        await "$work/out" up
        try berth -q -x -D "$TREE" /inside end 0
        stop_berth
        status_is 0
        canary_state | cmp - "$work/canary.before"
        [ -z "$(find "$work" -maxdepth 1 -name '.#*')" ]
        try berth -q --template="$TREE" -D "$work/made" /inside end 0
        status_is 0
        # A socket is only ever its owner's, and is made anew.
        diff <(cd "$TREE/srv" && find . -printf '%P %y %m %s %b %l\n' | sort) <(cd "$work/made/srv" && find . -printf '%P %y %m %s %b %l\n' | sort)
        canary_state | cmp - "$work/canary.before"
}

# option_raced STARTS PATH TO OPTION...: PATH changes all the time between a directory and a link to TO. Each start works or
# fails with an error, and the payload, which writes to the place where it may, does not reach the host.
option_raced() {
        local starts=$1 path=$2 to=$3
        shift 3
        make_sources
        hostile_tree
        mkdir -p "$TREE/$path/sub"
        case $path in srv/*) cp -al -- "$work/pristine/." "$TREE/$path/" ;; esac
        ln -sfn "$to" "$TREE/$path.other"
        # shellcheck disable=SC2016 # these are the inner shell's
        try "$OUTSIDE" race "$TREE/$path" "$TREE/$path.other" -- sh -c '
                program=$0 tree=$1 n=$2 ok=0 i=0
                shift 2
                while [ $i -lt "$n" ]; do
                        s=0
                        timeout 10 "$program" -q "$@" -D "$tree" sh -c "for d in /mnt /srv/x /srv/x/sub /old/srv /; do echo x 2>/dev/null >\$d/written; done" 2>"$tree.errors" </dev/null || s=$?
                        [ $s -gt 0 ] || ok=$((ok + 1))
                        [ $s -le 1 ] || echo "start $i: status $s: $(cat "$tree.errors")"
                        [ $s = 0 ] || [ -s "$tree.errors" ] || echo "start $i: nothing said"
                        i=$((i + 1))
                done
                echo "$ok of $n worked" >&2' "$BERTH" "$TREE" "$starts" "$@"
        echo "# $errors" >&3
        output_is ""
        canary_state | cmp - "$work/canary.before"
}

# Five hundred in all.
@test "race: destination of --bind=" { option_raced 70 srv/x "$up$work/canary/dir" --bind=:/srv/x/sub; }
@test "race: destination of --bind=, with the host's ids" { option_raced 50 srv/x "$work/canary/dir" --private-users=no --bind=:/srv/x/sub; }
@test "race: source of --bind= in the tree" { option_raced 60 srv/x "$up$work/canary/dir" --bind=+/srv/x:/mnt; }
@test "race: destination of --tmpfs=" { option_raced 50 srv/x /proc/self/root/"$work/canary/dir" --tmpfs=/srv/x/new/one; }
@test "race: destination of --overlay=, with a layer in the tree" { option_raced 60 srv/x "$up$work/canary/dir" --overlay=+/srv/x::/srv/x/sub; }
@test "race: upper layer of --overlay= in the tree" { option_raced 40 srv/x "$up$work/canary/dir" --overlay="+/usr:+/srv/x/sub:/mnt"; }
@test "race: --inaccessible=" { option_raced 40 srv/x "$up$work/canary/dir" --inaccessible=/srv/x/sub; }
@test "race: --pivot-root=, the new root" { option_raced 50 srv/x "$up$work/canary/dir" --pivot-root=/srv/x:/old; }
@test "race: --volatile=yes, usr" { option_raced 40 usr "$up$work/canary/dir" --volatile=yes; }
@test "race: -x, what is written for the copy" { option_raced 40 etc "$up$work/canary/dir" -x; }
