"""Roles, policies and what joins them. IAM is one for all regions."""

from __future__ import annotations

import json
from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.compare import Meaning
from infra.sandbox.aws.row import Properties, Row, Tags, as_list, from_list, given, tag_changes, words

_VERSIONS = 5
"""Versions that IAM keeps of one policy."""


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def _create_role(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(
        Path=p.get("path"), Description=p.get("description"), MaxSessionDuration=p.get("maxSessionDuration"), PermissionsBoundary=p.get("permissionsBoundary")
    )
    api("iam").create_role(RoleName=p["name"], AssumeRolePolicyDocument=p["assumeRolePolicy"], Tags=as_list(tags), **asked)
    return p["name"]


def _read_role(api: Api, identity: str, known: Properties) -> Properties | None:
    role = api("iam").get_role(RoleName=identity)["Role"]
    return {
        "name": identity,
        "arn": role["Arn"],
        "uniqueId": role["RoleId"],
        "createDate": role["CreateDate"].isoformat(),
        "assumeRolePolicy": _text(role["AssumeRolePolicyDocument"]),
        "description": role.get("Description"),
        "path": role["Path"],
        "maxSessionDuration": role.get("MaxSessionDuration"),
        "permissionsBoundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "tagsAll": from_list(api("iam").list_role_tags(RoleName=identity)["Tags"]),
    }


def _update_role(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    iam = api("iam")
    if "assumeRolePolicy" in changed:
        iam.update_assume_role_policy(RoleName=identity, PolicyDocument=new["assumeRolePolicy"])
    if changed & {"description", "maxSessionDuration"}:
        iam.update_role(RoleName=identity, Description=new.get("description") or "", MaxSessionDuration=new.get("maxSessionDuration") or 3600)
    if "permissionsBoundary" in changed:
        if new.get("permissionsBoundary"):
            iam.put_role_permissions_boundary(RoleName=identity, PermissionsBoundary=new["permissionsBoundary"])
        else:
            iam.delete_role_permissions_boundary(RoleName=identity)
    put, gone = tag_changes(old, new)
    if put:
        iam.tag_role(RoleName=identity, Tags=as_list(put))
    if gone:
        iam.untag_role(RoleName=identity, TagKeys=gone)


def _delete_role(api: Api, identity: str, held: Properties) -> None:
    iam = api("iam")
    if held.get("forceDetachPolicies"):
        for policy in iam.list_attached_role_policies(RoleName=identity)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=identity, PolicyArn=policy["PolicyArn"])
        for name in iam.list_role_policies(RoleName=identity)["PolicyNames"]:
            iam.delete_role_policy(RoleName=identity, PolicyName=name)
    iam.delete_role(RoleName=identity)


def _policy_arn(api: Api, p: Properties) -> str:
    return f"arn:{api.partition}:iam::{api.account}:policy{p.get('path') or '/'}{p['name']}"


def _create_policy(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(Path=p.get("path"), Description=p.get("description"))
    return api("iam").create_policy(PolicyName=p["name"], PolicyDocument=p["policy"], Tags=as_list(tags), **asked)["Policy"]["Arn"]


def _read_policy(api: Api, identity: str, known: Properties) -> Properties | None:
    iam = api("iam")
    policy = iam.get_policy(PolicyArn=identity)["Policy"]
    version = iam.get_policy_version(PolicyArn=identity, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    # The count of attachments is left out: it changes when others attach, which would show as drift of this policy.
    return {
        "name": policy["PolicyName"],
        "arn": identity,
        "policyId": policy["PolicyId"],
        "path": policy["Path"],
        "description": policy.get("Description"),
        "policy": _text(version["Document"]),
        "tagsAll": from_list(iam.list_policy_tags(PolicyArn=identity)["Tags"]),
    }


def _update_policy(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    iam = api("iam")
    if "policy" in changed:
        versions = iam.list_policy_versions(PolicyArn=identity)["Versions"]
        spare = sorted((version for version in versions if not version["IsDefaultVersion"]), key=lambda version: version["CreateDate"])
        if len(versions) >= _VERSIONS:
            iam.delete_policy_version(PolicyArn=identity, VersionId=spare[0]["VersionId"])
        iam.create_policy_version(PolicyArn=identity, PolicyDocument=new["policy"], SetAsDefault=True)
    put, gone = tag_changes(old, new)
    if put:
        iam.tag_policy(PolicyArn=identity, Tags=as_list(put))
    if gone:
        iam.untag_policy(PolicyArn=identity, TagKeys=gone)


def _delete_policy(api: Api, identity: str, held: Properties) -> None:
    iam = api("iam")
    for version in iam.list_policy_versions(PolicyArn=identity)["Versions"]:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=identity, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=identity)


def _attach(api: Api, p: Properties, tags: Tags) -> str:
    api("iam").attach_role_policy(RoleName=p["role"], PolicyArn=p["policyArn"])
    return f"{p['role']}/{p['policyArn']}"


def _read_attachment(api: Api, identity: str, known: Properties) -> Properties | None:
    role, _, arn = identity.partition("/")
    attached = api("iam").list_attached_role_policies(RoleName=role)["AttachedPolicies"]
    return {"role": role, "policyArn": arn} if any(policy["PolicyArn"] == arn for policy in attached) else None


def _detach(api: Api, identity: str, held: Properties) -> None:
    role, _, arn = identity.partition("/")
    api("iam").detach_role_policy(RoleName=role, PolicyArn=arn)


def _put_inline(api: Api, p: Properties, tags: Tags) -> str:
    api("iam").put_role_policy(RoleName=p["role"], PolicyName=p["name"], PolicyDocument=p["policy"])
    return f"{p['role']}:{p['name']}"


def _read_inline(api: Api, identity: str, known: Properties) -> Properties | None:
    role, _, name = identity.partition(":")
    return {"role": role, "name": name, "policy": _text(api("iam").get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])}


def _delete_inline(api: Api, identity: str, held: Properties) -> None:
    role, _, name = identity.partition(":")
    api("iam").delete_role_policy(RoleName=role, PolicyName=name)


def _role_named(api: Api, p: Properties, mark: Tags) -> str | None:
    return p["name"] if api.absent(api("iam").get_role, RoleName=p["name"]) else None


def _policy_named(api: Api, p: Properties, mark: Tags) -> str | None:
    arn = _policy_arn(api, p)
    return arn if api.absent(api("iam").get_policy, PolicyArn=arn) else None


def _attached(api: Api, p: Properties, mark: Tags) -> str | None:
    identity = f"{p['role']}/{p['policyArn']}"
    return identity if _read_attachment(api, identity, p) else None


def _own_role(api: Api, service: str) -> str | None:
    """Name of the role that a service has for itself; the service chooses it."""
    roles = api("iam").list_roles(PathPrefix=f"/aws-service-role/{service}/")["Roles"]
    return roles[0]["RoleName"] if roles else None


def _create_own_role(api: Api, p: Properties, tags: Tags) -> str:
    return api("iam").create_service_linked_role(AWSServiceName=p["awsServiceName"], **given(Description=p.get("description")))["Role"]["Arn"]


def _finish_own_role(api: Api, identity: str, p: Properties) -> None:
    api("iam").tag_role(RoleName=identity.rsplit("/", 1)[1], Tags=as_list(p.get("tagsAll") or {}))


def _read_own_role(api: Api, identity: str, known: Properties) -> Properties | None:
    held = _read_role(api, identity.rsplit("/", 1)[1], known) or {}
    kept = {key: held.get(key) for key in ("arn", "createDate", "description", "name", "path", "uniqueId", "tagsAll")}
    return {**kept, "awsServiceName": identity.split("/")[2]}


def _update_own_role(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    _update_role(api, identity.rsplit("/", 1)[1], old, new, changed)


def _find_own_role(api: Api, p: Properties, mark: Tags) -> str | None:
    name = _own_role(api, p["awsServiceName"])
    return api("iam").get_role(RoleName=name)["Role"]["Arn"] if name else None


def _create_profile(api: Api, p: Properties, tags: Tags) -> str:
    api("iam").create_instance_profile(InstanceProfileName=p["name"], Path=p.get("path") or "/", Tags=as_list(tags))
    return p["name"]


def _finish_profile(api: Api, identity: str, p: Properties) -> None:
    if p.get("role"):
        api("iam").add_role_to_instance_profile(InstanceProfileName=identity, RoleName=p["role"])


def _read_profile(api: Api, identity: str, known: Properties) -> Properties | None:
    found = api("iam").get_instance_profile(InstanceProfileName=identity)["InstanceProfile"]
    return {
        "name": identity,
        "arn": found["Arn"],
        "uniqueId": found["InstanceProfileId"],
        "createDate": found["CreateDate"].isoformat(),
        "path": found["Path"],
        "role": next((each["RoleName"] for each in found["Roles"]), None),
        "tagsAll": from_list(found.get("Tags")),
    }


def _empty_profile(api: Api, identity: str) -> None:
    for role in api("iam").get_instance_profile(InstanceProfileName=identity)["InstanceProfile"]["Roles"]:
        api("iam").remove_role_from_instance_profile(InstanceProfileName=identity, RoleName=role["RoleName"])


def _update_profile(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    if "role" in changed:
        _empty_profile(api, identity)
        _finish_profile(api, identity, new)
    put, gone = tag_changes(old, new)
    if put:
        api("iam").tag_instance_profile(InstanceProfileName=identity, Tags=as_list(put))
    if gone:
        api("iam").untag_instance_profile(InstanceProfileName=identity, TagKeys=gone)


def _delete_profile(api: Api, identity: str, held: Properties) -> None:
    _empty_profile(api, identity)
    api("iam").delete_instance_profile(InstanceProfileName=identity)


def _provider_arn(api: Api, p: Properties) -> str:
    return f"arn:{api.partition}:iam::{api.account}:oidc-provider/{p['url'].removeprefix('https://')}"


def _create_provider(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(ThumbprintList=p.get("thumbprintLists"))
    made = api("iam").create_open_id_connect_provider(Url=p["url"], ClientIDList=p["clientIdLists"], Tags=as_list(tags), **asked)
    return made["OpenIDConnectProviderArn"]


def _read_provider(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api("iam").get_open_id_connect_provider(OpenIDConnectProviderArn=identity)
    return {
        "arn": identity,
        "url": f"https://{one['Url'].removeprefix('https://')}",
        "clientIdLists": one.get("ClientIDList") or [],
        "thumbprintLists": one.get("ThumbprintList") or [],
        "tagsAll": from_list(one.get("Tags")),
    }


def _update_provider(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    iam, named = api("iam"), {"OpenIDConnectProviderArn": identity}
    if "thumbprintLists" in changed:
        iam.update_open_id_connect_provider_thumbprint(**named, ThumbprintList=new.get("thumbprintLists") or [])
    put, gone = tag_changes(old, new)
    if put:
        iam.tag_open_id_connect_provider(**named, Tags=as_list(put))
    if gone:
        iam.untag_open_id_connect_provider(**named, TagKeys=gone)


def _find_provider(api: Api, p: Properties, mark: Tags) -> str | None:
    arn = _provider_arn(api, p)
    return arn if api.absent(api("iam").get_open_id_connect_provider, OpenIDConnectProviderArn=arn) else None


ROWS = [
    Row(
        type="aws:iam/instanceProfile:InstanceProfile",
        inputs=words("name path role"),
        create=_create_profile,
        finish=_finish_profile,
        read=_read_profile,
        update=_update_profile,
        delete=_delete_profile,
        find=lambda api, p, mark: p["name"] if api.absent(api("iam").get_instance_profile, InstanceProfileName=p["name"]) else None,
        computed=words("arn createDate uniqueId"),
        replaces=words("name path"),
        identity=("name",),
        defaults={"path": "/"},
        autoname="name",
        tags=True,
        regional=False,
    ),
    Row(
        type="aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        inputs=words("clientIdLists thumbprintLists url"),
        create=_create_provider,
        read=_read_provider,
        update=_update_provider,
        delete=lambda api, identity, held: api("iam").delete_open_id_connect_provider(OpenIDConnectProviderArn=identity),
        find=_find_provider,
        computed=words("arn"),
        chosen=words("thumbprintLists"),
        # moto cannot change the audiences; the real provider can, and a replacement comes to the same.
        replaces=words("clientIdLists url"),
        identity=("url",),
        tags=True,
        regional=False,
        meaning=Meaning(unordered=words("clientIdLists")),
    ),
    Row(
        type="aws:iam/serviceLinkedRole:ServiceLinkedRole",
        inputs=words("awsServiceName description"),
        create=_create_own_role,
        finish=_finish_own_role,
        read=_read_own_role,
        update=_update_own_role,
        delete=lambda api, identity, held: api("iam").delete_service_linked_role(RoleName=identity.rsplit("/", 1)[1]),
        find=_find_own_role,
        computed=words("arn createDate name path uniqueId"),
        replaces=words("awsServiceName"),
        identity=("awsServiceName",),
        tags=True,
        regional=False,
    ),
    Row(
        type="aws:iam/role:Role",
        inputs=words("assumeRolePolicy description forceDetachPolicies maxSessionDuration name path permissionsBoundary"),
        create=_create_role,
        read=_read_role,
        update=_update_role,
        delete=_delete_role,
        find=_role_named,
        computed=words("arn createDate uniqueId"),
        replaces=words("name path"),
        identity=("name",),
        defaults={"maxSessionDuration": 3600, "path": "/"},
        unseen=words("forceDetachPolicies"),
        autoname="name",
        tags=True,
        regional=False,
        meaning=Meaning(json=words("assumeRolePolicy")),
    ),
    Row(
        type="aws:iam/policy:Policy",
        inputs=words("description name path policy"),
        create=_create_policy,
        read=_read_policy,
        update=_update_policy,
        delete=_delete_policy,
        find=_policy_named,
        computed=words("arn policyId"),
        replaces=words("description name path"),
        identity=("name",),
        defaults={"path": "/"},
        autoname="name",
        tags=True,
        regional=False,
        meaning=Meaning(json=words("policy")),
    ),
    Row(
        type="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        inputs=words("policyArn role"),
        create=_attach,
        read=_read_attachment,
        delete=_detach,
        find=_attached,
        replaces=words("policyArn role"),
        identity=("policyArn", "role"),
        regional=False,
    ),
    Row(
        type="aws:iam/rolePolicy:RolePolicy",
        inputs=words("name policy role"),
        create=_put_inline,
        read=_read_inline,
        update=lambda api, identity, old, new, changed: _put_inline(api, new, {}),
        delete=_delete_inline,
        find=lambda api, p, mark: f"{p['role']}:{p['name']}" if api.absent(_read_inline, api=api, identity=f"{p['role']}:{p['name']}", known=p) else None,
        replaces=words("name role"),
        identity=("name", "role"),
        autoname="name",
        regional=False,
        meaning=Meaning(json=words("policy")),
    ),
]
