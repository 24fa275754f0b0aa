"""`falaj audit`: what it prints and the codes it ends with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import click
import pytest

from falaj.errors import UsageError
from infra.audit.rerun import GateJudge
from infra.cli.main import falaj
from tests.audit.test_verify import SameJudge


@pytest.fixture(autouse=True)
def agreeing_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate answers as it did; test_rerun asks the real one."""
    monkeypatch.setattr(GateJudge, "plan", SameJudge.plan)
    monkeypatch.setattr(GateJudge, "release", SameJudge.release)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = falaj.main(["audit", *words], standalone_mode=False)
    return int(code or 0), capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code, out = run(capsys, *words, "--json")
    return code, json.loads(out)


def test_collect_then_verify_elsewhere_then_find_what_was_touched(happy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, made = as_json(capsys, "collect")
    assert (code, made["open_points"]) == (0, {})
    shutil.copytree(made["folder"], tmp_path / "copy")
    code, found = as_json(capsys, "verify", str(tmp_path / "copy"), "--key", made["signed_by"])
    assert (code, found["verdict"], found["first"]) == (0, "genuine", None)
    (tmp_path / "copy" / "stacks" / "cluster" / "apply.json").unlink()
    code, found = as_json(capsys, "verify", str(tmp_path / "copy"))
    assert (code, found["first"]) == (3, {"what": "missing", "path": "stacks/cluster/apply.json", "why": "the manifest lists it"})


def test_a_person_reads_whose_key_it_was_and_that_trust_comes_from_elsewhere(happy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "collect")
    code, said = run(capsys, "verify", str(happy / "evidence"))
    assert code == 0
    assert "only this folder vouches for" in said
    assert "9 of 9 run again with the same answer" in said
    code, said = run(capsys, "verify", str(happy / "evidence"), "--key", str(happy / "evidence" / "public_key.pem"))
    assert (code, "the key you gave" in said) == (0, True)


def test_a_folder_that_is_not_evidence_is_wrong_use(falaj_home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError) as caught:
        run(capsys, "verify", str(tmp_path))
    assert caught.value.exit_code == 2


def test_an_export_needs_evidence_and_says_so(happy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError) as caught:
        run(capsys, "export", "--framework", "gdpr")
    assert caught.value.next == "falaj audit collect makes one"


def test_an_export_is_written_three_ways_and_disclaims(happy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "collect")
    code, said = run(capsys, "export", "--framework", "iso27001")
    assert code == 0
    assert "no certification" in said
    assert sorted(path.name for path in (happy / "exports").iterdir()) == ["iso27001.csv", "iso27001.html", "iso27001.json"]


def test_the_report_lies_beside_the_evidence(happy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "report") == (0, f"{happy / 'report.html'}\n")


def test_an_unknown_environment_is_refused(falaj_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(click.BadParameter):
        run(capsys, "collect", "--env", "moon")
