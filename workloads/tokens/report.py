"""What the tokenizer checks found, as numbers for machines and as a page that people open: `tokens.json` and `tokens.html`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from html import escape
from typing import Any

from workloads.data.pages import bars, document
from workloads.data.rows import spread
from workloads.tokens.agreement import Own
from workloads.tokens.limits import Limits
from workloads.tokens.measure import NAMES, Figures, misfits

SCHEMA = "falaj.tokens/1"
JSON, PAGE = "tokens.json", "tokens.html"
_STEPS = (8, 16, 32, 64, 128, 256, 512, 1024)
_SAID = {
    "unknown": "characters not in the vocabulary",
    "unknown_tokens": "tokens that stand for such characters",
    "altered": "texts that come back from their tokens as others",
    "cut": "texts longer than the model is given",
}


def build(figures: Mapping[tuple[str, str], Figures], limits: Limits, own: Own) -> dict[str, Any]:
    """The report: numbers only, no text of a row."""
    return {
        "schema": SCHEMA,
        "tokenizer": {"digest": own.digest, "tokens": own.tokens, "rows": own.rows},
        "limits": limits.model_dump(),
        "past_limits": [said for _, said in misfits(figures, limits)],
        "texts": [
            {
                "kind": kind,
                "language": code,
                "texts": each.texts,
                "tokens": each.tokens,
                "characters": each.characters,
                "shares": {name: round(share, 6) for name, share in each.shares.items()},
                "limit": each.limit,
                "lengths": spread(each.lengths),
                "histogram": _histogram(each.lengths),
            }
            for (kind, code), each in sorted(figures.items())
        ],
    }


def _histogram(lengths: Counter[int]) -> dict[str, int]:
    counted: Counter[int] = Counter()
    for length, number in lengths.items():
        counted[next((step for step in _STEPS if length <= step), _STEPS[-1] + 1)] += number
    return {f"at most {step}" if step in _STEPS else f"more than {_STEPS[-1]}": counted[step] for step in sorted(counted)}


def page(report: Mapping[str, Any], title: str) -> str:
    """The page of a report."""
    tokenizer, past = report["tokenizer"], report["past_limits"]
    listed = f"<ul>{''.join(f'<li><b>{escape(each)}</b>' for each in past)}</ul>"
    parts = [
        f"<p class=sum>{tokenizer['tokens']:,} tokens for {tokenizer['rows']:,} rows of the model's vocabulary; "
        + ("the tokenizer suits these rows.</p>" if not past else f"<b>past {len(past)} limits</b>, so nothing is trained:</p>{listed}"),
        *(_texts(each) for each in report["texts"]),
        "<h2>Limits</h2><table>"
        + "".join(f"<tr><td>{escape(name)}</td><td class=n>{value}</td></tr>" for name, value in report["limits"].items())
        + "</table>",
    ]
    return document(title, parts)


def _texts(each: Mapping[str, Any]) -> str:
    shares = "".join(f"<tr><td>{escape(_SAID[name])}</td><td class=n>{share:.2%}</td></tr>" for name, share in each["shares"].items())
    lengths = each["lengths"]
    said = (
        f"{each['texts']:,} texts, {each['tokens']:,} tokens, {each['characters'] / max(1, each['tokens']):.1f} characters a token. Tokens of a text: "
        f"median {lengths['median']:,}, 95th percentile {lengths['p95']:,}, longest {lengths['most']:,}; the model is given {each['limit']:,}."
    )
    head = f"<h2>{each['kind'].capitalize()}s: {escape(NAMES[each['language']])}</h2><p>{said}</p><table>{shares}</table>"
    return head + "<h3>Tokens of a text</h3>" + bars("", each["histogram"], each["texts"])
