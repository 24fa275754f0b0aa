"""Training in small over several ranks: real processes under torch's launcher, gloo between them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from workloads.training.launch import Nodes, launch

TOLERANCE = 2e-4
"""Nats that losses may differ by: sums are taken in another order, and eight steps of a large rate carry it on."""


def ranks(jobs: list[dict[str, Any]], folder: Path, monkeypatch: pytest.MonkeyPatch, *, number: int = 2, restarts: int = 0) -> list[dict[str, Any]]:
    """What the jobs came to, each done by `number` ranks."""
    for name in ("OMP_NUM_THREADS", "GLIBC_TUNABLES"):
        monkeypatch.setenv(name, "1" if name == "OMP_NUM_THREADS" else "glibc.malloc.hugetlb=1")
    file = folder / "jobs.json"
    file.write_text(json.dumps([{**job, "out": str(folder / f"{place}.json")} for place, job in enumerate(jobs)]))
    launch([sys.executable, "-m", "tests.workloads.training.little", str(file)], ranks=number, nodes=Nodes(), run=folder.name, restarts=restarts)
    return [json.loads((folder / f"{place}.json").read_text()) for place in range(len(jobs))]


def job(base: Path, folder: Path, **recipe: Any) -> dict[str, Any]:
    return {"base": str(base), "folder": str(folder), "recipe": recipe}


def sizes(folder: Path) -> list[int]:
    """How many ranks there were at each start of the first job whose results go to `folder`."""
    file = folder / "0.sizes"
    return [int(line) for line in file.read_text().split()] if file.exists() else []
