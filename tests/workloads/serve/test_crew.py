"""Several workers of one release: they share threads, slots and memory, and nobody notices when one dies or the release changes."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import psutil
import pytest

from falaj.errors import UsageError
from tests.workloads.serve.tiny import SECONDS
from tests.workloads.worlds import load_named, publish, serving, wait_until
from workloads.serve.crew import shared
from workloads.serve.lane import Setup
from workloads.serve.settings import Settings, from_environment
from workloads.store import Store


def test_threads_slots_and_memory_are_shared_and_cores_where_each_thread_has_one() -> None:
    whole = Setup(threads=4, slots=5, kv_tokens=100, memory_bytes=1000)
    first, second = shared(whole, 2, [0, 1, 2, 3])
    assert first == replace(whole, threads=2, slots=3, kv_tokens=50, workers=2, cores=(0, 1))
    assert second.cores == (2, 3)
    # More cores than threads: a limit on time holds us, and the same cores may be everybody's.
    assert [share.cores for share in shared(whole, 2, range(16))] == [(), ()]
    assert shared(whole, 1, [0, 1, 2, 3]) == [whole]


def test_more_workers_than_threads_are_refused() -> None:
    told = {"FALAJ_RELEASES": "x", "OMP_NUM_THREADS": "2"}
    assert (from_environment(told).workers, from_environment({**told, "FALAJ_SERVE_WORKERS": "2"}).workers) == (1, 2)
    with pytest.raises(UsageError, match="there are more workers than threads"):
        from_environment({**told, "FALAJ_SERVE_WORKERS": "3"})


def test_all_workers_answer_and_none_is_missed_when_it_dies_or_the_release_changes(
    store: Store, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, tmp_path, "v1")
    monkeypatch.setenv(SECONDS, "0.02")
    with serving(replace(settings, workers=2, threads=2, concurrency=8, queue=64), load_named) as live, ThreadPoolExecutor(16) as pool:
        assert len(live.inference.front.workers()) == 2

        def ask(index: int) -> tuple[int, str]:
            answer = httpx.post(live.url + "/generate", json={"text": f"echo answer {index}"}, timeout=60)
            return answer.status_code, answer.json()["outputs"][0]["text"]

        asked = [pool.submit(ask, index) for index in range(40)]
        wait_until(lambda: all(lane.inside for lane in live.inference.front._served["stable"].lane._lanes))
        os.kill(live.inference.front.workers()[1], signal.SIGKILL)
        assert [each.result() for each in asked] == [(200, f"answer {index}") for index in range(40)]
        wait_until(lambda: len(live.inference.front.workers()) == 2)
        assert live.inference.front.restarts == 1
        before = live.inference.front.workers()
        publish(store, tmp_path, "v2")
        wait_until(lambda: live.client.post("/generate", json={"text": "who"}).json().get("release") == "v2")
        wait_until(lambda: not any(psutil.pid_exists(pid) for pid in before))
        side = live.inference.front.side("stable")
        assert side is not None and (side.lane.info["slots"], side.lane.info["workers"]) == (8, 2)
        last = live.inference.front.workers()
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in last))


def test_where_one_worker_cannot_load_none_is_left(store: Store, settings: Settings, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1", answer="unloadable")
    with serving(replace(settings, workers=2, threads=2), load_named, ready=False) as live:
        wait_until(lambda: "this model cannot be loaded" in (live.inference.sides.problem or ""))
        assert live.inference.front.workers() == [] and live.inference.front.side("stable") is None
