"""The table of stages, and the command that jobs run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from falaj.errors import UsageError
from workloads.__main__ import call_stage, main, run_folder
from workloads.again import run_again
from workloads.stages import GATE, STAGE_NAMES, STAGES, reads, road, stage


def test_the_gate_stands_between_evaluate_and_register() -> None:
    assert road() == ("prepare", "train", "compress", "evaluate", "gate", "register")


def test_a_stage_only_reads_what_comes_before_it() -> None:
    order = road()
    assert [(name, other) for name in order for other in reads(name) if order.index(other) >= order.index(name)] == []
    assert sum(len(each.after) for each in STAGES) + 1 == sum(len(reads(name)) for name in order)


def test_a_jobs_first_argument_is_its_stage() -> None:
    assert [each.args[0] for each in STAGES] == list(STAGE_NAMES)
    assert GATE not in STAGE_NAMES


def test_an_unknown_stage_is_named_with_those_there_are() -> None:
    with pytest.raises(KeyError, match="'deploy' is not a stage; the stages are prepare, train, compress, evaluate, register, drift and tune"):
        stage("deploy")


def test_importing_the_table_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'boto3', 'numpy', 'pydantic', 'mlflow', 'onnxruntime', 'cryptography'}"
    script = f"import sys, workloads.stages; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("name", ["", "Upper", "a_b", "-a", "a-", "../escape", "x" * 41])
def test_a_run_id_that_cannot_name_a_job_is_refused(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FALAJ_WORK", str(tmp_path))
    with pytest.raises(UsageError, match="cannot be a run id"):
        run_folder(name)


def test_without_a_work_folder_a_stage_ends_as_wrong_use(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("FALAJ_WORK", raising=False)
    assert main(["register", "--run", "a"]) == 2
    assert "there is no work folder" in capsys.readouterr().err


def test_an_unknown_stage_ends_as_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["deploy"]) == 2
    assert "invalid choice" in capsys.readouterr().err


_FAILS = """
import sys
from pathlib import Path
seen, code, good_at = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
seen.write_text(seen.read_text() + "x" if seen.exists() else "x")
sys.exit(0 if len(seen.read_text()) >= good_at else code)
"""


@pytest.mark.parametrize(
    ("code", "good_at", "found"),
    [(1, 1, (0, 1)), (1, 3, (0, 3)), (1, 9, (1, 3)), (143, 2, (0, 2)), (2, 9, (2, 1)), (3, 9, (3, 1))],
)
def test_a_stage_that_dvc_runs_is_tried_again_unless_its_end_is_final(tmp_path: Path, code: int, good_at: int, found: tuple[int, int]) -> None:
    ended = run_again([sys.executable, "-c", _FAILS, str(tmp_path / "seen"), str(code), str(good_at)], 2)
    assert (ended, len((tmp_path / "seen").read_text())) == found


def test_a_stage_that_was_killed_is_tried_again_as_often_as_its_table_says(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_again([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], 1) == 137
    assert capfd.readouterr().err == "ended with exit code 137; is started again, 1 times at most\n"


def test_a_stage_gets_the_options_it_takes_and_no_others(tmp_path: Path) -> None:
    def quick(run: Path, *, recipe: str = "default") -> tuple[Path, str]:
        return run, recipe

    assert call_stage(quick, tmp_path, recipe="", data=Path("rows.csv")) == (tmp_path, "default")
    assert call_stage(quick, tmp_path, recipe="tiny", data=None) == (tmp_path, "tiny")
