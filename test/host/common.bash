# SPDX-License-Identifier: LGPL-2.1-or-later
#
# shellcheck disable=SC2034,SC2154 # what one file sets, another reads
# For the tests on a host with systemd. Loaded after the common part: what it says replaces what is there.

machines=/var/lib/machines

# Of trees only their names: a failed test would list every file.
guard_places=(/tmp /var/tmp /dev/shm /run /run/berth /run/systemd/nspawn /run/systemd/nspawn-uid)
# Services of the host come and go as they like.
guard_foreign+='|^file /(var/)?tmp/systemd-private-|^file /run/(machine-id|credentials|dbus|initctl|host)'
# Directories that systemd-nspawn makes once for all its containers.
guard_foreign+='|^file /run/systemd/nspawn/(propagate|unix-export) d '
guard_ignore='^mount \d+:\d+ \S+ /run/credentials/|^mount .* - autofs '

guard_cgroups() {
        find /sys/fs/cgroup/machine.slice "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)" -mindepth 1 -type d -printf 'cgroup %p\n' 2>/dev/null ||
                true
}

# What the service managers keep of containers.
guard_more() {
        machinectl list --no-legend --no-pager | sed 's/^/machine /'
        systemctl list-units --all --plain --no-legend --no-pager 'berth*' 'machine-*' 'systemd-nspawn*' '*.scope' | sed 's/  */ /g; s/^/unit /'
        systemctl --failed --plain --no-legend --no-pager | sed 's/^/failed /'
        find $machines -mindepth 1 -maxdepth 1 -printf 'file %p %y\n'
        find /run/systemd/system -lname /dev/null -printf 'masked %f\n' 2>/dev/null
        find /run/systemd/machines -mindepth 1 -printf 'file %p %y\n' 2>/dev/null || true
}

# A test that failed must not fail the next one: this host is there for nothing else.
guard_sweep_more() {
        local unit
        systemctl kill --signal=CONT dbus.service systemd-machined.service 2>/dev/null || true
        for unit in $(systemctl list-units --all --plain --no-legend --no-pager 'berth@*' 'systemd-nspawn@*' 'berth-kept*' | cut -d' ' -f1) $(supervisors); do
                systemctl kill --signal=KILL "$unit" 2>/dev/null || true
                systemctl stop "$unit" 2>/dev/null || true
        done
        systemctl unmask --runtime -q systemd-machined.service
        systemctl reset-failed 2>/dev/null || true
        rm -rf --one-file-system -- "${machines:?}"/*
}

# As quiet as it can be, and nothing written to the tree.
nspawn() {
        timeout --foreground -k 5 "${limit:-20}" systemd-nspawn -q --resolv-conf=off --timezone=off --link-journal=no "$@"
}

# One of those in the background: $launcher.
start_nspawn() {
        start_other systemd-nspawn -q --resolv-conf=off --timezone=off --link-journal=no "$@"
}

# Started like start_berth, but with any command: $launcher.
start_other() {
        : >"$work/out"
        env --default-signal=INT,QUIT "$@" >"$work/out" 2>"$work/err" 3>&- </dev/null &
        launcher=$!
}

# A copy of a tree that may be booted, $TREE. The host's own device nodes are made by no container, so it has none.
host_tree() {
        need_tree "${1:-trixie}"
        TREE=$machines/${2:-$1}
        mkdir -p "$TREE"
        tar -C "$trees/$1" --exclude=./dev/\* -c . | tar -C "$TREE" -x
}

# The manager has been asked when berth ends, and does it at once; who asks by another way than the bus may be quicker.
await_no_scope() {
        await_true eval "! systemctl is-active -q $1.scope"
        await_true test ! -e "/sys/fs/cgroup/machine.slice/$1.scope"
}

# Which systemd the host has: 257 and the like.
systemd_version() {
        systemctl --version | sed -n '1s/^systemd \([0-9]*\).*/\1/p'
}

# Until a command succeeds.
await_true() {
        for _ in {1..300}; do
                "$@" >/dev/null 2>&1 && return 0
                sleep 0.1
        done
        fail "does not come true: $*"
}

# Until a command prints this.
await_value() {
        local want=$1 value=
        for _ in {1..300}; do
                value=$("${@:2}" 2>/dev/null) && [ "$value" = "$want" ] && return 0
                sleep 0.1
        done
        fail "${*:2}: $value, and not $want"
}

# Units of supervisors, and not of tests.
supervisors() {
        systemctl list-units --all --plain --no-legend --no-pager 'berth-*' | cut -d' ' -f1 | grep -vE '^berth-(test|kept)' || true
}

await_no_supervisor() {
        await_value "" supervisors
}

# The service that is the supervisor of $1 becomes active.
await_supervisor() {
        await_value active systemctl is-active "berth-$1.service"
}

# The scope of the supervisor of $1, once it is there.
own_scope() {
        await_true eval '[ "$(systemctl list-units --plain --no-legend --no-pager "berth-'"$1"'-*.scope" | wc -l)" = 1 ]' || return 1
        own=$(systemctl list-units --plain --no-legend --no-pager "berth-$1-*.scope" | cut -d' ' -f1)
}
