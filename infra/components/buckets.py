"""Buckets: everything a bucket needs to be private, encrypted, kept and ended, in one component."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws
from pulumi import ResourceOptions

from infra.components import policies
from infra.components.feature_store import FeatureStore
from infra.config import naming
from infra.config.classes import CLASSES, ClassName
from infra.config.model import BUCKETS, FEATURES_CLASS, BucketConfig, FoundationConfig, TeamConfig
from infra.config.teams import buckets_of


class EncryptedBucket(pulumi.ComponentResource):
    """S3 bucket that holds one data class.

    Creates the bucket, versioning, SSE-KMS with `key` and a bucket key, a full public-access block, bucket-owner ownership, a policy that
    denies what comes without TLS, from another account or from outside the network, a lifecycle that ends with the class's retention and,
    where the bucket is locked, Object Lock.
    """

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    ready: list[pulumi.Resource]
    """What must be there before a service may deliver into the bucket."""

    def __init__(self, name: str, config: FoundationConfig, bucket: BucketConfig, *, key: pulumi.Input[str], opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:storage:EncryptedBucket", name, None, opts)
        self._here = ResourceOptions(parent=self)
        made = aws.s3.Bucket(
            name,
            bucket=naming.bucket_name(config, bucket.name),
            object_lock_enabled=True if bucket.locked else None,
            force_destroy=config.removable,
            tags=naming.store_tags(config, bucket.data_class, bucket.purpose, team=bucket.team),
            opts=ResourceOptions(parent=self, protect=not config.removable),
        )
        versioning = aws.s3.BucketVersioning(name, bucket=made.id, versioning_configuration={"status": "Enabled"}, opts=self._here)
        self._encrypt(name, made, key)
        document = policies.bucket_policy(config, bucket, config.network.cidr, copied=bucket.kind in config.backups.buckets)
        policy = self._close(name, made, document)
        self._expire(name, made, config, bucket, versioning)
        if bucket.locked:
            self._lock(name, made, config, versioning)
        self.name, self.arn = made.bucket, made.arn
        self.ready = [policy]
        self.register_outputs({"name": self.name, "arn": self.arn})

    def _encrypt(self, name: str, bucket: aws.s3.Bucket, key: pulumi.Input[str]) -> None:
        rule: aws.s3.BucketServerSideEncryptionConfigurationRuleArgsDict = {
            "apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms", "kms_master_key_id": key},
            "bucket_key_enabled": True,
        }
        aws.s3.BucketServerSideEncryptionConfiguration(name, bucket=bucket.id, rules=[rule], opts=self._here)

    def _close(self, name: str, bucket: aws.s3.Bucket, policy: str) -> aws.s3.BucketPolicy:
        block = aws.s3.BucketPublicAccessBlock(
            name,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._here,
        )
        aws.s3.BucketOwnershipControls(name, bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=self._here)
        # S3 answers one configuration call for a bucket at a time; a policy beside a changing access block is refused now and then.
        return aws.s3.BucketPolicy(name, bucket=bucket.id, policy=policy, opts=ResourceOptions(parent=self, depends_on=[block]))

    def _expire(self, name: str, bucket: aws.s3.Bucket, config: FoundationConfig, wanted: BucketConfig, after: pulumi.Resource) -> None:
        rules: list[aws.s3.BucketLifecycleConfigurationRuleArgsDict] = [
            {
                "id": "retention",
                "status": "Enabled",
                "filter": {"prefix": ""},
                "noncurrent_version_expiration": {"noncurrent_days": CLASSES[wanted.data_class].noncurrent_days},
                "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
            }
        ]
        # State and releases are in use for as long as nothing replaced them: only what was replaced ends.
        if wanted.kind not in ("state", "artifacts"):
            rules[0]["expiration"] = {"days": config.retention_of(wanted.data_class)}
        aws.s3.BucketLifecycleConfiguration(name, bucket=bucket.id, rules=rules, opts=ResourceOptions(parent=self, depends_on=[after]))

    def _lock(self, name: str, bucket: aws.s3.Bucket, config: FoundationConfig, after: pulumi.Resource) -> None:
        retention = {"mode": config.lock.mode, "days": config.lock.days}
        aws.s3.BucketObjectLockConfiguration(
            name,
            bucket=bucket.id,
            object_lock_enabled="Enabled",
            rule={"default_retention": retention},  # ty: ignore[invalid-argument-type]
            opts=ResourceOptions(parent=self, depends_on=[after]),
        )


class Storage(pulumi.ComponentResource):
    """The environment's buckets and its table of online features, or a team's buckets, each under the key of its data class."""

    names: dict[str, pulumi.Output[str]]
    arns: dict[str, pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        config: FoundationConfig,
        *,
        keys: Mapping[ClassName, pulumi.Input[str]],
        team: TeamConfig | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("falaj:storage:Storage", name, None, opts)
        self.buckets = {
            bucket.name: EncryptedBucket(bucket.name, config, bucket, key=keys[bucket.data_class], opts=ResourceOptions(parent=self))
            for bucket in (buckets_of(team) if team else BUCKETS)
        }
        if team is None:
            FeatureStore("features", config, key=keys[FEATURES_CLASS], opts=ResourceOptions(parent=self))
        self.names = {each: bucket.name for each, bucket in self.buckets.items()}
        self.arns = {each: bucket.arn for each, bucket in self.buckets.items()}
        self.register_outputs({"names": self.names})
