#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Modes of user ids and of the owners of a tree: which ids a container has, whose the files are inside, and whose on the disk
# is what root inside makes.

load ../lib/common

foreign=2147352576

# Files of three owners; the tree's are moved to begin at $1.
owned_tree() {
        local id
        fresh_tree
        for id in 0 1 1000; do
                echo "$id" >"$TREE/srv/$id"
                chown "$id:$((id + 1))" "$TREE/srv/$id"
        done
        [ "$1" = 0 ] || /usr/bin/python3 - "$TREE" "$1" <<'END'
import os, sys
for top, dirs, files in os.walk(sys.argv[1]):
    for name in ['.'] + dirs + files:
        path = os.path.join(top, name)
        st = os.lstat(path)
        if st.st_uid < 65536:
            os.lchown(path, st.st_uid + int(sys.argv[2]), st.st_gid + int(sys.argv[2]))
END
}

# owners_are INSIDE DISK OPTION...: "UID:GID" of the three inside, and on the disk of what root inside makes ("-": it cannot).
owners_are() {
        local inside=$1 disk=$2
        rm -f "$TREE/srv/new"
        opts=("${@:3}")
        in_tree sh -c 'cat /proc/self/uid_map | tr -s " " >/dev/null; cd /srv; stat -c %u:%g 0 1 1000 | tr "\n" " "; touch new 2>/dev/null || true'
        status_is 0
        output_is "$inside " || fail "$*" || return 1
        [ "$(stat -c %u:%g "$TREE/srv/new" 2>/dev/null || echo -)" = "$disk" ] || fail "$*: on the disk $(stat -c %u:%g "$TREE/srv/new")"
}

right="0:1 1:2 1000:1001"
nobody="65534:65534 65534:65534 65534:65534"

@test "a tree of root: every mode of ids and owners" {
        owned_tree 0
        owners_are "$right" 0:0 --private-users=no
        owners_are "$right" 0:0 --private-users=pick
        owners_are "$right" 0:0 -U
        owners_are "$right" 0:0 --private-users=yes
        owners_are "$right" 0:0 --private-users=identity
        owners_are "$right" 0:0 --private-users=0:70000
        owners_are "$right" 0:0 --private-users=200000 --private-users-ownership=map
        owners_are "$right" 0:0 --private-users=200000:131072 --private-users-ownership=auto
        owners_are "$nobody" - --private-users=200000
        owners_are "$nobody" - -U --private-users-ownership=off
        owners_are "0:65534 65534:65534 65534:65534" 0:0 --private-users=200000:1 --private-users-ownership=map
        try berth -q -D "$TREE" -U --private-users-ownership=foreign true
        refused "does not belong to the ids from $foreign on"
}

@test "a tree that is shifted already" {
        owned_tree 1048576
        owners_are "$right" 1048576:1048576 --private-users=pick
        owners_are "$right" 1048576:1048576 --private-users=yes
        owners_are "$right" 1048576:1048576 --private-users=1048576
        owners_are "$right" 1048576:1048576 --private-users=1048576 --private-users-ownership=auto
        try berth -q -D "$TREE" -U --private-users-ownership=map true
        refused "the owners in $TREE are shifted already"
        chgrp 0 "$TREE"
        try berth -q -D "$TREE" --private-users=yes true
        refused "are of two ranges"
}

@test "a tree of the foreign ids" {
        owned_tree $foreign
        owners_are "$right" $foreign:$foreign -U
        owners_are "$right" $foreign:$foreign --private-users=200000 --private-users-ownership=foreign
        owners_are "$nobody" - -U --private-users-ownership=map
        opts=(--bind=+/srv:/mnt --overlay=+/srv::/home)
        in_tree sh -c 'stat -c %u:%g /mnt/1000 /home/1000; touch /mnt/made'
        output_is $'1000:1001\n1000:1001'
        [ "$(stat -c %u:%g "$TREE/srv/made")" = $foreign:$foreign ]
}

@test "the ids of the container are those that were asked for" {
        owned_tree 0
        map_of -D "$TREE" --private-users=200000:131072 --private-users-ownership=map
        [ "$output" = "0 200000 131072" ]
        [ "$gid_output" = "0 200000 131072" ]
        map_of -D "$TREE" --private-users=identity
        [ "$output" = "0 0 65536" ]
}

