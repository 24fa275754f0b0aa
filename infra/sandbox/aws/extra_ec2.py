"""What moto's EC2 lacks."""

from __future__ import annotations


def install() -> None:
    """Nothing yet."""
