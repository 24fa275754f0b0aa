"""One environment's account as its plans would make it: who there is, with which rights, and what keys and buckets say themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from moto.iam.aws_managed_policies import aws_managed_policies_data

from infra.artifacts import Plan, PlannedResource
from tests.iam.conditions import Context
from tests.iam.evaluate import Answer, Document, Principal, Request, answer


@cache
def published() -> dict[str, Document]:
    """The policies that AWS itself keeps, by the end of their ARN, in the version of the emulator."""
    return {entry["Path"].lstrip("/") + name: entry["Document"] for name, entry in json.loads(aws_managed_policies_data).items()}


@dataclass
class Role:
    """One role; `own` are its inline policies and `attached` the names of AWS's."""

    name: str
    arn: str
    trust: Document
    boundary: Document
    own: dict[str, Document] = field(default_factory=dict)
    attached: list[str] = field(default_factory=list)
    team: str = ""

    @property
    def principal(self) -> Principal:
        return Principal(self.arn, [*self.own.values(), *(published()[name] for name in self.attached)], self.boundary)


@dataclass
class Account:
    """What asks and what is asked. Keys and buckets by their data class and name: `personal`, `data`; a team's with it before: `risk-data`."""

    environment: str
    number: str
    region: str
    cidr: str
    roles: dict[str, Role]
    bucket_policies: dict[str, Document]
    key_policies: dict[str, Document]
    classes: dict[str, str]
    """Bucket -> the key it is encrypted with, by its data class."""
    endpoint_policies: dict[str, Document]
    file_policies: dict[str, Document]
    """Those of shared file systems, by their logical name; so are their ARNs here: `file-system/files`."""

    def bucket(self, name: str) -> str:
        return f"arn:aws:s3:::falaj-{self.environment}-{name}-{self.number}"

    def key(self, data_class: str) -> str:
        return self.arn("kms", f"key/{data_class}")

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.region}:{self.number}:{rest}"

    def role_arn(self, name: str) -> str:
        return f"arn:aws:iam::{self.number}:role/falaj-{self.environment}-{name}"

    def ask(self, who: str | Principal, action: str, resource: str = "*", **more: str | list[str]) -> Answer:
        """What becomes of a call by the role called `who`, over TLS, from inside the network; `more` changes condition keys, `__` for `:`."""
        principal = self.roles[who].principal if isinstance(who, str) else who
        changed: Context = {key.replace("__", ":"): value for key, value in more.items()}
        context = {key: value for key, value in {**self._usual(principal, resource), **changed}.items() if value != ""}
        return answer(Request(principal, action, resource, context), self._policy_of(resource))

    def decrypts(self, who: str, bucket: str, action: str = "kms:Decrypt") -> Answer:
        """What becomes of the call that S3 makes in a role's name, for an object of `bucket`."""
        return self.uses(who, self.classes[bucket], action, through="s3")

    def uses(self, who: str, data_class: str, action: str = "kms:Decrypt", *, through: str = "", **more: str) -> Answer:
        """What becomes of a use of a class's key; `through` names the service that makes the call in the role's name."""
        via = {"kms:ViaService": f"{through}.{self.region}.amazonaws.com"} if through else {}
        aliases = [f"alias/falaj-{self.environment}-{data_class}"]
        return self.ask(who, action, self.key(data_class), **{"kms:ResourceAliases": aliases}, **via, **more)

    def takes(self, who: Principal, role: str, action: str = "sts:AssumeRole", **more: str) -> Answer:
        """What becomes of an attempt to take a role."""
        target = self.roles[role]
        changed = {key.replace("__", ":"): value for key, value in more.items()}
        return answer(Request(who, action, target.arn, {**self._usual(who, target.arn), **changed}), target.trust)

    def _usual(self, who: Principal, resource: str) -> dict[str, str | list[str]]:
        owner = resource.split(":")[4] if resource.count(":") > 4 else ""
        common: dict[str, str | list[str]] = {
            "aws:SecureTransport": "true",
            "s3:TlsVersion": "1.3",
            "aws:RequestedRegion": resource.split(":")[3] if resource.count(":") > 4 and resource.split(":")[3] else self.region,
            "aws:ResourceAccount": owner or self.number,
        }
        if who.is_service:
            return {**common, "aws:PrincipalIsAWSService": "true"}
        teams = {role.arn: role.team for role in self.roles.values()}
        tagged = {"aws:PrincipalTag/team": teams[who.name]} if teams.get(who.name) else {}
        inside = {"aws:VpcSourceIp": self.cidr.split("/")[0]}
        return {**common, **inside, **tagged, "aws:PrincipalIsAWSService": "false", "aws:PrincipalAccount": who.account, "aws:PrincipalArn": who.name}

    def _policy_of(self, resource: str) -> Document | None:
        found = {self.bucket(name): document for name, document in self.bucket_policies.items()}
        found |= {self.key(name): document for name, document in self.key_policies.items()}
        found |= {self.arn("elasticfilesystem", f"file-system/{name}"): document for name, document in self.file_policies.items()}
        return found.get(resource.split("/")[0] if resource.startswith("arn:aws:s3:::") else resource)


