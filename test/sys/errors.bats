#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is refused, and what is said then: one line that names the thing and the cause, and at most one that helps.

load ../lib/common

@test "a tree that is not there" {
        try berth -D /no/such/tree true
        refused /no/such/tree
}

@test "a tree that is a file, a FIFO, a device, a socket" {
        touch "$work/file"
        mkfifo "$work/fifo"
        mknod "$work/dev" c 1 3
        local what
        limit=3
        for what in file fifo dev; do
                try berth -D "$work/$what" true
                refused "$work/$what"
        done
}

@test "the host's own root read-write" {
        try berth -D / true
        refused /
        try berth -D /. true
        refused
        try berth -D //usr/../ true
        refused
        mkdir "$work/alias"
        mount --bind / "$work/alias"
        try berth -D "$work/alias" true
        umount "$work/alias"
        refused
}

@test "a directory without a program" {
        mkdir "$work/empty"
        try berth -D "$work/empty" /bin/true
        refused /bin/true
        try berth -D "$work/empty"
        refused
        # Nor is anything made in a directory that was a slip of the user's.
        [ -z "$(ls -A "$work/empty")" ]
}

@test "a directory that is no OS tree is not touched: as the current one, and however it is called" {
        mkdir -p "$work/home/bin" "$work/home/etc" "$work/home/.ssh"
        printf '#!/bin/sh\n' >"$work/home/bin/mine"
        find "$work/home" -printf '%P %T@ %C@\n' | sort >"$work/before"
        cd "$work/home"
        local words
        for words in '' true '-a true' /bin/true '-E PATH=/opt true' '-b' '--read-only true' '-u nobody'; do
                # shellcheck disable=SC2086 # several words
                try berth -q $words
                status_is 1
                [ -n "$errors" ]
                try strict -q $words
                status_is 1
        done
        find "$work/home" -printf '%P %T@ %C@\n' | sort | cmp - "$work/before"
        try berth -q true
        refused "no OS tree"
}

@test "a directory without usr is started where it has the program" {
        mkdir -p "$work/opt/tool"
        cp "$helpers/inside" "$work/opt/tool/inside"
        try berth -q -D "$work/opt" /tool/inside argv x
        status_is 0
        output_is '[x]'
        try berth -q -E PATH=/nowhere:/tool -D "$work/opt" inside argv y
        status_is 0
        output_is '[y]'
}

@test "an unknown option" {
        try berth --no-such-option -D "$TREE" true
        refused --no-such-option
        try berth -y -D "$TREE" true
        refused y
}

@test "a lone dash and a lone double dash" {
        try berth -q -D "$TREE" - </dev/null
        [ "$status" != 0 ]
        try berth -q -D "$TREE" -- </dev/null
        status_is 0
}

@test "an option that needs a value and gets none" {
        local option
        for option in directory chdir setenv uid kill-signal machine hostname uuid capability rlimit console resolv-conf; do
                try berth "--$option"
                refused "$option" || fail "$option"
        done
}

@test "a flag that gets a value it cannot have" {
        local option
        for option in quiet boot as-pid2 read-only keep-unit private-network; do
                try berth "--$option=nonsense" -D "$TREE" true
                refused "$option" || fail "$option"
        done
}

@test "every option of the table with no value, with an empty one, and with rubbish: refused by one line, or harmless" {
        try berth --introspect-cli
        python3 - "$work/.stdout" >"$work/options" <<'END'
import json, re, sys
def rows(node):
    if isinstance(node, dict):
        name = node.get('long') or node.get('name')
        kind = next((str(v) for k, v in node.items() if 'arg' in k.lower() and isinstance(v, (str, int, bool))), '')
        if isinstance(name, str) and re.fullmatch(r'(--)?[a-z0-9-]{2,}', name):
            yield name.lstrip('-'), kind
        for v in node.values():
            yield from rows(v)
    elif isinstance(node, list):
        for v in node:
            yield from rows(v)
for name, kind in dict(rows(json.load(open(sys.argv[1])))).items():
    print(name)
END
        [ "$(wc -l <"$work/options")" -gt 80 ]
        local option value bad=
        limit=5
        while read -r option; do
                case $option in help | version | introspect-cli) continue ;; esac
                for value in '=' '=%$ä' "=$(printf 'x%.0s' {1..5000})" $'=a\nb' '=../../../etc/passwd' '=-1' '=99999999999999999999999'; do
                        try berth -q "--$option$value" -D "$TREE" true
                        [ "$status" -le 1 ] || bad+="--$option${value:0:30}: status $status; "
                        [ "$status" = 0 ] || [ "$(wc -l <<<"$errors")" -le 2 ] || bad+="--$option${value:0:30}: $(wc -l <<<"$errors") lines; "
                        [ "$status" = 0 ] || [ -n "$errors" ] || bad+="--$option${value:0:30}: nothing said; "
                        [ -z "$errors" ] || ! LC_ALL=C grep -q '[[:cntrl:]]' <<<"$errors" || bad+="--$option${value:0:30}: control characters; "
                done
        done <"$work/options"
        [ -z "$bad" ] || fail "$bad"
}

