"""What goes wrong outside the engine: a clear error of the right kind, and the previous state still usable."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from falaj.errors import Fault, UsageError
from infra.engine.choose import choose
from infra.engine.embedded import EmbeddedEngine
from infra.engine.embedded.state import StateFile
from infra.engine.program import open_program
from tests.engine.recorded import STACK, comparable, program, recording, vec


@pytest.fixture
def engine(falaj_home: Path, monkeypatch: pytest.MonkeyPatch) -> EmbeddedEngine:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "vec")
    return EmbeddedEngine(STACK, vec, applies=(STACK,))


def state_path() -> Path:
    return StateFile(STACK, "vec-basic").path


@pytest.mark.parametrize("damage", ["truncated", "not JSON", "another version", "a resource without a URN"])
def test_a_damaged_state_is_left_as_it_is_and_the_backup_brings_it_back(damage: str, engine: EmbeddedEngine) -> None:
    engine.up(program("basic", 1))
    path = state_path()
    whole = path.read_text()
    damaged = {
        "truncated": whole[: len(whole) // 2],
        "not JSON": "what?",
        "another version": whole.replace('"version":3', '"version":2', 1),
        "a resource without a URN": whole.replace('"urn"', '"nru"'),
    }[damage]
    path.write_text(damaged)
    for attempt in (engine.preview, engine.up, engine.refresh, engine.destroy):
        with pytest.raises(UsageError, match="cannot be read") as refusal:
            attempt(program("basic", 1))
        assert f"cp {path}.bak {path}" in (refusal.value.next or "")
    assert path.read_text() == damaged
    os.replace(f"{path}.bak", path)
    # The backup is from before the last step was recorded; vec finds nothing again, so its interrupted create is the user's to look at.
    document = json.loads(path.read_text())
    document["deployment"].pop("pending_operations", None)
    path.write_text(json.dumps(document))
    assert engine.up(program("basic", 1)).error is None
    assert comparable(engine.export(program("basic", 1))["deployment"]) == comparable(recording("basic")["steps"][0]["state"])


def test_a_full_disk_stops_the_run_and_leaves_the_state_of_before(engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.up(program("basic", 1))
    before = state_path().read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr("falaj.files.os.fsync", full)
        with pytest.raises(Fault, match="No space left") as fault:
            engine.up(program("basic", 2))
    assert "free some disk space" in (fault.value.next or "")
    assert state_path().read_bytes() == before
    assert engine.up(program("basic", 2)).error is None
    assert comparable(engine.export(program("basic", 2))["deployment"]) == comparable(recording("basic")["steps"][1]["state"])


def test_a_disk_that_fills_up_after_a_create_forgets_nothing(engine: EmbeddedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = 0
    fsync = os.fsync

    def fills_up(handle: int) -> None:
        nonlocal writes
        writes += 1
        if writes > 2:  # the file and its folder once: the record that the first create has begun
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(handle)

    with monkeypatch.context() as disk:
        disk.setattr("falaj.files.os.fsync", fills_up)
        with pytest.raises(Fault, match="No space left"):
            engine.up(program("basic", 1))
    pending = json.loads(state_path().read_text())["deployment"]["pending_operations"]
    assert [(item["type"], item["resource"]["urn"].rsplit("::", 1)[1]) for item in pending] == [("creating", "a")]


def test_a_second_run_on_the_same_state_is_refused_while_the_first_lasts(engine: EmbeddedEngine) -> None:
    refused: list[str] = []

    def second(op: str, urn: str) -> None:
        if not refused:
            with pytest.raises(UsageError, match="is locked") as refusal:
                engine.up(program("basic", 1))
            refused.append(refusal.value.given or "")

    assert engine.up(program("basic", 1), progress=second).error is None
    assert refused == [f"held by process {os.getpid()}"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: [", "is not YAML"),
        ("- name", "is not a mapping"),
        ("runtime: python", "no project name"),
        ("name: x\nruntime: nodejs", "not a Python program"),
        ("name: x\nruntime: python", "has no program"),
    ],
)
def test_a_malformed_project_is_a_usage_error(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(text)
    with pytest.raises(UsageError, match=said):
        open_program(tmp_path, "local")


def test_a_folder_without_a_project_and_a_malformed_config_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no Pulumi.yaml"):
        open_program(tmp_path, "local")
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: python\n")
    (tmp_path / "__main__.py").write_text("")
    for config, said in (("config: [1]", "not a mapping"), ("config:\n  x:y: {secure: v1}", "encrypted value for x:y"), ("\t", "is not YAML")):
        (tmp_path / "Pulumi.local.yaml").write_text(config)
        with pytest.raises(UsageError, match=said):
            open_program(tmp_path, "local")


def test_config_keys_get_the_projects_namespace_and_lists_are_json(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: {name: python}\nconfig:\n  size: {default: 3}\n")
    (tmp_path / "__main__.py").write_text("")
    (tmp_path / "Pulumi.local.yaml").write_text("config:\n  wide: true\n  aws:regions: [a, b]\n")
    assert dict(open_program(tmp_path, "local").config) == {"x:size": "3", "x:wide": "true", "aws:regions": '["a", "b"]'}


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_only_local_is_ever_applied(environment: str, falaj_home: Path) -> None:
    engine = EmbeddedEngine(environment, vec)
    for attempt in (engine.up, engine.refresh, engine.destroy):
        with pytest.raises(UsageError, match=f"does not apply '{environment}'") as refusal:
            attempt(program("basic", 1))
        assert refusal.value.allowed == "local"
    assert not falaj_home.exists()


def test_a_guard_that_says_no_stops_the_run_before_anything_is_made(engine: EmbeddedEngine) -> None:
    class No(Exception):
        pass

    asked: list[tuple[str, str, dict[str, object]]] = []

    def guard(op: str, urn: str, inputs: dict[str, object]) -> None:
        asked.append((op, urn.rsplit("::", 1)[1], inputs))
        if urn.endswith("::b"):
            raise No(urn)

    with pytest.raises(No):
        engine.up(program("basic", 1), guard=guard)
    assert sorted(asked, key=lambda item: item[1])[:2] == [("create", "a", {"value": "one"}), ("create", "b", {"value": "c:one"})]
    state = engine.export(program("basic", 1))["deployment"]
    assert [item["urn"].rsplit("::", 1)[1] for item in state["resources"] if item["type"] == "vec:index:Thing"] == ["a"]


def test_an_engine_that_does_not_exist_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no such engine"):
        choose("local", "terraform")


def test_an_apply_that_changes_nothing_writes_nothing(engine: EmbeddedEngine) -> None:
    engine.up(program("wide", 1))
    before = engine.state(program("wide", 1))
    outcome = engine.up(program("wide", 1))
    assert (outcome.steps, outcome.before, outcome.after, engine.state(program("wide", 1))) == ([], before, before, before)
