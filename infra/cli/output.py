"""What a person or a program reads: results on stdout, progress on stderr, secrets in neither."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import click

from falaj.errors import FalajError

_SECRETS = re.compile(
    r"(?P<key>(?:aws_)?(?:secret_access_key|session_token|password|passphrase|token|api_key|authorization)\"?\s*[=:]\s*\"?)(?P<value>[^\s\",}]+)"
    r"|(?P<pem>-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----)|(?P<aws>\bAKIA[0-9A-Z]{16}\b)",
    re.IGNORECASE | re.DOTALL,
)


def redact(text: str) -> str:
    """`text` with everything that looks like a secret replaced; masking too much is the safe mistake."""
    return _SECRETS.sub(lambda found: f"{found['key'] or ''}[redacted]", text)


class RedactingFilter(logging.Filter):
    """Redacts every log record, whoever wrote it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        return True


def emit(result: Any, as_json: bool, show: Callable[[], str]) -> None:
    """Print `result` as JSON, or what `show` makes of it for a person."""
    click.echo(json.dumps(result, indent=1, sort_keys=True, ensure_ascii=False) if as_json else redact(show()))


def progress(text: str) -> None:
    """One line on stderr, with the seconds since the command began."""
    click.echo(f"{time.monotonic() - _BEGAN:6.1f}s  {redact(text)}", err=True)


_BEGAN = time.monotonic()


def table(rows: Sequence[Sequence[str]], heading: Sequence[str] = ()) -> str:
    """Rows as aligned columns; a number column is aligned to the right."""
    everything = [list(map(str, row)) for row in ([heading] if heading else []) + list(rows)]
    if not everything:
        return ""
    widths = [max(len(row[column]) for row in everything) for column in range(len(everything[0]))]
    numeric = [all(re.fullmatch(r"[-+]?[\d.,]+( ?[%a-zA-Z/]+)?", row[column]) for row in everything[1 if heading else 0 :]) for column in range(len(widths))]
    lines = [
        "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in zip(row, widths, numeric, strict=True)).rstrip()
        for row in everything
    ]
    if heading:
        lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def show_error(problem: FalajError) -> None:
    """Print an error with its answers on stderr."""
    style = sys.stderr.isatty()
    head, *rest = redact(str(problem)).splitlines()
    click.echo(click.style(head, bold=True) if style else head, err=True)
    for line in rest:
        click.echo(line, err=True)
