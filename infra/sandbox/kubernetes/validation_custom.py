"""Kinds that others define: the fields that their definitions know and demand, of Karpenter 1.14, Kueue 0.19, JobSet 0.12, and Auto Mode as its guide has it.

A real API server drops a field that it does not know without a word, and what was meant by it is not done; here it is refused by name.
Source: the definitions published with those versions, names and choices of fields only.
"""

from __future__ import annotations

from typing import Any

from infra.sandbox.kubernetes.checker import Checker
from infra.sandbox.kubernetes.kinds import Object

_TAINT: dict[str, Any] = {"key!": None, "effect!": ("NoSchedule", "PreferNoSchedule", "NoExecute"), "value": None, "timeAdded": None}
_DISK: dict[str, Any] = dict.fromkeys(
    ("deleteOnTermination", "encrypted", "iops", "kmsKeyID", "snapshotID", "throughput", "volumeInitializationRate", "volumeSize", "volumeType")
)
_FLAVOR: dict[str, Any] = {"name!": None, "resources!": [{"name!": None, "nominalQuota!": None, "borrowingLimit": None, "lendingLimit": None}]}
_REQUIREMENT: dict[str, Any] = {
    "key!": None,
    "operator!": ("Gte", "Lte", "In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"),
    "values": None,
    "minValues": None,
}
_SECRETS_OF: dict[str, Any] = {"aws": {"service!": ("SecretsManager", "ParameterStore"), **dict.fromkeys(("region!", "role", "auth", "prefix"))}}

