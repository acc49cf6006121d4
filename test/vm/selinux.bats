#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Labels where SELinux runs: in a machine of its own, with the policy of the distribution, in which nothing is denied.

load ../lib/common
load ../host/common

label=system_u:system_r:initrc_t:s0
files=system_u:object_r:tmpfs_t:s0:c1,c2
limit=60

@test "this machine runs SELinux" {
        [ "$(</sys/fs/selinux/enforce)" = 0 ]
        [[ $(tr -d '\0' </proc/self/attr/current) == system_u:* ]]
}

@test "--selinux-context: the payload has the label, with ids of its own or not, below the stub init too" {
        local ids way
        for ids in no pick; do
                for way in -- -a; do
                        opts=("--private-users=$ids" "--selinux-context=$label")
                        [ $way = -- ] || opts+=("$way")
                        in_tree sh -c 'tr -d "\0" </proc/self/attr/current; echo'
                        status_is 0
                        output_is "$label"
                done
        done
        opts=(-Z "$label")
        in_tree sh -c 'tr -d "\0" </proc/self/attr/current; echo'
        output_is "$label"
}

@test "without it the payload has the label of its caller" {
        in_tree sh -c 'tr -d "\0" </proc/self/attr/current; echo'
        status_is 0
        output_is "$(tr -d '\0' </proc/self/attr/current)"
}

@test "--selinux-apifs-context: what berth makes in memory has the label, and no more" {
        local ids
        for ids in no pick; do
                opts=("--private-users=$ids" "--selinux-apifs-context=$files")
                in_tree sh -c 'grep -E " (/tmp|/run|/dev|/dev/shm|/dev/pts) " /proc/self/mountinfo | grep -cF "$1"
                        grep -F "$1" /proc/self/mountinfo | grep -cE " - (proc|sysfs|ext4) "' sh "context=\"$files\""
                line_is 5
                line_is 0
        done
}

@test "a program in a running container has the label of its payload" {
        start_berth -q -M m1 --selinux-context="$label" -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        try berthctl exec -T m1 sh -c 'tr -d "\0" </proc/self/attr/current; echo'
        stop_berth
        status_is 0
        output_is "$label"
}

@test "a label that the policy does not know is refused by name" {
        local ids
        for ids in no pick; do
                opts=("--private-users=$ids" --selinux-context=no:such:label:s0)
                in_tree true
                refused "no:such:label:s0"
                opts=("--private-users=$ids" --selinux-apifs-context=no:such:label:s0)
                in_tree true
                refused "no:such:label:s0"
        done
}
