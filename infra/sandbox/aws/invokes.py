"""The provider's functions: those that only compute, and those that ask the API."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.properties import UNKNOWN

Arguments = dict[str, Any]


@dataclass(frozen=True)
class Function:
    """`answer(arguments, region, account)` computes; `ask(api, arguments)` calls. `outputs` are unknown where neither can be done."""

    outputs: tuple[str, ...]
    answer: Callable[[Arguments, str, Any], Arguments] = lambda *_: {}
    ask: Callable[[Api, Arguments], Arguments] = lambda *_: {}
    pure: bool = True


def policy_document(given: Arguments, region: str, account: Any) -> Arguments:
    """The JSON policy document that statements describe."""
    policy: dict[str, Any] = {"Version": given.get("version") or "2012-10-17"}
    if given.get("policyId"):
        policy["Id"] = given["policyId"]
    sources = [*given.get("sourcePolicyDocuments", []), *([given["sourceJson"]] if given.get("sourceJson") else [])]
    statements = [statement for source in sources for statement in _many(json.loads(source).get("Statement", []))]
    statements += [_statement(statement) for statement in given.get("statements") or []]
    overrides = [*given.get("overridePolicyDocuments", []), *([given["overrideJson"]] if given.get("overrideJson") else [])]
    for statement in (statement for override in overrides for statement in _many(json.loads(override).get("Statement", []))):
        sid = statement.get("Sid")
        statements = [other for other in statements if not sid or other.get("Sid") != sid] + [statement]
    policy["Statement"] = statements
    small = json.dumps(policy, separators=(",", ":"))
    return {"json": json.dumps(policy, indent=2), "minifiedJson": small, "id": str(zlib.crc32(small.encode())), **given}


def _statement(given: Arguments) -> dict[str, Any]:
    made: dict[str, Any] = {"Sid": given["sid"]} if given.get("sid") else {}
    made["Effect"] = given.get("effect") or "Allow"
    for key, name in (("actions", "Action"), ("notActions", "NotAction"), ("resources", "Resource"), ("notResources", "NotResource")):
        if given.get(key):
            made[name] = _few(given[key])
    for key, name in (("principals", "Principal"), ("notPrincipals", "NotPrincipal")):
        if given.get(key):
            made[name] = _principals(given[key])
    conditions: dict[str, dict[str, Any]] = {}
    for condition in given.get("conditions") or []:
        conditions.setdefault(condition["test"], {})[condition["variable"]] = _few(condition["values"])
    return {**made, "Condition": conditions} if conditions else made


def _principals(given: list[Arguments]) -> Any:
    if any(principal["type"] == "*" for principal in given):
        return "*"
    return {principal["type"]: _few(principal["identifiers"]) for principal in given}


def _few(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _region(given: Arguments, region: str, account: Any) -> Arguments:
    return {"region": region, "name": region, "id": region, "description": region, "endpoint": f"ec2.{region}.amazonaws.com"}


def _partition(given: Arguments, region: str, account: Any) -> Arguments:
    return {"partition": "aws", "id": "aws", "dnsSuffix": "amazonaws.com", "reverseDnsPrefix": "com.amazonaws"}


def _identity(given: Arguments, region: str, account: Any) -> Arguments:
    known = isinstance(account, str)
    return {"accountId": account, "id": account, "userId": "local" if known else UNKNOWN, "arn": f"arn:aws:iam::{account}:user/local" if known else UNKNOWN}


def _zones(api: Api, given: Arguments) -> Arguments:
    zones = api("ec2").describe_availability_zones()["AvailabilityZones"]
    zones = sorted((zone for zone in zones if given.get("state") in (None, zone["State"])), key=lambda zone: zone["ZoneName"])
    return {
        "id": api.region,
        "names": [zone["ZoneName"] for zone in zones],
        "zoneIds": [zone["ZoneId"] for zone in zones],
        "groupNames": sorted({zone["RegionName"] for zone in zones}),
        "region": api.region,
    }


INVOKES: dict[str, Function] = {
    "aws:iam/getPolicyDocument:getPolicyDocument": Function(("json", "minifiedJson", "id"), answer=policy_document),
    "aws:index/getCallerIdentity:getCallerIdentity": Function(("accountId", "arn", "id", "userId"), answer=_identity),
    "aws:index/getRegion:getRegion": Function(("region", "name", "id", "description", "endpoint"), answer=_region),
    "aws:index/getPartition:getPartition": Function(("partition", "id", "dnsSuffix", "reverseDnsPrefix"), answer=_partition),
    "aws:index/getAvailabilityZones:getAvailabilityZones": Function(("id", "names", "zoneIds", "groupNames", "region"), ask=_zones, pure=False),
}
