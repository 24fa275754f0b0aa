"""A plan of ours as Terraform's: names, blocks, edges and what is not known, with nothing dropped in silence."""

from __future__ import annotations

from typing import Any

import pytest

from infra.artifacts import UNKNOWN, Plan
from infra.checkov import names
from infra.checkov.terraform import UNKNOWN as WORD
from infra.checkov.terraform import Translated, translate
from tests.policies.samples import plan_of

BUCKET, KEY = "aws:s3/bucket:Bucket", "aws:kms/key:Key"
ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"


def urn(type: str, name: str) -> str:
    return f"urn:pulumi:prod::app::{type}::{name}"


def resource(type: str, name: str, inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"urn": urn(type, name), "type": type, "name": name, "op": "create", "custom": True, "inputs": inputs, **more}


def plan(*resources: dict[str, Any]) -> Plan:
    return plan_of(list(resources))


def values(translated: Translated, address: str) -> dict[str, Any]:
    return next(item["values"] for item in translated.document["planned_values"]["root_module"]["resources"] if item["address"] == address)


def expressions(translated: Translated, address: str) -> dict[str, Any]:
    return next(item["expressions"] for item in translated.document["configuration"]["root_module"]["resources"] if item["address"] == address)


def test_a_block_becomes_a_list_of_one_and_a_list_of_blocks_loses_its_plural() -> None:
    rules = [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "k"}, "bucketKeyEnabled": True}]
    found = translate(plan(resource(ENCRYPTION, "e", {"bucket": "b", "rules": rules})))
    assert values(found, "aws_s3_bucket_server_side_encryption_configuration.e") == {
        "bucket": "b",
        "rule": [{"apply_server_side_encryption_by_default": [{"sse_algorithm": "aws:kms", "kms_master_key_id": "k"}], "bucket_key_enabled": True}],
    }


def test_an_edge_is_a_reference_and_a_hidden_value_with_one_is_left_to_it() -> None:
    found = translate(
        plan(
            resource(BUCKET, "data", {}),
            resource(KEY, "key", {}),
            resource(
                ENCRYPTION,
                "e",
                {"bucket": UNKNOWN, "rules": [{"applyServerSideEncryptionByDefault": {"kmsMasterKeyId": UNKNOWN, "sseAlgorithm": "aws:kms"}}]},
                property_dependencies={"bucket": [urn(BUCKET, "data")], "rules": [urn(KEY, "key")]},
            ),
        )
    )
    address = "aws_s3_bucket_server_side_encryption_configuration.e"
    assert expressions(found, address) == {
        "bucket": {"references": ["aws_s3_bucket.data.id", "aws_s3_bucket.data"]},
        "rule": {"references": ["aws_kms_key.key.id", "aws_kms_key.key"]},
    }
    assert "bucket" not in values(found, address)
    assert values(found, address)["rule"][0]["apply_server_side_encryption_by_default"][0]["kms_master_key_id"] == "aws_kms_key.key.id"
    assert found.hidden[urn(ENCRYPTION, "e")] == {"bucket", "rule"}


def test_a_hidden_value_that_refers_to_nothing_is_there_and_equal_to_nothing() -> None:
    found = translate(plan(resource(BUCKET, "b", {"bucket": UNKNOWN, "forceDestroy": {"__falaj__": "secret"}})))
    assert values(found, "aws_s3_bucket.b") == {"bucket": WORD, "force_destroy": WORD}


def test_keys_of_tags_are_the_users_and_stay_as_they_are() -> None:
    found = translate(plan(resource(BUCKET, "b", {"tags": {"dataClass": "x"}, "tagsAll": {"dataClass": "x"}})))
    assert values(found, "aws_s3_bucket.b") == {"tags": {"dataClass": "x"}}


def test_two_resources_of_one_name_keep_apart() -> None:
    twin = {**resource(BUCKET, "b", {}), "urn": f"urn:pulumi:prod::app::falaj:storage:Store${BUCKET}::b"}
    found = translate(plan(resource(BUCKET, "b", {}), twin))
    assert found.urns == {"aws_s3_bucket.b": urn(BUCKET, "b"), "aws_s3_bucket.b_2": twin["urn"]}


def test_an_older_name_of_a_type_is_the_same_type() -> None:
    assert names.terraform_type("aws:s3/bucketV2:BucketV2") == "aws_s3_bucket"


@pytest.mark.parametrize("type", ["aws:sagemaker/domain:Domain", "aws-native:s3:Bucket", "random:index/randomId:RandomId"])
def test_a_type_without_a_name_is_listed_whosever_it_is(type: str) -> None:
    found = translate(plan(resource(type, "d", {})))
    assert (found.unmapped, found.urns) == ({type: [urn(type, "d")]}, {})


@pytest.mark.parametrize("type", ["kubernetes:core/v1:ConfigMap", "pulumi:providers:kubernetes"])
def test_what_has_a_form_of_its_own_is_not_listed(type: str) -> None:
    assert translate(plan(resource(type, "d", {}))).unmapped == {}


@pytest.mark.parametrize("op", ["delete", "read"])
def test_what_goes_or_is_only_read_is_not_judged(op: str) -> None:
    assert translate(plan({**resource(BUCKET, "b", {}), "op": op})).urns == {}


def test_a_providers_region_is_a_constant() -> None:
    found = translate(plan(resource("pulumi:providers:aws", "aws", {"region": "me-central-1"})))
    assert found.document["configuration"]["provider_config"] == {
        "aws.aws": {"name": "aws", "alias": "aws", "expressions": {"region": {"constant_value": "me-central-1"}}}
    }


@pytest.mark.parametrize(
    ("pulumi", "terraform"),
    [("policies", "policy"), ("statements", "statement"), ("addresses", "address"), ("ingress", "ingress"), ("tagSpecifications", "tag_specifications")],
)
def test_a_list_of_blocks_has_terraforms_name(pulumi: str, terraform: str) -> None:
    assert names.terraform_property(pulumi, blocks=True) == terraform


def test_a_list_of_plain_values_keeps_its_plural() -> None:
    assert names.terraform_property("subnetIds", blocks=False) == "subnet_ids"
