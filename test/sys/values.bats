#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Bad values for every option of the table, and for every key of a settings file: some ten thousand. What each class holds,
# and what is no bad value for an option, stands in test/lib/bad-values; that nothing is left behind, the guard sees.

load ../lib/common

# All of a class, on the command line, with and without --dry-run, and in a settings file.
all_values() {
        local how
        fresh_tree
        # What "." and ".." are.
        mkdir -p "$work/above/here"
        cd "$work/above/here" || return 1
        for how in dry-run argv file; do
                # Whatever berth makes of them, the machine's own root directory stays as it is.
                try unshare -m --propagation private sh -c '
                        mount --bind "$1" "$1" && cd "$1/above/here" && mount -o remount,bind,ro / && shift && exec "$@"' sh "$work" \
                        "$top/test/lib/bad-values" "$how" "$1" "$BERTH" "$TREE"
                status_is 0
                [ "$(wc -l <<<"$output")" = 1 ] || fail "$how: $output"
                [ "$how" = file ] || [ "${output% values}" -ge "$2" ] || fail "too few were tried: $output"
                [ "${output% values}" -ge $(($2 / 2)) ] || fail "too few were tried: $output"
        done
}

@test "bad values: nothing" { all_values empty 45; }
@test "bad values: blanks" { all_values blank 140; }
@test "bad values: huge ones" { all_values huge 240; }
@test "bad values: negative numbers" { all_values negative 140; }
@test "bad values: large numbers" { all_values large 190; }
@test "bad values: bytes that are no UTF-8" { all_values bytes 240; }
@test "bad values: control characters" { all_values control 240; }
@test "bad values: lists with wrong separators" { all_values separators 700; }
@test "bad values: paths that lead up" { all_values paths 340; }
@test "bad values: signs that other programs give a meaning" { all_values formats 440; }

@test "the check of bad values finds one that is accepted, and one that is not named" {
        printf '#!/bin/sh\ncase "$*" in *--introspect-cli*) exec "%s" "$@" ;; *chdir*) exit 0 ;; esac\necho berth: no >&2; exit 1\n' "$BERTH" >"$work/liar"
        chmod 0755 "$work/liar"
        try "$top/test/lib/bad-values" argv separators "$work/liar" "$TREE"
        output_matches '^chdir .*: accepted$'
        output_matches '^uid .*: not named'
}
