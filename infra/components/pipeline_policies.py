"""What jobs of CI may do: one role that looks and plans, one that applies; and the most that either can ever be given.

The one that applies makes and changes what runs: network, registry, cluster, its queues and metrics, and roles below their boundaries. What keeps
data (keys, buckets, tables, file systems, databases, the vault), what watches (trail, recorder, detector), who may take a role, and what bounds CI
itself it reads and cannot change: a person makes those, at first and ever after. It never reads data and never takes another role. The one that looks
writes its reports into the evidence, and cannot read them.
"""

from __future__ import annotations

from collections.abc import Sequence

from infra.components import policies
from infra.components.policies import Statement, document, statement
from infra.config import naming
from infra.config.model import Common, PipelineConfig

_LOOKS = (
    *(f"{service}:Describe*" for service in ("autoscaling", "config", "ec2", "elasticloadbalancing")),
    *("access-analyzer:List*", "backup:List*", "cloudtrail:DescribeTrails", "ecr:DescribeRepositories", "eks:List*", "guardduty:List*"),
    *("kms:ListAliases", "logs:DescribeLogGroups", "securityhub:DescribeHub"),
)
"""Calls that know no resource, or list them; none shows data of anybody."""
_SETTINGS = (
    *("account:GetRegionOptStatus", "iam:Get*", "iam:List*", "kms:DescribeKey", "kms:GetKey*", "kms:ListResourceTags"),
    *("s3:GetBucket*", "s3:Get*Configuration", "s3:ListBucket", "s3:ListTagsForResource"),
)
_READS = (
    *("access-analyzer:Get*", "backup:Describe*", "backup:Get*", "backup:ListTags", "budgets:ListTags*", "budgets:ViewBudget"),
    *("cloudtrail:Get*", "cloudtrail:ListTags", "ecr:GetLifecyclePolicy", "guardduty:GetDetector", "sqs:GetQueue*", "sqs:ListQueueTags"),
    *(f"{service}:Describe*" for service in ("aps", "dynamodb", "ecr", "eks", "elasticfilesystem", "events", "rds")),
    *(f"{service}:ListTags*" for service in ("aps", "dynamodb", "ecr", "logs", "rds")),
    "events:List*",
)
_MAKES = (
    *("budgets:ModifyBudget", "ecr:CreateRepository", "ecr:PutImageScanningConfiguration", "ecr:PutLifecyclePolicy", "logs:CreateLogGroup"),
    *(f"{service}:TagResource" for service in ("budgets", "ecr", "logs")),
    # AWS asks for it besides ec2:CreateVpcEndpoint, for the zone of an endpoint's private names, which is AWS's own.
    "route53:AssociateVPCWithHostedZone",
)
_DELIVERS = ("logs:CreateLogDelivery",)
"""What AWS asks for besides ec2:CreateFlowLogs where flow logs go into a bucket; it knows no resource."""
_QUEUES = (
    *(f"aps:{each}" for each in ("*AlertManagerDefinition", "*RuleGroupsNamespace", "*Scraper", "*Workspace*", "*agResource")),
    *(f"events:{each}" for each in ("*Rule", "*Targets", "*agResource")),
    *("sqs:*Queue", "sqs:SetQueueAttributes"),
)
"""Queues, the rules that write into them, and the workspace of metrics; messages and numbers are written and read by other calls."""
_GIVES = ("CreateRole", "*RolePolicy", "PutRolePermissionsBoundary")
"""Calls for which IAM says which boundary the role has, or is to have."""


def trusts_jobs(config: Common, subject: str) -> str:
    """A role for jobs that GitHub vouches for as `subject`, word by word, and that ask for a token of AWS's."""
    condition = {"StringEquals": {f"{naming.GITHUB}:aud": "sts.amazonaws.com", f"{naming.GITHUB}:sub": subject}}
    trusted = {
        "Sid": "Jobs",
        "Effect": "Allow",
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": _provider(config)},
        "Condition": condition,
    }
    return document(trusted)


def subject_of_reader(pipeline: PipelineConfig) -> str:
    """What GitHub says of a job on the branch that plans are made from."""
    return f"repo:{pipeline.repository}:ref:refs/heads/{pipeline.branch}"


