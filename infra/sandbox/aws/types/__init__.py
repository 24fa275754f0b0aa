"""The table of resource types: one row each, grouped by service."""

from __future__ import annotations

from infra.sandbox.aws.row import Row
from infra.sandbox.aws.types import backup, compute, eks, iam, kms, network, other, s3, security_groups, watching

ROWS: dict[str, Row] = {row.type: row for module in (backup, compute, eks, iam, kms, network, other, s3, security_groups, watching) for row in module.ROWS}
"""Type token -> row."""
