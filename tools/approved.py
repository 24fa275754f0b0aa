"""What there is to approve: `python tools/approved.py ENVIRONMENT` prints `STACK=DIGEST` of every allowed plan, for `falaj up --approved`.

Exit 3 when a stack has no decision, or one that does not allow. Standard library only, so that it runs before anything is installed.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

STACKS = ("foundation", "cluster", "platform", "workloads")


def main(environment: str) -> int:
    """Print the digests on stdout, what stands in the way on stderr."""
    home = Path(os.environ.get("FALAJ_HOME") or ".falaj")
    wrong = []
    for stack in STACKS:
        path = home / environment / "stacks" / stack / "decision.json"
        try:
            decision = json.loads(path.read_text(encoding="utf-8"))
            digest, verdict = str(decision["subject_digest"]), str(decision["verdict"])
        except (OSError, ValueError, KeyError, TypeError):
            wrong.append(f"{stack}: no decision in {path}")
            continue
        if verdict == "allowed":
            print(f"{stack}={digest}")
        else:
            wrong.append(f"{stack}: the gate said {verdict}")
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    return 3 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else "usage: approved.py ENVIRONMENT")
