"""The table of resource types: one row each, grouped by service."""

from __future__ import annotations

from infra.sandbox.aws.row import Row
from infra.sandbox.aws.types import compute, eks, iam, kms, network, other, s3, security_groups

ROWS: dict[str, Row] = {row.type: row for module in (compute, eks, iam, kms, network, other, s3, security_groups) for row in module.ROWS}
"""Type token -> row."""
