#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes a completion from a template and from the table of options, as `berth --introspect-cli` prints it.

usage: make.py SHELL TEMPLATE NAMES BERTH...

SHELL is bash, zsh or fish; NAMES the names of the command, separated by commas; BERTH the program, with words in
front where it needs them. Writes to standard output. What completes the value of an option follows from its row: the
values that =help lists, plain words of its grammar, and its metavar (COMPLETERS).
"""

import json
import re
import subprocess
import sys

# By long name, then by metavar. What is in neither has the words of its row, or nothing.
COMPLETERS = {
    "directory": "directories",
    "template": "directories",
    "oci-bundle": "directories",
    "mstack": "directories",
    "chdir": None,  # a path inside
    "inaccessible": None,
    "machine": "machines",
    "bind-user": "users",
}
METAVARS = {
    "PATH": "files",
    "FILE|DIR": "files",
    "PATH[:PATH[:OPTIONS]]": "files",
    "PATH[:PATH...]:PATH": "files",
    "BOOL|PATH": "files",
    "SIG": "files",
    "USER": "users",
    "GROUP": "groups",
    "INTERFACE": "interfaces",
    "HOSTIF[:CONTAINERIF]": "interfaces",
    "CAP": "list",
    "NAME=LIMIT": "assignment",
    # Their grammar is told in words that are no values.
    "NAME": None,
    "BYTES": None,
}
WORDS = {"personality": ["x86", "x86-64", "arm", "arm64"]}
BOOLEANS = {"BOOL", "BOOLEAN"}


class Option:
    def __init__(self, row):
        self.short, self.long, self.argument = row["short"], row["long"], row["argument"]
        self.metavar = row["metavar"] or ""
        self.help = row["help"] + ("" if row["supported"] else " (not supported yet)")
        self.undo = row["undo"]
        self.takes_word = self.argument == "required"
        name = self.long or ""
        kind = COMPLETERS[name] if name in COMPLETERS else METAVARS.get(self.metavar)
        self.words = WORDS.get(name) or row["values"] + [w for w in plain_words(row["allowed"]) if w not in row["values"]]
        if self.metavar in METAVARS and not kind:
            self.words = []
        if (self.undo or self.metavar in BOOLEANS) and not self.words:
            self.words = ["yes", "no"]
        if self.argument == "none" and not self.undo:
            self.words = []
        self.kind = kind or ("words" if self.words else None)

    def spellings(self):
        return ([f"-{self.short}"] if self.short else []) + ([f"--{self.long}"] if self.long else [])


def plain_words(allowed):
    """'yes, no, an absolute path' has two: what is one lower-case word between commas."""
    parts = (part.strip() for part in re.sub(r"{.*}", "", allowed or "").split(","))
    return [part for part in parts if re.fullmatch(r"[a-z][a-z0-9-]*", part)]


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def quote_fish(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def by_completer(options):
    """Options that complete alike, in the order of the table: [(spellings, kind, words)]."""
    groups = {}
    for o in options:
        if o.kind:
            groups.setdefault((o.kind, tuple(o.words)), []).extend(o.spellings())
    return [(names, kind, words) for (kind, words), names in groups.items()]


def bash(options):
    long_names = []
    for o in options:
        if o.long:
            long_names.append(f"--{o.long}" + ("=" if o.takes_word else ""))
    cases = []
    for names, kind, words in by_completer(options):
        arguments = "".join(f" {quote(w)}" for w in words)
        cases.append(f"        {' | '.join(names)}) _berth_{kind}{arguments} ;;")
    return {
        "OPTIONS": " ".join(long_names + [f"-{o.short}" for o in options if o.short]),
        "TAKES_WORD": " | ".join(s for o in options if o.takes_word for s in o.spellings()),
        "TAKES_REST": "".join(o.short for o in options if o.short and o.takes_word),
        "VALUES": "\n".join(cases),
    }


def zsh(options):
    specs = []
    for o in options:
        text = o.help
        for character in "\\[]:":
            text = text.replace(character, "\\" + character)
        action = ""
        if o.kind == "words":
            action = "(" + " ".join(o.words) + ")"
        elif o.kind in ("list", "assignment"):
            action = f"_berth_{o.kind} " + " ".join(o.words)
        elif o.kind:
            action = f"_berth_{o.kind}"
        # "-D+": the value is in the same word or the next; "--x=-": in the same; "::": it may be left out.
        for dash, name in (("-", o.short), ("--", o.long)):
            if not name:
                continue
            spec = f"*{dash}{name}"
            metavar = o.metavar.replace(":", "\\:").lower() or "boolean"
            if o.argument == "required":
                spec += ("=" if dash == "--" else "+") + f"[{text}]:{metavar}:{action or ' '}"
            elif dash == "--" and (o.argument == "optional" or o.undo):
                spec += f"=-[{text}]::{metavar}:{action or ' '}"
            else:
                spec += f"[{text}]"
            specs.append("        " + quote(spec))
    return {"SPECS": " \\\n".join(specs)}


def fish(options):
    lines = []
    for o in options:
        line = "complete -c @COMMAND@ -n __berth_in_options"
        line += f" -s {o.short}" if o.short else ""
        line += f" -l {o.long}" if o.long else ""
        line += " -r" if o.takes_word else ""
        if o.kind != "files":
            line += " -f"
        if o.kind == "words":
            line += " -a " + quote_fish(" ".join(o.words))
        elif o.kind in ("list", "assignment"):
            line += " -a " + quote_fish(f"(__berth_{o.kind} {' '.join(o.words)})")
        elif o.kind and o.kind != "files":
            line += " -a " + quote_fish(f"(__berth_{o.kind})")
        elif o.words:
            line += " -a " + quote_fish(" ".join(o.words))
        lines.append(line + " -d " + quote_fish(o.help))
    return {
        "TAKES_WORD": " ".join(s for o in options if o.takes_word for s in o.spellings()),
        "TAKES_REST": "".join(o.short for o in options if o.short and o.takes_word),
        "COMPLETE": "\n".join(lines),
    }


def main(arguments):
    shell, template, names, *berth = arguments
    table = json.loads(subprocess.run([*berth, "--introspect-cli"], check=True, stdout=subprocess.PIPE).stdout)
    options = [Option(row) for row in table if not row["hidden"]]
    values = {"bash": bash, "zsh": zsh, "fish": fish}[shell](options)
    values["NAMES"] = names.replace(",", " ")
    values["COMMAND"] = names.split(",", maxsplit=1)[0]
    with open(template, encoding="utf-8") as file:
        text = file.read()
    for _ in range(2):  # values may have marks too
        text = re.sub(r"@([A-Z_]+)@", lambda mark: values[mark[1]], text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