def account_of(plans: Iterable[Plan]) -> Account:
    """The account that `plans` of one environment describe. Raises KeyError for what they name and do not hold."""
    plans = list(plans)
    found = [resource for plan in plans for resource in plan.resources]
    policies = {each.inputs["name"]: json.loads(each.inputs["policy"]) for each in _of(found, "policy:Policy", "aws:iam/")}
    roles = {}
    for each in _of(found, "role:Role", "aws:iam/"):
        name = each.inputs["name"].split("-", 2)[2]
        boundary = policies[each.inputs["permissionsBoundary"].rsplit("/", 1)[-1]]
        number = each.inputs["permissionsBoundary"].split(":")[4]
        arn, trust = f"arn:aws:iam::{number}:role/{each.inputs['name']}", json.loads(each.inputs["assumeRolePolicy"])
        roles[each.inputs["name"]] = Role(name, arn, trust, boundary, team=each.inputs["tags"].get("team", ""))
    for each in _of(found, "rolePolicy:RolePolicy"):
        roles[each.inputs["role"]].own[each.inputs["name"]] = json.loads(each.inputs["policy"])
    for each in _of(found, "rolePolicyAttachment:RolePolicyAttachment"):
        roles[each.inputs["role"]].attached.append(each.inputs["policyArn"].split(":policy/", 1)[1])
    buckets = {each.inputs["bucket"]: each.inputs["tags"] for each in _of(found, "bucket:Bucket", "aws:s3/")}
    provider = next(each for each in found if each.type == "pulumi:providers:aws")
    network = _of(found, "vpc:Vpc")[0]
    return Account(
        environment=plans[0].environment,
        number=next(iter(roles.values())).arn.split(":")[4],
        region=provider.inputs["region"],
        cidr=network.inputs["cidrBlock"],
        roles={role.name: role for role in roles.values()},
        bucket_policies={each.name: json.loads(each.inputs["policy"]) for each in _of(found, "bucketPolicy:BucketPolicy")},
        key_policies={_key(each.inputs["tags"]): json.loads(each.inputs["policy"]) for each in _of(found, "key:Key", "aws:kms/")},
        classes={name.split("-", 2)[2].rsplit("-", 1)[0]: _key(tags) for name, tags in buckets.items()},
        endpoint_policies={each.name: json.loads(each.inputs["policy"]) for each in _of(found, "vpcEndpoint:VpcEndpoint") if "policy" in each.inputs},
        file_policies={each.name: json.loads(each.inputs["policy"]) for each in _of(found, "fileSystemPolicy:FileSystemPolicy")},
    )


def _key(tags: Mapping[str, str]) -> str:
    return "-".join(filter(None, (tags.get("team"), tags["data-class"])))


def _of(resources: list[PlannedResource], kind: str, start: str = "aws:") -> list[PlannedResource]:
    return [each for each in resources if each.type.startswith(start) and each.type.endswith(f"/{kind}")]
