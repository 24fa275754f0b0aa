"""Cases of networks, machines and logs."""

from __future__ import annotations

import json
from typing import Any

from tests.sandbox.aws.cases import Case, Inputs, bucket, role
from tests.sandbox.aws.conftest import ACCOUNT, REGION, Driver, Server, Thing


def vpc(driver: Driver) -> str:
    inputs = {"cidrBlock": "10.20.0.0/16", "enableDnsHostnames": True, "enableDnsSupport": True, "tags": {"Name": "falaj"}}
    return driver.create("aws:ec2/vpc:Vpc", "network", inputs).id


def subnet(driver: Driver, network: str, number: int = 0) -> str:
    inputs = {"vpcId": network, "cidrBlock": f"10.20.{number}.0/24", "availabilityZone": f"{REGION}{'abc'[number]}"}
    return driver.create("aws:ec2/subnet:Subnet", f"private-{number}", inputs).id


def table(driver: Driver, network: str) -> str:
    return driver.create("aws:ec2/routeTable:RouteTable", "private", {"vpcId": network}).id


def group(driver: Driver, network: str, name: str = "endpoints") -> str:
    return driver.create("aws:ec2/securityGroup:SecurityGroup", name, {"name": name, "vpcId": network, "description": "endpoints"}).id


def untag(server: Server, thing: Thing) -> Any:
    return server.client("ec2").delete_tags(Resources=[thing.id], Tags=[{"Key": "owner"}])


def _association(driver: Driver) -> Inputs:
    network = vpc(driver)
    return {"routeTableId": table(driver, network), "subnetId": subnet(driver, network)}


def _interface(driver: Driver) -> Inputs:
    network = vpc(driver)
    return {
        "vpcId": network,
        "serviceName": f"com.amazonaws.{REGION}.ecr.api",
        "vpcEndpointType": "Interface",
        "subnetIds": [subnet(driver, network, 1), subnet(driver, network, 0)],
        "securityGroupIds": [group(driver, network)],
        "privateDnsEnabled": True,
        "tags": {"Name": "ecr"},
    }


def gateway(driver: Driver) -> Inputs:
    network = vpc(driver)
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}]})
    inputs = {"vpcId": network, "serviceName": f"com.amazonaws.{REGION}.s3", "routeTableIds": [table(driver, network)], "policy": document}
    return {**inputs, "vpcEndpointType": "Gateway", "tags": {"Name": "s3"}}


def _inline(driver: Driver) -> Inputs:
    rule = {"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.20.0.0/16", "10.30.0.0/16"], "description": "TLS"}
    out = {"protocol": "-1", "fromPort": 0, "toPort": 0, "cidrBlocks": ["0.0.0.0/0"]}
    return {"name": "falaj-endpoints", "vpcId": vpc(driver), "ingress": [rule], "egress": [out], "description": "endpoints", "tags": {"a": "b"}}


def _open_ssh(server: Server, identity: str) -> Any:
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    return server.client("ec2").authorize_security_group_ingress(GroupId=identity, IpPermissions=[rule])


def _flow_log(driver: Driver) -> Inputs:
    logs = driver.create("aws:cloudwatch/logGroup:LogGroup", "flow", {"name": "/falaj/flow", "retentionInDays": 365})
    return {
        "vpcId": vpc(driver),
        "trafficType": "ALL",
        "logDestination": logs.outputs["arn"],
        "logDestinationType": "cloud-watch-logs",
        "iamRoleArn": role(driver, "flow", "vpc-flow-logs.amazonaws.com").outputs["arn"],
        "maxAggregationInterval": 60,
        "tags": {"Name": "flow"},
    }


TEMPLATE: Inputs = {
    "name": "falaj-gpu",
    "description": "GPU nodes",
    "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1, "httpEndpoint": "enabled"},
    "blockDeviceMappings": [
        {
            "deviceName": "/dev/xvda",
            "ebs": {"volumeSize": 100, "volumeType": "gp3", "encrypted": "true", "kmsKeyId": "arn:aws:kms:k", "deleteOnTermination": "true"},
        }
    ],
    "monitoring": {"enabled": True},
    "tagSpecifications": [{"resourceType": "instance", "tags": {"pool": "gpu"}}, {"resourceType": "volume", "tags": {"pool": "gpu"}}],
    "updateDefaultVersion": True,
    "tags": {"pool": "gpu"},
}


