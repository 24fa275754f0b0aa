"""Plans name their program, and stand on what the plans below them will make."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from falaj.home import ROOT, environment_folder, stack_folder
from infra.artifacts import Plan, PlannedResource, StateRef
from infra.engine.engine import Preview, Program
from infra.pipeline import plan as planning

UNKNOWN = {"__falaj__": "unknown"}


class Recorder:
    """An engine that notes what each stack was told about those below it; `made` holds recorded outputs."""

    name = "recorder"

    def __init__(self, made: dict[str, dict[str, Any]], changing: set[str]) -> None:
        self.made, self.changing = made, changing
        self.told: dict[str, Any] = {}

    def preview(self, program: Program) -> Preview:
        stack = program.project.removeprefix("falaj-")
        path = program.environ.get("FALAJ_UPSTREAM")
        self.told[stack] = json.loads(Path(path).read_text()) if path else None
        op = "create" if stack in self.changing else "same"
        resource = PlannedResource(urn=f"urn:{stack}", type="t", name=stack, op=op, custom=True, inputs={"a": UNKNOWN, "b": [UNKNOWN, 1]})
        return Preview(resources=[resource], outputs={"contract": f"falaj.{stack}/1", "key": UNKNOWN}, state=StateRef(serial=0, digest="sha256:0"))

    def outputs(self, program: Program) -> dict[str, Any]:
        return self.made.get(program.project.removeprefix("falaj-"), {})


@pytest.fixture(autouse=True)
def home(falaj_home: Path) -> Path:
    return falaj_home


def outputs_of(*stacks: str) -> dict[str, Any]:
    return {stack: {"contract": f"falaj.{stack}/1", "key": UNKNOWN} for stack in stacks}


def test_an_environment_that_does_not_exist_is_planned_as_a_chain() -> None:
    engine = Recorder({}, set(planning.STACKS))
    plans = planning.plan_environment("prod", engine=engine)  # ty: ignore[invalid-argument-type]
    assert [plan.stack for plan in plans] == list(planning.STACKS)
    assert engine.told == {
        "foundation": None,
        "cluster": outputs_of("foundation"),
        "platform": outputs_of("foundation", "cluster"),
        "workloads": outputs_of("foundation", "cluster", "platform"),
    }
    assert Plan.read(stack_folder("prod", "cluster") / "plan.json") == plans[1]


def test_only_what_changes_is_handed_on_where_the_rest_exists() -> None:
    engine = Recorder(outputs_of(*planning.STACKS), {"cluster"})
    planning.plan_environment("prod", engine=engine)  # ty: ignore[invalid-argument-type]
    assert engine.told == {"foundation": None, "cluster": None, "platform": outputs_of("cluster"), "workloads": outputs_of("cluster")}


def test_a_single_stack_stands_on_plans_of_those_that_were_never_made() -> None:
    engine = Recorder(outputs_of("foundation"), set(planning.STACKS))
    planning.plan_stack("prod", "platform", engine=engine)  # ty: ignore[invalid-argument-type]
    assert engine.told == {"cluster": None, "platform": outputs_of("cluster")}
    assert not (stack_folder("prod", "cluster") / "plan.json").exists()


def test_an_unknown_stack_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="there is no stack 'storage'") as refusal:
        planning.plan_stack("prod", "storage")
    assert refusal.value.allowed == "foundation, cluster, platform, workloads"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's program with config of two environments."""
    found = tmp_path / "theirs"
    (found / "parts").mkdir(parents=True)
    for name, text in {
        "Pulumi.yaml": "name: theirs\nruntime: python\n",
        "Pulumi.prod.yaml": "config:\n  aws:region: me-central-1\n",
        "Pulumi.dev.yaml": "config:\n  aws:region: eu-west-1\n",
        "__main__.py": "import parts.one\n",
        "parts/one.py": "ONE = 1\n",
    }.items():
        (found / name).write_text(text)
    return found


def of(folder: Path, **config: str) -> str:
    return planning.program_digest(Program(folder=folder, project="theirs", stack="prod", config=config))


@pytest.mark.parametrize("name", ["__main__.py", "parts/one.py", "Pulumi.yaml", "Pulumi.prod.yaml", "more.py"])
def test_the_digest_follows_every_source(folder: Path, name: str) -> None:
    before = of(folder)
    path = folder / name
    path.write_text((path.read_text() if path.exists() else "") + "# changed\n")
    assert of(folder) != before


@pytest.mark.parametrize("name", ["Pulumi.dev.yaml", "__pycache__/one.py", ".venv/lib.py", "data.bin"])
def test_the_digest_leaves_out_what_the_program_is_not(folder: Path, name: str) -> None:
    before = of(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("something else\n")
    assert of(folder) == before


def test_the_digest_follows_the_config_it_is_run_with(folder: Path) -> None:
    assert of(folder, region="me-central-1") != of(folder)


def test_a_long_list_of_teams_is_config_and_no_files_name() -> None:
    one, other = (
        planning.program_digest(Program(folder=planning.stack_program("prod", "platform").folder, project="falaj", stack="prod", config={"falaj:teams": teams}))
        for teams in ("[" + "a/" * 4000 + "]", "[" + "b/" * 4000 + "]")
    )
    assert one != other


def test_a_users_program_is_planned_and_kept_apart_from_our_stacks(folder: Path) -> None:
    engine = Recorder({}, {"theirs"})
    plan = planning.plan_program(folder, "prod", engine=engine)  # ty: ignore[invalid-argument-type]
    path = planning.plan_file(folder, "prod")
    assert (plan.stack, plan.project, Plan.read(path)) == ("theirs", "theirs", plan)
    assert path.is_relative_to(environment_folder("prod") / "programs")


def test_a_folder_under_stacks_is_that_stack() -> None:
    assert planning.stack_of(ROOT / "stacks" / "cluster") == "cluster"
    assert planning.stack_of(Path(os.path.relpath(ROOT / "stacks" / "cluster"))) == "cluster"
    assert planning.stack_of(ROOT / "infra") is None
    assert planning.plan_file(ROOT / "stacks" / "cluster", "prod") == stack_folder("prod", "cluster") / "plan.json"


def test_unknown_values_are_counted() -> None:
    assert planning.unknown_values(planning.plan_environment("prod", engine=Recorder({}, set()))[0]) == 2  # ty: ignore[invalid-argument-type]


def test_a_folder_without_a_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no Pulumi.yaml"):
        planning.plan_program(tmp_path, "prod", engine=Recorder({}, set()))  # ty: ignore[invalid-argument-type]


def test_a_malformed_pulumi_yaml_is_refused(folder: Path) -> None:
    (folder / "Pulumi.yaml").write_text("name: [theirs")
    with pytest.raises(UsageError, match="Pulumi.yaml is not YAML"):
        planning.plan_program(folder, "prod", engine=Recorder({}, set()))  # ty: ignore[invalid-argument-type]
