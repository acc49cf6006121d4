#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What berth makes of each way to use a tree, each way to map owners and each option of a bind: as written down. What
# systemd-nspawn does beside it is shown by test/compat/matrix.

load ../lib/common

@test "root modes, owners and binds: as in matrix.expect" {
        BERTH=$BERTH "$BATS_TEST_DIRNAME/matrix" --berth >"$work/matrix"
        [ "$(wc -l <"$work/matrix")" = 210 ]
        diff "$BATS_TEST_DIRNAME/matrix.expect" "$work/matrix"
}
