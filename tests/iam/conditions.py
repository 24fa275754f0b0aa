"""Conditions of IAM policies: is this block true of a request?

After the operators' page of the IAM user guide: values of one key are alternatives, keys and operators must all be true, a negated operator
needs all of its values to differ. A key that a request lacks makes an operator false, a negated one and one that ends in IfExists true.
An operator that is not here raises, so that nobody takes silence for an answer.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

Context = Mapping[str, str | list[str]]
"""Condition key -> value of a request, or all of them where the key has many."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NUMBERS = {"*": "*", "?": "?", "$": "$"}


def listed(value: Any) -> list[Any]:
    """IAM takes one value wherever it takes a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


def matches(pattern: str, text: str, *, folded: bool = False) -> bool:
    """Whether `text` is what `pattern` says, `*` being any text, colons and slashes included, and `?` one character."""
    return _compiled(pattern, folded).fullmatch(text) is not None


@cache
def _compiled(pattern: str, folded: bool) -> re.Pattern[str]:
    parts = [{"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern]
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if folded else 0))


def filled(text: str, context: Context) -> str | None:
    """`text` with its policy variables; None where a request lacks one, which then is like nothing."""
    if "${" not in text:
        return text
    known, lost = {key.lower(): value for key, value in context.items()}, []

    def one(found: re.Match[str]) -> str:
        name = found[1]
        value = _NUMBERS.get(name, known.get(name.lower()))
        if not isinstance(value, str):
            lost.append(name)
            return ""
        return value

    made = _VARIABLE.sub(one, text)
    return None if lost else made


def holds(block: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Whether all of a statement's conditions are true of a request."""
    known = {key.lower(): listed(value) for key, value in context.items()}
    return all(_one(operator, listed(wanted), known.get(key.lower()), context) for operator, keys in block.items() for key, wanted in keys.items())


def _one(operator: str, wanted: list[Any], given: list[str] | None, context: Context) -> bool:
    many, _, name = operator.rpartition(":")
    if name == "Null":
        return (given is None) == (str(wanted[0]).lower() == "true")
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negated = name in _NEGATED
    test = _TESTS[_NEGATED.get(name, name)]
    texts = [text for each in wanted if (text := filled(_text(each), context)) is not None]

    def suits(value: str) -> bool:
        return any(test(text, value) for text in texts) != negated

    if many == "ForAllValues":
        return all(suits(value) for value in given or [])
    if many == "ForAnyValue":
        return any(suits(value) for value in given or []) or (given is None and if_exists)
    if many:
        raise ValueError(f"no such set operator: {many}")
    if given is None:
        return if_exists or negated
    if len(given) != 1:
        raise ValueError(f"a key of many values needs ForAnyValue or ForAllValues: {operator} {given}")
    return suits(given[0])


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _arn(pattern: str, arn: str) -> bool:
    """Of the six parts of an ARN each is compared by itself."""
    wanted, found = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(found) and all(matches(part, text) for part, text in zip(wanted, found, strict=True))


def _within(network: str, address: str) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, given: wanted == given,
    "StringEqualsIgnoreCase": lambda wanted, given: wanted.lower() == given.lower(),
    "StringLike": matches,
    "NumericEquals": lambda wanted, given: float(given) == float(wanted),
    "NumericLessThan": lambda wanted, given: float(given) < float(wanted),
    "NumericLessThanEquals": lambda wanted, given: float(given) <= float(wanted),
    "NumericGreaterThan": lambda wanted, given: float(given) > float(wanted),
    "NumericGreaterThanEquals": lambda wanted, given: float(given) >= float(wanted),
    "Bool": lambda wanted, given: wanted.lower() == given.lower(),
    "IpAddress": _within,
    "ArnEquals": _arn,
    "ArnLike": _arn,
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
"""Negated operator -> the one it negates."""
