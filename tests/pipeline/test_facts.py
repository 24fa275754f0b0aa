"""Facts about a repository are read from its files; what cannot be read is said, never left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from falaj.home import ROOT
from infra.pipeline.facts import repository_facts
from infra.pipeline.gate import judge_repository
from infra.pipeline.policy_engine import RegorusEngine

NOON = "2026-11-24T12:00:00Z"
SHA = "a" * 40


def repository(folder: Path, **files: str) -> dict[str, Any]:
    """Facts of a folder with these files; `__` in a name is `/`, `_dot_` is `.`."""
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return repository_facts(folder)


def test_this_repository_is_allowed_by_its_own_rules() -> None:
    facts = repository_facts(ROOT)
    decision = judge_repository(facts, "prod", NOON, subject="falaj", engine=RegorusEngine())
    trouble = {result.rule: {**result.fail, **result.unknown} for result in decision.rules if result.fail or result.unknown}
    assert (trouble, decision.faults, decision.verdict, decision.kind) == ({}, [], "allowed", "repository")
    assert facts["parts"] == ["model workloads/seed", "stack cluster", "stack foundation", "stack platform", "stack workloads"]


def test_an_empty_folder_is_no_repository_that_could_pass(tmp_path: Path) -> None:
    decision = judge_repository(repository_facts(tmp_path), "prod", NOON, subject="empty", engine=RegorusEngine())
    assert (decision.verdict, {result.rule for result in decision.rules if result.fail}) == ("denied", {"contacts_named", "inventory_owned", "runbooks_there"})


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no repository here"):
        repository_facts(tmp_path / "nowhere")


def test_a_workflow_is_read_with_its_actions_rights_and_secrets(tmp_path: Path) -> None:
    text = f"""
on: [push, pull_request_target]
permissions: {{contents: read}}
jobs:
  a:
    permissions: write-all
    steps:
      - uses: x/y@{SHA}
        with: {{token: "${{{{ secrets['KEY'] }}}}"}}
      - run: echo ${{{{ secrets.OTHER }}}}
  b: {{uses: ./.github/workflows/c.yml}}
"""
    found = repository(tmp_path, _dot_github__workflows__ci_dot_yml=text)["workflows"][".github/workflows/ci.yml"]
    assert (found["triggers"], found["permissions"], found["secrets"], found["error"]) == (
        ["pull_request_target", "push"],
        {"contents": "read"},
        ["KEY", "OTHER"],
        "",
    )
    assert {name: (job["permissions"], job["uses"]) for name, job in found["jobs"].items()} == {
        "a": ("write-all", [f"x/y@{SHA}"]),
        "b": (None, ["./.github/workflows/c.yml"]),
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: [", "it is not YAML"),
        ("just words", "it has no jobs"),
        ("", "it has no jobs"),
        (
            "a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n" + "c: &c [" + "*b," * 40 + "]\nd: [" + "*c," * 40 + "]",
            "it is not YAML: it holds more",
        ),
        ("a: " + "[" * 5000, "it is not YAML"),
    ],
)
def test_a_workflow_that_cannot_be_read_leaves_the_gate_undecided(tmp_path: Path, text: str, why: str) -> None:
    facts = repository(tmp_path, _dot_github__workflows__ci_dot_yml=text)
    assert facts["workflows"][".github/workflows/ci.yml"]["error"].startswith(why)
    decision = judge_repository({**repository_facts(ROOT), "workflows": facts["workflows"]}, "prod", NOON, subject="x", engine=RegorusEngine())
    assert decision.verdict == "undecided"


def test_an_image_is_known_by_what_it_is_built_on_and_who_it_runs_as(tmp_path: Path) -> None:
    text = f"FROM --platform=linux/amd64 a@sha256:{'a' * 64} AS build\nUSER 0\nFROM build\nRUN x \\\n  USER\nFROM b:1\nuser 10001\n"
    found = repository(tmp_path, images__Dockerfile=text, tests__Dockerfile="FROM x")["dockerfiles"]
    assert found == {"images/Dockerfile": {"error": "", "images": [f"a@sha256:{'a' * 64}", "b:1"], "user": "10001"}}


def test_an_image_built_on_an_argument_is_known_by_the_arguments_default(tmp_path: Path) -> None:
    text = "ARG BASE=a@sha256:0\nARG OTHER\nFROM ${BASE} AS base\nARG BASE=b\nFROM $OTHER\nUSER 1\n"
    found = repository(tmp_path, Dockerfile=text)["dockerfiles"]
    assert found == {"Dockerfile": {"error": "", "images": ["a@sha256:0", "$OTHER"], "user": "1"}}


def test_a_lock_is_known_by_what_it_leaves_open(tmp_path: Path) -> None:
    text = f"# made\n--index-url x\na==1 \\\n    --hash=sha256:{'a' * 64}\nb>=2\nc @ git+x\nd==3 ; python_version < '4'\n"
    found = repository(tmp_path, requirements__all_dot_txt=text)["locks"]
    assert found == {"requirements/all.txt": {"error": "", "packages": 4, "without_version": ["b", "c"], "without_digest": ["b", "c", "d"]}}


def test_bytes_that_are_no_text_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/contacts.yaml").write_bytes(b"\xff\xfe")
    assert repository_facts(tmp_path)["contacts"] == {"there": True, "error": "it cannot be read: UnicodeDecodeError", "content": {}}


def test_where_state_lies_is_read_from_the_declaration_and_from_each_project(tmp_path: Path) -> None:
    found = repository(
        tmp_path,
        stacks__state_dot_yaml="environments:\n  prod: s3://b?region=me-central-1\n",
        stacks__a__Pulumi_dot_yaml="name: a\nbackend: {url: https://api.pulumi.com}\n",
        other__Pulumi_dot_yaml="name: b\nruntime: python\n",
        Pulumi_dot_yaml="a: [",
    )["state"]
    assert found["declared"] == {"there": True, "error": "", "content": {"environments": {"prod": "s3://b?region=me-central-1"}}}
    assert {name: project["backend"] for name, project in found["projects"].items()} == {
        "Pulumi.yaml": None,
        "other/Pulumi.yaml": None,
        "stacks/a/Pulumi.yaml": "https://api.pulumi.com",
    }
    assert found["projects"]["Pulumi.yaml"]["error"].startswith("it is not YAML")
