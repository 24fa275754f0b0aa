"""Which releases are served: the current one, and beside it a canary or a shadow; each verified before anybody loads it.

What does not verify or does not load never takes the place of what does: the old release goes on, or, where there is none,
the server stays not ready and says why. One thread reads the documents, so that a stop counts while another loads a model.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from falaj.errors import Denied, FalajError, Fault
from workloads import reference
from workloads.reference import Tokenizer
from workloads.release import POINTER, Release, trusted_key, verify
from workloads.serve.canary import TRAFFIC, Agreement, Sticky, Traffic, verified
from workloads.serve.settings import Settings
from workloads.store import ABSENT, Document, Store

STABLE, CANARY, SHADOW = "stable", "canary", "shadow"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Loaded:
    """A verified release that a worker may load."""

    side: str
    release: Release
    folder: Path
    """Its model folder, in a copy of our own."""
    tokenize: Tokenizer
    seconds: float
    """What fetching, verifying and, through `on_change`, loading took."""


class Opened(Protocol):
    """A model that an engine can read; a sealed one is in the open only until `close`."""

    @property
    def folder(self) -> Path: ...
    def close(self) -> None: ...


def open_model(release: Release) -> Opened:
    """The model of a release, unsealed where it is sealed."""
    from workloads import sealing, sealing_keys

    return sealing.open_model(release, sealing_keys.from_environment(os.environ))


Change = Callable[[str, Loaded | None], None]
"""Side and what it becomes. Returns when the side can answer (None: is given up); raises when it cannot be loaded."""


class Sides:
    """The releases that are served. `start` watches the store in threads of its own."""

    def __init__(
        self,
        settings: Settings,
        on_change: Change | None = None,
        *,
        trusted: Callable[[], bytes] = trusted_key,
        open_model: Callable[[Release], Opened] = open_model,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`trusted` gives the public key that releases must be signed with; `open_model` a verified release's readable model."""
        self._settings, self._on_change, self._clock = settings, on_change, clock
        self._trusted, self._open_model = trusted, open_model
        self._store = Store.open(settings.releases)
        self._stop = threading.Event()
        self._pointer: Any = None
        self._pointer_problem: str | None = "no release has been loaded yet"
        self._traffic: Traffic | None = None
        self._traffic_tag = ABSENT
        self._traffic_problem: str | None = None
        self._sides: dict[str, Loaded] = {}
        self._opened: dict[str, Opened] = {}
        """By the folder of the release."""
        self._tried: dict[str, tuple[str, float]] = {}
        self._side_problems: dict[str, str] = {}
        self._told: tuple[Any, ...] = ()
        self.swaps = 0
        self.refused = 0
        self.agreement = Agreement()

    @property
    def current(self) -> Loaded | None:
        """The side that answers whoever is nobody else's."""
        return self._sides.get(STABLE)

    @property
    def stopped(self) -> str | None:
        """Why nothing is answered: the kill switch, or a traffic document in which one may be hidden."""
        if self._traffic is None and self._traffic_problem:
            return f"nobody can say whether answering is stopped: {self._traffic_problem.splitlines()[0]}"
        told = self._pointer.get("stop") if isinstance(self._pointer, dict) else None
        return (self._traffic.stop if self._traffic else None) or (str(told)[:500] if told else None)

    @property
    def problem(self) -> str | None:
        """What is wrong with any of the documents or sides; a server with a problem may well be serving."""
        found = [self._pointer_problem, self._traffic_problem, *self._side_problems.values()]
        return "\n".join(dict.fromkeys(text for text in found if text)) or None

    @property
    def sticky(self) -> Sticky:
        """What `choose` is to be asked with: the client's name or the request's id."""
        return self._traffic.sticky if self._traffic else "client"

    def sides(self) -> dict[str, Loaded]:
        """The sides that can answer now."""
        return dict(self._sides)

    def choose(self, key: str) -> str:
        """The side that answers the client or request called `key`: stable or canary."""
        return CANARY if CANARY in self._sides and self._traffic is not None and self._traffic.takes_canary(key) else STABLE

    def shadowed(self, key: str) -> bool:
        """Whether the shadow is to be asked as well."""
        return SHADOW in self._sides and self._traffic is not None and self._traffic.takes_shadow(key)

    def start(self) -> None:
        """Watch the store until `stop`."""
        for name, work in (("release-documents", self.read), ("release-sides", self.act)):
            threading.Thread(target=self._watch, args=(work,), name=name, daemon=True).start()

    def stop(self) -> None:
        """Watch no more, and take away every copy of a model; the workers have ended by then."""
        self._stop.set()
        for opened in list(self._opened.values()):
            opened.close()
        shutil.rmtree(self._settings.cache, ignore_errors=True)

    def _watch(self, work: Callable[[], None]) -> None:
        while not self._stop.is_set():
            work()
            self._stop.wait(self._settings.poll_seconds)

    def look(self) -> None:
        """Read the documents once and bring the sides to what they say. Never raises."""
        self.read()
        self.act()

    def read(self) -> None:
        """Read pointer and traffic once; a stop counts from here on. Never raises."""
        found = self._document(POINTER)
        if isinstance(found, str):
            self._pointer_problem = found
        elif found.tag == ABSENT:
            self._pointer_problem = f"{self._settings.releases} has no {POINTER} yet: no release has been registered"
        elif not isinstance(found.value, dict) or not isinstance(found.value.get("version"), str) or not _DIGEST.fullmatch(str(found.value.get("digest"))):
            self._pointer_problem = f"{POINTER} names no release by version and digest"
        else:
            self._pointer, self._pointer_problem = found.value, None
        found = self._document(TRAFFIC)
        if isinstance(found, str):
            self._traffic_problem = found
        elif found.tag != self._traffic_tag or self._traffic_problem or self._traffic is None:
            self._take_traffic(found)
        self._tell()

    def _document(self, name: str) -> Document | str:
        try:
            return self._store.read_document(name)
        except FalajError as problem:
            return str(problem)
        except Exception as problem:  # the watch must outlive whatever a store does
            return f"{type(problem).__name__}: {problem}"

    def _take_traffic(self, found: Document) -> None:
        if found.tag == ABSENT:
            # Once there was one, taking it away changes nothing: it would be the way to lift a stop without the key.
            self._traffic_problem = None if self._traffic_tag == ABSENT else f"{TRAFFIC} is gone; what it said last holds"
            self._traffic = self._traffic or Traffic()
            return
        try:
            traffic = verified(found.value, self._trusted())
        except FalajError as problem:
            self._traffic_problem = str(problem)
            return
        if self._traffic and traffic.serial < self._traffic.serial:
            self._traffic_problem = f"{TRAFFIC} has serial {traffic.serial}, older than {self._traffic.serial}; what the newer said holds"
            return
        self._traffic, self._traffic_tag, self._traffic_problem = traffic, found.tag, None

    def act(self) -> None:
        """Open what the documents name and is not served yet, and give up what they no longer name. Never raises."""
        for side, wanted in self._wanted().items():
            current = self._sides.get(side)
            if wanted is None:
                self._tried.pop(side, None)
                self._side_problems.pop(side, None)
                if current is not None:
                    del self._sides[side]
                    self._changed(side, None)
            elif current is None or current.release.digest != wanted[1]:
                self._take(side, *wanted)
            else:
                self._side_problems.pop(side, None)
                self._tried.pop(side, None)
        self._forget_others()
        self._tell()

    def _wanted(self) -> dict[str, tuple[str, str] | None]:
        if self._settings.release:
            return {STABLE: self._settings.release, CANARY: None, SHADOW: None}
        traffic, pointer = self._traffic or Traffic(), self._pointer
        parts = {CANARY: traffic.canary, SHADOW: traffic.shadow}
        beside = {side: (part.version, part.digest) if part else None for side, part in parts.items()}
        return {**({STABLE: (pointer["version"], pointer["digest"])} if pointer else {}), **beside}

    def _take(self, side: str, version: str, digest: str) -> None:
        before = self._tried.get(side)
        if before and before[0] == digest and self._clock() < before[1]:
            return
        try:
            opened = self._open(side, version, digest)
            if self._on_change:
                self._on_change(side, opened)
            self._sides[side] = opened
            self.swaps += 1
            self._side_problems.pop(side, None)
        except Exception as problem:  # the watch must outlive whatever a store or a model file does
            self.refused += 1
            text = str(problem) if isinstance(problem, FalajError) else f"{type(problem).__name__}: {problem}"
            self._side_problems[side] = text if side == STABLE else f"{side}: {text}"
            self._tried[side] = (digest, self._clock() + self._settings.retry_seconds)

    def _changed(self, side: str, loaded: Loaded | None) -> None:
        try:
            if self._on_change:
                self._on_change(side, loaded)
        except Exception as problem:  # nothing is lost: the side is already out of use
            print(f"{side}: {type(problem).__name__}: {problem}", file=sys.stderr, flush=True)

    def _open(self, side: str, version: str, digest: str) -> Loaded:
        began = self._clock()
        for other in self._sides.values():
            if other.release.digest == digest:  # such as a canary that becomes the current release
                return Loaded(side, other.release, other.folder, other.tokenize, self._clock() - began)
        # The own copy is verified and then loaded, so that nobody can alter the files between the two.
        cache = self._settings.cache
        _own(cache)
        folder = cache / digest.removeprefix("sha256:")[:32]
        try:
            self._store.get_folder(version, folder)
        except OSError as problem:
            raise Fault(
                f"release {version} could not be fetched: {problem.strerror}", given=str(folder), next="free some space where the cache is"
            ) from problem
        release = verify(folder, self._trusted(), digest=digest)
        if self._settings.requests is not None:
            reference.require(release.profile, release.version)
        if folder.name in self._opened:
            self._opened.pop(folder.name).close()
        self._opened[folder.name] = opened = self._open_model(release)
        return Loaded(side, release, opened.folder, tokenizer(opened.folder), self._clock() - began)

    def _forget_others(self) -> None:
        # A worker that still finishes its answers has mapped its files and does not look at their names again.
        used = {side.release.folder.name for side in self._sides.values()}
        for name in [name for name in self._opened if name not in used]:
            self._opened.pop(name).close()
        for folder in self._settings.cache.iterdir() if self._settings.cache.is_dir() else ():
            if folder.is_dir() and re.fullmatch(r"[0-9a-f]{32}", folder.name) and folder.name not in used:
                shutil.rmtree(folder, ignore_errors=True)

    def _tell(self) -> None:
        now = (self.problem, self.stopped, tuple((side, loaded.release.version) for side, loaded in sorted(self._sides.items())))
        if now != self._told:
            self._told = now
            served = ", ".join(f"{version} ({side})" for side, version in now[2]) or "nothing"
            print(f"stopped: {now[1]}" if now[1] else now[0] or f"serving {served}", file=sys.stderr, flush=True)


def _own(folder: Path) -> None:
    """Make `folder`, or see that nobody else could have put or could alter anything there. Raises Denied."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise Denied(
            "the place for our copies of releases is not ours alone",
            given=str(folder),
            allowed="a folder of this user with mode 0700",
            why="what was verified there could be altered before it is loaded",
            next="take it away, and look who made it",
        )


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
