#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What zsh shows when somebody types a line and presses Tab.

usage: ask.py DIRECTORY LINE

DIRECTORY holds the completion functions. Prints the terminal's text after that.
"""

import os
import pty
import select
import sys
import time


def read_for(fd, seconds, until=None):
    text, end = b"", time.monotonic() + seconds
    while time.monotonic() < end and (until is None or until not in text):
        if select.select([fd], [], [], 0.1)[0]:
            try:
                part = os.read(fd, 65536)
            except OSError:
                break
            text += part
            if until is None:
                end = min(end, time.monotonic() + 1)
    return text


def main(directory, line):
    child, fd = pty.fork()
    if child == 0:
        os.environ["TERM"] = "dumb"
        os.execvp("zsh", ["zsh", "-f", "-i"])
    setup = f"PS1=; fpath=({directory} $fpath); autoload -Uz compinit; compinit -u -D; zstyle ':completion:*' list-colors; print rea''dy\n"
    os.write(fd, setup.encode())
    read_for(fd, 20, b"ready")
    read_for(fd, 1)
    os.write(fd, line.encode() + b"\t")
    sys.stdout.write(read_for(fd, 10).decode(errors="replace"))
    os.close(fd)
    os.waitpid(child, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
