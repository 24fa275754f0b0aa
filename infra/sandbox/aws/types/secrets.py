"""Secrets of the cloud's store: their places. What is in them is no program's, and nobody reads it here."""

from __future__ import annotations

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.row import Properties, Row, Tags, as_list, from_list, given, tag_changes, words

_SERVICE = "secretsmanager"


def _create(api: Api, p: Properties, tags: Tags) -> str:
    asked = given(Description=p.get("description"), KmsKeyId=p.get("kmsKeyId"))
    return api(_SERVICE).create_secret(Name=p["name"], Tags=as_list(tags), **asked)["ARN"]


def _read(api: Api, identity: str, known: Properties) -> Properties | None:
    one = api.absent(api(_SERVICE).describe_secret, SecretId=identity)
    if not one or one.get("DeletedDate"):
        return None
    return {
        "arn": one["ARN"],
        "name": one["Name"],
        "description": one.get("Description"),
        "kmsKeyId": one.get("KmsKeyId"),
        "tagsAll": from_list(one.get("Tags")),
    }


def _update(api: Api, identity: str, old: Properties, new: Properties, changed: frozenset[str]) -> None:
    settings = given(Description=new.get("description"), KmsKeyId=new.get("kmsKeyId"))
    if {"description", "kmsKeyId"} & changed and settings:
        api(_SERVICE).update_secret(SecretId=identity, **settings)
    put, gone = tag_changes(old, new)
    if put:
        api(_SERVICE).tag_resource(SecretId=identity, Tags=as_list(put))
    if gone:
        api(_SERVICE).untag_resource(SecretId=identity, TagKeys=gone)


def _delete(api: Api, identity: str, held: Properties) -> None:
    days = held.get("recoveryWindowInDays")
    days = 30 if days is None else int(days)
    how = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
    if _read(api, identity, held):
        api(_SERVICE).delete_secret(SecretId=identity, **how)


def _find(api: Api, p: Properties, mark: Tags) -> str | None:
    found = _read(api, p["name"], p)
    return found["arn"] if found else None


ROWS = [
    Row(
        type="aws:secretsmanager/secret:Secret",
        inputs=words("description kmsKeyId name recoveryWindowInDays"),
        create=_create,
        read=_read,
        update=_update,
        delete=_delete,
        find=_find,
        computed=words("arn"),
        replaces=words("name"),
        identity=("name",),
        defaults={"recoveryWindowInDays": 30},
        unseen=words("recoveryWindowInDays"),
        autoname="name",
        tags=True,
    ),
]
