"""Imports run downwards only; heavy libraries are imported on use."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

MAY_IMPORT = {
    "falaj": set(),
    "infra/config": {"falaj"},
    "infra/components": {"falaj", "infra.config"},
    "infra/artifacts.py": {"falaj"},
    "infra/engine": {"falaj", "infra.artifacts"},
    "infra/sandbox": {"falaj", "infra.artifacts"},
    "infra/checkov": {"falaj", "infra.artifacts"},
    "infra/pipeline": {"falaj", "infra.artifacts", "infra.checkov", "infra.engine", "infra.config", "infra.sandbox"},
    "infra/policy_build": {"falaj", "infra.artifacts", "infra.pipeline"},
    "infra/recovery": {"falaj", "infra.pipeline"},
    "infra/audit": {"falaj", "infra.artifacts", "infra.pipeline", "infra.config"},
    "infra/authoring": {"falaj", "infra.artifacts", "infra.pipeline", "infra.audit"},
    "infra/cli": {"falaj", "infra", "workloads"},
    "workloads": {"falaj"},
    "stacks": {"falaj", "infra.config", "infra.components", "infra.policy_build.admission", "workloads.stages"},
}
"""Folder or file -> what of ours it may import, itself aside."""

HEAVY = ("torch", "transformers", "mlflow", "pulumi", "pulumi_aws", "boto3", "onnxruntime", "moto", "pandas", "datasets")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names if (ROOT / node.module.replace(".", "/")).is_dir()}
    return {name for name in found if name.split(".")[0] in {"falaj", "infra", "workloads", "stacks", "tests"}}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_is_below_it(room: str) -> None:
    place = ROOT / room
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert files, f"{room} holds no Python file: the table above is out of date"
    own = room.removesuffix(".py").replace("/", ".")
    allowed = MAY_IMPORT[room] | {own}
    wrong = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files
        for name in imports(path)
        if not any(name == one or name.startswith(one + ".") for one in allowed) and name not in {"infra"}
    }
    assert wrong == set()


def test_every_package_of_ours_has_a_line_in_the_table() -> None:
    rooms = {path.relative_to(ROOT).as_posix() for path in (ROOT / "infra").iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert rooms <= set(MAY_IMPORT)


def test_the_help_of_falaj_imports_nothing_heavy() -> None:
    code = f"import sys; from infra.cli.main import falaj; falaj.main(['--help'], standalone_mode=False); print([m for m in {HEAVY!r} if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert answer.stdout.splitlines()[-1] == "[]"


def test_every_verb_has_a_module_with_a_command_of_its_name() -> None:
    from infra.cli.main import VERBS, falaj

    for verb in VERBS:
        command = falaj.get_command(None, verb)  # ty: ignore[invalid-argument-type]
        assert command is not None and command.name == verb and command.help, verb
