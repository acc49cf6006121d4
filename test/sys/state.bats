#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is kept and what is thrown away: --volatile=, --overlay-upper=. The guard sees that the shared tree stays as it is.

load ../lib/common

@test "--volatile=overlay: all can be changed, and nothing is kept" {
        opts=(--volatile=overlay)
        in_tree sh -c 'echo x >/srv/x && rm -r /home && mkdir /home && chown 5:6 /srv/x && stat -c "%u:%g %a %n" / /srv/x /usr/bin && ls -A /home'
        status_is 0
        line_is "0:0 755 /"
        line_is "5:6 644 /srv/x"
        line_is "0:0 755 /usr/bin"
        in_tree ls -A /srv
        output_is ""
        in_tree ls -A /home
        output_lacks "cannot"
        [ -n "$(ls -A "$TREE/home")" ]
}

@test "--volatile=overlay with the host's user ids, and under the other name" {
        opts=(--volatile=overlay --private-users=no)
        in_tree sh -c 'echo x >/srv/x && stat -c "%u:%g" /srv/x'
        output_is 0:0
        opts=(--volatile=overlay)
        strict_in_tree sh -c 'echo x >/srv/x && stat -c "%u:%g" /srv/x'
        output_is 0:0
}

@test "the top directory of an overlay has the tree's owner and mode" {
        fresh_tree
        chown 7:8 "$TREE"
        chmod 0751 "$TREE"
        opts=(--volatile=overlay)
        in_tree stat -c '%u:%g %a' /
        output_is "7:8 751"
}

@test "--volatile=state: the tree is read-only, with an empty var in memory" {
        opts=(--volatile=state)
        in_tree sh -c 'touch /var/x && ls -A /var && stat -c "%u:%g %a" /var && ! touch /srv/x && ! touch /usr/x'
        status_is 0
        line_is x
        line_is "0:0 755"
}

@test "--volatile=yes: an empty root in memory, with usr" {
        opts=(--volatile=yes)
        in_tree sh -c 'ls -d /usr /bin /etc /var /root && readlink /bin && touch /x /etc/x && ! touch /usr/x && stat -c "%u:%g" / /etc /x'
        status_is 0
        line_is usr/bin
        output_lacks 65534
        in_tree ls -d /srv /home
        never status_is 0
        opts=(--volatile)
        in_tree echo also
        output_is also
}

@test "--volatile=yes is refused where bin is no part of usr" {
        fresh_tree
        rm "$TREE/bin"
        mkdir "$TREE/bin"
        opts=(--volatile)
        in_tree true
        refused "--volatile=yes: /bin of $TREE"
}

@test "a settings file beside the tree may ask for it, and takes no --volatile= back" {
        fresh_tree
        printf '[Files]\nVolatile=overlay\n' >"$TREE.nspawn"
        opts=()
        in_tree touch /srv/x
        status_is 0
        [ ! -e "$TREE/srv/x" ]
        printf '[Files]\nVolatile=no\n' >"$TREE.nspawn"
        opts=(--settings=override --volatile=overlay)
        in_tree touch /srv/x
        status_is 0
        [ ! -e "$TREE/srv/x" ]
}

@test "what is mounted inside the tree is not written to through an overlay" {
        fresh_tree
        mkdir "$work/mounted"
        mount --bind "$work/mounted" "$TREE/srv"
        opts=(--volatile=overlay)
        in_tree touch /srv/x
        umount "$TREE/srv"
        never status_is 0
        errors_has "Read-only"
        [ ! -e "$work/mounted/x" ]
}

@test "ten at once from one tree, each with its own changes" {
        local i pids=() pid bad=0
        mkfifo "$work/gate"
        for i in {1..10}; do
                "$BERTH" -q --volatile=overlay -D "$TREE" sh -c "echo $i >/srv/me && hostname && cat /srv/me && read -r _" \
                        >"$work/over.$i" 2>&1 <"$work/gate" &
                pids+=($!)
        done
        exec 9>"$work/gate"
        for i in {1..10}; do await "$work/over.$i" $'\n'"$i" || bad=1; done
        exec 9>&-
        for pid in "${pids[@]}"; do wait "$pid" || true; done
        for i in {1..10}; do [ "$(tail -n 1 "$work/over.$i")" = "$i" ] || { bad=1; cat "$work/over.$i"; }; done
        [ "$(head -qn 1 "$work"/over.* | sort -u | wc -l)" = 10 ]
        [ "$bad" = 0 ]
}

