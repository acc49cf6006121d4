# SPDX-License-Identifier: LGPL-2.1-or-later
#
# shellcheck disable=SC2034,SC2154 # what one file sets, another reads
# For the behaviour tests: where things are, how to run the launcher, how to compare. Loaded by each file of test/sys.

bats_require_minimum_version 1.5.0

# shellcheck source=test/lib/guard.bash
source "$(dirname -- "${BASH_SOURCE[0]}")/guard.bash"

top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
build=${BERTH_BUILD:-$top/build}
trees=${BERTH_TREES:-$build/trees}
BERTH=${BERTH:-$build/src/berth}
BERTHCTL=${BERTHCTL:-$build/src/berthctl}
helpers=$build/test/lib
PTY=$helpers/pty
OUTSIDE=$helpers/outside

common_setup() {
        exec </dev/null
        unset TMPDIR LISTEN_FDS LISTEN_PID NOTIFY_SOCKET
        export TERM=vt220
        [ -n "${BERTH_TEST_REAPER-}" ] || fail "run the tests by test/run: it gives them a place of their own"
        work=$BATS_TEST_TMPDIR
        TREE=$trees/busybox
        guard_tree=$TREE
        STRICT=$work/strict/systemd-nspawn
        mkdir "$work/strict"
        ln -s -- "$BERTH" "$STRICT"
        guard_begin
}

setup() {
        common_setup
}

# Trees are large: they go at once, but never through a mount.
teardown() {
        local bad=0
        [ -z "${open_place-}" ] || rm -rf --one-file-system -- "$open_place"
        guard_end || bad=1
        find "$work" -xdev -mindepth 1 -maxdepth 1 -exec rm -rf --one-file-system -- {} +
        return $bad
}

fail() {
        printf '%s\n' "$@" >&2
        return 1
}

# The tree called $1, made by test/run before the tests start.
need_tree() {
        TREE=$trees/$1
        [ -e "$trees/.$1.stamp" ] || fail "the tree $1 is missing: test/run makes it"
}

# A copy of the tree that may be written to: its path is in $TREE.
fresh_tree() {
        local from=$trees/${1:-busybox}
        TREE=$work/${2:-tree}
        cp -a --reflink=auto -- "$from" "$TREE"
}

# An empty root that only holds the test's own program: $TREE/inside.
static_tree() {
        TREE=$work/${1:-static}
        mkdir -p "$TREE"
        cp -- "$helpers/inside" "$TREE/inside"
}

# A directory that every user can reach, with copies of these files and trees: the build may lie below one that only root
# can enter. It is $open_place.
make_open_place() {
        open_place=$(mktemp -d /tmp/open.XXXXXX)
        chmod 0755 "$open_place"
        cp -a --reflink=auto -- "$@" "$open_place/"
}

# A command in a mount namespace of its own: what it changes below the directory $1 of the host is gone with it.
with_own() {
        unshare -m --propagation private sh -c '
                at=$1/own$(echo "$2" | tr / -)
                mkdir -p "$at" && mount -t tmpfs tmpfs "$at" && mkdir "$at/upper" "$at/work" &&
                        mount -t overlay overlay -o "lowerdir=$2,upperdir=$at/upper,workdir=$at/work" "$2" || exit 99
                shift 2
                exec "$@"' sh "$work" "$@"
}

# A command as a user without rights.
as_nobody() {
        try setpriv --reuid 65534 --regid 65534 --clear-groups timeout --foreground 20 "$@"
}

# Runs a command: its status, what it wrote to stdout and to stderr. Never fails itself.
try() {
        status=0
        "$@" >"$work/.stdout" 2>"$work/.stderr" || status=$?
        output=$(tr -d '\0' <"$work/.stdout")
        errors=$(<"$work/.stderr")
}

# The launcher, which must end within $limit seconds.
berth() {
        timeout --foreground -k 5 "${limit:-20}" "$BERTH" "$@"
}

# The second program, which must end within $limit seconds.
ctl() {
        timeout --foreground -k 5 "${limit:-20}" "$BERTHCTL" "$@"
}

# Called by the other name: $STRICT. There the files that a start generates go into the tree by default; a test of
# something else leaves them out.
strict() {
        timeout --foreground -k 5 "${limit:-20}" "$STRICT" --resolv-conf=off --timezone=off "$@"
}

# A command that makes control groups beside itself, as systemd-nspawn does.
in_own_cgroup() {
        local group
        group=$(findmnt -n -o TARGET -t cgroup2 | head -1)/berth-test.$$
        mkdir "$group"
        try bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' - "$group" "$@"
        find "$group" -depth -type d -exec rmdir {} +
        rm -rf /run/systemd/nspawn/propagate
}

# A program in the tree, with the options of the array $opts.
in_tree() {
        try berth -q "${opts[@]}" -D "$TREE" "$@"
}

strict_in_tree() {
        try strict -q "${opts[@]}" -D "$TREE" "$@"
}

# On a terminal: steps of test/lib/pty.c, then -- and the launcher's words. The terminal's report is in $report.
on_terminal() {
        rm -f -- "$work/report"
        try "$PTY" -t "${limit:-20}" -r "$work/report" "$@"
        report=$(cat -- "$work/report" 2>/dev/null) || report=
}

# What was printed without carriage returns and escape sequences, which shells put around their prompts.
plain_output() {
        output=$(sed -E 's/\x1b(\[[0-9;?!]*[a-zA-Z]|\][^\x07\x1b]*(\x07|\x1b\\)|[P_^][^\x1b]*\x1b\\|[()].|[=>78cDEHM])//g; s/\r//g' <<<"$output")
}

