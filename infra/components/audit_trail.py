"""The audit trail: who called what in the account, provable and locked away."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.config import naming
from infra.config.model import FoundationConfig
from infra.config.teams import buckets


class AuditTrail(pulumi.ComponentResource):
    """CloudTrail over all regions with file validation, encrypted, into the locked bucket.

    All regions, since a call made elsewhere is exactly what has to be seen; the records themselves stay in the bucket's region.
    Object reads and writes are recorded for the buckets whose config asks for it.
    """

    arn: pulumi.Output[str]

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
        """`after` holds what must be there before the trail may deliver."""
        super().__init__("falaj:audit:AuditTrail", name, None, opts)
        trail = aws.cloudtrail.Trail(
            name,
            name=naming.prefix(config),
            s3_bucket_name=bucket,
            kms_key_id=key,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            enable_logging=True,
            advanced_event_selectors=_selectors(config),
            tags=naming.tags(config, "evidence", "audit-evidence"),
            opts=ResourceOptions(parent=self, depends_on=list(after)),
        )
        self.arn = trail.arn
        self.register_outputs({"arn": self.arn})


def _selectors(config: FoundationConfig) -> list[aws.cloudtrail.TrailAdvancedEventSelectorArgsDict]:
    # Of what services deliver into, reads alone: the trail's own deliveries would each be one more record to deliver.
    return [
        {"name": "management", "field_selectors": [{"field": "eventCategory", "equals": ["Management"]}]},
        {"name": "objects", "field_selectors": _objects(config, "all")},
        {"name": "delivered", "field_selectors": [*_objects(config, "reads"), {"field": "readOnly", "equals": ["true"]}]},
    ]


def _objects(config: FoundationConfig, recorded: str) -> list[aws.cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgsDict]:
    found = [f"{naming.bucket_arn(config, bucket.name)}/" for bucket in buckets(config) if bucket.record_access == recorded]
    return [
        {"field": "eventCategory", "equals": ["Data"]},
        {"field": "resources.type", "equals": ["AWS::S3::Object"]},
        {"field": "resources.ARN", "starts_withs": found},
    ]
