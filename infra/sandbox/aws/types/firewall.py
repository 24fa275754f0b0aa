"""Network Firewall: rules, policies, firewalls, and where they log."""

from __future__ import annotations

from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import Properties, Row, Tags, as_list, block, from_list, given, tag_changes, words

_LITERAL = ("logDestination", "LogDestination")
"""Maps whose keys are their own."""
_SPELLED = {"ipAddressType": "IPAddressType"}
_KNOWN = {theirs: ours for ours, theirs in _SPELLED.items()}


def _up(value: Any) -> Any:
    """As the API spells it: names begin with a capital."""
    if isinstance(value, dict):
        return {_SPELLED.get(key) or key[:1].upper() + key[1:]: item if key in _LITERAL else _up(item) for key, item in value.items() if item is not None}
    return [_up(item) for item in value] if isinstance(value, list) else value


def _down(value: Any) -> Any:
    """As Pulumi spells it."""
    if isinstance(value, dict):
        return {_KNOWN.get(key) or key[:1].lower() + key[1:]: item if key in _LITERAL else _down(item) for key, item in value.items()}
    return [_down(item) for item in value] if isinstance(value, list) else value


def _asked(p: Properties) -> dict[str, Any]:
    encryption = block(p.get("encryptionConfiguration"))
    return given(
        Description=p.get("description"), EncryptionConfiguration=_up(encryption) if encryption else None, Tags=as_list(p.get("tagsAll") or {}) or None
    )


def _seen(answer: dict[str, Any], name: str, arn: str) -> Properties:
    return {
        "name": answer[name],
        "arn": answer[arn],
        "description": answer.get("Description"),
        "encryptionConfiguration": _down(answer.get("EncryptionConfiguration")),
        "tagsAll": from_list(answer.get("Tags")),
    }


def _retag(api: Api, arn: str, old: Properties, new: Properties) -> None:
    put, gone = tag_changes(old, new)
    if put:
        api("network-firewall").tag_resource(ResourceArn=arn, Tags=as_list(put))
    if gone:
        api("network-firewall").untag_resource(ResourceArn=arn, TagKeys=gone)


def _create_group(api: Api, p: Properties, tags: Tags) -> str:
    made = api("network-firewall").create_rule_group(
        RuleGroupName=p["name"], Type=p["type"], Capacity=p["capacity"], RuleGroup=_up(block(p["ruleGroup"])), **_asked(p)
    )
    return made["RuleGroupResponse"]["RuleGroupArn"]


def _read_group(api: Api, identity: str, known: Properties) -> Properties | None:
    found = api("network-firewall").describe_rule_group(RuleGroupArn=identity)
    answer = found["RuleGroupResponse"]
    own = {"type": answer["Type"], "capacity": answer["Capacity"], "ruleGroup": _down(found["RuleGroup"]), "updateToken": found["UpdateToken"]}
    return {**_seen(answer, "RuleGroupName", "RuleGroupArn"), **own}