# Starts the launcher in the background; $launcher is its process. The output is in $work/out and $work/err.
start_berth() {
        : >"$work/out"
        # A shell lets what it starts in the background ignore two signals, and what is ignored is not ours to take.
        env --default-signal=INT,QUIT "$BERTH" "$@" >"$work/out" 2>"$work/err" 3>&- </dev/null &
        launcher=$!
}

# Waits until the file holds the text.
await() {
        local file=$1 text=$2 try
        for try in {1..200}; do
                grep -qF -- "$text" "$file" 2>/dev/null && return 0
                sleep 0.05
        done
        fail "'$text' did not come:" "$(cat -- "$file" 2>/dev/null)" "$(cat -- "$work/err" 2>/dev/null)"
}

# The launcher's end: its status.
await_end() {
        local try
        for try in {1..200}; do
                kill -0 "$launcher" 2>/dev/null || break
                sleep 0.05
        done
        if kill -0 "$launcher" 2>/dev/null; then
                fail "the launcher does not end"
                return 1
        fi
        status=0
        wait "$launcher" || status=$?
        output=$(<"$work/out")
        errors=$(<"$work/err")
}

# Ends a launcher of start_berth and waits for it; keeps what try found out. The second TERM kills the payload.
# shellcheck disable=SC2120 # the tests pass it
stop_berth() {
        local pid=${1:-$launcher}
        kill "$pid" 2>/dev/null || return 0
        sleep 0.1
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
}

show() {
        printf 'status: %s\n' "${status-}"
        printf 'stdout: %s\n' "${output-}"
        printf 'stderr: %s\n' "${errors-}"
}

# A command that must fail. (A plain "! command" in the middle of a test is not looked at.)
never() {
        if "$@"; then
                fail "should not succeed: $*"
        fi
}

status_is() {
        [ "$status" = "$1" ] || fail "the status should be $1" "$(show)"
}

output_is() {
        [ "$output" = "$1" ] || fail "stdout should be exactly: $1" "$(show)"
}

output_has() {
        [[ $output == *"$1"* ]] || fail "stdout should hold: $1" "$(show)"
}

output_lacks() {
        [[ $output != *"$1"* ]] || fail "stdout should not hold: $1" "$(show)"
}

output_matches() {
        grep -qE -- "$1" <<<"$output" || fail "a line of stdout should match: $1" "$(show)"
}

line_is() {
        grep -qxF -- "$1" <<<"$output" || fail "stdout should have the line: $1" "$(show)"
}

errors_is() {
        [ "$errors" = "$1" ] || fail "stderr should be exactly: $1" "$(show)"
}

errors_has() {
        [[ $errors == *"$1"* ]] || fail "stderr should hold: $1" "$(show)"
}

errors_lacks() {
        [[ $errors != *"$1"* ]] || fail "stderr should not hold: $1" "$(show)"
}

# A refusal: status 1, nothing on stdout, one line (and at most one hint) that names the thing.
refused() {
        status_is 1 && output_is "" || return 1
        [ -n "$errors" ] || fail "a refusal must say why" "$(show)" || return 1
        [ "$(wc -l <<<"$errors")" -le 2 ] || fail "a refusal is one line and a hint" "$(show)" || return 1
        never env LC_ALL=C grep -q '[[:cntrl:]]' <<<"$errors" || fail "a message holds control characters" "$(show)" || return 1
        [ $# = 0 ] || errors_has "$1"
}

# The process that is PID 1 of a container, by the launcher's number: the one in another PID namespace below it.
leader_of() {
        local ours pid try
        ours=$(readlink /proc/self/ns/pid)
        # A list of children may lack one while another ends (proc_tid_children(5)), as the builder does.
        for try in {1..20}; do
                for pid in $(descendants "$1"); do
                        [ "$(readlink "/proc/$pid/ns/pid" 2>/dev/null)" != "$ours" ] && [ -e "/proc/$pid" ] &&
                                [ "$(awk '/^NSpid:/ { print $NF }' "/proc/$pid/status" 2>/dev/null)" = 1 ] && {
                                printf '%s\n' "$pid"
                                return 0
                        }
                done
                sleep 0.05
        done
        return 1
}

# The id map of a container as the host sees it: started with these words and a payload that stays. Sets $output to
# "INSIDE OUTSIDE COUNT". Inside, a map is shown relative to the namespace above, which may be one of the launcher's making.
map_of() {
        start_berth -q "$@" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up || return 1
        output=$(tr -s ' ' <"/proc/$(leader_of "$launcher")/uid_map" | sed 's/^ //')
        gid_output=$(tr -s ' ' <"/proc/$(leader_of "$launcher")/gid_map" | sed 's/^ //')
        stop_berth
}

descendants() {
        local child
        for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do
                printf '%s\n' "$child"
                descendants "$child"
        done
}

# Kernel release at least $1, as 6.3.
kernel_is() {
        [ "$(printf '%s\n' "$1" "$(uname -r)" | sort -V | head -n 1)" = "$1" ]
}

# The reply of bash for a command line of berthctl; its last word is the one to complete.
complete_bash() {
        PATH=${BERTHCTL%/*}:$PATH bash --norc -c '
                compopt() { :; }
                source "$1"
                shift
                COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
                _berthctl
                printf "%s\n" "${COMPREPLY[@]}"' bash "$BERTH_BUILD/shell-completion/berthctl" "$@"
}
