"""Workflows are what the forge takes, reach the cloud by identity alone, and apply what somebody else approved."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BUILT = ROOT / ".cache" / "tools" / "actionlint"
LINTER = shutil.which("actionlint") or (str(BUILT) if os.access(BUILT, os.X_OK) else None)


@pytest.mark.skipif(LINTER is None, reason="needs actionlint on PATH or .cache/tools/actionlint (make actionlint)")
@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_is_what_the_forge_takes(path: Path) -> None:
    assert LINTER is not None
    done = subprocess.run([LINTER, "-shellcheck=", "-pyflakes=", "-no-color", str(path)], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "")


def test_there_is_a_workflow_for_each_thing_that_ci_does() -> None:
    assert [path.stem for path in WORKFLOWS] == ["apply", "ci", "drift", "long", "plan"]


def test_the_apply_waits_for_the_environments_reviewers_and_takes_the_approved_digests() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/apply.yml").read_text())["jobs"]
    assert (jobs["apply"]["needs"], jobs["apply"]["environment"]) == ("judge", "${{ inputs.environment }}")
    assert jobs["apply"]["env"]["APPROVED"] == "${{ needs.judge.outputs.approved }}"
    assert [step["run"] for step in jobs["apply"]["steps"] if "falaj up" in str(step.get("run"))] == [
        '.venv/bin/falaj up --env "$ENVIRONMENT" ${APPROVER:+--approver "$APPROVER" $APPROVED}'
    ]


def test_the_nightly_look_puts_its_report_into_the_evidence_under_a_key_that_is_not_the_runs_own() -> None:
    steps = {step.get("name"): step for step in yaml.safe_load((ROOT / ".github/workflows/drift.yml").read_text())["jobs"]["drift"]["steps"]}
    names = list(steps)
    assert names.index("Whose signature it is") < names.index("Look") and 'falaj drift --env "$ENVIRONMENT" --infrastructure --deposit' in steps["Look"]["run"]
    done = subprocess.run(["bash", "-ec", steps["Whose signature it is"]["run"]], capture_output=True, text=True, env={"EVIDENCE_KEY": ""}, check=False)
    assert done.returncode == 2 and "secret FALAJ_EVIDENCE_KEY is missing" in done.stdout


def test_what_there_is_to_approve_is_printed_for_allowed_plans_only(tmp_path: Path) -> None:
    for stack, verdict in (("foundation", "allowed"), ("cluster", "allowed"), ("platform", "denied")):
        folder = tmp_path / "prod" / "stacks" / stack
        folder.mkdir(parents=True)
        (folder / "decision.json").write_text(json.dumps({"subject_digest": f"sha256:{stack}", "verdict": verdict}))
    command = [sys.executable, str(ROOT / "tools/approved.py"), "prod"]
    done = subprocess.run(command, capture_output=True, text=True, env={"FALAJ_HOME": str(tmp_path)}, check=False)
    assert (done.returncode, done.stdout.split()) == (3, ["foundation=sha256:foundation", "cluster=sha256:cluster"])
    assert done.stderr.splitlines()[0] == "platform: the gate said denied" and "workloads: no decision" in done.stderr


def test_every_hook_of_the_pre_commit_file_runs_something_that_exists() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    verbs = [hook["entry"].split()[1:3] for hook in hooks if "falaj" in hook["entry"]]
    assert sorted(verbs) == [["gate", "--env"], ["gate", "--repository"], ["policy", "docs"], ["policy", "test"]]
