"""Holds the release that is being served, and swaps it when the pointer changes, without failing a request.

A request takes the loaded release once and keeps it to its end; the next one may get the newer. What does not verify is
never loaded: the old release goes on, or, where there is none, the server stays not ready and says why.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from falaj.errors import FalajError
from workloads.reference import Tokenizer
from workloads.release import MODEL, POINTER, Release, trusted_key, verify
from workloads.serve.settings import Settings
from workloads.store import ABSENT, Store


class Answers(Protocol):
    """What a runtime gives back for one text; `tokens` is their number, `truncated` says that the text was cut."""

    @property
    def text(self) -> str: ...
    @property
    def tokens(self) -> int: ...
    @property
    def truncated(self) -> bool: ...


class Model(Protocol):
    """The part of `workloads.serve.runtime.Runtime` that serving needs."""

    def generate(self, texts: list[str], max_new_tokens: int | None = None) -> Sequence[Answers]: ...


Load = Callable[[Path, int], Model]
"""Model folder and number of threads -> model."""


@dataclass(frozen=True)
class Loaded:
    """A verified release with its model in memory."""

    release: Release
    model: Model
    tokenize: Tokenizer
    seconds: float
    """What fetching, verifying and loading took."""


class Holder:
    """The current release; `watch` runs in a thread of its own."""

    def __init__(self, settings: Settings, load: Load, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._load, self._clock = settings, load, clock
        self._store = Store.open(settings.releases)
        self._stop = threading.Event()
        self._seen: str | None = None
        self._retry_at = 0.0
        self.current: Loaded | None = None
        self.problem: str | None = "no release has been loaded yet"
        self.swaps = 0
        self.refused = 0

    def start(self) -> threading.Thread:
        """Watch the pointer in a daemon thread until `stop`."""
        thread = threading.Thread(target=self._watch, name="release-watch", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        self._stop.set()
        shutil.rmtree(self._settings.cache, ignore_errors=True)

    def _watch(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._stop.wait(self._settings.poll_seconds)

    def look(self) -> None:
        """Read the pointer once, and load what it names if that is new. Never raises: `problem` says what is wrong."""
        before = self.problem, self.swaps
        self._look()
        if (self.problem, self.swaps) != before:
            text = self.problem or f"serving release {self.current.release.version if self.current else None}"
            print(text, file=sys.stderr, flush=True)

    def _look(self) -> None:
        try:
            pointer = self._store.read_document(POINTER)
            if pointer.tag == ABSENT:
                self.problem = f"{self._settings.releases} has no {POINTER} yet: no release has been registered"
            elif pointer.tag != self._seen or (self.problem and self._clock() >= self._retry_at):
                self._take(pointer.value, pointer.tag)
        except FalajError as problem:
            self.problem = str(problem)
        except Exception as problem:  # the watch must outlive whatever a store or a model file does
            self.problem = f"{type(problem).__name__}: {problem}"

    def _take(self, pointer: Any, tag: str) -> None:
        self._seen, self._retry_at = tag, self._clock() + self._settings.retry_seconds
        try:
            version, digest = pointer["version"], pointer["digest"]
            if self.current is None or self.current.release.digest != digest:
                self.current = self._open(version, digest)
                self.swaps += 1
                self._forget_others(version)
            self.problem = None
        except Exception:
            self.refused += 1
            raise

    def _open(self, version: str, digest: str) -> Loaded:
        began = self._clock()
        # The own copy is verified and then loaded, so that nobody can alter the files between the two.
        folder = self._settings.cache / version
        self._settings.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._store.get_folder(version, folder)
        release = verify(folder, trusted_key(), digest=digest)
        model = self._load(folder / MODEL, self._settings.threads)
        model.generate(["warm up"], max_new_tokens=2)
        return Loaded(release, model, tokenizer(folder / MODEL), self._clock() - began)

    def _forget_others(self, version: str) -> None:
        for folder in self._settings.cache.iterdir():
            if folder.name != version:
                shutil.rmtree(folder, ignore_errors=True)


def tokenizer(model: Path) -> Tokenizer:
    """Counts tokens and unknown tokens with the model's own vocabulary; words where it has none."""
    path = model / "tokenizer.json"
    if not path.is_file():
        return lambda text: (len(text.split()), 0)
    from tokenizers import Tokenizer as Vocabulary

    vocabulary = Vocabulary.from_file(str(path))
    vocabulary.no_truncation()
    vocabulary.no_padding()
    unknown = vocabulary.token_to_id("<unk>")

    def count(text: str) -> tuple[int, int]:
        ids = vocabulary.encode(text, add_special_tokens=False).ids
        return len(ids), ids.count(unknown)

    return count
