#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a user wants mounted: --bind=, --bind-ro=, --tmpfs=, --inaccessible=; where it goes, whose it is, what it costs the
# tree, and what a hostile tree makes of it.

load ../lib/common
load ../lib/hostile

# What is bound, and a tree that mount points may be made in.
prepare() {
        fresh_tree
        opts=()
        from=$work/from
        mkdir -p "$from/dir/below"
        echo content >"$from/file"
        echo deep >"$from/dir/below/file"
}

@test "a directory, a file, and what leads to them is made" {
        prepare
        opts=(--bind="$from/dir:/mnt/x/y" --bind-ro="$from/file:/etc/new/file" --bind="$from/file")
        in_tree sh -c 'cat /mnt/x/y/below/file /etc/new/file '"$from"'/file; echo new >/mnt/x/y/below/file 2>/dev/null || echo nobody
                (echo new >/etc/new/file) 2>&1 | grep -o Read-only'
        status_is 0
        output_is $'deep\ncontent\ncontent\nnobody\nRead-only'
        [ -d "$TREE/mnt/x/y" ]
        [ -f "$TREE/etc/new/file" ]
        [ ! -s "$TREE/etc/new/file" ]
        [ "$(stat -c '%a %u:%g' "$TREE/mnt/x" "$TREE/mnt/x/y" "$TREE/etc/new")" = $'755 0:0\n755 0:0\n755 0:0' ]
}

@test "without user ids of its own, writing goes to the host" {
        prepare
        opts=(--private-users=no --bind="$from/dir:/mnt" --bind-ro="$from/dir:/ro")
        in_tree sh -c 'echo new >/mnt/new; cat /ro/new; rm /ro/new 2>&1 | grep -o Read-only'
        status_is 0
        output_is $'new\nRead-only'
        [ "$(<"$from/dir/new")" = new ]
}

@test "read-only cannot be taken back, and nothing can be unmounted" {
        prepare
        opts=(--bind-ro="$from/dir:/mnt" --inaccessible=/root --tmpfs=/t:ro)
        in_tree sh -c 'for p in /mnt /root /t; do umount $p; mount -o remount,bind,rw $p; mount -o remount,rw $p; done 2>/dev/null
                grep -cE " /(mnt|root|t) ro," /proc/self/mountinfo; ls /root | wc -l'
        status_is 0
        output_is $'3\n0'
}

@test "what is mounted below a source comes along, read-only too, unless it shall not" {
        prepare
        mount -t tmpfs -o mode=0777 sub "$from/dir/below"
        touch "$from/dir/below/sub"
        opts=(--bind="$from/dir:/a" --bind-ro="$from/dir:/b" --bind="$from/dir:/c:norbind")
        in_tree sh -c 'ls /a/below /b/below /c/below; touch /a/below/new && echo a; touch /b/below/new || echo b' 2>&1
        # What is made on the host now stays outside: in another container it would not be there either.
        umount "$from/dir/below"
        status_is 0
        output_is $'/a/below:\nsub\n\n/b/below:\nsub\n\n/c/below:\nfile\na\nb'
}

@test "sources: relative, in the tree, new, missing, a link, with colons" {
        prepare
        mkdir "$from/a:b"
        touch "$from/a:b/colon"
        ln -s dir "$from/link"
        cd "$from"
        opts=(--bind=dir:/r --bind=+/etc/passwd:/p --bind=:/n --bind=-/nope:/m --bind=-+nope:/m2 --bind="$from/a\\:b:/c\\:d" --bind=link:/l)
        in_tree sh -c 'ls /r /c:d /l; head -c 5 /p; echo; touch /n/x && stat -c "%a %u:%g" /n; ls -d /m /m2 2>/dev/null | wc -l'
        status_is 0
        output_is $'/c:d:\ncolon\n\n/l:\nbelow\n\n/r:\nbelow\nroot:\n755 0:0\n0'
        try berth -q -D "$TREE" --bind="$from/nope" true
        refused "$from/nope: cannot open the source"
        try berth -q -D "$TREE" --bind=+/nope:/x true
        refused "$TREE/nope: cannot open the source"
        [ ! -e "$TREE/m" ]
}

