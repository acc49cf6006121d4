#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# How fast berth is on a host with systemd, as ratios measured in one run. A test fails where something could not be
# measured, never by a time; whether a figure is met is printed. Only on request.

load ../lib/common
load common

# A tree of its own for each test.
own_tree() {
        limit=300
        meter=$BERTH_BUILD/test/perf/meter
        fresh_tree busybox speed
}

# measure ROUNDS WORDS...: medians in microseconds, ${median[NAME]}; with pauses of $pause milliseconds.
measure() {
        local rounds=$1 name low middle high cpu failed
        declare -gA median=()
        while IFS=$'\t' read -r name low middle high cpu failed; do
                [ "$failed" = 0 ] || fail "$name: $failed of $rounds runs failed" "$(tail -n 3 "$work/meter.log")" || return 1
                median[$name]=$middle
                printf '# %-44s %9.2f ms\n' "$name" "$(awk "BEGIN { print $middle / 1000 }")" >&3
        done < <(METER_STDERR=1 "$meter" -n "$rounds" -p "${pause:-0}" -- "${@:2}" 2>"$work/meter.log")
        [ ${#median[@]} -gt 0 ]
}

# goal NAME VALUE SIGN LIMIT
goal() {
        local met='NOT MET'
        if awk -v v="$2" -v s="$3" -v l="$4" 'BEGIN { exit !(s == "<=" ? v <= l : v >= l) }'; then met=met; fi
        printf '# %-56s %9s   %s %s  %s\n' "$1" "$2" "$3" "$4" "$met" >&3
}

quotient() {
        awk "BEGIN { printf \"%.3f\", ($1) / ($2) }"
}

# Microseconds that a command takes.
duration() {
        local start=${EPOCHREALTIME/./}
        "$@" || return 1
        printf '%s\n' $((${EPOCHREALTIME/./} - start))
}

@test "a start that is registered, from its beginning to its end" {
        own_tree
        local pause how
        # In a loop each of them finds the kernel ready to move a process between cgroups, by who came before it, or
        # waits for that: the median falls on the one or the other. By itself each waits.
        for pause in 0 300; do
                how="in a loop"
                [ "$pause" = 0 ] || how="pauses of $pause ms"
                measure 40 berth "$BERTH" -q -D "$TREE" -P true --- \
                        unregistered "$BERTH" -q --register=no --keep-unit -D "$TREE" -P true --- \
                        scope systemd-run -q --scope true --- \
                        nspawn systemd-nspawn -q --pipe --link-journal=no -D "$TREE" true
                goal "registered / systemd-nspawn, $how" "$(quotient "${median[berth]}" "${median[nspawn]}")" '<=' 0.2
                goal "registered / (manager + unregistered), $how" \
                        "$(quotient "${median[berth]}" "${median[scope]} + ${median[unregistered]}")" '<=' 1.2
        done
}

@test "berthctl exec, over a program that is started here" {
        own_tree
        start_berth -q -M speed -D "$TREE" sh -c 'echo up; exec sleep 1000'
        await "$work/out" up
        measure 100 exec "$BERTHCTL" exec -T speed true --- plain "$TREE/bin/busybox" true
        stop_berth
        goal "exec - plain, ms" "$(awk "BEGIN { printf \"%.2f\", (${median[exec]} - ${median[plain]}) / 1000 }")" '<=' 3
}

in_turn() {
        local i
        for ((i = 0; i < $1; i++)); do
                "${@:2}" </dev/null >/dev/null || return 1
        done
}

# Each with a name of its own.
at_once() {
        local i pids=() bad=0
        for ((i = 0; i < $1; i++)); do
                "${@:2}" -M "speed-$i" true </dev/null >/dev/null 2>>"$work/once.log" 3>&- &
                pids+=($!)
        done
        for i in "${pids[@]}"; do
                wait "$i" || bad=1
        done
        return $bad
}

@test "200 containers, one after the other and at once" {
        own_tree
        local ours theirs
        ours=$(duration in_turn 200 "$BERTH" -q -D "$TREE" -P true)
        theirs=$(duration in_turn 40 systemd-nspawn -q --pipe --link-journal=no -D "$TREE" true)
        goal "rate, one after the other / systemd-nspawn" "$(quotient "$theirs / 40" "$ours / 200")" '>=' 4
        ours=$(duration at_once 200 "$BERTH" -q --read-only -P -D "$TREE")
        theirs=$(duration at_once 40 systemd-nspawn -q --read-only --pipe --link-journal=no -D "$TREE")
        goal "rate, at once / systemd-nspawn" "$(quotient "$theirs / 40" "$ours / 200")" '>=' 4
}

@test "berthctl list of 200 machines" {
        own_tree
        local i pids=()
        for ((i = 0; i < 200; i++)); do
                "$BERTH" -q --read-only -M "speed-$i" -D "$TREE" -P sleep 1000 </dev/null >/dev/null 3>&- &
                pids+=($!)
        done
        await_value 200 eval '"$BERTHCTL" list --no-legend | wc -l'
        measure 20 list "$BERTHCTL" list --no-legend
        kill "${pids[@]}"
        sleep 1
        kill "${pids[@]}" 2>/dev/null || true
        wait "${pids[@]}" || true
        goal "list of 200, ms" "$(awk "BEGIN { print ${median[list]} / 1000 }")" '<=' 20
}
