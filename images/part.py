"""A part of a lock: the packages whose name matches OF, less those whose name matches LESS.

python3 images/part.py OF [LESS] < lock > part      # python3 images/part.py '.*' 'torch|nvidia-.*'
"""

from __future__ import annotations

import re
import sys


def part(lock: str, of: str, less: str = "") -> str:
    """The entries (a line that begins with a name, and the indented ones below it) whose whole name matches `of` and does not match `less`."""
    entries = re.split(r"^(?=\S)", lock, flags=re.MULTILINE)
    names = [re.split(r"[\s=<>~!\[@;]", each, maxsplit=1)[0] for each in entries]
    return "".join(each for each, name in zip(entries, names, strict=True) if re.fullmatch(of, name) and not re.fullmatch(less, name))


if __name__ == "__main__":
    sys.stdout.write(part(sys.stdin.read(), *sys.argv[1:]))
