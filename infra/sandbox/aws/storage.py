"""S3 objects kept on disk: written before the emulator answers, and put back when their bucket is created again.

The emulator forgets everything when its process ends. What must last (models, data, evidence) is in buckets, so each bucket
has a folder: `<bucket>/<key>.data` with the bytes and `<bucket>/<key>.json` with everything else. Only the newest version of
an object is kept.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from falaj.files import write_durably, write_json

_LONGEST_NAME = 180
"""Bytes of an encoded key that still leave room for the suffixes within a file system's 255."""


def file_name(key: str) -> str:
    """A file name for an object key: readable where it can be, never a path, never hidden, unique."""
    name = quote(key, safe=" ").replace(" ", "%20")
    if name.startswith("."):
        name = "%2E" + name[1:]
    if len(name) > _LONGEST_NAME:
        name = name[:60] + "-" + hashlib.sha256(key.encode()).hexdigest()
    return name


class BucketFolders:
    """Copies objects between the emulator's memory (`moto.s3`) and a folder. Not thread-safe: the server calls it under its lock."""

    def __init__(self, folder: Path, account: str) -> None:
        self._folder = folder
        self._account = account

    def bucket_created(self, bucket: str) -> int:
        """Put back what the folder of `bucket` holds and memory lacks; returns how many objects came back."""
        memory = self._bucket(bucket)
        if memory is None:
            return 0
        back = 0
        for description in sorted((self._folder / bucket).glob("*.json")):
            record = _read(description)
            data = description.with_suffix(".data")
            if record is None or memory.keys.get(record["key"]) is not None or not data.exists():
                continue
            self._restore(bucket, record, data.read_bytes())
            back += 1
        return back

    def bucket_deleted(self, bucket: str) -> None:
        """Forget the folder: the emulator deletes empty buckets only."""
        shutil.rmtree(self._folder / bucket, ignore_errors=True)

    def object_changed(self, bucket: str, key: str) -> None:
        """Bring the folder to what memory now holds under `key`: written, or gone."""
        memory = self._bucket(bucket)
        held = memory.keys.get(key) if memory is not None else None
        stem = self._folder / bucket / file_name(key)
        if held is None or not hasattr(held, "value"):  # a delete marker holds no value
            _unlink(stem)
            return
        # Data first: a crash in between leaves the old description beside new bytes of a write nobody was told had succeeded.
        write_durably(_suffixed(stem, ".data"), held.value)
        write_json(_suffixed(stem, ".json"), self._describe(held))

    def bucket_changed(self, bucket: str) -> None:
        """Drop from the folder every object that memory no longer holds (a request that deleted many at once)."""
        memory = self._bucket(bucket)
        for description in (self._folder / bucket).glob("*.json"):
            record = _read(description)
            held = memory.keys.get(record["key"]) if memory is not None and record is not None else None
            if held is None or not hasattr(held, "value"):
                _unlink(description.with_suffix(""))

    def _bucket(self, name: str) -> Any:
        return self._backend().buckets.get(name)

    def _backend(self) -> Any:
        from moto.s3.models import s3_backends

        return s3_backends[self._account]["aws"]

    def _describe(self, held: Any) -> dict[str, Any]:
        tags = self._backend().tagger.get_tag_dict_for_resource(held.arn)
        return {
            "key": held.name,
            "etag": held.etag.strip('"'),
            "metadata": dict(held.metadata),
            "modified": held.last_modified.isoformat(),
            "storage": held.storage_class,
            "encryption": held.encryption,
            "kms_key": held.kms_key_id,
            "lock_mode": held.lock_mode,
            "lock_until": held.lock_until,
            "lock_hold": held.lock_legal_status,
            "checksum": [held.checksum_algorithm, held.checksum_value],
            "tags": tags,
        }

    def _restore(self, bucket: str, record: dict[str, Any], data: bytes) -> None:
        backend = self._backend()
        held = backend.put_object(
            bucket_name=bucket,
            key_name=record["key"],
            value=data,
            storage=record["storage"],
            etag=record["etag"],
            encryption=record["encryption"],
            kms_key_id=record["kms_key"],
            lock_mode=record["lock_mode"],
            lock_legal_status=record["lock_hold"],
            lock_until=record["lock_until"],
            disable_notification=True,
        )
        held.set_metadata(record["metadata"])
        held.last_modified = datetime.fromisoformat(record["modified"])
        held.checksum_algorithm, held.checksum_value = record["checksum"]
        if record["tags"]:
            backend.put_object_tagging(held, record["tags"])


def _suffixed(stem: Path, suffix: str) -> Path:
    # Path.with_suffix would take the key's own dots for a suffix.
    return stem.parent / (stem.name + suffix)


def _unlink(stem: Path) -> None:
    for suffix in (".data", ".json"):
        _suffixed(stem, suffix).unlink(missing_ok=True)


def _read(description: Path) -> dict[str, Any] | None:
    if description.name.startswith("."):  # a write that a crash cut short
        return None
    try:
        return json.loads(description.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
