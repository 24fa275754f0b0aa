"""What volumes are made of: classes of disks and of shared files, and the shared volumes that are there already."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi import ResourceOptions

from infra.components.contracts import FoundationOutputs, upstream
from infra.components.custom_objects import custom_object
from infra.config import naming
from infra.config.model import DISKS, SHARED, PlatformStackConfig
from infra.config.teams import Room, rooms

_DEFAULT = {"storageclass.kubernetes.io/is-default-class": "true"}
_SNAPSHOTS = "snapshot.storage.k8s.io/v1"


def storage(config: PlatformStackConfig, *, opts: ResourceOptions) -> dict[str, pulumi.Output[str]]:
    """The classes of a cloud's cluster and its shared volumes: claim, a team's with its name before it -> volume. A site has its own, and none is made."""
    if config.site is not None:
        return {}
    StorageClasses("storage", config, opts=opts)
    return SharedVolumes("volumes", config, volumes=upstream(FoundationOutputs).volumes, opts=opts).names


def _driver(config: PlatformStackConfig) -> str:
    """Who makes disks: the add-on, or EKS itself, whose nodes know no other driver of disks."""
    return "ebs.csi.eks.amazonaws.com" if config.autoscaler == "auto" else "ebs.csi.aws.com"


class StorageClasses(pulumi.ComponentResource):
    """Encrypted disks as the default, and shared files; where asked for, a class of snapshots of disks.

    Disks are under the key of personal data, named by its alias: nobody knows beforehand what pods will write. Nothing makes volumes of shared
    files by itself: those are the foundation stack's.
    """

    def __init__(self, name: str, config: PlatformStackConfig, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:platform:StorageClasses", name, None, opts)
        here = ResourceOptions(parent=self)
        kubernetes.storage.v1.StorageClass(
            DISKS,
            metadata={"name": DISKS, "annotations": _DEFAULT},
            provisioner=_driver(config),
            parameters={"type": DISKS, "encrypted": "true", "kmsKeyId": naming.key_alias_arn(config, "personal")},
            # A disk lies in one zone: that of the first pod that uses it.
            volume_binding_mode="WaitForFirstConsumer",
            allow_volume_expansion=True,
            reclaim_policy="Delete",
            opts=here,
        )
        kubernetes.storage.v1.StorageClass(
            SHARED,
            metadata={"name": SHARED},
            provisioner=naming.FILES_DRIVER,
            volume_binding_mode="Immediate",
            allow_volume_expansion=False,
            reclaim_policy="Retain",
            opts=here,
        )
        if config.snapshots:
            body = {"driver": _driver(config), "deletionPolicy": "Delete"}
            custom_object(_SNAPSHOTS, "VolumeSnapshotClass", f"{name}-snapshots", {"name": DISKS}, body, here)
        self.register_outputs({})


class SharedVolumes(pulumi.ComponentResource):
    """One volume per claim of the class of shared files: an access point of the environment's file system or of a team's, for that claim alone."""

    names: dict[str, pulumi.Output[str]]
    """Claim, a team's with its name before it -> volume."""

    def __init__(self, name: str, config: PlatformStackConfig, *, volumes: pulumi.Output[dict[str, str]], opts: ResourceOptions | None = None) -> None:
        """`volumes` is what the foundation stack says of them."""
        super().__init__("falaj:platform:SharedVolumes", name, None, opts)
        self.names = {}
        for room in rooms(config):
            for claim in room.claims:
                if claim.storage_class == SHARED:
                    label = naming.of_team(claim.name, room.team)
                    self.names[label] = self._volume(label, claim.name, claim.size, room, volumes)
        self.register_outputs({"names": self.names})

    def _volume(self, label: str, claim: str, size: str, room: Room, volumes: pulumi.Output[dict[str, str]]) -> pulumi.Output[str]:
        made = kubernetes.core.v1.PersistentVolume(
            label,
            metadata={"name": f"{room.name}-{claim}"},
            spec={
                # Files grow as they like: the size is the claim's, so that the two fit.
                "capacity": {"storage": size},
                "access_modes": ["ReadWriteMany"],
                "persistent_volume_reclaim_policy": "Retain",
                "storage_class_name": SHARED,
                "claim_ref": {"api_version": "v1", "kind": "PersistentVolumeClaim", "name": claim, "namespace": room.name},
                "mount_options": ["tls", "iam"],
                "csi": {"driver": naming.FILES_DRIVER, "volume_handle": volumes[label]},
            },
            opts=ResourceOptions(parent=self),
        )
        return made.metadata.apply(lambda found: found.name or f"{room.name}-{claim}")
