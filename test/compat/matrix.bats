#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What berth makes of each way to use a tree, each way to map owners and each option of a bind: as written down. What
# systemd-nspawn does beside it is shown by test/compat/matrix.

load ../lib/common

@test "root modes, owners and binds: as in matrix.expect" {
        BERTH=$BERTH "$BATS_TEST_DIRNAME/matrix" --berth >"$work/matrix"
        [ "$(wc -l <"$work/matrix")" = 392 ]
        diff "$BATS_TEST_DIRNAME/matrix.expect" "$work/matrix"
}

@test "beside it there is what systemd-nspawn does" {
        BERTH=$BERTH in_own_cgroup "$BATS_TEST_DIRNAME/matrix" plain
        printf '%s\n' "$output" >"$work/matrix"
        [ "$(wc -l <"$work/matrix")" = 57 ]
        # Who it is, then for each row both answers: the same, but where there is a mark.
        grep -qE '^ +berth +systemd [0-9]+' "$work/matrix"
        grep -qE '^plain +--private-users=no +--bind= +/ 0 rw, file 1000 rw, made host +/ 0 rw, file 1000 rw, made host *$' "$work/matrix"
        grep -qE '^plain +--private-users=identity +--bind= +/ 0 rw, file 1000 rw, made host +/ 0 rw, file 1000 rw, made host *$' "$work/matrix"
        [ "$(grep -c ' \*$' "$work/matrix")" -lt 28 ]
        never awk 'NR > 1 && substr($0, 96, 42) != substr($0, 139, 42) && !/\*$/ { print; bad = 1 } END { exit !bad }' "$work/matrix"
}