def subject_of_deployer(config: Common, pipeline: PipelineConfig) -> str:
    """What GitHub says of a job that the environment's reviewers have let through."""
    return f"repo:{pipeline.repository}:environment:{config.environment}"


def reader_policy(config: Common) -> str:
    """Reads settings of everything and the state, and adds what it saw to the evidence; a refresh that writes nothing needs no more."""
    return document(*_reading(config), *_state(config, write=False), *_reporting(config))


def deployer_policy(config: Common) -> str:
    """Reads what the reader reads, keeps the state, and makes and changes what runs."""
    return document(*_reading(config, _MAKES, _DELIVERS), *_state(config, write=True), *_making(config), *_never(config))


def pipelines(config: Common) -> str:
    """The most that a job of CI can have: what the two need, and what none may whatever it is given, by a resource's policy as well."""
    reports = _reporting(config)[0]
    both = [*_reading(config, _MAKES, _DELIVERS), *_state(config, write=True, keys=("state", "evidence")), reports, *_making(config), *_never(config)]
    # A boundary may be no longer than 6,144 characters; what its statements are called nobody needs.
    return document(*({name: part for name, part in each.items() if name != "Sid"} for each in both))


def _reporting(config: Common) -> list[Statement]:
    """Reports and documents go into the locked evidence, below one prefix: written once each, never read and never taken away."""
    key = {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": naming.key_alias(config, policies.data_class_of("evidence"))},
        "StringEquals": {"kms:ViaService": f"s3.{config.region}.amazonaws.com"},
    }
    return [
        statement("Reports", ["s3:PutObject"], [_reports(config)]),
        statement("ReportsKey", ["kms:GenerateDataKey"], [naming.arn(config, "kms", "key/*")], Condition=key),
    ]


def _reading(config: Common, makes: Sequence[str] = (), delivers: Sequence[str] = ()) -> list[Statement]:
    """Calls of reading, and those of making that know the same resources, or none: a boundary may be no longer than 6,144 characters."""
    # IAM takes no resource whose kind is left open.
    identities = [_own(config, rest) for rest in ("role/{prefix}-*", "policy/{prefix}-*", "instance-profile/{prefix}-*", "role/aws-service-role/*")]
    keys = naming.arn(config, "kms", "key/*")
    return [
        statement("Looks", [*_LOOKS, *delivers], ["*"], Condition={"StringEquals": {"aws:RequestedRegion": config.region}}),
        # What names resources of its own service alone; the region's own state is asked in one place of the world, whichever region it is about.
        statement("Settings", _SETTINGS, [naming.global_arn(config, "account", "account"), *identities, _provider(config), _buckets(config), keys]),
        statement("Makes" if makes else "Reads", [*_READS, *makes], _things(config)),
    ]


def _state(config: Common, *, write: bool, keys: Sequence[str] = ("state",)) -> list[Statement]:
    """The state's objects, and the key that its secrets are under, which the engine asks for in its own name; in a boundary, other buckets' `keys` too."""
    of_state = {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": _aliases(config, keys)},
        "StringEqualsIfExists": {"kms:ViaService": f"s3.{config.region}.amazonaws.com"},
    }
    objects = policies.bucket_access(config, "state", write=write)[1]
    # The engine locks the state for as long as it looks.
    locks = [] if write else policies.bucket_access(config, "state", write=True, under=".pulumi/locks/")[1:2]
    uses = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", *(["kms:Encrypt"] if write else [])]
    return [objects, *({**each, "Sid": "StateLocks"} for each in locks), statement("StateKey", uses, [naming.arn(config, "kms", "key/*")], Condition=of_state)]


