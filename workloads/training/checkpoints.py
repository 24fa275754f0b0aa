"""Checkpoints: written beside training, whole or not at all, kept in small number, and sent to a store where one is named.

A checkpoint is a folder `step-N`: weights and optimiser state as safetensors (no pickle is ever written or read), `state.json` with the
progress, and `manifest.json` with the digest of each, written last. It is made as `step-N.partial` and renamed, so what a kill leaves behind is
never taken for one; a folder without a true manifest is none either. Weights that are sharded are written by all ranks with
torch.distributed.checkpoint and can be read again by any number of ranks.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from falaj.canonical import manifest
from falaj.errors import Fault
from falaj.files import write_durably, write_json
from workloads.store import Store
from workloads.training import tensors
from workloads.training.progress import Progress
from workloads.training.world import World

MANIFEST = "manifest.json"
BEST = "best"
_STATE = "state.json"
_STEP = re.compile(r"step-(\d+)")
_OURS = re.compile(rf"\.?(step-\d+|{BEST})(\.|$)")


@dataclass
class Counts:
    """What checkpoints cost and how they fared; `blocked_seconds` is what training waited for them."""

    written: int = 0
    failed: int = 0
    sent: int = 0
    not_sent: int = 0
    blocked_seconds: float = 0.0


@dataclass
class Checkpoints:
    """The checkpoints of one training run, as one rank sees them."""

    folder: Path
    basis: str
    world: World
    keep: int = 2
    store: Store | None = None
    """Where complete ones are sent as well; for when the volume is lost together with the node."""
    say: Callable[[str], None] = lambda text: None
    counts: Counts = field(default_factory=Counts)
    _writer: threading.Thread | None = None
    _failure: BaseException | None = None

    def save(self, model: Any, optimizer: Any, progress: Progress, *, wait: bool = False, name: str = "") -> None:
        """Take a copy of everything and write it in a thread; training goes on meanwhile. All ranks call this at the same step.

        A checkpoint that cannot be written is said and counted, and the one before it stays. With `wait` it raises Fault instead.
        """
        began = time.monotonic()
        self.settle()
        name = name or f"step-{progress.step}"
        copy = tensors.copied(model, optimizer, leads=self.world.leads)
        state = json.dumps({"progress": vars(progress), "optimizer": copy.plain})
        self._writer = threading.Thread(target=self._write, args=(name, copy, state), name="checkpoint")
        self._writer.start()
        if wait:
            self._writer.join()
            self._writer = None
            self.counts.blocked_seconds += time.monotonic() - began
            if (problem := self._failure) is not None:
                self._failure = None
                raise problem if isinstance(problem, Fault) else Fault("the checkpoint could not be written", given=str(self.folder), why=str(problem))
            return
        self.counts.blocked_seconds += time.monotonic() - began

    def settle(self) -> None:
        """Wait for the checkpoint that is being written."""
        if self._writer is not None:
            self._writer.join()
            self._writer = None
        if (problem := self._failure) is not None:
            self._failure = None
            self.say(f"a checkpoint could not be written, the one before it stays: {problem}")

    def load(self, model: Any, optimizer: Any, *, name: str = "") -> Progress | None:
        """Put the newest complete checkpoint of this basis into `model` and `optimizer`; None where there is none.

        One that is cut, altered, or of other shapes is passed over, and that is said. The store's is fetched where it is newer.
        """
        self.settle()
        passed: set[str] = set()
        while True:
            found = self._newest(passed, name) if self.world.leads else None
            step = self.world.told(-1.0 if found is None else float(found.removeprefix("step-") if found != BEST else 0))
            if step < 0:
                return None
            chosen = name or f"step-{int(step)}"
            problem, state = self._examined(chosen, model)
            # All ranks look before any of them reads: reading sharded weights takes all of them.
            if not self.world.total(float(bool(problem)))[0]:
                tensors.read(self.folder / chosen, model, optimizer, state["optimizer"], self.world)
                return Progress(**state["progress"])
            if self.world.leads:
                self.say(f"the checkpoint {chosen} is passed over: {problem or 'another rank cannot read it'}")
            passed.add(chosen)

    def steps(self) -> list[int]:
        """Steps of the complete checkpoints here, newest first, whatever they were made from."""
        entries = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted((int(match[1]) for path in entries if (match := _STEP.fullmatch(path.name)) and (path / MANIFEST).is_file()), reverse=True)

    def remove(self) -> None:
        """Remove all of them, here and in the store: the model is written, nobody goes on from here."""
        self.settle()
        if not self.world.leads:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.store is not None:
            self._in_store(lambda store: store.remove(store.names()))

    def _write(self, name: str, copy: tensors.Copy, state: str) -> None:
        partial, target = self.folder / f"{name}.partial", self.folder / name
        try:
            tensors.write(copy, partial, self.world)
            if not self.world.leads:
                return
            write_durably(partial / _STATE, state.encode())
            write_json(partial / MANIFEST, {"basis": self.basis, "files": manifest(partial)})
            shutil.rmtree(target, ignore_errors=True)
            partial.rename(target)
            self._prune()
            self.counts.written += 1
        except BaseException as problem:  # told to the thread that trains
            shutil.rmtree(partial, ignore_errors=True)
            self._failure = problem
            self.counts.failed += 1
            return
        if self.store is not None and name != BEST:
            self._send(name)

    def _prune(self) -> None:
        kept = {f"step-{step}" for step in self.steps()[: self.keep]} | {BEST}
        for entry in self.folder.iterdir():
            # What a kill left half written or half fetched goes too; what is not ours stays.
            if _OURS.match(entry.name) and entry.name not in kept:
                shutil.rmtree(entry, ignore_errors=True)

    def _send(self, name: str) -> None:
        def send(store: Store) -> None:
            store.put_folder(self.folder / name, name, last=MANIFEST)
            known = store.names()
            complete = sorted((int(match[1]) for each in known if (match := re.fullmatch(rf"step-(\d+)/{MANIFEST}", each))), reverse=True)
            kept = {f"step-{step}" for step in complete[: self.keep]}
            # Manifests go first, so that what is half removed is not taken for a checkpoint.
            old = [each for each in known if each.split("/")[0] not in kept]
            store.remove(sorted(old, key=lambda each: not each.endswith(MANIFEST)))

        if self._in_store(send):
            self.counts.sent += 1
        else:
            self.counts.not_sent += 1

    def _in_store(self, work: Callable[[Store], object]) -> bool:
        assert self.store is not None
        try:
            work(self.store)
        except (Fault, OSError) as problem:
            self.say(f"the store of checkpoints does not answer; training goes on with those on this volume: {str(problem).splitlines()[0]}")
            return False
        return True

    def _newest(self, passed: set[str], name: str) -> str | None:
        if name:
            return name if name not in passed and (self.folder / name / MANIFEST).is_file() else None
        here = next((step for step in self.steps() if f"step-{step}" not in passed), -1)
        there = self._newest_in_store(passed) if self.store is not None else -1
        if there > here:
            fetched = f"step-{there}"
            self.say(f"fetches the checkpoint of step {there} from {self.store.uri if self.store else ''}")
            if not self._in_store(lambda store: store.get_folder(fetched, self.folder / fetched)):
                passed.add(fetched)
                return self._newest(passed, name)
        best = max(here, there)
        return None if best < 0 else f"step-{best}"

    def _newest_in_store(self, passed: set[str]) -> int:
        found: list[int] = []

        def look(store: Store) -> None:
            names = (re.fullmatch(rf"(step-(\d+))/{MANIFEST}", each) for each in store.names())
            found.extend(int(match[2]) for match in names if match and match[1] not in passed)

        self._in_store(look)
        return max(found, default=-1)

    def _examined(self, name: str, model: Any) -> tuple[str, dict[str, Any]]:
        """Why the checkpoint cannot be used, in words, and its state."""
        folder = self.folder / name
        try:
            written = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
            if written["basis"] != self.basis:
                return "it was made from another recipe or other data", {}
            if self.world.leads and manifest(folder, leave_out=frozenset({MANIFEST})) != written["files"]:
                return "it was cut or altered", {}
            state = json.loads((folder / _STATE).read_text(encoding="utf-8"))
            Progress(**state["progress"])
            tensors.check(folder, model)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:  # cut by a full disk or a crash, or of another version
            return f"{type(problem).__name__}: {problem}", {}
        return "", state