FORMS: dict[str, dict[str, Any]] = {
    "NodePool": {
        "spec!": {
            "template!": {
                "metadata": {"labels": None, "annotations": None},
                "spec!": {
                    "nodeClassRef!": {"group!": None, "kind!": None, "name!": None},
                    "requirements!": [_REQUIREMENT],
                    "taints": [_TAINT],
                    "startupTaints": [_TAINT],
                    "expireAfter": None,
                    "terminationGracePeriod": None,
                },
            },
            "limits": None,
            "replicas": None,
            "weight": None,
            "disruption": {
                "consolidateAfter!": None,
                "consolidationPolicy": ("WhenEmpty", "WhenEmptyOrUnderutilized", "Balanced"),
                "budgets": [{"nodes!": None, "duration": None, "reasons": None, "schedule": None}],
            },
        }
    },
    "EC2NodeClass": {
        "spec!": {
            "amiSelectorTerms!": [dict.fromkeys(("alias", "id", "name", "owner", "ssmParameter", "tags"))],
            "amiFamily": ("AL2", "AL2023", "Bottlerocket", "Custom", "Windows2019", "Windows2022", "Windows2025"),
            "subnetSelectorTerms!": [dict.fromkeys(("id", "tags"))],
            "securityGroupSelectorTerms!": [dict.fromkeys(("id", "name", "tags"))],
            "capacityReservationSelectorTerms": [dict.fromkeys(("id", "instanceMatchCriteria", "ownerID", "tags"))],
            "blockDeviceMappings": [{"deviceName": None, "rootVolume": None, "ebs": _DISK}],
            "metadataOptions": dict.fromkeys(("httpEndpoint", "httpProtocolIPv6", "httpPutResponseHopLimit", "httpTokens")),
            **dict.fromkeys(
                ("associatePublicIPAddress", "connectionTracking", "context", "cpuOptions", "detailedMonitoring", "instanceProfile", "ipPrefixCount")
            ),
            **dict.fromkeys(("instanceStorePolicy", "ipPrefixCount", "kubelet", "networkInterfaces", "placementGroupSelector", "role", "tags", "userData")),
        }
    },
    "NodeClass": {
        "spec!": {
            "role": None,
            "instanceProfile": None,
            "subnetSelectorTerms!": [dict.fromkeys(("id", "tags"))],
            "securityGroupSelectorTerms!": [dict.fromkeys(("id", "name", "tags"))],
            "podSubnetSelectorTerms": [dict.fromkeys(("id", "tags"))],
            "podSecurityGroupSelectorTerms": [dict.fromkeys(("id", "name", "tags"))],
            "capacityReservationSelectorTerms": [dict.fromkeys(("id", "instanceMatchCriteria", "owner", "tags"))],
            "ephemeralStorage": dict.fromkeys(("iops", "kmsKeyID", "size", "throughput")),
            "snatPolicy": ("Random", "Disabled"),
            "networkPolicy": ("DefaultAllow", "DefaultDeny"),
            "networkPolicyEventLogs": ("Disabled", "Enabled"),
            "advancedNetworking": dict.fromkeys(("associatePublicIPAddress", "httpsProxy", "ipv4PrefixSize", "noProxy")),
            **dict.fromkeys(("advancedSecurity", "certificateBundles", "tags")),
        }
    },
    "ResourceFlavor": {"spec": {"nodeLabels": None, "nodeTaints": [_TAINT], "tolerations": None, "topologyName": None}},
    "ClusterQueue": {
        "spec!": {
            "resourceGroups": [{"coveredResources!": None, "flavors!": [_FLAVOR]}],
            "cohortName": None,
            "namespaceSelector": {"matchExpressions": None, "matchLabels": None},
            "queueingStrategy": ("StrictFIFO", "BestEffortFIFO"),
            "preemption": {
                "borrowWithinCohort": {"policy": ("Never", "LowerPriority"), "maxPriorityThreshold": None},
                "reclaimWithinCohort": ("Never", "LowerPriority", "Any"),
                "withinClusterQueue": ("Never", "LowerPriority", "LowerOrNewerEqualPriority"),
            },
            "stopPolicy": ("None", "Hold", "HoldAndDrain"),
            **dict.fromkeys(("admissionChecksStrategy", "admissionScope", "concurrentAdmissionPolicy", "fairSharing", "flavorFungibility")),
        }
    },
    "LocalQueue": {"spec!": {"clusterQueue!": None, "fairSharing": None, "stopPolicy": ("None", "Hold", "HoldAndDrain")}},
    "JobSet": {
        "spec!": {
            "replicatedJobs": [
                {
                    "name!": None,
                    "groupName": None,
                    "template!": {"metadata": {"labels": None, "annotations": None}, "spec!": None},
                    "replicas": None,
                    "dependsOn": [{"name!": None, "status!": ("Ready", "Complete")}],
                }
            ],
            "network": dict.fromkeys(("enableDNSHostnames", "publishNotReadyAddresses", "subdomain")),
            "successPolicy": {"operator!": ("All", "Any"), "targetReplicatedJobs": None},
            "failurePolicy": {
                "maxRestarts": None,
                "restartStrategy": ("Recreate", "BlockingRecreate", "InPlaceRestart"),
                "rules": [
                    {
                        "name!": None,
                        "action!": ("FailJobSet", "RestartJobSet", "RestartJobSetAndIgnoreMaxRestarts", "RestartJob", "RestartJobAndIgnoreMaxRestarts"),
                        **dict.fromkeys(("onJobFailureReasons", "onJobFailureMessagePatterns", "targetReplicatedJobs")),
                    }
                ],
            },
            "startupPolicy": {"startupPolicyOrder!": ("AnyOrder", "InOrder")},
            "coordinator": {"replicatedJob!": None, "jobIndex": None, "podIndex": None},
            **dict.fromkeys(("managedBy", "suspend", "ttlSecondsAfterFinished", "volumeClaimPolicies")),
        }
    },
    "SecretStore": {"spec!": {"provider!": _SECRETS_OF, **dict.fromkeys(("controller", "refreshInterval", "retrySettings"))}},
    "ClusterSecretStore": {
        "spec!": {
            "provider!": _SECRETS_OF,
            "conditions": [dict.fromkeys(("namespaces", "namespaceSelector", "namespaceRegexes"))],
            **dict.fromkeys(("controller", "refreshInterval", "retrySettings")),
        }
    },
    "ExternalSecret": {
        "spec!": {
            "secretStoreRef": {"kind": ("SecretStore", "ClusterSecretStore"), "name!": None},
            "target": {
                "name": None,
                "creationPolicy": ("Owner", "Orphan", "Merge", "None"),
                "deletionPolicy": ("Delete", "Merge", "Retain"),
                **dict.fromkeys(("immutable", "template")),
            },
            "data": [{"secretKey!": None, "remoteRef!": {"key!": None, **dict.fromkeys(("property", "version", "decodingStrategy"))}, "sourceRef": None}],
            **dict.fromkeys(("dataFrom", "refreshInterval", "refreshPolicy")),
        }
    },
    "ClusterIssuer": {"spec!": {"selfSigned": {"crlDistributionPoints": None}, "ca": {"secretName!": None}, **dict.fromkeys(("acme", "vault", "venafi"))}},
    "Certificate": {
        "spec!": {
            "secretName!": None,
            "issuerRef!": {"name!": None, "kind": ("Issuer", "ClusterIssuer"), "group": None},
            "privateKey": {"algorithm": ("RSA", "ECDSA", "Ed25519"), "rotationPolicy": ("Never", "Always"), "size": None, "encoding": None},
            **dict.fromkeys(("commonName", "dnsNames", "duration", "isCA", "ipAddresses", "renewBefore", "revisionHistoryLimit", "subject", "uris", "usages")),
        }
    },
    "VolumeSnapshotClass": {"driver!": None, "deletionPolicy!": ("Delete", "Retain"), "parameters": None},
    "WorkloadPriorityClass": {"value!": None, "description": None},
}
"""Kind -> its fields: `!` marks what must be there; below one stand its own fields, a list of them, its choices, or None for whatever it holds."""
_EVERY = {"apiVersion", "kind", "metadata", "status"}


