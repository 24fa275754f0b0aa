"""The embedded engine does with every recorded program what the genuine CLI did: same plans, errors and states."""

from __future__ import annotations

from pathlib import Path

import pytest

from falaj.errors import UsageError
from infra.engine.embedded import EmbeddedEngine
from tests.engine.recorded import STACK, comparable, made_plan, out_of_order, program, recorded_errors, recorded_plan, recording, vec

CASES = [
    "basic",
    "unchanged",
    "components",
    "secrets",
    "unknowns",
    "replace",
    "delete_before_replace",
    "ignore_and_replace_on",
    "protect",
    "providers",
    "invokes",
    "invoke_fails",
    "create_fails",
    "update_and_delete_fail",
    "program_fails",
    "check_fails",
    "duplicate_name",
    "drift",
    "stack_reference",
    "wide",
    "aliases",
    "move_parent",
    "rename_type",
    "transforms",
    "retain",
    "timeouts",
    "read_and_import",
]


@pytest.fixture
def engine(falaj_home: Path, monkeypatch: pytest.MonkeyPatch) -> EmbeddedEngine:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "vec")
    return EmbeddedEngine(STACK, vec, applies=(STACK,))


@pytest.mark.parametrize("case", CASES)
def test_every_step_of_a_recorded_program_ends_as_the_cli_ended_it(case: str, engine: EmbeddedEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drift = tmp_path / "drift"
    drift.write_text("")
    monkeypatch.setenv("VEC_DRIFT", str(drift))
    if case == "stack_reference":
        for step in (1, 2, 3):
            engine.up(program("basic", step))
    record = recording(case)
    for step in record["steps"]:
        the_plan(engine, case, step)
        the_apply(engine, case, step)
    last = program(case, len(record["steps"]))
    if "refresh" in record:
        drift.write_text("a")
        assert engine.refresh(last).error is None
        assert comparable(engine.export(last)["deployment"]) == comparable(record["refresh"]["state"])
        assert made_plan(engine.preview(last)) == recorded_plan(record["after_refresh"])
        drift.write_text("")
    if "destroy" in record:
        outcome = engine.destroy(last)
        assert bool(outcome.error) == bool(record["destroy"]["exit"])
        assert [line for line in recorded_errors(record["destroy"]["errors"]) if line not in (outcome.error or "")] == []
        assert comparable(engine.export(last)["deployment"]) == comparable(record["destroy"]["state"])


def the_plan(engine: EmbeddedEngine, case: str, step: dict) -> None:
    """The preview of one step gives the recorded plan, or fails where the CLI failed and says the same."""
    if step["preview_exit"] == 0:
        assert made_plan(engine.preview(program(case, step["step"]))) == recorded_plan(step["preview"])
        return
    with pytest.raises(UsageError) as refusal:
        engine.preview(program(case, step["step"]))
    said = [found["message"] for found in step["preview"]["diagnostics"]]
    assert [line for line in recorded_errors(said) if line not in str(refusal.value)] == []


def the_apply(engine: EmbeddedEngine, case: str, step: dict) -> None:
    """The up of one step succeeds or fails as recorded, says the same, and leaves the recorded state in an order that can be read back."""
    outcome = engine.up(program(case, step["step"]))
    assert bool(outcome.error) == bool(step["up_exit"])
    assert [line for line in recorded_errors(step["up_errors"]) if line not in (outcome.error or "")] == []
    state = engine.export(program(case, step["step"]))["deployment"]
    assert comparable(state) == comparable(step["state"])
    assert out_of_order(state) == []


def test_every_recorded_program_is_run() -> None:
    assert sorted(CASES) == sorted(path.stem for path in (Path(__file__).parent / "vectors" / "recorded").glob("*.json"))
