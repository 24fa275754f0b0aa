"""Who is at the keyboard, as far as the machine knows: FALAJ_AUTHOR, else the e-mail that git would sign with, else the user's name."""

from __future__ import annotations

import getpass
import os
import subprocess

from falaj.home import ROOT


def author() -> str:
    """Never empty: `unknown` where nothing says who it is."""
    named = os.environ.get("FALAJ_AUTHOR", "").strip()
    return named or _of_git() or _of_system() or "unknown"


def names_of_author() -> frozenset[str]:
    """All that whoever made these plans may be called, in lower case; may be empty.

    Whoever is at the keyboard: what FALAJ_AUTHOR says alone, else what git and the system say. And who wrote the change that is planned: words of
    FALAJ_CHANGED_BY, and the author of the commit that is checked out.
    """
    named = os.environ.get("FALAJ_AUTHOR", "").strip()
    here = [named] if named else [_of_git(), _of_git("user.name"), _of_system()]
    found = [*here, *os.environ.get("FALAJ_CHANGED_BY", "").split(), *_of_change()]
    return frozenset(name.strip().casefold() for name in found if name.strip())


def _of_git(key: str = "user.email") -> str:
    return _git("config", key)


def _of_change() -> list[str]:
    """E-mail and name of who wrote the commit that is checked out; of a merge, of all whose commits it brought: to merge is not to write."""
    folder, form = str(ROOT), "--format=%ae%n%an"
    # The commit itself names its parents, also where they were not fetched.
    merge = _git("-C", folder, "cat-file", "commit", "HEAD").partition("\n\n")[0].count("\nparent ") > 1
    which = ("--no-merges", "HEAD^1..HEAD") if merge else ("-1",)
    return _git("-C", folder, "log", form, *which).splitlines()


def _git(*words: str) -> str:
    """What git says; nothing where it fails."""
    try:
        found = subprocess.run(["git", *words], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip() if found.returncode == 0 else ""


def _of_system() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""
