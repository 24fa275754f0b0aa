"""What moto's security groups forget: what is said of a rule that names another group."""

from __future__ import annotations

from typing import Any


def install() -> None:
    """Make moto tell the description of a rule for a group or a list of prefixes, as it tells that of a rule for addresses."""
    from moto.ec2.models.security_groups import SecurityGroupRule

    def description(self: Any) -> str | None:
        parts = (self.ip_range, self.source_group, getattr(self, "prefix_list_id", None))
        return next((part["Description"] for part in parts if isinstance(part, dict) and part.get("Description")), None)

    SecurityGroupRule.description = property(description)  # ty: ignore[invalid-assignment]
