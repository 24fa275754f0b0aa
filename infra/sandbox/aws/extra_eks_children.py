"""What stands on an EKS cluster: node groups, add-ons, access entries with their policies, pod identities."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from infra.sandbox.aws.rest import Refusal


def found(held: dict[str, Any], key: str, what: str) -> Any:
    """`held[key]`, or the refusal that EKS gives for what does not exist."""
    if key not in held:
        raise Refusal("ResourceNotFoundException", f"No {what} found for name: {key}.", 404)
    return held[key]


def _identity(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


class Children:
    """The operations below a cluster; `clusters` maps a name to the cluster and what it holds."""

    def __init__(self, account: str, region: str) -> None:
        self.account, self.region = account, region
        self.clusters: dict[str, dict[str, Any]] = {}

    def cluster(self, name: str) -> dict[str, Any]:
        return found(self.clusters, name, "cluster")

    def update(self, kind: str) -> dict[str, Any]:
        """The answer to every update: it is done at once."""
        return {"id": _identity(str(time.time()))[:36], "status": "Successful", "type": kind, "createdAt": time.time(), "params": [], "errors": []}

    # Node groups

    def CreateNodegroup(self, r: dict[str, Any]) -> dict[str, Any]:
        cluster, name = self.cluster(r["clusterName"]), r["nodegroupName"]
        if name in cluster["nodegroups"]:
            raise Refusal("ResourceInUseException", f"NodeGroup already exists with name {name} and cluster name {r['clusterName']}", 409)
        identity = _identity(self.region, r["clusterName"], name)[:36]
        version = r.get("version") or cluster["cluster"]["version"]
        group = {
            "diskSize": None if r.get("launchTemplate") else 20,
            "instanceTypes": None if r.get("launchTemplate") else ["t3.medium"],
            "amiType": "AL2023_x86_64_STANDARD",
            "capacityType": "ON_DEMAND",
            "labels": {},
            "taints": [],
            "tags": {},
            "updateConfig": {"maxUnavailable": 1},
            "scalingConfig": {"minSize": 1, "maxSize": 2, "desiredSize": 2},
            **{key: value for key, value in r.items() if value is not None and key != "clientRequestToken"},
            "nodegroupArn": f"arn:aws:eks:{self.region}:{self.account}:nodegroup/{r['clusterName']}/{name}/{identity}",
            "version": version,
            "releaseVersion": r.get("releaseVersion") or f"{version}.0-20260101",
            "createdAt": time.time(),
            "modifiedAt": time.time(),
            "status": "ACTIVE",
            "resources": {"autoScalingGroups": [{"name": f"eks-{name}-{identity}"}]},
            "health": {"issues": []},
        }
        cluster["nodegroups"][name] = {key: value for key, value in group.items() if value is not None}
        return {"nodegroup": group}

    def _nodegroup(self, r: dict[str, Any]) -> dict[str, Any]:
        return found(self.cluster(r["clusterName"])["nodegroups"], r["nodegroupName"], "node group")

    def DescribeNodegroup(self, r: dict[str, Any]) -> dict[str, Any]:
        return {"nodegroup": self._nodegroup(r)}

    def ListNodegroups(self, r: dict[str, Any]) -> dict[str, Any]:
        return {"nodegroups": sorted(self.cluster(r["clusterName"])["nodegroups"])}

    def UpdateNodegroupConfig(self, r: dict[str, Any]) -> dict[str, Any]:
        group = self._nodegroup(r)
        labels = r.get("labels") or {}
        group["labels"] = {k: v for k, v in {**group["labels"], **labels.get("addOrUpdateLabels", {})}.items() if k not in labels.get("removeLabels", [])}
        taints = r.get("taints") or {}
        gone = [(t["key"], t["effect"]) for t in [*taints.get("removeTaints", []), *taints.get("addOrUpdateTaints", [])]]
        group["taints"] = [t for t in group["taints"] if (t["key"], t["effect"]) not in gone] + taints.get("addOrUpdateTaints", [])
        for key in ("scalingConfig", "updateConfig", "nodeRepairConfig"):
            if r.get(key):
                group[key] = r[key]
        return {"update": self.update("ConfigUpdate")}

    def UpdateNodegroupVersion(self, r: dict[str, Any]) -> dict[str, Any]:
        group = self._nodegroup(r)
        for key in ("version", "releaseVersion", "launchTemplate"):
            if r.get(key):
                group[key] = r[key]
        return {"update": self.update("VersionUpdate")}

    def DeleteNodegroup(self, r: dict[str, Any]) -> dict[str, Any]:
        group = self._nodegroup(r)
        del self.cluster(r["clusterName"])["nodegroups"][r["nodegroupName"]]
        return {"nodegroup": {**group, "status": "DELETING"}}

    # Add-ons

    def CreateAddon(self, r: dict[str, Any]) -> dict[str, Any]:
        cluster, name = self.cluster(r["clusterName"]), r["addonName"]
        if name in cluster["addons"]:
            raise Refusal("ResourceInUseException", f"Addon already exists: {name}", 409)
        identity = _identity(self.region, r["clusterName"], name)[:36]
        pods = [self._pod_identity(r["clusterName"], {"namespace": "kube-system", **pod}) for pod in r.get("podIdentityAssociations") or []]
        addon = {
            "addonVersion": "v1.0.0-eksbuild.1",
            "tags": {},
            **{key: r[key] for key in ("addonVersion", "serviceAccountRoleArn", "configurationValues", "tags") if r.get(key) is not None},
            "addonName": name,
            "clusterName": r["clusterName"],
            "addonArn": f"arn:aws:eks:{self.region}:{self.account}:addon/{r['clusterName']}/{name}/{identity}",
            "podIdentityAssociations": [pod["associationArn"] for pod in pods],
            "createdAt": time.time(),
            "modifiedAt": time.time(),
            "status": "ACTIVE",
            "health": {"issues": []},
        }
        cluster["addons"][name] = addon
        return {"addon": addon}

    def _addon(self, r: dict[str, Any]) -> dict[str, Any]:
        return found(self.cluster(r["clusterName"])["addons"], r["addonName"], "addon")

    def DescribeAddon(self, r: dict[str, Any]) -> dict[str, Any]:
        return {"addon": self._addon(r)}

    def ListAddons(self, r: dict[str, Any]) -> dict[str, Any]:
        return {"addons": sorted(self.cluster(r["clusterName"])["addons"])}

    def UpdateAddon(self, r: dict[str, Any]) -> dict[str, Any]:
        addon = self._addon(r)
        for key in ("addonVersion", "serviceAccountRoleArn", "configurationValues"):
            if r.get(key) is not None:
                addon[key] = r[key]
        addon["modifiedAt"] = time.time()
        return {"update": self.update("AddonUpdate")}

    def DeleteAddon(self, r: dict[str, Any]) -> dict[str, Any]:
        addon, cluster = self._addon(r), self.cluster(r["clusterName"])
        for arn in addon["podIdentityAssociations"]:
            cluster["pods"].pop(arn.rsplit("/", 1)[1], None)
        del cluster["addons"][r["addonName"]]
        return {"addon": {**addon, "status": "DELETING"}}

    # Access entries and the policies on them

    def CreateAccessEntry(self, r: dict[str, Any]) -> dict[str, Any]:
        entries, principal = self.cluster(r["clusterName"])["entries"], r["principalArn"]
        if principal in entries:
            raise Refusal("ResourceInUseException", "The specified access entry resource is already in use on this cluster.", 409)
        path = principal.split(":", 5)[5]
        entries[principal] = {
            "clusterName": r["clusterName"],
            "principalArn": principal,
            "kubernetesGroups": r.get("kubernetesGroups") or [],
            "accessEntryArn": f"arn:aws:eks:{self.region}:{self.account}:access-entry/{r['clusterName']}/{path}/{_identity(self.region, principal)[:36]}",
            "createdAt": time.time(),
            "modifiedAt": time.time(),
            "tags": r.get("tags") or {},
            "username": r.get("username") or principal,
            "type": r.get("type") or "STANDARD",
            "policies": {},
        }
        return {"accessEntry": entries[principal]}

    def _entry(self, r: dict[str, Any]) -> dict[str, Any]:
        return found(self.cluster(r["clusterName"])["entries"], r["principalArn"], "access entry")

    def DescribeAccessEntry(self, r: dict[str, Any]) -> dict[str, Any]:
        return {"accessEntry": self._entry(r)}

    def ListAccessEntries(self, r: dict[str, Any]) -> dict[str, Any]:
        return {"accessEntries": sorted(self.cluster(r["clusterName"])["entries"])}

    def UpdateAccessEntry(self, r: dict[str, Any]) -> dict[str, Any]:
        entry = self._entry(r)
        entry.update({key: r[key] for key in ("kubernetesGroups", "username") if r.get(key) is not None}, modifiedAt=time.time())
        return {"accessEntry": entry}

    def DeleteAccessEntry(self, r: dict[str, Any]) -> dict[str, Any]:
        self._entry(r)
        del self.cluster(r["clusterName"])["entries"][r["principalArn"]]
        return {}

    def AssociateAccessPolicy(self, r: dict[str, Any]) -> dict[str, Any]:
        policies, arn = self._entry(r)["policies"], r["policyArn"]
        since = policies.get(arn, {}).get("associatedAt", time.time())
        policies[arn] = {"policyArn": arn, "accessScope": r["accessScope"], "associatedAt": since, "modifiedAt": time.time()}
        return {"clusterName": r["clusterName"], "principalArn": r["principalArn"], "associatedAccessPolicy": policies[arn]}

    def ListAssociatedAccessPolicies(self, r: dict[str, Any]) -> dict[str, Any]:
        return {"clusterName": r["clusterName"], "principalArn": r["principalArn"], "associatedAccessPolicies": list(self._entry(r)["policies"].values())}

    def DisassociateAccessPolicy(self, r: dict[str, Any]) -> dict[str, Any]:
        policies = self._entry(r)["policies"]
        found(policies, r["policyArn"], "associated access policy")
        del policies[r["policyArn"]]
        return {}

    # Pod identities

    def CreatePodIdentityAssociation(self, r: dict[str, Any]) -> dict[str, Any]:
        return {"association": self._pod_identity(r["clusterName"], r)}

    def _pod_identity(self, name: str, r: dict[str, Any]) -> dict[str, Any]:
        pods = self.cluster(name)["pods"]
        if any((pod["namespace"], pod["serviceAccount"]) == (r["namespace"], r["serviceAccount"]) for pod in pods.values()):
            raise Refusal("ResourceInUseException", f"Association already exists for {r['namespace']}/{r['serviceAccount']}", 409)
        identity = "a-" + _identity(self.region, name, r["namespace"], r["serviceAccount"])[:17]
        pods[identity] = {
            **{key: r[key] for key in ("targetRoleArn", "policy") if r.get(key)},
            "clusterName": name,
            "namespace": r["namespace"],
            "serviceAccount": r["serviceAccount"],
            "roleArn": r["roleArn"],
            "associationArn": f"arn:aws:eks:{self.region}:{self.account}:podidentityassociation/{name}/{identity}",
            "associationId": identity,
            "tags": r.get("tags") or {},
            "createdAt": time.time(),
            "modifiedAt": time.time(),
            "disableSessionTags": bool(r.get("disableSessionTags")),
        }
        return pods[identity]

    def _pod(self, r: dict[str, Any]) -> dict[str, Any]:
        return found(self.cluster(r["clusterName"])["pods"], r["associationId"], "pod identity association")

    def DescribePodIdentityAssociation(self, r: dict[str, Any]) -> dict[str, Any]:
        return {"association": self._pod(r)}

    def ListPodIdentityAssociations(self, r: dict[str, Any]) -> dict[str, Any]:
        pods = self.cluster(r["clusterName"])["pods"].values()
        wanted = {key: r[key] for key in ("namespace", "serviceAccount") if key in r}
        return {"associations": [pod for pod in pods if all(pod[key] == value for key, value in wanted.items())]}

    def UpdatePodIdentityAssociation(self, r: dict[str, Any]) -> dict[str, Any]:
        pod = self._pod(r)
        pod.update({key: r[key] for key in ("roleArn", "disableSessionTags", "targetRoleArn", "policy") if r.get(key) is not None}, modifiedAt=time.time())
        return {"association": pod}

    def DeletePodIdentityAssociation(self, r: dict[str, Any]) -> dict[str, Any]:
        pod = self._pod(r)
        del self.cluster(r["clusterName"])["pods"][r["associationId"]]
        return {"association": pod}
