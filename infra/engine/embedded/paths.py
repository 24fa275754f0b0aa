"""Property paths as in `ignoreChanges` and `replaceOnChanges`: `a.b`, `a[0]`, `a["x.y"]`, `a.*`."""

from __future__ import annotations

import re
from typing import Any

from infra.engine.embedded.values import Properties, Secret

Path = list[str | int]
_PIECE = re.compile(r"""\.?([^.\[\]"]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\[(\*)\]""")


def parse(text: str) -> Path | None:
    """The path, or None when `text` is not one."""
    path: Path = []
    at = 0
    while at < len(text):
        match = _PIECE.match(text, at)
        if match is None:
            return None
        name, index, quoted, star = match.groups()
        path.append(int(index) if index is not None else quoted.replace('\\"', '"') if quoted is not None else star or name)
        at = match.end()
    return path or None


def covers(outer: Path, inner: Path) -> bool:
    """True when `outer` names `inner` or something that holds it."""
    return len(outer) <= len(inner) and all(a in ("*", b) for a, b in zip(outer, inner, strict=False))


def ignore_changes(news: Properties, olds: Properties, ignored: list[str]) -> Properties:
    """`news` with every ignored path set back to what it was; a path that was not there is taken out."""
    result = news
    for text in ignored:
        path = parse(text)
        if path is not None:
            result = _reset(olds, result, path)
    return result


def _reset(old: Any, new: Any, path: Path) -> Any:
    if isinstance(old, Secret) or isinstance(new, Secret):
        inner = _reset(old.value if isinstance(old, Secret) else old, new.value if isinstance(new, Secret) else new, path)
        return Secret(inner)
    key, rest = path[0], path[1:]
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys()) if key == "*" else [str(key)]
        changed = dict(new)
        for name in keys:
            if rest:
                if name in old and name in changed:
                    changed[name] = _reset(old[name], changed[name], rest)
            elif name in old:
                changed[name] = old[name]
            else:
                changed.pop(name, None)
        return changed
    if isinstance(old, list) and isinstance(new, list):
        indices = range(min(len(old), len(new))) if key == "*" else [key] if isinstance(key, int) and key < min(len(old), len(new)) else []
        items = list(new)
        for index in indices:
            items[index] = _reset(old[index], items[index], rest) if rest else old[index]
        return items
    return new
