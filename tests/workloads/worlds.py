"""Happy worlds that tests of the second half of road B start from: a release, a model that needs no weights, a live server."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from tests.workloads.serve.tiny import LANGUAGES, WORDS_OF, language
from workloads import reference
from workloads.release import POINTER, Release, seal, signing_key_file
from workloads.serve.__main__ import config_of
from workloads.serve.app import InferenceServer
from workloads.serve.auth import Authenticator
from workloads.serve.settings import Settings
from workloads.store import Store

_COMMON = ["a", "the", "of", "and", "to", "for", "with", "that", "this", "provides", "tool", "set", "support", "files", "data", "user", "which", "from"]


@dataclass(frozen=True)
class Answer:
    text: str
    tokens: int
    truncated: bool = False


def answer_words(texts: Sequence[str]) -> list[Answer]:
    """What the model that `load_words` opens answers."""
    return [Answer(language(text), 2) for text in texts]


load_named = "tests.workloads.serve.tiny.open_named"
"""Opens a model that answers with the content of the model folder's `encoder.onnx`."""
load_words = "tests.workloads.serve.tiny.open_words"
"""Opens a model that answers with a language."""
load_real = "workloads.serve.worker.open_model"


def pairs(seed: int, rows: int) -> list[tuple[str, str]]:
    """(source, target) rows of one task, `language`, as they would come from the same population for every seed."""
    chance = random.Random(seed)
    found = []
    for _ in range(rows):
        language = chance.choices(LANGUAGES, weights=(5, 3, 2, 1))[0]
        words = chance.choices(_COMMON + WORDS_OF[language] * 2, k=max(5, int(chance.gauss(30, 10))))
        found.append(("language: " + " ".join(words), language))
    return found


def count_words(text: str) -> tuple[int, int]:
    """A tokenizer for profiles: words, and those that are not ASCII."""
    words = text.split()
    return len(words), sum(not word.isascii() for word in words)


def rows_of(sources: Sequence[str], labels: dict[str, list[str]]) -> list[reference.Row]:
    answers = answer_words(sources)
    return [
        reference.features(source, answer.text, answer.tokens, labels=labels, tokenize=count_words) for source, answer in zip(sources, answers, strict=True)
    ]


def profile(seed: int = 1000, rows: int = 400) -> dict[str, Any]:
    """A reference profile of the population that `pairs` draws from."""
    sample = pairs(seed, rows)
    labels = reference.known_labels([("language", *row) for row in sample])
    return reference.build(rows_of([source for source, _ in sample], labels), labels)


_PROFILE: list[dict[str, Any]] = []


def measure_nothing(run: Path, model: Path) -> dict[str, Any]:
    """Stands for the profile of a run's own answers: that of the population of `pairs`, computed once."""
    if not _PROFILE:
        _PROFILE.append(profile())
    return _PROFILE[0]


def publish(store: Store, scratch: Path, version: str, *, answer: str | None = None, point: bool = True, profile: Mapping[str, Any] | None = None) -> Release:
    """Seal a release whose model answers `answer`, put it into `store` and point to it."""
    folder = scratch / f"sealed-{version}"
    (folder / "model").mkdir(parents=True)
    for name in ("encoder.onnx", "decoder.onnx", "config.json"):
        (folder / "model" / name).write_text(version if answer is None else answer)
    parent = (store.read_json(POINTER) or {}).get("version")
    document = {"version": version, "run": f"run-{version}", "parent": parent, "profile": measure_nothing(scratch, scratch) if profile is None else profile}
    release = seal(folder, document, signing_key_file())
    store.put_folder(folder, version, last="release.json")
    if point:
        store.put_json(POINTER, {"version": version, "previous": parent, "digest": release.digest})
    return release


@dataclass(frozen=True)
class Live:
    """A server that listens, and a client for it."""

    inference: InferenceServer
    client: httpx.Client
    url: str


@contextmanager
def serving(
    settings: Settings, opener: str, *, ready: bool = True, now: Callable[[], float] = time.time, authenticator: Authenticator | None = None
) -> Generator[Live]:
    """A real HTTP server on a free loopback port, in a thread; its model runs in a worker process."""
    inference = InferenceServer(replace(settings, port=0, opener=opener), authenticator, now=now)
    server = uvicorn.Server(config_of(inference))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        with httpx.Client(base_url=url, timeout=20) as client:
            if ready:
                wait_until(lambda: inference.ready)
            yield Live(inference, client, url)
    finally:
        server.should_exit = True
        thread.join(10)


def wait_until(true: Callable[[], object], seconds: float = 30.0) -> None:
    """Return as soon as `true()` is; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
