"""A store and settings for servers whose models need no weights."""

from __future__ import annotations

from pathlib import Path

import pytest

from workloads.serve.settings import Settings
from workloads.store import Store


@pytest.fixture
def store(falaj_home: Path, tmp_path: Path) -> Store:
    return Store.open(tmp_path / "releases")


@pytest.fixture
def settings(store: Store, tmp_path: Path) -> Settings:
    return Settings(releases=store.uri, requests=tmp_path / "requests", poll_seconds=0.02, retry_seconds=0.05, cache_bytes=0, cache=tmp_path / "cache")
