"""Who is at the keyboard, as far as the machine knows: FALAJ_AUTHOR, else the e-mail that git would sign with, else the user's name."""

from __future__ import annotations

import getpass
import os
import subprocess


def author() -> str:
    """Never empty: `unknown` where nothing says who it is."""
    named = os.environ.get("FALAJ_AUTHOR", "").strip()
    return named or _of_git() or _of_system() or "unknown"


def names_of_author() -> frozenset[str]:
    """All that whoever is at the keyboard may be called, in lower case: what FALAJ_AUTHOR says alone, else what git and the system say. May be empty."""
    named = os.environ.get("FALAJ_AUTHOR", "").strip()
    found = [named] if named else [_of_git(), _of_git("user.name"), _of_system()]
    return frozenset(name.strip().casefold() for name in found if name.strip())


def _of_git(key: str = "user.email") -> str:
    try:
        found = subprocess.run(["git", "config", key], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip()


def _of_system() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
