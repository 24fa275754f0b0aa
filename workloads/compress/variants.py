"""Named variants of a trained model: which way it was made smaller, and how its weights are stored.

Weights in 4 bits and static INT8 are left out; `left_out` measures both, and docs/compression.md has the figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from falaj.errors import UsageError
from workloads.compress.ways import TRAINED, WAYS

REFERENCE = "f32"
"""The trained model as it is; every other variant is measured against it."""


@dataclass(frozen=True)
class Variant:
    """A way and a storage. `group` is how many inputs share a scale, 0 for all of an output's (per channel)."""

    name: str
    way: str = TRAINED
    kind: Literal["f32", "w8"] = "w8"
    group: int = 0
    parent: str | None = REFERENCE
    """The variant that this one is a step further than; what the step costs and gains is the difference of the two."""


VARIANTS: dict[str, Variant] = {
    variant.name: variant
    for variant in (
        Variant(REFERENCE, kind="f32", parent=None),
        Variant("int8-channels"),
        Variant("int8-blocks-32", group=32),
        Variant("int8-blocks-128", group=128),
        Variant("pruned", "pruned", "f32"),
        Variant("pruned-int8", "pruned", parent="pruned"),
        Variant("shallow", "shallow", "f32"),
        Variant("shallow-int8", "shallow", parent="shallow"),
        Variant("small", "small", "f32", parent="shallow"),
        Variant("small-int8", "small", parent="small"),
    )
}
PLAIN = ("int8-channels", "int8-blocks-32")
"""What is tried when nothing else is asked for: no training, no change of shape."""


def named(names: Iterable[str]) -> list[Variant]:
    """The variants of these names and those they are a step further than, the reference first. Raises UsageError for an unknown name."""
    wanted: dict[str, Variant] = {REFERENCE: VARIANTS[REFERENCE]}
    for name in names:
        if name not in VARIANTS:
            raise UsageError(f"there is no variant {name!r}", allowed=", ".join(VARIANTS))
        line = [VARIANTS[name]]
        while line[0].parent is not None:
            line.insert(0, VARIANTS[line[0].parent])
        wanted |= {variant.name: variant for variant in line}
    # Ways in the order of their table, so that a way is made before the one that starts from it.
    order = [TRAINED, *WAYS]
    return sorted(wanted.values(), key=lambda variant: (order.index(variant.way), list(VARIANTS).index(variant.name)))


def write(variant: Variant, model: Any, tokenizer: Path, out: Path, *, input_tokens: int, target_tokens: int) -> Path:
    """Write `model` (torch) as a model folder that every engine reads; returns it. Raises UsageError where blocks do not divide a layer."""
    from workloads.engine import graphs, weights

    weights.write(model, tokenizer, out, kind=variant.kind, group=variant.group, input_tokens=input_tokens, target_tokens=target_tokens)
    graphs.write(out)
    return out