@test "a relative source where the working directory is gone" {
        mkdir "$work/gone"
        try sh -c 'cd "$1" && rmdir "$1" && shift && exec "$@"' sh "$work/gone" "$BERTH" -q -D "$TREE" --bind=x:/mnt true
        refused "is gone"
        mkdir "$work/gone"
        try sh -c 'cd "$1" && rmdir "$1" && shift && exec "$@"' sh "$work/gone" "$BERTH" -q true
        refused "the current directory is gone"
}

@test "a link of the tree never leads a source in the tree out of it" {
        prepare
        ln -s /etc/passwd "$TREE/srv/in"
        ln -s "$up$from/file" "$TREE/srv/out"
        ln -s "/proc/self/root$from/file" "$TREE/srv/magic"
        opts=(--bind-ro=+/srv/in:/mnt/in)
        in_tree cat /mnt/in
        status_is 0
        output_is "$(<"$TREE/etc/passwd")"
        for name in out magic; do
                try berth -q -D "$TREE" --bind-ro="+/srv/$name:/mnt/x" cat /mnt/x
                refused "cannot open the source"
        done
}

@test "the order follows from the destinations; the last one for a place is on top" {
        prepare
        mkdir "$from/two"
        touch "$from/two/second"
        opts=(--bind="$from/file:/m/d/file" --tmpfs=/m --tmpfs=/m/d --bind="$from/dir:/x" --bind="$from/two:/x")
        in_tree sh -c 'ls /m /m/d /x'
        status_is 0
        output_is $'/m:\nd\n\n/m/d:\nfile\n\n/x:\nsecond'
}

@test "/tmp, /run and /dev: below them too" {
        prepare
        opts=(--bind="$from/dir:/tmp/d" --bind="$from/file:/run/f" --bind="$from/dir:/dev/d" --bind="$from/file:/proc/cpuinfo")
        in_tree sh -c 'ls /tmp /dev/d; cat /run/f /proc/cpuinfo; touch /tmp/x'
        status_is 0
        output_is $'/dev/d:\nbelow\n\n/tmp:\nd\ncontent\ncontent'
        opts=(--bind="$from/dir:/tmp")
        in_tree ls /tmp
        output_is below
        [ ! -e "$TREE/tmp/d" ]
        [ ! -e "$TREE/run/f" ]
}

@test "/tmp through a link" {
        prepare
        rmdir "$TREE/var/tmp" 2>/dev/null || true
        mkdir -p "$TREE/var"
        ln -s ../tmp "$TREE/var/tmp"
        opts=(--bind="$from/dir:/var/tmp/d")
        in_tree ls /tmp/d /var/tmp
        status_is 0
        output_is $'/tmp/d:\nbelow\n\n/var/tmp:\nd'
}

# Wherever the container mounts a file system of its own, and so too where the link's target is not in the tree.
@test "through the tree's own links into what is mounted over it" {
        prepare
        mkdir "$TREE/a"
        ln -s /tmp "$TREE/scratch"
        ln -s ../tmp "$TREE/a/b"
        ln -s /tmp/made/here "$TREE/lost"
        ln -s lost "$TREE/twice"
        ln -s /run "$TREE/r"
        ln -s run/media "$TREE/media"
        ln -s /dev "$TREE/d"
        ln -s /dev/shm/new "$TREE/shm"
        ln -s ../sys/kernel "$TREE/a/k"
        local place users
        for users in pick no; do
                for place in scratch/x a/b/x/y lost/x twice/x/y r/x media/usb d/x shm/x a/k; do
                        opts=("--private-users=$users" "--bind=$from/dir:/$place")
                        in_tree ls "/$place"
                        status_is 0
                        output_is below || fail "$place, $users"
                        if [ "$place" = a/k ]; then continue; fi
                        opts=("--private-users=$users" "--bind=$from/file:/$place")
                        in_tree cat "/$place"
                        output_is content || fail "$place, $users"
                        opts=("--private-users=$users" "--tmpfs=/$place:size=1m")
                        in_tree sh -c 'grep -c size=1024k /proc/self/mountinfo'
                        output_is 1 || fail "$place, $users"
                done
        done
        # The last part too: where a file system of the container's own may be covered, and where there was nothing.
        for place in scratch lost twice media shm; do
                opts=("--bind=$from/dir:/$place")
                in_tree ls "/$place"
                output_is below || fail "$place"
        done
        [ -z "$(find "$TREE/tmp" "$TREE/run" "$TREE/dev" -mindepth 1)" ]
}

