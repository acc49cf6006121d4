#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Holds the completions against the program's table of options, by asking the shells themselves.
#
#   shell-completion/check.sh BERTH [DIRECTORY]
#
# DIRECTORY: where berth, _berth and berth.fish are; without it they are made from the templates and BERTH. A shell that
# is not installed is an error: set SHELLS="bash fish" to check fewer.

set -u
here=$(cd -- "$(dirname -- "$0")" && pwd) || exit 1
berth=$(realpath -- "${1:?usage: check.sh BERTH [DIRECTORY]}") || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf -- "$work"' EXIT
directory=${2:-$work}
failed=0

fail() {
    printf 'shell-completion: %s\n' "$*" >&2
    failed=1
}

# Two lists, one word a line: what the table says, and what the shell offers.
same() {
    local what=$1 difference
    difference=$(diff <(sort -u -- "$2") <(sort -u -- "$3")) && return
    fail "$what:"
    sed -n 's/^</  missing:/p; s/^>/  not in the table:/p' <<<"$difference" >&2
}

if [ $# -lt 2 ]; then
    python3 "$here/make.py" bash "$here/bash/berth.in" berth "$berth" >"$work/berth" &&
        python3 "$here/make.py" zsh "$here/zsh/_berth.in" berth "$berth" >"$work/_berth" &&
        python3 "$here/make.py" fish "$here/fish/berth.fish.in" berth "$berth" >"$work/berth.fish" || exit 1
fi

"$berth" --introspect-cli >"$work/table" || exit 1
jq -r '.[] | select(.hidden | not) | (.long // empty | "--" + .), (.short // empty | "-" + .)' <"$work/table" >"$work/options"
jq -r '.[] | select(.long == "console") | .values[]' <"$work/table" >"$work/console"
jq -r '.[] | select(.long == "capability") | .values[], "all"' <"$work/table" >"$work/capability"
for list in options console capability; do
    [ -s "$work/$list" ] || fail "the table has no $list"
done

# The reply of bash for a command line; its last word is the one to complete.
ask_bash() {
    bash --norc -c '
        compopt() { :; }
        source "$1"
        shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _berth
        printf "%s\n" "${COMPREPLY[@]}"' bash "$directory/berth" "$@"
}

check_bash() {
    bash -n "$directory/berth" || fail "bash: syntax"
    ask_bash berth - | sed 's/=$//' >"$work/bash"
    same "bash: options" "$work/options" "$work/bash"
    ask_bash berth --console = '' >"$work/bash"
    same "bash: --console=" "$work/console" "$work/bash"
    ask_bash berth --console=p | sort | tr '\n' ' ' >"$work/bash"
    [ "$(cat "$work/bash")" = "--console=passive --console=pipe " ] || fail "bash: --console=p gives $(cat "$work/bash")"
    ask_bash berth --boot -D /x --capability '' >"$work/bash"
    same "bash: --capability" "$work/capability" "$work/bash"
    ask_bash berth --capability = cap_chown,cap_sys_a | grep -qx cap_chown,cap_sys_admin || fail "bash: second of a list"
    ask_bash berth -qu ro | grep -qx root || fail "bash: -qu USER"
    ask_bash berth -D /x ls - | grep -q . && fail "bash: options of berth behind the command"
    [ "$(ask_bash berth --setenv = A = B --vers)" = --version ] || fail "bash: behind --setenv=A=B"
}

ask_zsh() {
    zsh -f -c '
        _arguments() { print -rl -- "$@" }
        source "$1"' zsh "$directory/_berth"
}

check_zsh() {
    local option
    zsh -n "$directory/_berth" || fail "zsh: syntax"
    ask_zsh | sed -n 's/^\*\(--\{0,1\}[A-Za-z0-9-]*[A-Za-z0-9]\).*/\1/p' >"$work/zsh"
    same "zsh: options" "$work/options" "$work/zsh"
    ask_zsh | sed -n 's/^\*--console=.*(\(.*\))$/\1/p' | tr ' ' '\n' >"$work/zsh"
    same "zsh: --console=" "$work/console" "$work/zsh"
    ask_zsh | sed -n 's/^\*--capability=.*_berth_list //p' | tr ' ' '\n' >"$work/zsh"
    same "zsh: --capability=" "$work/capability" "$work/zsh"
    # The real thing, as a user sees it.
    for option in '--con:--console' '--console=pi:pipe' '--capability=cap_chown,cap_sys_ad:cap_sys_admin'; do
        python3 "$here/zsh/ask.py" "$directory" "berth ${option%%:*}" | grep -q -- "${option#*:}" ||
            fail "zsh: ${option%%:*} is not completed"
    done
}

ask_fish() {
    fish --no-config -c 'source $argv[1]; complete -C $argv[2]' "$directory/berth.fish" "$1" | cut -f1
}

check_fish() {
    fish -n "$directory/berth.fish" || fail "fish: syntax"
    {
        ask_fish 'berth --'
        ask_fish 'berth -' | grep -x -- '-[A-Za-z]'
    } | sed 's/=$//' >"$work/fish"
    same "fish: options" "$work/options" "$work/fish"
    ask_fish 'berth --console=' | sed 's/.*=//' >"$work/fish"
    same "fish: --console=" "$work/console" "$work/fish"
    ask_fish 'berth --boot -D /x --capability ' >"$work/fish"
    same "fish: --capability" "$work/capability" "$work/fish"
    ask_fish 'berth --capability=cap_chown,cap_sys_a' | grep -q cap_chown,cap_sys_admin || fail "fish: second of a list"
    ask_fish 'berth -qu ro' | grep -qx root || fail "fish: -qu USER"
    ask_fish 'berth -D /x ls --ver' | grep -qx -- --verbose && fail "fish: options of berth behind the command"
}

for shell in ${SHELLS:-bash zsh fish}; do
    command -v "$shell" >/dev/null || {
        fail "$shell is not installed"
        continue
    }
    "check_$shell"
done
exit "$failed"