@test "a tree that somebody writes to is no lower layer" {
        fresh_tree
        start_berth -q -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        opts=(--volatile=overlay)
        in_tree true
        refused "currently busy"
        stop_berth
}

@test "--overlay-upper= keeps what is changed, with owners as in the tree" {
        mkdir "$work/changes"
        opts=("--overlay-upper=$work/changes")
        in_tree sh -c 'echo kept >/srv/x && chown 5:6 /srv/x && rm -r /home'
        status_is 0
        [ "$(stat -c %u:%g "$work/changes/data/srv/x")" = 5:6 ]
        [ -c "$work/changes/data/home" ]
        in_tree sh -c 'cat /srv/x; stat -c %u:%g /srv/x; ls -d /home'
        line_is kept
        line_is 5:6
        errors_has /home
        [ ! -e "$TREE/srv/x" ]
        # Whichever ids the next one has.
        opts=("--overlay-upper=$work/changes" --private-users=no)
        in_tree stat -c %u:%g /srv/x
        output_is 5:6
}

@test "--overlay-upper=: one at a time, in a directory that is there" {
        mkdir "$work/changes"
        start_berth -q "--overlay-upper=$work/changes" -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        opts=("--overlay-upper=$work/changes" -M other)
        in_tree true
        refused "$work/changes is currently busy"
        stop_berth
        opts=("--overlay-upper=$work/missing")
        in_tree true
        refused "$work/missing"
        opts=("--overlay-upper=$work/changes" --volatile=overlay)
        in_tree true
        refused "--overlay-upper="
}

@test "--overlay-upper= is apart from the tree, and nothing is made where it is not" {
        local up before
        fresh_tree
        mkdir -p "$TREE/srv/up" "$work/mounted"
        ln -s "$TREE/srv/up" "$work/link"
        made() { find / "$work" "$TREE" "$TREE/srv" "$TREE/srv/up" -maxdepth 1 \( -name data -o -name work \); }
        before=$(made)
        for up in / /.. "$work" "$TREE" "$TREE/srv" "$TREE/srv/up" "$work/link"; do
                try berth -q -D "$TREE" "--overlay-upper=$up" true
                refused "--overlay-upper=$up: " || fail "$up"
                errors_has "$TREE"
                errors_has "apart from the tree"
        done
        [ "$(made)" = "$before" ]
        # What is mounted there is not the tree's.
        try unshare -m --propagation private sh -c '
                mount -t tmpfs tmpfs "$1/srv/up" && "$2" -q -D "$1" "--overlay-upper=$1/srv/up" sh -c "echo x >/x" && cat "$1/srv/up/data/x"' \
                sh "$TREE" "$BERTH"
        status_is 0
        line_is x
}

@test "with --read-only the overlay of a directory cannot be written to, a root in memory can" {
        mkdir "$work/changes"
        opts=("--overlay-upper=$work/changes" --read-only)
        in_tree touch /srv/x
        status_is 1
        errors_has "Read-only"
        opts=(--volatile=overlay --read-only)
        in_tree sh -c 'echo x >/srv/x && rm /bin/ls && cat /srv/x'
        status_is 0
        output_is x
        opts=(--volatile=state --read-only)
        in_tree sh -c 'echo x >/var/x && cat /var/x; touch /srv/x'
        status_is 1
        output_is x
        errors_has "Read-only"
}

@test "the host's own root directory, with changes thrown away" {
        try berth -q --volatile=overlay -D / sh -c 'echo x >/srv/of-a-test && cat /srv/of-a-test'
        status_is 0
        output_is x
        [ ! -e /srv/of-a-test ]
}

# --- copies ---

# Copies beside the tree, and what tells of them.
no_copies() {
        never compgen -G "$work/.#berth.*"
        never compgen -G '/run/berth/*/copy'
}

@test "-x: another machine with another name and machine id, of which nothing stays" {
        fresh_tree
        echo 0123456789abcdef0123456789abcdef >"$TREE/etc/machine-id"
        opts=(-x)
        in_tree sh -c '[ "$(hostname)" = "$(cat /etc/hostname)" ] && hostname; cat /etc/machine-id; echo $container_uuid; touch /srv/x; stat -c "%u:%g" / /srv /srv/x'
        status_is 0
        output_matches '^tree-[0-9a-f]{16}$'
        output_lacks 0123456789abcdef0123456789abcdef
        [ "$(sed -n 2p <<<"$output")" = "$(sed -n '3s/-//gp' <<<"$output")" ]
        line_is 0:0
        output_lacks 65534
        [ ! -e "$TREE/srv/x" ]
        [ "$(<"$TREE/etc/machine-id")" = 0123456789abcdef0123456789abcdef ]
        no_copies
}

