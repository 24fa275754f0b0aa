"""Shared files: what pods on several nodes work on at the same time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import policies
from infra.components.network import Network
from infra.config import naming
from infra.config.model import FILES_CLASS, SHARED_VOLUMES, FoundationConfig


class SharedFiles(pulumi.ComponentResource):
    """A file system of the environment's and one of each team's, under the key of personal data of whoever it is; reached by the nodes' driver alone.

    Each has a target in every node subnet, and per volume an access point: a folder of its own, in which everything is done as one user that
    nobody else is. AWS makes no copies: they would lie under a key of AWS's, and outlive what is erased. What is here can be made again; what
    cannot is published to buckets.
    """

    volumes: dict[str, pulumi.Output[str]]
    """Volume, a team's with its name before it -> `<file system>::<access point>`, as the driver writes it."""
    published: dict[str, Any]
    """What other stacks are told of it: the volumes, and the security group of all targets, which lets nobody in until a cluster opens it."""

    def __init__(
        self,
        name: str,
        config: FoundationConfig,
        *,
        keys: Mapping[str, pulumi.Input[str]],
        network: Network,
        opts: ResourceOptions | None = None,
    ) -> None:
        """`keys` holds those of the teams too, as `risk-personal`."""
        super().__init__("falaj:storage:SharedFiles", name, None, opts)
        self._config, self._subnets = config, dict(zip(config.zones, network.node_subnet_ids, strict=True))
        group = aws.ec2.SecurityGroup(
            name,
            name=f"{naming.prefix(config)}-files",
            description="Shared files, from the nodes",
            vpc_id=network.vpc_id,
            tags=naming.tags(config, "internal", "network"),
            opts=ResourceOptions(parent=self),
        )
        self._group = group.id
        self.volumes = {}
        for team in ("", *(each.name for each in config.teams)):
            self._add(naming.of_team(name, team), team, keys[naming.of_team(FILES_CLASS, team)])
        self.published = {"volumes": pulumi.Output.all(**self.volumes), "files_group_id": group.id}
        self.register_outputs(self.published)

    def _add(self, name: str, team: str, key: pulumi.Input[str]) -> None:
        config, here = self._config, ResourceOptions(parent=self)
        tags = naming.tags(config, FILES_CLASS, "model-training", team=team)
        made = aws.efs.FileSystem(
            name,
            creation_token=naming.file_system(config, team),
            encrypted=True,
            kms_key_id=key,
            performance_mode="generalPurpose",
            # Paid by what is read and written: a run reads much for minutes, and then nothing for days.
            throughput_mode="elastic",
            lifecycle_policies=[{"transition_to_ia": "AFTER_30_DAYS"}, {"transition_to_primary_storage_class": "AFTER_1_ACCESS"}],
            tags={**tags, **naming.objectives(config), "Name": naming.file_system(config, team)},
            opts=ResourceOptions(parent=self, protect=not config.removable),
        )
        aws.efs.BackupPolicy(name, file_system_id=made.id, backup_policy={"status": "DISABLED"}, opts=here)
        aws.efs.FileSystemPolicy(name, file_system_id=made.id, policy=policies.files_policy(config), opts=here)
        for zone, subnet in self._subnets.items():
            aws.efs.MountTarget(f"{name}-{zone}", file_system_id=made.id, subnet_id=subnet, security_groups=[self._group], opts=here)
        for volume in SHARED_VOLUMES:
            label = naming.of_team(volume, team)
            user = naming.posix_user(label)
            point = aws.efs.AccessPoint(
                label,
                file_system_id=made.id,
                posix_user={"uid": user, "gid": user},
                root_directory={"path": f"/{volume}", "creation_info": {"owner_uid": user, "owner_gid": user, "permissions": "0700"}},
                tags={**tags, "Name": f"{naming.prefix(config)}-{label}"},
                opts=ResourceOptions(parent=self, protect=not config.removable),
            )
            self.volumes[label] = pulumi.Output.concat(made.id, "::", point.id)
