"""The image registry: tags that never move, images scanned as they arrive, under a key of ours."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.config import naming
from infra.config.model import FoundationConfig


class Registry(pulumi.ComponentResource):
    """One repository per image. What lost its tag ends after some days; tagged images stay, since a release may name them by digest."""

    urls: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, config: FoundationConfig, *, key: pulumi.Input[str], team: str = "", opts: ResourceOptions | None = None) -> None:
        """`team`: repositories of its own, for the images that only its pods run."""
        super().__init__("falaj:registry:Registry", name, None, opts)
        self._team = team
        self.urls = {each: self._repository(config, each, key) for each in (naming.of_team(repository, team) for repository in config.repositories)}
        self.register_outputs({"urls": self.urls})

    def _repository(self, config: FoundationConfig, repository: str, key: pulumi.Input[str]) -> pulumi.Output[str]:
        here = ResourceOptions(parent=self)
        made = aws.ecr.Repository(
            repository,
            name=repository,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": key}],
            force_delete=config.removable,
            tags=naming.tags(config, "confidential", "container-images", team=self._team),
            opts=here,
        )
        aws.ecr.LifecyclePolicy(repository, repository=made.name, policy=untagged_end(config.untagged_image_days), opts=here)
        return made.repository_url


def untagged_end(days: int) -> str:
    """Lifecycle policy that removes images `days` after they lost their last tag."""
    selection = {"tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": days}
    rule = {"rulePriority": 1, "description": f"untagged images end after {days} days", "selection": selection, "action": {"type": "expire"}}
    return json.dumps({"rules": [rule]}, sort_keys=True)
