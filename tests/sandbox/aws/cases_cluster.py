"""Cases of Kubernetes clusters and what stands on them."""

from __future__ import annotations

import json

from tests.sandbox.aws.cases import IAM, KMS, S3, Case, Inputs, role
from tests.sandbox.aws.cases_databases import DATABASES, SECRETS
from tests.sandbox.aws.cases_files import FILES
from tests.sandbox.aws.cases_network import NETWORK, OTHER, subnet, vpc
from tests.sandbox.aws.cases_queues import QUEUES
from tests.sandbox.aws.cases_watching import BACKUP, GUARD, POSTURE, RECORDING, TABLES
from tests.sandbox.aws.cases_way_out import WAY_OUT
from tests.sandbox.aws.conftest import ACCOUNT, REGION, Driver, Thing


def _cluster_inputs(driver: Driver) -> Inputs:
    network = vpc(driver)
    return {
        "name": "falaj-local",
        "roleArn": role(driver, "control-plane", "eks.amazonaws.com").outputs["arn"],
        "version": "1.33",
        "vpcConfig": {"subnetIds": [subnet(driver, network, 1), subnet(driver, network)], "endpointPrivateAccess": True, "endpointPublicAccess": False},
        "accessConfig": {"authenticationMode": "API", "bootstrapClusterCreatorAdminPermissions": False},
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4"},
        "enabledClusterLogTypes": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
        "encryptionConfig": {"provider": {"keyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1"}, "resources": ["secrets"]},
        "tags": {"part": "cluster"},
    }


def cluster(driver: Driver) -> Thing:
    return driver.create("aws:eks/cluster:Cluster", "cluster", _cluster_inputs(driver))


def _nodes(driver: Driver) -> Inputs:
    owner = cluster(driver)
    template = driver.create("aws:ec2/launchTemplate:LaunchTemplate", "gpu", {"name": "gpu", "metadataOptions": {"httpTokens": "required"}})
    return {
        "clusterName": owner.id,
        "nodeGroupName": "gpu",
        "nodeRoleArn": role(driver).outputs["arn"],
        "subnetIds": owner.inputs["vpcConfig"]["subnetIds"],
        "instanceTypes": ["g5.xlarge"],
        "amiType": "AL2023_x86_64_NVIDIA",
        "capacityType": "ON_DEMAND",
        "scalingConfig": {"minSize": 0, "maxSize": 2, "desiredSize": 0},
        "labels": {"falaj/pool": "gpu"},
        "taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}],
        "launchTemplate": {"id": template.id, "version": str(template.outputs["latestVersion"])},
        "updateConfig": {"maxUnavailable": 1},
        "tags": {"pool": "gpu"},
    }


def entry(driver: Driver) -> Thing:
    inputs = {"clusterName": cluster(driver).id, "principalArn": role(driver, "admin").outputs["arn"]}
    return driver.create("aws:eks/accessEntry:AccessEntry", "admin", inputs)


def _pod(driver: Driver) -> Inputs:
    owner = cluster(driver).id
    return {"clusterName": owner, "namespace": "training", "serviceAccount": "train", "roleArn": role(driver, "train", "pods.eks.amazonaws.com").outputs["arn"]}


CLUSTER = [
    Case(
        "aws:eks/cluster:Cluster",
        _cluster_inputs,
        change={
            "version": "1.34",
            "enabledClusterLogTypes": ["audit"],
            "tags": {},
            "computeConfig": {"enabled": True},
            "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4", "elasticLoadBalancing": {"enabled": True}},
            "storageConfig": {"blockStorage": {"enabled": True}},
        },
        replace={"kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.21.0.0/16", "elasticLoadBalancing": {"enabled": True}}, "name": "falaj-other"},
        tamper=lambda server, thing: server.client("eks").update_cluster_config(
            name=thing.id, resourcesVpcConfig={"endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]}
        ),
        drift=["vpcConfig"],
    ),
    Case(
        "aws:eks/nodeGroup:NodeGroup",
        _nodes,
        change={"scalingConfig": {"minSize": 1, "maxSize": 4, "desiredSize": 1}, "labels": {"falaj/pool": "other"}, "taints": [], "tags": {"pool": "x"}},
        replace={"instanceTypes": ["g6.xlarge"]},
        tamper=lambda server, thing: server.client("eks").update_nodegroup_config(
            clusterName="falaj-local", nodegroupName="gpu", scalingConfig={"minSize": 0, "maxSize": 9, "desiredSize": 9}
        ),
        drift=["scalingConfig"],
    ),
    Case(
        "aws:eks/addon:Addon",
        lambda driver: {
            "clusterName": cluster(driver).id,
            "addonName": "vpc-cni",
            "addonVersion": "v1.20.0-eksbuild.1",
            "configurationValues": json.dumps({"enableNetworkPolicy": "true"}),
            "resolveConflictsOnCreate": "OVERWRITE",
            "podIdentityAssociations": [{"roleArn": role(driver, "cni", "pods.eks.amazonaws.com").outputs["arn"], "serviceAccount": "aws-node"}],
            "tags": {"a": "b"},
        },
        change={"addonVersion": "v1.21.0-eksbuild.1", "tags": {"a": "c"}},
        replace={"addonName": "coredns"},
        tamper=lambda server, thing: server.client("eks").update_addon(clusterName="falaj-local", addonName="vpc-cni", configurationValues="{}"),
        drift=["configurationValues"],
    ),
    Case(
        "aws:eks/accessEntry:AccessEntry",
        lambda driver: {"clusterName": cluster(driver).id, "principalArn": role(driver, "admin").outputs["arn"], "kubernetesGroups": ["falaj:viewers"]},
        change={"kubernetesGroups": ["falaj:admins"]},
        replace={"type": "EC2_LINUX"},
        tamper=lambda server, thing: server.client("eks").delete_access_entry(clusterName="falaj-local", principalArn=thing.inputs["principalArn"]),
    ),
    Case(
        "aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        lambda driver: {
            **{key: value for key, value in entry(driver).inputs.items() if key in ("clusterName", "principalArn")},
            "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy",
            "accessScope": {"type": "namespace", "namespaces": ["training", "inference"]},
        },
        replace={"accessScope": {"type": "cluster"}},
        tamper=lambda server, thing: server.client("eks").associate_access_policy(
            **{key: thing.inputs[key] for key in ("clusterName", "principalArn", "policyArn")}, accessScope={"type": "cluster"}
        ),
        drift=["accessScope"],
    ),
    Case(
        "aws:eks/podIdentityAssociation:PodIdentityAssociation",
        _pod,
        change={"roleArn": f"arn:aws:iam::{ACCOUNT}:role/other", "tags": {"a": "b"}},
        replace={"namespace": "inference"},
        tamper=lambda server, thing: server.client("eks").update_pod_identity_association(
            clusterName="falaj-local", associationId=thing.id, roleArn=f"arn:aws:iam::{ACCOUNT}:role/stolen"
        ),
        drift=["roleArn"],
    ),
]

CASES = [*S3, *KMS, *IAM, *NETWORK, *OTHER, *CLUSTER, *GUARD, *POSTURE, *RECORDING, *BACKUP, *QUEUES, *TABLES, *DATABASES, *SECRETS, *FILES, *WAY_OUT]
