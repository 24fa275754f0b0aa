"""`falaj`: finds the verb's module and turns errors into exit codes. Nothing heavy is imported until a verb runs."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NoReturn

import click

from falaj.errors import Exit, FalajError

VERBS = {
    "up": "Plan, judge and apply an environment; in local, run the whole road.",
    "plan": "Plan an environment, or any folder with a Pulumi Python program.",
    "gate": "Judge plans, the repository or evidence: 0 allowed, 3 denied, 4 undecided.",
    "run": "Run road B: prepare, train, compress, evaluate, judge, register.",
    "data": "Check, pull, list, compare and roll back data; trace a model to its rows.",
    "tracking": "List and send the runs that wait for MLflow.",
    "tune": "Search for a better recipe, and take the winner.",
    "serve": "Serve a release on this machine.",
    "keys": "Make, list and revoke API keys of the server.",
    "traffic": "Canary, shadow and kill switch of the served releases.",
    "seal": "Encrypt releases, and make the keys for it.",
    "edge": "Build one folder that serves a release without a cluster.",
    "drift": "Compare live requests with the reference, or live resources with what was applied.",
    "rollback": "Serve the previous release again.",
    "status": "Show what is up, and where.",
    "bootstrap": "Move the first state of an environment into its own bucket, under its own key.",
    "down": "Destroy what `up` made and stop the sandbox.",
    "audit": "Export or verify signed evidence.",
    "residency": "Record per data class where it lies, and what is decided for the loss of the region.",
    "drill": "Copy what cannot be made again, and rehearse bringing it back.",
    "evidence": "Write, sign and list documents about what was done.",
    "image": "Sign images by digest, and say which may run.",
    "waiver": "Write, sign, list and check exceptions that two people approve.",
    "policy": "Write, test, explain and emit the rules.",
    "bench": "Measure Falaj beside its peers.",
    "doctor": "Say what this machine has and what that enables.",
}
"""Verb -> the line that `falaj --help` shows; the module of the same name holds the command."""


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        return getattr(import_module(f"infra.cli.{cmd_name}"), cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option("0.1.0", prog_name="falaj")
def falaj() -> None:
    """MLOps platform as code that keeps data and models in the UAE.

    \b
    Exit codes: 0 done, 1 tool fault, 2 wrong use or config, 3 denied, 4 undecided, 5 drift.
    """


def main() -> NoReturn:
    """Run the command line; errors for people go to stderr, and the exit code says which kind."""
    try:
        code = falaj.main(standalone_mode=False)
    except FalajError as problem:
        from infra.cli.output import show_error

        show_error(problem)
        code = problem.exit_code
    except click.ClickException as problem:
        problem.show()
        code = Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; what was finished is kept, run the same command to go on", err=True)
        code = Exit.FAULT
    sys.exit(int(code) if isinstance(code, int) else Exit.DONE)


if __name__ == "__main__":
    main()
