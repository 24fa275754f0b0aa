"""Our own prod, planned once for all proofs."""

from __future__ import annotations

import pytest

from infra.artifacts import Plan
from infra.cli.own_plans import own_plans


@pytest.fixture(scope="session")
def plans() -> list[Plan]:
    """Our four stacks as they would be made in prod, from nothing."""
    return own_plans()
