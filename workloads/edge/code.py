"""The code that serving needs and no more, for a bundle or an image.

python -m workloads.edge.code FOLDER      # the modules, and the native engine for every processor of this architecture
"""

from __future__ import annotations

import ast
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from falaj.errors import FalajError
from falaj.home import ROOT
from workloads.engine import native_build

ENTRIES = ("workloads.edge.start", "workloads.serve.__main__", "workloads.serve.worker", "workloads.engine.load")
"""Modules whose imports, wherever they stand in a file, make up the code."""
_DYNAMIC = ("workloads.engine.native_engine",)
_PARTS = ("falaj", "workloads")
_ROAD = (*_PARTS, "infra", "policies")


def modules_of(root: Path, entries: Iterable[str] = (*ENTRIES, *_DYNAMIC)) -> list[Path]:
    """Files of all modules of ours that `entries` import, directly or not, sorted."""
    found: set[Path] = set()
    left = [path for name in entries if (path := _module_file(root, name)) is not None]
    while left:
        path = left.pop()
        if path in found:
            continue
        found.add(path)
        package = path.parent
        while package != root:
            left.append(package / "__init__.py")
            package = package.parent
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            left += [file for name in _imported(node) if (file := _module_file(root, name)) is not None]
    return sorted(path for path in found if path.is_file())


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _module_file(root: Path, name: str) -> Path | None:
    if name.split(".")[0] not in _PARTS:
        return None
    path = root.joinpath(*name.split("."))
    return path.with_suffix(".py") if path.with_suffix(".py").is_file() else path / "__init__.py" if (path / "__init__.py").is_file() else None


def copy_code(root: Path, target: Path) -> list[Path]:
    """Copy those modules and the sources of the native engine to the folder `target`; returns the modules."""
    modules = modules_of(root)
    native = root / "workloads" / "engine" / "native"
    sources = [path for path in native.iterdir() if path.suffix in (".c", ".h")]
    for path in [*modules, *sources]:
        copy = target / path.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return modules


def copy_road(root: Path, target: Path) -> list[Path]:
    """Copy the code of all stages, and the rules that judge what they make, to the folder `target`; returns the modules."""
    ignored = shutil.ignore_patterns("__pycache__", "*.so", ".*")
    for name in _ROAD:
        shutil.copytree(root / name, target / name, ignore=ignored)
    return sorted(target.rglob("*.py"))


def copy_kernels(target: Path) -> list[str]:
    """The native engine for every processor of this machine's architecture, and for which. None without a compiler: ONNX Runtime serves then."""
    found = []
    for name in native_build.every_class():
        try:
            library = native_build.library(name)
        except FalajError:
            continue
        shutil.copyfile(library, target / "workloads" / "engine" / "native" / library.name)
        found.append(name)
    return found


def main() -> int:
    """Copy code and native engine into a folder. Ends with 1 where one of the engine's libraries could not be built: an image has no compiler."""
    target = Path(sys.argv[1])
    modules, built = copy_code(ROOT, target), copy_kernels(target)
    missing = sorted(set(native_build.every_class()) - set(built))
    print(f"{len(modules)} modules, native engine for {', '.join(built) or 'no processor'}" + (f"; not for {', '.join(missing)}" if missing else ""))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
