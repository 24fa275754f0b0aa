"""An EKS control plane's API, in memory: clusters, node groups, add-ons, access entries and pod identities.

moto knows clusters and node groups only, with the defaults of Kubernetes 1.19. Identifiers are derived from names: a cluster made again
after memory was lost has the endpoint and issuer it had.
"""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any

from infra.sandbox.aws.extra_eks_children import Children
from infra.sandbox.aws.rest import Refusal

_VERSION = "1.33"
_LOGS = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
_FREELY_UPDATED = ("accessConfig", "upgradePolicy", "zonalShiftConfig", "computeConfig", "storageConfig", "remoteNetworkConfig", "deletionProtection")


class Eks(Children):
    """One region's EKS. A method per operation, named as in the API; takes the request's members, returns the answer's."""

    def CreateCluster(self, r: dict[str, Any]) -> dict[str, Any]:
        name = r["name"]
        _together(r)
        if name in self.clusters:
            raise Refusal("ResourceInUseException", f"Cluster already exists with name: {name}", 409)
        network = self._network(name, r["resourcesVpcConfig"])
        identity = hashlib.sha256(f"{self.region}/{name}".encode()).hexdigest().upper()[:32]
        authority = base64.b64encode(hashlib.sha512(identity.encode()).digest() * 16).decode()
        access = {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": True, **(r.get("accessConfig") or {})}
        cluster = {
            **{key: r[key] for key in ("tags", "encryptionConfig", *_FREELY_UPDATED) if r.get(key) is not None},
            "name": name,
            "arn": f"arn:aws:eks:{self.region}:{self.account}:cluster/{name}",
            "createdAt": time.time(),
            "version": r.get("version") or _VERSION,
            "endpoint": f"https://{identity}.gr7.{self.region}.eks.amazonaws.com",
            "roleArn": r["roleArn"],
            "resourcesVpcConfig": network,
            "kubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16", "ipFamily": "ipv4", **(r.get("kubernetesNetworkConfig") or {})},
            "logging": _logging(r.get("logging")),
            "identity": {"oidc": {"issuer": f"https://oidc.eks.{self.region}.amazonaws.com/id/{identity}"}},
            "status": "ACTIVE",
            "certificateAuthority": {"data": authority},
            "platformVersion": "eks.1",
            "accessConfig": access,
        }
        cluster.setdefault("tags", {})
        cluster.setdefault("upgradePolicy", {"supportType": "EXTENDED"})
        cluster.setdefault("deletionProtection", False)
        self.clusters[name] = {"cluster": cluster, "nodegroups": {}, "addons": {}, "entries": {}, "pods": {}}
        return {"cluster": cluster}

    def DescribeCluster(self, r: dict[str, Any]) -> dict[str, Any]:
        return {"cluster": self.cluster(r["name"])["cluster"]}

    def ListClusters(self, r: dict[str, Any]) -> dict[str, Any]:
        return {"clusters": sorted(self.clusters)}

    def DeleteCluster(self, r: dict[str, Any]) -> dict[str, Any]:
        held = self.cluster(r["name"])
        if held["nodegroups"]:
            raise Refusal("ResourceInUseException", "Cluster has nodegroups attached", 409)
        if held["cluster"]["deletionProtection"]:
            raise Refusal("InvalidRequestException", f"Cluster {r['name']} has deletion protection", 400)
        self._ec2().delete_security_group(group_id=held["cluster"]["resourcesVpcConfig"]["clusterSecurityGroupId"])
        del self.clusters[r["name"]]
        return {"cluster": {**held["cluster"], "status": "DELETING"}}

    def UpdateClusterConfig(self, r: dict[str, Any]) -> dict[str, Any]:
        cluster = self.cluster(r["name"])["cluster"]
        _together(r)
        if r.get("kubernetesNetworkConfig"):
            cluster["kubernetesNetworkConfig"].update(r["kubernetesNetworkConfig"])
        if r.get("logging"):
            cluster["logging"] = _logging(r["logging"])
        if r.get("resourcesVpcConfig"):
            cluster["resourcesVpcConfig"].update(r["resourcesVpcConfig"])
        for key in _FREELY_UPDATED:
            if r.get(key) is not None:
                value = r[key]
                cluster[key] = {**cluster.get(key, {}), **value} if isinstance(value, dict) else value
        return {"update": self.update("ConfigUpdate")}

    def UpdateClusterVersion(self, r: dict[str, Any]) -> dict[str, Any]:
        self.cluster(r["name"])["cluster"]["version"] = r["version"]
        return {"update": self.update("VersionUpdate")}

    def AssociateEncryptionConfig(self, r: dict[str, Any]) -> dict[str, Any]:
        self.cluster(r["clusterName"])["cluster"]["encryptionConfig"] = r["encryptionConfig"]
        return {"update": self.update("AssociateEncryptionConfig")}

    def TagResource(self, r: dict[str, Any]) -> dict[str, Any]:
        self._tagged(r["resourceArn"]).setdefault("tags", {}).update(r["tags"])
        return {}

    def UntagResource(self, r: dict[str, Any]) -> dict[str, Any]:
        tags = self._tagged(r["resourceArn"]).get("tags", {})
        for key in r["tagKeys"]:
            tags.pop(key, None)
        return {}

    def ListTagsForResource(self, r: dict[str, Any]) -> dict[str, Any]:
        return {"tags": self._tagged(r["resourceArn"]).get("tags", {})}

    def _tagged(self, arn: str) -> dict[str, Any]:
        for held in self.clusters.values():
            parts = [held["cluster"], *(part for kind in ("nodegroups", "addons", "entries", "pods") for part in held[kind].values())]
            for part in parts:
                if arn in (part.get(key) for key in ("arn", "nodegroupArn", "addonArn", "accessEntryArn", "associationArn")):
                    return part
        raise Refusal("NotFoundException", f"The resource ARN {arn} does not exist", 404)

    def _network(self, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        ec2 = self._ec2()
        known = [subnet for subnet in (ec2.get_subnet(identity) for identity in asked["subnetIds"]) if subnet]
        group = ec2.create_security_group(f"eks-cluster-sg-{name}", "EKS created security group applied to control plane and nodes", known[0].vpc_id)
        return {
            "securityGroupIds": [],
            "endpointPublicAccess": True,
            "endpointPrivateAccess": False,
            **asked,
            "publicAccessCidrs": asked.get("publicAccessCidrs") or (["0.0.0.0/0"] if asked.get("endpointPublicAccess", True) else []),
            "vpcId": known[0].vpc_id,
            "clusterSecurityGroupId": group.id,
        }

    def _ec2(self) -> Any:
        from moto.ec2.models import ec2_backends

        return ec2_backends[self.account][self.region]


def _together(r: dict[str, Any]) -> None:
    """Auto Mode is on or off as a whole, and has a role for its nodes where it brings pools of its own along."""
    compute = r.get("computeConfig") or {}
    network, storage = r.get("kubernetesNetworkConfig") or {}, r.get("storageConfig") or {}
    switches = [part.get("enabled", False) for part in (compute, network.get("elasticLoadBalancing") or {}, storage.get("blockStorage") or {})]
    if len(set(switches)) > 1:
        raise Refusal("InvalidParameterException", "For EKS Auto Mode, compute, block storage and load balancing must be enabled or disabled together", 400)
    if bool(compute.get("nodePools")) != bool(compute.get("nodeRoleArn")):
        raise Refusal("InvalidParameterException", "nodePools and nodeRoleArn of computeConfig must be given together", 400)


def _logging(asked: dict[str, Any] | None) -> dict[str, Any]:
    enabled = sorted(kind for setup in (asked or {}).get("clusterLogging", []) if setup.get("enabled") for kind in setup["types"])
    off = [kind for kind in _LOGS if kind not in enabled]
    return {"clusterLogging": [{"types": types, "enabled": on} for types, on in ((enabled, True), (off, False)) if types]}
