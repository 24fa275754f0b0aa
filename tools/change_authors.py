"""Who wrote what a run applies: `python tools/change_authors.py OWNER/NAME COMMIT` prints their logins and e-mail addresses in one line.

Asked of GitHub: the author of the commit, and of every pull request that it came by whoever opened it and whoever wrote its commits. Of a merge
commit only its pull requests count: to merge is not to write. Exit 3 where nobody is found, or GitHub knows no account for an author, who could then
approve by a name that nobody can tell from another's. Standard library and `gh` only, so that it runs before anything is installed.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

_CO_AUTHOR = re.compile(r"^co-authored-by:.*<([^>]*)>\s*$", re.IGNORECASE | re.MULTILINE)
_HIDDEN = re.compile(r"^(?:\d+\+)?([^@]+)@users\.noreply\.github\.com$", re.IGNORECASE)
"""An address behind which GitHub hides another one: it holds the login."""


def main(repository: str, commit: str) -> int:
    """Print the names on stdout, what stands in the way on stderr."""
    names: set[str] = set()
    nameless: list[str] = []
    head = _asked(f"repos/{repository}/commits/{commit}")
    commits = [] if len(head["parents"]) > 1 else [head]
    for request in _asked(f"repos/{repository}/commits/{commit}/pulls"):
        names.add(request["user"]["login"])
        commits += _asked(f"repos/{repository}/pulls/{request['number']}/commits")
    for one in commits:
        if len(one["parents"]) > 1:
            continue
        address, login = one["commit"]["author"]["email"], (one["author"] or {}).get("login", "")
        addresses = [address, *_CO_AUTHOR.findall(one["commit"]["message"])]
        names.update([login, *addresses, *(found[1] for each in addresses if (found := _HIDDEN.match(each)))])
        if not login and not _HIDDEN.match(address):
            nameless.append(f"GitHub knows no account for {address}, who wrote {one['sha']}")
    if not names - {""}:
        nameless.append(f"nobody is known to have written {commit}")
    print("\n".join(nameless), file=sys.stderr, end="\n" if nameless else "")
    # One word each, in one line: a name may be anything, and nothing in it must become a line of its own.
    print(" ".join(sorted({"".join(name.split()) for name in names} - {""})))
    return 3 if nameless else 0


def _asked(path: str) -> Any:
    """What GitHub says, all pages of it."""
    said = subprocess.run(["gh", "api", "--paginate", path], stdout=subprocess.PIPE, check=True, text=True).stdout
    decoder, found, place = json.JSONDecoder(), [], 0
    while place < len(said.rstrip()):
        page, end = decoder.raw_decode(said, place)
        if isinstance(page, dict):
            return page
        found += page
        place = end + len(said[end:]) - len(said[end:].lstrip())
    return found


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) == 3 else "usage: change_authors.py OWNER/NAME COMMIT")
