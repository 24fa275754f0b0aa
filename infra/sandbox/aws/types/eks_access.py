"""Add-ons of a cluster, and who may do what on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import Properties, Row, Tags, block, given, tag_changes, words
from infra.sandbox.aws.shapes import only


def retag(api: Api, arn: str, old: Properties, new: Properties) -> None:
    """Carry out what differs in `tagsAll` of anything of EKS."""
    put, gone = tag_changes(old, new)
    if put:
        api("eks").tag_resource(resourceArn=arn, tags=put)
    if gone:
        api("eks").untag_resource(resourceArn=arn, tagKeys=gone)


def _moments(one: dict[str, Any], *names: str) -> Properties:
    return {name: one[name].isoformat() for name in names if one.get(name)}


def _addon_names(identity: str) -> dict[str, str]:
    cluster, _, name = identity.partition(":")
    return {"clusterName": cluster, "addonName": name}


def _create_addon(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(
        addonVersion=p.get("addonVersion"),
        serviceAccountRoleArn=p.get("serviceAccountRoleArn"),
        configurationValues=p.get("configurationValues"),
        resolveConflicts=p.get("resolveConflictsOnCreate"),
        podIdentityAssociations=p.get("podIdentityAssociations"),
        tags=p.get("tagsAll") or None,
    )
    api("eks").create_addon(clusterName=p["clusterName"], addonName=p["addonName"], **asked)
    return f"{p['clusterName']}:{p['addonName']}"


def _read_addon(api: Api, identity: str, known: Properties) -> Properties | None:
    eks = api("eks")
    one = eks.describe_addon(**_addon_names(identity))["addon"]
    pods = [
        eks.describe_pod_identity_association(clusterName=one["clusterName"], associationId=arn.rsplit("/", 1)[1])["association"]
        for arn in one.get("podIdentityAssociations") or []
    ]
    return {
        **only(one, "addonName", "addonVersion", "clusterName", "serviceAccountRoleArn", "configurationValues"),
        **_moments(one, "createdAt", "modifiedAt"),
        "arn": one["addonArn"],
        "podIdentityAssociations": [only(pod, "roleArn", "serviceAccount") for pod in pods],
        "tagsAll": one.get("tags") or {},
    }


def _update_addon(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if changed & {"addonVersion", "configurationValues", "serviceAccountRoleArn"}:
        asked = only(new, "addonVersion", "serviceAccountRoleArn", "configurationValues")
        api("eks").update_addon(**_addon_names(identity), **asked, **given(resolveConflicts=new.get("resolveConflictsOnUpdate")))
    retag(api, old["arn"], old, new)


def _delete_addon(api: Api, identity: str, held: Properties) -> None:
    api("eks").delete_addon(**_addon_names(identity), **given(preserve=held.get("preserve")))


def _entry_names(identity: str) -> dict[str, str]:
    # The first colon ends the cluster's name: a principal's ARN has more of them.
    cluster, _, principal = identity.partition(":")
    return {"clusterName": cluster, "principalArn": principal}


def _create_entry(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(
        kubernetesGroups=p.get("kubernetesGroups"),
        username=p.get("userName"),
        type=p.get("type"),
        tags=p.get("tagsAll") or None,
    )
    api("eks").create_access_entry(clusterName=p["clusterName"], principalArn=p["principalArn"], **asked)
    return f"{p['clusterName']}:{p['principalArn']}"


def _read_entry(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("eks").describe_access_entry(**_entry_names(identity))["accessEntry"]
    return {
        **only(one, "clusterName", "principalArn", "kubernetesGroups", "accessEntryArn", "type"),
        **_moments(one, "createdAt", "modifiedAt"),
        "userName": one["username"],
        "tagsAll": one.get("tags") or {},
    }


def _update_entry(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if changed & {"kubernetesGroups", "userName"}:
        groups = {"kubernetesGroups": new.get("kubernetesGroups") or []}
        api("eks").update_access_entry(**_entry_names(identity), **groups, **given(username=new.get("userName")))
    retag(api, old["accessEntryArn"], old, new)


def _association_names(identity: str) -> dict[str, str]:
    cluster, principal, policy = identity.split("#")
    return {"clusterName": cluster, "principalArn": principal, "policyArn": policy}


def _associate(api: Api, p: Properties, tags: Tags) -> str:
    names = only(p, "clusterName", "principalArn", "policyArn")
    api("eks").associate_access_policy(**names, accessScope=only(block(p["accessScope"]), "type", "namespaces"))
    return "#".join(names.values())


def _read_association(api: Api, identity: str, known: Properties) -> Properties | None:
    names = _association_names(identity)
    policies = api("eks").list_associated_access_policies(clusterName=names["clusterName"], principalArn=names["principalArn"])["associatedAccessPolicies"]
    one = next((policy for policy in policies if policy["policyArn"] == names["policyArn"]), None)
    return {**names, **_moments(one, "associatedAt", "modifiedAt"), "accessScope": one["accessScope"]} if one else None


def _create_pod(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(disableSessionTags=p.get("disableSessionTags"), targetRoleArn=p.get("targetRoleArn"), tags=p.get("tagsAll") or None)
    names = only(p, "clusterName", "namespace", "serviceAccount", "roleArn")
    return api("eks").create_pod_identity_association(**names, **asked)["association"]["associationId"]


def _read_pod(api: Api, identity: str, known: Properties) -> Properties | None:
    # The id alone does not say whose it is; an import has to name the cluster as `<cluster>,<id>`.
    cluster, _, association = identity.rpartition(",")
    one = api("eks").describe_pod_identity_association(clusterName=cluster or known["clusterName"], associationId=association)["association"]
    return {
        **only(one, "clusterName", "namespace", "serviceAccount", "roleArn", "associationArn", "associationId", "disableSessionTags", "targetRoleArn"),
        "tagsAll": one.get("tags") or {},
    }


def _update_pod(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if changed & {"roleArn", "disableSessionTags", "targetRoleArn"}:
        asked = only(new, "roleArn", "disableSessionTags", "targetRoleArn")
        api("eks").update_pod_identity_association(clusterName=old["clusterName"], associationId=identity, **asked)
    retag(api, old["associationArn"], old, new)


def _find_pod(api: Api, p: Properties, mark: Tags) -> str | None:
    names = only(p, "clusterName", "namespace", "serviceAccount")
    found = api.absent(api("eks").list_pod_identity_associations, **names)
    return next((one["associationId"] for one in found["associations"]), None) if found else None


def _named(read: Callable[[Api, str, Properties], Properties | None], *parts: str, between: str = ":") -> Any:
    """The `find` of a row whose id is made of some of its inputs."""

    def find(api: Api, p: Properties, mark: Tags) -> str | None:
        identity = between.join(p[part] for part in parts)
        return identity if api.absent(read, api=api, identity=identity, known=p) else None

    return find


ROWS = [
    Row(
        type="aws:eks/addon:Addon",
        inputs=words("addonName addonVersion clusterName configurationValues podIdentityAssociations preserve")
        | words("resolveConflictsOnCreate resolveConflictsOnUpdate serviceAccountRoleArn"),
        create=_create_addon,
        read=_read_addon,
        update=_update_addon,
        delete=_delete_addon,
        find=_named(_read_addon, "clusterName", "addonName"),
        computed=words("arn createdAt modifiedAt"),
        chosen=words("addonVersion configurationValues"),
        replaces=words("addonName clusterName podIdentityAssociations"),
        identity=("addonName", "clusterName"),
        unseen=words("preserve resolveConflictsOnCreate resolveConflictsOnUpdate"),
        volatile=words("modifiedAt"),
        tags=True,
        meaning=Meaning(json=words("configurationValues"), unordered=words("podIdentityAssociations")),
    ),
    Row(
        type="aws:eks/accessEntry:AccessEntry",
        inputs=words("clusterName kubernetesGroups principalArn type userName"),
        create=_create_entry,
        read=_read_entry,
        update=_update_entry,
        delete=lambda api, identity, held: api("eks").delete_access_entry(**_entry_names(identity)),
        find=_named(_read_entry, "clusterName", "principalArn"),
        computed=words("accessEntryArn createdAt modifiedAt"),
        chosen=words("kubernetesGroups userName"),
        replaces=words("clusterName principalArn type"),
        identity=("clusterName", "principalArn"),
        defaults={"type": "STANDARD"},
        volatile=words("modifiedAt"),
        tags=True,
        meaning=Meaning(unordered=words("kubernetesGroups")),
    ),
    Row(
        type="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        inputs=words("accessScope clusterName policyArn principalArn"),
        create=_associate,
        read=_read_association,
        delete=lambda api, identity, held: api("eks").disassociate_access_policy(**_association_names(identity)),
        find=_named(_read_association, "clusterName", "principalArn", "policyArn", between="#"),
        computed=words("associatedAt modifiedAt"),
        replaces=words("accessScope clusterName policyArn principalArn"),
        identity=("clusterName", "policyArn", "principalArn"),
        meaning=Meaning(unordered=words("accessScope.namespaces")),
    ),
    Row(
        type="aws:eks/podIdentityAssociation:PodIdentityAssociation",
        inputs=words("clusterName disableSessionTags namespace roleArn serviceAccount targetRoleArn"),
        create=_create_pod,
        read=_read_pod,
        update=_update_pod,
        delete=lambda api, identity, held: api("eks").delete_pod_identity_association(clusterName=held["clusterName"], associationId=identity),
        find=_find_pod,
        computed=words("associationArn associationId"),
        replaces=words("clusterName namespace serviceAccount"),
        identity=("clusterName", "namespace", "serviceAccount"),
        tags=True,
    ),
]
