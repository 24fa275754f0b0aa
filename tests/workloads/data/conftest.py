"""An object store that tests of data share."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest

BUCKET = "falaj-local-data"


@pytest.fixture
def s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of a fresh object store with one versioned bucket."""
    import boto3

    settings = {"AWS_ENDPOINT_URL": s3_endpoint, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "me-central-1"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    # Of the tests before it, too.
    urllib.request.urlopen(urllib.request.Request(f"{s3_endpoint}/moto-api/reset", method="POST")).close()
    client = boto3.client("s3", region_name="me-central-1")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "me-central-1"})
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    return client
