"""Runbooks: each has a check and a verify command, and no command in them is made up."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from falaj.home import ROOT
from infra.cli.main import falaj
from tests.audit.test_mapping import RULES, metadata

RUNBOOKS = sorted((ROOT / "runbooks").glob("*.md"))
EXPECTED = {
    "approve_a_deploy",
    "bootstrap_state",
    "breach",
    "drift_alarm",
    "evidence_request",
    "failed_apply",
    "gate_denied",
    "gate_undecided",
    "gpu_fails",
    "image_unsigned",
    "incident",
    "infrastructure_drift",
    "residency_exception",
    "restore_state",
    "rollback_release",
    "sealed_release",
    "site_refused",
    "state_locked",
    "stop_answers",
    "waiver",
}


def front_matter(path: Path) -> dict[str, Any]:
    head = re.match(r"---\n(.*?)\n---\n", path.read_text(), re.DOTALL)
    assert head, f"{path.name} has no front matter"
    return yaml.safe_load(head.group(1))


def commands(path: Path) -> list[str]:
    """Every `falaj` command of a runbook: of its front matter, its code blocks and its sentences."""
    text = path.read_text()
    inline = [found for found in re.findall(r"`(falaj [^`]+)`", text) if len(found.split()) > 2]
    blocks = [line.strip() for line in text.splitlines() if line.startswith("       falaj ")]
    return [front_matter(path)["check"], front_matter(path)["verify"], *inline, *blocks]


def parse(line: str) -> None:
    """Raise click.UsageError unless the command line names verbs and options that exist."""
    command: click.Command = falaj
    name, words, context = "falaj", shlex.split(line)[1:], None
    while True:
        context = command.make_context(name, words, parent=context)
        if not isinstance(command, click.Group):
            return
        rest = [*context._protected_args, *context.args]
        if not rest:
            raise click.UsageError(f"no verb in {line!r}")
        name, words = rest[0], rest[1:]
        found = command.get_command(context, name)
        if found is None:
            raise click.UsageError(f"no verb {name!r}")
        command = found


def test_there_is_a_runbook_for_each_alarm() -> None:
    assert {path.stem for path in RUNBOOKS} == EXPECTED


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_says_when_to_use_it_and_how_to_check_and_verify(path: Path) -> None:
    about = front_matter(path)
    assert set(about) == {"title", "when", "check", "verify"}
    assert f"# {about['title']}" in path.read_text()


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_every_command_of_a_runbook_exists(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    wrong = {}
    for line in commands(path):
        try:
            parse(line)
        except click.ClickException as problem:
            wrong[line] = problem.format_message()
    assert wrong == {}


@pytest.mark.parametrize("line", ["falaj gate --nonsense", "falaj nothing", "falaj audit nothing"])
def test_a_command_that_does_not_exist_is_noticed(line: str) -> None:
    with pytest.raises(click.ClickException):
        parse(line)


def test_every_runbook_that_a_rule_names_exists() -> None:
    named = {metadata(path)["custom"].get("runbook") for path in RULES}
    assert named - {path.stem for path in RUNBOOKS} == set()


def test_every_runbook_that_an_error_names_exists() -> None:
    text = "\n".join(path.read_text() for room in ("falaj", "infra", "workloads") for path in (ROOT / room).rglob("*.py"))
    assert set(re.findall(r"runbooks/(\w+)\.md", text)) - {path.stem for path in RUNBOOKS} == set()
