"""Who watches the account besides the audit trail: the recorder of how things were, the detector of what should not be, who looks
at settings and at the bill."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
from pulumi import ResourceOptions

from infra.components.budget import Budget
from infra.components.detection import ThreatDetection
from infra.components.posture import Posture
from infra.components.recorder import Recorder
from infra.config.model import FoundationConfig


class Watch(pulumi.ComponentResource):
    """`Recorder`, delivering into `bucket` under `key`, `ThreatDetection`, `Posture`, and
    `Budget`, over the bill."""

    def __init__(
        self,
        name: str,
        config: FoundationConfig,
        *,
        bucket: pulumi.Input[str],
        key: pulumi.Input[str],
        after: Sequence[pulumi.Resource],
        opts: ResourceOptions | None = None,
    ) -> None:
        """`after` holds what must be there before the recorder may deliver."""
        super().__init__("falaj:audit:Watch", name, None, opts)
        here = ResourceOptions(parent=self)
        recorder = Recorder("recorder", config, bucket=bucket, key=key, after=after, opts=here)
        ThreatDetection("detection", config, opts=here)
        # The hub's checks ask the recorder, so that comes first.
        Posture("posture", config, opts=ResourceOptions(parent=self, depends_on=[recorder]))
        Budget("budget", config, opts=here)
        self.register_outputs({})