@test "options of later features are refused by name, none is ignored" {
        local option
        for option in --oci-bundle=/x \
                --network-veth -n --network-bridge=br0 --network-zone=z --port=80 --network-interface=eth0 --network-macvlan=eth0 \
                --network-ipvlan=eth0 --network-veth-extra=a:b --share-system; do
                try berth -q "$option" -D "$TREE" -M x true
                status_is 1 || fail "$option"
                errors_has "not supported by this build yet" || fail "$option"
                errors_has "${option%%=*}" || [[ $option = -[a-z] ]] || fail "$option"
        done
}

@test "what takes a service manager is refused by name where there is none" {
        local option
        for option in --slice=x.slice --property=MemoryMax=1G --register=yes; do
                try berth -q "$option" -D "$TREE" -M x true
                status_is 1 || fail "$option"
                errors_has "${option%%=*}" || fail "$option"
                grep -qE 'service manager|systemd|machined' <<<"$errors" || fail "$option: $errors"
        done
}

@test "labels of SELinux are refused by name where it does not run" {
        local option
        [ "$(stat -f -c %T /sys/fs/selinux 2>/dev/null)" != selinux ] || return 0
        for option in --selinux-context=x --selinux-apifs-context=x -Zx -Lx; do
                try berth -q "$option" -D "$TREE" true
                refused "SELinux does not run" || fail "$option"
        done
}

@test "what a later feature's absence means anyway is accepted" {
        local option
        for option in --volatile=no --link-journal=no --link-journal=auto --register=no --register=auto --keep-unit --no-pager --no-ask-password --system; do
                try berth -q "$option" -D "$TREE" echo x
                status_is 0 || fail "$option"
                output_is x
        done
}

@test "booleans: all spellings, in any case" {
        local value
        for value in 1 yes y true t on YES True oN; do
                try berth -q "--no-new-privileges=$value" -D "$TREE" grep NoNewPrivs /proc/self/status
                output_matches '1$' || fail "$value"
        done
        for value in 0 no n false f off NO False oFF; do
                try berth -q "--no-new-privileges=$value" -D "$TREE" grep NoNewPrivs /proc/self/status
                output_matches '0$' || fail "$value"
        done
        for value in 2 '' maybe yess; do
                try berth -q "--no-new-privileges=$value" -D "$TREE" true
                refused no-new-privileges || fail "$value"
        done
}

@test "what a settings file asks for and cannot be had is said with file and line" {
        local section key value text
        fresh_tree
        rm -f "$TREE/etc/resolv.conf"
        mkdir "$TREE/etc/resolv.conf"
        while read -r section key value text; do
                printf '# not the first line\n[%s]\n%s=%s\n' "$section" "$key" "$value" >"$TREE.nspawn"
                try berth -q --settings=trusted -D "$TREE" ${text:+-- "$text"}
                refused "$TREE.nspawn:3: " || fail "$key=$value"
                [ "$key" != Parameters ] || continue
                try berth -q -a --settings=trusted -D "$TREE" ${text:+-- "$text"}
                refused "$TREE.nspawn:3: " || fail "$key=$value with --as-pid2"
        done <<END
Exec User no-such-user true
Exec User 100000 true
Exec WorkingDirectory /no/such/directory true
Exec SystemCallFilter ~no_such_call true
Exec CPUAffinity 1000 true
Exec ResolvConf copy-host true
Exec Parameters /no/such/program
Network NamespacePath /nonexistent true
END
}

