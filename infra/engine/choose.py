"""Which engine runs a program: the one that was named, else the CLI where it must or may, else the embedded one."""

from __future__ import annotations

import os
import shutil

from falaj.errors import UsageError
from infra.engine.engine import Engine

ENGINES = ("embedded", "pulumi")
VARIABLE = "FALAJ_ENGINE"


def choose(environment: str, name: str | None = None, *, site: bool = False) -> Engine:
    """The engine `name` (else FALAJ_ENGINE, else the embedded one) for an environment; `site`: it lies on a cluster of one's own, and in no cloud.

    The embedded engine is the default everywhere, since it plans every environment and needs nothing; applying to a cloud takes
    the CLI, and the embedded engine's own refusal says so. Raises UsageError for an unknown engine, or a CLI that is not there.
    """
    wanted = name or os.environ.get(VARIABLE) or "embedded"
    if wanted == "embedded":
        from infra.engine.embedded import EmbeddedEngine

        if not site:
            return EmbeddedEngine(environment)
        from infra.engine.embedded.sources import on_site

        return EmbeddedEngine(environment, on_site, applies=("local", environment))
    if wanted == "pulumi":
        if shutil.which("pulumi") is None:
            raise UsageError(
                "the Pulumi CLI is not here",
                given=wanted,
                allowed="embedded",
                why="the embedded engine plans every environment, but only the CLI may change a real cloud",
                next="put `pulumi` on PATH, or use the embedded engine",
            )
        from infra.engine.pulumi_cli import PulumiCliEngine

        return PulumiCliEngine(environment)
    raise UsageError("there is no such engine", given=wanted, allowed=", ".join(ENGINES), next=f"unset {VARIABLE}, or name one of those")


def choose_to_apply(environment: str, name: str | None = None, *, site: bool = False) -> Engine:
    """The engine that may change an environment: the embedded one for `local` and on a site, the CLI in a cloud, unless `name` says otherwise."""
    return choose(environment, name or os.environ.get(VARIABLE) or ("embedded" if environment == "local" or site else "pulumi"), site=site)
