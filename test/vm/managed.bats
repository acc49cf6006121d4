#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# --private-users=managed: ids that the host's systemd-nsresourced lends, and what the kernel then keeps their holder from.
# That takes systemd 260, a kernel with BPF among its security modules, and probes on its functions. What this service only answers
# is in test/sys/owners.bats too.

load ../lib/common
load ../host/common
load ../lib/owners

socket=/run/systemd/io.systemd.NamespaceResource

# Its programs are looked at by the kernel first, which takes a while here.
setup_file() {
        systemctl start systemd-nsresourced.service
}

# Whom the service has lent ids to.
borrowers() {
        find /run/systemd/nsresource/registry -name 'n*.userns' -printf '%f\n' | sed 's/^n//; s/\.userns$//' | sort
}

managed() {
        limit=60
        try berth -q -D "$TREE" --private-users=managed "$@"
}

@test "a command has ids that are lent, and its files are root's: tree, /dev, binds, new file systems, its cgroup" {
        fresh_tree
        mkdir "$work/host"
        managed "--bind=$work/host:/mnt:idmap" --tmpfs=/srv sh -c 'id -u; tr -s " " </proc/self/uid_map
                for d in /root /dev /dev/shm /run /srv /mnt /tmp /sys/fs/cgroup; do mkdir "$d/new" && stat -c "%n %u:%g" "$d/new"; done
                touch /root/file; chown 5:6 /root/file; echo x >/dev/null; head -c 1 /dev/zero | wc -c'
        status_is 0
        errors_is ""
        output_is $'0\n 0 0 65536\n/root/new 0:0\n/dev/new 0:0\n/dev/shm/new 0:0\n/run/new 0:0\n/srv/new 0:0\n/mnt/new 0:0\n/tmp/new 0:0\n/sys/fs/cgroup/new 0:0\n1'
        [ "$(stat -c %u:%g "$TREE/root/new" "$TREE/root/file" "$work/host/new")" = $'0:0\n5:6\n0:0' ]
        await_value "" borrowers
}

@test "what would keep the ids that are lent is refused by the kernel" {
        fresh_tree
        mkdir -m 0777 "$work/host"
        managed "--bind=$work/host:/mnt" sh -c 'mkdir /mnt/new'
        status_is 1
        errors_has "Operation not permitted"
        [ ! -e "$work/host/new" ]
        # Those that systemd lends to services of the host are kept from it, too; not one beside them.
        managed sh -c 'touch /root/file && chown 61183 /root/file && chown 61184 /root/file'
        status_is 1
        errors_is "chown: /root/file: Operation not permitted"
        [ "$(stat -c %u "$TREE/root/file")" = 61183 ]
        managed --volatile=yes sh -c 'mkdir /etc/new && stat -c %u /etc/new'
        output_is 0
        managed -x sh -c 'mkdir /srv/new && stat -c %u /srv/new'
        output_is 0
        [ ! -e "$TREE/srv/new" ]
}

# A file changed, one made, one of another owner, and a directory in the place of another.
change_things() {
        cat <<'END'
cd "$1" && echo more >>d/low && mkdir new && chown 5:6 new && rm -r e && mkdir e && stat -c '%n %u:%g' d/low new e && ls e
END
}

