"""Which class of processor an instance family has, so that its nodes carry the label that servers look for."""

from __future__ import annotations

from collections.abc import Iterable

from falaj.processors import CLASSES, Processor

_FAMILIES: dict[Processor, tuple[str, ...]] = {
    # Sapphire Rapids and later.
    "amx": ("c7i", "c7i-flex", "m7i", "m7i-flex", "r7i", "i7i", "c8i", "m8i", "m8i-flex", "r8i", "r8i-flex"),
    # Ice Lake, and Zen 4 and later.
    "avx512vnni": ("c6i", "c6id", "c6in", "m6i", "m6id", "m6in", "r6i", "r6id", "r6in", "i4i", "x2idn", "x2iezn", "c7a", "m7a", "r7a"),
    # Skylake among them, so not VNNI whatever a node turns out to be.
    "avx2": ("c5", "c5d", "c5n", "m5", "m5d", "m5n", "r5", "r5d", "r5n", "t3", "i3", "i3en", "c5a", "m5a", "c6a", "m6a", "r6a", "t3a"),
    # Graviton 3 and later.
    "i8mm": ("c7g", "c7gd", "c7gn", "m7g", "m7gd", "r7g", "r7gd", "c8g", "c8gd", "c8gn", "m8g", "m8gd", "r8g", "r8gd"),
    # Graviton 2.
    "dotprod": ("c6g", "c6gd", "c6gn", "m6g", "m6gd", "r6g", "r6gd", "t4g"),
}


def processor_of(instance_types: Iterable[str]) -> Processor | None:
    """The narrowest class among `instance_types`: what every node of such a pool has. None where a family is not known."""
    classes = {family: name for name, families in _FAMILIES.items() for family in families}
    found = [classes.get(each.partition(".")[0]) for each in instance_types]
    known = [name for name in found if name is not None]
    return max(known, key=CLASSES.index) if known and len(known) == len(found) else None
