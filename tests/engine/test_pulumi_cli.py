"""The embedded engine and the genuine CLI plan the same from the same state, and the CLI takes over what the embedded engine made."""

from __future__ import annotations

from pathlib import Path

import pytest

from falaj.errors import UsageError
from infra.engine.embedded import EmbeddedEngine
from infra.engine.pulumi_cli import PulumiCliEngine
from tests.engine.recorded import STACK, VECTORS, comparable, program, recording, vec

pytestmark = pytest.mark.pulumi
CASES = ["components", "delete_before_replace", "ignore_and_replace_on", "invokes", "providers", "replace", "secrets", "update_and_delete_fail"]


@pytest.fixture
def engines(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[EmbeddedEngine, PulumiCliEngine]:
    for key, value in {"PULUMI_HOME": str(tmp_path / "pulumi"), "PULUMI_CONFIG_PASSPHRASE": "vec", "VEC_DRIFT": "/dev/null"}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    return EmbeddedEngine(STACK, vec, applies=(STACK,)), PulumiCliEngine(STACK, {"vec": VECTORS / "provider"})


@pytest.mark.parametrize("case", CASES)
def test_both_engines_plan_the_same_from_a_state_that_the_embedded_one_made(case: str, engines: tuple[EmbeddedEngine, PulumiCliEngine]) -> None:
    embedded, cli = engines
    embedded.up(program(case, 1))
    cli.import_state(program(case, 1), embedded.export(program(case, 1)))
    mine, theirs = embedded.preview(program(case, 2)), cli.preview(program(case, 2))
    assert [item.to_json() for item in mine.resources] == [item.to_json() for item in theirs.resources]
    assert mine.outputs == theirs.outputs


def test_both_engines_plan_the_same_from_nothing(engines: tuple[EmbeddedEngine, PulumiCliEngine]) -> None:
    embedded, cli = engines
    mine, theirs = embedded.preview(program("unknowns", 1)), cli.preview(program("unknowns", 1))
    assert [item.to_json() for item in mine.resources] == [item.to_json() for item in theirs.resources]
    assert mine.outputs == theirs.outputs


def test_the_cli_applies_only_what_its_guard_has_seen(engines: tuple[EmbeddedEngine, PulumiCliEngine]) -> None:
    _, cli = engines
    seen: list[tuple[str, str]] = []
    outcome = cli.up(program("basic", 1), guard=lambda op, urn, _: seen.append((op, urn.rsplit("::", 1)[1])))
    assert sorted(seen) == [("create", "a"), ("create", "b"), ("create", "default"), ("create", "vec-basic-case")]
    assert (outcome.error, outcome.outputs, outcome.before.serial, outcome.after.serial) == (None, {"a": "c:one"}, 0, 1)
    assert comparable(cli.export(program("basic", 1))["deployment"])["resources"] == comparable(recording("basic")["steps"][0]["state"])["resources"]


def test_a_program_that_cannot_be_planned_is_a_usage_error(engines: tuple[EmbeddedEngine, PulumiCliEngine]) -> None:
    with pytest.raises(UsageError, match="never allowed"):
        engines[1].preview(program("check_fails", 1))


def test_the_cli_writes_nothing_beside_the_program(engines: tuple[EmbeddedEngine, PulumiCliEngine]) -> None:
    folder = VECTORS / "programs" / "unchanged"
    before = sorted(path.name for path in folder.iterdir())
    engines[1].preview(program("unchanged", 1))
    assert sorted(path.name for path in folder.iterdir()) == before
