"""What the organisation says to its accounts: service control policies, and the tags that its bill is told apart by.

Nobody in an account can lift them, its administrators included. They deny alone, so the policy `FullAWSAccess` stays attached beside them. AWS's
service-linked roles and the management account are outside of every such policy.
"""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from falaj.canonical import canonical
from falaj.errors import Fault
from falaj.files import write_durably
from infra.pipeline.library import Library

_LONGEST = 5120
"""Characters of a service control policy."""
_KEEPER = "arn:aws:iam::*:role/OrganizationAccountAccessRole"
"""Who comes from the management account."""
_STOPS = {
    "access-analyzer": ("DeleteAnalyzer",),
    "cloudtrail": ("DeleteTrail", "StopLogging"),
    "config": ("DeleteConfigurationRecorder", "DeleteDeliveryChannel", "DeleteRetentionConfiguration", "StopConfigurationRecorder"),
    "ec2": ("DeleteFlowLogs",),
    "guardduty": ("DeleteDetector", "DeleteMembers", "DisassociateFromAdministratorAccount", "DisassociateMembers", "StopMonitoringMembers"),
    "securityhub": ("BatchDisableStandards", "DisableSecurityHub", "DisassociateFromAdministratorAccount"),
}
"""Calls that make somebody see less."""
_TURNS = {
    "cloudtrail": ("PutEventSelectors", "UpdateTrail"),
    "config": ("PutConfigurationRecorder", "PutDeliveryChannel"),
    "guardduty": ("UpdateDetector",),
    "securityhub": ("UpdateSecurityHubConfiguration",),
}
"""Calls that can, and that a change may need: for those who come from the management account alone."""
_PROFILES = ("apac", "au", "ca", "eu", "global", "jp", "us", "us-gov")
"""Beginnings of inference profiles that several regions answer."""
_COST_TAGS = ("environment", "managed-by", "owner", "purpose", "stack")


class Global(BaseModel):
    """Why one action is let past the region deny."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    why: str
    since: date


@cache
def global_actions() -> dict[str, Global]:
    """Action -> why it passes, from `global_actions.yaml`."""
    found = yaml.safe_load(Path(__file__).with_name("global_actions.yaml").read_text(encoding="utf-8"))["allowed"]
    return {action: Global.model_validate(entry) for action, entry in found.items()}


def write(library: Library, environment: str, out: Path) -> list[Path]:
    """Write one file per policy, the list of exceptions with their reasons, and the tags of the bill.

    Raises UsageError for an environment without parameters, Fault for a policy that AWS would not take for its length.
    """
    allowed = tuple(library.as_written(environment)["allowed_regions"])
    made = {f"service-control/{name}.json": document for name, document in policies(allowed).items()}
    made["service-control/exceptions.json"] = {action: {"why": one.why, "since": one.since.isoformat()} for action, one in global_actions().items()}
    made["cost-allocation-tags.json"] = {"CostAllocationTagsStatus": [{"TagKey": tag, "Status": "Active"} for tag in _COST_TAGS]}
    for name, document in made.items():
        write_durably(out / name, canonical(document))
    return [out / name for name in made]


def policies(allowed_regions: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Name -> service control policy. Raises Fault for one that is longer than AWS takes."""
    found = {"regions": _regions(allowed_regions), "watching": _watching(), "staying": _staying(), "models": _models()}
    for name, document in found.items():
        if len(json.dumps(document, separators=(",", ":"))) > _LONGEST:
            raise Fault(f"service control policy {name} is longer than {_LONGEST} characters", next="take exceptions out of global_actions.yaml")
    return found


def _regions(allowed: tuple[str, ...]) -> dict[str, Any]:
    return _document(
        {"Sid": "OutsideAllowedRegions", "NotAction": sorted(global_actions()), "Condition": {"StringNotEquals": {"aws:RequestedRegion": list(allowed)}}}
    )


def _watching() -> dict[str, Any]:
    keeper = {"ArnNotLike": {"aws:PrincipalArn": _KEEPER}}
    return _document({"Sid": "Stops", "Action": _calls(_STOPS)}, {"Sid": "Turns", "Action": _calls(_TURNS), "Condition": keeper})


def _staying() -> dict[str, Any]:
    leaving = ["account:CloseAccount", "account:DisableRegion", "account:EnableRegion", "organizations:LeaveOrganization"]
    root = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:root"}}
    return _document({"Sid": "Leaves", "Action": leaving}, {"Sid": "RootUser", "Action": ["*"], "Condition": root})


def _models() -> dict[str, Any]:
    # A profile is asked for by itself and, once for each region that may answer, by the model there: both are denied.
    profiles = [f"arn:aws:bedrock:*:*:inference-profile/{name}.*" for name in _PROFILES]
    calls = ["bedrock:CreateModelInvocationJob", "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
    through = {"ArnLike": {"bedrock:InferenceProfileArn": profiles}}
    return _document({"Sid": "ManyRegions", "Action": calls, "Resource": profiles}, {"Sid": "ModelsOfManyRegions", "Action": calls, "Condition": through})


def _calls(table: dict[str, tuple[str, ...]]) -> list[str]:
    return sorted(f"{service}:{verb}" for service, verbs in table.items() for verb in verbs)


def _document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Resource": ["*"], **each} for each in statements]}
