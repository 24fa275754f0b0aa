"""Logs of pods: found by pod and container, cut to the last lines, or followed until the container has ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from infra.sandbox.kubernetes.containers import log_file
from infra.sandbox.kubernetes.kinds import POD, Object, name_of, namespace_of
from infra.sandbox.kubernetes.pod import FINISHED
from infra.sandbox.kubernetes.settings import Settings
from infra.sandbox.kubernetes.status import bad_request
from infra.sandbox.kubernetes.store import Store

_CHUNK = 1 << 16
_POLL_SECONDS = 0.1


def read_log(store: Store, settings: Settings, namespace: str, pod_name: str, query: Mapping[str, str]) -> Iterator[bytes]:
    """Pieces of a log. Query: container, tailLines, follow, previous. Raises ApiError: 404 no pod, 400 no such container."""
    pod = store.get(POD, namespace, pod_name)
    names = [spec["name"] for spec in [*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or [])]]
    container = query.get("container") or names[0]
    if container not in names:
        raise bad_request(f"container {container} is not valid for pod {pod_name}; valid: {', '.join(names)}")
    tail = query.get("tailLines")
    if tail is not None and not tail.isdecimal():
        raise bad_request(f"tailLines: Invalid value: {tail}: must be a whole number")
    return _pieces(store, settings, pod, container, int(tail) if tail else None, query.get("follow") == "true", query.get("previous") == "true")


def _pieces(store: Store, settings: Settings, pod: Object, container: str, tail: int | None, follow: bool, previous: bool) -> Iterator[bytes]:
    number = _number(pod, container) - (1 if previous else 0)
    path = log_file(settings, namespace_of(pod) or "default", name_of(pod), container, max(number, 0))
    position = _tail_position(path, tail) if tail is not None else 0
    while True:
        # Looked at before reading: what is written until it ends is still read.
        ended = not follow or _ended(store, pod, container)
        while piece := _read(path, position):
            position += len(piece)
            yield piece
        live = store.find(POD, namespace_of(pod), name_of(pod))
        if follow and live and _number(live, container) > number:
            number = _number(live, container)
            path, position = log_file(settings, namespace_of(pod) or "default", name_of(pod), container, number), 0
            continue
        if ended:
            return
        time.sleep(_POLL_SECONDS)


def _read(path: Path, position: int) -> bytes:
    try:
        with path.open("rb") as stream:
            stream.seek(position)
            return stream.read(_CHUNK)
    except FileNotFoundError:
        return b""


def _tail_position(path: Path, lines: int) -> int:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return 0
    if lines == 0:
        return len(data)
    kept = data.splitlines(keepends=True)[-lines:]
    return len(data) - sum(map(len, kept))


def _row(pod: Object, container: str) -> Object | None:
    status = pod.get("status") or {}
    rows = [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]
    return next((row for row in rows if row["name"] == container), None)


def _number(pod: Object, container: str) -> int:
    row = _row(pod, container)
    return int(row["containerID"].rpartition("/")[2]) if row else 0


def _ended(store: Store, pod: Object, container: str) -> bool:
    live = store.find(POD, namespace_of(pod), name_of(pod))
    if live is None or live["metadata"]["uid"] != pod["metadata"]["uid"] or (live.get("status") or {}).get("phase") in FINISHED:
        return True
    row = _row(live, container)
    return bool(row and "terminated" in row["state"])