@test "an overlay is written to, by the ids of its files; on a disk they are those inside, and none that are lent" {
        fresh_tree
        mkdir -p "$work"/{low/d,low/e,up} "$TREE/lay/d" "$TREE/lay/e" "$TREE/lay.up"
        echo low | tee "$work/low/d/low" "$work/low/e/gone" "$TREE/lay/d/low" >"$TREE/lay/e/gone"
        managed --overlay="$work/low:$work/up:/one" --overlay="$work/low::/two" --overlay=+/lay:+/lay.up:/three sh -c "
                $(change_things | sed 's/"$1"/one/'); cd ..; $(change_things | sed 's/"$1"/two/'); cd ..
                $(change_things | sed 's/"$1"/three/'); chown 61184 new || chown 65520 new"
        status_is 0
        errors_has "chown: new: Value too large for defined data type"
        output_is $'d/low 0:0\nnew 5:6\ne 0:0\nd/low 0:0\nnew 5:6\ne 0:0\nd/low 0:0\nnew 5:6\ne 0:0'
        [ "$(stat -c %u:%g "$work"/up/{d,d/low,new,e} "$TREE"/lay.up/{d/low,new,e})" = $'0:0\n0:0\n5:6\n0:0\n0:0\n65520:6\n0:0' ]
        [ "$(cat "$work"/{low,up}/d/low "$TREE"/{lay,lay.up}/d/low)" = $'low\nlow\nmore\nlow\nlow\nmore' ]
        [ -e "$work/low/e/gone" ]
        # Once more, with what is there.
        managed --overlay="$work/low:$work/up:/one" sh -c 'cat /one/d/low; ls /one /one/e'
        output_is $'low\nmore\n/one:\nd\ne\nnew\n\n/one/e:'
        [ -z "$(find "$work" "$TREE" -xdev -maxdepth 1 -name ".#*")" ]
}

@test "the whole root as an overlay: in memory, kept, thrown away" {
        fresh_tree
        mkdir "$work/keep"
        local mode
        for mode in --volatile=overlay --overlay-upper="$work/keep" -x; do
                managed "$mode" sh -c 'mkdir /root/new && chown 5:6 /root/new && echo x >>/etc/passwd && stat -c %u:%g /root/new /etc/passwd /'
                status_is 0
                errors_is ""
                output_is $'5:6\n0:0\n0:0'
                [ ! -e "$TREE/root/new" ]
        done
        [ "$(stat -c %u:%g "$work"/keep/data/root/new "$work"/keep/data/etc/passwd)" = $'5:6\n0:0' ]
        managed --overlay-upper="$work/keep" stat -c %u:%g /root/new
        output_is 5:6
        managed --private-users-ownership=off --overlay-upper="$work/keep" true
        refused "--overlay-upper=: ids that systemd-nsresourced lends are not kept in an upper layer as they are (--private-users-ownership=auto maps its owners)"
}

make_image() {
        truncate -s 64M "$work/image.raw"
        mke2fs -q -t ext4 -d "$TREE" "$work/image.raw"
}

from_image() {
        limit=60
        try berth -q -i "$work/image.raw" --private-users=managed "$@"
}

@test "an image: what is written to it is root's there, and thrown away where that was said" {
        fresh_tree
        make_image
        from_image sh -c 'mkdir /root/new && chown 5:6 /root/new && stat -c %u:%g /root/new /bin/busybox'
        status_is 0
        output_is $'5:6\n0:0'
        local mode
        for mode in -x --volatile=overlay; do
                from_image "$mode" sh -c 'mkdir /root/gone && stat -c %u:%g /root/new /root/gone'
                status_is 0
                output_is $'5:6\n0:0'
        done
        from_image --read-only sh -c 'ls /root; mkdir /root/x'
        output_is new
        [ "$(debugfs -R 'stat /root/new' "$work/image.raw" 2>/dev/null | grep -o 'User: *5 *Group: *6' | tr -s ' ')" = "User: 5 Group: 6" ]
        [ -z "$(losetup -n -a)" ]
}

@test "a reboot in place keeps the ids, and what was written: to a tree, a copy in memory, an image, an overlay in it" {
        fresh_tree
        write_rebooter
        make_image
        mkdir "$work/low"
        local want=$'1 0 0 65536 0\n2 0 0 65536 0\n3 0 0 65536 0'
        managed -x /usr/sbin/again
        status_is 7
        output_is "$want"
        managed "--overlay=$work/low::/mnt" /usr/sbin/again
        status_is 7
        output_is "$want"
        from_image /usr/sbin/again
        status_is 7
        output_is "$want"
        await_value "" borrowers
        [ -z "$(losetup -n -a)" ]
}

@test "ids are lent for as long as the container runs, however it ends" {
        fresh_tree
        local pid base end
        for end in TERM KILL; do
                start_berth -q -M held -D "$TREE" --private-users=managed sh -c 'echo up; exec sleep 77.5'
                await_true grep -q up "$work/out"
                [ "$(borrowers)" = held ]
                pid=$(pgrep -f '^sleep 77.5')
                base=$(stat -c %u "/proc/$pid")
                [ "$(tr -s ' ' <"/proc/$pid/uid_map")" = " 0 $base 65536" ]
                [ -e "/run/systemd/nsresource/registry/u$base.userns" ]
                [ -e "/run/systemd/nspawn-uid/$base" ]
                if [ $end = KILL ]; then
                        kill -KILL "$launcher"
                        wait "$launcher" || true
                else
                        stop_berth
                fi
                await_value "" borrowers
        done
        berthctl gc
}

has_left() {
        [ "$(readlink "/proc/$1/ns/user")" != "$(readlink /proc/self/ns/user)" ]
}

@test "a name that another user namespace has is refused by the service, and told" {
        fresh_tree
        unshare --user sleep 1000 3>&- &
        local holder=$! first
        await_true has_left "$holder"
        varlinkctl call --push-fd="/proc/$holder/ns/user" $socket io.systemd.NamespaceResource.AllocateUserRange \
                '{"name":"taken","size":65536,"userNamespaceFileDescriptor":0}'
        managed -M taken true
        first=$errors
        managed -M other true
        kill $holder
        wait $holder || true
        status_is 0
        [[ $first == *"it has a user namespace of this name already"*"-M gives this one another name"* ]] || fail "$first"
        await_value "" borrowers
}

@test "it is confined as with ids that berth picks itself" {
        fresh_tree
        local mode
        for mode in pick managed; do
                limit=60
                try berth -q -M same -D "$TREE" --private-users=$mode sh -c '
                        grep -E "^(Cap|NoNewPrivs|Seccomp|Groups)" /proc/self/status
                        sed "s/^[0-9]* [0-9]* [0-9:]* //; s/ master:[0-9]*//; s/ shared:[0-9]*//; s/id=[0-9]*/id=/g" /proc/self/mountinfo
                        umount /proc/kcore && echo unmasked; umount /proc/sys && echo uncovered
                        mount -o remount,bind,rw /proc/sys && echo writable; mknod /dev/mem c 1 1 && echo made
                        echo 1 >/proc/sys/kernel/panic && echo written; exit 0'
                status_is 0
                cp "$work/.stdout" "$work/$mode"
        done
        [ -s "$work/pick" ]
        never grep -E '^(unmasked|uncovered|writable|made|written)$' "$work/pick" "$work/managed"
        diff "$work/pick" "$work/managed"
}

@test "what each user has is not missing to the host's root" {
        fresh_tree
        start_berth -q -M held -D "$TREE" --private-users=managed /bin/inside exhaust inotify 100000 hold
        await_true grep -q '^inotify ' "$work/out"
        local host
        host=$("$helpers/inside" exhaust inotify 20)
        stop_berth
        [[ "$(<"$work/out")" == "inotify "*" EMFILE" ]] || fail "$(<"$work/out")"
        [ "$host" = "inotify 20 ok" ] || fail "$host"
        await_value "" borrowers
}

@test "a tree of the foreign range is root's inside, and stays foreign" {
        fresh_tree
        chown -R 2147352576:2147352576 "$TREE"
        local ownership
        for ownership in auto foreign; do
                managed --private-users-ownership=$ownership sh -c 'stat -c %u /usr/bin/busybox && touch "/root/$0"' $ownership
                output_is 0
                [ "$(stat -c %u:%g "$TREE/root/$ownership")" = 2147352576:2147352576 ]
        done
}

@test "an OS boots with ids that are lent, its units are well, and poweroff from inside ends with 0" {
        host_tree trixie
        limit=150
        on_terminal 'expect=login:' 'send=root\r' 'expect=# ' \
                'send=systemctl is-system-running --wait; systemctl --failed --no-legend --no-pager | sed s/^/FAILED:/; tr -s " " </proc/1/uid_map; echo done-$((1+1))\r' \
                'expect=done-2' 'send=systemctl poweroff\r' -- "$BERTH" -q -b -D "$TREE" --private-users=managed
        status_is 0
        plain_output
        output_matches '^running'
        line_is " 0 0 65536"
        never grep '^FAILED:' <<<"$output"
        # Nothing that it has written is anybody's but the tree's own.
        [ -z "$(find "$TREE" -xdev \( -uid +65535 -o -gid +65535 \) -print -quit)" ]
        rm -rf "$TREE"
        await_value "" borrowers
}

@test "further ranges are lent to be handed on" {
        fresh_tree
        managed --private-users-delegate=2 sh -c 'tr -s " " </proc/self/uid_map; inside connect /run/host/io.systemd.NamespaceResource'
        status_is 0
        [ "$(grep -cE '^ ?([0-9]+) \1 65536$' <<<"$output")" = 3 ]
        line_is "/run/host/io.systemd.NamespaceResource ok"
}

@test "a plan is shown without asking for ids" {
        fresh_tree
        start_other sh -c 'while :; do ls /run/systemd/nsresource/registry; done'
        managed --dry-run true
        status_is 0
        line_is "ids          lent by systemd-nsresourced at the start; these stand for them"
        kill "$launcher"
        wait "$launcher" || true
        never grep userns "$work/out"
}

@test "also where nobody in a user namespace may make another" {
        fresh_tree
        echo 0 >/proc/sys/kernel/unprivileged_userns_clone
        managed -x sh -c 'mkdir /root/new && stat -c %u /root/new; umount /proc/sys'
        echo 1 >/proc/sys/kernel/unprivileged_userns_clone
        output_is 0
        errors_is "umount: can't unmount /proc/sys: Invalid argument"
}
