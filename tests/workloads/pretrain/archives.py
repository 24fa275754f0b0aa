"""Indices as apt keeps them, of packages whose texts are made from their names."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from workloads.data.debian import split_of

_WORDS = "reader writer server client table colour number garden river letter window sound picture engine network index archive music game chart"


@dataclass(frozen=True)
class Described:
    """A package of an index."""

    name: str
    source: str
    description: str
    section: str = "utils"
    tags: str = ""

    @property
    def synopsis(self) -> str:
        return f"synopsis of {self.name}"


def described(name: str, *, source: str = "", more: str = "") -> Described:
    """A package with a text of its own: two sentences of words that its name draws."""
    chance = random.Random(name)
    first, second = (" ".join(chance.choices(_WORDS.split(), k=14)) for _ in range(2))
    return Described(name, source or name, f"Package {name} is a {first}. It comes with a {second}.{more}", chance.choice(["utils", "games", "science"]))


def source_in(split: str | None, *, number: int = 0) -> str:
    """The name of a source package that a hash puts into `split`; None for those that are held out."""
    found = [name for name in (f"source{n}" for n in range(2000)) if split_of(name) == split]
    return found[number]


def write_index(folder: Path, suite: str, packages: list[Described]) -> Path:
    """`suite` as in apt's file names, `bookworm_main`; returns the folder."""
    folder.mkdir(exist_ok=True)
    stem = folder / f"mirror_debian_dists_{suite}"
    keys = [f"{suite}-{number}" for number in range(len(packages))]
    records = [
        f"Package: {one.name}\nSource: {one.source} (1.0)\nSection: {one.section}\nTag: {one.tags}\nDescription: {one.synopsis}\nDescription-md5: {key}\n"
        for key, one in zip(keys, packages, strict=True)
    ]
    Path(f"{stem}_binary-amd64_Packages").write_text("\n".join(records))
    texts = [
        f"Package: {one.name}\nDescription-md5: {key}\nDescription-en: {one.synopsis}\n {one.description}\n" for key, one in zip(keys, packages, strict=True)
    ]
    Path(f"{stem}_i18n_Translation-en").write_text("\n".join(texts))
    return folder
