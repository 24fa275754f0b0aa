"""The happy world and its evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.audit import chain
from infra.audit.evidence import EvidenceFolder, collect
from tests.audit import world


@pytest.fixture
def happy(falaj_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a `local` environment in which all went well."""
    monkeypatch.setattr(chain, "actor", lambda: "amna")
    return world.build()


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A small folder of policies."""
    folder = tmp_path / "policies"
    (folder / "plan" / "region_pinned").mkdir(parents=True)
    (folder / "plan" / "region_pinned" / "region_pinned.rego").write_text("package falaj.plan.region_pinned\n")
    (folder / "waivers").mkdir()
    (folder / "waivers" / "backup-abroad.yaml").write_text("rule: region_pinned\nuntil: 2026-12-31\n")
    return folder


@pytest.fixture
def evidence(happy: Path, rules: Path) -> EvidenceFolder:
    """The signed evidence of the happy world."""
    return collect("local", world.NOON, policies=rules)
