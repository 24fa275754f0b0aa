"""The simulator answers as the user guide of IAM says, one fact changed at a time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.iam.conditions import holds
from tests.iam.evaluate import Answer, Principal, Request, answer

ME = "arn:aws:iam::111111111111:role/me"
OBJECT = "arn:aws:s3:::shelf/a/b"
KEY = "arn:aws:kms:me-central-1:111111111111:key/1"
ROOT = {"AWS": "arn:aws:iam::111111111111:root"}


def policy(effect: str = "Allow", action: Any = "s3:GetObject", resource: Any = "arn:aws:s3:::shelf/*", **more: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": effect, "Action": action, "Resource": resource, **more}]}


def asked(*own: Any, boundary: Any = None, theirs: Any = None, action: str = "s3:GetObject", resource: str = OBJECT, **context: str) -> Answer:
    return answer(Request(Principal(ME, own, boundary), action, resource, context), theirs)


def test_what_nobody_allows_is_not_allowed_and_what_somebody_denies_is_denied() -> None:
    assert asked() == "not allowed"
    assert asked(policy()) == "allowed"
    assert asked(policy(), policy("Deny")) == "denied"
    assert asked(policy(), theirs=policy("Deny", Principal="*")) == "denied"
    assert asked(policy(), theirs=policy("Deny", Principal={"AWS": "arn:aws:iam::111111111111:role/other"})) == "allowed"
    assert asked(policy(), boundary=policy("Deny")) == "denied"


def test_a_boundary_takes_and_never_gives() -> None:
    assert asked(policy(), boundary=policy()) == "allowed"
    assert asked(policy(), boundary=policy(action="s3:PutObject")) == "not allowed"
    assert asked(boundary=policy()) == "not allowed"


def test_a_resource_can_allow_a_role_under_its_boundary_and_everybody_beyond_it() -> None:
    theirs = policy(Principal={"AWS": ME})
    assert asked(theirs=theirs) == "allowed"
    assert asked(theirs=theirs, boundary=policy(action="s3:PutObject")) == "not allowed"
    assert asked(theirs=policy(Principal="*"), boundary=policy(action="s3:PutObject")) == "allowed"
    assert asked(theirs=policy(Principal=ROOT)) == "not allowed"
    assert asked(theirs=policy(Principal={"AWS": "arn:aws:iam::222222222222:root"})) == "not allowed"


def test_a_key_and_a_role_have_the_first_word_themselves() -> None:
    mine = policy(action="kms:Decrypt", resource="*")
    account, own = policy(action="kms:*", resource="*", Principal=ROOT), policy(action="kms:*", resource="*", Principal={"AWS": ME})
    assert asked(mine, action="kms:Decrypt", resource=KEY) == "not allowed"
    assert asked(mine, action="kms:Decrypt", resource=KEY, theirs=account) == "allowed"
    assert asked(action="kms:Decrypt", resource=KEY, theirs=account) == "not allowed"
    assert asked(action="kms:Decrypt", resource=KEY, theirs=own) == "allowed"
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]}
    taken = Request(Principal("ec2.amazonaws.com"), "sts:AssumeRole", ME)
    assert (answer(taken, trust), asked(policy(action="sts:*", resource="*"), action="sts:AssumeRole", resource=ME, theirs=trust)) == ("allowed", "not allowed")


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (policy(action="S3:getobject"), "allowed"),
        (policy(action="s3:Get*"), "allowed"),
        (policy(action=["s3:PutObject", "s3:Ge?Object"]), "allowed"),
        (policy(action="s3:GetObjectVersion"), "not allowed"),
        (policy(resource="arn:aws:s3:::SHELF/*"), "not allowed"),
        (policy(resource="arn:aws:s3:::shelf"), "not allowed"),
        (policy(resource="arn:aws:s3:::shelf/*/b"), "allowed"),
        (policy(resource="arn:aws:*"), "allowed"),
        (policy(resource="arn:aws:s3:::shelf/${aws:username}/*"), "not allowed"),
        ({"Statement": {"Effect": "Allow", "NotAction": "s3:PutObject", "Resource": "*"}}, "allowed"),
        ({"Statement": {"Effect": "Allow", "Action": "*", "NotResource": OBJECT}}, "not allowed"),
    ],
)
def test_actions_fold_case_and_resources_do_not(statement: dict[str, Any], expected: Answer) -> None:
    assert asked(statement) == expected


def test_a_variable_of_a_policy_is_filled_from_the_request() -> None:
    mine = policy(resource="arn:aws:s3:::shelf/${aws:PrincipalTag/team}/*")
    assert (asked(mine, **{"aws:PrincipalTag/team": "a"}), asked(mine, **{"aws:PrincipalTag/team": "z"})) == ("allowed", "not allowed")


@pytest.mark.parametrize(
    ("block", "context", "expected"),
    [
        ({"StringEquals": {"a:b": ["x", "y"]}}, {"A:B": "y"}, True),
        ({"StringEquals": {"a:b": "x*"}}, {"a:b": "xy"}, False),
        ({"StringLike": {"a:b": "x*"}}, {"a:b": "xy"}, True),
        ({"StringEquals": {"a:b": "x"}}, {}, False),
        ({"StringEqualsIfExists": {"a:b": "x"}}, {}, True),
        ({"StringNotEquals": {"a:b": "x"}}, {}, True),
        ({"StringNotEquals": {"a:b": ["x", "y"]}}, {"a:b": "y"}, False),
        ({"StringEquals": {"a:b": "x"}, "Bool": {"a:c": "true"}}, {"a:b": "x", "a:c": "false"}, False),
        ({"Bool": {"a:b": False}}, {"a:b": "false"}, True),
        ({"Null": {"a:b": "true"}}, {}, True),
        ({"Null": {"a:b": "false"}}, {}, False),
        ({"NumericLessThan": {"a:b": "1.2"}}, {"a:b": "1.1"}, True),
        ({"NumericLessThan": {"a:b": "1.2"}}, {"a:b": "1.2"}, False),
        ({"IpAddress": {"a:b": "10.0.0.0/8"}}, {"a:b": "10.1.1.1"}, True),
        ({"NotIpAddress": {"a:b": "10.0.0.0/8"}}, {}, True),
        ({"NotIpAddress": {"a:b": "10.0.0.0/8"}}, {"a:b": "10.1.1.1"}, False),
        ({"ArnLike": {"a:b": "arn:aws:logs:*:1:*"}}, {"a:b": "arn:aws:logs:me-central-1:1:log-group:x"}, True),
        ({"ArnLike": {"a:b": "arn:aws:logs:*"}}, {"a:b": "arn:aws:logs:me-central-1:1:log-group:x"}, False),
        ({"ArnNotEquals": {"a:b": "arn:aws:iam::1:role/a"}}, {"a:b": "arn:aws:iam::1:role/a"}, False),
        ({"ForAnyValue:StringEquals": {"a:b": "x"}}, {"a:b": ["y", "x"]}, True),
        ({"ForAnyValue:StringEquals": {"a:b": "x"}}, {}, False),
        ({"ForAllValues:StringEquals": {"a:b": "x"}}, {"a:b": ["y", "x"]}, False),
        ({"ForAllValues:StringEquals": {"a:b": "x"}}, {}, True),
    ],
)
def test_a_condition_is_true_of_a_request_or_not(block: dict[str, Any], context: dict[str, Any], expected: bool) -> None:
    assert holds(block, context) is expected


@pytest.mark.parametrize("block", [{"StringSomehow": {"a:b": "x"}}, {"ForSome:StringEquals": {"a:b": "x"}}, {"StringEquals": {"a:c": "x"}}])
def test_what_is_not_simulated_raises(block: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        holds(block, {"a:b": "x", "a:c": ["x", "y"]})
