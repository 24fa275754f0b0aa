"""The online part of the feature store: the table that Feast's DynamoDB store reads and writes.

The stack makes the table, not Feast: Feast would make it under a key of AWS's own, without a way back, untagged and deletable, and every job
would need the right to make and delete tables. Feast finds the table and uses it as it is.
"""

from __future__ import annotations

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.config import naming
from infra.config.classes import CLASSES
from infra.config.model import FEATURES_CLASS, FoundationConfig

_KEY = "entity_id"
"""What Feast calls the hash of an entity's keys."""


class FeatureStore(pulumi.ComponentResource):
    """One table under `key`, paid by request, that can be had back as it was at any second of the last days.

    The offline part needs nothing of its own: it is Parquet in the bucket `data`, which ends what is in it. The table's way back is as long as
    that bucket keeps what was replaced, so that erased features do not outlive erased rows.
    """

    table: pulumi.Output[str]

    def __init__(self, name: str, config: FoundationConfig, *, key: pulumi.Input[str], opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:storage:FeatureStore", name, None, opts)
        made = aws.dynamodb.Table(
            name,
            name=naming.feature_table(config),
            billing_mode="PAY_PER_REQUEST",
            hash_key=_KEY,
            attributes=[{"name": _KEY, "type": "S"}],
            server_side_encryption={"enabled": True, "kms_key_arn": key},
            point_in_time_recovery={"enabled": True, "recovery_period_in_days": CLASSES[FEATURES_CLASS].noncurrent_days},
            deletion_protection_enabled=not config.removable,
            tags=naming.store_tags(config, FEATURES_CLASS, "model-features"),
            opts=ResourceOptions(parent=self, protect=not config.removable),
        )
        self.table = made.name
        self.register_outputs({"table": self.table})
