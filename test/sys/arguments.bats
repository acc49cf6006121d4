#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Names that begin with "-", of trees, images, machines, users, files: what berth runs for them never takes one for an
# option.

load ../lib/common

# The programs that a command runs, with all their words: $work/trace.
traced() {
        try timeout 60 strace -f -s 300 -o "$work/trace" -e trace=execve,execveat "$@"
}

@test "a tree, sources and destinations, a template, changes, a command" {
        fresh_tree '' -tree
        cd "$work"
        mkdir -- -from -up -upper
        echo content >./-from/-file
        local place
        for place in -tree ./-tree "$work/-tree"; do
                try berth -q -D "$place" "--bind=./-from:/-to" --bind-ro="$work/-from/-file:/-file" --overlay-ro=./-from:./-upper:/-over \
                        "--tmpfs=/-tmp" "--overlay-upper=-up" -- cat /-to/-file /-file /-over/-file
                status_is 0
                output_is $'content\ncontent\ncontent'
        done
        # In front of a source it has a meaning of its own.
        try berth -q -D ./-tree --bind=--from:/x true
        status_is 0
        try berth -q --template=./-tree -D ./-copy true
        status_is 0
        [ -d ./-copy/usr ]
        printf '#!/bin/sh\necho "[$0] $*"\n' >./-tree/usr/bin/-run
        chmod 0755 ./-tree/usr/bin/-run
        try berth -q -D ./-tree -- -run -a --version
        output_is "[/usr/bin/-run] -a --version"
        try berth -q -D ./-tree -a -- -run -a
        output_is "[/usr/bin/-run] -a"
}

@test "an image: it is checked and mounted by what was opened, and nothing that is run hears its name" {
        cd "$work"
        truncate -s 32M -- ./-f.raw
        mke2fs -q -F -t ext4 -d "$TREE" ./-f.raw
        local image
        for image in -f.raw ./-f.raw; do
                debugfs -w -R "set_super_value state 0" ./-f.raw 2>/dev/null
                traced "$BERTH" -q -i "$image" echo started
                status_is 0
                output_is started
                grep -q 'e2fsck\|fsck.ext4' "$work/trace"
                # The launcher itself has it in its own words.
                never grep '\(e2fsck\|fsck\.ext4\).*-f\.raw' "$work/trace"
                [ "$(grep -c '"-f.raw"\|"./-f.raw"' "$work/trace")" = 1 ]
        done
}

@test "a machine, a user, a slice of such a name is none" {
        local option
        for option in --machine=-x --machine=--help --hostname=-x --bind-user=-x --bind-user-group=-x --slice=-x.; do
                try berth -q "$option" -D "$TREE" true
                refused "${option%%=*}" || fail "$option"
        done
        for option in --uid=-root --uid=-1; do
                try berth -q "$option" -D "$TREE" true
                status_is 1
                errors_has "${option#*=}" || fail "$option"
        done
        local verb
        for verb in stop kill pause resume wait status show logs attach; do
                try ctl "$verb" -- -x
                status_is 1
                errors_has -x || fail "$verb"
                errors_lacks "unknown option"
        done
}

# journalctl(1) for a container that has a journal: as the shell would find it.
@test "logs: the name and the number are arguments of their options" {
        mkdir "$work/bin"
        # shellcheck disable=SC2016 # for the program
        printf '#!/bin/sh\nprintf "<%%s>" "$@"\n' >"$work/bin/journalctl"
        chmod 0755 "$work/bin/journalctl"
        local number
        for number in -5 --file=/etc/passwd -f '5 -f'; do
                try ctl logs -n "$number" some
                refused "--lines=$number is no number" || fail "$number"
                try ctl logs "--lines=$number" some
                refused "--lines=$number is no number" || fail "$number"
        done
        fresh_tree
        mkdir -p "$TREE/var/log/journal"
        mkdir -p /run/systemd/machines/logged
        start_berth -q -b -M logged -D "$TREE"
        for _ in {1..100}; do ctl status logged >/dev/null 2>&1 && break; sleep 0.05; done
        PATH=$work/bin:$PATH try ctl logs -n 7 logged
        local seen=$output
        try ctl stop --kill logged
        wait "$launcher" || true
        rmdir /run/systemd/machines/logged
        [ "$seen" = '<--no-pager><-M><logged><-n><7>' ] || fail "$seen"
}

@test "what is run beside a container has its words from us: the receiver of its journal, the agent" {
        cd "$work"
        traced "$BERTH" -q --forward-journal=-x.journal -D "$TREE" echo started
        if [ -x /usr/lib/systemd/systemd-journal-remote ]; then
                grep -q -- "\"--output=$work/-x.journal\"" "$work/trace"
        else
                refused systemd-journal-remote
        fi
        never grep -E 'execve.*(berth-agent|journal-remote).*"-x' "$work/trace"
}
