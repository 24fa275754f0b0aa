"""Where moto's S3 differs from the real one in what the stacks rely on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

Statement = Mapping[str, Any]

_POSITIVE = {"StringEquals", "StringLike", "ArnEquals", "ArnLike", "Bool"}
_NEGATIVE = {"StringNotEquals", "StringNotLike", "ArnNotEquals", "ArnNotLike"}


def caller(account: str) -> dict[str, str]:
    """What a bucket policy may ask about a request to the local S3: it stands for one of the account's own, over TLS."""
    return {
        "aws:SecureTransport": "true",
        "aws:PrincipalAccount": account,
        "aws:PrincipalArn": f"arn:aws:iam::{account}:user/local",
        "aws:PrincipalIsAWSService": "false",
        "aws:SourceAccount": account,
    }


def concerns(statement: Statement, context: Mapping[str, str]) -> bool:
    """True when a bucket policy's statement is about a caller of this `context`.

    A condition on anything that the context does not hold is not judged, and its statement left out: the local S3 does not
    refuse what it cannot know to be wrong.
    """
    principal = statement.get("Principal", "*")
    if isinstance(principal, Mapping):
        named = principal.get("AWS", [])
        own = {"*", context["aws:PrincipalAccount"], context["aws:PrincipalArn"], f"arn:aws:iam::{context['aws:PrincipalAccount']}:root"}
        if not own & set([named] if isinstance(named, str) else named):
            return False
    return all(_holds(operator, asked, context) for operator, asked in statement.get("Condition", {}).items())


def _holds(operator: str, asked: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    name = operator.removesuffix("IfExists").rpartition(":")[2]
    if name not in _POSITIVE | _NEGATIVE or not asked.keys() <= context.keys():
        return False
    for key, wanted in asked.items():
        patterns = [str(one) for one in (wanted if isinstance(wanted, list) else [wanted])]
        held = context[key]
        matches = any(fnmatchcase(held, pattern) if name.endswith("Like") else held in (pattern, pattern.lower()) for pattern in patterns)
        if matches != (name in _POSITIVE):
            return False
    return True


def install(account: str) -> None:
    """Make moto's S3 take what the real one takes.

    - A policy's conditions decide whom a statement concerns. moto ignores them, so that "no plain HTTP" would refuse everybody.
    - An Object Lock rule on a lock-enabled bucket that already holds objects. moto answers BucketNeedsToBeNew, which would
      keep a restored evidence bucket from getting its rule back.
    - Access logs to a bucket whose policy does not yet let them in: S3 looks when it delivers, moto when logging is set.
    - No access logs are delivered: moto writes one object per request, with made-up contents, into the evidence.
    """
    from moto.s3.models import FakeBucket, S3Backend

    context = caller(account)
    judge, refusing = FakeBucket.get_permission, S3Backend.put_object_lock_configuration

    def get_permission(self: Any, action: str, resource: str) -> Any:
        if self.policy is None:
            return judge(self, action, resource)
        whole = self.policy
        document = json.loads(whole.decode())
        statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
        # Conditions have had their say; moto would take any for a refusal.
        about_us = [{key: value for key, value in one.items() if key != "Condition"} for one in statements if concerns(one, context)]
        self.policy = json.dumps({**document, "Statement": about_us}).encode()
        try:
            return judge(self, action, resource)
        finally:
            self.policy = whole

    def put_object_lock_configuration(
        self: Any, bucket_name: str, lock_enabled: bool, mode: str | None = None, days: int | None = None, years: int | None = None
    ) -> None:
        bucket = self.get_bucket(bucket_name)
        if not (bucket.object_lock_enabled and lock_enabled):
            return refusing(self, bucket_name, lock_enabled, mode, days, years)
        bucket.default_lock_mode, bucket.default_lock_days, bucket.default_lock_years = mode, days, years

    for owner, name, better in (
        (FakeBucket, "get_permission", get_permission),
        (FakeBucket, "_log_permissions_enabled_policy", staticmethod(lambda target_bucket, target_prefix: True)),
        (S3Backend, "log_incoming_request", lambda self, request, bucket_name: None),
        (S3Backend, "put_object_lock_configuration", put_object_lock_configuration),
    ):
        setattr(owner, name, better)
