"""What stops an `up` or a `down` before anything is touched."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from falaj.errors import Exit, UsageError
from falaj.files import lock
from falaj.home import environment_folder
from infra.cli.down import down
from infra.cli.up import up


def ask(command: object, *arguments: str) -> UsageError:
    answer = CliRunner().invoke(command, arguments)  # ty: ignore[invalid-argument-type]
    assert isinstance(answer.exception, UsageError), answer.output
    return answer.exception


@pytest.mark.parametrize("command", [up, down])
def test_a_second_run_on_an_environment_is_refused_while_the_first_lasts(falaj_home: Path, command: object) -> None:
    with lock(environment_folder("local") / "up.lock", what="the first run"):
        problem = ask(command, "--env", "local")
    assert (problem.exit_code, problem.what, problem.allowed) == (Exit.USAGE, "environment local is locked", "one run at a time")
    assert problem.next is not None and "runbooks/state_locked.md" in problem.next


def test_a_cloud_is_not_touched_without_the_pulumi_cli(falaj_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(falaj_home))
    problem = ask(up, "--env", "prod")
    assert (problem.exit_code, problem.what) == (Exit.USAGE, "the Pulumi CLI is not here")


def test_the_embedded_engine_refuses_to_apply_to_a_cloud_by_name(falaj_home: Path) -> None:
    problem = ask(up, "--env", "dev", "--engine", "embedded")
    assert problem.exit_code == Exit.USAGE and "dev" in str(problem)
    assert not (environment_folder("dev") / "state").exists()


def test_a_cloud_is_not_destroyed_by_a_slip_of_the_hand(falaj_home: Path) -> None:
    assert ask(down, "--env", "prod").next == "falaj down --env prod --yes"
    assert ask(down, "--env", "prod", "--yes", "--purge").allowed == "--env local"


def test_an_environment_that_there_is_not_is_refused_naming_those_there_are() -> None:
    answer = CliRunner().invoke(up, ["--env", "production"])
    assert answer.exit_code == Exit.USAGE
    assert all(name in answer.output for name in ("local", "dev", "staging", "prod"))