@test "through a link into the kernel's file systems: what is there, and no new name" {
        prepare
        ln -s /proc "$TREE/p"
        ln -s /sys "$TREE/s"
        ln -s /sys/fs/cgroup "$TREE/cg"
        opts=("--bind=$from/file:/p/cpuinfo")
        in_tree cat /p/cpuinfo
        output_is content
        local place
        for place in p/new s/new; do
                try berth -q -D "$TREE" "--bind=$from/dir:/$place" true
                refused "/$place" || fail "$place"
                errors_has "only what is there can be covered" || fail "$place"
        done
        for place in cg cg/x; do
                try berth -D "$TREE" "--bind=$from/dir:/$place" true
                status_is 0
                errors_has "--bind=/$place has no effect, as with systemd-nspawn" || fail "$place"
        done
        try berth -q -D "$TREE" --tmpfs=/cg true
        refused "--tmpfs=/cg: a link of the tree leads it to /sys/fs/cgroup"
}

@test "through a link of what is bound itself: never below another mount" {
        prepare
        ln -s /tmp "$from/dir/out"
        opts=("--bind=$from/dir:/mnt" "--bind=$from/two:/mnt/out/x")
        mkdir "$from/two"
        in_tree true
        refused "/mnt/out/x"
        errors_has "name the place that it leads to"
        opts=("--bind=$from/dir:/mnt" "--bind=$from/two:/tmp/x")
        in_tree ls -d /mnt/out/x
        status_is 0
}

@test "what the container is made of is refused" {
        prepare
        local place
        for place in / /proc /sys /dev /run /run/host /run/host/notify //dev/./pts; do
                try berth -q -D "$TREE" --bind="$from/dir:$place" true
                refused "is what the container itself is made of" || fail "$place"
        done
}

@test "below /run/host: at names of its own, which are made there, and the rest stays read-only" {
        prepare
        local place
        mkdir -p "$from/dir/a"
        echo text >"$from/socket"
        for opts in "--private-users=pick" "--private-users=no" "-a"; do
                opts=("$opts" --bind="$from/socket:/run/host/journal/socket" --bind="$from/dir:/run/host/more/dir"
                        --tmpfs=/run/host/journal/tmp --bind=-/missing:/run/host/none)
                in_tree sh -c 'cat /run/host/journal/socket; ls /run/host/more/dir; touch /run/host/journal/tmp/x && echo made; touch /run/host/journal/x; ls -d /run/host/none /run/host/more/*'
                output_is $'text\na\nbelow\nmade\n/run/host/more/dir'
                errors_has "Read-only file system"
        done
        never test -e "$TREE/run/host"
        opts=()
        for place in notify notify/x inaccessible/reg container-uuid incoming unix-export/x os-release credentials/x home userdb/x; do
                try berth -q -D "$TREE" --bind="$from/dir:/run/host/$place" true
                refused "/run/host/$place is what the container itself is made of" || fail "$place"
        done
}

