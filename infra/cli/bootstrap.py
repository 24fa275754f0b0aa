"""`falaj bootstrap`: from state on this machine to state in the environment's own bucket, under its own key."""

from __future__ import annotations

import shutil
from dataclasses import asdict

import click

from falaj.errors import UsageError
from falaj.home import ROOT, environment_folder
from infra.cli.options import ENVIRONMENTS, json_option
from infra.cli.output import emit, table


@click.command()
@click.option("--env", "environment", required=True, type=click.Choice(ENVIRONMENTS), help="Environment whose state is moved.")
@json_option
def bootstrap(environment: str, as_json: bool) -> None:
    """Move the state of every stack that was applied from this machine to where stacks/state.yaml declares it.

    The state here stays, as a copy. Asking again moves what is left.
    """
    from infra.config.load import is_site
    from infra.config.model import MODELS
    from infra.engine.bootstrap import move_state
    from infra.engine.cli_workspace import declared_backend, environ, secrets_provider
    from infra.engine.passphrase import passphrase
    from infra.engine.program import open_program

    if environment == "local" or is_site(environment):
        raise UsageError(
            f"the state of {environment} stays on this machine",
            given=f"--env {environment}",
            allowed="dev, staging, prod",
            why="the embedded engine keeps it, and applies nothing else",
            next=f"to keep it in a second place: falaj drill copy --env {environment} --part state --to PLACE",
        )
    if shutil.which("pulumi") is None:
        raise UsageError("the Pulumi CLI is not here", why="it alone applies to a cloud, so it alone has state to move", next="put `pulumi` on PATH")
    target = declared_backend(environment)
    programs = [open_program(ROOT / "stacks" / stack, environment) for stack in MODELS]
    source = (environment_folder(environment) / "pulumi").as_uri()
    variables = environ(programs[0], environment, passphrase(), offline=False)
    moved = move_state(programs, source=source, target=target, secrets=secrets_provider(environment, target), environ=variables)
    result = {"environment": environment, "from": source, "to": target, "stacks": [asdict(each) for each in moved]}
    rows = [[each.project, str(each.resources), "moved" if each.done else "was there"] for each in moved]
    emit(result, as_json, lambda: table(rows, ["stack", "resources", ""]) + f"\n\nfrom now on: export PULUMI_BACKEND_URL='{target}&awssdk=v2'")
