"""Where a second place may be: at home, or abroad for as long as an exception in force says so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from falaj.errors import Denied, Fault
from infra.pipeline.library import Library
from infra.pipeline.waivers import leaving

Where = Callable[[str], str]
"""Bucket -> its region. Raises Fault where nobody says."""


def require_at_home(uri: str, environment: str, data_classes: Sequence[str], *, now: str, region_of: Where | None = None, policies: Path | None = None) -> str:
    """The region that `uri` lies in, after making sure that data of `data_classes` may be there; empty for a folder of this machine.

    A bucket outside the allowed regions takes an exception in force (rule copies_stay) that names its region and those classes. Raises Denied
    without one, Fault when the bucket's region cannot be asked for.
    """
    if not uri.startswith("s3://"):
        return ""
    region = (region_of or bucket_region)(uri.removeprefix("s3://").split("/")[0])
    library = Library.open(policies)
    parameters = library.parameters(environment, now)
    allowed = parameters["allowed_regions"]
    if region in allowed:
        return region
    said = []
    for document, why in leaving(library.folder, environment, parameters, now):
        if document["residency"].get("copy_region") != region:
            continue
        missing = sorted(set(data_classes) - set(document["residency"].get("data_classes") or []))
        if not why and not missing:
            return region
        said.append(f"{document['id']}: {why or 'it does not name ' + ', '.join(missing)}")
    raise Denied(
        f"a copy would leave the country: {region}",
        given=uri,
        allowed=", ".join(allowed),
        why="; ".join(said) or f"no exception in force lets {', '.join(data_classes)} data be in {region} (rule copies_stay)",
        next="choose a bucket of an allowed region, or have the exception decided: runbooks/residency_exception.md",
    )


def bucket_region(bucket: str) -> str:
    """The region that S3 says a bucket is in."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return boto3.client("s3").get_bucket_location(Bucket=bucket)["LocationConstraint"] or "us-east-1"
    except (BotoCoreError, ClientError) as problem:
        raise Fault(
            f"nobody says where bucket {bucket} is", why=str(problem), next="let the caller ask s3:GetBucketLocation of it, or name another place"
        ) from problem
