"""Facts about a repository, for the repository rules: read from its files, with no network and without running any of them.

What cannot be read is said to be so (`error`), never left out: a rule takes it for unknown. Paths are relative, with `/`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from falaj.errors import UsageError

CONTACTS = "docs/contacts.yaml"
INVENTORY = "docs/inventory.yaml"
STATE = "stacks/state.yaml"
_SKIPPED = frozenset({".git", ".venv", "venv", ".cache", ".falaj", "node_modules", "__pycache__", "dist", "build", "tests"})
"""Folders that hold no part of what is delivered; tests hold broken examples on purpose."""
_LARGEST = 4 << 20
"""Bytes of a file that are read; what is larger is said to be unreadable."""
_MOST_VALUES = 100_000
_DOCKERFILE = re.compile(r"^(Dockerfile|Containerfile)(\..+)?$|\.(Dockerfile|Containerfile)$")
_SECRET = re.compile(r"secrets\s*(?:\.\s*|\[\s*['\"])([A-Za-z_][A-Za-z0-9_]*)")


def repository_facts(folder: Path) -> dict[str, Any]:
    """What the rules are told about the repository in `folder`. Raises UsageError when it is no folder."""
    if not folder.is_dir():
        raise UsageError("there is no repository here", given=str(folder), allowed="the folder of a checkout")
    return {
        "workflows": {name: _workflow(folder / name) for name in _matching(folder, ".github/workflows", (".yml", ".yaml"))},
        "dockerfiles": {name: _dockerfile(folder / name) for name in _dockerfiles(folder)},
        "locks": {name: _lock(folder / name) for name in _matching(folder, "requirements", (".txt",))},
        "declares_dependencies": [name for name in ("pyproject.toml", "setup.cfg", "requirements.txt") if (folder / name).is_file()],
        "runbooks": {Path(name).stem: _runbook(folder / name) for name in _matching(folder, "runbooks", (".md",))},
        "contacts": _document(folder / CONTACTS),
        "inventory": _document(folder / INVENTORY),
        "parts": _parts(folder),
        "state": {"declared": _document(folder / STATE), "projects": {name: _project(folder / name) for name in _projects(folder)}},
    }


def _matching(folder: Path, below: str, endings: tuple[str, ...]) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in (folder / below).glob("*") if path.is_file() and path.suffix in endings)


def _dockerfiles(folder: Path) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        yield from sorted((Path(place) / name).relative_to(folder).as_posix() for name in files if _DOCKERFILE.search(name))


def _text(path: Path) -> tuple[str, str]:
    """The text of a file and what is wrong with it."""
    try:
        if path.stat().st_size > _LARGEST:
            return "", f"it is larger than {_LARGEST >> 20} MiB"
        return path.read_text(encoding="utf-8"), ""
    except (OSError, UnicodeDecodeError) as problem:
        return "", f"it cannot be read: {type(problem).__name__}"


def _yaml(text: str) -> tuple[Any, str]:
    try:
        return _plain(yaml.safe_load(text)), ""
    except (yaml.YAMLError, RecursionError, ValueError) as problem:
        return None, f"it is not YAML: {str(problem).splitlines()[0] if str(problem) else type(problem).__name__}"


def _plain(value: Any, left: list[int] | None = None) -> Any:
    """`value` as JSON has it: keys are text, dates are ISO text. YAML reads the key `on` as true.

    Raises ValueError beyond `left` values: a few lines of YAML can stand for more than fits into memory.
    """
    left = [_MOST_VALUES] if left is None else left
    left[0] -= 1
    if left[0] < 0:
        raise ValueError(f"it holds more than {_MOST_VALUES} values")
    if isinstance(value, dict):
        return {("on" if key is True else str(key)): _plain(inner, left) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, left) for inner in value]
    return value.isoformat() if isinstance(value, date) else value


def _document(path: Path) -> dict[str, Any]:
    """A YAML document of ours: `there`, `error`, `content`."""
    if not path.exists():
        return {"there": False, "error": "", "content": {}}
    text, error = _text(path)
    content, wrong = (None, error) if error else _yaml(text)
    if not wrong and not isinstance(content, dict):
        wrong = "it is not a mapping"
    return {"there": True, "error": wrong, "content": {} if wrong else content}


def _workflow(path: Path) -> dict[str, Any]:
    text, error = _text(path)
    content, wrong = (None, error) if error else _yaml(text)
    if not wrong and not (isinstance(content, dict) and isinstance(content.get("jobs"), dict)):
        wrong = "it has no jobs"
    if wrong or not isinstance(content, dict):
        return {"error": wrong, "triggers": [], "permissions": None, "jobs": {}, "secrets": []}
    return {
        "error": "",
        "triggers": _names(content.get("on")),
        "permissions": content.get("permissions"),
        "jobs": {name: _job(job) for name, job in content["jobs"].items() if isinstance(job, dict)},
        "secrets": sorted(set(_SECRET.findall(text))),
    }


def _names(value: Any) -> list[str]:
    return sorted(str(each) for each in (value if isinstance(value, list | dict) else [value] if value is not None else []))


def _job(job: Mapping[str, Any]) -> dict[str, Any]:
    steps = job.get("steps")
    used = [step for step in steps if isinstance(step, dict) and isinstance(step.get("uses"), str)] if isinstance(steps, list) else []
    called = [job["uses"]] if isinstance(job.get("uses"), str) else []
    return {
        "permissions": job.get("permissions"),
        "uses": called + [step["uses"] for step in used],
        "steps": [{"uses": step["uses"], "with": step.get("with") if isinstance(step.get("with"), dict) else {}} for step in used],
    }


def _dockerfile(path: Path) -> dict[str, Any]:
    text, error = _text(path)
    stages: list[str] = []
    defaults: dict[str, str] = {}
    images, user = [], None
    for line in re.sub(r"\\\s*\n", " ", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word.upper() == "ARG" and not images:
            name, _, default = rest.strip().partition("=")
            defaults |= {name: default} if default else {}
        elif word.upper() == "FROM":
            parts = [_meant(part, defaults) for part in rest.split() if not part.startswith("--")]
            if parts and parts[0] not in stages and parts[0] != "scratch":
                images.append(parts[0])
            if len(parts) == 3 and parts[1].upper() == "AS":
                stages.append(parts[2])
            user = None
        elif word.upper() == "USER":
            user = rest.strip()
    return {"error": error or ("" if images or stages else "it names no image"), "images": images, "user": user}


def _meant(word: str, defaults: Mapping[str, str]) -> str:
    """A word with its arguments replaced by what they stand for unless whoever builds says otherwise; those without a default stay."""
    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", lambda found: defaults.get(found[1] or found[2], found[0]), word)


def _lock(path: Path) -> dict[str, Any]:
    """A lock in pip's format: how many packages it names, and which of them without exact version or without digest."""
    text, error = _text(path)
    lines = [line.strip() for line in re.sub(r"\\\s*\n", " ", text).splitlines()]
    packages = [line for line in lines if line and not line.startswith(("#", "-"))]
    named = {re.split(r"[\s;=<>~!\[@]", line, maxsplit=1)[0]: line for line in packages}
    return {
        "error": error,
        "packages": len(packages),
        "without_version": sorted(name for name, line in named.items() if "==" not in line.split(";")[0].split("--hash")[0]),
        "without_digest": sorted(name for name, line in named.items() if "--hash=sha256:" not in line),
    }


