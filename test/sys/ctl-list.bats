#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# berthctl: words and options, and what list shows.

load ../lib/common

start_named() {
        start_berth -q -M "$1" "${@:2}" -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        leader=$(leader_of "$launcher")
}

@test "help, versions, and words that are none" {
        try ctl --help
        status_is 0
        output_matches '^  list +List containers'
        try ctl list --help
        status_is 0
        output_matches '^ +--json +Print JSON'
        try ctl --version
        status_is 0
        output_matches '^berthctl [0-9]'
        try ctl
        refused "--help"
        try ctl nosuch
        refused "unknown verb nosuch"
        try ctl --nosuch
        refused "unknown option --nosuch"
        try ctl lis
        refused "unknown verb lis"
        try ctl list --js
        refused "unknown option --js"
        try ctl list -x
        refused "unknown option -x"
        try ctl list --json=yes
        refused "takes no value"
        try ctl list word
        refused "one word too many: word"
}

@test "list: nothing runs" {
        try ctl list
        status_is 0
        output_is "NAME  STATE  MODE  LEADER  UP  ROOT"
        try ctl list --no-legend
        status_is 0
        output_is ""
        try ctl list --json
        status_is 0
        output_is "[]"
}

@test "list: a container as table and as JSON" {
        start_named listed
        try ctl list --no-legend
        status_is 0
        output_matches "^listed +running +command +$leader +[0-9a-z ]+  $TREE\$"
        try ctl list --json
        status_is 0
        [ "$(jq -r '.[0] | .name, .state, .mode, .leader, .supervisor, .root' <<<"$output" | tr '\n' ' ')" = \
                "listed running command $leader $launcher $TREE " ] || fail "$output"
        stop_berth
        try ctl list --no-legend
        output_is ""
}

@test "list: what a killed supervisor left is shown with --all" {
        start_named killed
        kill -KILL "$launcher"
        wait "$launcher" 2>/dev/null || true
        try ctl list --no-legend
        status_is 0
        output_is ""
        try ctl list --no-legend --all
        status_is 0
        output_matches '^killed +dead '
        try berth -q -M killed -D "$TREE" true
        status_is 0
        try ctl list --no-legend -a
        output_is ""
}

@test "list: without root it says what is missing" {
        start_named listed
        chmod 0755 "$work"
        cp "$BERTHCTL" "$work/berthctl"
        try setpriv --reuid=65534 --regid=65534 --clear-groups "$work/berthctl" list
        refused "root"
        stop_berth
}

@test "list: a name is printed without what steers a terminal" {
        mkdir -p /run/berth/odd
        printf '{"machine":"odd","leader":1,"supervisor":1,"root":"/\\u001b[31m"}' >/run/berth/odd/record
        try ctl list --all --no-legend
        status_is 0
        output_has '/\x1b[31m'
        never grep -q $'\x1b' "$work/.stdout"
        rm -r /run/berth/odd
}

# The reply of fish for a command line.
complete_fish() {
        PATH=${BERTHCTL%/*}:$PATH fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$BERTH_BUILD/shell-completion/berthctl.fish" "$1" | cut -f1
}

@test "names of running containers complete in the shells" {
        local verb
        start_named complete-me
        for verb in stop status exec attach logs mount; do
                try complete_bash berthctl "$verb" compl
                output_is complete-me
                try complete_fish "berthctl $verb compl"
                output_is complete-me
        done
        try complete_bash berthctl cp compl
        line_is complete-me:
        try complete_bash berthctl kill -s ""
        line_is TERM
        output_lacks '('
        stop_berth
        try complete_bash berthctl stop compl
        output_is ""
        try complete_fish "berthctl stop compl"
        output_is ""
}
