"""The tokenizer checks of a run: a report of what was found, and an end before training where it is past a limit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from falaj.errors import UsageError
from falaj.files import write_durably, write_json
from workloads.tokens import report
from workloads.tokens.agreement import Own
from workloads.tokens.limits import Limits, params_file
from workloads.tokens.measure import Figures, misfits

_NEXT = {
    "unknown": "take a base model for these languages, or leave them out (cleaning.languages)",
    "altered": "take a base model whose tokenizer keeps texts as they are",
    "cut": "take a recipe that reads and answers at more length",
}


def require_suited(out: Path, name: str, figures: Mapping[tuple[str, str], Figures], limits: Limits, own: Own) -> None:
    """Write `tokens.json` and `tokens.html` into `out`. Raises UsageError where the tokenizer suits the rows of the data set `name` less than `limits`."""
    found = report.build(figures, limits, own)
    write_json(out / report.JSON, found)
    write_durably(out / report.PAGE, report.page(found, f"Token report: {name}").encode())
    past = misfits(figures, limits)
    if past:
        kinds = dict.fromkeys(what for what, _ in past)
        raise UsageError(
            "the base model's tokenizer does not suit the data",
            given="\n           ".join(said for _, said in past),
            allowed=f"the limits under `tokens` in {params_file()}",
            why="what is unknown to the tokenizer or cut off cannot be learnt",
            next=f"{'; '.join(_NEXT[what] for what in kinds)}; all figures: {out / report.PAGE}",
        )
