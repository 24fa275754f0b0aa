"""Copies in a second place, and bringing them back: a happy world of three parts in folders, with one fact changed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from falaj.errors import Denied, Fault, UsageError
from infra.recovery.copies import Part, forget, listed, read, take
from infra.recovery.drill import Drill, changed_since, restore
from infra.recovery.places import require_at_home
from workloads.store import FolderStore

AT = "2026-11-27T01:00:00Z"
LATER = datetime(2026, 11, 27, 1, 30, tzinfo=UTC)


@dataclass
class Place:
    """The first place and the second one, as folders."""

    home: Path

    @property
    def second(self) -> FolderStore:
        return FolderStore(self.home / "second")

    @property
    def parts(self) -> list[Part]:
        return [
            Part("state", FolderStore(self.home / "state")),
            Part("artifacts", FolderStore(self.home / "releases"), first=("current.json",)),
            Part("registry", FolderStore(self.home / "mlflow")),
        ]

    def put(self, name: str, text: str) -> None:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def copy(self, at: str = AT) -> dict:
        return take(self.parts, self.second, "prod", at)

    def drill(self, **more: object) -> Drill:
        clock = iter((100.0, 107.5))
        return restore(self.second, "prod", self.home / "back", checks={}, now=LATER, clock=lambda: next(clock), **more)  # ty: ignore[invalid-argument-type]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.put("state/foundation/checkpoint.json", '{"version":3}')
    made.put("state/foundation/lock", "process 1")
    made.put("releases/current.json", '{"version":"r1"}')
    made.put("releases/r1/release.json", "{}")
    made.put("releases/r1/model.onnx", "weights")
    with closing(sqlite3.connect(_folder(tmp_path / "mlflow") / "mlflow.db")) as runs:
        runs.execute("CREATE TABLE runs (name TEXT)")
        runs.execute("INSERT INTO runs VALUES ('first')")
        runs.commit()
    yield made


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def test_a_copy_comes_back_whole_and_says_how_long_it_took_and_how_old_it_was(place: Place) -> None:
    place.copy()
    found = place.drill()
    assert (found.rto_seconds, found.rpo_seconds, found.wrong, found.restored) == (7.5, 1800.0, {}, ["artifacts", "registry", "state"])
    back = {path.relative_to(place.home / "back").as_posix() for path in (place.home / "back").rglob("*") if path.is_file()}
    assert back == {
        "state/foundation/checkpoint.json",
        "artifacts/current.json",
        "artifacts/r1/release.json",
        "artifacts/r1/model.onnx",
        "registry/mlflow.db",
    }
    assert (place.home / "back" / "artifacts/r1/model.onnx").read_text() == "weights"
    assert {key: found.facts()[key] for key in ("succeeded", "minutes", "compared", "rto_seconds", "rpo_seconds")} == {
        "succeeded": True,
        "minutes": 0.12,
        "compared": "digests",
        "rto_seconds": 7.5,
        "rpo_seconds": 1800,
    }


def test_a_file_whose_bytes_were_changed_in_the_second_place_is_named_and_the_rest_comes_back(place: Place) -> None:
    copy = place.copy()
    digest = copy["parts"]["artifacts"]["files"]["r1/model.onnx"]["digest"].removeprefix("sha256:")
    place.put(f"second/prod/files/{digest}/content", "other weights")
    found = place.drill()
    assert (found.wrong, found.restored, found.facts()["succeeded"]) == (
        {"artifacts/r1/model.onnx": "its bytes are others than those that were copied"},
        ["registry", "state"],
        False,
    )


def test_a_file_that_the_second_place_has_lost_is_named(place: Place) -> None:
    copy = place.copy()
    digest = copy["parts"]["state"]["files"]["foundation/checkpoint.json"]["digest"].removeprefix("sha256:")
    (place.home / f"second/prod/files/{digest}/content").unlink()
    assert list(place.drill().wrong) == ["state/foundation/checkpoint.json"]


def test_a_part_that_its_own_program_cannot_open_did_not_come_back(place: Place) -> None:
    place.copy()

    def refuses(folder: Path) -> str:
        raise Fault("the passphrase is another one")

    opens = {"state": refuses, "registry": lambda folder: "1 run"}
    found = restore(place.second, "prod", place.home / "back", checks=opens, now=LATER)
    assert (found.wrong, found.opened, found.restored) == ({"state": "the passphrase is another one"}, {"registry": "1 run"}, ["artifacts", "registry"])


def test_what_is_there_already_is_sent_once_and_what_no_copy_names_goes_with_the_oldest(place: Place) -> None:
    place.copy()
    before = {path: path.stat().st_mtime_ns for path in (place.home / "second/prod/files").rglob("content")}
    place.put("releases/r1/model.onnx", "better weights")
    place.copy("2026-11-27T02:00:00Z")
    after = {path: path.stat().st_mtime_ns for path in (place.home / "second/prod/files").rglob("content")}
    assert len(after) == len(before) + 1 and before.items() <= after.items()
    assert forget(place.second, "prod", 1) == 1
    assert (listed(place.second, "prod"), len(list((place.home / "second/prod/files").rglob("content")))) == (["20261127T020000Z"], 5)
    assert place.drill().wrong == {}


def test_a_pointer_is_copied_as_it_was_before_what_it_points_to(place: Place) -> None:
    class Published(FolderStore):
        """Somebody publishes while the copy is made."""

        def get_folder(self, prefix: str, folder: Path) -> list[str]:
            found = super().get_folder(prefix, folder)
            (folder / "current.json").write_text('{"version":"r2"}')
            return found

    take([Part("artifacts", Published(place.home / "releases"), first=("current.json",))], place.second, "prod", AT)
    place.drill()
    assert json.loads((place.home / "back/artifacts/current.json").read_text()) == {"version": "r1"}


def test_a_database_in_use_is_copied_between_two_transactions(place: Place) -> None:
    with closing(sqlite3.connect(place.home / "mlflow" / "mlflow.db")) as runs:
        runs.execute("PRAGMA journal_mode=WAL")
        runs.execute("INSERT INTO runs VALUES ('second')")
        runs.commit()  # It stands in the log beside the file, not in the file.
        place.copy()
    place.drill()
    with closing(sqlite3.connect(place.home / "back/registry/mlflow.db")) as back:
        assert back.execute("SELECT name FROM runs").fetchall() == [("first",), ("second",)]


def test_what_changed_since_the_copy_is_counted_by_part(place: Place) -> None:
    copy = place.copy()
    place.put("releases/r2/release.json", "{}")
    place.put("releases/current.json", '{"version":"r2"}')
    assert changed_since(copy, place.parts) == {"state": 0, "artifacts": 2, "registry": 0}


def test_an_interrupted_copy_is_none(place: Place) -> None:
    place.copy()
    newest = place.home / "second/prod/copies/20261127T010000Z.json"
    newest.unlink()
    with pytest.raises(UsageError, match="there is no copy"):
        read(place.second, "prod")


@pytest.mark.parametrize("change", ["{", '{"schema":"falaj.copy/1"}', '{"schema":"falaj.copy/1","environment":"dev","at":"x","parts":{}}'])
def test_a_list_that_is_none_is_refused(place: Place, change: str) -> None:
    place.copy()
    place.put("second/prod/copies/20261127T010000Z.json", change)
    with pytest.raises(UsageError, match="copy 20261127T010000Z is none"):
        read(place.second, "prod")


def test_a_list_that_would_leave_the_place_to_restore_into_is_refused(place: Place) -> None:
    copy = place.copy()
    copy["parts"]["state"]["files"] = {"../../elsewhere": next(iter(copy["parts"]["state"]["files"].values()))}
    place.put("second/prod/copies/20261127T010000Z.json", json.dumps(copy))
    with pytest.raises(UsageError, match="is none"):
        place.drill()


def test_nothing_is_restored_over_something(place: Place) -> None:
    place.copy()
    place.put("back/state/precious", "mine")
    with pytest.raises(UsageError, match="not empty"):
        place.drill()
    assert (place.home / "back/state/precious").read_text() == "mine"


def test_nothing_is_no_copy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to copy"):
        take([Part("state", FolderStore(tmp_path / "none"))], FolderStore(tmp_path / "second"), "prod", AT)


def test_a_second_place_is_at_home_or_has_an_exception(tmp_path: Path) -> None:
    regions = {"near": "me-central-1", "far": "eu-central-1"}

    def ask(place: str) -> str:
        return require_at_home(place, "prod", ["confidential"], now=AT, region_of=regions.__getitem__)

    assert (ask(str(tmp_path)), ask("s3://near/copies")) == ("", "me-central-1")
    with pytest.raises(Denied, match="a copy would leave the country: eu-central-1"):
        ask("s3://far/copies")


def test_a_drill_says_its_facts_in_the_form_of_the_evidence(place: Place, falaj_home: Path) -> None:
    from infra.pipeline.evidence_documents import problem, sign, template

    place.copy()
    document = sign(template("restore_test", "prod", by="somebody", now=LATER + timedelta(seconds=1), facts=place.drill().facts()))
    assert problem(document) == ""


@pytest.mark.parametrize(
    ("hours", "seconds", "why"),
    [
        (1, 7.5, []),
        (24, 8 * 3600.0, []),
        (25, 8 * 3600 + 30.0, ["it took 480.5 minutes; at most 8 hours are allowed", "the last 90000 seconds were lost; at most 24 hours are allowed"]),
    ],
)
def test_what_a_drill_measured_is_judged_by_what_may_be_promised(place: Place, hours: int, seconds: float, why: list[str]) -> None:
    from infra.pipeline.gate import judge_evidence

    place.copy()
    at, clock = datetime.strptime(AT, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) + timedelta(hours=hours), iter((0.0, seconds))
    facts = restore(place.second, "prod", place.home / "back", checks={}, now=at, clock=lambda: next(clock)).facts()
    moment = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    document = {"at": moment, "by": "somebody", "facts": facts, "file": "restore_test.json", "signed": True, "why": ""}
    found = judge_evidence({"environment": "prod", "documents": {"restore_test": [document]}, "unreadable": {}}, "prod", moment, subject="here")
    (answer,) = [each for each in found.rules if each.rule == "restore_tested"]
    assert (answer.fail, answer.unknown) == ({"restore_test": why} if why else {}, {})
