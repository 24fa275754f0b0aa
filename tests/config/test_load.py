"""Config that is wrong is refused where it is read, in words that say what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from falaj.errors import Exit, UsageError
from falaj.home import ROOT
from infra.config.classes import CLASSES
from infra.config.load import load_environment, parse, read_values, schema
from infra.config.model import BUCKETS, ENVIRONMENTS, MODELS


def happy(stack: str, environment: str = "prod", **changes: Any) -> dict[str, Any]:
    """The values of a real file, with top-level keys changed; None leaves a key out."""
    values = {**read_values(ROOT / "stacks" / stack / f"Pulumi.{environment}.yaml"), **changes}
    return {key: value for key, value in values.items() if value is not None}


def refusal(stack: str, environment: str = "prod", **changes: Any) -> dict[str, str]:
    """What the refusal of changed config says."""
    with pytest.raises(UsageError) as caught:
        parse(stack, environment, happy(stack, environment, **changes))
    assert caught.value.exit_code is Exit.USAGE
    return {"what": caught.value.what, **caught.value.answers()}


def pools(**changes: Any) -> list[dict[str, Any]]:
    """The pools of prod, with the GPU pool changed."""
    return [{**pool, **changes} if pool["kind"] == "gpu" else pool for pool in happy("cluster")["pools"]]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_environment_loads_and_its_stacks_agree(environment: str) -> None:
    found = load_environment(environment)
    assert (found.environment, found.region, found.allowed_regions, found.partition) == (environment, "me-central-1", ("me-central-1",), "aws")


def test_environments_share_neither_account_nor_network() -> None:
    found = [load_environment(environment) for environment in ENVIRONMENTS]
    assert len({each.account for each in found}) == len({each.foundation.network.cidr for each in found}) == len(ENVIRONMENTS)


def test_the_local_environment_is_the_emulators_own_account() -> None:
    assert load_environment("local").account == "123456789012"


def test_a_region_outside_the_allowed_ones_is_refused_with_the_law_that_says_so() -> None:
    assert refusal("foundation", region="eu-west-1") == {
        "what": "region: 'eu-west-1' is not allowed for data class 'personal'",
        "given": "stacks/foundation/Pulumi.prod.yaml, key falaj:region",
        "allowed": "me-central-1",
        "why": "UAE PDPL art. 22: no transfer without a recorded basis (rule provider_region)",
        "next": "choose me-central-1, or have the exception decided: runbooks/residency_exception.md",
    }


def test_an_allowed_region_that_nobody_looked_up_is_refused() -> None:
    found = refusal("foundation", allowed_regions=["me-central-1", "xx-north-9"])
    assert found["what"] == "region: nothing is known about 'xx-north-9'" and found["allowed"] == "me-central-1"


def test_an_instance_type_that_the_region_lacks_is_refused_naming_what_it_has() -> None:
    assert refusal("cluster", pools=pools(instance_types=["g4dn.xlarge"])) == {
        "what": "instance type: 'g4dn.xlarge' is not in region me-central-1",
        "given": "stacks/cluster/Pulumi.prod.yaml, key falaj:pools.1.instance_types",
        "allowed": "GPU families g5, g6, g6e, p5en.48xlarge",
        "why": "United Arab Emirates does not offer it",
        "next": "choose one of those families; infra/config/regions.yaml holds the table",
    }


def test_a_size_that_the_region_lacks_is_refused() -> None:
    assert refusal("cluster", pools=pools(instance_types=["p5en.24xlarge"]))["what"] == "instance type: 'p5en.24xlarge' is not in region me-central-1"


def test_a_gpu_pool_of_machines_without_gpus_is_refused() -> None:
    assert refusal("cluster", pools=pools(instance_types=["m7i.xlarge"]))["why"] == "m7i is offered there without GPUs"


def test_a_plain_pool_of_gpu_machines_is_refused() -> None:
    assert refusal("cluster", pools=pools(kind="inference"))["why"] == "g5 has GPUs, and this pool is declared without"


def test_a_pool_of_two_architectures_is_refused() -> None:
    wanted = [{"name": "system", "kind": "system", "instance_types": ["m7i.large", "m7g.large"], "minimum": 1, "maximum": 2}]
    assert refusal("cluster", pools=wanted)["what"] == "pools.0.instance_types: pool system mixes processor architectures"


def test_a_cluster_without_a_system_pool_is_refused() -> None:
    assert refusal("cluster", pools=pools()[1:])["given"] == "stacks/cluster/Pulumi.prod.yaml, key falaj:pools: gpu (gpu), inference (inference)"


def test_a_pool_that_may_never_be_as_small_as_its_minimum_is_refused() -> None:
    assert refusal("cluster", pools=pools(minimum=9))["what"] == "pools.1.minimum: 9 is more than the maximum"


@pytest.mark.parametrize(
    ("service", "why"),
    [
        ("macie", "the region does not have it; in its place: data cards and the checks of the prepare stage"),
        ("cloudfront", "it is global: its data lies in us-east-1 and every edge location"),
        ("teleport", "United Arab Emirates does not offer it"),
    ],
)
def test_an_endpoint_of_a_service_that_the_region_lacks_is_refused(service: str, why: str) -> None:
    found = refusal("foundation", network={"cidr": "10.40.0.0/16", "interface_endpoints": ["kms", service]})
    assert (found["what"], found["why"]) == (f"service: '{service}' is not in region me-central-1", why)
    assert "kms" in found["allowed"].split(", ")


def test_an_unknown_key_is_refused_naming_the_one_that_was_probably_meant() -> None:
    found = refusal("foundation", regoin="me-central-1")
    assert found["what"] == "regoin: there is no such key" and found["next"] == "write region"
    assert found["allowed"] == ", ".join(sorted(name for name in MODELS["foundation"].model_fields if name != "environment"))


def test_an_unknown_key_deep_inside_is_refused_naming_its_own_neighbours() -> None:
    found = refusal("cluster", pools=pools(minumum=1))
    assert found["given"] == "stacks/cluster/Pulumi.prod.yaml, key falaj:pools.1.minumum"
    neighbours = "capacity, cpu, disk_gib, efa, instance_types, kind, maximum, mig, minimum, name, placement_group, reservation, restartable, zone"
    assert found["allowed"] == neighbours
    assert found["next"] == "write minimum"


def test_the_environment_cannot_be_set_by_a_file() -> None:
    with pytest.raises(UsageError) as caught:
        parse("foundation", "prod", {**happy("foundation"), "environment": "dev"})
    assert caught.value.why == "the environment is the name of the Pulumi stack"


def test_a_missing_key_is_named() -> None:
    assert refusal("foundation", account=None) == {
        "what": "account: it is missing",
        "given": "stacks/foundation/Pulumi.prod.yaml, no key falaj:account",
        "allowed": "string matching ^[0-9]{12}$",
        "why": "it has no default that would be right everywhere",
        "next": "add it",
    }


def test_a_value_of_the_wrong_form_is_refused_with_the_form_it_should_have() -> None:
    found = refusal("foundation", keys={"deletion_days": 3})
    assert found["what"] == "keys.deletion_days: 3 cannot be used" and found["allowed"] == "integer from 7 to 30"


def test_an_account_that_lost_its_leading_zero_is_refused() -> None:
    assert refusal("foundation", account="12345678901")["what"] == "account: '12345678901' cannot be used"


def test_a_zone_of_another_region_is_refused() -> None:
    found = refusal("foundation", zones=["me-central-1a", "eu-west-1a"])
    assert found["what"] == "zones: eu-west-1a is not a zone of me-central-1"


def test_a_zone_that_stands_twice_is_refused() -> None:
    assert refusal("foundation", zones=["me-central-1a", "me-central-1a"])["what"] == "zones: a zone stands there twice"


def test_a_network_too_small_for_its_zones_is_refused() -> None:
    assert refusal("foundation", network={"cidr": "10.40.0.0/18"})["what"] == "network: 10.40.0.0/18 is too small for 3 zones"


def test_evidence_locked_for_longer_than_it_is_kept_is_refused() -> None:
    assert refusal("foundation", lock={"days": 9999})["what"] == "lock.days: 9999 is longer than evidence is kept"


def test_a_locked_copy_of_personal_data_is_refused() -> None:
    assert refusal("foundation", backups={"buckets": ["state", "data"]}) == {
        "what": "backups.buckets: data cannot be kept in the vault",
        "given": "stacks/foundation/Pulumi.prod.yaml, key falaj:backups.buckets",
        "allowed": "state, artifacts",
        "why": "the vault is locked and under the key of confidential data: copies of personal data would outlive their erasure",
        "next": "name buckets of confidential data only",
    }


def test_backups_that_outlive_what_they_are_copies_of_are_refused() -> None:
    assert refusal("foundation", "dev", backups={"keep_days": 91})["what"] == "backups.keep_days: 91 is longer than confidential data is kept"


def test_a_schedule_that_aws_cannot_read_is_refused() -> None:
    assert refusal("foundation", backups={"schedule": "0 1 * * *"})["what"] == "backups.schedule: '0 1 * * *' cannot be used"


def test_serving_bounds_in_the_wrong_order_are_refused() -> None:
    assert refusal("workloads", serving={"minimum": 5, "maximum": 2})["what"] == "serving.minimum: 5 is more than the maximum"


def test_an_image_named_by_tag_is_refused() -> None:
    found = refusal("workloads", images={"train": "latest", "serve": f"sha256:{'a' * 64}"})
    assert found["what"] == "images.train: 'latest' cannot be used" and found["allowed"] == "string matching ^sha256:[0-9a-f]{64}$"


def test_a_namespace_that_the_workloads_do_not_know_is_refused() -> None:
    wanted = [{**happy("platform")["namespaces"][0], "name": "research"}]
    assert refusal("platform", namespaces=wanted)["allowed"] == "training and inference, once each"


def test_an_egress_range_that_is_none_is_refused() -> None:
    assert refusal("platform", object_store_cidrs=["everywhere"])["what"] == "object_store_cidrs: 'everywhere' is not a network"
    assert refusal("platform", table_store_cidrs=["3.5.48.0/99"])["what"] == "table_store_cidrs: '3.5.48.0/99' is not a network"


def test_an_environment_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        load_environment("production")
    assert caught.value.allowed == "local, dev, staging, prod, onprem"


def copied(stacks: Path, environment: str = "dev") -> Path:
    """A copy of the YAML files, to be changed."""
    for stack in MODELS:
        name = f"Pulumi.{environment}.yaml"
        (stacks / stack).mkdir(parents=True)
        (stacks / stack / name).write_text((ROOT / "stacks" / stack / name).read_text())
    return stacks


def test_stacks_that_disagree_about_their_account_are_refused(tmp_path: Path) -> None:
    stacks = copied(tmp_path)
    path = stacks / "platform" / "Pulumi.dev.yaml"
    path.write_text(path.read_text().replace("111111111111", "444444444444"))
    with pytest.raises(UsageError) as caught:
        load_environment("dev", stacks)
    assert caught.value.what == "account: the stacks of dev do not agree"
    assert "'111111111111'" in str(caught.value.given) and "'444444444444'" in str(caught.value.given)


@pytest.mark.parametrize(
    ("key", "changed"), [("training.nodes", "training: {nodes: 2}"), ("tune.workers", "tune: {workers: 2, database: {cidrs: [10.20.0.0/16]}}")]
)
def test_several_nodes_on_a_volume_of_one_are_refused_and_so_are_more_gpus_than_the_quota(tmp_path: Path, key: str, changed: str) -> None:
    stacks = copied(tmp_path)
    path = stacks / "workloads" / "Pulumi.dev.yaml"
    path.write_text(path.read_text() + f"  falaj:{changed}\n")
    with pytest.raises(UsageError, match=f"{key}: the claim work is for one node"):
        load_environment("dev", stacks)
    claims = stacks / "platform" / "Pulumi.dev.yaml"
    claims.write_text(claims.read_text().replace("{name: work, size: 50Gi, storage_class: gp3}", "{name: work, size: 50Gi, shared: true, storage_class: efs}"))
    with pytest.raises(UsageError, match=f"{key}: its pods ask for more GPUs than their namespace may have"):
        load_environment("dev", stacks)
    path.write_text(path.read_text() + "  falaj:use_gpu: false\n")
    assert load_environment("dev", stacks).environment == "dev"


def test_a_platform_for_another_network_than_the_foundations_is_refused(tmp_path: Path) -> None:
    stacks = copied(tmp_path)
    path = stacks / "platform" / "Pulumi.dev.yaml"
    path.write_text(path.read_text().replace("10.20.0.0/16", "10.21.0.0/16"))
    with pytest.raises(UsageError, match="network.cidr: the stacks of dev do not agree"):
        load_environment("dev", stacks)


@pytest.mark.parametrize(
    ("content", "what"),
    [("config: [", "config: the file is not YAML"), ("", "config: the file has no config"), ("config: 3", "config: the file has no config")],
)
def test_a_file_that_holds_no_config_is_refused(tmp_path: Path, content: str, what: str) -> None:
    stacks = copied(tmp_path)
    (stacks / "cluster" / "Pulumi.dev.yaml").write_text(content)
    with pytest.raises(UsageError, match=what):
        load_environment("dev", stacks)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    stacks = copied(tmp_path)
    (stacks / "cluster" / "Pulumi.dev.yaml").unlink()
    with pytest.raises(UsageError) as caught:
        load_environment("dev", stacks)
    assert caught.value.given == str(stacks / "cluster" / "Pulumi.dev.yaml")


def test_config_never_changes_after_loading() -> None:
    found = parse("foundation", "prod", happy("foundation"))
    with pytest.raises(ValueError, match="frozen"):
        found.region = "eu-west-1"  # ty: ignore[invalid-assignment]


def test_config_survives_being_written_and_read() -> None:
    for stack, model in MODELS.items():
        found = parse(stack, "staging", happy(stack, "staging"))
        assert model.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize("stack", MODELS)
def test_the_schema_for_editors_knows_every_key_of_the_files(stack: str) -> None:
    known = set(schema(stack)["properties"])
    for environment in ENVIRONMENTS:
        used = set(yaml.safe_load((ROOT / "stacks" / stack / f"Pulumi.{environment}.yaml").read_text())["config"])
        assert used <= known and set(schema(stack)["required"]) <= used


def test_every_data_class_that_is_stored_says_why_it_must_stay() -> None:
    assert {name: CLASSES[name].residency.value for name in sorted({bucket.data_class for bucket in BUCKETS})} == {
        "confidential": "contract",
        "evidence": "proof",
        "internal": "house-rule",
        "personal": "uae-pdpl-22",
    }
    assert all(each.residency.reason for each in CLASSES.values())
