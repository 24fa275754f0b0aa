"""Cases of gateways, routes and the firewall between them."""

from __future__ import annotations

from typing import Any

from tests.sandbox.aws.cases import Case, Inputs
from tests.sandbox.aws.cases_network import subnet, table, untag, vpc
from tests.sandbox.aws.conftest import ACCOUNT, REGION, Driver, Server, Thing

KEY = {"type": "CUSTOMER_KMS", "keyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"}
DOMAINS = {
    "statefulRuleOptions": {"ruleOrder": "STRICT_ORDER"},
    "rulesSource": {"rulesSourceList": {"generatedRulesType": "ALLOWLIST", "targetTypes": ["TLS_SNI"], "targets": ["a.example.org", ".example.net"]}},
}
DROPS = {
    "statelessDefaultActions": ["aws:drop"],
    "statelessFragmentDefaultActions": ["aws:drop"],
    "statefulDefaultActions": ["aws:drop_established"],
    "statefulEngineOptions": {"ruleOrder": "STRICT_ORDER"},
}


def _gateway(driver: Driver, network: str) -> str:
    return driver.create("aws:ec2/internetGateway:InternetGateway", "out", {"vpcId": network}).id


def _address(driver: Driver) -> str:
    return driver.create("aws:ec2/eip:Eip", "address", {"domain": "vpc"}).id


def _rules(driver: Driver) -> Thing:
    inputs = {"name": "domains", "type": "STATEFUL", "capacity": 10, "ruleGroup": DOMAINS}
    return driver.create("aws:networkfirewall/ruleGroup:RuleGroup", "domains", inputs)


def _drops(driver: Driver) -> Inputs:
    return {**DROPS, "statefulRuleGroupReferences": [{"priority": 1, "resourceArn": _rules(driver).outputs["arn"]}]}


def _policy(driver: Driver, name: str = "policy") -> str:
    return driver.create("aws:networkfirewall/firewallPolicy:FirewallPolicy", name, {"name": name, "firewallPolicy": DROPS}).outputs["arn"]


def _firewall_inputs(driver: Driver) -> Inputs:
    network = vpc(driver)
    return {
        "name": "way-out",
        "vpcId": network,
        "firewallPolicyArn": _policy(driver),
        "subnetMappings": [{"subnetId": subnet(driver, network, 1), "ipAddressType": "IPV4"}, {"subnetId": subnet(driver, network), "ipAddressType": "IPV4"}],
        "encryptionConfiguration": KEY,
        "tags": {"Name": "out"},
    }


def firewall(driver: Driver) -> Thing:
    return driver.create("aws:networkfirewall/firewall:Firewall", "firewall", _firewall_inputs(driver))


def _logs(*kinds: str) -> dict[str, Any]:
    return {"logDestinationConfigs": [{"logType": kind, "logDestinationType": "S3", "logDestination": {"bucketName": "falaj-local-logs"}} for kind in kinds]}


def _through_firewall(driver: Driver) -> Inputs:
    owner = firewall(driver)
    endpoint = owner.outputs["firewallStatuses"][0]["syncStates"][0]["attachments"][0]["endpointId"]
    return {"routeTableId": table(driver, owner.inputs["vpcId"]), "destinationCidrBlock": "0.0.0.0/0", "vpcEndpointId": endpoint}


def _nat(driver: Driver) -> Inputs:
    network = vpc(driver)
    _gateway(driver, network)
    return {"subnetId": subnet(driver, network), "allocationId": _address(driver), "connectivityType": "public", "tags": {"Name": "a"}}


def _delete_route(server: Server, thing: Thing) -> Any:
    return server.client("ec2").delete_route(RouteTableId=thing.inputs["routeTableId"], DestinationCidrBlock="0.0.0.0/0")


WAY_OUT = [
    Case(
        "aws:ec2/internetGateway:InternetGateway",
        lambda driver: {"vpcId": vpc(driver), "tags": {"Name": "out"}},
        change={"tags": {"Name": "other"}},
        tamper=untag,
        drift=["tagsAll"],
    ),
    Case(
        "aws:ec2/eip:Eip",
        lambda driver: {"domain": "vpc", "tags": {"Name": "a"}},
        change={"tags": {"Name": "b"}},
        replace={"domain": "standard"},
        tamper=untag,
        drift=["tagsAll"],
    ),
    Case(
        "aws:ec2/natGateway:NatGateway",
        _nat,
        change={"tags": {"Name": "b"}},
        replace={"connectivityType": "private"},
        tamper=lambda server, thing: server.client("ec2").delete_nat_gateway(NatGatewayId=thing.id),
    ),
    Case("aws:ec2/route:Route", _through_firewall, replace={"destinationCidrBlock": "192.0.2.0/24"}, tamper=_delete_route),
    Case(
        "aws:networkfirewall/ruleGroup:RuleGroup",
        lambda driver: {"name": "domains", "type": "STATEFUL", "capacity": 10, "ruleGroup": DOMAINS, "description": "names", "tags": {"a": "b"}},
        change={"description": "others", "encryptionConfiguration": KEY, "tags": {"a": "c"}},
        replace={"capacity": 20},
        tamper=lambda server, thing: server.client("network-firewall").update_rule_group(
            RuleGroupArn=thing.id, UpdateToken=thing.outputs["updateToken"], RuleGroup={"RulesSource": {"RulesString": "pass ip any any -> any any (sid:1;)"}}
        ),
        drift=["ruleGroup"],
    ),
    Case(
        "aws:networkfirewall/firewallPolicy:FirewallPolicy",
        lambda driver: {"name": "way-out", "firewallPolicy": _drops(driver), "encryptionConfiguration": KEY, "tags": {"a": "b"}},
        change={"firewallPolicy": DROPS, "description": "drops", "tags": {}},
        replace={"name": "other"},
        tamper=lambda server, thing: server.client("network-firewall").update_firewall_policy(
            FirewallPolicyArn=thing.id,
            UpdateToken=thing.outputs["updateToken"],
            FirewallPolicy={"StatelessDefaultActions": ["aws:pass"], "StatelessFragmentDefaultActions": ["aws:pass"]},
        ),
        drift=["firewallPolicy"],
    ),
    Case(
        "aws:networkfirewall/firewall:Firewall",
        _firewall_inputs,
        change={"description": "looks", "firewallPolicyChangeProtection": True, "tags": {}},
        replace={"name": "other"},
        tamper=lambda server, thing: server.client("network-firewall").update_firewall_delete_protection(FirewallArn=thing.id, DeleteProtection=True),
        drift=["deleteProtection"],
    ),
    Case(
        "aws:networkfirewall/loggingConfiguration:LoggingConfiguration",
        lambda driver: {"firewallArn": firewall(driver).id, "loggingConfiguration": _logs("ALERT", "FLOW")},
        change={"loggingConfiguration": _logs("FLOW")},
        replace={"firewallArn": f"arn:aws:network-firewall:{REGION}:{ACCOUNT}:firewall/other"},
        tamper=lambda server, thing: server.client("network-firewall").update_logging_configuration(
            FirewallArn=thing.id,
            LoggingConfiguration={
                "LogDestinationConfigs": [{"LogType": "FLOW", "LogDestinationType": "S3", "LogDestination": {"bucketName": "falaj-local-logs"}}]
            },
        ),
        drift=["loggingConfiguration"],
    ),
]
