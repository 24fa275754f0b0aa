"""The one way out of the network: TLS to named domains, through a firewall that lets nothing else pass and writes down everything.

A node's traffic goes to the firewall's endpoint in its own zone, from there to a NAT gateway, from there to the internet gateway; answers come
back the same way, so that the firewall sees both halves and the node's own address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.config import naming
from infra.config.model import EgressConfig, FoundationConfig
from infra.config.subnets import ZoneSubnets

_ANYWHERE = "0.0.0.0/0"


class WayOut(pulumi.ComponentResource):
    """A firewall with its rules and logs; per zone a subnet for it, one for the NAT gateway behind it, and the routes that join them.

    What is no TCP to port 443 is dropped before anybody looks at it; a connection that has no name, or one that is not on the list, is ended.
    """

    def __init__(
        self,
        name: str,
        config: FoundationConfig,
        wanted: EgressConfig,
        *,
        vpc_id: pulumi.Input[str],
        zones: Sequence[ZoneSubnets],
        tables: Mapping[str, pulumi.Input[str]],
        key: pulumi.Input[str],
        after: Sequence[pulumi.Resource] = (),
        opts: ResourceOptions | None = None,
    ) -> None:
        """`tables` are the route tables of the zones' nodes, `key` encrypts the rules, `after` holds what must be there before logs can be delivered."""
        super().__init__("falaj:network:WayOut", name, None, opts)
        self._config, self._vpc, self._here = config, vpc_id, ResourceOptions(parent=self)
        self._tags = naming.tags(config, "internal", "network")
        self._name = name
        # Of a type of its own for each of the three that take it.
        self._encrypted: Any = {"type": "CUSTOMER_KMS", "key_id": key}
        inner = {zone.zone: self._subnet("firewall", zone.zone, zone.firewall) for zone in zones}
        outer = {zone.zone: self._subnet("outside", zone.zone, zone.outside) for zone in zones}
        firewall = self._firewall(wanted, [subnet.id for subnet, _ in inner.values()], after)
        gateway = aws.ec2.InternetGateway(name, vpc_id=vpc_id, tags=self._named("way-out"), opts=self._here)
        for zone in zones:
            endpoint = firewall.firewall_statuses.apply(lambda found, zone=zone.zone: _endpoint(found, zone))
            subnet, table = outer[zone.zone]
            nat = self._translate(zone.zone, subnet, gateway)
            self._route(f"nodes-{zone.zone}", tables[zone.zone], _ANYWHERE, vpc_endpoint_id=endpoint)
            self._route(f"firewall-{zone.zone}", inner[zone.zone][1].id, _ANYWHERE, nat_gateway_id=nat.id)
            self._route(f"outside-{zone.zone}", table.id, _ANYWHERE, gateway_id=gateway.id)
            self._route(f"back-{zone.zone}", table.id, zone.nodes, vpc_endpoint_id=endpoint)
        self.register_outputs({})

    def _named(self, label: str) -> dict[str, str]:
        return {**self._tags, "Name": f"{naming.prefix(self._config)}-{label}"}

    def _subnet(self, kind: str, zone: str, cidr: str) -> tuple[aws.ec2.Subnet, aws.ec2.RouteTable]:
        """A subnet and the table that is its own."""
        label = f"{self._name}-{kind}-{zone}"
        table = aws.ec2.RouteTable(label, vpc_id=self._vpc, tags=self._named(f"{kind}-{zone}"), opts=self._here)
        subnet = aws.ec2.Subnet(
            label,
            vpc_id=self._vpc,
            cidr_block=cidr,
            availability_zone=zone,
            map_public_ip_on_launch=False,
            tags=self._named(f"{kind}-{zone}"),
            opts=self._here,
        )
        aws.ec2.RouteTableAssociation(label, subnet_id=subnet.id, route_table_id=table.id, opts=self._here)
        return subnet, table

    def _firewall(self, wanted: EgressConfig, subnets: Sequence[pulumi.Input[str]], after: Sequence[pulumi.Resource]) -> aws.networkfirewall.Firewall:
        name, prefix = self._name, naming.prefix(self._config)
        domains: aws.networkfirewall.RuleGroupRuleGroupArgsDict = {
            "stateful_rule_options": {"rule_order": "STRICT_ORDER"},
            "rules_source": {"rules_source_list": {"generated_rules_type": "ALLOWLIST", "target_types": ["TLS_SNI"], "targets": sorted(wanted.domains)}},
        }
        here, tls = [{"address_definition": self._config.network.cidr}], [{"from_port": 443, "to_port": 443}]
        ports: aws.networkfirewall.RuleGroupRuleGroupArgsDict = {
            "rules_source": {
                "stateless_rules_and_custom_actions": {
                    "stateless_rules": [_looked_at(1, sources=here, destination_ports=tls), _looked_at(2, destinations=here, source_ports=tls)]
                }
            }
        }
        # Capacity cannot be changed later: room for as many domains as config takes.
        named, bare = self._rules("domains", "STATEFUL", 300, domains), self._rules("ports", "STATELESS", 10, ports)
        policy = aws.networkfirewall.FirewallPolicy(
            name,
            name=f"{prefix}-way-out",
            description="What no rule names is dropped",
            firewall_policy={
                "stateless_default_actions": ["aws:drop"],
                "stateless_fragment_default_actions": ["aws:drop"],
                "stateless_rule_group_references": [{"priority": 1, "resource_arn": bare.arn}],
                "stateful_engine_options": {"rule_order": "STRICT_ORDER", "stream_exception_policy": "DROP"},
                # A connection may be made, since its name comes after; then it has a name of the list or ends.
                "stateful_default_actions": ["aws:alert_established", "aws:drop_established"],
                "stateful_rule_group_references": [{"priority": 1, "resource_arn": named.arn}],
            },
            encryption_configuration=self._encrypted,
            tags=self._tags,
            opts=self._here,
        )
        keep = not self._config.removable
        firewall = aws.networkfirewall.Firewall(
            name,
            name=f"{prefix}-way-out",
            description="Looks at all that leaves",
            vpc_id=self._vpc,
            firewall_policy_arn=policy.arn,
            subnet_mappings=[{"subnet_id": each, "ip_address_type": "IPV4"} for each in subnets],
            delete_protection=keep,
            subnet_change_protection=keep,
            firewall_policy_change_protection=keep,
            encryption_configuration=self._encrypted,
            tags=self._tags,
            opts=self._here,
        )
        bucket = naming.bucket_name(self._config, "logs")
        aws.networkfirewall.LoggingConfiguration(
            name,
            firewall_arn=firewall.arn,
            logging_configuration={
                "log_destination_configs": [
                    {"log_type": kind, "log_destination_type": "S3", "log_destination": {"bucketName": bucket}} for kind in ("ALERT", "FLOW")
                ]
            },
            opts=ResourceOptions(parent=self, depends_on=list(after)),
        )
        return firewall

    def _rules(self, label: str, kind: str, capacity: int, group: aws.networkfirewall.RuleGroupRuleGroupArgsDict) -> aws.networkfirewall.RuleGroup:
        return aws.networkfirewall.RuleGroup(
            f"{self._name}-{label}",
            name=f"{naming.prefix(self._config)}-{label}",
            description=f"What may leave, by {label}",
            type=kind,
            capacity=capacity,
            rule_group=group,
            encryption_configuration=self._encrypted,
            tags=self._tags,
            opts=self._here,
        )

    def _translate(self, zone: str, subnet: aws.ec2.Subnet, gateway: aws.ec2.InternetGateway) -> aws.ec2.NatGateway:
        label = f"{self._name}-{zone}"
        address = aws.ec2.Eip(label, domain="vpc", tags=self._named(zone), opts=ResourceOptions(parent=self, depends_on=[gateway]))
        return aws.ec2.NatGateway(
            label,
            subnet_id=subnet.id,
            allocation_id=address.allocation_id,
            connectivity_type="public",
            tags=self._named(zone),
            opts=ResourceOptions(parent=self, depends_on=[gateway]),
        )

    def _route(
        self,
        label: str,
        table: pulumi.Input[str],
        cidr: str,
        *,
        gateway_id: pulumi.Input[str] | None = None,
        nat_gateway_id: pulumi.Input[str] | None = None,
        vpc_endpoint_id: pulumi.Input[str] | None = None,
    ) -> None:
        aws.ec2.Route(
            f"{self._name}-{label}",
            route_table_id=table,
            destination_cidr_block=cidr,
            gateway_id=gateway_id,
            nat_gateway_id=nat_gateway_id,
            vpc_endpoint_id=vpc_endpoint_id,
            opts=self._here,
        )


def _looked_at(priority: int, **match: Any) -> Any:
    """TCP that matches is looked at further, whole connections at a time."""
    return {"priority": priority, "rule_definition": {"actions": ["aws:forward_to_sfe"], "match_attributes": {"protocols": [6], **match}}}


def _endpoint(found: Sequence[aws.networkfirewall.outputs.FirewallFirewallStatus], zone: str) -> str:
    """The firewall's endpoint in one zone, from what it says of itself."""
    attached = (one for status in found for each in status.sync_states or [] if each.availability_zone == zone for one in each.attachments or [])
    return next(one.endpoint_id or "" for one in attached)