@test "--bind= at or below /sys/fs/cgroup has no effect, and one line says so" {
        local place
        for place in /sys/fs/cgroup /sys/fs/cgroup/some/where; do
                try berth --bind="$work:$place" -D "$TREE" sh -c 'stat -f -c %T /sys/fs/cgroup; ls /sys/fs/cgroup/cgroup.procs'
                status_is 0
                line_is /sys/fs/cgroup/cgroup.procs
                [[ $errors == *"--bind=$place has no effect, as with systemd-nspawn"* ]]
        done
        opts=(--tmpfs=/sys/fs/cgroup/x)
        in_tree true
        refused "is what the container itself is made of"
}

@test "what berth itself mounts below /dev, /run and /tmp can be covered" {
        mkdir "$work/src"
        echo mine >"$work/src/f"
        local place users
        for place in /dev/shm /dev/mqueue /dev/new /run/lock/mine /run/systemd /tmp /tmp/.X11-unix /sys/module; do
                for users in no pick; do
                        opts=("--private-users=$users" "--bind-ro=$work/src:$place")
                        in_tree cat "$place/f"
                        output_is mine || fail "$place with --private-users=$users"
                done
        done
        for users in no pick; do
                opts=("--private-users=$users" --bind=/dev/zero:/dev/null --bind=/dev/full:/dev/dir/full)
                in_tree sh -c 'head -c 4 /dev/null | wc -c; echo x >/dev/dir/full || echo full'
                line_is 4
                line_is full
        done
}

@test "what is hidden of proc and sysfs can be covered by its own name, and nothing in it; by a link of the tree it cannot" {
        local users
        mkdir "$work/src"
        echo mine >"$work/src/f"
        fresh_tree
        ln -s /sys/firmware "$TREE/srv/link"
        for users in no pick; do
                opts=("--private-users=$users" --bind="$work/src:/sys/firmware" --bind-ro="$work/src/f:/proc/interrupts" --tmpfs=/sys/kernel/debug)
                in_tree sh -c 'cat /sys/firmware/f /proc/interrupts; grep -c . /proc/keys; touch /sys/kernel/debug/made && echo made'
                status_is 0
                output_is $'mine\nmine\n0\nmade'
                opts=("--private-users=$users" --inaccessible=/sys/firmware --inaccessible=/proc/keys)
                in_tree stat -c %a /sys/firmware /proc/keys
                output_is $'0\n0'
                opts=("--private-users=$users" --bind="$work/src:/sys/firmware/new")
                in_tree true
                refused "/sys/firmware/new"
                errors_has "hidden"
                opts=("--private-users=$users" --bind="$work/src:/srv/link")
                in_tree true
                refused "/srv/link"
        done
        # The one that systemd-nspawn hides, too, by its name.
        opts=(--bind="$work/src/f:/proc/keys")
        strict_in_tree cat /proc/keys
        output_is mine
}

@test "nodes in a directory that is bound: with a user namespace, or where they are named" {
        mkdir "$work/nodes"
        mknod -m 0666 "$work/nodes/control" c 10 237
        opts=(--private-users=pick --bind="$work/nodes:/srv")
        in_tree sh -c ': </srv/control && echo open'
        output_is open
        opts=(--private-users=no --bind="$work/nodes:/srv")
        in_tree sh -c ': </srv/control && echo open'
        output_is ""
        errors_has "Operation not permitted"
        opts+=(--bind="$work/nodes/control:/dev/control")
        in_tree sh -c ': </srv/control && : </dev/control && echo open'
        output_is open
        # By nobody, and closed to others.
        chmod 0600 "$work/nodes/control"
        opts=(--private-users=pick --bind="$work/nodes/control:/dev/control")
        in_tree sh -c ': </dev/control && echo open'
        errors_has "Permission denied"
}

@test "a device node can be used inside, and no other" {
        prepare
        opts=(--private-users=no --bind=/dev/urandom:/dev/mine --bind-ro=/dev/zero:/srv/zero)
        in_tree sh -c 'head -c 3 /dev/mine | wc -c; head -c 4 /srv/zero | wc -c'
        status_is 0
        output_is $'3\n4'
        opts=(--bind=/dev/urandom:/dev/mine)
        in_tree sh -c 'head -c 3 /dev/mine | wc -c'
        output_is 3
}

