"""Writes the pages of docs/, and the DVC pipeline, that are made from the code: `python tools/docs.py [--check]`. A test fails when one is stale."""

from __future__ import annotations

import sys
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
_MADE = "<!-- Made by tools/docs.py; edit the code it is made from, then run it again. -->\n\n"


def pages() -> dict[Path, str]:
    """Path -> text of every generated page."""
    from infra.authoring.pages import pages as of_rules
    from infra.pipeline.library import Library
    from workloads import dvc

    own = {ROOT / "docs" / "cli.md": command_line(), ROOT / "workloads" / "dvc.yaml": dvc.text()}
    return {**own, **{ROOT / "docs" / name: text for name, text in of_rules(Library.open()).items()}}


def command_line() -> str:
    """The help of every verb, as `--help` prints it."""
    from infra.cli.main import VERBS, falaj

    parts = ["# The command line\n"]
    for verb in ["", *VERBS]:
        command = falaj.get_command(None, verb) if verb else falaj  # ty: ignore[invalid-argument-type]
        assert command is not None
        parts += _help(f"falaj {verb}".strip(), command)
    return _MADE + "\n".join(parts)


def _help(name: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=name, max_content_width=120, terminal_width=120)
    parts = [f"## `{name}`\n", "```", command.get_help(context), "```\n"]
    if isinstance(command, click.Group) and name != "falaj":
        for sub in command.list_commands(context):
            child = command.get_command(context, sub)
            assert child is not None
            parts += _help(f"{name} {sub}", child)
    return parts


def main() -> int:
    """Write every page that differs; with --check only name them, and exit 1 if there is one."""
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        print(*(path.name for path in stale))
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(pages()[path])
        print(f"wrote {path.relative_to(ROOT)}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
