"""Small T5 models and batches for them; one thread, since these models are smaller than what threads cost."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.workloads.small import tiny_model
from workloads.compress.prune import Plan, everything


@pytest.fixture(autouse=True)
def _one_thread() -> Generator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random T5 of 3 + 2 layers with 4 heads of 8 and 48 units. Read only."""
    return tiny_model(tmp_path_factory.mktemp("tiny"), num_heads=4, d_kv=8, d_ff=48)


@pytest.fixture
def tiny(tiny_folder: Path) -> Any:
    """That model, loaded anew for each test."""
    from workloads.compress.shapes import load_full

    return load_full(tiny_folder)


def batch_of(rows: int = 4, length: int = 9, answer: int = 5, *, vocabulary: int = 6000, seed: int = 0) -> dict[str, Any]:
    """Random ids with padding at the ends of texts and answers."""
    import torch

    chance = torch.Generator().manual_seed(seed)
    mask = torch.ones(rows, length, dtype=torch.int64)
    mask[0, length // 2 :] = 0
    labels = torch.randint(2, vocabulary, (rows, answer), generator=chance)
    labels[1, -2:] = -100
    return {"input_ids": torch.randint(2, vocabulary, (rows, length), generator=chance) * mask, "attention_mask": mask, "labels": labels}


def layers_only(model: Any, encoder: tuple[int, ...], decoder: tuple[int, ...]) -> Plan:
    """The plan that keeps the layers named and all of what is in them."""
    whole = everything(model)
    return Plan(tuple(whole.encoder[index] for index in encoder), tuple(whole.decoder[index] for index in decoder))