@test "tmpfs: owners as inside, modes and flags" {
        prepare
        opts=(--tmpfs=/a --tmpfs=/b:size=1m,uid=3,gid=4,noexec --tmpfs=/c:mode=0700,ro)
        in_tree sh -c 'stat -c "%a %u:%g" /a /b /c; cp /bin/busybox /b/x 2>/dev/null; /b/x true; echo $?; dd if=/dev/zero of=/b/y bs=1M count=2 2>&1 | grep -o "No space"; touch /c/x || echo ro' 2>/dev/null
        status_is 0
        output_is $'755 0:0\n1777 3:4\n700 0:0\n126\nNo space\nro'
        try berth -q -D "$TREE" --tmpfs=/a:size=lots true
        refused /a
}

@test "inaccessible: empty, without permissions, and only what is there" {
        prepare
        opts=(--inaccessible=/etc/passwd --inaccessible=/home)
        in_tree sh -c 'stat -c "%a %s %F" /etc/passwd; stat -c "%a %F" /home; ls -A /home | wc -l'
        status_is 0
        output_is $'0 0 regular empty file\n0 directory\n0'
        try berth -q -D "$TREE" --inaccessible=/nope true
        refused /nope
        [ -s "$TREE/etc/passwd" ]
}

@test "kinds that do not fit" {
        prepare
        try berth -q -D "$TREE" --bind="$from/file:/etc" true
        refused "not of one kind"
        try berth -q -D "$TREE" --bind="$from/dir:/etc/passwd" true
        refused "not of one kind"
        try berth -q -D "$TREE" --bind="$from/dir:/etc/passwd/x" true
        refused /etc/passwd
}

@test "in a tree that is read-only nothing is made" {
        prepare
        opts=(--read-only --bind="$from/dir:/mnt" --bind="$from/file:/etc/hostname")
        mkdir -p "$TREE/mnt"
        touch "$TREE/etc/hostname"
        in_tree sh -c 'ls /mnt; cat /etc/hostname'
        status_is 0
        output_is $'below\ncontent'
        try berth -q --read-only -D "$TREE" --bind="$from/dir:/nope" true
        refused "the mount point /nope"
        errors_has "with --volatile=overlay it is made in memory"
        [ ! -e "$TREE/nope" ]
}

@test "on a restart the sources are opened again, and nothing is left on the host" {
        prepare
        local before
        before=$(wc -l </proc/self/mountinfo)
        opts=(--bind="$from/dir:/mnt" --tmpfs=/t)
        for run in 1 2 3; do in_tree true && status_is 0; done
        [ "$(wc -l </proc/self/mountinfo)" = "$before" ]
}

@test "settings files: a trusted one is heard, the other not" {
        prepare
        mkdir -p "$work/beside"
        mv "$TREE" "$work/beside/t"
        TREE=$work/beside/t
        printf '[Files]\nBind=%s:/mnt/b\nTemporaryFileSystem=/mnt/t\nInaccessible=/root\n' "$from/dir" >"$work/beside/t.nspawn"
        try berth -D "$TREE" --settings=trusted sh -c 'ls /mnt/b; grep -c " /mnt/t " /proc/self/mountinfo'
        status_is 0
        output_is $'below\n1'
        rm -r -- "${TREE:?}/mnt"
        try berth -D "$TREE" sh -c 'ls -d /mnt/b || echo none' 2>/dev/null
        output_is none
        errors_has "Bind= is ignored"
        try berth -D "$TREE" --settings=trusted --tmpfs=/mnt/u sh -c 'ls /mnt'
        output_is u
}

# --- owners ---

