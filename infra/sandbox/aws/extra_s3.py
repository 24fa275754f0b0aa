"""What moto's S3 refuses and the real one allows."""

from __future__ import annotations

from typing import Any


def install() -> None:
    """Make moto's S3 take what the real one takes.

    - An Object Lock rule on a lock-enabled bucket that already holds objects. moto answers BucketNeedsToBeNew, which would
      keep a restored evidence bucket from getting its rule back.
    - Access logs to a bucket whose policy does not yet let them in, or has statements for everybody: S3 looks at the policy
      when it delivers, moto when logging is set, and it fails on `"Principal": "*"`.
    """
    from moto.s3.models import FakeBucket, S3Backend

    refusing = S3Backend.put_object_lock_configuration

    def put_object_lock_configuration(
        self: Any, bucket_name: str, lock_enabled: bool, mode: str | None = None, days: int | None = None, years: int | None = None
    ) -> None:
        bucket = self.get_bucket(bucket_name)
        if not (bucket.object_lock_enabled and lock_enabled):
            return refusing(self, bucket_name, lock_enabled, mode, days, years)
        bucket.default_lock_mode, bucket.default_lock_days, bucket.default_lock_years = mode, days, years

    S3Backend.put_object_lock_configuration = put_object_lock_configuration
    setattr(FakeBucket, "_log_permissions_enabled_policy", staticmethod(lambda target_bucket, target_prefix: True))  # noqa: B010
