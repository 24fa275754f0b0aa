"""The data card: where the rows come from, under which licence, how many there are of what, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCHEMA = "falaj.data/1"


def markdown(card: Mapping[str, Any]) -> str:
    """The card for people; `card` is the JSON one."""
    lines = [f"# Data card: {card['name']}", "", card["about"], "", "## Sources", "", "| name | from | licence | revision | digest |", "|---|---|---|---|---|"]
    lines += [f"| {source['name']} | {source['uri']} | {source['licence']} | {source['revision']} | {source['digest'][:23]} |" for source in card["sources"]]
    lines += ["", "## Rows", "", "| task | train | validation | test |", "|---|---|---|---|"]
    lines += [f"| {task} | {counts['train']} | {counts['validation']} | {counts['test']} |" for task, counts in card["tasks"].items()]
    total = card["rows"]
    lines += [f"| all | {total['train']} | {total['validation']} | {total['test']} |", "", card["split"], ""]
    long = card["lengths"]
    lines += [
        f"Source length in tokens: median {long['source']['median']}, 95th percentile {long['source']['p95']}, longest {long['source']['most']}; "
        f"the model reads {long['limit']}, so {long['truncated']} rows are cut there.",
        "",
        "## Left out",
        "",
        f"{card['read']} read = {card['used']} used + {card['put_aside']} put aside.",
        "",
        *[f"- {number}: {reason}" for reason, number in card["quarantine"].items()],
        "",
        "## Tracking",
        "",
        card["tracked"],
        "",
    ]
    return "\n".join(lines)
