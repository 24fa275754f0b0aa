"""A refresh that only looks: it sees what a refresh would write, and writes nothing; both engines see the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.engine.embedded import EmbeddedEngine
from infra.engine.pulumi_cli import PulumiCliEngine
from tests.engine.recorded import STACK, VECTORS, comparable, program, recording, vec

LAST = len(recording("drift")["steps"])


@pytest.fixture
def drifted(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EmbeddedEngine:
    """The engine that applied the recorded program, one of whose resources was changed since."""
    there = tmp_path / "drift"
    there.write_text("")
    for key, value in {"PULUMI_HOME": str(tmp_path / "pulumi"), "PULUMI_CONFIG_PASSPHRASE": "vec", "VEC_DRIFT": str(there)}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    engine = EmbeddedEngine(STACK, vec, applies=(STACK,))
    for step in range(1, LAST + 1):
        assert engine.up(program("drift", step)).error is None
    assert engine.look(program("drift", LAST)).drifts == []
    there.write_text("a")
    return engine


def test_what_a_look_sees_is_what_a_refresh_writes(drifted: EmbeddedEngine) -> None:
    last = program("drift", LAST)
    before = drifted.export(last)
    seen = drifted.look(last)
    assert drifted.export(last) == before and seen.state == drifted.state(last)
    done = drifted.refresh(last)
    assert sorted((step.urn, step.op) for step in done.steps) == sorted((each.urn, each.op) for each in seen.drifts) != []
    assert comparable(drifted.export(last)["deployment"]) == comparable(recording("drift")["refresh"]["state"])
    assert drifted.look(last).drifts == []


@pytest.mark.pulumi
def test_both_engines_see_the_same_drift(drifted: EmbeddedEngine) -> None:
    last, cli = program("drift", LAST), PulumiCliEngine(STACK, {"vec": VECTORS / "provider"})
    cli.import_state(last, drifted.export(last))
    mine, theirs = drifted.look(last), cli.look(last)
    assert (mine.drifts, mine.resources) == (theirs.drifts, theirs.resources)
