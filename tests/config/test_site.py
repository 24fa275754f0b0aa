"""An environment on a cluster of one's own: what its config says, and what of a cloud's is refused there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from falaj.errors import UsageError
from falaj.home import ROOT
from infra.config import naming
from infra.config.load import ON_SITE, is_site, load_environment, load_site, parse, read_values, require_whole, stacks_of
from infra.config.model import ENVIRONMENTS, MODELS, SITES
from tests.config.test_teams import RISK

SITE = read_values(ROOT / "stacks" / "platform" / "Pulumi.onprem.yaml")["site"]
PERSON = "arn:aws:iam::999999999999:role/risk"
TEAM = {key: value for key, value in RISK.items() if key != "people"} | {"training": {"cpu": "4", "memory": "16Gi"}}


def refusal(stack: str, **changes: Any) -> dict[str, str]:
    """What is said of the committed example with some keys of one stack changed."""
    values = read_values(ROOT / "stacks" / ("platform" if stack in ("foundation", "cluster") else stack) / "Pulumi.onprem.yaml")
    kept = {key: value for key, value in {**values, **changes}.items() if key in MODELS[stack].model_fields}
    with pytest.raises(UsageError) as caught:
        parse(stack, "onprem", kept)
    return {"what": caught.value.what, **caught.value.answers()}


def site(**changes: Any) -> dict[str, Any]:
    return {**SITE, **changes}


def copied(folder: Path, stack: str, **changes: Any) -> Path:
    """The example's files in a folder of their own, some keys of one stack changed; the site's, of both."""
    for each in ON_SITE:
        document = yaml.safe_load((ROOT / "stacks" / each / "Pulumi.onprem.yaml").read_text())
        told = changes if each == stack else {key: value for key, value in changes.items() if key in ("site", "teams")}
        document["config"] |= {f"falaj:{key}": value for key, value in told.items()}
        (folder / each).mkdir()
        (folder / each / "Pulumi.onprem.yaml").write_text(yaml.safe_dump(document))
    return folder


def test_a_site_has_the_stacks_of_a_cluster_and_a_cloud_has_all() -> None:
    assert {name: stacks_of(name) for name in (*ENVIRONMENTS, *SITES)} == {**dict.fromkeys(ENVIRONMENTS, tuple(MODELS)), "onprem": ("platform", "workloads")}
    assert [name for name in (*ENVIRONMENTS, *SITES) if is_site(name)] == ["onprem"]
    require_whole("onprem")


def test_names_on_a_site_need_no_account() -> None:
    config = load_site("onprem").workloads
    assert (naming.registry(config), naming.bucket_name(config, "artifacts")) == ("registry.falaj.internal/ml", "falaj-onprem-artifacts")


def test_what_is_about_a_cloud_says_that_there_is_none() -> None:
    with pytest.raises(UsageError, match="environment onprem has no cloud") as caught:
        load_environment("onprem")
    assert caught.value.next == "docs/edge.md says what there is on a site"


def test_a_site_abroad_is_refused_with_the_law_that_says_so() -> None:
    assert refusal("platform", site=site(country="DE")) == {
        "what": "site.country: 'DE' is not allowed for data class 'personal'",
        "given": "stacks/platform/Pulumi.onprem.yaml, key falaj:site.country",
        "allowed": "AE",
        "why": "UAE PDPL art. 22: no transfer without a recorded basis (rule site_inside)",
        "next": "choose a site in AE, or have the exception decided: runbooks/residency_exception.md",
    }


@pytest.mark.parametrize("stack", ["foundation", "cluster"])
def test_a_site_has_no_stack_of_a_cloud(stack: str) -> None:
    needed = {"network": {"cidr": "10.0.0.0/16"}, "lock": {"days": 1}, "people": {"operators": [PERSON], "auditors": [PERSON]}}
    more = {
        **needed,
        "budget": {"usd_a_month": 1, "tell": ["a@b.org"]},
        "pools": [{"name": "system", "kind": "system", "instance_types": ["m7i.large"], "minimum": 1, "maximum": 1}],
    }
    assert refusal(stack, **more)["what"] == "site: a site has no such stack"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("region", "me-central-1"),
        ("account", "111111111111"),
        ("zones", ["me-central-1a", "me-central-1b"]),
        ("network_cidr", "10.0.0.0/8"),
        ("monitored", True),
    ],
)
def test_what_belongs_to_a_cloud_is_refused_by_name(key: str, value: Any) -> None:
    assert refusal("platform", **{key: value})["what"] == f"{key}: a site has none"


@pytest.mark.parametrize(("key", "value"), [("queues", "kueue"), ("autoscaler", "karpenter")])
def test_what_needs_pools_of_known_size_is_refused(key: str, value: str) -> None:
    assert refusal("platform", **{key: value})["what"] == f"{key}: '{value}' cannot be on a site"


@pytest.mark.parametrize(
    ("store", "what"),
    [
        ({}, "site.store: it is a server or a folder"),
        ({"endpoint": "https://store.internal", "volumes": "falaj"}, "site.store: it is a server or a folder"),
        ({"endpoint": "https://store.internal"}, "site.store: it does not say where the server is"),
        ({"endpoint": "https://store.internal", "cidrs": ["everywhere"]}, "site.store.cidrs: 'everywhere' is not a network"),
        ({"endpoint": "http://store.internal", "cidrs": ["10.0.0.0/28"]}, "site.store.endpoint: 'http://store.internal' cannot be used"),
    ],
)
def test_a_store_that_cannot_be_one_is_refused(store: dict[str, Any], what: str) -> None:
    assert refusal("platform", site=site(store=store))["what"] == what


def test_people_of_a_team_are_named_in_a_cloud_alone() -> None:
    assert refusal("platform", teams=[RISK])["what"] == "teams.0.people: team risk has some"
    with pytest.raises(UsageError, match=r"teams\.0\.people: team risk has none"):
        parse("platform", "prod", {**read_values(ROOT / "stacks/platform/Pulumi.prod.yaml"), "teams": [TEAM]})


@pytest.mark.parametrize("key", ["region", "account", "zones", "network_cidr"])
def test_what_a_cloud_needs_is_missed_there(key: str) -> None:
    values = {name: value for name, value in read_values(ROOT / "stacks/platform/Pulumi.prod.yaml").items() if name != key}
    with pytest.raises(UsageError, match=f"{key}: it is missing"):
        parse("platform", "prod", values)


def test_stacks_of_a_site_that_disagree_are_refused(tmp_path: Path) -> None:
    stacks = copied(tmp_path, "platform")
    path = stacks / "workloads" / "Pulumi.onprem.yaml"
    path.write_text(path.read_text().replace("abudhabi", "dubai"))
    with pytest.raises(UsageError, match="site: the stacks of onprem do not agree"):
        load_site("onprem", stacks)


def test_servers_that_a_namespace_has_no_room_for_are_refused(tmp_path: Path) -> None:
    stacks = copied(tmp_path, "workloads", serving={"cpu": 8, "memory": "4Gi", "minimum": 2, "maximum": 4})
    with pytest.raises(UsageError, match=r"namespaces\(inference\)\.quota\.cpu: its servers ask for more than namespace inference may have"):
        load_site("onprem", stacks)


def test_gpus_that_the_quota_does_not_have_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="use_gpu: stages ask for a GPU"):
        load_site("onprem", copied(tmp_path, "workloads", use_gpu=True))
