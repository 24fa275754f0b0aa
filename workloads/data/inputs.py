"""What a run is prepared from: Debian's descriptions, a user's own file, or a revision of a described source; each as records and words for the card."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from falaj.canonical import digest_file
from falaj.errors import UsageError
from falaj.files import read_json
from workloads.data import debian
from workloads.data.clean.settings import BY_CLASS, Cleaning
from workloads.data.rows import Quarantine
from workloads.data.sources import description, files, revision
from workloads.data.sources.files import Found
from workloads.recipes import Recipe

SOURCES = ("auto", "indices", "sample")
FEWEST = 200
"""Usable rows of a user's data; fewer leave no test split that means something."""
_OWN = "Rows that a user brought. What they hold, and whether they may be used for training, is theirs to say."
_SPLIT = "Split by a hash of each row's group (or of its source): a tenth each for validation and test, 50 rows at least."


@dataclass(frozen=True)
class Input:
    """Records, and what the card says of where they come from."""

    records: Callable[[], Iterator[Found]]
    name: str
    file: str
    """What errors call it."""
    about: str
    split: str
    sources: list[dict[str, str]]
    cleaning: Cleaning
    fewest: int
    splits_given: bool = False
    """Whether records name their split."""


def of_user(path: Path, run: Path) -> Input:
    """A user's own file, a source file, or a revision. Raises UsageError for one that is not there or cannot be used."""
    if path.suffix.lower() in description.SUFFIXES:
        _, path = revision.pull(description.read(path), folder(run), base=path.parent)
    if path.name.endswith(revision.SUFFIX):
        return _of_revision(path)
    found = files.records(path)
    origin, cleaning = origin_of(path), Cleaning(data_class=cast(Any, _card(path).get("data_class", "personal")))
    return Input(lambda: found, origin["name"], path.name, _OWN, _SPLIT, [{**origin, "digest": digest_file(path)}], cleaning, FEWEST)


def folder(run: Path) -> Path:
    """Where the revisions of sources are kept: beside the runs."""
    return Path(os.environ.get("FALAJ_WORK") or run.parent.parent) / "data" / "sources"


def _of_revision(path: Path) -> Input:
    found = revision.open_revision(path)
    described = found.description
    uri = described["uri"] or f"{described['address'].partition(':')[0] if ':' in described['address'] else 'file'}:{found.source}"
    source = {"name": found.source, "uri": uri, "licence": described["licence"], "revision": found.digest.removeprefix("sha256:")[:16], "digest": found.digest}
    cleaning = Cleaning(**described["cleaning"])
    return Input(lambda: revision.records(path), found.source, found.source, _OWN, _SPLIT, [source], cleaning, FEWEST)


def origin_of(path: Path) -> dict[str, str]:
    """Name, address, licence and revision of a user's file, from its card or FALAJ_DATA_LICENCE; `unknown` where nobody said it.

    Raises UsageError for a card that is not JSON or has other keys.
    """
    digest = digest_file(path).removeprefix("sha256:")[:16]
    defaults = {"name": path.stem, "uri": f"file:{path.name}", "licence": os.environ.get("FALAJ_DATA_LICENCE") or "unknown", "revision": digest}
    return defaults | {name: value for name, value in _card(path).items() if name != "data_class"}


def _card(path: Path) -> dict[str, str]:
    file = path.with_name(path.name + ".card.json")
    allowed = ("name", "uri", "licence", "revision", "data_class")
    if not file.is_file():
        return {}
    card = read_json(file, what="data card", next=f"write JSON with some of {', '.join(allowed)}")
    if not isinstance(card, dict) or not set(card) <= set(allowed) or not all(isinstance(value, str) for value in card.values()):
        raise UsageError("the data card has keys nobody reads", given=str(file), allowed=", ".join(allowed), next="correct them")
    if card.get("data_class", "personal") not in BY_CLASS:
        raise UsageError("there is no such data class", given=f"{file.name}: {card['data_class']}", allowed=", ".join(BY_CLASS))
    return card


def of_debian(recipe: Recipe, lists: Path) -> Input:
    """Debian's package descriptions as the tasks of `recipe`."""
    quarantine = Quarantine()
    packages, origin = _packages(quarantine, lists)
    rows = debian.rows(packages, most=dict(recipe.most_rows), quarantine=quarantine)

    def records() -> Iterator[Found]:
        # One package gives up to three rows; what is read is counted in rows, so that the card's sum is one of like things.
        yield from ((entry["row"], entry["reason"]) for entry in quarantine.entries)
        yield from ((row.id, {**row.to_json(), "split": row.split}) for row in rows)

    return Input(
        records,
        name="debian-descriptions",
        file="debian-descriptions",
        about="Long descriptions of Debian packages, with the package's synopsis, archive section and, where Debtags names exactly one, the "
        "language it is implemented in. Public metadata; it holds no personal data by intent, and texts that name an address are left out. " + origin.note,
        split="Split by a hash of the source package, so that packages built from one source stay together: 3 % test, 3 % validation, 3 % held out.",
        sources=[
            {
                "name": f"debian-{origin.kind}",
                "uri": origin.uri,
                "licence": "DFSG-free, each description under its package's licence",
                "revision": origin.revision,
                "digest": origin.digest,
            }
        ],
        cleaning=Cleaning(data_class="public"),
        fewest=0,
        splits_given=True,
    )


def _packages(quarantine: Quarantine, lists: Path) -> tuple[list[debian.Package], debian.Origin]:
    wanted = os.environ.get("FALAJ_DATA_SOURCE") or "auto"
    if wanted not in SOURCES:
        raise UsageError("there is no such data source", given=f"FALAJ_DATA_SOURCE={wanted}", allowed=", ".join(SOURCES))
    note = ""
    if wanted != "sample":
        try:
            return debian.from_indices(lists, quarantine)
        except debian.NoIndices as problem:
            if wanted == "indices":
                raise UsageError(
                    "this machine's package indices cannot be used",
                    given=str(lists),
                    why=str(problem),
                    next="fetch them with their translations (Acquire::Languages en), or set FALAJ_DATA_SOURCE=sample",
                ) from problem
            quarantine.entries.clear()
            note = f"The sample was used because on this machine {problem}."
    packages, origin = debian.from_sample(quarantine)
    return packages, debian.Origin(origin.kind, origin.uri, origin.revision, origin.digest, note)
