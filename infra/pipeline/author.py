"""Who is at the keyboard, as far as the machine knows: FALAJ_AUTHOR, else the e-mail that git would sign with, else the user's name."""

from __future__ import annotations

import getpass
import os
import subprocess


def author() -> str:
    """Never empty: `unknown` where nothing says who it is."""
    named = os.environ.get("FALAJ_AUTHOR", "").strip()
    return named or _of_git() or _of_system() or "unknown"


def _of_git() -> str:
    try:
        found = subprocess.run(["git", "config", "user.email"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()


def _of_system() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
