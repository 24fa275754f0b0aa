"""Security groups and their rules."""

from __future__ import annotations

from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import Properties, Row, Tags, from_list, given, words
from infra.sandbox.aws.types.ec2_tags import first_marked, retag, specification

_SIDES = {"ingress": "IpPermissions", "egress": "IpPermissionsEgress"}


def _permission(rule: Properties, own: str) -> dict[str, Any]:
    """An inline rule as EC2 takes it; `own` is the group that `self` means."""
    words_about = given(Description=rule.get("description") or None)
    groups = [*(rule.get("securityGroups") or []), *([own] if rule.get("self") else [])]
    made: dict[str, Any] = {
        "IpProtocol": rule["protocol"],
        "IpRanges": [{"CidrIp": cidr, **words_about} for cidr in rule.get("cidrBlocks") or []],
        "Ipv6Ranges": [{"CidrIpv6": cidr, **words_about} for cidr in rule.get("ipv6CidrBlocks") or []],
        "PrefixListIds": [{"PrefixListId": identity, **words_about} for identity in rule.get("prefixListIds") or []],
        "UserIdGroupPairs": [{"GroupId": group, **words_about} for group in groups],
    }
    made = {key: value for key, value in made.items() if value}
    return made if rule["protocol"] == "-1" else {**made, "FromPort": rule["fromPort"], "ToPort": rule["toPort"]}


def _rule(permission: dict[str, Any], own: str) -> Properties:
    """The opposite of `_permission`."""
    groups = [pair["GroupId"] for pair in permission.get("UserIdGroupPairs", [])]
    ranges = [*permission.get("IpRanges", []), *permission.get("Ipv6Ranges", []), *permission.get("UserIdGroupPairs", [])]
    return {
        "protocol": permission["IpProtocol"],
        "fromPort": permission.get("FromPort") or 0 if permission["IpProtocol"] != "-1" else 0,
        "toPort": permission.get("ToPort") or 0 if permission["IpProtocol"] != "-1" else 0,
        "cidrBlocks": [one["CidrIp"] for one in permission.get("IpRanges", [])],
        "ipv6CidrBlocks": [one["CidrIpv6"] for one in permission.get("Ipv6Ranges", [])],
        "prefixListIds": [one["PrefixListId"] for one in permission.get("PrefixListIds", [])],
        "securityGroups": [group for group in groups if group != own],
        "self": own in groups,
        "description": next((one["Description"] for one in ranges if one.get("Description")), ""),
    }


def _group(api: Api, identity: str) -> dict[str, Any]:
    return api("ec2").describe_security_groups(GroupIds=[identity])["SecurityGroups"][0]


def _calls(api: Api, side: str) -> tuple[Any, Any]:
    ec2 = api("ec2")
    if side == "ingress":
        return ec2.authorize_security_group_ingress, ec2.revoke_security_group_ingress
    return ec2.authorize_security_group_egress, ec2.revoke_security_group_egress


def _set_rules(api: Api, identity: str, side: str, rules: list[Properties]) -> None:
    allow, revoke = _calls(api, side)
    live = _group(api, identity)[_SIDES[side]]
    if live:
        revoke(GroupId=identity, IpPermissions=[_permission(_rule(permission, identity), identity) for permission in live])
    if rules:
        allow(GroupId=identity, IpPermissions=[_permission(rule, identity) for rule in rules])


