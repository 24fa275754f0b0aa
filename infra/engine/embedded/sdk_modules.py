"""Loads the modules of the providers' SDKs in a tenth of the time.

They are generated, hundreds of thousands of lines a package, and most of what they do on import serves editors alone. Compiled here, they keep their
annotations as text (the SDK reads those of a class once it is used, through `typing.get_type_hints`), their typed dictionaries without keys (nothing
reads those), and no docstrings. The bytecode is kept apart from Python's own.
"""

from __future__ import annotations
import __future__

import contextlib
import importlib.util
import marshal
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

_FORM = b"1"
"""Raised whenever `_compile` makes something else of the same source."""
_FLAGS = __future__.annotations.compiler_flag
_NO_DOCSTRINGS = 2
_TYPED_DICT = re.compile(r"^(class \w+\(TypedDict\):)\n(?:[ \t].*\n|\n)+", re.MULTILINE)
"""One and its body: lines that are indented or empty. Parsing it into a tree, to cut it out there, takes thrice as long as all of the compiling."""
_SELDOM = "pulumi.automation"
"""A third of the time that `import pulumi` takes, and hardly a program asks for it."""


def install(cache: Path) -> None:
    """From now on, load every SDK of a provider so, and Pulumi's automation when it is asked for.

    What is compiled goes to `cache`, or nowhere where that cannot be written.
    """
    sys.meta_path.insert(0, _Finder(cache))


class _Finder:
    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._generated: dict[str, bool] = {}

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        package = name.partition(".")[0]
        if name == _SELDOM:
            return _later(PathFinder.find_spec(name, path, target))
        if not package.startswith("pulumi_") or self._generated.get(package) is False:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is None or not isinstance(spec.loader, SourceFileLoader):
            return None
        if package not in self._generated:
            # Every generated SDK says beside its first module which plugin it is of.
            self._generated[package] = Path(spec.loader.path).with_name("pulumi-plugin.json").is_file()
        if self._generated[package]:
            spec.loader = _Loader(name, spec.loader.path, self._cache)
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, cache: Path) -> None:
        super().__init__(name, path)
        self._cache = cache / f"{name}.{sys.implementation.cache_tag}"

    def get_code(self, fullname: str) -> CodeType:
        status = os.stat(self.path)
        mark = b"%s %s %d %d %s\n" % (_FORM, importlib.util.MAGIC_NUMBER.hex().encode(), status.st_mtime_ns, status.st_size, os.fsencode(self.path))
        with contextlib.suppress(OSError, ValueError, EOFError, TypeError):
            kept = self._cache.read_bytes()
            if kept.startswith(mark):
                return marshal.loads(memoryview(kept)[len(mark) :])
        code = _compile(self.path)
        with contextlib.suppress(OSError):
            _keep(self._cache, mark + marshal.dumps(code))
        return code


def _later(spec: ModuleSpec | None) -> ModuleSpec | None:
    """The same module, run once something is asked of it."""
    if spec is not None and spec.loader is not None:
        spec.loader = importlib.util.LazyLoader(spec.loader)
    return spec


def _compile(path: str) -> CodeType:
    source = Path(path).read_text(encoding="utf-8")
    with contextlib.suppress(SyntaxError):
        return _compiled(_TYPED_DICT.sub(lambda found: f"{found[1]} pass" + "\n" * found[0].count("\n"), source), path)
    return _compiled(source, path)


def _compiled(source: str, path: str) -> CodeType:
    return compile(source, path, "exec", flags=_FLAGS, dont_inherit=True, optimize=_NO_DOCSTRINGS)


def _keep(place: Path, content: bytes) -> None:
    """Whole or not at all: another program may be reading it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=place.parent)
    try:
        with open(handle, "wb") as stream:
            stream.write(content)
        os.replace(name, place)
    except OSError:
        os.unlink(name)
        raise