def _runbook(path: Path) -> dict[str, Any]:
    text, error = _text(path)
    head = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    about, wrong = _yaml(head.group(1)) if head else ({}, "")
    return {
        "error": error or wrong,
        "title": str(about.get("title") or "") if isinstance(about, dict) else "",
        "when": str(about.get("when") or "") if isinstance(about, dict) else "",
        "steps": len(re.findall(r"^\d+\. ", text, re.MULTILINE)),
    }


def _projects(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for where in ("Pulumi.yaml", "*/Pulumi.yaml", "stacks/*/Pulumi.yaml") for path in folder.glob(where))


def _project(path: Path) -> dict[str, Any]:
    """Where a project keeps its state, as far as its own file says so."""
    document = _document(path)
    backend = document["content"].get("backend")
    return {"error": document["error"], "backend": backend.get("url") if isinstance(backend, dict) else backend}


def _parts(folder: Path) -> list[str]:
    """What the inventory must name: stacks, and models that are kept in the repository."""
    stacks = [f"stack {path.parent.name}" for path in folder.glob("stacks/*/Pulumi.yaml")]
    models = [f"model {path.parent.relative_to(folder).as_posix()}" for path in folder.glob("*/*/model.safetensors") if path.parts[-3] not in _SKIPPED]
    return sorted([*stacks, *models])