@test "single ids of the host in place of some of the range, and others beyond it" {
        owned_tree 0
        touch "$TREE/srv/far" "$TREE/srv/none"
        chown 200005:200005 "$TREE/srv/far"
        chown 200010:200010 "$TREE/srv/none"
        local maps=(--private-users-map=1000:1000 --private-users-map=300000:200000:10) base
        map_of -D "$TREE" -M t "${maps[@]}"
        [ "$output" = $'0 998178816 1000\n1000 1000 1\n1001 998179817 64535\n200000 300000 10' ] || fail "$output"
        [ "$gid_output" = "$output" ]
        opts=("${maps[@]}")
        in_tree sh -c 'cd /srv; stat -c %u:%g 0 1 1000 far none; touch new; chown 200007:1000 new; chown 200010 new'
        output_is $'0:1\n1:2\n1000:1001\n200005:200005\n65534:65534'
        errors_has "Invalid argument"
        [ "$(stat -c %u:%g "$TREE/srv/new")" = 200007:1000 ]
}

@test "a user of the host is one inside: in a directory of the host, and in trees of any range" {
        mkdir "$work/home"
        chown 1000:1000 "$work/home"
        local from
        for from in 0 1048576 $foreign; do
                rm -rf --one-file-system "$work/tree"
                owned_tree $from
                try berth -q -D "$TREE" -U --private-users-map=1000:1000 "--bind=$work/home:/home/guest:idmap" -u guest \
                        sh -c 'touch ~/made-$0; stat -c %u ~ ~/made-$0 /srv/1000 /; id -u' "$from"
                status_is 0
                output_is $'1000\n1000\n1000\n0\n1000' || fail "$from"
                [ "$(stat -c %u "$work/home/made-$from")" = 1000 ]
        done
        opts=(-U --private-users-map=1000:1000 --volatile=overlay)
        in_tree sh -c 'touch /srv/x && chown 1000:1001 /srv/x && stat -c %u:%g /srv/x /srv/1000'
        output_is $'1000:1001\n1000:1001'
}

@test "with the host's ids the host's kernel is out of reach all the same" {
        owned_tree 0
        opts=(--private-users=identity)
        in_tree sh -c '(echo x >/proc/sys/kernel/core_pattern) && echo wrote
                umount /proc/sys && echo unmounted
                mount -o remount,bind,rw /proc/sys && echo remounted
                mkdir /srv/p && mount -t proc proc /srv/p && echo mounted
                mknod /srv/disk b 7 0 && echo made
                exit 0' 2>/dev/null
        status_is 0
        output_is ""
}

@test "two containers may be given the same ids by number, and not by pick" {
        owned_tree 0
        start_berth -q -D "$TREE" --private-users=200000 --private-users-ownership=map -M one sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        try berth -q -D "$trees/busybox" --read-only --private-users=200000 --private-users-ownership=map -M two true
        stop_berth
        status_is 0
}

# managed WORD...: in a mount namespace where the script on stdin sets up /run/systemd.
managed() {
        try unshare -m --propagation private bash -c '
                mount -t tmpfs tmpfs /run/systemd || exit 99
                service=0
                eval "$1"
                "${@:2}"
                status=$?
                [ "$service" = 0 ] || kill "$service"
                exit "$status"' bash "$(cat)" "$BERTH" -q -D "$TREE" --private-users=managed "$@"
}

# What a service that answers with TEXT, or with nothing, does at its socket.
answering() {
        printf '%s\n' "answer=$(printf %q "$1")"
        cat <<'END'
/usr/bin/python3 - "$answer" 2>/dev/null <<'PY' &
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind("/run/systemd/.made")
s.listen(5)
os.rename("/run/systemd/.made", "/run/systemd/io.systemd.NamespaceResource")
while True:
    c, _ = s.accept()
    asked = c.recv(4096)
    if asked.endswith(b"\0") and b"GetInfo" in asked and sys.argv[1]:
        c.sendall(sys.argv[1].encode() + b"\0")
        c.close()
    elif sys.argv[1]:
        c.close()
    else:
        kept = c
PY
service=$!
for _ in {1..100}; do [ -S /run/systemd/io.systemd.NamespaceResource ] && break; sleep 0.05; done
END
}

