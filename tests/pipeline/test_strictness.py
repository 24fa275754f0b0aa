"""An environment laid over common.json is only ever stricter."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from falaj.home import ROOT
from infra.pipeline.library import Library
from infra.pipeline.strictness import directionless, looser

SCHEMA = json.loads((ROOT / "policies" / "schemas" / "parameters.schema.json").read_text())


def of(direction: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"p": {"x-stricter": direction, **more}}}


def test_every_parameter_says_which_way_is_stricter() -> None:
    assert directionless(SCHEMA) == []


def test_one_that_does_not_is_noticed_and_may_not_differ() -> None:
    schema = {"properties": {"a": {}, "b": {"additionalProperties": {"properties": {"c": {}}}}, "d": {"x-stricter": "equal"}}}
    assert directionless(schema) == ["a", "b", "b.*.c"]
    assert looser({"a": 1, "d": 1}, {"a": 2, "d": 1}, schema) == ["a is 2, which is not 1"]


@pytest.mark.parametrize(
    ("direction", "common", "stricter", "loose", "words"),
    [
        ("lower", 8, 2, 9, "p is 9, more than 8"),
        ("higher", 30, 180, 7, "p is 7, less than 30"),
        ("later", "advisory", "mandatory", "off", "p is 'off', looser than 'advisory'"),
        ("true", True, True, False, "p is False, looser than True"),
        ("subset", ["a", "b"], ["b"], ["b", "c"], "p is ['b', 'c'], which is not part of ['a', 'b']"),
        ("superset", ["a"], ["b", "a"], ["b"], "p is ['b'], which leaves out some of ['a']"),
        ("emptied", "here", "", "there", "p is 'there', which is not 'here'"),
        ("equal", "x", "x", "y", "p is 'y', which is not 'x'"),
    ],
)
def test_a_direction_lets_one_way_through(direction: str, common: Any, stricter: Any, loose: Any, words: str) -> None:
    schema = of(direction, enum=["off", "advisory", "mandatory"])
    found = [looser({"p": common}, {"p": own}, schema) for own in (common, stricter, loose)]
    assert found == [[], [], [words]]


def test_the_keys_of_a_map_have_a_direction_of_their_own() -> None:
    more = {"x-stricter": "superset", "additionalProperties": {"x-stricter": "lower"}}
    fewer = {"x-stricter": "subset", "additionalProperties": {"properties": {"place": {"x-stricter": "emptied"}}}}
    schema = {"properties": {"more": more, "fewer": fewer}}
    common = {"more": {"a": 7}, "fewer": {"s3": {"place": "here"}}}
    assert looser(common, {"more": {"a": 1, "b": 5}, "fewer": {"s3": {"place": ""}}}, schema) == []
    assert looser(common, {"more": {"a": 8}, "fewer": {"s3": {"place": "there"}, "sqs": {"place": "x"}}}, schema) == [
        "more.a is 8, more than 7",
        "fewer is ['s3', 'sqs'], which is not part of ['s3']",
        "fewer.s3.place is 'there', which is not 'here'",
    ]


def test_what_common_does_not_say_cannot_be_compared() -> None:
    assert looser({}, {"p": 1}, of("lower")) == ["p is not in common.json, so nothing says what would be stricter"]


def test_a_direction_that_there_is_not_is_an_error() -> None:
    with pytest.raises(ValueError, match="'smaller' is no direction of p"):
        looser({"p": 1}, {"p": 2}, of("smaller"))


@pytest.mark.parametrize("environment", Library.open().environments)
def test_our_environments_are_as_strict_as_all_or_stricter(environment: str) -> None:
    assert Library.open().parameters(environment)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"allowed_regions": ["me-central-1", "eu-central-1"]}, "allowed_regions is ['me-central-1', 'eu-central-1'], which is not part of ['me-central-1']"),
        ({"gpu": {"maximum_nodes": 9}}, "gpu.maximum_nodes is 9, more than 8"),
        ({"checkov": {"level": "off"}}, "checkov.level is 'off', looser than 'advisory'"),
        ({"waivers": {"maximum_days": 365}}, "waivers.maximum_days is 365, more than 90"),
        ({"release": {"quality_floor": {"tasks": {"qa": 0.0}}}}, "release.quality_floor.tasks is ['qa'], which is not part of []"),
        ({"suppliers": {"route53": {"place": "x", "terms": "y"}}}, None),
    ],
)
def test_a_looser_one_is_refused_by_name(tmp_path: Path, change: dict[str, Any], why: str | None) -> None:
    for name in ("plan", "data", "schemas"):
        shutil.copytree(ROOT / "policies" / name, tmp_path / name)
    (tmp_path / "data" / "prod.json").write_text(json.dumps(change))
    with pytest.raises(UsageError, match="parameters of 'prod' are looser than those of all") as refusal:
        Library.open(tmp_path).parameters("prod")
    assert why is None or refusal.value.answers()["why"] == why


def test_a_common_file_that_is_whole_only_under_an_environment_is_wrong(tmp_path: Path) -> None:
    for name in ("plan", "data", "schemas"):
        shutil.copytree(ROOT / "policies" / name, tmp_path / name)
    common = json.loads((tmp_path / "data" / "common.json").read_text())
    (tmp_path / "data" / "common.json").write_text(json.dumps(common | {"unjudged_types": "perhaps"}))
    with pytest.raises(UsageError, match="parameters of 'prod' are wrong") as refusal:
        Library.open(tmp_path).parameters("prod")
    assert refusal.value.answers()["why"] == "common.json alone: unjudged_types is 'perhaps', not one of report, deny"
