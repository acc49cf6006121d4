#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# On a host that is a container with a user namespace: it has 65536 ids, and no second range to give away.

load ../lib/common
load common

@test "one line says that root inside is root outside" {
        try berth -D "$TREE" --resolv-conf=off true
        status_is 0
        errors_has "root inside is root outside: berth itself runs in a user namespace"
}

@test "a range of ids that was asked for is refused" {
        try berth -D "$TREE" --private-users=pick true
        refused "user namespace"
}
