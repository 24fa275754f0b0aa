"""The nine steps of docs/training.md, from data to retraining: its own commands, in order, on a small model."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from falaj.home import ROOT
from infra.cli.drift import to_arabic
from tests.conftest import free_block
from tests.workloads.small import write_jsonl
from workloads.data import debian
from workloads.data.rows import Quarantine

SMALL = {"RECIPE": "smoke", "TRIALS": "2"}
"""What stands here for the settings at the head of the section."""
NINE = ["Data", "Validate", "Prepare, tokens", "Train", "Tune", "Compress", "Evaluate, gate", "Register, serve", "Drift, retraining"]


def steps() -> Iterator[tuple[str, list[str]]]:
    """Each step of the section with its blocks of commands; the first one is what comes before the steps."""
    section = (ROOT / "docs" / "training.md").read_text().split("## From data to retraining\n")[1].split("\n## ")[0]
    for part in re.split(r"(?m)^\*\*\d\. ", "Before.** " + section):
        name, _, text = part.partition(".**")
        blocks = re.findall(r"(?m)(?:^    .*\n(?:\n(?=    ))?)+", text + "\n")
        yield name, [re.sub(r"(?m)^    ", "", block) for block in blocks]


def tickets(number: int, start: int = 0) -> list[dict[str, str]]:
    """Rows of a task that the small model half knows: which section a package is in."""
    packages, _ = debian.from_sample(Quarantine())
    rows = debian.rows(packages, most={"train": 6000, "validation": 0, "test": 0}, quarantine=Quarantine())
    clear = [row for row in rows if row.task == "section" and row.target in ("perl", "ruby") and row.target in row.source.lower()]
    return [{"id": row.id, "task": row.task, "source": row.source, "target": row.target, "group": row.group} for row in clear[start : start + number]]


class Person:
    """Somebody with a shell, a home of their own and the page open."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        (folder / "bin" / "falaj").write_text(f'#!/bin/sh\nexec {sys.executable} -m infra.cli.main "$@"\n')
        (folder / "bin" / "falaj").chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FALAJ_"))}
        own = {"FALAJ_HOME": str(folder / "home"), "FALAJ_PORT_BASE": str(free_block()), "PYTHONPATH": str(ROOT)}
        self.environ = {**kept, **own, **SMALL, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}

    def types(self, block: str, code: int = 0) -> str:
        """What is printed. A block ends with `code`."""
        answer = subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=self.folder, env=self.environ, capture_output=True, text=True, timeout=900)
        assert answer.returncode == code, f"{block}\nexit {answer.returncode}\n{answer.stdout[-3000:]}\n{answer.stderr[-4000:]}"
        return answer.stdout


def test_the_page_has_nine_steps_and_sets_what_this_test_sets_otherwise() -> None:
    (_, (settings, _)), *rest = steps()
    assert set(re.findall(r"(\w+)=", settings)) == {*SMALL, "FALAJ_BASE_MODEL"}
    assert [name for name, _ in rest] == NINE and all(blocks for _, blocks in rest)


@pytest.mark.slow
def test_its_commands_lead_from_data_to_a_retrained_release(tmp_path: Path) -> None:
    person, page = Person(tmp_path), dict(steps())
    said: dict[str, str] = {}
    try:
        person.types(page["Before"][1])
        write_jsonl(tmp_path / "tickets.jsonl", tickets(260))
        for name in NINE[:-1]:
            said[name] = "".join(person.types(block) for block in page[name])
        released = json.loads(person.types("falaj status --json"))
        model = next(part for part in released["parts"] if part["part"] == "model")
        # Time passes: customers write another language, and there are more rows.
        for _ in range(4):
            body = json.dumps({"texts": [to_arabic(row["source"]) for row in tickets(16, 300)]}).encode()
            urllib.request.urlopen(urllib.request.Request(model["address"] + "/generate", data=body, headers={"Content-Type": "application/json"}), timeout=120)
        write_jsonl(tmp_path / "tickets.jsonl", tickets(300))
        drift, retrain = page[NINE[-1]]
        person.types(drift, code=5)
        retrained = person.types(retrain)
    finally:
        person.types("falaj down --env local --purge")
    assert "260 rows, 260 of them new" in said["Data"] and re.search("used +260", said["Validate"])
    for name, waits in (("Prepare, tokens", "train"), ("Train", "compress"), ("Compress", "evaluate"), ("Evaluate, gate", "register")):
        assert re.search(rf"{waits} +waiting", said[name]), name
    assert re.search(r"study first-\w+: \d done", said["Tune"]) and '"outputs"' in said["Register, serve"]
    first = model["state"].removeprefix("serving ")
    assert first.startswith("first-") and re.search(r"release +road-", retrained) and first not in retrained
