"""JSON merge patch (RFC 7386) and apply."""

from __future__ import annotations

from typing import Any


def merge_patch(target: Any, patch: Any) -> Any:
    """`target` changed as `patch` says: null removes a key, lists are replaced whole."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def three_way(old: Any, new: Any, live: Any) -> Any:
    """`live` with what `new` says, and without what `old` said and `new` no longer does; fields that neither names stay."""
    if not isinstance(new, dict) or not isinstance(live, dict):
        return new
    result = {key: value for key, value in live.items() if key in new or not (isinstance(old, dict) and key in old)}
    for key, value in new.items():
        result[key] = three_way(old.get(key) if isinstance(old, dict) else None, value, live[key]) if key in live else value
    return result
