"""The same worlds as the stack tests: components are looked at where programs put them."""

from tests.stacks.conftest import made, prod

__all__ = ["made", "prod"]