def _create_group(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(VpcId=p.get("vpcId"))
    words_about = p.get("description") or "Managed by Pulumi"
    made = api("ec2").create_security_group(GroupName=p["name"], Description=words_about, TagSpecifications=specification("security-group", tags), **asked)
    return made["GroupId"]


def _finish_group(api: Api, identity: str, p: Properties) -> None:
    # EC2 gives a new group a rule that lets everything out; a program that wants one says so.
    _set_rules(api, identity, "egress", p.get("egress") or [])
    if p.get("ingress"):
        _set_rules(api, identity, "ingress", p["ingress"])


def _read_group(api: Api, identity: str, known: Properties) -> Properties | None:
    group = _group(api, identity)
    # Rules that are resources of their own must not show as drift of a group that lists none.
    listed = {side: [_rule(permission, identity) for permission in group[_SIDES[side]]] for side in _SIDES if known.get(side) is not None}
    return {
        **listed,
        "arn": api.arn("ec2", f"security-group/{identity}"),
        "name": group["GroupName"],
        "description": group["Description"],
        "vpcId": group.get("VpcId"),
        "ownerId": group.get("OwnerId") or api.account,
        "tagsAll": from_list(group.get("Tags")),
    }


def _update_group(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    for side in changed & _SIDES.keys():
        _set_rules(api, identity, side, new.get(side) or [])
    retag(api, identity, old, new)


def _default_of(api: Api, p: Properties) -> str:
    filters = [{"Name": "vpc-id", "Values": [p["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    return api("ec2").describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]


def _take_default(api: Api, p: Properties, tags: Tags) -> str:
    identity = _default_of(api, p)
    for side in _SIDES:
        _set_rules(api, identity, side, p.get(side) or [])
    retag(api, identity, {"tagsAll": from_list(_group(api, identity).get("Tags"))}, p)
    return identity


def _read_default(api: Api, identity: str, known: Properties) -> Properties | None:
    return _read_group(api, identity, {**known, "ingress": [], "egress": []})


def _separate(side: str) -> Row:
    """The row of a rule that is a resource of its own."""
    name = f"SecurityGroup{side.capitalize()}Rule"

    def create(api: Api, p: Properties, tags: Tags) -> str:
        allow, _ = _calls(api, side)
        words_about = given(Description=p.get("description") or None)
        made: dict[str, Any] = {"IpProtocol": p["ipProtocol"], **given(FromPort=p.get("fromPort"), ToPort=p.get("toPort"))}
        for key, many, one in (
            ("cidrIpv4", "IpRanges", "CidrIp"),
            ("cidrIpv6", "Ipv6Ranges", "CidrIpv6"),
            ("prefixListId", "PrefixListIds", "PrefixListId"),
            ("referencedSecurityGroupId", "UserIdGroupPairs", "GroupId"),
        ):
            if p.get(key):
                made[many] = [{one: p[key], **words_about}]
        answer = allow(GroupId=p["securityGroupId"], IpPermissions=[made], TagSpecifications=specification("security-group-rule", tags))
        return answer["SecurityGroupRules"][0]["SecurityGroupRuleId"]

    def read(api: Api, identity: str, known: Properties) -> Properties | None:
        found = api("ec2").describe_security_group_rules(SecurityGroupRuleIds=[identity])["SecurityGroupRules"]
        if not found:
            return None
        rule = found[0]
        everything = rule["IpProtocol"] == "-1"
        return {
            "arn": api.arn("ec2", f"security-group-rule/{identity}"),
            "securityGroupRuleId": identity,
            "securityGroupId": rule["GroupId"],
            "ipProtocol": rule["IpProtocol"],
            "fromPort": None if everything else rule.get("FromPort"),
            "toPort": None if everything else rule.get("ToPort"),
            "cidrIpv4": rule.get("CidrIpv4"),
            "cidrIpv6": rule.get("CidrIpv6"),
            "prefixListId": rule.get("PrefixListId"),
            "referencedSecurityGroupId": rule.get("ReferencedGroupInfo", {}).get("GroupId"),
            "description": rule.get("Description"),
            "tagsAll": from_list(rule.get("Tags")),
        }

    def update(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
        if changed - {"tags", "tagsAll"}:
            wanted = given(
                IpProtocol=new["ipProtocol"],
                FromPort=-1 if new["ipProtocol"] == "-1" else new.get("fromPort"),
                ToPort=-1 if new["ipProtocol"] == "-1" else new.get("toPort"),
                CidrIpv4=new.get("cidrIpv4"),
                CidrIpv6=new.get("cidrIpv6"),
                PrefixListId=new.get("prefixListId"),
                ReferencedGroupId=new.get("referencedSecurityGroupId"),
                Description=new.get("description"),
            )
            rules = [{"SecurityGroupRuleId": identity, "SecurityGroupRule": wanted}]
            api("ec2").modify_security_group_rules(GroupId=new["securityGroupId"], SecurityGroupRules=rules)
        retag(api, identity, old, new)

    def delete(api: Api, identity: str, held: Properties) -> None:
        _, revoke = _calls(api, side)
        revoke(GroupId=held["securityGroupId"], SecurityGroupRuleIds=[identity])

    return Row(
        type=f"aws:vpc/{name[0].lower()}{name[1:]}:{name}",
        inputs=words("cidrIpv4 cidrIpv6 description fromPort ipProtocol prefixListId referencedSecurityGroupId securityGroupId toPort"),
        create=create,
        read=read,
        update=update,
        delete=delete,
        find=first_marked(read),
        computed=words("arn securityGroupRuleId"),
        replaces=words("securityGroupId"),
        tags=True,
    )


_RULE_LISTS = words("ingress egress") | {f"{side}.*.{part}" for side in _SIDES for part in ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds", "securityGroups")}

ROWS = [
    Row(
        type="aws:ec2/securityGroup:SecurityGroup",
        inputs=words("description egress ingress name revokeRulesOnDelete vpcId"),
        create=_create_group,
        finish=_finish_group,
        read=_read_group,
        update=_update_group,
        delete=lambda api, identity, held: api("ec2").delete_security_group(GroupId=identity),
        find=first_marked(_read_group),
        computed=words("arn ownerId"),
        chosen=words("egress ingress vpcId"),
        replaces=words("description name vpcId"),
        identity=("name", "vpcId"),
        defaults={"description": "Managed by Pulumi"},
        unseen=words("revokeRulesOnDelete"),
        autoname="name",
        tags=True,
        meaning=Meaning(unordered=_RULE_LISTS),
    ),
    Row(
        type="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        inputs=words("egress ingress revokeRulesOnDelete vpcId"),
        create=_take_default,
        read=_read_default,
        update=_update_group,
        # EC2 does not delete a default group; it goes with its VPC.
        delete=lambda api, identity, held: None,
        find=lambda api, p, mark: _default_of(api, p),
        computed=words("arn description name ownerId"),
        replaces=words("vpcId"),
        unseen=words("revokeRulesOnDelete"),
        tags=True,
        meaning=Meaning(unordered=_RULE_LISTS),
    ),
    _separate("ingress"),
    _separate("egress"),
]
