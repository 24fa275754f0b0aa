"""Where features are kept is said whole, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from falaj.errors import UsageError
from workloads.features.place import Place, place

CLOUD = {"FALAJ_FEATURE_STORE": "s3://falaj-prod-data/features", "FALAJ_FEATURE_TABLE": "falaj-prod-features", "AWS_REGION": "me-central-1"}


def test_a_bucket_comes_with_its_table_and_region() -> None:
    found = place(CLOUD)
    assert found == Place("s3://falaj-prod-data/features", "falaj-prod-features", "me-central-1")
    assert found.at("1f0c9a") == "s3://falaj-prod-data/features/1f0c9a"


def test_a_folder_needs_nothing_else_and_stands_in_where_nothing_is_named(tmp_path: Path) -> None:
    assert place({"FALAJ_FEATURE_STORE": str(tmp_path), "AWS_REGION": "me-central-1"}) == place({}, otherwise=tmp_path) == Place(str(tmp_path))
    assert place({}) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"FALAJ_FEATURE_TABLE": ""}, "a bucket of features needs a DynamoDB table and a region beside it"),
        ({"AWS_REGION": ""}, "a bucket of features needs a DynamoDB table and a region beside it"),
        ({"FALAJ_FEATURE_TABLE": "a{b}"}, "a bucket of features needs a DynamoDB table and a region beside it"),
        ({"FALAJ_FEATURE_STORE": "/mnt/features"}, "a folder of features has no table beside it"),
        ({"FALAJ_FEATURE_STORE": "gs://bucket"}, "features cannot be kept there"),
        ({"FALAJ_FEATURE_STORE": ""}, "there is a table for features and no bucket"),
    ],
)
def test_what_is_half_said_is_refused(change: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        place({**CLOUD, **change})
    assert caught.value.what == said
