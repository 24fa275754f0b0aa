"""Generated SDKs load lighter, and still say what the SDK's runtime asks of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_MODULE = '''
"""What an editor shows."""
import typing
from typing import NotRequired, Optional, TypedDict

class ArgsDict(TypedDict):
    """What an editor shows."""
    size: NotRequired[typing.no_such_thing]

class Args:
    def size(self) -> Optional[int]: ...
    def other(self) -> Optional['ArgsDict']: ...
'''
_ASK = """
import sys, typing
from pathlib import Path
from infra.engine.embedded.sdk_modules import install
sys.path.insert(0, sys.argv[1])
install(Path(sys.argv[2]))
import pulumi_case as case
print(case.__doc__, typing.is_typeddict(case.ArgsDict), case.ArgsDict.__annotations__, case.Args.size.__annotations__, typing.get_type_hints(case.Args.size))
"""
_LIGHT = "None True {} {'return': 'Optional[int]'} {'return': typing.Optional[int]}"


@pytest.fixture
def sdk(tmp_path: Path) -> Path:
    package = tmp_path / "sdk" / "pulumi_case"
    package.mkdir(parents=True)
    (package / "pulumi-plugin.json").write_text("{}")
    (package / "__init__.py").write_text(_MODULE)
    return package


def ask(sdk: Path) -> subprocess.CompletedProcess[str]:
    cache = sdk.parents[1] / "cache"
    return subprocess.run([sys.executable, "-B", "-c", _ASK, str(sdk.parent), str(cache)], capture_output=True, text=True)


def kept(sdk: Path) -> Path:
    return next((sdk.parents[1] / "cache").iterdir())


def test_a_generated_module_keeps_what_the_runtime_asks_for_and_drops_the_rest(sdk: Path) -> None:
    assert ask(sdk).stdout.strip() == _LIGHT


def test_what_cannot_be_cut_out_stays(sdk: Path) -> None:
    (sdk / "__init__.py").write_text(
        _MODULE.replace('class ArgsDict(TypedDict):\n    """What', 'class ArgsDict(TypedDict):\n    """\nWhat').replace("typing.no_such_thing", "int")
    )
    assert ask(sdk).stdout.strip() == _LIGHT.replace("{}", "{'size': ForwardRef('NotRequired[int]', module='pulumi_case')}", 1)


def test_what_was_compiled_is_used_again(sdk: Path) -> None:
    ask(sdk)
    before = kept(sdk).stat().st_mtime_ns
    assert ask(sdk).stdout.strip() == _LIGHT
    assert kept(sdk).stat().st_mtime_ns == before


def test_a_changed_source_is_compiled_again(sdk: Path) -> None:
    ask(sdk)
    (sdk / "__init__.py").write_text(_MODULE.replace("Optional[int]", "Optional[bool]"))
    assert ask(sdk).stdout.strip() == _LIGHT.replace("int", "bool")


def test_what_was_cut_off_is_compiled_again(sdk: Path) -> None:
    ask(sdk)
    os.truncate(kept(sdk), kept(sdk).stat().st_size - 20)
    assert ask(sdk).stdout.strip() == _LIGHT


def test_a_cache_that_cannot_be_written_costs_time_alone(sdk: Path) -> None:
    (sdk.parents[1] / "cache").write_text("in the way")
    assert ask(sdk).stdout.strip() == _LIGHT


def test_a_package_that_was_not_generated_is_left_to_python(sdk: Path) -> None:
    (sdk / "pulumi-plugin.json").unlink()
    assert "no_such_thing" in ask(sdk).stderr


def test_automation_runs_when_it_is_asked_for(tmp_path: Path) -> None:
    asked = (
        "import sys; from pathlib import Path; from infra.engine.embedded.sdk_modules import install; install(Path(sys.argv[1])); import pulumi; "
        "before = 'pulumi.automation.interface' in sys.modules; print(before, pulumi.automation.LocalWorkspace.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", asked, str(tmp_path)], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "LocalWorkspace"], done.stderr
