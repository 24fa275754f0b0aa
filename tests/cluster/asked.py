"""A cluster as tests ask it: what is there is there, and what is to come is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from infra.sandbox.node.api import Api

_PATIENCE_SECONDS = 180.0
Pods = dict[str, dict[str, Any]]
T = TypeVar("T")


class Asked(Api):
    """Requests that must succeed, and patience."""

    def get(self, path: str) -> Any:
        """The object or list at `path`, which is there."""
        status, answer = self.send("GET", path)
        assert status == 200, answer
        return answer

    def change(self, path: str, patch: dict[str, Any]) -> Any:
        """Merge `patch` into the object at `path`."""
        status, answer = self.send("PATCH", path, patch, "application/merge-patch+json")
        assert status == 200, answer
        return answer

    def make(self, manifest: dict[str, Any]) -> Any:
        """Create the object, which nobody refuses."""
        status, answer = self.create(manifest)
        assert status == 201, answer
        return answer

    def pods(self, namespace: str, selector: str = "") -> Pods:
        """Pods of the namespace that are not going, by name."""
        listed = self.get(f"/api/v1/namespaces/{namespace}/pods" + (f"?labelSelector={selector}" if selector else ""))["items"]
        return {pod["metadata"]["name"]: pod for pod in listed if "deletionTimestamp" not in pod["metadata"]}

    def until(self, look: Callable[[], T], good: Callable[[T], object] = bool) -> T:
        """What `look` finds once that is `good`."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not good(found := look()):
            assert time.monotonic() < end, f"it never came about; last seen: {found}"
            time.sleep(0.2)
        return found
