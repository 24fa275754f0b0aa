"""Where releases live: an S3 prefix or a folder, behind one small interface.

A pointer is replaced only when it still is what the writer read (a conditional write), so two writers cannot lose each
other's change. boto3 is imported on use; AWS_ENDPOINT_URL and the usual credentials are honoured by it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from falaj.canonical import digest_bytes
from falaj.errors import Fault, UsageError
from falaj.files import lock, write_durably

ABSENT = "absent"
"""The tag of a document that does not exist: expecting it means 'create, never replace'."""
_LOCK_SECONDS = 10.0


class Conflict(Fault):
    """A document is no longer what the writer read."""


@dataclass(frozen=True)
class Document:
    """A JSON document and its tag; `value` is None and `tag` is ABSENT where there is none."""

    value: Any
    tag: str


class Store(ABC):
    """Files under one URI, named by relative POSIX paths."""

    uri: str

    @staticmethod
    def open(uri: str | Path) -> Store:
        """A store for `s3://bucket/prefix`, `file:///path` or a folder path. Raises UsageError for any other scheme."""
        text = str(uri)
        if text.startswith("s3://"):
            return S3Store(text)
        if "://" in text and not text.startswith("file://"):
            raise UsageError(f"{text.split('://')[0]!r} is no place for releases", given=text, allowed="s3://bucket/prefix or a folder")
        return FolderStore(Path(text.removeprefix("file://")))

    @abstractmethod
    def read_bytes(self, name: str) -> bytes | None:
        """The content of one file, or None where there is none."""

    @abstractmethod
    def write_bytes(self, name: str, data: bytes) -> None:
        """Write one file, whole or not at all."""

    @abstractmethod
    def names(self, prefix: str = "") -> list[str]:
        """Names of all files whose path starts with the folder `prefix`, sorted."""

    @abstractmethod
    def read_document(self, name: str) -> Document:
        """A JSON document with its tag. Raises Fault when it is not JSON."""

    @abstractmethod
    def replace_document(self, name: str, value: Any, *, expect: str) -> str:
        """Write a JSON document if its tag still is `expect` (ABSENT: if there is none). Returns the new tag; raises Conflict."""

    @abstractmethod
    def remove(self, names: Sequence[str]) -> None:
        """Remove files, in this order; one that is not there is no error."""

    @abstractmethod
    def _fetch(self, name: str, target: Path) -> None: ...

    @abstractmethod
    def _send(self, source: Path, name: str) -> None: ...

    def read_json(self, name: str) -> Any:
        """The JSON of `name`, or None where there is none."""
        return self.read_document(name).value

    def put_json(self, name: str, value: Any, *, expect: str | None = None) -> str:
        """Write a JSON document, whatever is there unless `expect` names a tag. Returns the new tag."""
        return self.replace_document(name, value, expect=self.read_document(name).tag if expect is None else expect)

    def put_folder(self, folder: Path, prefix: str, *, last: str | None = None) -> None:
        """Send every file of `folder`. `last` names the file that is sent last, so that its presence says that all are there."""
        files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        for name in sorted(files, key=lambda name: name == last):
            self._send(folder / name, _join(prefix, name))

    def get_folder(self, prefix: str, folder: Path) -> list[str]:
        """Fetch every file under `prefix` into `folder`, which appears whole or not at all. Returns the names.

        Raises Fault when there is nothing under `prefix` or a name would leave the folder.
        """
        found = [name.removeprefix(prefix.rstrip("/") + "/") for name in self.names(prefix)]
        if not found:
            raise Fault(f"there is nothing under {prefix}", given=self.uri, next="check the name with the store's listing")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as temporary:
            for name in found:
                target = Path(temporary) / "all" / _safe(name)
                target.parent.mkdir(parents=True, exist_ok=True)
                self._fetch(_join(prefix, name), target)
            if folder.exists():
                shutil.rmtree(folder)
            os.rename(Path(temporary) / "all", folder)
        return found


class FolderStore(Store):
    """A store in a folder of this machine; the pointer is guarded by a file lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self.uri = str(self._folder)

    def read_bytes(self, name: str) -> bytes | None:
        try:
            return (self._folder / _safe(name)).read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            return None

    def write_bytes(self, name: str, data: bytes) -> None:
        write_durably(self._folder / _safe(name), data)

    def names(self, prefix: str = "") -> list[str]:
        top = self._folder / _safe(prefix) if prefix else self._folder
        return sorted(path.relative_to(self._folder).as_posix() for path in top.rglob("*") if path.is_file() and not path.name.startswith("."))

    def read_document(self, name: str) -> Document:
        data = self.read_bytes(name)
        return Document(None, ABSENT) if data is None else Document(_parse(data, name, self.uri), digest_bytes(data))

    def replace_document(self, name: str, value: Any, *, expect: str) -> str:
        data = _encode(value)
        self._folder.mkdir(parents=True, exist_ok=True)
        # The holder needs milliseconds.
        with lock(self._folder / f".{name.replace('/', '.')}.lock", what="the store's pointer", patience=_LOCK_SECONDS):
            if self.read_document(name).tag != expect:
                raise _conflict(name, self.uri)
            self.write_bytes(name, data)
        return digest_bytes(data)

    def remove(self, names: Sequence[str]) -> None:
        for name in names:
            path = self._folder / _safe(name)
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # other files are still in it
                path.parent.rmdir()

    def _fetch(self, name: str, target: Path) -> None:
        shutil.copyfile(self._folder / _safe(name), target)

    def _send(self, source: Path, name: str) -> None:
        write_durably(self._folder / _safe(name), source.read_bytes())


