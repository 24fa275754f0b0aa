"""Models that lie sealed: files encrypted under a key of their release, opened only into memory and only for as long as they are loaded.

A sealed model folder holds `NAME.sealed` for each file and `sealing.json`, which names the plaintexts' digests and holds the data key
wrapped by a `SealingKey`. All of it is bound to one release: its files do not open in the place of another's.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from falaj.canonical import digest, digest_file
from falaj.errors import Fault, UsageError
from falaj.files import read_json, write_json
from workloads import sealed_stream
from workloads.model_files import require_known_types
from workloads.release import Release
from workloads.sealed_stream import NotIntact
from workloads.sealing_keys import SETTING, SealingKey

SCHEMA = "falaj.sealed/1"
DOCUMENT = "sealing.json"
SUFFIX = ".sealed"
_PREFIX = "falaj-open-"
_ALIGNED = 4096


@dataclass
class Opened:
    """A model's files in the clear. Close it when the engine has been closed: a sealed model's plaintext is removed then."""

    folder: Path
    sealed: bool = False
    in_memory: bool = True
    """Whether the plaintext is on a file system that lives in memory; True where nothing was sealed."""
    _private: Path | None = None
    _lock: int | None = field(default=None, repr=False)

    def close(self) -> None:
        """Remove the plaintext. May be called again."""
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)
            self._private = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
        atexit.unregister(self.close)

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def is_sealed(model: Path) -> bool:
    """Whether a model folder is sealed."""
    return (model / DOCUMENT).is_file() or any(model.glob(f"*{SUFFIX}"))


def seal_folder(model: Path, target: Path, key: SealingKey, *, identity: Mapping[str, str]) -> dict[str, Any]:
    """Write the files of `model` sealed to the new folder `target`, and return what `sealing.json` says.

    `identity` says whose they are, such as the release's version and candidate. Raises NotAModel for a file that could not be loaded.
    """
    files = {path.name: {"digest": digest_file(path), "bytes": path.stat().st_size} for path in require_known_types(model)}
    binding = _binding(identity, files)
    data_key, wrapped = key.fresh(_context(identity, binding))
    target.mkdir(parents=True, mode=0o700)
    try:
        for name in files:
            with (model / name).open("rb") as source, (target / f"{name}{SUFFIX}").open("xb") as out:
                sealed_stream.encrypt(source, out, data_key, binding=binding, name=name)
                out.flush()
                os.fsync(out.fileno())
    except OSError as problem:
        shutil.rmtree(target, ignore_errors=True)
        raise _no_room(target, problem) from problem
    document = {"schema": SCHEMA, "cipher": "AES-256-GCM", "chunk": sealed_stream.CHUNK, "binding": binding, "key": wrapped, "files": files}
    write_json(target / DOCUMENT, document)
    return document


def open_folder(model: Path, key: SealingKey | None, *, identity: Mapping[str, str], parent: Path | None = None) -> Opened:
    """The files of a sealed folder in the clear, in a new folder of mode 0700 under `parent`, or where `private_parent` finds one.

    Raises NotIntact when anything is not what was sealed for `identity`, Denied when the key's keeper says no, Fault when there is no room.
    Then no plaintext is left.
    """
    if key is None:
        raise UsageError("the model is sealed and there is no key", given=f"{SETTING} is not set", allowed="the key that it was sealed with")
    document = _read(model, identity)
    files: dict[str, dict[str, Any]] = document["files"]
    data_key = key.unwrap(document["key"], _context(identity, document["binding"]))
    size = sum(file["bytes"] + _ALIGNED for file in files.values())
    opened = _private_folder(parent or private_parent(size))
    try:
        for name, facts in files.items():
            with (model / f"{name}{SUFFIX}").open("rb") as source, _create(opened.folder / name) as out:
                found = sealed_stream.decrypt(source, out, data_key, binding=document["binding"], name=name)
            if found != facts["digest"]:
                raise NotIntact(f"{name} opens to something else than was sealed", given=found, allowed=facts["digest"], next="register the release anew")
        require_known_types(opened.folder)
    except OSError as problem:
        opened.close()
        raise _no_room(opened.folder, problem) from problem
    except BaseException:
        opened.close()
        raise
    return opened


def open_model(release: Release, key: SealingKey | None, *, parent: Path | None = None) -> Opened:
    """The model files of a verified release: the folder itself where it is not sealed. Only safetensors, ONNX and JSON files are given."""
    if is_sealed(release.model):
        return open_folder(release.model, key, identity=identity_of(release.document), parent=parent)
    require_known_types(release.model)
    return Opened(release.model)


def identity_of(document: Mapping[str, Any]) -> dict[str, str]:
    """What a sealed model is bound to: the version and the judged candidate of a release document."""
    return {"version": str(document["version"]), "candidate": str(document.get("candidate", ""))}


def private_parent(size: int) -> Path:
    """Where plaintext of `size` bytes goes: a file system in memory that has room, else the temporary folder.

    RUNTIME_DIRECTORY, which systemd gives to a service, comes before /dev/shm.
    """
    named = [Path(part) for part in os.environ.get("RUNTIME_DIRECTORY", "").split(":") if part]
    for place in [*named, Path("/dev/shm")]:
        if place.is_dir() and os.access(place, os.W_OK) and in_memory(place) and shutil.disk_usage(place).free > size:
            return place
    return Path(tempfile.gettempdir())


def in_memory(place: Path) -> bool:
    """Whether `place` is on tmpfs or ramfs; False where that cannot be known."""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    wanted, best, kind = place.resolve(), Path("/"), ""
    for line in lines:
        _, mounted, found, *_ = line.split(" ")
        mount = Path(mounted.replace("\\040", " "))
        if wanted.is_relative_to(mount) and len(mount.parts) >= len(best.parts):
            best, kind = mount, found
    return kind in ("tmpfs", "ramfs")


def sweep(parent: Path) -> int:
    """Remove plaintext that a killed process left under `parent`; returns how many folders. Those in use are kept: their lock is held."""
    removed = 0
    for folder in parent.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            handle = os.open(folder / "lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
                removed += 1
            finally:
                os.close(handle)
    return removed


def _private_folder(parent: Path) -> Opened:
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    sweep(parent)
    begun = Path(tempfile.mkdtemp(prefix=".falaj-new-", dir=parent))
    handle = os.open(begun / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    # It gets the name that is swept only once its lock is held.
    private = begun.rename(parent / f"{_PREFIX}{begun.name.removeprefix('.falaj-new-')}")
    (private / "model").mkdir(mode=0o700)
    opened = Opened(private / "model", sealed=True, in_memory=in_memory(private), _private=private, _lock=handle)
    atexit.register(opened.close)
    return opened


def _create(path: Path) -> Any:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), "wb")


def _read(model: Path, identity: Mapping[str, str]) -> dict[str, Any]:
    document = read_json(model / DOCUMENT, what="sealing document", next="fetch the release again")
    try:
        files = {str(name): {"digest": str(facts["digest"]), "bytes": int(facts["bytes"])} for name, facts in document["files"].items()}
        known = document["schema"] == SCHEMA and isinstance(document["key"], dict)
        binding = str(document["binding"])
    except (KeyError, TypeError, ValueError, AttributeError):
        known, files, binding = False, {}, ""
    if not known or not files or any("/" in name or name in ("", ".", "..") for name in files):
        raise NotIntact(f"{DOCUMENT} is not a sealing document", allowed=f"schema {SCHEMA}", next="fetch the release again")
    if binding != _binding(identity, files):
        raise NotIntact("the model was sealed for another release", given=str(dict(identity)), why="its binding is another one", next="fetch the release again")
    present = {path.name for path in model.iterdir()}
    if present != {DOCUMENT, *(f"{name}{SUFFIX}" for name in files)}:
        raise NotIntact("the sealed folder holds other files than it says", given=", ".join(sorted(present)), next="fetch the release again")
    return {**document, "files": files}


def _binding(identity: Mapping[str, str], files: Mapping[str, Mapping[str, Any]]) -> str:
    return digest({"identity": dict(identity), "files": {name: dict(facts) for name, facts in files.items()}})


def _context(identity: Mapping[str, str], binding: str) -> dict[str, str]:
    # KMS writes it to its log in the clear, so that a reader of CloudTrail sees which release was opened.
    return {"falaj-release": identity.get("version", ""), "falaj-binding": binding}


def _no_room(place: Path, problem: OSError) -> Fault:
    return Fault(f"{place.name} could not be written: {problem.strerror}", given=str(place), why="no plaintext was left", next="free some room and start again")