# Files of several owners, and how each kind of bind shows them. Compared file by file, and what is made inside on the host.
owners_dir() {
        local id
        mkdir -p "$1"
        for id in 0 1000 1005 3000; do
                touch "$1/$id"
                chown "$id:$((id + 1))" "$1/$id"
        done
        chown 1000:1001 "$1"
        chmod 0777 "$1"
}

# seen_as OPTIONS EXPECTED HOST: what is seen inside, and whose a file is that root inside makes ("-": it cannot).
seen_as() {
        rm -f "$from/o/new"
        opts=(--bind="$from/o:/mnt:$1")
        in_tree sh -c 'cd /mnt && stat -c "%n=%u:%g" . 0 1000 1005 3000 | tr "\n" " "; touch new 2>/dev/null; true'
        status_is 0
        output_is "$2 " || fail "$1" || return 1
        [ "$(stat -c %u:%g "$from/o/new" 2>/dev/null || echo -)" = "$3" ] || fail "$1: a new file is $(stat -c %u:%g "$from/o/new")"
}

check_owners() {
        local n=65534
        owners_dir "$from/o"
        mkdir -p "$TREE/mnt"
        chown 7:8 "$TREE/mnt"
        seen_as idmap ".=1000:1001 0=0:1 1000=1000:1001 1005=1005:1006 3000=3000:3001" 0:0
        seen_as rootidmap ".=0:0 0=$n:$n 1000=0:0 1005=$n:$n 3000=$n:$n" 1000:1001
        seen_as owneridmap ".=7:8 0=$n:$n 1000=7:8 1005=$n:$n 3000=$n:$n" -
        seen_as map=1000:0:10,map=3000:50:2 ".=0:1 0=$n:$n 1000=0:1 1005=5:6 3000=50:51" 1000:1000
}

@test "owners of what is bound: file by file, inside and outside" {
        prepare
        check_owners
        owners_dir "$from/p"
        opts=(--bind="$from/p:/mnt")
        in_tree sh -c 'stat -c %u:%g /mnt/* | sort -u; touch /mnt/new'
        output_is 65534:65534
        [ "$(stat -c %u "$from/p/new")" -ge 524288 ]
}

@test "the same on tmpfs, ext4 and btrfs" {
        prepare
        local kind
        for kind in tmpfs ext4 btrfs; do
                rm -rf "${from:?}/o"
                mkdir "$from/o"
                truncate -s 120M "$work/disk"
                case $kind in
                tmpfs) mount -t tmpfs tmpfs "$from/o" ;;
                *) "mkfs.$kind" -q "$work/disk" && mount -o loop "$work/disk" "$from/o" || return 1 ;;
                esac
                check_owners || { umount "$from/o"; fail "$kind"; return 1; }
                umount "$from/o"
                rm "$work/disk"
        done
}

@test "maps without user ids of its own, and those that cannot be" {
        prepare
        owners_dir "$from/o"
        local owner
        opts=(--private-users=no --bind="$from/o:/mnt:map=1000:5:10")
        in_tree stat -c %u:%g /mnt/1000
        output_is 5:6
        opts=(--private-users=no --bind="$from/o:/mnt:rootidmap" --bind="$from/o:/srv:owneridmap")
        owner=$(stat -c %u:%g "$from/o")
        in_tree sh -c 'stat -c %u:%g /mnt /srv; touch /mnt/by-root'
        output_is $'0:0\n0:0'
        [ "$(stat -c %u:%g "$from/o/by-root")" = "$owner" ]
        rm "$from/o/by-root"
        try berth -q --private-users=no -D "$TREE" --bind="$from/o:/mnt:idmap" true
        refused "no user ids of its own"
        try berth -q -D "$TREE" --bind="$from/o:/mnt:map=0:1:10,map=5:1" true
        refused "in one map= only"
        try berth -q -D "$TREE" --bind="$from/o:/mnt:map=0:65536" true
        refused "has no ids 65536..65536"
        try berth -q -D "$TREE" --bind=/proc:/mnt:idmap true
        refused "cannot map the owners of /proc"
}

