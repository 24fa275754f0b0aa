"""`falaj down`: destroys what `up` made and stops the sandbox."""

from __future__ import annotations

import shutil

import click

from falaj.errors import UsageError
from falaj.files import lock
from falaj.home import environment_folder
from infra.cli.options import environment_option, json_option
from infra.cli.output import emit, progress


@click.command()
@environment_option
@click.option("--yes", is_flag=True, help="Needed for any environment but local.")
@click.option("--purge", is_flag=True, help="Also remove the runs, releases and evidence kept on this machine (local only).")
@json_option
def down(environment: str, yes: bool, purge: bool, as_json: bool) -> None:
    """Destroy every stack, the last one first, and stop the sandbox. Evidence and runs stay unless --purge says otherwise."""
    from infra.audit import chain
    from infra.cli.up import now, start_sandbox
    from infra.config.load import is_site
    from infra.engine.choose import choose_to_apply
    from infra.pipeline.converge import destroy

    if environment != "local" and not yes:
        raise UsageError(
            f"{environment} is not destroyed without --yes",
            given=f"falaj down --env {environment}",
            why="it deletes real resources",
            next=f"falaj down --env {environment} --yes",
        )
    if environment != "local" and purge:
        raise UsageError("--purge is for local", given=f"--env {environment} --purge", allowed="--env local", why="records of a real environment are evidence")
    with lock(environment_folder(environment) / "up.lock", what=f"environment {environment}", next="wait until that run ends: runbooks/state_locked.md"):
        engine = choose_to_apply(environment, site=is_site(environment))
        if environment == "local":
            start_sandbox()
        gone = destroy(environment, engine=engine, say=progress)
        if not purge:
            chain.append(environment, "destroyed", environment, {"resources": gone}, now())
        if environment == "local":
            from infra.sandbox.kubernetes.service import free_form

            stop_sandbox()
            free_form()
    if purge:
        shutil.rmtree(environment_folder(environment))
    emit(
        {"environment": environment, "destroyed": gone, "purged": purge},
        as_json,
        lambda: f"{gone} resources destroyed; {'all records removed' if purge else 'records and evidence kept'}",
    )


def stop_sandbox() -> None:
    """End the local environment's servers, the cluster first so that its pods end too."""
    from infra.sandbox.aws.service import aws_daemon
    from infra.sandbox.kubernetes.service import kubernetes_daemon

    kubernetes_daemon().stop()
    aws_daemon().stop()
