"""What an organisation's service control policies stop an administrator of an account from doing, and what they let pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.config.load import load_environment
from infra.config.model import ENVIRONMENTS
from infra.config.regions import regions
from infra.policy_build.organisation import global_actions, policies, write
from tests.iam.conditions import Context
from tests.iam.evaluate import Document, Principal, Request, answer, statements
from tests.policies.samples import LIBRARY

ADMINISTRATOR: Document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
MADE = policies(("me-central-1",))
ADMIN, KEEPER = "arn:aws:iam::333333333333:role/admin", "arn:aws:iam::333333333333:role/OrganizationAccountAccessRole"


def stopped(action: str, *, by: str, region: str = "me-central-1", who: str = ADMIN, resource: str = "*", **more: str) -> bool:
    """Whether the policy `by` stops an administrator's call. Each of them can only deny, so it stands beside what allows."""
    context: Context = {"aws:RequestedRegion": region, "aws:PrincipalArn": who, **{key.replace("__", ":"): value for key, value in more.items()}}
    return answer(Request(Principal(who, [ADMINISTRATOR, MADE[by]]), action, resource, context)) == "denied"


@pytest.mark.parametrize("region", ["eu-central-1", "me-south-1", "us-east-1", "unspecified"])
def test_nothing_is_done_outside_the_country(region: str) -> None:
    regional = ("s3:CreateBucket", "ec2:RunInstances", "kms:CreateKey", "kms:ReplicateKey", "eks:CreateCluster", "ecr:PutReplicationConfiguration")
    more = ("backup:CopyFromBackupVault", "bedrock:InvokeModel", "sts:AssumeRole", "rds:CreateDBInstance", "lambda:CreateFunction", "logs:PutLogEvents")
    left_out = ("cloudfront:CreateDistribution", "globalaccelerator:CreateAccelerator", "route53:CreateHostedZone", "wafv2:CreateWebACL")
    passed = [action for action in (*regional, *more, *left_out) if not stopped(action, by="regions", region=region)]
    assert passed == []
    assert [action for action in (*regional, *more) if stopped(action, by="regions")] == []


def test_what_is_answered_in_one_place_of_the_world_still_works() -> None:
    needed = ("iam:CreateRole", "organizations:DescribeOrganization", "account:GetRegionOptStatus", "budgets:ModifyBudget", "ce:GetCostAndUsage")
    more = ("support:CreateCase", "health:DescribeEvents", "cloudtrail:LookupEvents", "ec2:DescribeRegions", "s3:ListAllMyBuckets")
    assert [action for action in (*needed, *more) if stopped(action, by="regions", region="us-east-1")] == []


def test_a_network_joins_the_zone_of_an_endpoints_names_and_nothing_else_is_done_to_names() -> None:
    calls = ("AssociateVPCWithHostedZone", "DisassociateVPCFromHostedZone", "CreateVPCAssociationAuthorization", "CreateHostedZone", "ChangeResourceRecordSets")
    assert [call for call in calls if not stopped(f"route53:{call}", by="regions", region="us-east-1")] == ["AssociateVPCWithHostedZone"]


def test_every_exception_has_its_reason_and_day_and_is_a_global_service_or_one_call() -> None:
    known = {*regions().global_services, "account", "artifact", "ce", "consolidatedbilling", "freetier", "health", "invoicing", "payments", "tax"}
    known |= {"trustedadvisor"}
    whole = {action.split(":")[0] for action in global_actions() if action.endswith(":*")}
    assert whole <= known
    assert all(one.why and one.since.year >= 2026 for one in global_actions().values())
    assert not any("*" in action.removesuffix(":*") for action in global_actions())


def test_nobody_makes_others_see_less() -> None:
    stops = ("cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "config:StopConfigurationRecorder", "config:DeleteDeliveryChannel", "ec2:DeleteFlowLogs")
    more = ("guardduty:DeleteDetector", "securityhub:DisableSecurityHub", "access-analyzer:DeleteAnalyzer")
    assert [action for action in (*stops, *more) for who in (ADMIN, KEEPER) if not stopped(action, by="watching", who=who)] == []
    turns = ("cloudtrail:UpdateTrail", "cloudtrail:PutEventSelectors", "guardduty:UpdateDetector", "config:PutConfigurationRecorder")
    assert [action for action in turns if not stopped(action, by="watching") or stopped(action, by="watching", who=KEEPER)] == []
    made = ("cloudtrail:CreateTrail", "guardduty:CreateDetector", "config:StartConfigurationRecorder", "cloudtrail:LookupEvents", "guardduty:GetFindings")
    assert [action for action in made if stopped(action, by="watching")] == []


def test_an_account_stays_and_its_root_user_does_nothing() -> None:
    leaving = ("organizations:LeaveOrganization", "account:CloseAccount", "account:EnableRegion", "account:DisableRegion")
    assert [action for action in leaving if not stopped(action, by="staying")] == []
    assert stopped("s3:GetObject", by="staying", who="arn:aws:iam::333333333333:root") and not stopped("s3:GetObject", by="staying")


@pytest.mark.parametrize("profile", ["global", "us", "eu", "apac"])
def test_no_model_is_called_through_a_profile_of_several_regions(profile: str) -> None:
    arn = f"arn:aws:bedrock:me-central-1:333333333333:inference-profile/{profile}.anthropic.claude"
    model = "arn:aws:bedrock:me-central-1::foundation-model/anthropic.claude"
    assert stopped("bedrock:InvokeModel", by="models", resource=arn)
    assert stopped("bedrock:InvokeModelWithResponseStream", by="models", resource=model, bedrock__InferenceProfileArn=arn)
    assert not stopped("bedrock:InvokeModel", by="models", resource=model)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_is_written_is_what_was_asked_here_for_the_regions_of_the_environment(environment: str, tmp_path: Path) -> None:
    files = {path.relative_to(tmp_path).as_posix(): json.loads(path.read_text()) for path in write(LIBRARY, environment, tmp_path)}
    allowed = load_environment(environment).allowed_regions
    assert {name.split("/")[1].removesuffix(".json"): document for name, document in files.items() if "/" in name and "exceptions" not in name} == policies(
        allowed
    )
    assert files["service-control/exceptions.json"].keys() == set(statements(files["service-control/regions.json"])[0]["NotAction"])
    assert {tag["TagKey"] for tag in files["cost-allocation-tags.json"]["CostAllocationTagsStatus"]} == {
        "environment",
        "managed-by",
        "owner",
        "purpose",
        "stack",
    }


def test_no_policy_is_longer_than_a_service_control_policy_may_be() -> None:
    assert max(len(json.dumps(document, separators=(",", ":"))) for document in MADE.values()) <= 5120
