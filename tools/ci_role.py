"""The ARN of a role of CI in one environment, as the config has it: `ci_role.py ENVIRONMENT reader|deployer`. For workflows, which then name no account."""

from __future__ import annotations

import sys

from falaj.errors import FalajError, UsageError
from infra.config.load import load_environment
from infra.config.naming import DEPLOYER, READER, role_arn


def main(environment: str, role: str) -> str:
    """The ARN. Raises UsageError where the environment has no such role."""
    if role not in (READER, DEPLOYER):
        raise UsageError("there is no such role of CI", given=role, allowed=f"{READER}, {DEPLOYER}", next="name one of those")
    config = load_environment(environment).foundation
    if config.pipeline is None:
        raise UsageError(
            f"no job of CI has a role in {environment}",
            given=f"stacks/foundation/Pulumi.{environment}.yaml, without falaj:pipeline",
            next="name the repository there, and have a person apply it: docs/ci.md",
        )
    return role_arn(config, role)


if __name__ == "__main__":
    try:
        print(main(*sys.argv[1:]))
    except FalajError as problem:
        print(f"{problem}", file=sys.stderr)
        sys.exit(int(problem.exit_code))
