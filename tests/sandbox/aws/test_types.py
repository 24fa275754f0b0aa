"""Every resource type goes through its whole life against a real local AWS API."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.sandbox.aws.types import ROWS
from infra.sandbox.properties import UNKNOWN, Unknown
from tests.sandbox.aws.cases import Case
from tests.sandbox.aws.cases_cluster import CASES
from tests.sandbox.aws.conftest import REGION, Driver, Server, Thing

_LASTING = (
    "aws:s3/bucketVersioning:BucketVersioning",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    "aws:cfg/recorderStatus:RecorderStatus",
    "aws:efs/backupPolicy:BackupPolicy",
)
"""Versioning is suspended, never taken away; a default group goes with its network; a recorder, and AWS's own backup of files, are switched off."""

every_type = pytest.mark.parametrize("case", CASES, ids=lambda case: case.type.rsplit(":", 1)[1])
tampered = pytest.mark.parametrize("case", [case for case in CASES if case.tamper], ids=lambda case: case.type.rsplit(":", 1)[1])


def settled(thing: Thing) -> Thing:
    """Without the outputs that every update changes: versions, moments."""
    stable = {name: value for name, value in thing.outputs.items() if name not in ROWS[thing.type].volatile}
    return replace(thing, outputs=stable)


def test_every_row_has_a_case() -> None:
    assert {case.type for case in CASES} == set(ROWS)


@every_type
def test_a_thing_is_made_read_unchanged_updated_and_deleted(driver: Driver, case: Case) -> None:
    inputs = case.inputs(driver)
    preview = driver.preview(case.type, "thing", inputs)
    thing = driver.create(case.type, "thing", inputs)

    assert driver.read(thing) == thing
    assert driver.diff(thing, inputs).diffs == []
    assert preview.keys() >= thing.outputs.keys()
    assert {name: value for name, value in preview.items() if not isinstance(value, Unknown)}.items() <= thing.outputs.items()
    assert "falaj:urn" not in str(thing.outputs)

    if case.change:
        changed = {**inputs, **case.change}
        expected = sorted({*case.change, *({"tagsAll"} if "tags" in case.change else ())})
        diff = driver.diff(thing, changed)
        assert (diff.diffs, diff.replaces) == (expected, [])
        thing = driver.update(thing, changed)
        assert driver.read(thing) == thing
        assert driver.diff(thing, changed).diffs == []

    driver.delete(thing)
    driver.delete(thing)
    if case.type not in _LASTING:
        assert driver.read(thing) is None


@every_type
def test_what_cannot_be_changed_is_replaced(driver: Driver, case: Case) -> None:
    inputs = case.inputs(driver)
    thing = driver.create(case.type, "thing", inputs)
    diff = driver.diff(thing, {**inputs, **case.replace})
    assert diff.replaces == sorted(case.replace)
    moved = driver.diff(thing, {**inputs, "region": "eu-west-1"}) if ROWS[case.type].regional else None
    if moved:
        assert (moved.replaces, moved.delete_before_replace) == (["region"], bool(ROWS[case.type].identity))


@pytest.mark.parametrize("case", [case for case in CASES if ROWS[case.type].tags], ids=lambda case: case.type.rsplit(":", 1)[1])
def test_a_thing_made_again_has_no_tags_of_the_one_before(driver: Driver, case: Case) -> None:
    inputs = case.inputs(driver)
    driver.create(case.type, "thing", {**inputs, "tags": {"stale": "yes"}})
    driver.delete(driver.made.pop())
    assert driver.create(case.type, "thing", {**inputs, "tags": {}}).outputs["tagsAll"] == {"owner": "falaj"}


@every_type
def test_an_interrupted_creation_is_found_again(driver: Driver, case: Case) -> None:
    thing = driver.create(case.type, "thing", case.inputs(driver))
    assert driver.adopt(thing) == thing
    driver.delete(driver.made.pop())
    if case.type not in _LASTING:
        assert driver.adopt(thing) is None


@tampered
def test_a_change_by_hand_shows_as_drift(server: Server, driver: Driver, case: Case) -> None:
    inputs = case.inputs(driver)
    thing = driver.create(case.type, "thing", inputs)
    assert case.tamper
    case.tamper(server, thing)
    live = driver.read(thing)
    if case.drift is None:
        assert live is None
        return
    assert live is not None
    assert sorted(name for name in {*thing.inputs, *live.inputs} if thing.inputs.get(name) != live.inputs.get(name)) == case.drift
    assert driver.diff(live, inputs).diffs == case.drift
    if ROWS[case.type].update:
        back = driver.read(driver.update(live, inputs))
        assert back and settled(back) == settled(thing)


def test_an_unknown_input_is_an_unknown_output(driver: Driver) -> None:
    preview = driver.preview("aws:s3/bucketPolicy:BucketPolicy", "thing", {"bucket": UNKNOWN, "policy": UNKNOWN})
    assert {name: type(value) for name, value in preview.items()} == {"bucket": Unknown, "policy": Unknown, "region": str}
    assert preview["region"] == REGION
