"""Launch templates and flow logs."""

from __future__ import annotations

from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import Properties, Row, Tags, as_list, block, from_list, given, words
from infra.sandbox.aws.shapes import from_api, to_api
from infra.sandbox.aws.types.ec2_tags import first_marked, retag, specification, tags_of

_PLAIN = words("ebsOptimized imageId instanceType keyName userData disableApiTermination disableApiStop instanceInitiatedShutdownBehavior")
_BLOCKS = words(
    "metadataOptions monitoring placement cpuOptions creditSpecification enclaveOptions maintenanceOptions iamInstanceProfile privateDnsNameOptions"
)
_LISTS = words("blockDeviceMappings networkInterfaces tagSpecifications vpcSecurityGroupIds")
_DATA = _PLAIN | _BLOCKS | _LISTS


def _booleans(value: Any) -> Any:
    """Terraform spells some booleans as text ("true"); EC2 wants them bare."""
    if isinstance(value, dict):
        return {key: _booleans(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_booleans(item) for item in value]
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _data(p: Properties) -> dict[str, Any]:
    """LaunchTemplateData of the inputs."""
    made = {key: _booleans(to_api(p[key])) for key in (*_PLAIN, "blockDeviceMappings", "networkInterfaces") if p.get(key) is not None}
    made |= {key: _booleans(to_api(block(p[key]))) for key in _BLOCKS if p.get(key)}
    made = {key[0].upper() + key[1:]: value for key, value in made.items()}
    if p.get("vpcSecurityGroupIds"):
        made["SecurityGroupIds"] = p["vpcSecurityGroupIds"]
    if p.get("tagSpecifications"):
        made["TagSpecifications"] = [{"ResourceType": one["resourceType"], "Tags": as_list(one.get("tags") or {})} for one in p["tagSpecifications"]]
    return made


def _create_template(api: Api, p: Properties, tags: Tags) -> str:
    made = api("ec2").create_launch_template(
        LaunchTemplateName=p["name"],
        LaunchTemplateData=_data(p),
        TagSpecifications=specification("launch-template", tags),
        **given(VersionDescription=p.get("description")),
    )
    return made["LaunchTemplate"]["LaunchTemplateId"]


def _read_template(api: Api, identity: str, known: Properties) -> Properties | None:
    ec2 = api("ec2")
    found = ec2.describe_launch_templates(LaunchTemplateIds=[identity])["LaunchTemplates"]
    if not found:
        return None
    version = ec2.describe_launch_template_versions(LaunchTemplateId=identity, Versions=["$Latest"])["LaunchTemplateVersions"][0]
    data = version["LaunchTemplateData"]
    shown = {key: value for key, value in from_api(data).items() if key in _DATA}
    shown["vpcSecurityGroupIds"] = data.get("SecurityGroupIds")
    shown["tagSpecifications"] = [
        {"resourceType": one["ResourceType"], "tags": from_list(one.get("Tags"))}
        for one in data.get("TagSpecifications") or []
        # The emulator also lists the template's own tags here.
        if one["ResourceType"] != "launch-template"
    ]
    return {
        **shown,
        "arn": api.arn("ec2", f"launch-template/{identity}"),
        "name": found[0]["LaunchTemplateName"],
        "description": version.get("VersionDescription"),
        "latestVersion": found[0]["LatestVersionNumber"],
        "defaultVersion": found[0]["DefaultVersionNumber"],
        "tagsAll": tags_of(api, identity),
    }


def _update_template(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    ec2 = api("ec2")
    if changed & (_DATA | {"description"}):
        words_about = given(VersionDescription=new.get("description"))
        ec2.create_launch_template_version(LaunchTemplateId=identity, LaunchTemplateData=_data(new), **words_about)
    latest = ec2.describe_launch_templates(LaunchTemplateIds=[identity])["LaunchTemplates"][0]["LatestVersionNumber"]
    default = latest if new.get("updateDefaultVersion") else new.get("defaultVersion")
    if default:
        ec2.modify_launch_template(LaunchTemplateId=identity, DefaultVersion=str(default))
    retag(api, identity, old, new)


_WATCHED = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}


def _create_flow_log(api: Api, p: Properties, tags: Tags) -> str:
    subject = next(key for key in _WATCHED if p.get(key))
    asked = given(
        LogDestination=p.get("logDestination"),
        LogDestinationType=p.get("logDestinationType"),
        DeliverLogsPermissionArn=p.get("iamRoleArn"),
        LogFormat=p.get("logFormat"),
        MaxAggregationInterval=p.get("maxAggregationInterval"),
    )
    kind = {"ResourceType": _WATCHED[subject], "ResourceIds": [p[subject]], "TrafficType": p.get("trafficType") or "ALL"}
    answer = api("ec2").create_flow_logs(**kind, TagSpecifications=specification("vpc-flow-log", tags), **asked)
    for refused in answer["Unsuccessful"]:
        raise RuntimeError(f"{refused['Error']['Code']}: {refused['Error']['Message']}")
    return answer["FlowLogIds"][0]


def _read_flow_log(api: Api, identity: str, known: Properties) -> Properties | None:
    found = api("ec2").describe_flow_logs(FlowLogIds=[identity])["FlowLogs"]
    if not found:
        return None
    log = found[0]
    subject = {"vpc": "vpcId", "subnet": "subnetId", "eni": "eniId"}[log["ResourceId"].split("-")[0]]
    return {
        subject: log["ResourceId"],
        "arn": api.arn("ec2", f"vpc-flow-log/{identity}"),
        "trafficType": log["TrafficType"],
        "logDestination": log.get("LogDestination"),
        "logDestinationType": log.get("LogDestinationType"),
        "iamRoleArn": log.get("DeliverLogsPermissionArn"),
        "logFormat": log.get("LogFormat"),
        "maxAggregationInterval": log.get("MaxAggregationInterval"),
        "tagsAll": from_list(log.get("Tags")),
    }


_FLOW_LOG = words("eniId iamRoleArn logDestination logDestinationType logFormat maxAggregationInterval subnetId trafficType vpcId")

ROWS = [
    Row(
        type="aws:ec2/launchTemplate:LaunchTemplate",
        inputs=_DATA | words("defaultVersion description name updateDefaultVersion"),
        create=_create_template,
        read=_read_template,
        update=_update_template,
        delete=lambda api, identity, held: api("ec2").delete_launch_template(LaunchTemplateId=identity),
        find=first_marked(_read_template),
        computed=words("arn latestVersion"),
        chosen=words("defaultVersion"),
        replaces=words("name"),
        identity=("name",),
        unseen=words("updateDefaultVersion"),
        volatile=words("defaultVersion latestVersion"),
        autoname="name",
        tags=True,
        meaning=Meaning(unordered=words("vpcSecurityGroupIds tagSpecifications"), decided=words("metadataOptions.*")),
    ),
    Row(
        type="aws:ec2/flowLog:FlowLog",
        inputs=_FLOW_LOG,
        create=_create_flow_log,
        read=_read_flow_log,
        update=lambda api, identity, old, new, changed: retag(api, identity, old, new),
        delete=lambda api, identity, held: api("ec2").delete_flow_logs(FlowLogIds=[identity]),
        find=first_marked(_read_flow_log),
        computed=words("arn"),
        chosen=words("logFormat"),
        replaces=_FLOW_LOG,
        defaults={"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600},
        # EC2 refuses a second flow log of the same subject to the same place.
        identity=("vpcId", "subnetId", "eniId", "logDestination"),
        tags=True,
    ),
]
