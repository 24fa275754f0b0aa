"""`falaj drill`: the state of an environment, copied and brought back by the commands that people type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from falaj.errors import Denied
from falaj.home import environment_folder, state_folder
from infra.cli.drill import copy_state_after_apply, drill
from infra.pipeline.evidence_documents import read_folder
from infra.recovery import places


def write_state() -> Path:
    path = state_folder("local") / "foundation" / "checkpoint.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"version": 3, "serial": 4, "deployment": {"resources": []}}))
    return path


def said(result: Result) -> dict[str, Any]:
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return json.loads(result.stdout)


def run(*words: str) -> Result:
    return CliRunner().invoke(drill, [*words, "--json"], standalone_mode=True)


def test_a_drill_is_written_down_as_evidence_that_the_rules_read(falaj_home: Path, tmp_path: Path) -> None:
    write_state()
    place = str(tmp_path / "second")
    copied = said(run("copy", "--to", place, "--part", "state"))
    assert (copied["parts"], copied["files"], copied["removed"]) == ({"state": 1}, 1, 0)
    found = said(run("restore", "--from", place, "--by", "somebody"))
    assert (found["restored"], found["succeeded"], found["opened"], found["changed_since"]) == (
        ["state"],
        True,
        {"state": "foundation: 0 resources"},
        {"state": 0},
    )
    (document,) = read_folder(environment_folder("local") / "documents", "local")["documents"]["restore_test"]
    assert (document["by"], document["signed"], document["facts"]["rpo_seconds"]) == ("somebody", True, found["rpo_seconds"])
    shown = CliRunner().invoke(drill, ["restore", "--from", place, "--by", "somebody"]).output
    assert "promised: 8 h" in shown and "the age of the copy; promised: 24 h" in shown
    # What is promised stands in config, and is not what the drill saw.
    assert (found["promised"], "promised" in document["facts"]) == ({"rto_hours": 8, "rpo_hours": 24}, False)
    assert [json.loads(line)["action"] for line in (environment_folder("local") / "audit.jsonl").read_text().splitlines()] == ["copied", "drilled", "drilled"]


def test_a_state_that_does_not_open_is_no_success(falaj_home: Path, tmp_path: Path) -> None:
    write_state().write_text('{"version": 2}')
    place = str(tmp_path / "second")
    run("copy", "--to", place, "--part", "state")
    found = said(run("restore", "--from", place))
    assert (found["succeeded"], found["restored"], list(found["wrong"])) == (False, [], ["state"])


def test_the_state_is_copied_after_an_apply_where_a_second_place_is_named(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_state()
    copy_state_after_apply("local")
    monkeypatch.setenv("FALAJ_SECOND_PLACE", str(tmp_path / "second"))
    copy_state_after_apply("local")
    assert len(list((tmp_path / "second/local/copies").iterdir())) == 1


def test_nothing_is_copied_abroad_without_an_exception(falaj_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_state()
    monkeypatch.setattr(places, "bucket_region", lambda bucket: "eu-central-1")
    refused = CliRunner().invoke(drill, ["copy", "--to", "s3://far/copies", "--part", "state"], standalone_mode=False)
    assert isinstance(refused.exception, Denied) and refused.exception.what == "a copy would leave the country: eu-central-1"