def _making(config: Common) -> list[Statement]:
    machines = [naming.arn(config, service, "*") for service in ("autoscaling", "ec2")]
    # The cluster, and all that is named below it: node groups, add-ons, access entries, identities of pods.
    cluster = naming.arn(config, "eks", f"*/{naming.cluster_name(config)}*")
    # Of the cluster's secrets, in the hands of the cluster.
    granted = {
        "Bool": {"kms:GrantIsForAWSResource": "true"},
        # The metrics' key besides, in the hands of the workspace.
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": [naming.key_alias(config, each) for each in ("confidential", "internal")]},
    }
    bounded = {"StringEquals": {"iam:PermissionsBoundary": [naming.boundary_arn(config, kind) for kind in naming.BOUNDARIES if kind != "pipelines"]}}
    passed = {"StringEquals": {"iam:PassedToService": [f"{each}.amazonaws.com" for each in ("backup", "ec2", "eks", "pods.eks")]}}
    roles, profiles = _own(config, "role/{prefix}-*"), _own(config, "instance-profile/{prefix}-*")
    queues = [
        naming.arn(config, "aps", "*"),
        *(naming.arn(config, service, f"{start}{naming.prefix(config)}-*") for service, start in (("events", "rule/"), ("sqs", ""))),
    ]
    return [
        statement("Machines", ["autoscaling:*", "ec2:*"], [*machines, f"arn:{config.partition}:ec2:{config.region}::*"]),
        statement("Clusters", ["eks:*"], [cluster]),
        statement("GivesRoles", [f"iam:{each}" for each in _GIVES], [roles], Condition=bounded),
        statement("ChangesRoles", ["iam:*InstanceProfile", "iam:*agRole", "iam:DeleteRole", "iam:UpdateRole"], [roles, profiles]),
        statement("PassesRoles", ["iam:PassRole"], [roles], Condition=passed),
        statement("ClusterKey", ["kms:CreateGrant"], [naming.arn(config, "kms", "key/*")], Condition=granted),
        statement("ServiceRoles", ["iam:CreateServiceLinkedRole"], [_own(config, "role/aws-service-role/*")]),
        statement("Queues", _QUEUES, queues),
    ]


def _never(config: Common) -> list[Statement]:
    """Denied by name, since a resource's own policy could give it to a session past any boundary."""
    own = [naming.role_arn(config, role) for role in (naming.READER, naming.DEPLOYER)]
    # Of whatever class or team a key is: all but the state's, and for writing the evidence's.
    opened, written = _aliases(config, ("state",)), _aliases(config, ("state", "evidence"))
    state = f"{naming.bucket_arn(config, 'state')}/*"
    return [
        {"Sid": "NoData", "Effect": "Deny", "Action": ["s3:DeleteObject", "s3:GetObject"], "NotResource": state},
        {"Sid": "NoWrites", "Effect": "Deny", "Action": "s3:PutObject", "NotResource": [state, _reports(config)]},
        statement("NoDataKeys", ["kms:Decrypt", "kms:Encrypt"], ["*"], effect="Deny", Condition=_of_others(opened)),
        statement("NoWriteKeys", ["kms:GenerateDataKey"], ["*"], effect="Deny", Condition=_of_others(written)),
        {
            "Sid": "NoBounds",
            "Effect": "Deny",
            "NotAction": ["iam:Get*", "iam:List*"],
            "Resource": [*own, _own(config, "policy/{prefix}-boundary-*"), _provider(config)],
        },
        statement("NoWaysOut", [*policies.WAYS_OUT, "sts:AssumeRole"], ["*"], effect="Deny"),
    ]


def _aliases(config: Common, buckets: Sequence[str]) -> list[str]:
    """Of the keys of these buckets."""
    return [naming.key_alias(config, policies.data_class_of(each)) for each in buckets]


def _of_others(aliases: list[str]) -> dict[str, dict[str, list[str]]]:
    return {"ForAllValues:StringNotEquals": {"kms:ResourceAliases": aliases}}


def _reports(config: Common) -> str:
    return f"{naming.bucket_arn(config, 'evidence')}/{naming.NIGHTLY}*"


def _own(config: Common, rest: str) -> str:
    return naming.global_arn(config, "iam", rest.format(prefix=naming.prefix(config)))


def _provider(config: Common) -> str:
    return _own(config, f"oidc-provider/{naming.GITHUB}")


def _buckets(config: Common) -> str:
    return naming.bucket_arn(config, "*")


def _things(config: Common) -> list[str]:
    """What is regional and this account's, and what is nowhere: the budgets, and zones of names, of which no ARN says whose they are."""
    budgets = naming.global_arn(config, "budgets", f"budget/{naming.prefix(config)}*")
    return [naming.arn(config, "*", "*"), budgets, f"arn:{config.partition}:route53:::hostedzone/*"]
