"""What `tools/image.sh` writes about a build: `python -m tools.image_provenance begin` before it, and `end NAME OUT BEGUN [buildah's arguments]` after it.

`begin` prints the commit, what of the checkout differs from it, and the moment; `end` looks again, so that a change while it was built is a change too, and
leaves OUT/NAME.provenance.json. Standard library only: a machine that builds images has Python, and need not have Falaj installed.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from falaj.errors import FalajError, Fault, UsageError
from infra.pipeline.build_provenance import Run, Source, builder_of, repository_uri, statement

ROOT = Path(__file__).resolve().parents[1]
ENTERS = ("falaj", "workloads", "images", "requirements", ".dockerignore", "tools/image.sh")
"""What an image can be made of; a change elsewhere in the checkout changes no image."""


def begin() -> dict[str, Any]:
    """The checkout and the moment, before a build."""
    changed = [line[3:] for line in _git("status", "--porcelain", "--untracked-files=all", "--no-renames", "--", *ENTERS).splitlines()]
    return {"commit": _git("rev-parse", "HEAD"), "changed": changed, "at": _now()}


def end(name: str, out: Path, begun: str, arguments: list[str]) -> Path:
    """Write what was built beside it. Raises UsageError where `begun` is nothing that `begin` said."""
    try:
        before = json.loads(begun)
        commit, changed, at = before["commit"], set(before["changed"]), before["at"]
    except (ValueError, KeyError, TypeError) as problem:
        raise UsageError("this build has no beginning", given=begun, allowed="what `begin` printed", next="sh tools/image.sh") from problem
    after = begin()
    changed |= set(after["changed"])
    if after["commit"] != commit:
        changed.add(f"{after['commit']} was checked out while it was built")
    builder, invocation = builder_of(os.environ)
    bill = out / f"{name}.cdx.json"
    made = statement(
        f"falaj-{name}",
        (out / f"{name}.digest").read_text().strip(),
        dockerfile=(ROOT / "images" / f"{name}.Dockerfile").read_text(),
        arguments=arguments,
        source=Source(_repository(), commit, tuple(sorted(changed))),
        run=Run(builder, invocation or f"urn:uuid:{uuid.uuid4()}", at, after["at"]),
        bill=f"sha256:{hashlib.sha256(bill.read_bytes()).hexdigest()}" if bill.is_file() else "",
    )
    path = out / f"{name}.provenance.json"
    path.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n")
    return path


def _repository() -> str:
    """Of a job of GitHub the repository that it says, else that of the remote called origin."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return f"git+{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{os.environ.get('GITHUB_REPOSITORY', '')}"
    try:
        return repository_uri(_git("config", "--get", "remote.origin.url"))
    except Fault:
        return ""


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Fault("git does not say what is built", given=f"git {' '.join(arguments)}", why=done.stderr.strip(), next="build from a checkout")
    return done.stdout.rstrip()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


if __name__ == "__main__":
    try:
        if sys.argv[1:2] == ["begin"]:
            print(json.dumps(begin()))
        else:
            print(f"image: how it was built: {end(sys.argv[2], Path(sys.argv[3]), sys.argv[4], sys.argv[5:])}", file=sys.stderr)
    except FalajError as problem:
        print(f"image: {problem}", file=sys.stderr)
        sys.exit(int(problem.exit_code))
