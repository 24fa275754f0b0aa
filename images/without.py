"""A lock without the packages that an image's base brings along: `python3 images/without.py 'torch|nvidia-.*' < lock > rest`."""

from __future__ import annotations

import re
import sys


def without(lock: str, held: str) -> str:
    """The lock less the entries (a line that begins with a name, and the indented ones below it) whose whole name matches `held`."""
    entries = re.split(r"^(?=\S)", lock, flags=re.MULTILINE)
    return "".join(each for each in entries if not held or not re.fullmatch(held, re.split(r"[\s=<>~!\[@;]", each, maxsplit=1)[0]))


if __name__ == "__main__":
    sys.stdout.write(without(sys.stdin.read(), sys.argv[1]))
