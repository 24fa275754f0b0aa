"""Rules of the house that a machine can hold."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

from infra.authoring.lint import lint

ROOT = Path(__file__).resolve().parents[2]
TOO_LONG = 450
"""Lines; a file beyond this is two rooms."""


def tracked(*suffixes: str) -> list[Path]:
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.split("\0") if name.endswith(suffixes) and (ROOT / name).is_file()]


def test_no_source_file_has_outgrown_its_room() -> None:
    long = {path.relative_to(ROOT).as_posix(): lines for path in tracked(".py", ".rego") if (lines := len(path.read_text().splitlines())) > TOO_LONG}
    assert long == {}


def test_no_line_of_rego_is_longer_than_the_embedded_engine_reads() -> None:
    assert [str(finding) for finding in lint(tracked(".rego")) if "columns" in finding.what] == []


def test_every_file_with_tests_is_one_that_pytest_collects() -> None:
    hidden = []
    for path in tracked(".py"):
        if path.is_relative_to(ROOT / "tests") and not path.name.startswith("test_") and "vectors" not in path.parts:
            tree = ast.parse(path.read_text())
            if any(isinstance(node, ast.FunctionDef) and node.name.startswith("test_") for node in tree.body):
                hidden.append(path.relative_to(ROOT).as_posix())
    assert hidden == []


@pytest.mark.parametrize("name", ["all.txt", "serve.txt", "image_serve.txt", "image_train.txt", "bootstrap.txt"])
def test_a_lock_names_no_address_and_hashes_everything(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text()
    assert "://" not in text and "--index-url" not in text
    packages = re.findall(r"^[A-Za-z0-9_.-]+==", text, re.MULTILINE)
    blocks = re.split(r"^(?=[A-Za-z0-9_.-]+==)", text, flags=re.MULTILINE)[1:]
    assert packages and all("--hash=sha256:" in block for block in blocks)


def test_the_serving_requirements_hold_no_torch() -> None:
    assert not re.search(r"^(torch|transformers|mlflow)==", (ROOT / "requirements" / "serve.txt").read_text(), re.MULTILINE)


def test_every_public_function_and_class_says_what_it_does() -> None:
    silent = []
    for path in tracked(".py"):
        if path.parts[len(ROOT.parts)] not in {"falaj", "infra", "workloads"}:
            continue
        for node in ast.parse(path.read_text()).body:
            public = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and ast.get_docstring(node) is None:
                silent.append(f"{path.relative_to(ROOT)}: {node.name}")
    assert silent == []


def test_no_file_is_too_large_to_travel() -> None:
    assert {path.name: size for path in tracked("") if (size := path.stat().st_size) > 20_000_000} == {}
