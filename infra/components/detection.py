"""Threat detection: somebody who looks at the account's logs, its cluster and its buckets all the time."""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.config import naming
from infra.config.model import FoundationConfig


class ThreatDetection(pulumi.ComponentResource):
    """GuardDuty's detector with the configured features."""

    def __init__(self, name: str, config: FoundationConfig, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:security:ThreatDetection", name, None, opts)
        here = ResourceOptions(parent=self)
        detector = aws.guardduty.Detector(
            name,
            enable=True,
            finding_publishing_frequency=config.detection.publish_every,
            tags=naming.tags(config, "internal", "detection"),
            opts=here,
        )
        for feature in config.detection.features:
            aws.guardduty.DetectorFeature(
                f"{name}-{feature.lower().replace('_', '-')}",
                detector_id=detector.id,
                name=feature,
                status="ENABLED",
                opts=here,
            )
        self.register_outputs({})
