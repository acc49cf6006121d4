#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The same call to systemd-nspawn and to berth by that name: exit status, what comes out, what the payload finds (look).
# The calls are rows of calls.tsv. What may differ is a row of differences.tsv, with its reason; anything else fails, and so
# does a row that nothing needs.

load ../lib/common

# What every call says: neither of the two can have a service manager here.
always=(-q --register=no --keep-unit --link-journal=no)

# A tree of its own for each side, at the same place and the same in everything.
make_tree() {
        rm -rf --one-file-system -- "$work/tree" "$work/tree.nspawn" "$work/beside"
        cp -a --reflink=auto -- "$trees/busybox" "$work/tree"
        cp -- "$helpers/inside" "$work/tree/inside"
        cp -- "$BATS_TEST_DIRNAME/look" "$work/tree/look"
        # systemd-nspawn asks the tree's getent for users.
        cat >"$work/tree/bin/getent" <<'END'
#!/bin/sh
case $1 in
passwd) awk -F: -v u="$2" '$1 == u || $3 == u' /etc/passwd ;;
initgroups) printf '%s' "$2"; awk -F: -v u="$2" '("," $4 ",") ~ ("," u ",") { printf " %s", $3 }' /etc/group; echo ;;
esac
END
        chmod 0755 "$work/tree/bin/getent"
        # An init that shows what an init gets, and ends the container.
        rm -f "$work/tree/sbin/init"
        printf '#!/bin/sh\n/look "$@"\nexit 0\n' >"$work/tree/sbin/init"
        chmod 0755 "$work/tree/sbin/init"
        mkdir "$work/beside" "$work/tree/mnt"
        echo text >"$work/beside/file"
        chmod 0751 "$work/beside"
        (cd "$work/tree" && eval "$1")
}

# side NAME PROGRAM WORD...: its facts, sorted by where they come from, in $work/NAME.
side() {
        local name=$1
        shift
        in_own_cgroup env -i PATH="$PATH" SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 TERM=dumb CALLERS=secret timeout -k 5 20 "$@"
        {
                echo "status $status"
                # With systemd-nspawn all but messages comes by a terminal, but in pipe mode.
                tr -d '\r' <<<"$output"
                [ -z "$errors" ] || sed 's/^/said /' <<<"$errors"
                find "$work/tree" \( -name look -o -name inside \) -prune -o -printf 'left /%P %y %m %U:%G %l\n' | sort
                find "$work/beside" -printf 'beside /%P %y %m %U:%G\n' | sort
        } | sed -E "s#$work#WORK#g; s/tree-[0-9a-f]{16}/tree-RANDOM/; s/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/UUID/g" >"$work/$name"
}

# As in_own_cgroup, with its command's status and output.
in_a_group() {
        local group status=0
        group=$(findmnt -n -o TARGET -t cgroup2 | head -1)/berth-test.$BASHPID
        mkdir "$group"
        SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' - "$group" "$@" || status=$?
        find "$group" -depth -type d -exec rmdir {} +
        rm -rf /run/systemd/nspawn/propagate
        return $status
}

# Facts of the case $1 that differ, but for those with a reason.
compare() {
        local name=$1 prepare=$2 words
        eval "words=($3)"
        make_tree "$prepare"
        side nspawn systemd-nspawn "${always[@]}" -D "$work/tree" "${words[@]}"
        make_tree "$prepare"
        side berth "$STRICT" "${always[@]}" -D "$work/tree" "${words[@]}"
        diff --unchanged-line-format= --old-line-format='nspawn %L' --new-line-format='berth %L' "$work/nspawn" "$work/berth" |
                "$BATS_TEST_DIRNAME/explain" "$name" "$BATS_TEST_DIRNAME/differences.tsv" "$BATS_RUN_TMPDIR/needed" ||
                fail "$name: $3"
}

