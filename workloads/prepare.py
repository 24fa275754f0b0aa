"""The prepare stage: rows from a source, checked, split and described by a card; tracked by DVC where a remote is configured."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from falaj.canonical import digest_bytes, digest_file
from falaj.errors import UsageError
from falaj.files import read_json, write_durably, write_json
from workloads.artifacts import Artifact, begin, finish, finished, open_artifact
from workloads.data import card as cards
from workloads.data import debian, erasure, tracked, user
from workloads.data.rows import SPLITS, Quarantine, Row, per_split, per_task, spread, without_twins
from workloads.recipes import Recipe, base_folder, recipe_named
from workloads.reference import MINIMUM_ROWS

CARD = "data_card.json"
SOURCES = ("auto", "indices", "sample")
_UNTRACKED = "Not tracked: no remote is configured (FALAJ_DATA_BUCKET or FALAJ_DATA_REMOTE)."


@dataclass(frozen=True)
class Dataset:
    """The prepared rows of a run, and their card."""

    artifact: Artifact
    card: dict[str, Any]
    rows: dict[str, list[Row]]
    """Split -> rows."""

    @property
    def tasks(self) -> list[str]:
        return list(self.card["tasks"])


@dataclass(frozen=True)
class _Read:
    """What a source gave: rows, how many it held, and lines for the card."""

    rows: list[Row]
    total: int
    name: str
    about: str
    split: str
    sources: list[dict[str, str]]


def prepare(run: Path, *, data: Path | None = None, recipe: str = "", lists: Path = debian.LISTS) -> Artifact:
    """Write the data set of a run: `train.jsonl`, `validation.jsonl`, `test.jsonl`, the card, the erasure map and the rows put aside.

    `data` is a user's own file; without one Debian's package descriptions are read, from the package indices in `lists` or from
    the committed sample (FALAJ_DATA_SOURCE chooses: auto, indices or sample). Raises UsageError for data that cannot be used.
    """
    chosen = recipe_named(recipe)
    quarantine = Quarantine()
    read = _own(data, quarantine) if data else _debian(chosen, quarantine, lists)
    inputs = {source["name"]: source["digest"] for source in read.sources}
    where = tracked.remote()
    parameters = {"recipe": chosen.name, "input_tokens": chosen.input_tokens, "most_rows": dict(chosen.most_rows), "remote": where or "", "map": erasure.SCHEMA}
    if (before := finished(run, "prepare", schema=cards.SCHEMA, inputs=inputs, parameters=parameters)) is not None:
        return before
    out = begin(run, "prepare")
    rows = without_twins(read.rows, quarantine)
    _refuse_small_splits(rows, quarantine)
    for split in SPLITS:
        _write_rows(out / f"{split}.jsonl", [row.to_json() for row in rows if row.split == split])
    _write_rows(out / "quarantine.jsonl", quarantine.entries)
    note = _UNTRACKED
    if where:
        pointer = tracked.track([out / f"{split}.jsonl" for split in SPLITS], run / "dvc", where)
        write_durably(out / tracked.POINTER, pointer.encode())
        note = f"DVC, remote {where}; `{tracked.POINTER}` names the content."
    owners = erasure.build(rows)
    write_json(out / erasure.FILE, owners)
    card = {**_card(read, rows, quarantine, chosen, note), "erasure": erasure.summary(owners)}
    write_json(out / CARD, card)
    write_durably(out / "data_card.md", cards.markdown(card).encode())
    artifact = finish(out, cards.SCHEMA, inputs=inputs, parameters=parameters, metrics={"rows": card["rows"], "put_aside": card["put_aside"]})
    print(f"prepared {sum(card['rows'].values())} rows from {', '.join(source['name'] for source in read.sources)}; {note}", flush=True)
    return artifact


def open_dataset(run: Path) -> Dataset:
    """The prepared data set of a run. Raises UsageError when it is missing or was altered."""
    artifact = open_artifact(run / "prepare", schema=cards.SCHEMA)
    card = read_json(artifact.path(CARD), what="data card", next="run prepare again")
    rows = {}
    for split in SPLITS:
        lines = artifact.path(f"{split}.jsonl").read_text(encoding="utf-8").split("\n")
        rows[split] = [Row(**json.loads(line), split=split) for line in lines if line]
    return Dataset(artifact, card, rows)


def _refuse_small_splits(rows: Sequence[Row], quarantine: Quarantine) -> None:
    # Said now, not after the training: the reference profile and the gate both ask for this many.
    counts = per_split(rows)
    if min(counts["validation"], counts["test"]) < MINIMUM_ROWS:
        raise UsageError(
            "too few distinct rows to judge a model by",
            given=", ".join(f"{number} {split}" for split, number in counts.items())
            + "".join(f"; {number} put aside: {reason}" for reason, number in quarantine.counts().items()),
            allowed=f"at least {MINIMUM_ROWS} each for validation and test",
            why="rows of one group stay in one split, and equal texts do not stand in two",
            next="bring more different rows, or name more and smaller groups",
        )


def _own(path: Path, quarantine: Quarantine) -> _Read:
    rows, total = user.read(path, quarantine)
    origin = user.origin(path)
    return _Read(
        rows,
        total,
        name=origin["name"],
        about="Rows that a user brought. What they hold, and whether they may be used for training, is theirs to say.",
        split="Split by a hash of each row's group (or of its source): a tenth each for validation and test, 50 rows at least.",
        sources=[{**origin, "digest": digest_file(path)}],
    )


def _debian(recipe: Recipe, quarantine: Quarantine, lists: Path) -> _Read:
    packages, origin = _packages(quarantine, lists)
    rows = debian.rows(packages, most=dict(recipe.most_rows), quarantine=quarantine)
    # One package gives up to three rows; what is read is counted in rows, so that the card's sum is one of like things.
    total = len(rows) + len(quarantine.entries)
    return _Read(
        rows,
        total,
        name="debian-descriptions",
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


def _card(read: _Read, rows: Sequence[Row], quarantine: Quarantine, recipe: Recipe, note: str) -> dict[str, Any]:
    lengths = _token_counts([row.source for row in rows], recipe)
    return {
        "schema": "falaj.datacard/1",
        "name": read.name,
        "about": read.about.strip(),
        "sources": read.sources,
        "digest": digest_bytes("".join(f"{row.split}\t{json.dumps(row.to_json(), sort_keys=True)}\n" for row in rows).encode()),
        "rows": per_split(rows),
        "tasks": per_task(rows),
        "split": read.split,
        "lengths": {
            "limit": recipe.input_tokens,
            "source": spread(lengths),
            "truncated": sum(length > recipe.input_tokens for length in lengths),
            "target_characters": spread([len(row.target) for row in rows]),
        },
        "read": read.total,
        "used": len(rows),
        "put_aside": len(quarantine.entries),
        "quarantine": quarantine.counts(),
        "tracked": note,
    }


def _token_counts(texts: list[str], recipe: Recipe) -> list[int]:
    """Tokens of each text as the recipe's base model counts them."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(base_folder(recipe) / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [len(encoding.ids) for encoding in tokenizer.encode_batch(texts)]


def _write_rows(path: Path, rows: Sequence[dict[str, str]]) -> None:
    write_durably(path, "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows).encode())
