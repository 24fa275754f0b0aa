"""What our own environments put onto their clusters, as the programs of their stacks say it: each stack on the outputs of those before."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.config.load import stacks_of
from infra.sandbox.kubernetes.validation_custom import FORMS
from tests.components.test_karpenter import POOLS
from tests.components.test_tracking import SERVER
from tests.config.test_teams import RISK
from tests.stacks.world import World, manifests, names_known, nothing_yet, run

TEAMS = [{**RISK, "secrets": ["hub-token"]}]


def own_worlds(home: Path, environment: str, changes: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, World]:
    """Stack -> what its program registers in an environment whose earlier stacks exist; `home` is for what running a program leaves behind.

    `changes` changes keys of the config of the stacks that it names.
    """
    before = os.environ.get("FALAJ_HOME")
    os.environ["FALAJ_HOME"] = str(home)
    found: dict[str, World] = {}
    try:
        for stack in stacks_of(environment):
            found[stack] = run(stack, environment, config=(changes or {}).get(stack), upstream={earlier: world.outputs for earlier, world in found.items()})
            if stack == "foundation":
                # Ids that AWS hands out.
                found[stack].outputs["volumes"] = {name: f"fs-1::fsap-{number}" for number, name in enumerate(found[stack].of("AccessPoint"))}
    finally:
        os.environ.pop("FALAJ_HOME")
        if before is not None:
            os.environ["FALAJ_HOME"] = before
    return found


def own_objects(worlds: dict[str, World]) -> list[dict[str, Any]]:
    """Manifests in the order in which `up` would make them."""
    found = [manifest for world in worlds.values() for manifest in manifests(world).values()]
    assert "__falaj__" not in json.dumps(found), "an object holds a value that nobody knows yet"
    return found


def jobs_of(the_set: dict[str, Any]) -> list[dict[str, Any]]:
    """What the controller of JobSets makes of a set: the first job of each kind. A set that no server holds has an id that nobody has."""
    name, namespace = the_set["metadata"]["name"], the_set["metadata"]["namespace"]
    uid = the_set["metadata"].get("uid", "00000000-0000-0000-0000-000000000000")
    owner = {"apiVersion": the_set["apiVersion"], "kind": "JobSet", "name": name, "uid": uid, "controller": True}
    found = []
    for replicated in the_set["spec"]["replicatedJobs"]:
        labels = {"jobset.sigs.k8s.io/jobset-name": name, "jobset.sigs.k8s.io/replicatedjob-name": replicated["name"]}
        spec = copy.deepcopy(replicated["template"]["spec"])
        spec["template"]["metadata"]["labels"] |= labels
        spec["template"]["spec"]["subdomain"] = name
        metadata = {"name": f"{name}-{replicated['name']}-0", "namespace": namespace, "labels": labels, "ownerReferences": [owner]}
        found.append({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})
    return found


def others_objects() -> list[dict[str, Any]]:
    """Objects of ours in prod whose kinds are somebody else's, with everything asked for that makes some, by both ways to start nodes."""
    more = {"queues": "kueue", "secrets": "external", "certificates": True, "snapshots": True, "tracking": "server", "tracking_server": SERVER, "teams": TEAMS}
    upstream = nothing_yet("platform")
    upstream["foundation"] |= {"database": {"host": "db.rds", "administrator": "arn:a", "group": "sg-1"}, "bucket_names": {"artifacts": "kept"}}
    worlds = [run("platform", "prod", config={"autoscaler": way, "pools": POOLS, **more}, upstream=upstream) for way in ("karpenter", "auto")]
    worlds.append(run("workloads", "prod", config={"queue": "falaj", "training": {"nodes": 2, "gang": "jobset"}}, upstream=names_known()))
    found = {f"{each['apiVersion']} {name}": each for world in worlds for name, each in manifests(world).items() if each["kind"] in FORMS}
    assert {each["kind"] for each in found.values()} == set(FORMS)
    return list(found.values())
