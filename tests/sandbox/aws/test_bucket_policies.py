"""Whom a bucket policy concerns in the local S3."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.sandbox.aws.extra_s3 import caller, concerns
from tests.sandbox.aws.conftest import ACCOUNT, REGION, Server

OTHER = "999999999999"


@pytest.mark.parametrize(
    ("statement", "concerned"),
    [
        ({"Principal": "*"}, True),
        ({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}, True),
        ({"Principal": {"AWS": [f"arn:aws:iam::{OTHER}:root"]}}, False),
        ({"Principal": {"Service": "logging.s3.amazonaws.com"}}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, False),
        ({"Condition": {"Bool": {"aws:SecureTransport": True}}}, True),
        ({"Condition": {"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}}}, False),
        ({"Condition": {"StringNotEquals": {"aws:PrincipalAccount": [OTHER]}, "Bool": {"aws:PrincipalIsAWSService": "false"}}}, True),
        ({"Condition": {"StringNotEqualsIfExists": {"aws:PrincipalAccount": OTHER}}}, True),
        ({"Condition": {"ArnNotLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:*"}}}, False),
        ({"Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}}, False),
        ({"Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}}, False),
    ],
)
def test_a_statement_concerns_those_it_names_and_describes(statement: dict[str, Any], concerned: bool) -> None:
    assert concerns(statement, caller(ACCOUNT)) is concerned


def test_tls_only_refuses_nobody_here_and_an_outright_denial_everybody(server: Server) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="guarded", CreateBucketConfiguration={"LocationConstraint": REGION})

    def deny(**more: Any) -> None:
        statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::guarded", "arn:aws:s3:::guarded/*"], **more}
        s3.put_bucket_policy(Bucket="guarded", Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))

    deny(Condition={"Bool": {"aws:SecureTransport": "false"}})
    s3.put_object(Bucket="guarded", Key="a", Body=b"a")
    deny()
    with pytest.raises(ClientError, match="403"):
        s3.put_object(Bucket="guarded", Key="a", Body=b"b")
    deny(Condition={"StringNotEquals": {"aws:PrincipalAccount": ACCOUNT}})
    assert s3.get_object(Bucket="guarded", Key="a")["Body"].read() == b"a"
