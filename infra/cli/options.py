"""Options that many verbs share, so that they read and behave the same everywhere."""

from __future__ import annotations

from collections.abc import Callable

import click

from falaj.errors import UsageError

ENVIRONMENTS = ("local", "dev", "staging", "prod", "onprem")
FORMS = ("process", "node")
"""Forms of Kubernetes that `local` can have."""

environment_option = click.option("--env", "environment", default="local", show_default=True, type=click.Choice(ENVIRONMENTS), help="Environment to work on.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
engine_option = click.option(
    "--engine",
    "engine_name",
    type=click.Choice(["embedded", "pulumi"]),
    help="The embedded engine (plans all, applies local and sites) or the Pulumi CLI; chosen by what is needed where left out.",
)

REFUSED = {
    "--target": "a part of a plan",
    "--target-dependents": "a part of a plan",
    "--target-replace": "a part of a plan",
    "--exclude": "a part of a plan",
    "--exclude-dependents": "a part of a plan",
    "--replace": "a replacement that no input asks for",
}
"""Options of the Pulumi CLI that narrow or bend a plan -> what they would make of it."""


def refuse_partial_plans(command: Callable[..., None]) -> Callable[..., None]:
    """Refuse the CLI's options in `REFUSED` by name, whichever the engine."""
    for name in REFUSED:
        command = click.option(name, multiple=True, hidden=True, expose_value=False, callback=_refuse)(command)
    return command


def _refuse(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> None:
    if value:
        name = parameter.opts[0]
        raise UsageError(
            f"{name} is not taken",
            given=f"{name} {value[0]}",
            allowed="a whole environment, or one of its stacks by plan --stack",
            why=f"it would make {REFUSED[name]}, and the gate answers for what a whole plan leaves behind",
            next=f"leave it out; in an emergency pulumi up {name} in the stack's folder, and falaj plan right after it",
        )