@test "--private-users=managed says what is missing, and what helps" {
        fresh_tree
        managed true </dev/null
        refused "systemd-nsresourced is not there (no /run/systemd/io.systemd.NamespaceResource)"
        errors_has "--private-users=pick"
        managed true <<<'touch /run/systemd/io.systemd.NamespaceResource'
        refused "systemd-nsresourced does not answer"
        managed true < <(answering '')
        refused "systemd-nsresourced does not answer"
        local other
        for other in '{"parameters":{"interfaces":["org.varlink.service"]}}' '{"error":"org.varlink.service.MethodNotFound"}' \
                '{"parameters":{"interfaces":"io.systemd.NamespaceResource"}}' '[' "$(printf '[%.0s' {1..5000})"; do
                managed true < <(answering "$other")
                refused "is not systemd-nsresourced" || fail "$other"
        done
}

# The stand-in for the service, test/lib/lender, in this mode.
lending() {
        printf '/usr/bin/python3 %q /run/systemd/io.systemd.NamespaceResource %q %q &\nservice=$!\n' \
                "$top/test/lib/lender" "$work/calls" "${1-}"
        echo 'for _ in {1..100}; do [ -S /run/systemd/io.systemd.NamespaceResource ] && break; sleep 0.05; done'
}

# It lends from this id on.
lent=1778384896

@test "--private-users=managed runs with the ids that a service lends: in the tree, in binds, in new file systems" {
        fresh_tree
        mkdir "$work/host"
        managed -M lent "--bind=$work/host:/mnt:idmap" --tmpfs=/srv sh -c '
                id -u; id -G
                for d in /root /dev /run /srv /mnt /tmp; do
                        mkdir "$d/new" && touch "$d/new/file" && chown 5:6 "$d/new/file" && stat -c "%n %u:%g" "$d/new/file"
                done' < <(lending)
        status_is 0
        errors_is ""
        output_is $'0\n0\n/root/new/file 5:6\n/dev/new/file 5:6\n/run/new/file 5:6\n/srv/new/file 5:6\n/mnt/new/file 5:6\n/tmp/new/file 5:6'
        [ "$(stat -c %u:%g "$TREE/root/new" "$TREE/root/new/file" "$work/host/new" "$work/host/new/file")" = $'0:0\n5:6\n0:0\n5:6' ]
        # Asked once, with one descriptor.
        [ "$(grep -c AllocateUserRange "$work/calls")" = 1 ]
        grep -qF '{"method":"io.systemd.NamespaceResource.AllocateUserRange","parameters":{"name":"lent","size":65536,"userNamespaceFileDescriptor":0}} 1' "$work/calls"
}

@test "what is lent are the ids outside, and nobody else picks them meanwhile" {
        fresh_tree
        managed -M lent sh -c 'exec sleep 3.25' < <(
                lending
                printf '{ for _ in {1..100}; do pid=$(pgrep -f "^sleep 3.25") && break; sleep 0.05; done
                        tr -s " " <"/proc/$pid/uid_map"; tr -s " " <"/proc/$pid/gid_map"; stat -c %%u:%%g "/proc/$pid"
                        %q -q -M other -D %q --read-only --private-users=managed true; } >%q 2>&1 &\n' \
                        "$BERTH" "$trees/busybox" "$work/seen"
        )
        status_is 0
        await "$work/seen" "the user ids from $lent on are in use by another container"
        [ "$(head -n 3 "$work/seen")" = " 0 $lent 65536
 0 $lent 65536
$lent:$lent" ] || fail "$(cat "$work/seen")"
}

@test "the user namespace that ids are lent with is not the host root's: what a container uses up is not counted for that" {
        fresh_tree
        managed -M lent sh -c 'exec sleep 3.5' < <(
                lending
                printf '{ for _ in {1..100}; do pid=$(pgrep -f "^sleep 3.5") && break; sleep 0.05; done
                        /usr/bin/python3 -c "import fcntl, os, struct
own = os.open(\\"/proc/$pid/ns/user\\", os.O_RDONLY)
for ns in own, fcntl.ioctl(own, 0xb702):
    print(struct.unpack(\\"I\\", fcntl.ioctl(ns, 0xb704, struct.pack(\\"I\\", 0)))[0])"; } >%q &\n' "$work/owners"
        )
        status_is 0
        [ "$(head -n 1 "$work/owners")" = $lent ]
        [ "$(tail -n 1 "$work/owners")" -gt 524287 ]
}