@test "-x writes nothing to what its user has mounted and keeps" {
        fresh_tree
        echo 0123456789abcdef0123456789abcdef >"$TREE/etc/machine-id"
        mkdir "$work/etc" "$work/upper"
        cp -a "$TREE/etc/." "$work/etc/"
        echo mine >"$work/etc/hostname"
        opts=(-x --private-users=no --bind="$work/etc:/etc")
        in_tree cat /etc/hostname
        status_is 0
        output_is mine
        diff -rq --no-dereference "$TREE/etc" "$work/etc" | grep -v hostname >"$work/differs" || true
        never test -s "$work/differs"
        opts=(-x --overlay="+/etc:$work/upper:/etc")
        in_tree cat /etc/hostname
        status_is 0
        find "$work/upper" -mindepth 1 >"$work/differs"
        never test -s "$work/differs"
        # A file that is mounted itself.
        opts=(-x --bind-ro="$work/etc/hostname:/etc/hostname")
        in_tree cat /etc/hostname
        status_is 0
        output_is mine
        # What is gone with the container gets them.
        opts=(-x -M thrown --tmpfs=/etc:mode=0755)
        in_tree /usr/bin/cat /etc/hostname
        status_is 0
        output_is thrown
}

@test "a source in the tree is no way to change a tree that is spared" {
        local way
        fresh_tree
        mkdir "$work/upper" "$TREE/srv/in"
        for way in -x --volatile=overlay --overlay-upper="$work/upper" "-x --private-users=no"; do
                read -ra opts <<<"$way"
                opts+=(--bind=+/srv/in:/mnt --bind=+/srv/in:/media:norbind)
                in_tree sh -c 'touch /mnt/made && ls /mnt /media /srv/in | grep -cx made; stat -c %u /mnt/made'
                status_is 0
                output_is $'3\n0'
                never compgen -G "$TREE/srv/in/*"
        done
        [ -e "$work/upper/data/srv/in/made" ]
        for way in --read-only --volatile=state --volatile=yes "-x :rootidmap"; do
                read -ra opts <<<"${way%:*}"
                mkdir -p "$TREE/mnt"
                opts+=("--bind=+/srv/in:/mnt:rbind,${way#*:}")
                case $way in *:*) ;; *) opts[-1]=--bind=+/srv/in:/mnt ;; esac
                in_tree sh -c '! touch /mnt/made'
                status_is 0
                never compgen -G "$TREE/srv/in/*"
                opts=("${opts[0]}" --overlay=+/etc:+/srv/in:/mnt)
                in_tree true
                refused "not to be changed"
        done
}

@test "-x, and an overlay in memory of its user's: each has its own changes" {
        fresh_tree
        opts=(-x --overlay=+/etc::/etc)
        in_tree sh -c 'touch /root/of-root /etc/of-etc && ls /root /etc && mkdir /root/of-etc /etc/of-root'
        status_is 0
        opts=(--volatile=overlay --overlay=+/etc::/etc --overlay=+/home::/home)
        in_tree sh -c 'touch /root/a /etc/b /home/c && ls /root /etc /home | grep -cx "[abc]"'
        output_is 3
}

@test "-x with a name given; settings are looked for by the tree's name" {
        fresh_tree
        printf '[Exec]\nEnvironment=FROM=file\n' >"$TREE.nspawn"
        opts=(-x)
        in_tree sh -c 'echo $FROM'
        output_is file
        opts=(-x -M given)
        in_tree hostname
        output_is given
}

@test "-x of a tree whose files are nobody's inside" {
        opts=(-x --private-users=1048576)
        in_tree stat -c %u /
        status_is 0
        output_is 65534
}

@test "ten throw-away copies at once" {
        local i pids=() pid bad=0
        for i in {1..10}; do
                "$BERTH" -q -x -D "$TREE" sh -c "echo $i >/srv/me && cat /srv/me" >"$work/x.$i" 2>&1 </dev/null &
                pids+=($!)
        done
        for pid in "${pids[@]}"; do wait "$pid" || bad=1; done
        for i in {1..10}; do [ "$(<"$work/x.$i")" = "$i" ] || { bad=1; cat "$work/x.$i"; }; done
        [ "$bad" = 0 ]
}

