"""Our own stacks as they would be made in prod, from nothing and beside everything that is: for commands that prove the rules on them."""

from __future__ import annotations

import os
import tempfile

from infra.artifacts import Plan


def own_plans(environment: str = "prod") -> list[Plan]:
    """The plans of our stacks in `environment`, made in a home of their own; nothing of them is kept."""
    from infra.engine.choose import choose
    from infra.pipeline.plan import plan_environment

    before = os.environ.get("FALAJ_HOME")
    with tempfile.TemporaryDirectory(prefix="falaj-plans-") as home:
        os.environ["FALAJ_HOME"] = home
        try:
            return plan_environment(environment, engine=choose(environment, "embedded"))
        finally:
            if before is None:
                del os.environ["FALAJ_HOME"]
            else:
                os.environ["FALAJ_HOME"] = before
