"""Network Firewall's API, in memory: groups of rules, policies, firewalls with an endpoint in each of their subnets, and where they log.

Nothing is filtered: no packet travels here. moto knows firewalls alone, without rules and without endpoints.
"""

from __future__ import annotations

from typing import Any

from infra.sandbox.aws.rest import Refusal

Request = dict[str, Any]
_KINDS = {"STATEFUL": "stateful-rulegroup", "STATELESS": "stateless-rulegroup"}
_PROTECTIONS = ("DeleteProtection", "FirewallPolicyChangeProtection", "SubnetChangeProtection")


class NetworkFirewall:
    """One region's. Everything is found by its ARN or, within its kind, by its name."""

    def __init__(self, account: str, region: str) -> None:
        self._account, self._region = account, region
        self._groups: dict[str, Request] = {}
        self._policies: dict[str, Request] = {}
        self._firewalls: dict[str, Request] = {}
        self._tags: dict[str, dict[str, str]] = {}
        self._steps = 0

    # Groups of rules

    def CreateRuleGroup(self, r: Request) -> Request:
        arn = self._arn(_KINDS[r["Type"]], r["RuleGroupName"])
        return self._group(self._made(self._groups, arn, r, "RuleGroup"))

    def DescribeRuleGroup(self, r: Request) -> Request:
        return self._group(self._one(self._groups, r.get("RuleGroupArn") or self._arn(_KINDS[r["Type"]], r["RuleGroupName"])))

    def UpdateRuleGroup(self, r: Request) -> Request:
        return self._group(self._changed(self._one(self._groups, r["RuleGroupArn"]), r, "RuleGroup", "Description", "EncryptionConfiguration"))

    def DeleteRuleGroup(self, r: Request) -> Request:
        arn = r["RuleGroupArn"]
        self._unused(arn, (each["FirewallPolicy"] for each in self._policies.values()))
        return self._group(self._gone(self._groups, arn))

    def _group(self, held: Request) -> Request:
        about = {key: held[key] for key in ("RuleGroupName", "Type", "Capacity", "Description", "EncryptionConfiguration") if held.get(key) is not None}
        answer = {**about, "RuleGroupArn": held["arn"], "RuleGroupId": held["token"], "RuleGroupStatus": "ACTIVE", "Tags": self._listed(held["arn"])}
        return {"UpdateToken": held["token"], "RuleGroupResponse": answer, "RuleGroup": held["RuleGroup"]}

    # Policies

    def CreateFirewallPolicy(self, r: Request) -> Request:
        arn = self._arn("firewall-policy", r["FirewallPolicyName"])
        return self._policy(self._made(self._policies, arn, r, "FirewallPolicy"))

    def DescribeFirewallPolicy(self, r: Request) -> Request:
        return self._policy(self._one(self._policies, r.get("FirewallPolicyArn") or self._arn("firewall-policy", r["FirewallPolicyName"])))

    def UpdateFirewallPolicy(self, r: Request) -> Request:
        return self._policy(self._changed(self._one(self._policies, r["FirewallPolicyArn"]), r, "FirewallPolicy", "Description", "EncryptionConfiguration"))

    def DeleteFirewallPolicy(self, r: Request) -> Request:
        arn = r["FirewallPolicyArn"]
        self._unused(arn, (each["FirewallPolicyArn"] for each in self._firewalls.values()))
        return self._policy(self._gone(self._policies, arn))

    def _policy(self, held: Request) -> Request:
        about = {key: held[key] for key in ("FirewallPolicyName", "Description", "EncryptionConfiguration") if held.get(key) is not None}
        answer = {**about, "FirewallPolicyArn": held["arn"], "FirewallPolicyId": held["token"], "Tags": self._listed(held["arn"])}
        return {"UpdateToken": held["token"], "FirewallPolicyResponse": answer, "FirewallPolicy": held["FirewallPolicy"]}

    # Firewalls

    def CreateFirewall(self, r: Request) -> Request:
        self._one(self._policies, r["FirewallPolicyArn"])
        held = self._made(self._firewalls, self._arn("firewall", r["FirewallName"]), r, "FirewallPolicyArn")
        held["endpoints"] = {each["SubnetId"]: self._endpoint(held, each["SubnetId"]) for each in r["SubnetMappings"]}
        return self._firewall(held)

    def DescribeFirewall(self, r: Request) -> Request:
        return self._firewall(self._of(r))

    def AssociateFirewallPolicy(self, r: Request) -> Request:
        held = self._of(r)
        self._allowed(held, "FirewallPolicyChangeProtection")
        self._one(self._policies, r["FirewallPolicyArn"])
        return self._firewall(self._changed(held, r, "FirewallPolicyArn"))

    def UpdateFirewallDescription(self, r: Request) -> Request:
        return self._firewall(self._changed(self._of(r), r, "Description"))

    def UpdateFirewallDeleteProtection(self, r: Request) -> Request:
        return self._firewall(self._changed(self._of(r), r, "DeleteProtection"))

    def UpdateFirewallPolicyChangeProtection(self, r: Request) -> Request:
        return self._firewall(self._changed(self._of(r), r, "FirewallPolicyChangeProtection"))

    def UpdateSubnetChangeProtection(self, r: Request) -> Request:
        return self._firewall(self._changed(self._of(r), r, "SubnetChangeProtection"))

    def UpdateFirewallEncryptionConfiguration(self, r: Request) -> Request:
        return self._firewall(self._changed(self._of(r), r, "EncryptionConfiguration"))

    def AssociateSubnets(self, r: Request) -> Request:
        held = self._of(r)
        self._allowed(held, "SubnetChangeProtection")
        held["SubnetMappings"] = [*held["SubnetMappings"], *r["SubnetMappings"]]
        held["endpoints"].update({each["SubnetId"]: self._endpoint(held, each["SubnetId"]) for each in r["SubnetMappings"]})
        return self._firewall(held)

    def DisassociateSubnets(self, r: Request) -> Request:
        held = self._of(r)
        self._allowed(held, "SubnetChangeProtection")
        self._ec2().delete_vpc_endpoints([held["endpoints"].pop(each) for each in r["SubnetIds"]])
        held["SubnetMappings"] = [each for each in held["SubnetMappings"] if each["SubnetId"] not in r["SubnetIds"]]
        return self._firewall(held)

    def DeleteFirewall(self, r: Request) -> Request:
        held = self._of(r)
        self._allowed(held, "DeleteProtection")
        if held.get("LoggingConfiguration", {}).get("LogDestinationConfigs"):
            raise Refusal("InvalidOperationException", "the firewall has a logging configuration", 400)
        self._ec2().delete_vpc_endpoints(list(held["endpoints"].values()))
        return self._firewall(self._gone(self._firewalls, held["arn"]))

    def _firewall(self, held: Request) -> Request:
        about = {
            key: held[key] for key in ("FirewallName", "FirewallPolicyArn", "VpcId", "Description", "EncryptionConfiguration") if held.get(key) is not None
        }
        switches = {key: bool(held.get(key)) for key in _PROTECTIONS}
        found = {"FirewallArn": held["arn"], "FirewallId": held["token"], "SubnetMappings": held["SubnetMappings"], "Tags": self._listed(held["arn"])}
        sync = {
            self._ec2().get_subnet(subnet).availability_zone: {"Attachment": {"SubnetId": subnet, "EndpointId": endpoint, "Status": "READY"}}
            for subnet, endpoint in held["endpoints"].items()
        }
        status = {"Status": "READY", "ConfigurationSyncStateSummary": "IN_SYNC", "SyncStates": sync}
        return {"UpdateToken": held["token"], "Firewall": {**about, **switches, **found}, "FirewallStatus": status}

    # Where firewalls log

    def UpdateLoggingConfiguration(self, r: Request) -> Request:
        held = self._of(r)
        before, after = (each.get("LogDestinationConfigs", []) for each in (held.get("LoggingConfiguration", {}), r.get("LoggingConfiguration") or {}))
        # The real one takes one destination more, or one less, a call.
        if abs(len(before) - len(after)) > 1:
            raise Refusal("InvalidRequestException", "one log destination configuration can be added or removed at a time", 400)
        held["LoggingConfiguration"] = {"LogDestinationConfigs": after}
        return self.DescribeLoggingConfiguration(r)

    def DescribeLoggingConfiguration(self, r: Request) -> Request:
        held = self._of(r)
        return {"FirewallArn": held["arn"], "LoggingConfiguration": held.get("LoggingConfiguration", {"LogDestinationConfigs": []})}

    # Tags

    def TagResource(self, r: Request) -> Request:
        self._tags.setdefault(r["ResourceArn"], {}).update({each["Key"]: each["Value"] for each in r["Tags"]})
        return {}

    def UntagResource(self, r: Request) -> Request:
        for key in r["TagKeys"]:
            self._tags.get(r["ResourceArn"], {}).pop(key, None)
        return {}

    def ListTagsForResource(self, r: Request) -> Request:
        return {"Tags": self._listed(r["ResourceArn"])}

    def _listed(self, arn: str) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in sorted(self._tags.get(arn, {}).items())]

    # What all share

    def _made(self, table: dict[str, Request], arn: str, r: Request, needed: str) -> Request:
        if arn in table:
            raise Refusal("InvalidRequestException", f"{arn} exists already", 400)
        if needed not in r:
            raise Refusal("InvalidRequestException", f"{needed} is missing", 400)
        table[arn] = {**r, "arn": arn, "token": self._token()}
        self._tags[arn] = {each["Key"]: each["Value"] for each in r.get("Tags") or []}
        return table[arn]

    def _changed(self, held: Request, r: Request, *keys: str) -> Request:
        if r.get("UpdateToken") not in (None, held["token"]):
            raise Refusal("InvalidTokenException", "somebody else has changed it since", 400)
        held.update({key: r[key] for key in keys if key in r}, token=self._token())
        return held

    def _gone(self, table: dict[str, Request], arn: str) -> Request:
        held = self._one(table, arn)
        del table[arn]
        return held

    def _one(self, table: dict[str, Request], arn: str) -> Request:
        if arn not in table:
            raise Refusal("ResourceNotFoundException", f"there is no {arn}", 400)
        return table[arn]

    def _of(self, r: Request) -> Request:
        return self._one(self._firewalls, r.get("FirewallArn") or self._arn("firewall", r["FirewallName"]))

    def _allowed(self, held: Request, protection: str) -> None:
        if held.get(protection):
            raise Refusal("InvalidOperationException", f"{protection} is on", 400)

    def _unused(self, arn: str, users: Any) -> None:
        if any(arn in str(each) for each in users):
            raise Refusal("InvalidOperationException", f"{arn} is in use", 400)

    def _arn(self, kind: str, name: str) -> str:
        return f"arn:aws:network-firewall:{self._region}:{self._account}:{kind}/{name}"

    def _token(self) -> str:
        self._steps += 1
        return f"00000000-0000-4000-8000-{self._steps:012d}"

    def _endpoint(self, held: Request, subnet: str) -> str:
        made = self._ec2().create_vpc_endpoint(held["VpcId"], f"com.amazonaws.vpce.{self._region}.vpce-svc-firewall", "GatewayLoadBalancer", None, [], [subnet])
        return made.id

    def _ec2(self) -> Any:
        from moto.ec2.models import ec2_backends

        return ec2_backends[self._account][self._region]