def _update_group(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if changed & {"ruleGroup", "description", "encryptionConfiguration"}:
        asked = {key: value for key, value in _asked(new).items() if key != "Tags"}
        api("network-firewall").update_rule_group(RuleGroupArn=identity, UpdateToken=old["updateToken"], RuleGroup=_up(block(new["ruleGroup"])), **asked)
    _retag(api, identity, old, new)


def _create_policy(api: Api, p: Properties, tags: Tags) -> str:
    made = api("network-firewall").create_firewall_policy(FirewallPolicyName=p["name"], FirewallPolicy=_up(block(p["firewallPolicy"])), **_asked(p))
    return made["FirewallPolicyResponse"]["FirewallPolicyArn"]


def _read_policy(api: Api, identity: str, known: Properties) -> Properties | None:
    found = api("network-firewall").describe_firewall_policy(FirewallPolicyArn=identity)
    own = {"firewallPolicy": _down(found["FirewallPolicy"]), "updateToken": found["UpdateToken"]}
    return {**_seen(found["FirewallPolicyResponse"], "FirewallPolicyName", "FirewallPolicyArn"), **own}


def _update_policy(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if changed & {"firewallPolicy", "description", "encryptionConfiguration"}:
        asked = {key: value for key, value in _asked(new).items() if key != "Tags"}
        wanted = {"FirewallPolicy": _up(block(new["firewallPolicy"])), **asked}
        api("network-firewall").update_firewall_policy(FirewallPolicyArn=identity, UpdateToken=old["updateToken"], **wanted)
    _retag(api, identity, old, new)


_PROTECTIONS = ("deleteProtection", "firewallPolicyChangeProtection", "subnetChangeProtection")


def _create_firewall(api: Api, p: Properties, tags: Tags) -> str:
    made = api("network-firewall").create_firewall(
        FirewallName=p["name"],
        FirewallPolicyArn=p["firewallPolicyArn"],
        VpcId=p["vpcId"],
        SubnetMappings=_up(p["subnetMappings"]),
        **{key[:1].upper() + key[1:]: bool(p[key]) for key in _PROTECTIONS if p.get(key) is not None},
        **_asked(p),
    )
    return made["Firewall"]["FirewallArn"]


def _read_firewall(api: Api, identity: str, known: Properties) -> Properties | None:
    found = api("network-firewall").describe_firewall(FirewallArn=identity)
    one = found["Firewall"]
    states = [
        {"availabilityZone": zone, "attachments": [{"endpointId": state["Attachment"]["EndpointId"], "subnetId": state["Attachment"]["SubnetId"]}]}
        for zone, state in sorted(found["FirewallStatus"]["SyncStates"].items())
    ]
    return {
        **_seen(one, "FirewallName", "FirewallArn"),
        "firewallPolicyArn": one["FirewallPolicyArn"],
        "vpcId": one["VpcId"],
        "subnetMappings": _down(one["SubnetMappings"]),
        **{key: one[key[:1].upper() + key[1:]] for key in _PROTECTIONS},
        "firewallStatuses": [{"syncStates": states}],
        "updateToken": found["UpdateToken"],
    }


def _update_firewall(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    firewall = api("network-firewall")
    switches = {
        "deleteProtection": firewall.update_firewall_delete_protection,
        "firewallPolicyChangeProtection": firewall.update_firewall_policy_change_protection,
        "subnetChangeProtection": firewall.update_subnet_change_protection,
    }
    switched = [name for name in switches if name in changed]
    # What is to be protected is changed before that, and what was protected after.
    for name in switched:
        if not new.get(name):
            switches[name](FirewallArn=identity, **{name[:1].upper() + name[1:]: False})
    if "firewallPolicyArn" in changed:
        firewall.associate_firewall_policy(FirewallArn=identity, FirewallPolicyArn=new["firewallPolicyArn"])
    if "subnetMappings" in changed:
        _move(firewall, identity, old["subnetMappings"], new["subnetMappings"])
    if "description" in changed:
        firewall.update_firewall_description(FirewallArn=identity, **given(Description=new.get("description")))
    if "encryptionConfiguration" in changed:
        firewall.update_firewall_encryption_configuration(FirewallArn=identity, EncryptionConfiguration=_up(block(new.get("encryptionConfiguration"))))
    for name in switched:
        if new.get(name):
            switches[name](FirewallArn=identity, **{name[:1].upper() + name[1:]: True})
    _retag(api, identity, old, new)


def _move(firewall: Any, identity: str, old: list[Properties], new: list[Properties]) -> None:
    before, after = ({each["subnetId"]: each for each in mappings} for mappings in (old, new))
    if come := [_up(after[key]) for key in after if key not in before]:
        firewall.associate_subnets(FirewallArn=identity, SubnetMappings=come)
    if gone := [key for key in before if key not in after]:
        firewall.disassociate_subnets(FirewallArn=identity, SubnetIds=gone)


def _log(api: Api, identity: str, wanted: list[Properties]) -> None:
    """One destination at a time, as the API takes them: first those that go, then those that come."""
    firewall = api("network-firewall")
    held = firewall.describe_logging_configuration(FirewallArn=identity)["LoggingConfiguration"]["LogDestinationConfigs"]
    goal = [_up(each) for each in wanted]
    for each in [each for each in held if each not in goal]:
        held = [other for other in held if other != each]
        firewall.update_logging_configuration(FirewallArn=identity, LoggingConfiguration={"LogDestinationConfigs": held})
    for each in [each for each in goal if each not in held]:
        held = [*held, each]
        firewall.update_logging_configuration(FirewallArn=identity, LoggingConfiguration={"LogDestinationConfigs": held})


def _destinations(p: Properties) -> list[Properties]:
    return block(p.get("loggingConfiguration")).get("logDestinationConfigs") or []


def _create_log(api: Api, p: Properties, tags: Tags) -> str:
    _log(api, p["firewallArn"], _destinations(p))
    return p["firewallArn"]


def _read_log(api: Api, identity: str, known: Properties) -> Properties | None:
    held = api("network-firewall").describe_logging_configuration(FirewallArn=identity)["LoggingConfiguration"].get("LogDestinationConfigs")
    return {"firewallArn": identity, "loggingConfiguration": {"logDestinationConfigs": _down(held)}} if held else None


def _find(operation: str, name: str, kind: str) -> Any:
    """Looks for what an interrupted creation made: names are unique within their kind."""

    def find(api: Api, p: Properties, mark: Tags) -> str | None:
        asked = {name: p["name"], **({"Type": p["type"]} if kind == "RuleGroup" else {})}
        found = api.absent(getattr(api("network-firewall"), operation), **asked)
        answer = (found or {}).get("Firewall" if kind == "Firewall" else f"{kind}Response")
        return answer[f"{kind}Arn"] if answer else None

    return find


ROWS = [
    Row(
        type="aws:networkfirewall/ruleGroup:RuleGroup",
        inputs=words("capacity description encryptionConfiguration name ruleGroup type"),
        create=_create_group,
        read=_read_group,
        update=_update_group,
        delete=lambda api, identity, held: api("network-firewall").delete_rule_group(RuleGroupArn=identity),
        find=_find("describe_rule_group", "RuleGroupName", "RuleGroup"),
        computed=words("arn updateToken"),
        replaces=words("capacity name type"),
        identity=("name", "type"),
        volatile=words("updateToken"),
        autoname="name",
        tags=True,
        meaning=Meaning(unordered=words("ruleGroup.rulesSource.rulesSourceList.targets")),
    ),
    Row(
        type="aws:networkfirewall/firewallPolicy:FirewallPolicy",
        inputs=words("description encryptionConfiguration firewallPolicy name"),
        create=_create_policy,
        read=_read_policy,
        update=_update_policy,
        delete=lambda api, identity, held: api("network-firewall").delete_firewall_policy(FirewallPolicyArn=identity),
        find=_find("describe_firewall_policy", "FirewallPolicyName", "FirewallPolicy"),
        computed=words("arn updateToken"),
        replaces=words("name"),
        identity=("name",),
        volatile=words("updateToken"),
        autoname="name",
        tags=True,
    ),
    Row(
        type="aws:networkfirewall/firewall:Firewall",
        inputs=words("description encryptionConfiguration firewallPolicyArn name subnetMappings vpcId") | frozenset(_PROTECTIONS),
        create=_create_firewall,
        read=_read_firewall,
        update=_update_firewall,
        delete=lambda api, identity, held: api("network-firewall").delete_firewall(FirewallArn=identity),
        find=_find("describe_firewall", "FirewallName", "Firewall"),
        computed=words("arn firewallStatuses updateToken"),
        replaces=words("name vpcId"),
        identity=("name",),
        volatile=words("firewallStatuses updateToken"),
        autoname="name",
        tags=True,
        meaning=Meaning(unordered=words("subnetMappings"), decided=words("subnetMappings.*.ipAddressType")),
    ),
    Row(
        type="aws:networkfirewall/loggingConfiguration:LoggingConfiguration",
        inputs=words("firewallArn loggingConfiguration"),
        create=_create_log,
        read=_read_log,
        update=lambda api, identity, old, new, changed: _log(api, identity, _destinations(new)),
        delete=lambda api, identity, held: _log(api, identity, []),
        find=lambda api, p, mark: p["firewallArn"] if api.absent(_read_log, api=api, identity=p["firewallArn"], known=p) else None,
        replaces=words("firewallArn"),
        identity=("firewallArn",),
        meaning=Meaning(unordered=words("loggingConfiguration.logDestinationConfigs")),
    ),
]
