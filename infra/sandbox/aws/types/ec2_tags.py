"""Tags as EC2 keeps them: on creation in a specification, later by resource id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infra.sandbox.aws.api import Api
from infra.sandbox.aws.row import Properties, Tags, as_list, from_list, tag_changes


def specification(kind: str, tags: Tags) -> list[dict[str, Any]]:
    """The TagSpecifications argument of a create call."""
    return [{"ResourceType": kind, "Tags": as_list(tags)}]


def tags_of(api: Api, identity: str) -> Tags:
    """The live tags of one resource."""
    return from_list(api("ec2").describe_tags(Filters=[{"Name": "resource-id", "Values": [identity]}])["Tags"])


def first_marked(read: Callable[[Api, str, Properties], Properties | None]) -> Callable[[Api, Properties, Tags], str | None]:
    """The `find` of a row whose resources carry the mark of their creation; tags of what is gone again may still be listed."""

    def find(api: Api, p: Properties, mark: Tags) -> str | None:
        (key, value), *_ = mark.items()
        tags = api("ec2").describe_tags(Filters=[{"Name": f"tag:{key}", "Values": [value]}])["Tags"]
        found = (tag["ResourceId"] for tag in tags if (tag["Key"], tag["Value"]) == (key, value))
        return next((identity for identity in found if api.absent(read, api=api, identity=identity, known=p)), None)

    return find


def retag(api: Api, identity: str, old: Properties, new: Properties) -> None:
    """Carry out what differs in `tagsAll`."""
    put, gone = tag_changes(old, new)
    if put:
        api("ec2").create_tags(Resources=[identity], Tags=as_list(put))
    if gone:
        api("ec2").delete_tags(Resources=[identity], Tags=[{"Key": key} for key in gone])
