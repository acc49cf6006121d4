#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# On a host that is itself a container of berth: what is there, and what one more level costs.

load ../lib/common
load common

@test "a command runs one level deeper, and its status comes back" {
        try berth -q -D "$TREE" sh -c 'echo $$; exit 7'
        status_is 7
        output_is 1
}

@test "an OS boots one level deeper" {
        host_tree trixie
        limit=60
        on_terminal 'expect=login:' 'send=root\r' 'expect=# ' 'send=systemctl is-system-running --wait; echo done-$((1+1))\r' \
                'expect=done-2' 'send=systemctl poweroff\r' -- "$BERTH" -q -b -D "$TREE"
        rm -rf "$TREE"
        status_is 0
        plain_output
        output_matches '^running'
}

@test "two levels deeper, with --nesting on the way" {
        local middle=$work/middle
        cp -a "$TREE" "$middle"
        mkdir -p "$middle/inner"
        cp -- "$BERTH" "$middle/usr/bin/berth"
        cp -a "$TREE/." "$middle/inner/"
        try berth -q --nesting -D "$middle" -a /usr/bin/berth -q -D /inner sh -c 'echo deep $$; head -c 2 /proc/1/cmdline; echo'
        status_is 0
        line_is "deep 1"
        line_is sh
}
