"""`falaj policy`: work on the library of rules; each verb is in a module of its own, imported on use."""

from __future__ import annotations

from importlib import import_module

import click

_VERBS = {
    "new": "Write the five files of a new rule, whole and green.",
    "test": "Lint the rules and test them: samples, Rego tests, coverage.",
    "explain": "Say all of one rule: what it holds, whom it judges, by which numbers, for which controls.",
    "build": "Build the rules into the forms that other programs take: Gatekeeper, the API server.",
    "docs": "Write docs/policies and docs/controls from the rules and catalogues.",
}


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return getattr(import_module(f"infra.cli.policy_{cmd_name}"), cmd_name) if cmd_name in _VERBS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_VERBS.items()))


@click.group(cls=_Verbs)
def policy() -> None:
    """Write, test, explain and emit the rules."""
