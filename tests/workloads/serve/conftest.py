"""A store and settings for servers whose models need no weights."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from falaj.canonical import digest
from falaj.files import write_json
from workloads import register
from workloads.serve.settings import Settings
from workloads.store import Store
from workloads.tracking import registry


@pytest.fixture
def store(falaj_home: Path, tmp_path: Path) -> Store:
    return Store.open(tmp_path / "releases")


@pytest.fixture
def settings(store: Store, tmp_path: Path) -> Settings:
    return Settings(releases=store.uri, requests=tmp_path / "requests", poll_seconds=0.02, retry_seconds=0.05, cache_bytes=0, cache=tmp_path / "cache")


@pytest.fixture
def released(run: Path, falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with the release of a finished run; the gate's word is written by hand, for it would not let a model of two steps through."""
    candidate = json.loads((run / "evaluate/candidate.json").read_text())
    write_json(run / "decision.json", {"schema_": "falaj.decision/1", "kind": "release", "verdict": "allowed", "subject_digest": digest(candidate)})
    monkeypatch.setenv("FALAJ_RELEASES", str(tmp_path / "releases"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(registry, "record", lambda candidate, release, uri: {})
    monkeypatch.setattr(registry, "_open_quietly", lambda: None)
    register.main(run)
    return Store.open(tmp_path / "releases")
