"""The happy world and its evidence. Each is made once per session and copied, since durable writes are slow on a busy disk."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from falaj.home import environment_folder, home
from infra.audit import chain
from infra.audit.evidence import EvidenceFolder, collect, open_evidence
from tests.audit import world


@pytest.fixture(scope="session")
def first_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the happy world and its evidence; nobody works in it."""
    top = tmp_path_factory.mktemp("first")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FALAJ_HOME", str(top / "home"))
        patch.setattr(chain, "actor", lambda: "amna")
        world.build()
        collect("local", world.NOON, policies=write_rules(top / "policies"))
    return top / "home"


def write_rules(folder: Path) -> Path:
    """A small folder of policies."""
    (folder / "plan" / "region_pinned").mkdir(parents=True)
    (folder / "plan" / "region_pinned" / "region_pinned.rego").write_text("package falaj.plan.region_pinned\n")
    (folder / "waivers").mkdir()
    (folder / "waivers" / "backup-abroad.yaml").write_text("rule: region_pinned\nuntil: 2026-12-31\n")
    return folder


@pytest.fixture
def evidence(first_home: Path, falaj_home: Path, monkeypatch: pytest.MonkeyPatch) -> EvidenceFolder:
    """The happy world with its signed evidence."""
    monkeypatch.setattr(chain, "actor", lambda: "amna")
    shutil.copytree(first_home, home())
    return open_evidence(environment_folder("local") / "evidence")


@pytest.fixture
def happy(evidence: EvidenceFolder) -> Path:
    """The folder of a `local` environment in which all went well, and of which no evidence was collected yet."""
    shutil.rmtree(evidence.path)
    for applied in evidence.path.parent.glob("stacks/*/applied"):
        shutil.rmtree(applied)
    return evidence.path.parent


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The policies that the evidence was collected with."""
    return write_rules(tmp_path / "policies")