# --- overlays ---

make_layers() {
        mkdir -p "$from"/{one,two,up}
        echo 1 >"$from/one/a"
        echo 1 >"$from/one/both"
        echo 2 >"$from/two/both"
        install -m 0640 /dev/null "$from/two/secret"
        chown 5:6 "$from/two/secret"
}

@test "overlays: order, owners, what is changed, what is left beside" {
        prepare
        make_layers
        local users
        for users in pick no; do
                opts=("--private-users=$users" --overlay="$from/one:$from/two:$from/up:/mnt" --overlay-ro="$from/one:$from/two:/ro")
                in_tree sh -c 'cat /mnt/a /mnt/both /ro/both; stat -c "%n %u:%g" /mnt /mnt/a /mnt/secret; rm /mnt/a; echo new >/mnt/new
                        chown 7:8 /mnt/new; mkdir /mnt/dir; echo 3 >>/mnt/both; (echo x >/ro/x) 2>&1 | grep -o Read-only'
                status_is 0
                output_is $'1\n2\n2\n/mnt 0:0\n/mnt/a 0:0\n/mnt/secret 5:6\nRead-only' || fail "$users"
                [ "$(cat "$from/one/a" "$from/two/both")" = $'1\n2' ]
                [ "$(cat "$from/up/both" "$from/up/new")" = $'2\n3\nnew' ]
                [ "$(stat -c %u:%g "$from/up" "$from/up/new" "$from/up/dir" "$from/up/both")" = $'0:0\n7:8\n0:0\n0:0' ]
                in_tree sh -c 'ls /mnt; cat /mnt/new'
                output_is $'both\ndir\nnew\nsecret\nnew'
                [ "$(ls -A "$from")" = $'dir\nfile\none\ntwo\nup' ]
                rm -rf "${from:?}/up"
                mkdir "$from/up"
        done
}

@test "an upper layer is one overlay's: in one container, and between two" {
        prepare
        mkdir "$from/up" "$TREE/mnt" 2>/dev/null || true
        try berth -q -D "$TREE" --overlay="$from/dir:$from/up:/mnt" --overlay="$from/dir:$from/up:/srv" true
        refused "$from/up, for changes of /srv, is that of another overlay"
        start_berth -q -D "$TREE" --overlay="$from/dir:$from/up:/mnt" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        local other=0 unlocked=0
        try berth -q --read-only -D "$trees/busybox" -M other --overlay="$from/dir:$from/up:/srv" true
        [[ $status = 1 && $errors == *"is that of another overlay"* ]] || other=1
        # Its own directory beside the upper layer is still there.
        [ -d "$from/.#up.work" ] || unlocked=1
        stop_berth
        [ "$other.$unlocked" = 0.0 ] || fail "$other $unlocked: $errors"
        [ ! -e "$from/.#up.work" ]
        try berth -q -D "$TREE" --overlay="$from/dir:$from/up:/mnt" sh -c 'touch /mnt/again'
        status_is 0
        [ -e "$from/up/again" ]
}

@test "an overlay of the tree's own, in memory and in the tree" {
        prepare
        make_layers
        mkdir "$TREE/var/up"
        opts=(--read-only --overlay=+/etc::/etc)
        in_tree sh -c 'echo new >/etc/new; cat /etc/new; stat -c %u:%g /etc /etc/passwd; (echo >/x) 2>&1 | grep -o Read-only'
        status_is 0
        output_is $'new\n0:0\n0:0\nRead-only'
        [ ! -e "$TREE/etc/new" ]
        opts=(--overlay=+/etc:+/var/up:/etc)
        in_tree sh -c 'echo new >/etc/new'
        status_is 0
        [ "$(stat -c %u:%g "$TREE/var/up/new")" = 0:0 ]
        [ "$(ls -A "$TREE/var")" = "$(ls -A "$trees/busybox/var"; echo up)" ]
}

