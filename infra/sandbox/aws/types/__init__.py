"""The table of resource types: one row each, grouped by service."""

from __future__ import annotations

from infra.sandbox.aws.row import Row
from infra.sandbox.aws.types import (
    backup,
    compute,
    databases,
    dynamodb,
    eks,
    files,
    firewall,
    gateways,
    iam,
    kms,
    network,
    other,
    posture,
    queues,
    s3,
    secrets,
    security_groups,
    watching,
)

_MODULES = (
    backup,
    compute,
    databases,
    dynamodb,
    eks,
    files,
    firewall,
    gateways,
    iam,
    kms,
    network,
    other,
    posture,
    queues,
    s3,
    secrets,
    security_groups,
    watching,
)
ROWS: dict[str, Row] = {row.type: row for module in _MODULES for row in module.ROWS}
"""Type token -> row."""
