#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Holds the man page against the program's table of options.
#
#   man/check.sh BERTH [PAGE]

set -u
here=$(cd -- "$(dirname -- "$0")" && pwd) || exit 1
berth=${1:?usage: check.sh BERTH [PAGE]}
page=${2:-$here/berth.1.scd}
work=$(mktemp -d) || exit 1
trap 'rm -rf -- "$work"' EXIT
failed=0

fail() {
    printf 'man page: %s\n' "$*" >&2
    failed=1
}

# Two lists, one entry a line: what the program says, and what the page says.
same() {
    local what=$1 difference
    [ -s "$2" ] || fail "$what: the program has none"
    difference=$(diff <(sort -u -- "$2") <(sort -u -- "$3")) && return
    fail "$what:"
    sed -n 's/^</  missing:/p; s/^>/  wrong:/p' <<<"$difference" >&2
}

# Without formatting.
plain() {
    sed 's/\\\(.\)/\1/g; s/[*_]//g'
}

"$berth" --introspect-cli >"$work/table" && [ -s "$page" ] || exit 1
sed '/^## Not supported/,$d' "$page" >"$work/supported"
sed -n '/^## Not supported/,/^# /p' "$page" >"$work/later"

# "-D, --directory=PATH [Section, Key=]", for what works.
jq -r '.[] | select(.supported and (.hidden | not))
        | ([if .short then "-" + .short else empty end, if .long then "--" + .long else empty end] | join(", "))
        + {"none": "", "required": "=\(.metavar)", "optional": "[=\(.metavar)]"}[.argument]
        + if .key then " [\(.section), \(.key | sub("Limit.*"; "LimitNOFILE"))=]" else "" end' <"$work/table" >"$work/want"
grep '^\*-' "$work/supported" | plain | sed 's/ and so on\]$/]/' >"$work/have"
same "options" "$work/want" "$work/have"

# Which options are known but do not work.
jq -r '.[] | select(.supported or .hidden | not) | if .long then "--" + .long else "-" + .short end' <"$work/table" >"$work/want"
jq -r '.[] | select((.supported or .hidden | not) and .long and .short) | "-" + .short' <"$work/table" >>"$work/want"
grep '^\*-' "$work/later" | plain | grep -oE -- '(^|[ ;,])-{1,2}[A-Za-z][A-Za-z-]*' | tr -d ' ;,' >"$work/have"
same "options that are not supported" "$work/want" "$work/have"

# Flags that take =BOOL.
jq -r '.[] | select(.undo and .supported) | "--" + .long' <"$work/table" >"$work/want"
grep 'take =_BOOL_ too' "$page" | plain | sed 's/.*The flags//; s/take =.*//' | grep -oE -- '--[a-z0-9-]+' >"$work/have"
same "flags that can be undone" "$work/want" "$work/have"

# What a file beside the tree may say. Parameters= has no option.
jq -r '.[] | select(.untrusted and .key) | .key' <"$work/table" >"$work/want"
echo Parameters >>"$work/want"
grep '^Boot=, ' "$page" | grep -oE '[A-Za-z]+=' | tr -d = >"$work/have"
same "keys that need no trust" "$work/want" "$work/have"

# Values that are words of their own.
for option in console resolv-conf timezone api-vfs; do
    jq -r ".[] | select(.long == \"$option\") | .values[]" <"$work/table" >"$work/want"
    awk -v "head=--$option=" 'index($0, head) && /^\*-/ { on = 1; next } /^\*-|^#/ { on = 0 } on' "$page" |
        grep -oE '\*[a-z-]+\*' | tr -d '*' >"$work/have"
    sort -u "$work/want" | comm -23 - <(sort -u "$work/have") >"$work/missing"
    [ ! -s "$work/missing" ] || fail "--$option=: values missing: $(tr '\n' ' ' <"$work/missing")"
done

# Variables: those whose names are in the program.
grep -aoE '\bSYSTEMD_(NSPAWN_[A-Z_]+|SECCOMP|SUPPRESS_SYNC)' "$berth" >"$work/want"
grep -oE '\$SYSTEMD_[A-Z_]+' "$page" | tr -d '$' >"$work/have"
same "variables" "$work/want" "$work/have"

# No option that there is not.
jq -r '.[] | .long // empty' <"$work/table" | sort -u >"$work/want"
grep -oE -- '--[a-z][a-z0-9-]+' "$page" | sed 's/^--//' | sort -u | comm -13 "$work/want" - >"$work/unknown"
[ ! -s "$work/unknown" ] || fail "no such options: $(tr '\n' ' ' <"$work/unknown")"
exit "$failed"
