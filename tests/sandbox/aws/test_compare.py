"""When two values mean the same to AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.sandbox.aws.compare import Meaning
from infra.sandbox.properties import UNKNOWN, plain, wrap

MEANING = Meaning(json=frozenset({"policy"}), unordered=frozenset({"ids", "rules.*.ports"}), decided=frozenset({"network.*"}))


@pytest.mark.parametrize(
    ("name", "held", "wanted", "same"),
    [
        ("text", "a", "a", True),
        ("text", "a", "b", False),
        ("flag", None, False, True),
        ("flag", None, True, False),
        ("flag", "true", True, True),
        ("count", 7, "7", True),
        ("count", 1, True, False),
        ("ids", ["b", "a"], ["a", "b"], True),
        ("ids", ["a", "a"], ["a", "b"], False),
        ("order", ["b", "a"], ["a", "b"], False),
        ("rules", [{"ports": [2, 1], "note": ""}], [{"ports": [1, 2]}], True),
        ("rules", [{"ports": [1]}, {"ports": [2]}], [{"ports": [2]}, {"ports": [1]}], False),
        ("network", {"vpcId": "vpc-1", "public": True}, {"public": True}, True),
        ("network", {"vpcId": "vpc-1"}, {"vpcId": "vpc-2"}, False),
        ("block", {"extra": "x", "a": 1}, {"a": 1}, False),
        ("block", {"extra": [], "a": 1}, {"a": 1}, True),
        ("policy", '{"Action": ["b", "a"], "Resource": ["*"]}', json.dumps({"Resource": "*", "Action": ["a", "b"]}), True),
        ("policy", '{"Action": "a"}', '{"Action": "b"}', False),
        ("policy", "not json", "not json", True),
        ("text", "a", UNKNOWN, False),
        ("text", None, UNKNOWN, False),
        ("block", {"a": "b"}, {"a": UNKNOWN}, False),
    ],
)
def test_sameness(name: str, held: Any, wanted: Any, same: bool) -> None:
    assert MEANING.same(name, held, wanted) is same


def test_values_survive_the_way_to_pulumi_and_back() -> None:
    value = {"text": "a", "count": 3, "part": 0.5, "flag": False, "list": [1, {"deep": "x"}], "empty": {}}
    assert plain(wrap(value)) == value
    assert repr(plain(wrap({"later": UNKNOWN}))) == "{'later': <unknown>}"
