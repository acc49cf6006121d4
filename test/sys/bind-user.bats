#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# --bind-user= and its kin: users of the host inside. The host's files are stand-ins, mounted for the time of a test.

load ../lib/common

setup_users() {
        mkdir "$work/home"
        printf 'hello\n' >"$work/home/file"
        chown -R 4321:4321 "$work/home"
        printf 'root:x:0:0:root:/root:/bin/sh\njoe:x:4321:4321:Joe:%s:/bin/joesh\nbad:x:4322:4321::/:/bin/sh\n' "$work/home" >"$work/passwd"
        printf 'root:x:0:\njoe:x:4321:\n' >"$work/group"
        printf 'root:*:1::::::\njoe:$6$salt$hash:1::::::\n' >"$work/shadow"
        local file
        for file in passwd group shadow; do mount --bind "$work/$file" "/etc/$file"; done
}

drop_users() {
        umount /etc/passwd /etc/group /etc/shadow
}

@test "a user of the host has an entry, and a home with the right owners on both sides" {
        setup_users
        opts=(--bind-user=joe)
        in_tree sh -c 'cd /run/host; cat userdb/joe.user userdb/60514.group userdb/60514.user-privileged; stat -c "%n %u:%g %a" userdb/joe.user userdb/joe.user-privileged home/joe/file; touch userdb/x'
        line_is '{"userName":"joe","uid":60514,"gid":60514,"disposition":"container","homeDirectory":"/run/host/home/joe","service":"io.systemd.NSpawn"}'
        line_is '{"groupName":"joe","gid":60514,"disposition":"container","service":"io.systemd.NSpawn"}'
        line_is '{"privileged":{"hashedPassword":["$6$salt$hash"]}}'
        line_is "userdb/joe.user 0:0 644"
        line_is "userdb/joe.user-privileged 0:0 600"
        line_is "home/joe/file 60514:60514 644"
        errors_has Read-only
        opts+=(--uid=60514)
        in_tree sh -c 'echo mine >/run/host/home/joe/mine; cat /run/host/userdb/joe.user-privileged'
        drop_users
        output_lacks hash
        [ "$(stat -c %u:%g "$work/home/mine")" = 4321:4321 ]
}

@test "also without a user namespace" {
        setup_users
        opts=(--bind-user=joe --private-users=no)
        in_tree sh -c 'stat -c "%u:%g" /run/host/home/joe/file; cat /run/host/home/joe/file'
        drop_users
        output_is $'60514:60514\nhello'
}

@test "shell and groups" {
        setup_users
        opts=(--bind-user=joe --bind-user-shell=yes --bind-user-group=wheel --bind-user-group=audio)
        in_tree cat /run/host/userdb/joe.user
        output_has '"shell":"/bin/joesh"'
        output_has '"memberOf":["wheel","audio"]'
        opts=(--bind-user=joe --bind-user-shell=/bin/other)
        in_tree cat /run/host/userdb/joe.user
        drop_users
        output_has '"shell":"/bin/other"'
}

@test "the number is one that the tree leaves free; names must be" {
        setup_users
        fresh_tree
        echo 'taken:x:60514:60514::/:/bin/sh' >>"$TREE/etc/passwd"
        echo 'also:x:60515:' >>"$TREE/etc/group"
        opts=(--bind-user=joe)
        in_tree stat -c %u:%g /run/host/home/joe/file
        output_is 60516:60516
        echo 'joe:x:77:' >>"$TREE/etc/group"
        in_tree true
        drop_users
        refused "--bind-user=joe: the tree has a user or group of that name"
}

@test "who cannot be brought inside is refused" {
        local name
        setup_users
        for name in root nosuch bad; do
                try berth -q "--bind-user=$name" -D "$TREE" true
                refused "--bind-user=$name" || break
        done
        drop_users
        [ "$name" = bad ]
        refused "--bind-user=bad"
        mkfifo "$work/fifo"
        mount --bind "$work/fifo" /etc/passwd
        try berth -q --bind-user=joe -D "$TREE" true
        umount /etc/passwd
        refused "no regular file"
}

@test "a password is in no plan, record or trace" {
        setup_users
        for form in text json; do
                try berth "--dry-run=$form" --bind-user=joe -D "$TREE" true
                output_lacks 'salt$hash'
        done
        BERTH_DEBUG=all start_berth --bind-user=joe -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        never grep -rqa 'salt$hash' /run/berth
        stop_berth
        drop_users
        never grep -qa 'salt$hash' "$work/err"
}
