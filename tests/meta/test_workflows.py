"""Workflows are what the forge takes, reach the cloud by identity alone, and apply what somebody else approved."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.cli.drill import SECOND_PLACE

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


def _jobs(workflow: str) -> dict[str, Any]:
    return yaml.safe_load((ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text())["jobs"]


@pytest.mark.parametrize(("workflow", "job", "environment"), [("apply", "judge", "inputs"), ("apply", "apply", "inputs"), ("drift", "drift", "matrix")])
def test_what_reaches_a_cluster_runs_where_the_repository_says(workflow: str, job: str, environment: str) -> None:
    wanted = f"${{{{ vars[format('FALAJ_RUNNER_{{0}}', {environment}.environment)] || 'ubuntu-24.04' }}}}"
    assert _jobs(workflow)[job]["runs-on"] == wanted
    assert "`FALAJ_RUNNER_<ENV>`" in (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")


def test_nothing_is_applied_to_prod_before_its_state_has_a_second_place(tmp_path: Path) -> None:
    steps = {step.get("name"): step for step in _jobs("apply")["apply"]["steps"]}
    names = list(steps)
    asked, applies = "Where the state is kept a second time", "Apply the approved plans, and no others"
    assert names.index(asked) < names.index(applies)
    assert (steps[asked]["env"], steps[applies]["env"]) == (
        {"SECOND_PLACE": "${{ vars.FALAJ_SECOND_PLACE }}"},
        {SECOND_PLACE: "${{ vars.FALAJ_SECOND_PLACE }}"},
    )

    def said(environment: str, place: str) -> tuple[int, str]:
        told = {"ENVIRONMENT": environment, "SECOND_PLACE": place}
        done = subprocess.run(["bash", "-ec", steps[asked]["run"]], capture_output=True, text=True, env=told, check=False)
        return done.returncode, done.stdout.partition("FALAJ_SECOND_PLACE ")[2][:15]

    assert said("prod", "") == (2, "is missing: the")
    assert said("prod", "s3://copies") == said("dev", "s3://copies") == (2, "names no folder")
    assert [said("prod", str(tmp_path)), said("dev", "")] == [(0, "")] * 2


def test_tests_on_the_pulumi_cli_run_once_a_week_on_the_cli_that_applies() -> None:
    def cli(job: dict[str, Any]) -> list[Any]:
        return [(step["uses"], step["with"]) for step in job["steps"] if step.get("uses", "").startswith("pulumi/actions@")]

    long = _jobs("long")["test"]
    runs = [step.get("run") for step in long["steps"]]
    assert ".venv/bin/python -m pytest -m pulumi" in runs and cli(long) == cli(_jobs("apply")["apply"]) == cli(_jobs("drift")["drift"]) != []


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
