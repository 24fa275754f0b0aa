"""Kubernetes clusters and node groups; what else stands on a cluster is in `eks_access`."""

from __future__ import annotations

from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import Properties, Row, Tags, block, given, words
from infra.sandbox.aws.shapes import only
from infra.sandbox.aws.types import eks_access

_NETWORK = ("subnetIds", "securityGroupIds", "endpointPrivateAccess", "endpointPublicAccess", "publicAccessCidrs")
_AUTO = ("computeConfig", "kubernetesNetworkConfig", "storageConfig")
"""Where Auto Mode is switched on and off, in all three at once."""
_EXTRAS = ("accessConfig", "upgradePolicy", "zonalShiftConfig", *_AUTO)
"""Blocks that the API takes and returns as Pulumi spells them."""


def _create_cluster(api: Api, p: Properties, tags: Tags) -> str:
    encryption = block(p.get("encryptionConfig"))
    asked = given(
        version=p.get("version"),
        tags=p.get("tagsAll") or None,
        logging={"clusterLogging": [{"types": p["enabledClusterLogTypes"], "enabled": True}]} if p.get("enabledClusterLogTypes") else None,
        encryptionConfig=[{"provider": block(encryption["provider"]), "resources": encryption["resources"]}] if encryption else None,
        bootstrapSelfManagedAddons=p.get("bootstrapSelfManagedAddons"),
        deletionProtection=p.get("deletionProtection"),
        **{name: block(p[name]) for name in _EXTRAS if p.get(name)},
    )
    api("eks").create_cluster(name=p["name"], roleArn=p["roleArn"], resourcesVpcConfig=only(block(p["vpcConfig"]), *_NETWORK), **asked)
    return p["name"]