# All calls of a topic.
topic() {
        local row rows name prepare words bad=0
        echo "topic $1" >>"$BATS_RUN_TMPDIR/needed"
        mapfile -t rows < <(sed -n "s/^$1\t//p" "$BATS_TEST_DIRNAME/calls.tsv")
        [ "${#rows[@]}" -gt 0 ] || fail "no call of the topic $1"
        for row in "${rows[@]}"; do
                IFS=$'\t' read -r name prepare words <<<"$row"
                compare "$name" "$prepare" "$words" || bad=$((bad + 1))
        done
        [ "$bad" = 0 ] || fail "$bad of ${#rows[@]} calls differ"
}

# What --inaccessible= of systemd-nspawn takes from the host's service manager.
make_inaccessible() {
        local at=/run/systemd/inaccessible
        [ -d $at/dir ] || mkdir -m 0 $at/dir
        [ -e $at/reg ] || install -m 0 /dev/null $at/reg
}

@test "the payload is started in the same way" { topic start; }
@test "it ends in the same way" { topic end; }
@test "names, ids and users" { topic identity; }
@test "rights and limits" { topic limits; }
@test "ways to use the tree, mounts, user namespaces" { make_inaccessible; topic mounts; rm -rf /run/systemd/inaccessible/*; }
@test "resolv.conf and localtime" { topic files; }
@test "console" { topic console; }
@test "an init" { topic boot; }
@test "settings files" { topic settings; }
# Status of each call of words.txt.
words_of() {
        local row words
        while read -r row; do
                eval "words=($row)"
                (cd "$work/tree" && "$@" "${words[@]}" /bin/true) >/dev/null 2>&1 </dev/null && status=0 || status=$?
                printf '%s\t%s\n' "$row" "$status"
        done < <(grep -v '^#' "$BATS_TEST_DIRNAME/words.txt")
}

@test "what is a good word to one is good to the other" {
        local row nspawn berth bad=0
        make_tree :
        words_of in_a_group timeout -k 5 20 systemd-nspawn "${always[@]}" --pipe -D "$work/tree" >"$work/nspawn"
        words_of timeout -k 5 20 "$STRICT" "${always[@]}" --pipe -D "$work/tree" >"$work/berth"
        while IFS=$'\t' read -r row nspawn _ berth; do
                [ "$nspawn" != "$berth" ] || continue
                "$BATS_TEST_DIRNAME/explain" "words $row" "$BATS_TEST_DIRNAME/differences.tsv" "$BATS_RUN_TMPDIR/needed" \
                        <<<"nspawn status $nspawn, berth status $berth" || bad=$((bad + 1))
        done < <(paste "$work/nspawn" "$work/berth")
        [ "$bad" = 0 ] || fail "$bad words differ"
        grep -q '	0$' "$work/nspawn"
        grep -q '	1$' "$work/berth"
}

@test "each difference has a reason that is told, and is there" {
        local all topics said rest
        all=$(grep -v '^#' "$BATS_TEST_DIRNAME/calls.tsv" | cut -f1 | sort -u)
        topics=$(sed -n 's/^topic //p' "$BATS_RUN_TMPDIR/needed" | sort -u)
        [ "$all" = "$topics" ] || skip "only some of the calls were made"
        rest=$(awk -F'\t' 'NR == FNR { needed[$1] = 1; next } /^[^#]/ && !(FNR in needed) { print FNR ": " $0 }' \
                "$BATS_RUN_TMPDIR/needed" "$BATS_TEST_DIRNAME/differences.tsv")
        [ -z "$rest" ] || fail "nothing differs in this way:" "$rest"
        said=$("$BERTH" --help=differences | tr -s ' \n' ' '; tr -s ' \n' ' ' <"$top/SECURITY.md")
        while read -r kind rest; do
                case $kind in
                help) [[ $said == *"$rest"* ]] || fail "--help=differences and SECURITY.md do not say: $rest" ;;
                262 | 252) ;;
                *) fail "no kind of reason: $kind" ;;
                esac
        done < <(grep -v -e '^#' -e '^$' "$BATS_TEST_DIRNAME/differences.tsv" | sed 's/.*\t//')
}
