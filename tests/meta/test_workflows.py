"""Workflows are what the forge takes, reach the cloud by identity alone, and apply what somebody else approved."""

from __future__ import annotations

import json
import os
import re
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


GH_RULES = """#!/usr/bin/env python3
import sys
assert sys.argv[1:] == ["api", "repos/your-organisation/falaj/rules/branches/main?per_page=100"], sys.argv
print('[{"type": "deletion"}]')
"""


def test_what_main_asks_of_a_change_is_written_down_every_night_in_the_evidence_of_each_environment(tmp_path: Path) -> None:
    job = _jobs("drift")["branches"]
    assert job["permissions"] == {"contents": "read", "id-token": "write"} and job["strategy"]["matrix"] == {"environment": ["dev", "staging", "prod"]}
    steps = {step.get("name"): step for step in job["steps"]}
    assert list(steps).index("Whose signature it is") < list(steps).index("Ask the forge")
    unsigned = subprocess.run(["bash", "-ec", steps["Whose signature it is"]["run"]], capture_output=True, text=True, env={"EVIDENCE_KEY": ""}, check=False)
    assert unsigned.returncode == 2 and "secret FALAJ_EVIDENCE_KEY is missing" in unsigned.stdout

    (tmp_path / "gh").write_text(GH_RULES)
    (tmp_path / "gh").chmod(0o755)
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    told = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GITHUB_REPOSITORY": "your-organisation/falaj", "GITHUB_RUN_ID": "9", "ENVIRONMENT": "prod"}
    told |= {"FALAJ_HOME": ".falaj"}
    asked = steps["Ask the forge"]["run"]
    # Without the bucket: tests/cli/test_evidence_branches.py puts one there.
    done = subprocess.run(["bash", "-ec", asked.replace(" --deposit", "")], capture_output=True, text=True, env=told, check=False, cwd=tmp_path)
    assert done.returncode == 0 and " --deposit" in asked, done.stderr
    (document,) = [json.loads(path.read_text()) for path in tmp_path.glob(".falaj/prod/documents/branch_protection-*.json")]
    assert (document["environment"], document["by"], document["facts"]["branches"][0]["deletion"]) == ("prod", "run 9", False)


def test_the_checks_that_a_branch_must_ask_for_are_those_of_workflows_that_run_on_every_pull_request() -> None:
    given = []
    for workflow, job in (("ci", "test"), ("plan", "gate")):
        # YAML reads the word `on` as true.
        events = yaml.safe_load((ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text())[True]
        assert "pull_request" in events and not events["pull_request"], "a check that does not start is waited for without end"
        named = _jobs(workflow)[job]
        assert "name" not in named and "if" not in named
        environments = named.get("strategy", {}).get("matrix", {}).get("environment", [])
        given += [f"{job} ({each})" for each in environments] or [job]
    assert json.loads((ROOT / "policies/data/common.json").read_text())["branches"]["checks"] == given


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


HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]}
JUDGED = {
    "stacks/cluster/__main__.py": {"falaj-repository", "falaj-gate"},
    "infra/components/keys.py": {"falaj-gate"},
    "workloads/stages.py": {"falaj-gate"},
    "falaj/quantity.py": {"falaj-gate"},
    "policies/plan/key_rotated/key_rotated.rego": {"falaj-policy", "falaj-docs", "falaj-repository", "falaj-gate"},
    "policies/data/prod.json": {"falaj-policy", "falaj-docs", "falaj-repository", "falaj-gate"},
    "docs/policies/plan.md": {"falaj-docs", "falaj-repository"},
    "docs/contacts.yaml": {"falaj-repository"},
    "runbooks/gate_denied.md": {"falaj-repository"},
    ".github/workflows/ci.yml": {"falaj-repository"},
    "requirements/checkov.txt": {"falaj-repository"},
    "pyproject.toml": {"falaj-repository"},
    "images/serve/Dockerfile": {"falaj-repository"},
    "README.md": set(),
    "tests/policies/samples.py": set(),
}
"""What a commit changes -> the hooks that ask Falaj about it."""


def test_every_hook_of_the_pre_commit_file_runs_something_that_exists() -> None:
    verbs = [hook["entry"].split()[1:3] for hook in HOOKS.values() if "falaj" in hook["entry"]]
    assert sorted(verbs) == [["gate", "--env"], ["gate", "--repository"], ["policy", "docs"], ["policy", "test"]]


@pytest.mark.parametrize("path", JUDGED)
def test_a_commit_asks_each_hook_that_its_change_bears_on(path: str) -> None:
    assert {name for name, hook in HOOKS.items() if "files" in hook and re.search(hook["files"], path)} == JUDGED[path]


GH = """#!/usr/bin/env python3
import json, sys
said = json.load(open(sys.argv[0] + ".json"))
assert sys.argv[1:3] == ["api", "--paginate"], sys.argv
print("".join(json.dumps(page) for page in said[sys.argv[3]]))
"""


def commit(sha: str, email: str, login: str | None, *, message: str = "", parents: int = 1) -> dict[str, Any]:
    author = {"login": login} if login else None
    return {"sha": sha, "parents": [{}] * parents, "author": author, "commit": {"author": {"email": email}, "message": message}}


AMAL = commit("a1", "amal@example.org", "amal")
CAROL = commit("c1", "7+carol@users.noreply.github.com", None, message="x\n\nCo-authored-by: D <dan@example.org>")
STRANGER = commit("s1", "who@example.org", None)
MERGE = commit("m1", "badr@example.org", "badr", parents=2)


@pytest.mark.parametrize(
    ("head", "pulls", "names", "exit"),
    [
        (AMAL, {}, "amal amal@example.org", 0),
        (MERGE, {7: [[AMAL], [CAROL, MERGE]]}, "7+carol@users.noreply.github.com amal amal@example.org carol dan@example.org opener", 0),
        (MERGE, {}, "", 3),
        (AMAL, {7: [[STRANGER]]}, "amal amal@example.org opener who@example.org", 3),
        (commit("e1", "a b\n@example.org", "amal"), {}, "ab@example.org amal", 0),
    ],
)
def test_who_wrote_the_change_is_asked_of_the_forge(head: Any, pulls: dict[int, Any], names: str, exit: int, tmp_path: Path) -> None:
    said = {"repos/o/n/commits/abc": [head], "repos/o/n/commits/abc/pulls": [[{"number": number, "user": {"login": "opener"}} for number in pulls]]}
    said |= {f"repos/o/n/pulls/{number}/commits": pages for number, pages in pulls.items()}
    (tmp_path / "gh").write_text(GH)
    (tmp_path / "gh").chmod(0o755)
    (tmp_path / "gh.json").write_text(json.dumps(said))
    command = [sys.executable, str(ROOT / "tools/change_authors.py"), "o/n", "abc"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, check=False)
    assert (done.returncode, done.stdout) == (exit, f"{names}\n"), done.stderr


def test_who_wrote_the_change_is_told_before_the_apply() -> None:
    job = yaml.safe_load((ROOT / ".github/workflows/apply.yml").read_text())["jobs"]["apply"]
    runs = [str(step.get("run")) for step in job["steps"]]
    asked = next(number for number, run in enumerate(runs) if "tools/change_authors.py" in run)
    assert 'FALAJ_CHANGED_BY=$authors" >> "$GITHUB_ENV"' in runs[asked] and any("falaj up" in run for run in runs[asked:])
    assert job["permissions"]["pull-requests"] == "read"
