"""The genuine Feast over S3 and a DynamoDB table that somebody else made, both emulated: the cloud's form of the same store."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest

from tests.workloads.features.conftest import needs_feast
from workloads.features import store
from workloads.features.place import Place
from workloads.features.store import Prepared

pytestmark = needs_feast
REGION, TABLE, BUCKET = "me-central-1", "falaj-local-features", "falaj-local-data"


@pytest.fixture
def dynamodb(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of an account with a bucket and the table, as the foundation stack makes them."""
    import boto3

    settings = {"AWS_ENDPOINT_URL": s3_endpoint, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    # Of the tests before it, too.
    urllib.request.urlopen(urllib.request.Request(f"{s3_endpoint}/moto-api/reset", method="POST")).close()
    boto3.client("s3", region_name=REGION).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    client = boto3.client("dynamodb", region_name=REGION)
    client.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "entity_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "entity_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "owner", "Value": "falaj"}],
    )
    return client


def test_features_are_the_same_in_a_bucket_and_a_table_until_they_are_forgotten(data: Prepared, dynamodb: Any) -> None:
    where = Place(f"s3://{BUCKET}/features", TABLE, REGION)
    assert store.publish(data, where)["equal"] == {"compared": 240, "rows": 240}
    count = lambda: dynamodb.scan(TableName=TABLE, Select="COUNT")["Count"]  # noqa: E731
    arn = dynamodb.describe_table(TableName=TABLE)["Table"]["TableArn"]
    assert (count(), dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]) == (240, [{"Key": "owner", "Value": "falaj"}])
    assert dynamodb.list_tables()["TableNames"] == [TABLE]
    assert store.forget(where, data.id) == 240
    assert (count(), store.everything(where)) == (0, [])