@test "-x beside a running original: a full copy, which is removed" {
        fresh_tree
        mkdir "$work/mounted"
        touch "$work/mounted/x" "$TREE/srv/one"
        ln "$TREE/srv/one" "$TREE/srv/two"
        ln -s nowhere "$TREE/srv/link"
        mkfifo "$TREE/srv/fifo"
        chown 5:6 "$TREE/srv/one"
        chmod 4711 "$TREE/srv/one"
        mount --bind "$work/mounted" "$TREE/home"
        start_berth -q -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        opts=(-x)
        in_tree sh -c 'cd /srv; stat -c "%n %u:%g %a %h" one two; readlink link; [ -p fifo ] && echo fifo; ls /home; rm one; touch new'
        stop_berth
        umount "$TREE/home"
        status_is 0
        line_is "one 5:6 4711 2"
        line_is "two 5:6 4711 2"
        line_is nowhere
        line_is fifo
        output_lacks x
        [ -e "$TREE/srv/one" ]
        [ ! -e "$TREE/srv/new" ]
        no_copies
}

@test "a copy goes however deep it is, and whatever was made in it" {
        fresh_tree
        start_berth -q -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        opts=(-x)
        in_tree sh -c 'mkdir -m 0 /srv/closed; cd /srv; for i in $(seq 400); do mkdir d && cd d || exit 1; done; echo deep'
        stop_berth
        status_is 0
        output_is deep
        no_copies
}

@test "what a killed run left is removed by gc, and by the next start of its name" {
        fresh_tree
        start_berth -q -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        original=$launcher
        for way in gc start; do
                start_berth -q -x -M killed -D "$TREE" sh -c 'echo also; exec sleep 1000'
                await "$work/out" also
                compgen -G "$work/.#berth.killed.*"
                kill -KILL "$launcher"
                wait "$launcher" || true
                if [ "$way" = gc ]; then
                        try ctl gc
                        output_has "removed the copy $work/.#berth.killed."
                else
                        opts=(-M killed)
                        strict_in_tree -x true
                fi
                never compgen -G "$work/.#berth.killed.*"
        done
        stop_berth "$original"
        ctl gc
        no_copies
}

@test "gc removes nothing that is not called like a copy, or is in use" {
        mkdir -p /run/berth/liar "$work/precious"
        printf '%s' "$work/precious" >/run/berth/liar/copy
        touch -d '1 hour ago' /run/berth/liar
        try ctl gc
        [ -d "$work/precious" ]
        errors_has precious
        rm -r /run/berth/liar
}

@test "a reboot keeps what an overlay has, its end does not" {
        opts=(-x -M rebooted)
        in_tree sh -c 'cat /srv/marker 2>/dev/null && exit 7; echo kept >/srv/marker; reboot -f'
        status_is 7
        output_is kept
        in_tree cat /srv/marker
        status_is 1
}

@test "--template= makes the tree when it is not there" {
        opts=("--template=$TREE")
        local from=$TREE
        TREE=$work/made
        in_tree touch /srv/first
        status_is 0
        diff -r "$from" "$work/made" | grep -v 'special file' >"$work/diff" || true
        [ "$(<"$work/diff")" = "Only in $work/made/srv: first" ]
        # As a shell completes it.
        try berth -q "--template=$from/" -D "$work/slash//" hostname
        output_is slash
        [ -d "$work/slash/usr" ]
        try berth -q "--template=$from" -D "$work/no/." true
        refused "$work/no/. cannot be made from a template"
        try berth "--template=$from" -D "$work/made" ls /srv
        line_is first
        errors_has "$work/made is there"
        no_copies
}

@test "--template= with what does not go together" {
        try berth -q "--template=$TREE" true
        refused "--template= does not say"
        try berth -q -x "--template=$TREE" -D "$work/other" true
        refused "--ephemeral"
        try berth -q "--template=$work/missing" -D "$work/other" true
        refused "$work/missing"
        try berth -q "--template=$TREE" -D "$work/no/other" true
        refused "$work/no/other"
        mkdir "$work/itself"
        try berth -q "--template=$work/itself" -D "$work/itself/copy" true
        refused "which it would lie in"
        [ -z "$(ls -A "$work/itself")" ]
        try berth -q -x "--template=$TREE" hostname
        output_matches '^busybox-[0-9a-f]{16}$'
}