class S3Store(Store):
    """A store under an S3 prefix; the pointer is guarded by If-Match and If-None-Match."""

    def __init__(self, uri: str) -> None:
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        if not bucket:
            raise UsageError("an S3 address without a bucket", given=uri, allowed="s3://bucket/prefix")
        self.uri, self._bucket, self._prefix = uri.rstrip("/"), bucket, prefix.strip("/")
        self._client_: Any = None

    @property
    def _client(self) -> Any:
        if self._client_ is None:
            import boto3
            from botocore.config import Config

            # A region is needed to sign requests; where none is configured the endpoint is an emulator that ignores it.
            region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "me-central-1"
            settings = Config(
                retries={"mode": "standard", "max_attempts": 4},
                connect_timeout=5,
                read_timeout=60,
                s3={"addressing_style": "path" if os.environ.get("AWS_ENDPOINT_URL") else "auto"},
            )
            self._client_ = boto3.client("s3", region_name=region, config=settings)
        return self._client_

    def read_bytes(self, name: str) -> bytes | None:
        return self._read(name)[0]

    def write_bytes(self, name: str, data: bytes) -> None:
        self._call("put_object", Key=self._key(name), Body=data, ChecksumAlgorithm="SHA256")

    def names(self, prefix: str = "") -> list[str]:
        start = self._key(prefix).rstrip("/") + "/" if prefix or self._prefix else ""
        found: list[str] = []
        following: dict[str, Any] = {}
        while True:
            page = self._call("list_objects_v2", Prefix=start, **following)
            found += [item["Key"] for item in page.get("Contents", [])]
            if not page.get("IsTruncated"):
                break
            following = {"ContinuationToken": page["NextContinuationToken"]}
        cut = len(self._prefix) + 1 if self._prefix else 0
        return sorted(key[cut:] for key in found)

    def read_document(self, name: str) -> Document:
        data, tag = self._read(name)
        return Document(None, ABSENT) if data is None else Document(_parse(data, name, self.uri), tag)

    def replace_document(self, name: str, value: Any, *, expect: str) -> str:
        condition: dict[str, Any] = {"IfNoneMatch": "*"} if expect == ABSENT else {"IfMatch": expect}
        answer = self._call("put_object", Key=self._key(name), Body=_encode(value), ContentType="application/json", document=name, **condition)
        return answer["ETag"]

    def _read(self, name: str) -> tuple[bytes | None, str]:
        answer = self._call("get_object", Key=self._key(name), absent_is_none=True)
        return (None, ABSENT) if answer is None else (answer["Body"].read(), answer["ETag"])

    def remove(self, names: Sequence[str]) -> None:
        for name in names:
            self._call("delete_object", Key=self._key(name))

    def _fetch(self, name: str, target: Path) -> None:
        answer = self._call("get_object", Key=self._key(name))
        with target.open("wb") as stream:
            shutil.copyfileobj(answer["Body"], stream, 1 << 20)

    def _send(self, source: Path, name: str) -> None:
        with source.open("rb") as stream:
            self._call("put_object", Key=self._key(name), Body=stream, ChecksumAlgorithm="SHA256")

    def _key(self, name: str) -> str:
        return _join(self._prefix, str(_safe(name))) if name else self._prefix

    def _call(self, operation: str, *, absent_is_none: bool = False, document: str = "", **arguments: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, operation)(Bucket=self._bucket, **arguments)
        except ClientError as problem:
            code = problem.response.get("Error", {}).get("Code", "")
            if absent_is_none and code in ("NoSuchKey", "404"):
                return None
            if document and code in ("PreconditionFailed", "ConditionalRequestConflict", "412", "409"):
                raise _conflict(document, self.uri) from problem
            raise _store_fault(operation, self.uri, f"{code}: {problem.response.get('Error', {}).get('Message', '')}") from problem
        except BotoCoreError as problem:
            raise _store_fault(operation, self.uri, str(problem)) from problem


def releases_uri() -> str:
    """Where releases go: FALAJ_RELEASES, else the artifacts bucket's `releases/`, else a folder of the work volume."""
    if named := os.environ.get("FALAJ_RELEASES"):
        return named
    if bucket := os.environ.get("FALAJ_ARTIFACTS_BUCKET"):
        return f"s3://{bucket}/releases"
    if work := os.environ.get("FALAJ_WORK"):
        return str(Path(work) / "releases")
    raise UsageError("there is no place for releases", given="neither FALAJ_RELEASES nor FALAJ_ARTIFACTS_BUCKET is set", next="set FALAJ_RELEASES")


def _conflict(name: str, uri: str) -> Conflict:
    return Conflict(
        f"{name} was changed by somebody else",
        given=uri,
        why="it is no longer what this command read, and writing it now would undo that change",
        next="look at it, then run the same command again",
    )


def _store_fault(operation: str, uri: str, why: str) -> Fault:
    return Fault(
        f"the release store refused {operation}", given=uri, why=why, next="check that the bucket is there (falaj status) and that this identity may use it"
    )


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise Fault(f"{name!r} is not a name inside the store", allowed="a relative path without ..", why="it would be written outside of its folder")
    return path


def _join(prefix: str, name: str) -> str:
    return f"{prefix.rstrip('/')}/{name}" if prefix else name


def _encode(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _parse(data: bytes, name: str, uri: str) -> Any:
    try:
        return json.loads(data)
    except ValueError as problem:
        raise Fault(f"{name} is not JSON", given=uri, why=str(problem), next="write it again with the command that makes it") from problem
