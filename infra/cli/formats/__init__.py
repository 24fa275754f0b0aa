"""Decisions as other programs read them: SARIF for code scanning, JUnit for test reports, Markdown for a pull request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.artifacts import Decision

FORMATS = ("text", "json", "sarif", "junit", "markdown")
"""What `--format` takes; the first two are made where the command is."""


def render(decisions: Sequence[Decision], format: str, *, program: str) -> str:
    """`decisions` as `sarif`, `junit` or `markdown`; `program` is the folder that results point to, relative to the repository."""
    write: Callable[..., str] = import_module(f"infra.cli.formats.{format}").render
    return write(decisions, program=program)


def place_of(decision: Decision, program: str) -> str:
    """The file a decision's results point to: the program that was planned, relative to the repository."""
    if program:
        return f"{program.rstrip('/')}/__main__.py"
    stack = decision.subject.split("/")[0].removeprefix("falaj-")
    return f"stacks/{stack}/__main__.py" if decision.kind == "plan" else "policies"


def named(subject: str) -> str:
    """`name (type)` of a URN; other subjects as they are."""
    parts = subject.split("::")
    return f"{parts[-1]} ({parts[-2].rsplit('$', 1)[-1]})" if subject.startswith("urn:pulumi:") and len(parts) >= 4 else subject
