from __future__ import annotations

from pathlib import Path

import pytest

from tests.workloads.small import tiny_model


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny T5 without dropout. Read only."""
    return tiny_model(tmp_path_factory.mktemp("base"), dropout_rate=0.0)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread, and no store that the person who runs the tests has named."""
    import torch

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("FALAJ_CHECKPOINTS", raising=False)
    torch.set_num_threads(1)
