"""The roles of CI, the budget and who looks at settings, in a happy prod and with one fact changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from falaj.home import ROOT
from infra.components import pipeline_policies
from infra.config.load import load_environment, parse, read_values
from infra.config.model import PipelineConfig
from tests.stacks.world import World, run

Prod = Callable[[str], World]


def test_ci_has_two_roles_vouched_for_by_the_provider_and_bounded(prod: Prod) -> None:
    world = prod("foundation")
    provider = world.one("OpenIdConnectProvider", "pipelines").inputs
    assert (provider["url"], provider["clientIdLists"]) == ("https://token.actions.githubusercontent.com", ["sts.amazonaws.com"])
    for role in ("reader", "deployer"):
        made = world.one("Role", role)
        assert (made.inputs["name"], made.inputs["permissionsBoundary"]) == (
            f"falaj-prod-{role}",
            "arn:aws:iam::333333333333:policy/falaj-prod-boundary-pipelines",
        )
        assert world.of("RolePolicy")[f"{role}-{role}"].refers["role"] == [made.urn]


def test_without_a_pipeline_nobody_outside_gets_a_role(falaj_home: Path) -> None:
    values = {"pipeline": None}
    world = run("foundation", "prod", config=values)
    assert (world.of("OpenIdConnectProvider"), [name for name in world.of("Policy") if "pipelines" in name]) == ({}, [])
    assert {"reader", "deployer"} & set(world.of("Role")) == set()


def test_another_branch_and_repository_change_the_subjects_alone() -> None:
    config, pipeline = load_environment("staging").foundation, PipelineConfig(repository="bank/platform", branch="release/1")
    assert pipeline_policies.subject_of_reader(pipeline) == "repo:bank/platform:ref:refs/heads/release/1"
    assert pipeline_policies.subject_of_deployer(config, pipeline) == "repo:bank/platform:environment:staging"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("pipeline", {"repository": "bank/*"}),
        ("pipeline", {"repository": "*/falaj"}),
        ("pipeline", {"repository": "falaj"}),
        ("pipeline", {"repository": "bank/falaj:environment"}),
        ("pipeline", {"repository": "bank/falaj", "branch": "*"}),
        ("budget", {"usd_a_month": 0, "tell": ["a@example.org"]}),
        ("budget", {"usd_a_month": 10, "tell": []}),
        ("budget", {"usd_a_month": 10, "tell": ["nobody"]}),
    ],
)
def test_a_subject_with_a_wildcard_and_a_budget_that_tells_nobody_are_refused(key: str, value: Any) -> None:
    values = read_values(ROOT / "stacks" / "foundation" / "Pulumi.prod.yaml")
    with pytest.raises(UsageError, match=key):
        parse("foundation", "prod", {**values, key: value})


def test_the_bill_is_watched_before_it_is_passed(prod: Prod) -> None:
    budget = prod("foundation").one("Budget", "budget").inputs
    assert (budget["limitAmount"], budget["limitUnit"], budget["timeUnit"]) == ("20000", "USD", "MONTHLY")
    told = [(word["notificationType"], word["threshold"], word["subscriberEmailAddresses"]) for word in budget["notifications"]]
    assert told == [("ACTUAL", 80, ["ml-platform@example.org"]), ("FORECASTED", 100, ["ml-platform@example.org"])]


def test_settings_are_looked_at_by_the_hub_and_the_analyzer(prod: Prod) -> None:
    world = prod("foundation")
    assert world.one("Account", "posture").inputs == {
        "enableDefaultStandards": True,
        "autoEnableControls": True,
        "controlFindingGenerator": "SECURITY_CONTROL",
    }
    analyzer = world.one("Analyzer", "posture").inputs
    assert (analyzer["analyzerName"], analyzer["type"]) == ("falaj-prod", "ACCOUNT")


def test_every_interface_endpoint_has_a_policy_of_its_own(prod: Prod) -> None:
    endpoints = prod("foundation").of("VpcEndpoint")
    assert [name for name, each in endpoints.items() if "policy" not in each.inputs] == []


def test_the_trail_records_objects_of_every_bucket_and_of_what_services_deliver_into_reads_alone(prod: Prod) -> None:
    selectors = {one["name"]: one["fieldSelectors"] for one in prod("foundation").one("Trail", "trail").inputs["advancedEventSelectors"]}
    recorded = {name: [value for field in fields if field["field"] == "resources.ARN" for value in field["startsWiths"]] for name, fields in selectors.items()}
    bucket = "arn:aws:s3:::falaj-prod-{}-333333333333/"
    expected = {"management": (), "objects": ("state", "data", "artifacts"), "delivered": ("evidence", "logs")}
    assert recorded == {name: [bucket.format(each) for each in wanted] for name, wanted in expected.items()}
    assert {"field": "readOnly", "equals": ["true"]} in selectors["delivered"] and all(field["field"] != "readOnly" for field in selectors["objects"])


def test_sessions_come_from_the_region_and_not_from_the_global_endpoint(prod: Prod) -> None:
    assert prod("foundation").one("aws", "aws").inputs["stsRegion"] == "me-central-1"
