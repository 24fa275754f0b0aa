"""The network: private subnets per zone, endpoints to the services that are used, and no other way in or out unless one is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import policies
from infra.components.way_out import WayOut
from infra.config import naming
from infra.config.model import FoundationConfig
from infra.config.subnets import ZoneSubnets, cut


class Network(pulumi.ComponentResource):
    """One VPC without internet gateway, NAT or public subnet, but where config asks for a way out (`WayOut`).

    Creates a node and an endpoint subnet per zone, one route table without routes of its own, gateway endpoints for S3 and DynamoDB, interface endpoints
    for the configured services, an emptied default security group and flow logs into `log_bucket_arn`. With a way out nodes have a table per zone.
    """

    vpc_id: pulumi.Output[str]
    node_subnet_ids: list[pulumi.Output[str]]
    endpoint_subnet_ids: list[pulumi.Output[str]]
    published: dict[str, Any]
    """What other stacks are told of it."""

    def __init__(
        self,
        name: str,
        config: FoundationConfig,
        *,
        log_bucket_arn: pulumi.Input[str],
        key: pulumi.Input[str],
        after: Sequence[pulumi.Resource] = (),
        opts: ResourceOptions | None = None,
    ) -> None:
        """`key` encrypts what a firewall is told; `after` holds what must be there before logs can be delivered."""
        super().__init__("falaj:network:Network", name, None, opts)
        self._config, self._here = config, ResourceOptions(parent=self)
        self._tags = naming.tags(config, "internal", "network")
        vpc = aws.ec2.Vpc(
            name,
            cidr_block=config.network.cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={**self._tags, "Name": naming.prefix(config)},
            opts=self._here,
        )
        aws.ec2.DefaultSecurityGroup(f"{name}-default", vpc_id=vpc.id, ingress=[], egress=[], tags=self._tags, opts=self._here)
        routes, zones = self._table(name, "private", vpc), cut(config.network, config.zones)
        of_nodes = {zone.zone: self._table(name, f"nodes-{zone.zone}", vpc) if config.network.egress else routes for zone in zones}
        self.node_subnet_ids = [self._subnet(name, "nodes", zone, zone.nodes, vpc, of_nodes[zone.zone]) for zone in zones]
        self.endpoint_subnet_ids = [self._subnet(name, "endpoints", zone, zone.endpoints, vpc, routes) for zone in zones]
        self._endpoints(name, vpc, [routes.id, *(table.id for table in of_nodes.values() if table is not routes)])
        if config.network.egress:
            tables = {zone: table.id for zone, table in of_nodes.items()}
            WayOut(f"{name}-way-out", config, config.network.egress, vpc_id=vpc.id, zones=zones, tables=tables, key=key, after=after, opts=self._here)
        aws.ec2.FlowLog(
            name,
            vpc_id=vpc.id,
            traffic_type="ALL",
            log_destination=log_bucket_arn,
            log_destination_type="s3",
            max_aggregation_interval=600,
            tags=self._tags,
            opts=ResourceOptions(parent=self, depends_on=list(after)),
        )
        self.vpc_id = vpc.id
        subnets = {"node_subnet_ids": pulumi.Output.all(*self.node_subnet_ids), "endpoint_subnet_ids": pulumi.Output.all(*self.endpoint_subnet_ids)}
        self.published = {"vpc_id": self.vpc_id, **subnets}
        self.register_outputs(self.published)

    def _table(self, name: str, label: str, vpc: aws.ec2.Vpc) -> aws.ec2.RouteTable:
        tags = {**self._tags, "Name": f"{naming.prefix(self._config)}-{label}"}
        return aws.ec2.RouteTable(f"{name}-{label}", vpc_id=vpc.id, tags=tags, opts=self._here)

    def _subnet(self, name: str, kind: str, zone: ZoneSubnets, cidr: str, vpc: aws.ec2.Vpc, routes: aws.ec2.RouteTable) -> pulumi.Output[str]:
        label = f"{kind}-{zone.zone}"
        more = {"kubernetes.io/role/internal-elb": "1"} if kind == "nodes" else {}
        subnet = aws.ec2.Subnet(
            f"{name}-{label}",
            vpc_id=vpc.id,
            cidr_block=cidr,
            availability_zone=zone.zone,
            map_public_ip_on_launch=False,
            tags={**self._tags, **more, "Name": f"{naming.prefix(self._config)}-{label}"},
            opts=self._here,
        )
        aws.ec2.RouteTableAssociation(f"{name}-{label}", subnet_id=subnet.id, route_table_id=routes.id, opts=self._here)
        return subnet.id

    def _endpoints(self, name: str, vpc: aws.ec2.Vpc, tables: Sequence[pulumi.Input[str]]) -> None:
        config = self._config
        for service in ("s3", "dynamodb"):
            aws.ec2.VpcEndpoint(
                f"{name}-{service}",
                vpc_id=vpc.id,
                service_name=naming.service_name(config, service),
                vpc_endpoint_type="Gateway",
                route_table_ids=tables,
                policy=policies.endpoint_policy(config, service),
                tags=self._tags,
                opts=self._here,
            )
        group = aws.ec2.SecurityGroup(
            f"{name}-endpoints",
            name=f"{naming.prefix(config)}-endpoints",
            description="TLS from the network to the VPC endpoints",
            vpc_id=vpc.id,
            tags=self._tags,
            opts=self._here,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{name}-endpoints-tls",
            security_group_id=group.id,
            description="TLS from the network",
            cidr_ipv4=config.network.cidr,
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            tags=self._tags,
            opts=self._here,
        )
        for service in config.network.interface_endpoints:
            aws.ec2.VpcEndpoint(
                f"{name}-{service.replace('.', '-')}",
                vpc_id=vpc.id,
                service_name=naming.service_name(config, service),
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                policy=policies.endpoint_policy(config, service),
                subnet_ids=self.endpoint_subnet_ids,
                security_group_ids=[group.id],
                tags=self._tags,
                opts=self._here,
            )
