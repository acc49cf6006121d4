#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# options.sh BERTH: compare what BERTH --introspect-cli says with options.tsv, names and kinds of arguments. Prints what
# differs, as diff does, and fails if anything does. Options of berth's own are left aside.

set -euo pipefail
here=$(cd -- "$(dirname -- "$0")" && pwd)

ours() {
        "$1" --introspect-cli | python3 -c '
import json, sys
for row in json.load(sys.stdin):
    if not row["own"]:
        names = ["-" + row["short"]] if row["short"] else []
        names += ["--" + row["long"]] if row["long"] else []
        print(",".join(names), row["argument"], sep="\t")'
}

diff -u --label "systemd-nspawn 262" --label "$1" <(grep -v '^#' "$here/options.tsv" | sort) <(ours "$1" | sort)
