"""The table of resource types: one row each, grouped by service."""

from __future__ import annotations

from infra.sandbox.aws.row import Row
from infra.sandbox.aws.types import iam, kms, s3

ROWS: dict[str, Row] = {row.type: row for module in (iam, kms, s3) for row in module.ROWS}
"""Type token -> row."""
