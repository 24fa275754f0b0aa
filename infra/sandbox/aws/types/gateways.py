"""Ways between networks: internet gateways, addresses, gateways that translate, and single routes."""

from __future__ import annotations

from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.row import Properties, Row, Tags, from_list, given, words
from infra.sandbox.aws.types.ec2_tags import first_marked, retag, specification
from infra.sandbox.aws.types.network import TARGETS, target_of


def _create_gateway(api: Api, p: Properties, tags: Tags) -> str:
    return api("ec2").create_internet_gateway(TagSpecifications=specification("internet-gateway", tags))["InternetGateway"]["InternetGatewayId"]


def _attach(api: Api, identity: str, p: Properties) -> None:
    if p.get("vpcId"):
        api("ec2").attach_internet_gateway(InternetGatewayId=identity, VpcId=p["vpcId"])


def _detach(api: Api, identity: str, held: Properties) -> None:
    if held.get("vpcId"):
        api("ec2").detach_internet_gateway(InternetGatewayId=identity, VpcId=held["vpcId"])


def _read_gateway(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("ec2").describe_internet_gateways(InternetGatewayIds=[identity])["InternetGateways"][0]
    return {
        "arn": api.arn("ec2", f"internet-gateway/{identity}"),
        "vpcId": next((each["VpcId"] for each in one.get("Attachments") or []), None),
        "ownerId": one.get("OwnerId") or api.account,
        "tagsAll": from_list(one.get("Tags")),
    }


def _update_gateway(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if "vpcId" in changed:
        _detach(api, identity, old)
        _attach(api, identity, new)
    retag(api, identity, old, new)


def _delete_gateway(api: Api, identity: str, held: Properties) -> None:
    _detach(api, identity, _read_gateway(api, identity, held) or {})
    api("ec2").delete_internet_gateway(InternetGatewayId=identity)


def _create_address(api: Api, p: Properties, tags: Tags) -> str:
    return api("ec2").allocate_address(Domain=p.get("domain") or "vpc", TagSpecifications=specification("elastic-ip", tags))["AllocationId"]


def _read_address(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("ec2").describe_addresses(AllocationIds=[identity])["Addresses"][0]
    return {
        "arn": api.arn("ec2", f"elastic-ip/{identity}"),
        "allocationId": identity,
        "domain": one["Domain"],
        "publicIp": one["PublicIp"],
        "tagsAll": from_list(one.get("Tags")),
    }


def _create_nat(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(AllocationId=p.get("allocationId"), ConnectivityType=p.get("connectivityType"))
    made = api("ec2").create_nat_gateway(SubnetId=p["subnetId"], TagSpecifications=specification("natgateway", tags), **asked)
    return made["NatGateway"]["NatGatewayId"]


def _read_nat(api: Api, identity: str, known: Properties) -> Properties | None:
    found = api("ec2").describe_nat_gateways(NatGatewayIds=[identity])["NatGateways"]
    if not found or found[0]["State"] in ("deleted", "deleting"):
        return None
    one, (address, *_) = found[0], found[0]["NatGatewayAddresses"]
    return {
        "subnetId": one["SubnetId"],
        "connectivityType": one.get("ConnectivityType") or "public",
        "allocationId": address.get("AllocationId"),
        "networkInterfaceId": address.get("NetworkInterfaceId"),
        "privateIp": address.get("PrivateIp"),
        "publicIp": address.get("PublicIp"),
        "tagsAll": from_list(one.get("Tags")),
    }


def _delete_nat(api: Api, identity: str, held: Properties) -> None:
    api("ec2").delete_nat_gateway(NatGatewayId=identity)
    # AWS gives the address back with that; the emulator does not.
    for one in api("ec2").describe_addresses(AllocationIds=[held["allocationId"]])["Addresses"] if held.get("allocationId") else ():
        if one.get("AssociationId"):
            api("ec2").disassociate_address(AssociationId=one["AssociationId"])


def _update_tags(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    retag(api, identity, old, new)


_ROUTE = frozenset(TARGETS)


def _create_route(api: Api, p: Properties, tags: Tags) -> str:
    api("ec2").create_route(RouteTableId=p["routeTableId"], DestinationCidrBlock=p["destinationCidrBlock"], **_target(p))
    return f"{p['routeTableId']}#{p['destinationCidrBlock']}"


def _target(p: Properties) -> dict[str, Any]:
    return {name: p[key] for key, name in TARGETS.items() if p.get(key)}


def _read_route(api: Api, identity: str, known: Properties) -> Properties | None:
    table, cidr = identity.split("#")
    for route in api("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]:
        if route.get("DestinationCidrBlock") == cidr and route.get("Origin") == "CreateRoute":
            return {"routeTableId": table, "destinationCidrBlock": cidr, "origin": "CreateRoute", "state": route.get("State") or "active", **target_of(route)}
    return None


def _update_route(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    # Not `ReplaceRoute`: the emulator does not know it for endpoints.
    _delete_route(api, identity, old)
    _create_route(api, new, {})


def _delete_route(api: Api, identity: str, held: Properties) -> None:
    table, cidr = identity.split("#")
    api("ec2").delete_route(RouteTableId=table, DestinationCidrBlock=cidr)


def _find_route(api: Api, p: Properties, mark: Tags) -> str | None:
    identity = f"{p['routeTableId']}#{p['destinationCidrBlock']}"
    return identity if api.absent(_read_route, api=api, identity=identity, known=p) else None


ROWS = [
    Row(
        type="aws:ec2/internetGateway:InternetGateway",
        inputs=words("vpcId"),
        create=_create_gateway,
        finish=_attach,
        read=_read_gateway,
        update=_update_gateway,
        delete=_delete_gateway,
        find=first_marked(_read_gateway),
        computed=words("arn ownerId"),
        chosen=words("vpcId"),
        tags=True,
    ),
    Row(
        type="aws:ec2/eip:Eip",
        inputs=words("domain"),
        create=_create_address,
        read=_read_address,
        update=_update_tags,
        delete=lambda api, identity, held: api("ec2").release_address(AllocationId=identity),
        find=first_marked(_read_address),
        computed=words("allocationId arn publicIp"),
        chosen=words("domain"),
        replaces=words("domain"),
        tags=True,
    ),
    Row(
        type="aws:ec2/natGateway:NatGateway",
        inputs=words("allocationId connectivityType subnetId"),
        create=_create_nat,
        read=_read_nat,
        update=_update_tags,
        delete=_delete_nat,
        find=first_marked(_read_nat),
        computed=words("networkInterfaceId privateIp publicIp"),
        replaces=words("allocationId connectivityType subnetId"),
        defaults={"connectivityType": "public"},
        tags=True,
    ),
    Row(
        type="aws:ec2/route:Route",
        inputs=words("destinationCidrBlock routeTableId") | _ROUTE,
        create=_create_route,
        read=_read_route,
        update=_update_route,
        delete=_delete_route,
        find=_find_route,
        computed=words("origin state"),
        replaces=words("destinationCidrBlock routeTableId"),
        identity=("routeTableId", "destinationCidrBlock"),
    ),
]