def check_custom(check: Checker, thing: Object) -> None:
    """Fields of a kind of `FORMS`; of other kinds nothing."""
    form = FORMS.get(str(thing.get("kind")))
    if form is not None:
        _check(check, {key: value for key, value in thing.items() if key not in _EVERY}, form, "")
        if thing["kind"] == "ClusterQueue":
            _flavors(check, thing)


def _check(check: Checker, value: Any, form: Any, at: str) -> None:
    if form is None or value is None:
        return
    if isinstance(form, tuple):
        if value not in form:
            check.unsupported(at, value, form)
    elif isinstance(form, list):
        if not isinstance(value, list):
            check.wrong(at, value, "must be a list")
            return
        for index, each in enumerate(value):
            _check(check, each, form[0], f"{at}[{index}]")
    elif not isinstance(value, dict):
        check.wrong(at, value, "must be an object")
    else:
        _fields(check, value, {name.rstrip("!"): (name.endswith("!"), below) for name, below in form.items()}, at)


def _fields(check: Checker, value: Object, form: dict[str, tuple[bool, Any]], at: str) -> None:
    for name in value.keys() - form.keys():
        check.wrong(_path(at, name), value[name], f"there is no such field; there are {', '.join(sorted(form))}")
    for name, (needed, below) in form.items():
        if needed and value.get(name) in (None, "", [], {}):
            check.missing(_path(at, name))
        _check(check, value.get(name), below, _path(at, name))


def _flavors(check: Checker, thing: Object) -> None:
    """Each flavor of a group says how much of each of the group's resources there is, in the same order."""
    found = thing.get("spec")
    spec = found if isinstance(found, dict) else {}
    for place, group in enumerate(spec.get("resourceGroups") or []):
        for index, flavor in enumerate(group.get("flavors") or []):
            names = [each.get("name") for each in flavor.get("resources") or []]
            if names != list(group.get("coveredResources") or []):
                check.wrong(f"spec.resourceGroups[{place}].flavors[{index}].resources", names, "must name coveredResources in their order")
            for each in flavor.get("resources") or []:
                if each.get("nominalQuota") is not None:
                    check.amount(each["nominalQuota"], f"spec.resourceGroups[{place}].flavors[{index}].resources.{each.get('name')}")


def _path(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