def _trail(driver: Driver) -> Inputs:
    return {
        "name": "falaj",
        "s3BucketName": bucket(driver, "falaj-local-trail"),
        "s3KeyPrefix": "trail",
        "kmsKeyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1",
        "enableLogFileValidation": True,
        "isMultiRegionTrail": True,
        "includeGlobalServiceEvents": True,
        "eventSelectors": [{"readWriteType": "All", "includeManagementEvents": True, "dataResources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}]}],
        "tags": {"a": "b"},
    }


def _data_events(driver: Driver) -> Inputs:
    selectors = [
        {"field": "eventCategory", "equals": ["Data"]},
        {"field": "resources.type", "equals": ["AWS::S3::Object"]},
        {"field": "resources.ARN", "startsWiths": ["arn:aws:s3:::falaj-local-data/"]},
    ]
    return {"name": "falaj", "s3BucketName": bucket(driver, "falaj-local-trail"), "advancedEventSelectors": [{"name": "data", "fieldSelectors": selectors}]}


EXPIRY = {
    "rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 5}, "action": {"type": "expire"}}]
}


def _repository(driver: Driver) -> str:
    return driver.create("aws:ecr/repository:Repository", "train", {"name": "falaj-train"}).id


NETWORK = [
    Case(
        "aws:ec2/vpc:Vpc",
        lambda driver: {"cidrBlock": "10.20.0.0/16", "enableDnsHostnames": True, "enableDnsSupport": True, "tags": {"Name": "falaj"}},
        change={"enableDnsHostnames": False, "tags": {"Name": "other"}},
        replace={"cidrBlock": "10.30.0.0/16"},
        tamper=lambda server, thing: server.client("ec2").modify_vpc_attribute(VpcId=thing.id, EnableDnsHostnames={"Value": False}),
        drift=["enableDnsHostnames"],
    ),
    Case(
        "aws:ec2/subnet:Subnet",
        lambda driver: {"vpcId": vpc(driver), "cidrBlock": "10.20.1.0/24", "availabilityZone": f"{REGION}b", "tags": {"tier": "private"}},
        change={"tags": {"tier": "private", "kubernetes.io/role/internal-elb": "1"}},
        replace={"cidrBlock": "10.20.2.0/24"},
        tamper=lambda server, thing: server.client("ec2").modify_subnet_attribute(SubnetId=thing.id, MapPublicIpOnLaunch={"Value": True}),
        drift=["mapPublicIpOnLaunch"],
    ),
    Case(
        "aws:ec2/routeTable:RouteTable",
        lambda driver: {"vpcId": vpc(driver), "tags": {"tier": "private"}},
        change={"tags": {"tier": "closed"}},
        replace={"vpcId": "vpc-other"},
        tamper=untag,
        drift=["tagsAll"],
    ),
    Case(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        _association,
        replace={"routeTableId": "rtb-other"},
        tamper=lambda server, thing: server.client("ec2").disassociate_route_table(AssociationId=thing.id),
    ),
    Case(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        _interface,
        change={"securityGroupIds": [], "tags": {"Name": "api"}},
        replace={"vpcEndpointType": "Gateway"},
        tamper=lambda server, thing: server.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[thing.id]),
    ),
    Case(
        "aws:ec2/securityGroup:SecurityGroup",
        _inline,
        change={"ingress": [{"protocol": "tcp", "fromPort": 80, "toPort": 80, "self": True}], "egress": []},
        replace={"description": "others"},
        tamper=lambda server, thing: _open_ssh(server, thing.id),
        drift=["ingress"],
    ),
    Case(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        lambda driver: {
            "securityGroupId": group(driver, vpc(driver)),
            "ipProtocol": "tcp",
            "fromPort": 443,
            "toPort": 443,
            "cidrIpv4": "10.20.0.0/16",
            "description": "TLS from the network",
            "tags": {"a": "b"},
        },
        change={"cidrIpv4": "10.0.0.0/8", "description": "TLS"},
        replace={"securityGroupId": "sg-other"},
        tamper=lambda server, thing: server.client("ec2").revoke_security_group_ingress(
            GroupId=thing.inputs["securityGroupId"], SecurityGroupRuleIds=[thing.id]
        ),
    ),
    Case(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        lambda driver: {"securityGroupId": group(driver, vpc(driver)), "ipProtocol": "-1", "cidrIpv4": "10.20.0.0/16"},
        change={"cidrIpv4": "10.0.0.0/8"},
        replace={"securityGroupId": "sg-other"},
        tamper=lambda server, thing: server.client("ec2").revoke_security_group_egress(
            GroupId=thing.inputs["securityGroupId"], SecurityGroupRuleIds=[thing.id]
        ),
    ),
    Case(
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        lambda driver: {"vpcId": vpc(driver), "tags": {"Name": "closed"}},
        change={"tags": {"Name": "shut"}},
        replace={"vpcId": "vpc-other"},
        tamper=lambda server, thing: _open_ssh(server, thing.id),
        drift=["ingress"],
    ),
    Case(
        "aws:ec2/flowLog:FlowLog",
        _flow_log,
        change={"tags": {"Name": "other"}},
        replace={"maxAggregationInterval": 600},
        tamper=lambda server, thing: server.client("ec2").delete_flow_logs(FlowLogIds=[thing.id]),
    ),
    Case(
        "aws:ec2/launchTemplate:LaunchTemplate",
        lambda driver: TEMPLATE,
        change={"metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 2, "httpEndpoint": "enabled"}, "tags": {"pool": "cpu"}},
        replace={"name": "falaj-other"},
        tamper=lambda server, thing: server.client("ec2").create_launch_template_version(
            LaunchTemplateId=thing.id, LaunchTemplateData={"MetadataOptions": {"HttpTokens": "optional"}}
        ),
        drift=["blockDeviceMappings", "description", "metadataOptions", "monitoring", "tagSpecifications"],
    ),
]

OTHER = [
    Case(
        "aws:ecr/repository:Repository",
        lambda driver: {
            "name": "falaj-train",
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"}],
            "tags": {"a": "b"},
        },
        change={"imageTagMutability": "MUTABLE", "imageScanningConfiguration": {"scanOnPush": False}, "tags": {}},
        replace={"name": "falaj-other"},
        tamper=lambda server, thing: server.client("ecr").put_image_tag_mutability(repositoryName=thing.id, imageTagMutability="MUTABLE"),
        drift=["imageTagMutability"],
    ),
    Case(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        lambda driver: {"repository": _repository(driver), "policy": json.dumps(EXPIRY)},
        change={"policy": json.dumps({"rules": [{**EXPIRY["rules"][0], "rulePriority": 2}]})},
        replace={"repository": "falaj-other"},
        tamper=lambda server, thing: server.client("ecr").delete_lifecycle_policy(repositoryName=thing.id),
    ),
    Case(
        "aws:cloudtrail/trail:Trail",
        _trail,
        change={"enableLogFileValidation": False, "tags": {}},
        replace={"name": "falaj-other"},
        tamper=lambda server, thing: server.client("cloudtrail").stop_logging(Name="falaj"),
        drift=["enableLogging"],
    ),
    Case(
        "aws:cloudtrail/trail:Trail",
        _data_events,
        change={"advancedEventSelectors": [{"name": "less", "fieldSelectors": [{"field": "eventCategory", "equals": ["Management"]}]}]},
        replace={"name": "falaj-other"},
        tamper=lambda server, thing: server.client("cloudtrail").put_event_selectors(
            TrailName="falaj", AdvancedEventSelectors=[{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]
        ),
        drift=["advancedEventSelectors"],
    ),
    Case(
        "aws:cloudwatch/logGroup:LogGroup",
        lambda driver: {"name": "/falaj/local/flow", "retentionInDays": 365, "kmsKeyId": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1", "tags": {"a": "b"}},
        change={"retentionInDays": 30, "tags": {"a": "c"}},
        replace={"name": "/falaj/other"},
        tamper=lambda server, thing: server.client("logs").put_retention_policy(logGroupName=thing.id, retentionInDays=1),
        drift=["retentionInDays"],
    ),
]
