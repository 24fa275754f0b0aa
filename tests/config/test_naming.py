"""Names are short enough for AWS, and tags say all that must be said."""

from __future__ import annotations

import pytest

from infra.config import naming
from infra.config.classes import CLASSES
from infra.config.load import load_environment
from infra.config.model import BUCKETS, ENVIRONMENTS


def test_tags_say_whose_it_is_what_it_holds_and_for_how_long() -> None:
    assert naming.tags(load_environment("prod").foundation, "personal", "model-training") == {
        "owner": "ml-platform",
        "environment": "prod",
        "data-class": "personal",
        "purpose": "model-training",
        "legal-basis": "consent",
        "retention": "365d",
        "data-origin": "real",
    }


def test_an_environment_that_keeps_data_for_less_long_says_so_in_its_tags() -> None:
    assert naming.tags(load_environment("dev").foundation, "personal", "model-training")["retention"] == "30d"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_bucket_names_are_what_s3_takes(environment: str) -> None:
    config = load_environment(environment).foundation
    names = [naming.bucket_name(config, bucket.name) for bucket in BUCKETS]
    assert len(set(names)) == len(names) and all(len(name) <= 63 and name == name.lower() for name in names)
    assert naming.bucket_name(config, "artifacts") == f"falaj-{environment}-artifacts-{config.account}"


def test_a_key_is_known_by_its_alias_before_it_exists() -> None:
    config = load_environment("prod").foundation
    assert naming.key_alias_arn(config, "personal") == "arn:aws:kms:me-central-1:333333333333:alias/falaj-prod-personal"


def test_every_class_keeps_replaced_versions_for_less_long_than_the_data() -> None:
    assert all(0 < each.noncurrent_days < each.retention_days for each in CLASSES.values())


def test_a_store_says_what_it_promises_and_so_does_what_runs() -> None:
    config = load_environment("prod").foundation
    assert naming.store_tags(config, "personal", "model-training") == {**naming.tags(config, "personal", "model-training"), "rto": "8h", "rpo": "24h"}
    assert naming.recovery_labels(config, keeps=True) == {"falaj/rto": "8h", "falaj/rpo": "24h"}
    assert naming.recovery_labels(config, keeps=False) == {"falaj/rto": "8h"}
