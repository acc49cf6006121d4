# SPDX-License-Identifier: LGPL-2.1-or-later
#
# shellcheck disable=SC2034,SC2154 # what one file sets, another reads
# The tiers of test/run: each function prints the TAP of one. They run in a process of their own (test/run --tier=NAME),
# with $top, $build, $filter, $every and the functions of test/run.

tier_lint() {
        "$top/test/lint/run" "$filter"
}

tier_unit() {
        "$top/test/lib/meson-tap" "$build" unit "$filter"
}

tier_plan() {
        "$top/test/lib/meson-tap" "$build" plan "$filter"
}

tier_fuzz() {
        "$top/test/lib/meson-tap" "$build" fuzz "$filter"
}

one_test() {
        local name=$1 text
        shift
        if text=$("$@" 2>&1); then
                printf 'ok 1 - %s\n1..1\n' "$name"
        else
                printf 'not ok 1 - %s\n' "$name"
                printf '# %s\n' "${text//$'\n'/$'\n'# }"
                printf '1..1\n'
        fi
}

tier_build-gcc() {
        CC=gcc one_test "builds with gcc and -Werror" build_into "$build/gcc" "${warnings[@]}"
}

tier_build-clang() {
        CC=clang one_test "builds with clang and -Werror" build_into "$build/clang" "${warnings[@]}"
}

# The tests that need no root once more, under the sanitizers. One TAP stream out of up to four.
tier_sanitize() {
        local suite dir=$build/sanitize
        export ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:print_stacktrace=1
        {
                one_test "builds with the address and undefined behaviour sanitizers" \
                        build_into "$dir" -Db_sanitize=address,undefined -Db_lundef=false
                for suite in unit plan fuzz; do
                        if has_tier "$suite"; then "$top/test/lib/meson-tap" "$dir" "$suite" "$filter"; fi
                done
        } | awk '
                /^(not )?ok/ { n++; sub(/ok [0-9]*/, "ok " n); print; next }
                /^1\.\.0/ { bad = 1; next }
                /^1\.\./ { sub(/1\.\./, ""); plans += $1; next }
                { print }
                END { if (bad || plans != n) print "Bail out! a suite broke off"; print "1.." n }'
}

# Behaviour tests, of a directory or of one file of it, in a place of their own, so that what they leave can be told from
# what others do.
run_bats() {
        local args=() files=("$top/test/$1/"*.bats) tree status=0
        [ -d "$top/test/$1" ] || files=("$top/test/$1.bats")
        [ -z "$filter" ] || args+=(--filter "$filter")
        if [ "$(id -u)" != 0 ]; then
                echo "1..0 # SKIP needs root"
                return
        fi
        # shellcheck disable=SC2046 # one word for each tree
        for tree in $(sed -n 's/^.*\(need\|booted\)_tree \([a-z][a-z]*\).*/\2/p' "${files[@]}" | sort -u) busybox static; do
                "$top/test/lib/trees" "$tree" >/dev/null || echo "# the tree $tree could not be made"
        done
        # What a broken test leaves mounted is gone with the mount namespace of isolate: only then is anything removed.
        rm -rf --one-file-system -- "$build/tmp"
        mkdir -p "$build/tmp"
        TMPDIR=$build/tmp "$build/test/lib/isolate" --dirs --cgroup --keep="$build" --keep="$top" --keep="$BERTH_TREES" -- \
                bats --no-tempdir-cleanup --formatter tap "${args[@]}" "${files[@]}" || status=$?
        rm -rf --one-file-system -- "$build/tmp"
        return $status
}

# The tests of test/host, on a host of this suite, or made in this way. host-tools only looks whether berth starts at all on
# a host that it has not booted itself, host-users what is left of it where a user namespace is in the way.
run_host() {
        local args=(--limit=$(($(limit_of "$1") - 120))) files=()
        case ${1%%/*} in
        host-bookworm) args+=(--suite=bookworm) ;;
        host-sid) args+=(--suite=sid) ;;
        host-tools) args+=(--by=tools) files=(first.bats) ;;
        host-users) args+=(--by=users) files=(nested.bats users.bats) ;;
        esac
        [ "$1" = "${1#*/}" ] || files=("${1#*/}.bats")
        "$top/test/host/run" "${args[@]}" --filter="$filter" "${files[@]}"
}

run_vm() {
        local args=(--limit=$(($(limit_of "$1") - 300)))
        case ${1%%/*} in vm-sid) args+=(--suite=sid) ;; esac
        [ "$1" = "${1#*/}" ] || args+=("vm/${1#*/}.bats")
        "$top/test/vm/run" "${args[@]}" --filter="$filter"
}

tier_probe() {
        "$top/test/probe/run"
}

tier_faults() {
        "$top/test/faults/run" --every="$every" --offset=$(($(date +%s) / 86400 % every))
}

# Prints its table to stderr, so that it is seen, and one line of TAP for each measurement that could be made.
tier_perf() {
        "$top/test/perf/run"
}
