#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The option table against systemd-nspawn's.

load ../lib/common

@test "options and their arguments are those of systemd-nspawn 262" {
        run -0 "$top/test/compat/options.sh" "$BERTH"
}

@test "the comparison finds an option that is missing" {
        printf '#!/bin/sh\nexec "%s" "$@" | jq "del(.[] | select(.long == \\"boot\\"))"\n' "$BERTH" >"$work/berth"
        chmod +x "$work/berth"
        run -1 "$top/test/compat/options.sh" "$work/berth"
        [[ $output == *"-b,--boot"* ]] || fail "$output"
}