def _read_cluster(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("eks").describe_cluster(name=identity)["cluster"]
    encryption = one.get("encryptionConfig") or []
    return {
        **{name: one.get(name) for name in _EXTRAS},
        "name": identity,
        "arn": one["arn"],
        "roleArn": one["roleArn"],
        "version": one["version"],
        "vpcConfig": one["resourcesVpcConfig"],
        "enabledClusterLogTypes": [kind for setup in one["logging"]["clusterLogging"] if setup["enabled"] for kind in setup["types"]],
        "encryptionConfig": {"provider": encryption[0]["provider"], "resources": encryption[0]["resources"]} if encryption else None,
        "deletionProtection": one.get("deletionProtection"),
        "certificateAuthority": one["certificateAuthority"],
        "createdAt": one["createdAt"].isoformat(),
        "endpoint": one["endpoint"],
        "identities": [{"oidcs": [{"issuer": one["identity"]["oidc"]["issuer"]}]}],
        "platformVersion": one["platformVersion"],
        "status": one["status"],
        "tagsAll": one.get("tags") or {},
    }


_LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")


def _update_cluster(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    eks = api("eks")
    # EKS takes one kind of change a call.
    if "version" in changed:
        eks.update_cluster_version(name=identity, version=new["version"])
    if "vpcConfig" in changed:
        eks.update_cluster_config(name=identity, resourcesVpcConfig=only(block(new["vpcConfig"]), *_NETWORK))
    if "enabledClusterLogTypes" in changed:
        on = new.get("enabledClusterLogTypes") or []
        setups = [{"types": types, "enabled": enabled} for types, enabled in ((on, True), ([kind for kind in _LOG_TYPES if kind not in on], False)) if types]
        eks.update_cluster_config(name=identity, logging={"clusterLogging": setups})
    if "accessConfig" in changed:
        eks.update_cluster_config(name=identity, accessConfig=only(block(new["accessConfig"]), "authenticationMode"))
    if changed & set(_AUTO):
        eks.update_cluster_config(name=identity, **_switches(new))
    for name in ("upgradePolicy", "zonalShiftConfig"):
        if name in changed:
            eks.update_cluster_config(name=identity, **{name: block(new[name])})
    if "deletionProtection" in changed:
        eks.update_cluster_config(name=identity, deletionProtection=bool(new.get("deletionProtection")))
    eks_access.retag(api, old["arn"], old, new)


def _switches(p: Properties) -> dict[str, Any]:
    """What an update says of Auto Mode; a block that the program leaves out is off."""
    network, storage = block(p.get("kubernetesNetworkConfig")), block(p.get("storageConfig"))
    return {
        "computeConfig": {"enabled": False, **block(p.get("computeConfig"))},
        "kubernetesNetworkConfig": {"elasticLoadBalancing": {"enabled": bool(block(network.get("elasticLoadBalancing")).get("enabled"))}},
        "storageConfig": {"blockStorage": {"enabled": bool(block(storage.get("blockStorage")).get("enabled"))}},
    }


def _names(identity: str) -> dict[str, str]:
    cluster, _, group = identity.partition(":")
    return {"clusterName": cluster, "nodegroupName": group}


_SAME = ("instanceTypes", "amiType", "capacityType", "diskSize", "labels", "taints", "version", "releaseVersion")


def _create_group(api: Api, p: Properties, tags: Tags) -> str:
    asked = {
        **only(p, *_SAME),
        **{name: block(p[name]) for name in ("scalingConfig", "updateConfig", "launchTemplate", "nodeRepairConfig") if p.get(name)},
        **given(tags=p.get("tagsAll") or None),
    }
    api("eks").create_nodegroup(
        clusterName=p["clusterName"], nodegroupName=p["nodeGroupName"], subnets=p["subnetIds"], nodeRole=p["nodeRoleArn"], **_versioned(asked)
    )
    return f"{p['clusterName']}:{p['nodeGroupName']}"


def _versioned(asked: dict[str, Any]) -> dict[str, Any]:
    if asked.get("launchTemplate"):
        template = only(asked["launchTemplate"], "id", "name", "version")
        asked["launchTemplate"] = {key: str(value) for key, value in template.items()}
    return asked


def _read_group(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("eks").describe_nodegroup(**_names(identity))["nodegroup"]
    return {
        **only(one, *_SAME, "scalingConfig", "updateConfig", "launchTemplate", "nodeRepairConfig", "clusterName", "status"),
        "nodeGroupName": one["nodegroupName"],
        "nodeRoleArn": one["nodeRole"],
        "subnetIds": one["subnets"],
        "arn": one["nodegroupArn"],
        "resources": [{"autoscalingGroups": one["resources"].get("autoScalingGroups", [])}],
        "tagsAll": one.get("tags") or {},
    }


def _update_group(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    eks, names = api("eks"), _names(identity)
    if changed & {"version", "releaseVersion", "launchTemplate"}:
        eks.update_nodegroup_version(**names, **_versioned({**only(new, "version", "releaseVersion"), **_block_of(new, "launchTemplate")}))
    if changed & {"labels", "taints", "scalingConfig", "updateConfig", "nodeRepairConfig"}:
        labels, held = new.get("labels") or {}, old.get("labels") or {}
        kept = [(taint["key"], taint["effect"]) for taint in new.get("taints") or []]
        gone = [taint for taint in old.get("taints") or [] if (taint["key"], taint["effect"]) not in kept]
        eks.update_nodegroup_config(
            **names,
            labels={"addOrUpdateLabels": labels, "removeLabels": [key for key in held if key not in labels]},
            taints={"addOrUpdateTaints": new.get("taints") or [], "removeTaints": gone},
            **_block_of(new, "scalingConfig"),
            **_block_of(new, "updateConfig"),
            **_block_of(new, "nodeRepairConfig"),
        )
    eks_access.retag(api, old["arn"], old, new)


def _block_of(p: Properties, name: str) -> dict[str, Any]:
    return {name: block(p[name])} if p.get(name) else {}


def _find_cluster(api: Api, p: Properties, mark: Tags) -> str | None:
    return p["name"] if api.absent(api("eks").describe_cluster, name=p["name"]) else None


def _find_group(api: Api, p: Properties, mark: Tags) -> str | None:
    identity = f"{p['clusterName']}:{p['nodeGroupName']}"
    return identity if api.absent(api("eks").describe_nodegroup, **_names(identity)) else None


ROWS = [
    Row(
        type="aws:eks/cluster:Cluster",
        inputs=frozenset(_EXTRAS)
        | words("bootstrapSelfManagedAddons deletionProtection enabledClusterLogTypes encryptionConfig forceUpdateVersion name roleArn version vpcConfig"),
        create=_create_cluster,
        read=_read_cluster,
        update=_update_cluster,
        delete=lambda api, identity, held: api("eks").delete_cluster(name=identity),
        find=_find_cluster,
        computed=words("arn certificateAuthority createdAt endpoint identities platformVersion status"),
        chosen=words("accessConfig kubernetesNetworkConfig upgradePolicy version"),
        replaces=words("encryptionConfig kubernetesNetworkConfig name roleArn"),
        updated=words("kubernetesNetworkConfig.elasticLoadBalancing"),
        identity=("name",),
        unseen=words("bootstrapSelfManagedAddons forceUpdateVersion"),
        autoname="name",
        tags=True,
        completed={"vpcConfig": words("clusterSecurityGroupId")},
        meaning=Meaning(
            unordered=words("enabledClusterLogTypes vpcConfig.subnetIds vpcConfig.securityGroupIds vpcConfig.publicAccessCidrs"),
            decided=words("vpcConfig.* accessConfig.* computeConfig.* kubernetesNetworkConfig.*"),
        ),
    ),
    Row(
        type="aws:eks/nodeGroup:NodeGroup",
        inputs=frozenset(_SAME)
        | words("clusterName forceUpdateVersion launchTemplate nodeGroupName nodeRepairConfig nodeRoleArn scalingConfig subnetIds updateConfig"),
        create=_create_group,
        read=_read_group,
        update=_update_group,
        delete=lambda api, identity, held: api("eks").delete_nodegroup(**_names(identity)),
        find=_find_group,
        computed=words("arn resources status"),
        chosen=words("amiType capacityType diskSize instanceTypes releaseVersion updateConfig version"),
        replaces=words("amiType capacityType clusterName diskSize instanceTypes nodeGroupName nodeRoleArn subnetIds"),
        identity=("clusterName", "nodeGroupName"),
        unseen=words("forceUpdateVersion"),
        autoname="nodeGroupName",
        tags=True,
        meaning=Meaning(unordered=words("subnetIds taints"), decided=words("launchTemplate.* updateConfig.*")),
    ),
    *eks_access.ROWS,
]
