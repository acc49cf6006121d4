#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# --private-users=managed beside the host's own systemd-nsresourced.

load ../lib/common
load common

socket=/run/systemd/io.systemd.NamespaceResource

stop_service() {
        systemctl stop systemd-nsresourced.socket systemd-nsresourced.service
        rm -f $socket /run/varlink/registry/io.systemd.NamespaceResource
}

# systemd 256 brought it.
@test "the host's systemd-nsresourced is known for what it is, and missed where it is not" {
        local has=no
        if systemctl cat systemd-nsresourced.socket >/dev/null 2>&1; then
                has=yes
                stop_service
        fi
        try berth -q -D "$TREE" --private-users=managed true
        refused "systemd-nsresourced is not there (no $socket)"
        [ $has = yes ] || return 0
        systemctl start systemd-nsresourced.socket
        limit=60
        try berth -q -D "$TREE" --private-users=managed id -u
        stop_service
        # Whether it can do it is the kernel's to say: test/vm has one on which it does.
        if [ "$(systemd_version)" -lt 260 ]; then
                refused "systemd-nsresourced is of a systemd before 260"
        elif [ "$status" = 0 ]; then
                output_is 0
        else
                refused "systemd-nsresourced lends no ids to busybox"
        fi
        if [ "$status" != 0 ]; then
                errors_has "--private-users=pick"
        fi
}
