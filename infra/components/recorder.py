"""The recorder: what every resource of the account looked like at any time, whoever changed it and with what."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.config import naming
from infra.config.model import FoundationConfig
from infra.config.regions import region

_SERVICE = "config.amazonaws.com"
_LONGEST_DAYS, _SHORTEST_DAYS = 2557, 30
"""How long AWS Config can keep what it recorded."""


class Recorder(pulumi.ComponentResource):
    """AWS Config over everything that it knows in the region, as the role that it has for itself, with a snapshot a day into `bucket` under `key`.

    An account has at most one recorder, and one such role: where somebody has made them already, they are imported.
    """

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
        super().__init__("falaj:audit:Recorder", name, None, opts)
        label, records_iam = naming.prefix(config), region(config.region, given="falaj:region").records_iam
        role = aws.iam.ServiceLinkedRole(name, aws_service_name=_SERVICE, tags=naming.tags(config, "internal", "access"), opts=ResourceOptions(parent=self))
        recorder = aws.cfg.Recorder(
            name,
            name=label,
            # By name: the ARN is known before the role is.
            role_arn=naming.global_arn(config, "iam", f"role/aws-service-role/{_SERVICE}/AWSServiceRoleForConfig"),
            # Where the region records no identities, asking for them would say that somebody does: there the trail alone tells what became of a role.
            recording_group={"all_supported": True, "include_global_resource_types": records_iam},
            opts=ResourceOptions(parent=self, depends_on=[role]),
        )
        channel = aws.cfg.DeliveryChannel(
            name,
            name=label,
            s3_bucket_name=bucket,
            s3_kms_key_arn=key,
            snapshot_delivery_properties={"delivery_frequency": "TwentyFour_Hours"},
            opts=ResourceOptions(parent=self, depends_on=[recorder, *after]),
        )
        aws.cfg.RecorderStatus(name, name=recorder.name, is_enabled=True, opts=ResourceOptions(parent=self, depends_on=[channel]))
        days = min(max(config.retention_of("internal"), _SHORTEST_DAYS), _LONGEST_DAYS)
        aws.cfg.RetentionConfiguration(name, retention_period_in_days=days, opts=ResourceOptions(parent=self, depends_on=[recorder]))
        self.register_outputs({})
