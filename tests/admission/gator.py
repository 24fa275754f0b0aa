"""Gatekeeper's own command line, asked about objects."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from falaj.home import ROOT
from tests.admission.objects import key

GATOR = ROOT / ".cache" / "tools" / "gator"
CRDS = ROOT / ".cache" / "tools" / "gatekeeper-crds.yaml"
MISSING = "needs gator under .cache/tools (make admission)"


def is_built() -> bool:
    return os.access(GATOR, os.X_OK) and CRDS.is_file()


def definitions(*kinds: str) -> list[dict[str, Any]]:
    """The CustomResourceDefinitions of these kinds, as Gatekeeper brings them."""
    return [each for each in yaml.safe_load_all(CRDS.read_text()) if each and each["spec"]["names"]["kind"] in kinds]


def ask(built: Path, rule: str, objects: Sequence[dict[str, Any]], scratch: Path) -> dict[str, list[str]]:
    """Object's key -> the reasons of one rule's constraint against it. Objects are each other's inventory."""
    name = rule.replace("_", "-")
    (scratch / "objects.yaml").write_text("---\n".join(yaml.safe_dump(one) for one in objects))
    files = [built / "templates" / f"{name}.yaml", built / "constraints" / f"{name}.yaml", scratch / "objects.yaml"]
    command = [str(GATOR), "test", "--output", "json", *(f"--filename={path}" for path in files)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1) and done.stdout, done.stderr
    found: dict[str, list[str]] = {key(one): [] for one in objects}
    for violation in json.loads(done.stdout) or []:
        found[key(violation["violatingObject"])].append(violation["msg"].removeprefix(f"{rule}: "))
    return {subject: sorted(reasons) for subject, reasons in found.items()}
