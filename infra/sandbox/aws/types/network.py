"""Networks: VPC, subnets, route tables, endpoints."""

from __future__ import annotations

from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import Properties, Row, Tags, from_list, given, words
from infra.sandbox.aws.types.ec2_tags import first_marked, retag, specification


def _in_vpc(identity: str) -> list[dict[str, Any]]:
    return [{"Name": "vpc-id", "Values": [identity]}]


def _create_vpc(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(InstanceTenancy=p.get("instanceTenancy"), AmazonProvidedIpv6CidrBlock=p.get("assignGeneratedIpv6CidrBlock"))
    return api("ec2").create_vpc(CidrBlock=p["cidrBlock"], TagSpecifications=specification("vpc", tags), **asked)["Vpc"]["VpcId"]


def _finish_vpc(api: Api, identity: str, p: Properties) -> None:
    # One attribute a call: EC2 refuses both at once.
    api("ec2").modify_vpc_attribute(VpcId=identity, EnableDnsSupport={"Value": p.get("enableDnsSupport", True)})
    api("ec2").modify_vpc_attribute(VpcId=identity, EnableDnsHostnames={"Value": p.get("enableDnsHostnames", False)})


def _read_vpc(api: Api, identity: str, known: Properties) -> Properties | None:
    ec2 = api("ec2")
    vpc = ec2.describe_vpcs(VpcIds=[identity])["Vpcs"][0]
    main = ec2.describe_route_tables(Filters=[*_in_vpc(identity), {"Name": "association.main", "Values": ["true"]}])["RouteTables"][0]["RouteTableId"]
    group = ec2.describe_security_groups(Filters=[*_in_vpc(identity), {"Name": "group-name", "Values": ["default"]}])["SecurityGroups"]
    walls = ec2.describe_network_acls(Filters=[*_in_vpc(identity), {"Name": "default", "Values": ["true"]}])["NetworkAcls"]
    return {
        "arn": api.arn("ec2", f"vpc/{identity}"),
        "cidrBlock": vpc["CidrBlock"],
        "instanceTenancy": vpc["InstanceTenancy"],
        "enableDnsSupport": ec2.describe_vpc_attribute(VpcId=identity, Attribute="enableDnsSupport")["EnableDnsSupport"]["Value"],
        "enableDnsHostnames": ec2.describe_vpc_attribute(VpcId=identity, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"],
        "assignGeneratedIpv6CidrBlock": bool(vpc.get("Ipv6CidrBlockAssociationSet")),
        "mainRouteTableId": main,
        "defaultRouteTableId": main,
        "defaultSecurityGroupId": group[0]["GroupId"] if group else None,
        "defaultNetworkAclId": walls[0]["NetworkAclId"] if walls else None,
        "dhcpOptionsId": vpc.get("DhcpOptionsId"),
        "ownerId": vpc.get("OwnerId") or api.account,
        "tagsAll": from_list(vpc.get("Tags")),
    }


def _update_vpc(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if changed & {"enableDnsSupport", "enableDnsHostnames"}:
        _finish_vpc(api, identity, new)
    retag(api, identity, old, new)


def _create_subnet(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(AvailabilityZone=p.get("availabilityZone"), AvailabilityZoneId=p.get("availabilityZoneId"))
    made = api("ec2").create_subnet(VpcId=p["vpcId"], CidrBlock=p["cidrBlock"], TagSpecifications=specification("subnet", tags), **asked)
    return made["Subnet"]["SubnetId"]


def _finish_subnet(api: Api, identity: str, p: Properties) -> None:
    api("ec2").modify_subnet_attribute(SubnetId=identity, MapPublicIpOnLaunch={"Value": bool(p.get("mapPublicIpOnLaunch"))})


def _read_subnet(api: Api, identity: str, known: Properties) -> Properties | None:
    subnet = api("ec2").describe_subnets(SubnetIds=[identity])["Subnets"][0]
    return {
        "arn": subnet["SubnetArn"],
        "vpcId": subnet["VpcId"],
        "cidrBlock": subnet["CidrBlock"],
        "availabilityZone": subnet["AvailabilityZone"],
        "availabilityZoneId": subnet["AvailabilityZoneId"],
        "mapPublicIpOnLaunch": subnet["MapPublicIpOnLaunch"],
        "assignIpv6AddressOnCreation": subnet.get("AssignIpv6AddressOnCreation"),
        "ownerId": subnet["OwnerId"],
        "tagsAll": from_list(subnet.get("Tags")),
    }


def _update_subnet(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if "mapPublicIpOnLaunch" in changed:
        _finish_subnet(api, identity, new)
    retag(api, identity, old, new)


TARGETS = {
    "gatewayId": "GatewayId",
    "natGatewayId": "NatGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "transitGatewayId": "TransitGatewayId",
    "vpcEndpointId": "VpcEndpointId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
}
"""Where a route may lead: as Pulumi says it -> as the API does."""


def target_of(route: dict[str, Any]) -> Properties:
    """Where a live route leads. The API shows a firewall's endpoint as if it were a gateway."""
    found = {key: route[name] for key, name in TARGETS.items() if route.get(name)}
    return {"vpcEndpointId": found["gatewayId"]} if str(found.get("gatewayId")).startswith("vpce-") else found


def _create_table(api: Api, p: Properties, tags: Tags) -> str:
    return api("ec2").create_route_table(VpcId=p["vpcId"], TagSpecifications=specification("route-table", tags))["RouteTable"]["RouteTableId"]


def _add_routes(api: Api, identity: str, p: Properties) -> None:
    for route in p.get("routes") or []:
        target = {name: route[key] for key, name in TARGETS.items() if route.get(key)}
        api("ec2").create_route(RouteTableId=identity, DestinationCidrBlock=route["cidrBlock"], **target)


def _read_table(api: Api, identity: str, known: Properties) -> Properties | None:
    table = api("ec2").describe_route_tables(RouteTableIds=[identity])["RouteTables"][0]
    own = [route for route in table["Routes"] if route.get("Origin") == "CreateRoute" and route.get("DestinationCidrBlock")]
    routes = [{"cidrBlock": route["DestinationCidrBlock"], **target_of(route)} for route in own]
    return {
        "arn": api.arn("ec2", f"route-table/{identity}"),
        "vpcId": table["VpcId"],
        # A table that lists no routes leaves them to resources of their own, and to gateway endpoints.
        "routes": routes if known.get("routes") is not None else None,
        "ownerId": table.get("OwnerId") or api.account,
        "tagsAll": from_list(table.get("Tags")),
    }


def _update_table(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if "routes" in changed:
        for route in old.get("routes") or []:
            api("ec2").delete_route(RouteTableId=identity, DestinationCidrBlock=route["cidrBlock"])
        _add_routes(api, identity, new)
    retag(api, identity, old, new)


def _associations(api: Api, p: Properties) -> list[dict[str, Any]]:
    tables = api("ec2").describe_route_tables(RouteTableIds=[p["routeTableId"]])["RouteTables"]
    return [one for table in tables for one in table.get("Associations", [])]


def _associate(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(SubnetId=p.get("subnetId"), GatewayId=p.get("gatewayId"))
    return api("ec2").associate_route_table(RouteTableId=p["routeTableId"], **asked)["AssociationId"]


def _read_association(api: Api, identity: str, known: Properties) -> Properties | None:
    where = [{"Name": "association.route-table-association-id", "Values": [identity]}]
    for table in api("ec2").describe_route_tables(Filters=where)["RouteTables"]:
        for one in table["Associations"]:
            if one["RouteTableAssociationId"] == identity:
                return {"routeTableId": table["RouteTableId"], "subnetId": one.get("SubnetId"), "gatewayId": one.get("GatewayId")}
    return None


def _find_association(api: Api, p: Properties, mark: Tags) -> str | None:
    matches = (one for one in _associations(api, p) if one.get("SubnetId") == p.get("subnetId") and one.get("GatewayId") == p.get("gatewayId"))
    return next((one["RouteTableAssociationId"] for one in matches), None)


def _create_endpoint(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(
        RouteTableIds=p.get("routeTableIds"),
        SubnetIds=p.get("subnetIds"),
        SecurityGroupIds=p.get("securityGroupIds"),
        PolicyDocument=p.get("policy"),
    )
    made = api("ec2").create_vpc_endpoint(
        VpcId=p["vpcId"],
        ServiceName=p["serviceName"],
        VpcEndpointType=p.get("vpcEndpointType") or "Gateway",
        PrivateDnsEnabled=bool(p.get("privateDnsEnabled")),
        TagSpecifications=specification("vpc-endpoint", tags),
        **asked,
    )
    return made["VpcEndpoint"]["VpcEndpointId"]


def _read_endpoint(api: Api, identity: str, known: Properties) -> Properties | None:
    found = api("ec2").describe_vpc_endpoints(VpcEndpointIds=[identity])["VpcEndpoints"]
    if not found or found[0]["State"].lower() in ("deleted", "deleting"):
        return None
    one = found[0]
    return {
        "arn": api.arn("ec2", f"vpc-endpoint/{identity}"),
        "vpcId": one["VpcId"],
        "serviceName": one["ServiceName"],
        "vpcEndpointType": one["VpcEndpointType"],
        "privateDnsEnabled": one.get("PrivateDnsEnabled"),
        "policy": one.get("PolicyDocument"),
        "routeTableIds": one.get("RouteTableIds") or [],
        "subnetIds": one.get("SubnetIds") or [],
        "securityGroupIds": [group["GroupId"] for group in one.get("Groups") or []],
        "networkInterfaceIds": one.get("NetworkInterfaceIds") or [],
        "dnsEntries": [{"dnsName": entry.get("DnsName"), "hostedZoneId": entry.get("HostedZoneId")} for entry in one.get("DnsEntries") or []],
        "state": one["State"],
        "ownerId": one.get("OwnerId") or api.account,
        "requesterManaged": bool(one.get("RequesterManaged")),
        "tagsAll": from_list(one.get("Tags")),
    }


_MEMBERS = {"routeTableIds": "RouteTableIds", "subnetIds": "SubnetIds", "securityGroupIds": "SecurityGroupIds"}


def _update_endpoint(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    asked: dict[str, Any] = {}
    for key, name in _MEMBERS.items():
        if key in changed:
            before, after = set(old.get(key) or []), set(new.get(key) or [])
            asked |= given(**{f"Add{name}": sorted(after - before) or None, f"Remove{name}": sorted(before - after) or None})
    if "policy" in changed:
        asked |= {"PolicyDocument": new["policy"]} if new.get("policy") else {"ResetPolicy": True}
    if asked:
        api("ec2").modify_vpc_endpoint(VpcEndpointId=identity, **asked)
    retag(api, identity, old, new)


ROWS = [
    Row(
        type="aws:ec2/vpc:Vpc",
        inputs=words("assignGeneratedIpv6CidrBlock cidrBlock enableDnsHostnames enableDnsSupport instanceTenancy"),
        create=_create_vpc,
        finish=_finish_vpc,
        read=_read_vpc,
        update=_update_vpc,
        delete=lambda api, identity, held: api("ec2").delete_vpc(VpcId=identity),
        find=first_marked(_read_vpc),
        computed=words("arn defaultNetworkAclId defaultRouteTableId defaultSecurityGroupId dhcpOptionsId mainRouteTableId ownerId"),
        replaces=words("assignGeneratedIpv6CidrBlock cidrBlock instanceTenancy"),
        defaults={"enableDnsSupport": True, "instanceTenancy": "default"},
        tags=True,
    ),
    Row(
        type="aws:ec2/subnet:Subnet",
        inputs=words("availabilityZone availabilityZoneId cidrBlock mapPublicIpOnLaunch vpcId"),
        create=_create_subnet,
        finish=_finish_subnet,
        read=_read_subnet,
        update=_update_subnet,
        delete=lambda api, identity, held: api("ec2").delete_subnet(SubnetId=identity),
        find=first_marked(_read_subnet),
        computed=words("arn assignIpv6AddressOnCreation ownerId"),
        chosen=words("availabilityZone availabilityZoneId"),
        replaces=words("availabilityZone availabilityZoneId cidrBlock vpcId"),
        identity=("vpcId", "cidrBlock"),
        tags=True,
    ),
    Row(
        type="aws:ec2/routeTable:RouteTable",
        inputs=words("routes vpcId"),
        create=_create_table,
        finish=_add_routes,
        read=_read_table,
        update=_update_table,
        delete=lambda api, identity, held: api("ec2").delete_route_table(RouteTableId=identity),
        find=first_marked(_read_table),
        computed=words("arn ownerId"),
        chosen=words("routes"),
        replaces=words("vpcId"),
        tags=True,
        meaning=Meaning(unordered=words("routes")),
    ),
    Row(
        type="aws:ec2/routeTableAssociation:RouteTableAssociation",
        inputs=words("gatewayId routeTableId subnetId"),
        create=_associate,
        read=_read_association,
        delete=lambda api, identity, held: api("ec2").disassociate_route_table(AssociationId=identity),
        find=_find_association,
        replaces=words("gatewayId routeTableId subnetId"),
        identity=("gatewayId", "subnetId"),
    ),
    Row(
        type="aws:ec2/vpcEndpoint:VpcEndpoint",
        inputs=words("policy privateDnsEnabled routeTableIds securityGroupIds serviceName subnetIds vpcEndpointType vpcId"),
        create=_create_endpoint,
        read=_read_endpoint,
        update=_update_endpoint,
        delete=lambda api, identity, held: api("ec2").delete_vpc_endpoints(VpcEndpointIds=[identity]),
        find=first_marked(_read_endpoint),
        computed=words("arn dnsEntries networkInterfaceIds ownerId requesterManaged state"),
        chosen=words("policy routeTableIds securityGroupIds subnetIds"),
        replaces=words("privateDnsEnabled serviceName vpcEndpointType vpcId"),
        defaults={"vpcEndpointType": "Gateway"},
        volatile=words("networkInterfaceIds"),
        tags=True,
        meaning=Meaning(json=words("policy"), unordered=words("routeTableIds securityGroupIds subnetIds")),
    ),
]
