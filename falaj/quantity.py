"""Kubernetes quantities: `500m`, `2Gi`, `1e3`."""

from __future__ import annotations

import re
from decimal import Decimal

_SUFFIX = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_FORM = re.compile(r"([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(?:([eE][+-]?\d+)|(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]?))")


def quantity(text: object) -> Decimal:
    """The number that a quantity stands for, in its base unit (cores, bytes, pieces). Raises ValueError."""
    found = _FORM.fullmatch(str(text))
    if not found:
        raise ValueError("quantities must be a number with an optional suffix such as m, k, Mi, Gi")
    number, exponent, suffix = found.groups()
    if exponent:
        return Decimal(number) * Decimal(10) ** int(exponent[1:])
    if suffix in _BINARY:
        return Decimal(number) * (1 << _BINARY[suffix])
    return Decimal(number) * Decimal(10) ** _SUFFIX[suffix or ""]


def plain(amount: Decimal) -> str:
    """`amount` in digits, without an exponent or zeros at its end: `100`, `0.5`."""
    return f"{amount.normalize():f}"