@test "layers that are missing, none, or links out of the tree" {
        prepare
        make_layers
        try berth -q -D "$TREE" --overlay="$from/one:$from/nope:/mnt" true
        refused "$from/nope: cannot open the layer"
        try berth -q -D "$TREE" --overlay="$from/file:$from/up:/mnt" true
        refused "$from/file: cannot open the layer"
        ln -s "$up$from/one" "$TREE/srv/out"
        try berth -q -D "$TREE" --overlay="+/srv/out:$from/up:/mnt" true
        refused "cannot open the layer"
        ln -s "$up$from/up" "$TREE/srv/up"
        try berth -q -D "$TREE" --overlay="$from/one:+/srv/up:/mnt" true
        refused
        ln -s "$from" "$TREE/srv/dir"
        try berth -q -D "$TREE" --overlay="$from/one:+/srv/dir/up:/mnt" true
        refused
        [ -z "$(ls -A "$from/up")" ]
        [ "$(ls -A "$from")" = $'dir\nfile\none\ntwo\nup' ]
}

# --- hostile trees ---

@test "destinations that are links lead to a place inside, or nowhere" {
        prepare
        make_canary
        bad=0
        local kind way
        for kind in "${kinds_dir[@]}"; do
                for way in --bind="$from/dir:/srv/at" --bind="$from/file:/srv/at" --bind="$from/dir:/srv/at/below/it" --bind="$from/file:/srv/at/below/it" --tmpfs=/srv/at \
                        --inaccessible=/srv/at --bind=+/srv/at:/home/x --bind-ro=+/srv/at/dir:/home/x; do
                        hostile_tree
                        plant "$kind" srv/at
                        limit=10 try berth -q -D "$TREE" "$way" /inside end 0
                        look_at_variant any "$kind, $way" || bad=$((bad + 1))
                done
        done
        [ "$bad" = 0 ] || fail "$bad rows went wrong"
        [ "$(find "$from" -type f -exec cat {} + | sort)" = $'content\ndeep' ]
}

@test "a destination that leads over the container's own mounts does not start" {
        prepare
        local to
        for to in / /proc /proc/sys /run /run/host /dev /sys; do
                ln -sfn "$to" "$TREE/srv/at"
                try berth -q -D "$TREE" --bind="$from/dir:/srv/at" true
                refused "/srv/at of the tree leads to what the container itself is made of" || fail "$to"
                try berth -q -D "$TREE" --inaccessible=/srv/at true
                refused "/srv/at of the tree leads to" || fail "$to"
        done
}

@test "a racer that swaps names during the starts gains nothing" {
        prepare
        make_canary
        hostile_tree
        mkdir -p "$TREE/srv/real" "$TREE/srv/at"
        ln -s "$up$canary/dir" "$TREE/srv/link"
        # Exchanged as fast as it goes: a directory, and a link out of the tree.
        /usr/bin/python3 - "$TREE/srv" <<'END' &
import ctypes, os, sys
libc = ctypes.CDLL(None)
os.chdir(sys.argv[1])
while os.path.exists('link') or os.path.exists('at'):
    libc.renameat2(-100, b'at', -100, b'link', 2)
END
        racer=$!
        local ran=0 way
        for i in {1..500}; do
                case $((i % 4)) in
                0) way=--bind="$from/dir:/srv/at" ;;
                1) way=--bind="$from/dir:/srv/at/new/deep" ;;
                2) way=--tmpfs=/srv/at/t ;;
                3) way=--bind=+/srv/at:/home/x ;;
                esac
                try berth -q -D "$TREE" "$way" /inside end 0
                [ "$status" != 0 ] || ran=$((ran + 1))
                [[ $status = [01] ]] || break
        done
        kill "$racer"
        wait "$racer" || true
        [[ $status = [01] ]] || fail "$(show)"
        [ "$ran" -gt 0 ]
        [ "$(canary_state)" = "$(<"$work/canary.before")" ]
}
