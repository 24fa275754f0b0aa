"""The way out of a prod that asks for one: through a firewall, to named domains, and judged by the rules as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.artifacts import Decision
from infra.engine.embedded import EmbeddedEngine
from infra.pipeline.gate import judge_plan
from infra.pipeline.plan import plan_programs, stack_program
from infra.pipeline.policy_engine import RegorusEngine
from tests.config.test_load import refusal
from tests.policies.samples import NOON, PARAMETERS
from tests.stacks.world import World, run

DOMAINS = ["hub.example.org", ".example.net"]
ASKED = {"network": {"cidr": "10.40.0.0/16", "egress": {"domains": DOMAINS}}}
ZONES = [f"me-central-1{zone}" for zone in "abc"]


@cache
def _open() -> World:
    return run("foundation", "prod", config=ASKED)


@pytest.fixture
def world(falaj_home: Path) -> World:
    """What the foundation registers with a way out. Read only."""
    return _open()


def last(urns: list[str]) -> list[str]:
    return sorted(urn.rsplit("::", 1)[-1] for urn in urns)


def test_nodes_reach_the_firewall_of_their_zone_and_nothing_else_does_more(world: World) -> None:
    found = {
        name.removeprefix("network-way-out-"): (
            last(each.refers["routeTableId"]),
            each.inputs["destinationCidrBlock"],
            {key: last(urns) for key, urns in each.refers.items() if key != "routeTableId"},
        )
        for name, each in world.of("Route").items()
    }
    expected: dict[str, Any] = {}
    for number, zone in enumerate(ZONES):
        endpoint = {"vpcEndpointId": ["network-way-out"]}
        expected[f"nodes-{zone}"] = ([f"network-nodes-{zone}"], "0.0.0.0/0", endpoint)
        expected[f"firewall-{zone}"] = ([f"network-way-out-firewall-{zone}"], "0.0.0.0/0", {"natGatewayId": [f"network-way-out-{zone}"]})
        expected[f"outside-{zone}"] = ([f"network-way-out-outside-{zone}"], "0.0.0.0/0", {"gatewayId": ["network-way-out"]})
        expected[f"back-{zone}"] = ([f"network-way-out-outside-{zone}"], f"10.40.{32 * number}.0/19", endpoint)
    assert found == expected


def test_node_and_endpoint_subnets_stay_where_they_are(world: World, prod: Callable[[str], World]) -> None:
    before = {name: each.inputs["cidrBlock"] for name, each in prod("foundation").of("Subnet").items()}
    after = {name: each.inputs["cidrBlock"] for name, each in world.of("Subnet").items()}
    assert before.items() < after.items()
    assert {name: cidr for name, cidr in after.items() if name not in before} == {
        f"network-way-out-{kind}-{zone}": f"10.40.255.{240 - 32 * number - 16 * place}/28"
        for number, zone in enumerate(ZONES)
        for place, kind in enumerate(("firewall", "outside"))
    }
    assert all(each.inputs["mapPublicIpOnLaunch"] is False for each in world.of("Subnet").values())


def test_s3_is_still_reached_by_its_own_endpoint_from_every_zone(world: World) -> None:
    tables = last(world.one("VpcEndpoint", "network-s3").refers["routeTableIds"])
    assert tables == [*(f"network-nodes-{zone}" for zone in ZONES), "network-private"]


def test_only_tls_to_a_name_of_the_list_passes(world: World) -> None:
    policy = world.one("FirewallPolicy", "network-way-out").inputs["firewallPolicy"]
    assert (policy["statelessDefaultActions"], policy["statelessFragmentDefaultActions"]) == (["aws:drop"], ["aws:drop"])
    assert policy["statefulDefaultActions"] == ["aws:alert_established", "aws:drop_established"]
    names, ports = (world.one("RuleGroup", f"network-way-out-{kind}").inputs["ruleGroup"]["rulesSource"] for kind in ("domains", "ports"))
    assert names["rulesSourceList"] == {"generatedRulesType": "ALLOWLIST", "targetTypes": ["TLS_SNI"], "targets": [".example.net", "hub.example.org"]}
    looked = [each["ruleDefinition"] for each in ports["statelessRulesAndCustomActions"]["statelessRules"]]
    assert [each["actions"] for each in looked] == [["aws:forward_to_sfe"]] * 2
    assert [each["matchAttributes"] for each in looked] == [
        {"protocols": [6], "sources": [{"addressDefinition": "10.40.0.0/16"}], "destinationPorts": [{"fromPort": 443, "toPort": 443}]},
        {"protocols": [6], "destinations": [{"addressDefinition": "10.40.0.0/16"}], "sourcePorts": [{"fromPort": 443, "toPort": 443}]},
    ]


def test_the_firewall_cannot_be_taken_away_in_passing_and_writes_into_our_bucket(world: World) -> None:
    firewall = world.one("Firewall", "network-way-out").inputs
    assert [firewall[key] for key in ("deleteProtection", "subnetChangeProtection", "firewallPolicyChangeProtection")] == [True] * 3
    logs = world.one("LoggingConfiguration", "network-way-out").inputs["loggingConfiguration"]["logDestinationConfigs"]
    assert [(each["logType"], each["logDestination"]) for each in logs] == [
        (kind, {"bucketName": "falaj-prod-logs-333333333333"}) for kind in ("ALERT", "FLOW")
    ]


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[str]], Decision]:
    """The gate's answer to such a foundation, where two people signed for the given domains."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FALAJ_HOME", str(tmp_path_factory.mktemp("way-out")))
        program = stack_program("prod", "foundation")
        texts = {f"falaj:{key}": json.dumps(value) for key, value in ASKED.items()}
        (plan,) = plan_programs([replace(program, config={**program.config, **texts})], engine=EmbeddedEngine("prod"))

    def answer(domains: list[str]) -> Decision:
        parameters = {**PARAMETERS, "network": {**PARAMETERS["network"], "egress_domains": domains}}
        return judge_plan(plan, parameters, NOON, engine=RegorusEngine())

    return answer


def test_it_is_allowed_where_its_domains_are_signed_for(judged: Callable[[list[str]], Decision]) -> None:
    decision = judged(DOMAINS)
    trouble = {result.rule: {**result.fail, **result.unknown} for result in decision.rules if result.fail or result.unknown}
    assert (trouble, decision.faults, decision.verdict) == ({}, [], "allowed")


@pytest.mark.parametrize(("signed", "rules"), [([], ["egress_inspected", "network_inward"]), (DOMAINS[:1], ["egress_inspected"])])
def test_it_is_denied_where_they_are_not(judged: Callable[[list[str]], Decision], signed: list[str], rules: list[str]) -> None:
    assert sorted(result.rule for result in judged(signed).rules if result.fail) == rules


@pytest.mark.parametrize("domain", ["*.example.org", "org", "https://example.org", "example.org/path", "10.0.0.1", "Example.org"])
def test_what_is_no_domain_is_refused(domain: str) -> None:
    asked = {"cidr": "10.40.0.0/16", "egress": {"domains": [domain]}}
    assert refusal("foundation", network=asked)["what"] == f"network.egress.domains.0: '{domain}' cannot be used"


def test_a_network_without_room_for_it_is_refused() -> None:
    asked = {"cidr": "10.40.0.0/22", "nodes_prefix": 24, "endpoints_prefix": 26, "egress": {"domains": DOMAINS}}
    assert refusal("foundation", network=asked)["what"] == "network: 10.40.0.0/22 is too small for 3 zones"
