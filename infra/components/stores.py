"""Where data and releases lie, as pods are told: in buckets of the account, of a site's own server, or in a folder that the cluster mounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi

from infra.components.contracts import FoundationOutputs, upstream
from infra.components.pods import Mount, claim
from infra.config import naming
from infra.config.model import WorkloadsConfig
from infra.config.site import STORE_CLAIM

_ACCESS, _FOLDER = "/var/run/falaj/store", "/var/lib/falaj/store"
_CREDENTIALS, _AUTHORITY = "credentials", "ca.pem"
"""Keys of the Secret by which a site's server knows us, and we it."""


@dataclass(frozen=True)
class Place:
    """Of one team, or of the environment itself."""

    releases: pulumi.Input[str]
    """Where releases are published to and served from: `s3://bucket/prefix`, or a folder."""
    run: Mapping[str, pulumi.Input[str]]
    """What the stages of a run are told of where data and releases go."""
    access: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """What every pod is told that reads or writes there."""
    mounts: Sequence[Mount] = ()


def places(config: WorkloadsConfig) -> dict[str, Place]:
    """Team -> its place; the environment's own is under the empty name."""
    teams = ("", *(team.name for team in config.teams))
    if config.site is not None and config.site.store.volumes is not None:
        releases = f"{_FOLDER}/releases"
        folder = Place(releases, {"FALAJ_RELEASES": releases, "FALAJ_DATA_REMOTE": f"{_FOLDER}/data"}, mounts=[claim("store", _FOLDER, STORE_CLAIM)])
        return dict.fromkeys(teams, folder)
    kinds = [naming.of_team(kind, team) for team in teams for kind in ("data", "artifacts")]
    if config.site is not None:
        buckets = pulumi.Output.from_input({kind: naming.bucket_name(config, kind) for kind in kinds})
    else:
        buckets = upstream(FoundationOutputs).bucket_names
    access, mounts = _access(config)
    found = {}
    for team in teams:
        data, artifacts = (buckets[naming.of_team(kind, team)] for kind in ("data", "artifacts"))
        run = {"FALAJ_DATA_BUCKET": data, "FALAJ_ARTIFACTS_BUCKET": artifacts}
        found[team] = Place(pulumi.Output.concat("s3://", artifacts, "/releases"), run, access, mounts)
    return found


def _access(config: WorkloadsConfig) -> tuple[dict[str, pulumi.Input[str]], list[Mount]]:
    """In a cloud a pod's identity is enough; a site's server asks for a key, which pods read from a file and nobody finds in an environment."""
    if config.site is None:
        return {}, []
    store = config.site.store
    told: dict[str, pulumi.Input[str]] = {
        "AWS_ENDPOINT_URL": store.endpoint or "",
        "AWS_REGION": config.site.name,
        "AWS_SHARED_CREDENTIALS_FILE": f"{_ACCESS}/{_CREDENTIALS}",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    if store.private_authority:
        told["AWS_CA_BUNDLE"] = f"{_ACCESS}/{_AUTHORITY}"
    keys = [_CREDENTIALS, *([_AUTHORITY] if store.private_authority else [])]
    secret = {"secret": {"secret_name": store.secret, "items": [{"key": key, "path": key} for key in keys]}}
    return told, [Mount("store", _ACCESS, secret, read_only=True)]