@test "variables of systemd-nspawn that this build cannot serve are refused, not ignored" {
        local variable
        for variable in SYSTEMD_NSPAWN_SHARE_SYSTEM=1 SYSTEMD_NSPAWN_SHARE_NS_PID=1 SYSTEMD_NSPAWN_SHARE_NS_IPC=1 SYSTEMD_NSPAWN_SHARE_NS_UTS=1 \
                SYSTEMD_NSPAWN_USE_CGNS=0; do
                try env "$variable" timeout 20 "$BERTH" -q -D "$TREE" true
                refused "${variable%%=*}" || fail "$variable"
        done
}

@test "-v shows where an error comes from" {
        try berth -D /no/such/tree true
        local plain=$errors
        try berth -v -D /no/such/tree true
        status_is 1
        [ "${#errors}" -gt "${#plain}" ]
        errors_has /no/such/tree
}

@test "BERTH_DEBUG shows steps, on stderr only" {
        BERTH_DEBUG=all try berth -q -D "$TREE" echo x
        status_is 0
        output_is x
        [ -n "$errors" ]
        try berth -q -D "$TREE" echo x
        errors_is ""
}

@test "BERTH_DEBUG: each topic has something to say, and an unknown one is answered by the list" {
        local topic
        for topic in conf probe plan step msg life; do
                BERTH_DEBUG=$topic try berth -q -D "$TREE" echo x
                status_is 0
                output_is x
                errors_has "] $topic: " || fail "$topic"
        done
        BERTH_DEBUG=nonsense try berth -q -D "$TREE" echo x
        status_is 0
        output_is x
        errors_has "known: conf, probe, plan"
}

@test "errors go to stderr also with -q" {
        try berth -q -D /no/such/tree true
        status_is 1
        [ -n "$errors" ]
}

@test "an error begins with the program's name" {
        try berth -D /no/such/tree true
        [[ $errors == berth:* ]]
        try strict -D /no/such/tree true
        [ "$status" = 1 ]
}

@test "an empty current directory as the tree says what is missing" {
        mkdir "$work/empty"
        cd "$work/empty"
        try berth -q
        refused
        try berth -q -b
        refused
}

@test "options that exclude each other are both named" {
        try berth -q --private-network=no --network-namespace-path=/proc/self/ns/net -D "$TREE" true
        [ "$status" = 0 ] || refused
        try berth -q --ambient-capability=CAP_CHOWN -b -D "$TREE"
        refused ambient
}

@test "a full /dev/stdout is an error of the payload, not a crash" {
        status=0
        berth -q -D "$TREE" echo x >/dev/full 2>"$work/.stderr" || status=$?
        [ "$status" -lt 128 ]
        local words
        for words in "--help" "--introspect-cli" "--dry-run -D $TREE" "--dry-run=json -D $TREE"; do
                status=0
                # shellcheck disable=SC2086 # words
                berth $words >/dev/full 2>"$work/.stderr" || status=$?
                [ "$status" = 1 ]
                grep -q 'cannot write the output: No space left on device' "$work/.stderr"
        done
}

@test "very long command lines work" {
        local words
        mapfile -t words < <(seq 1 5000)
        in_tree /bin/inside argv "${words[@]}"
        status_is 0
        [ "$(wc -l <<<"$output")" = 5000 ]
        in_tree /bin/inside argv "$(printf 'x%.0s' {1..60000})"
        status_is 0
        [ "${#output}" = 60002 ]
}