@test "ids that are lent: a foreign tree, files as they are, a root of its own, a copy" {
        owned_tree $foreign
        managed sh -c 'stat -c %u / /srv/1000; touch /srv/new' < <(lending)
        output_is $'0\n1000'
        [ "$(stat -c %u "$TREE/srv/new")" = $foreign ]
        rm -rf --one-file-system "$TREE"
        fresh_tree
        managed --private-users-ownership=off stat -c %u / < <(lending)
        output_is 65534
        managed --volatile=yes sh -c 'mkdir /etc/new && stat -c %u / /etc /etc/new /usr' < <(lending)
        output_is $'0\n0\n0\n0'
        managed -x -M copy sh -c 'touch /srv/gone && stat -c %u /srv/gone' < <(lending)
        output_is 0
        [ ! -e "$TREE/srv/gone" ]
}

@test "further ranges are called the same inside, and who lends them can be asked there" {
        fresh_tree
        managed --private-users-delegate=2 sh -c 'tr -s " " </proc/self/uid_map; ls /run/host/io.*; touch /srv/x; chown 1778450532 /srv/x && echo given
                inside connect /run/host/io.systemd.NamespaceResource' < <(lending)
        status_is 0
        output_is " 0 0 65536
$((lent + 65536)) $((lent + 65536)) 65536
$((lent + 131072)) $((lent + 131072)) 65536
/run/host/io.systemd.NamespaceResource
given
/run/host/io.systemd.NamespaceResource ok"
        [ "$(stat -c %u "$TREE/srv/x")" = 1778450532 ]
        grep -qF '"delegateContainerRanges":2' "$work/calls"
}

@test "a service that lends nothing is asked no more, and its reason is told" {
        fresh_tree
        local mode why
        while IFS=: read -r mode why; do
                managed -M t true < <(lending "$mode")
                refused "$why" || fail "$mode"
                errors_has "systemd-nsresourced"
        done <<'END'
taken:it has a user namespace of this name already
unsupported:it cannot do that on this kernel
full:no range of ids is free
refuse:io.systemd.System): No such device or address
odd:has lent other ids than it was asked for
noise:the answer of systemd-nsresourced is none
mute:does not answer
END
        managed -M t true < <(lending taken)
        status_is 1
        errors_has "-M gives this one another name"
        : >"$work/calls"
        managed true < <(lending old)
        refused "systemd-nsresourced is of a systemd before 260"
        errors_has "--private-users=pick"
        never grep -q Allocate "$work/calls"
        managed -M a.name.with.dots true < <(lending)
        status_is 0
        grep -qF '"mangleName":true' "$work/calls"
        # To show a plan, nothing is asked for.
        : >"$work/calls"
        managed --dry-run true < <(lending)
        line_is "ids          lent by systemd-nsresourced at the start; these stand for them"
        never grep -q Allocate "$work/calls"
}

@test "who waits for a service that says nothing can end" {
        fresh_tree
        managed -M t true < <(
                lending hang
                printf '{ for _ in {1..100}; do grep -q Allocate %q && break; sleep 0.05; done; kill -INT "$(pgrep -P $$ -x berth)"; } &\n' "$work/calls"
        )
        status_is 1
        errors_has "systemd-nsresourced was not waited for"
}

@test "a reboot keeps the ids that were lent; a service that is gone by then does not matter" {
        fresh_tree
        printf '#!/bin/sh\ntr -s " " </proc/self/uid_map; [ -e /var/again ] && exec poweroff -f\n: >/var/again; exec reboot -f\n' >"$TREE/etc/rc.test"
        chmod 0755 "$TREE/etc/rc.test"
        managed -b < <(lending)
        status_is 0
        [ "$(grep -c "^ 0 0 65536" <<<"$output")" = 2 ]
        [ "$(grep -c AllocateUserRange "$work/calls")" = 1 ]
}

@test "--private-users-delegate= goes with managed ids only" {
        fresh_tree
        local mode
        for mode in pick yes no identity; do
                try berth -q -D "$TREE" "--private-users=$mode" --private-users-delegate=1 true
                refused "--private-users-delegate= does not go without --private-users=managed"
        done
        try berth -q -D "$TREE" --private-users-delegate=0 true
        status_is 0
        try berth -q -D "$TREE" --private-users=managed --private-users-delegate=17 true
        refused "out of range"
}
