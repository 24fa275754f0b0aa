"""Which code made an artifact."""

from __future__ import annotations

import os
import subprocess

from falaj.home import ROOT


def commit() -> str:
    """The commit this code stands at, with `+changes` where files differ from it; `unknown` outside of a checkout.

    FALAJ_COMMIT says it inside of an image, where there is no checkout.
    """
    told = os.environ.get("FALAJ_COMMIT")
    if told:
        return told
    try:
        head = _git("rev-parse", "HEAD")
        return head + ("+changes" if _git("status", "--porcelain", "--", "workloads", "falaj") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
