"""The DVC pipeline is the table of stages, and DVC runs it: what has not changed is not made again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from falaj.home import ROOT
from tests.workloads.small import own_rows, write_jsonl
from workloads import dvc
from workloads.stages import STAGES, reads, road


def test_the_pipeline_in_the_repository_is_that_of_the_table() -> None:
    assert (ROOT / "workloads" / "dvc.yaml").read_text() == dvc.text(), "run: .venv/bin/python tools/docs.py"


def test_every_step_reads_what_the_steps_before_it_make() -> None:
    stages = dvc.pipeline()["stages"]
    made = {name: stages[name]["outs"][0] for name in road()}
    assert tuple(stages) == road()
    assert {name: [made[other] for other in reads(name)] for name in road()} == {
        name: [dep for dep in stages[name]["deps"] if dep in made.values()] for name in road()
    }


def test_a_step_is_tried_again_as_often_as_its_job_is() -> None:
    stages = dvc.pipeline()["stages"]
    assert {each.name: f"--retries {each.retries} " in stages[each.name]["cmd"] for each in STAGES} == {each.name: True for each in STAGES}


def test_every_piece_of_code_that_a_step_names_is_there() -> None:
    named = {dep for stage in dvc.pipeline()["stages"].values() for dep in stage["deps"] if not dep.startswith(dvc.WORK)}
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


@pytest.mark.slow
def test_dvc_prepares_once_and_again_only_when_something_changed(tmp_path: Path) -> None:
    for name in ("workloads", "falaj"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "dvc.lock"))
    for name in ("policies", "infra"):
        os.symlink(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / ".dvc", tmp_path / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "config.local"))
    shutil.copyfile(ROOT / ".dvcignore", tmp_path / ".dvcignore")
    (tmp_path / ".dvc" / "config.local").write_text("[core]\n    no_scm = true\n")
    data = write_jsonl(tmp_path / "mine.jsonl", own_rows())
    path = tmp_path / "workloads" / "params.yaml"
    params: dict[str, Any] = {**yaml.safe_load(path.read_text()), "options": f"--data {data}"}
    path.write_text(yaml.safe_dump(params))

    def repro() -> str:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("FALAJ_", "PYTEST"))}
        environ |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(tmp_path), "DVC_NO_ANALYTICS": "1"}
        command = [sys.executable, "-m", "dvc", "repro", "workloads/dvc.yaml:prepare"]
        answer = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=240)
        assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-2000:]
        return answer.stdout

    assert "prepared 240 rows" in repro()
    assert "didn't change, skipping" in repro()
    path.write_text(yaml.safe_dump({**params, "tokens": {**params["tokens"], "fewest": 30}}))
    assert "Running stage 'workloads/dvc.yaml:prepare'" in repro()
    with (tmp_path / "workloads" / "data" / "card.py").open("a") as stream:
        stream.write("# changed\n")
    assert "Running stage 'workloads/dvc.yaml:prepare'" in repro()
