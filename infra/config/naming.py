"""Names, ARNs and tags as pure functions: the same in every stack, and known before anything exists."""

from __future__ import annotations

from infra.config.model import StackConfig

MODEL_TAGS = ("owner", "environment", "data-class", "purpose", "legal-basis", "retention")
"""The tags that every taggable resource carries."""


def prefix(config: StackConfig) -> str:
    """First part of every name: product and environment."""
    return f"falaj-{config.environment}"


def bucket_name(purpose: str, config: StackConfig) -> str:
    """Globally unique, since bucket names are: the account is part of it."""
    return f"{prefix(config)}-{purpose}-{config.account}"


def bucket_arn(purpose: str, config: StackConfig) -> str:
    """ARN of a bucket of ours."""
    return f"arn:{config.partition}:s3:::{bucket_name(purpose, config)}"


def key_alias(purpose: str, config: StackConfig) -> str:
    """Alias of a key; stable where the key's id is not known yet."""
    return f"alias/{prefix(config)}-{purpose}"


def key_alias_arn(purpose: str, config: StackConfig) -> str:
    """ARN of a key's alias, by which other stacks name the key before it exists."""
    return f"arn:{config.partition}:kms:{config.region}:{config.account}:{key_alias(purpose, config)}"


def role_name(purpose: str, config: StackConfig) -> str:
    """Name of an IAM role of ours."""
    return f"{prefix(config)}-{purpose}"


def role_arn(name: str, config: StackConfig) -> str:
    """ARN of a role of this account by its name."""
    return f"arn:{config.partition}:iam::{config.account}:role/{name}"


def cluster_name(config: StackConfig) -> str:
    """Name of the EKS cluster."""
    return prefix(config)


def registry(config: StackConfig) -> str:
    """Host of the account's own image registry in the region."""
    return f"{config.account}.dkr.ecr.{config.region}.amazonaws.com"


def image(repository: str, digest: str, config: StackConfig) -> str:
    """Full name of an image, by digest."""
    return f"{registry(config)}/{repository}@{digest}"


def tags(config: StackConfig, *, data_class: str, purpose: str, legal_basis: str = "legitimate interest", retention_days: int | None = None) -> dict[str, str]:
    """The tags of a resource; `retention` is `none` for what holds no data."""
    return {
        "owner": config.owner,
        "environment": config.environment,
        "data-class": data_class,
        "purpose": purpose,
        "legal-basis": legal_basis,
        "retention": f"{retention_days} days" if retention_days else "none",
    }