@test "a path of the greatest length works or is refused by name" {
        local deep=$work/d
        while [ ${#deep} -lt 3500 ]; do deep+=/$(printf 'd%.0s' {1..200}); done
        mkdir -p "$deep"
        cp "$helpers/inside" "$deep/inside"
        try berth -q -M deep -D "$deep" /inside argv x
        [ "$status" = 0 ] || refused
        (cd "$deep" && try berth -q -M deep -D . /inside argv x && [ "$status" -le 1 ])
}

@test "a limit that cannot hold here is a refusal that names the controller, and otherwise it holds" {
        opts=(--pids=9)
        in_tree sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1 & done; wait; echo all'
        if [ -z "$errors" ]; then
                fail "the limit was dropped" "$(show)"
        elif [[ $errors == *--pids=* ]]; then
                refused "controller pids"
        else
                errors_has fork
        fi
}

# words: what is done wrong, then | and what the message has besides. In a directory with trees of several kinds.
@test "what newcomers do: the message names the thing, why, and what helps" {
        local words want
        fresh_tree
        mkdir "$work/here" "$work/here/empty"
        mv "$TREE" "$work/here/tree"
        echo text >"$work/here/file"
        cp -a "$work/here/tree" "$work/here/noshell"
        rm -f "$work/here/noshell/usr/bin"/*sh
        cd "$work/here" || return 1
        while IFS='|' read -r words want; do
                eval "try berth -q $words"
                refused || fail "$words"
                errors_has "$want" || fail "$words"
        done <<'END'
tree|no OS tree (it is looked for in the current directory; is the tree meant? -D tree)
tree true|is the tree meant? -D tree)
-D nosuch true|cannot open the directory nosuch: No such file or directory
-D file true|-D wants a directory, -i a disk image
-D empty true|there is no true, and no usr, in
-D empty -b|does not look like an OS tree: no etc/os-release or usr/lib/os-release in it
-D noshell|the tree has no shell; name a command
-D tree nosuchprogram|not found in PATH inside the tree
-D tree /etc/passwd|that takes a regular file with the permission to be executed
-D tree ""|cannot run "" in
-i tree|-D starts a directory
-i file|is no disk image to start from
-i nosuch.raw|cannot find the image nosuch.raw
-M nosuch|No image for machine 'nosuch'.
-M "a b" -D tree true|letters, digits, and - or . in between
-M ../x -D tree true|letters, digits, and - or . in between
--foo|unknown option --foo (see --help
--directry=tree true|did you mean --directory?
-b -a -D tree|--as-pid2 does not go with --boot
-D tree --bind=/etc:/mnt:ro true|--bind-ro= is read-only
-D tree --bind=/nosuch true|a - in front of it leaves it out where it is missing
-D tree -n true|--network-veth is not supported by this build yet (--private-network has
-D tree --port=80 true|--private-network=no is in the host's network
-D tree --uid=nosuch true|a number needs no entry
-D tree --chdir=etc true|an absolute path without . and ..
-D / true|--read-only shares it without a risk
END
}

@test "without root: it is said at once what is for root alone" {
        make_open_place "$BERTH" "$BERTHCTL" "$TREE"
        mkdir -m 0700 "$open_place/locked"
        as_nobody "$open_place/berth" -D "$open_place/busybox" true
        refused "need to be root (sudo berth ..."
        as_nobody "$open_place/berth" -D "$open_place/locked/tree" true
        refused "cannot open the directory $open_place/locked/tree: Permission denied (sudo berth ...)"
        # The directory of machines is root's.
        as_nobody "$open_place/berth" -M nosuch
        refused "cannot look for the machine nosuch: Permission denied (/var/lib/machines is for root alone: sudo berth ...)"
        as_nobody "$open_place/berthctl" exec nosuch true
        status_is 125
        errors_has "Permission denied (it is for root alone: sudo berthctl ...)"
        as_nobody "$open_place/berthctl" list
        errors_has "for root alone"
}

# OPTION, with the path in the place of @: each says which part of it is in the way, and what helps.
@test "a path that cannot be opened: the part that is in the way is named" {
        cd "$work"
        mkdir dir empty
        touch dir/file
        ln -s nowhere dir/lost
        ln -s circle circle
        local option path hint
        while IFS='|' read -r option path hint; do
                for option in $option; do
                        case $option in
                        -D* | -i* | --template*) try berth -q "${option//@/$path}" true ;;
                        *) try berth -q -D "$TREE" "${option//@/$path}" true ;;
                        esac
                        refused "$hint" || fail "$option $path"
                done
        done <<'END'
-D@ -i@ --load-credential=a:@ --network-namespace-path=@|dir/a/b|dir has no a
-D@ -i@ --load-credential=a:@ --network-namespace-path=@|dir/lost/x|is a link to what is not there
-D@ -i@ --load-credential=a:@ --network-namespace-path=@|dir/file/x|file in
-D@ --load-credential=a:@ --network-namespace-path=@|circle/x|links lead in a circle
-D@|dir/file|-D wants a directory, -i a disk image
-i@|empty|-D starts a directory
--load-credential=a:@|./empty|name a file in it
--bind=@:/mnt|dir/a|a - in front of it
--bind=@:/mnt|dir/file/x|a part of the path is no directory
--bind=@:/mnt|circle|links lead in a circle
--overlay=@:empty:/mnt|dir/file|layers are directories
END
        try berth -q --template=dir/no/such -D ./new true
        refused "has no no"
        as_nobody "$BERTH" -q -D /root/x true
        status_is 1
        errors_has "sudo berth"
}
