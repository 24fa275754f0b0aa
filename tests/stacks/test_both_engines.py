"""The genuine CLI plans our own stacks of every environment exactly as the embedded engine does."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.engine.choose import choose
from infra.pipeline.plan import STACKS, plan_environment

pytestmark = pytest.mark.pulumi


@pytest.mark.parametrize("environment", ["local", "dev", "staging", "prod"])
def test_both_engines_plan_the_same_stacks(environment: str, falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in {"PULUMI_HOME": str(tmp_path / "pulumi"), "PULUMI_CONFIG_PASSPHRASE": "plans"}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    mine, theirs = ({plan.stack: plan for plan in plan_environment(environment, engine=choose(environment, name))} for name in ("embedded", "pulumi"))
    assert tuple(mine) == tuple(theirs) == STACKS
    for stack in STACKS:
        assert {item.urn: item.to_json() for item in mine[stack].resources} == {item.urn: item.to_json() for item in theirs[stack].resources}
        assert mine[stack].outputs == theirs[stack].outputs
