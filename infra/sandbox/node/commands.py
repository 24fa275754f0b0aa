"""Programs of this machine that set up what a node needs of it."""

from __future__ import annotations

import subprocess

from falaj.errors import Fault


def do(what: str, *words: str, there: tuple[str, ...] = ()) -> None:
    """Run `words`, behind `there` where that is given. Raises Fault, with `what` cannot be done, when they end badly."""
    done = subprocess.run([*there, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise Fault(what, given=" ".join(words), why=done.stderr.strip(), next="see docs/clusters.md for what a machine must allow")
