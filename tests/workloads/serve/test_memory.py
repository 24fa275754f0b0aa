"""Memory that a server is given bounds the texts that it answers at once, before anything is killed."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from falaj.errors import UsageError
from tests.workloads.worlds import load_real, serving, wait_until
from workloads.engine.protocol import ModelConfig
from workloads.serve.memory import limit_for, slot_bytes, slots_within
from workloads.serve.settings import Settings, from_environment
from workloads.store import Store

BASE = ModelConfig(32128, 0, 1, 0, 512, 128, {"num_decoder_layers": 12, "num_heads": 12, "d_kv": 64})
"""FLAN-T5-base's shape."""
MIB = 1 << 20


def fit(limit: int, *, slots: int = 16) -> int:
    return slots_within(limit * MIB, BASE, slots=slots, longest=128, worker=450 * MIB, front=90 * MIB)


def test_a_slot_holds_the_longest_text_and_answer_of_every_layer() -> None:
    assert slot_bytes(BASE, 128) == 640 * 12 * 2 * 12 * 64 * 4


@pytest.mark.parametrize(("limit", "slots"), [(4096, 16), (2048, 16), (1536, 8), (1200, 2), (1100, 1), (660, 1)])
def test_slots_are_what_fits_beside_the_model_and_its_successor_and_one_at_least(limit: int, slots: int) -> None:
    assert fit(limit) == slots


@pytest.mark.parametrize("slots", [1, 8, 16])
def test_what_a_number_of_slots_needs_is_what_they_fit_into(slots: int) -> None:
    limit = limit_for(slots, slot_bytes(BASE, 128), worker=450 * MIB, front=90 * MIB)
    assert slots_within(limit, BASE, slots=64, longest=128, worker=450 * MIB, front=90 * MIB) == slots


def test_several_workers_share_what_the_front_leaves() -> None:
    assert slots_within(2048 * MIB, BASE, slots=16, longest=128, worker=450 * MIB, front=90 * MIB, workers=2) == 1


def test_a_model_for_which_there_is_too_little_memory_is_refused_with_what_it_takes() -> None:
    with pytest.raises(UsageError, match="the memory is too little for this model") as found:
        fit(600)
    assert (found.value.given, found.value.allowed) == ("600 MiB, of which front and model take 540", "at least 650 MiB")


def test_the_environment_tells_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert from_environment({"FALAJ_RELEASES": "x", "FALAJ_MEMORY_LIMIT": "256Mi"}).memory_bytes == 256 * MIB


def test_a_real_worker_takes_fewer_texts_at_once_where_it_is_given_less_and_none_where_it_is_given_too_little(released: Store, tmp_path: Path) -> None:
    settings = Settings(released.uri, None, concurrency=64, new_tokens=512, cache=tmp_path / "cache")
    front, found = 0, []
    for room in (None, 230 * MIB):
        # This process is the front. Measured each time, and without what earlier tests left to be taken back.
        gc.collect()
        front = psutil.Process().memory_info().rss
        # Beside two workers of the small model, which hold 60 to 100 MiB each, there is room for ten to thirty of its slots (3.3 MiB).
        limit = room and (front + room) * 10 // 9
        with serving(replace(settings, memory_bytes=limit), load_real) as live:
            side = live.inference.front.side("stable")
            assert side is not None and live.client.post("/generate", json={"texts": ["a b", "c d"]}).status_code == 200
            found.append(side.lane.info["slots"])
    assert found[0] == 64 and 1 <= found[1] < 64
    with serving(replace(settings, memory_bytes=front), load_real, ready=False) as live:
        wait_until(lambda: "the memory is too little for this model" in (live.inference.sides.problem or ""), 30)
