"""Worlds are made once per test process: a program gives the same resources however often it runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.stacks import world
from tests.stacks.world import World


@cache
def _made(stack: str, environment: str) -> World:
    return world.run(stack, environment)


@pytest.fixture
def made(falaj_home: Path) -> Callable[[str, str], World]:
    """What a stack registers in an environment that does not exist yet. Read only: it is shared."""
    return _made


@pytest.fixture
def prod(made: Callable[[str, str], World]) -> Callable[[str], World]:
    """The same, in prod."""
    return lambda stack: made(stack, "prod")
