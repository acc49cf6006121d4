# SPDX-License-Identifier: LGPL-2.1-or-later
#
# shellcheck disable=SC2034 # what one file sets, another reads
# What makes a host out of an OS tree: berth as a distribution would install it, and a unit that runs the tests and then
# ends the host with their status.

top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
build=${BERTH_BUILD:-$top/build}
trees=${BERTH_TREES:-$build/trees}

# root_install ROOT BY FILTER FILE...
root_install() {
        local root=$1 by=$2 filter=$3 berth
        shift 3
        DESTDIR=$(realpath -- "$root") meson install --no-rebuild --quiet -C "$build" >"$build/test-logs/host-install.log" 2>&1 ||
                { sed 's/^/# /' "$build/test-logs/host-install.log"; return 1; }
        berth=$(cd -- "$root" && find usr -path '*/bin/berth' -type f) || return 1
        [ -n "$berth" ] || return 1
        cp -- "$top/test/host/berth-test.service" "$root/etc/systemd/system/" &&
                mkdir -p "$root/etc/systemd/system/multi-user.target.wants" &&
                ln -sf ../berth-test.service "$root/etc/systemd/system/multi-user.target.wants/" || return 1
        {
                printf 'BERTH=/%s\n' "$berth"
                printf 'BERTH_HOST_BY=%s\n' "$by"
                printf 'BERTH_TEST_FILTER="%s"\n' "${filter//[\"\\]/}"
                printf 'BERTH_TEST_FILES="%s"\n' "$*"
                # For a program that was built to look at itself.
                printf 'STRICT=%s\n' "${STRICT:-0}"
        } >"$root/etc/berth-test.env"
        # A host has a name and an id of its own.
        printf 'testhost\n' >"$root/etc/hostname"
        # Nobody looks at a login prompt here, and each is a process more to wait for.
        ln -sf /dev/null "$root/etc/systemd/system/console-getty.service"
        ln -sf /dev/null "$root/etc/systemd/system/getty.target"
}
