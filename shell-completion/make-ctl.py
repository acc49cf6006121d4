#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes berthctl's completion from a template and from the table of verbs, as `berthctl --introspect-cli` prints it.

usage: make-ctl.py SHELL TEMPLATE BERTHCTL...

SHELL is bash, zsh or fish; BERTHCTL the program, with words in front where it needs them. Writes to standard output.
"""

import json
import re
import subprocess
import sys


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def quote_fish(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def spellings(option):
    return ([f"-{option['short']}"] if option["short"] else []) + [f"--{option['long']}"]


def completer(option):
    """The function that completes the option's value, without its prefix, and its words."""
    values = option["values"] or ""
    if match := re.fullmatch(r"<([a-z]+)>", values):
        return match[1], []
    return ("words", values.split()) if values else ("nothing", [])


def bash(verbs):
    options, values, takes, words = [], [], [], []
    for v in verbs:
        name = v["verb"]
        listed = [f"--{o['long']}" + ("=" if o["metavar"] else "") for o in v["options"]]
        listed += [f"-{o['short']}" for o in v["options"] if o["short"]] + ["--help"]
        options.append(f"    {name}) _berthctl_words {' '.join(listed)} ;;")
        words.append(f"    {name}) echo {v['words']} ;;")
        for o in v["options"]:
            if not o["metavar"]:
                continue
            takes += [f"{name}:{s}" for s in spellings(o)]
            kind, list_ = completer(o)
            pattern = " | ".join(f"{name}:{s}" for s in spellings(o))
            values.append(f"    {pattern}) _berthctl_{kind}{''.join(' ' + quote(w) for w in list_)} ;;")
    return {
        "VERBS": " ".join(v["verb"] for v in verbs),
        "OPTIONS": "\n".join(options),
        "VALUES": "\n".join(values),
        "TAKES_WORD": " | ".join(takes) or "''",
        "WORDS": "\n".join(words),
    }


def zsh_spec(option):
    text = option["help"]
    for character in "\\[]:":
        text = text.replace(character, "\\" + character)
    kind, words = completer(option)
    action = f"({' '.join(words)})" if kind == "words" else f"_berthctl_{kind}"
    for spelling in spellings(option):
        if not option["metavar"]:
            yield quote(f"*{spelling}[{text}]")
        else:
            sign = "=" if spelling.startswith("--") else "+"
            metavar = option["metavar"].replace(":", "\\:").lower()
            yield quote(f"*{spelling}{sign}[{text}]:{metavar}:{action}")


ZSH_WORDS = {
    "none": [],
    "name": ["1:container:_berthctl_names"],
    "names": ["*:container:_berthctl_names"],
    "name-command": ["1:container:_berthctl_names", "*:: :_normal"],
    "name-paths": ["1:container:_berthctl_names", "*:path:_files"],
    "copy": ["*:path:_berthctl_copy"],
    "verb": ["1:verb:_berthctl_verbs"],
}


def zsh(verbs):
    described, cases = [], []
    for v in verbs:
        described.append("        " + quote(v["verb"] + ":" + v["help"].replace(":", "\\:")))
        specs = [s for o in v["options"] for s in zsh_spec(o)]
        specs += [quote(w) for w in ZSH_WORDS[v["words"]]]
        flags = "-s -S -A '-*'" if v["words"] == "name-command" else "-s -S"
        cases.append(f"    {v['verb']})\n        _arguments {flags} : '(- *)'{{-h,--help}}'[Show help]' \\\n            "
                     + " \\\n            ".join(specs or ["':: :'"]) + "\n        ;;")
    return {"VERBS": "\n".join(described), "CASES": "\n".join(cases)}


FISH_WORDS = {
    "none": None,
    "name": "(__berthctl_names)",
    "names": "(__berthctl_names)",
    "name-command": "(__berthctl_name_command)",
    "name-paths": "(__berthctl_name_paths)",
    "copy": "(__berthctl_copy)",
    "verb": "(__berthctl_verbs)",
}


def fish(verbs):
    lines = []
    for v in verbs:
        name = v["verb"]
        lines.append(f"complete -c berthctl -n __berthctl_needs_verb -f -a {name} -d {quote_fish(v['help'])}")
        words = FISH_WORDS[v["words"]]
        if words:
            lines.append(f"complete -c berthctl -n '__berthctl_in {name}' -f -a {quote_fish(words)}")
        lines.append(f"complete -c berthctl -n '__berthctl_in {name}' -f -s h -l help -d 'Show help'")
        for o in v["options"]:
            line = f"complete -c berthctl -n '__berthctl_in {name}'"
            line += f" -s {o['short']}" if o["short"] else ""
            line += f" -l {o['long']}"
            line += " -r" if o["metavar"] else ""
            kind, list_ = completer(o)
            if kind != "files":
                line += " -f"
            if kind == "words":
                line += " -a " + quote_fish(" ".join(list_))
            elif kind not in ("nothing", "files"):
                line += " -a " + quote_fish(f"(__berthctl_{kind})")
            lines.append(line + " -d " + quote_fish(o["help"]))
    return {"VERBS": " ".join(v["verb"] for v in verbs), "COMPLETE": "\n".join(lines)}


def main(arguments):
    shell, template, *berthctl = arguments
    verbs = json.loads(subprocess.run([*berthctl, "--introspect-cli"], check=True, stdout=subprocess.PIPE).stdout)
    values = {"bash": bash, "zsh": zsh, "fish": fish}[shell](verbs)
    with open(template, encoding="utf-8") as file:
        text = file.read()
    sys.stdout.write(re.sub(r"@([A-Z_]+)@", lambda mark: values[mark[1]], text))


if __name__ == "__main__":
    main(sys.argv[1:])
