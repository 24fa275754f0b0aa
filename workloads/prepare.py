"""The prepare stage: rows from a source, cleaned, split and described by a card and a report; tracked by DVC where a remote is configured."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from falaj.canonical import digest
from falaj.errors import UsageError
from falaj.files import read_json, write_durably, write_json
from workloads import reference
from workloads.artifacts import Artifact, begin, finish, finished, open_artifact
from workloads.data import card as cards
from workloads.data import debian, erasure, report, tracked, versions
from workloads.data.clean.flow import Flow
from workloads.data.inputs import Input, of_debian, of_user
from workloads.data.lines import lines
from workloads.data.rows import SPLITS, Row, Split, spread
from workloads.data.spool import Spool, spool
from workloads.features import store, tool
from workloads.features.definitions import definitions_digest
from workloads.features.place import place
from workloads.features.table import FILE, Table, table
from workloads.recipes import base_folder, recipe_named
from workloads.tokens.agreement import own_tokenizer
from workloads.tokens.check import require_suited
from workloads.tokens.limits import read_limits
from workloads.tokens.measure import Measure

CARD = "data_card.json"
CHANGES = "changes.jsonl"
_SPOOL = "prepare.spool"
_BATCH = 2000
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


@dataclass
class _Written:
    """What is counted while rows are written."""

    measure: Measure
    features: Table
    digest: Any = field(default_factory=hashlib.sha256)
    characters: Counter[int] = field(default_factory=Counter)


def prepare(run: Path, *, data: Path | None = None, recipe: str = "", lists: Path = debian.LISTS, track: bool = True) -> Artifact:
    """Write the data set of a run: `train.jsonl`, `validation.jsonl`, `test.jsonl`, features, card, report, erasure map, changes and rows put aside.

    `data` is a user's own file, a source file (`.yaml`) or a revision of one; without any Debian's package descriptions are read, from the
    package indices in `lists` or from the committed sample (FALAJ_DATA_SOURCE chooses: auto, indices or sample). Rows pass one at a time, so
    memory hardly grows with them. Nothing goes to a remote or the feature store (FALAJ_FEATURE_STORE) unless `track`. Raises UsageError for data that
    cannot be used, or that the tokenizer of the recipe's base model does not suit (the report is there then), Fault when the disk is full, Denied where
    the feature store does not give back what was put into it.
    """
    kept = place() if track else None
    if kept:
        tool.require()
    artifact = _prepare(run, data, recipe, lists, track)
    if kept:
        said = store.publish(store.prepared(artifact), kept)
        print(f"features of {said['equal']['rows']} rows are in {kept.uri}, {said['equal']['compared']} compared offline and online", flush=True)
    return artifact


def _prepare(run: Path, data: Path | None, recipe: str, lists: Path, track: bool) -> Artifact:
    chosen, limits = recipe_named(recipe), read_limits()
    own = own_tokenizer(base_folder(chosen), most_unused=limits.most_unused)
    source = of_user(data, run) if data else of_debian(chosen, lists)
    inputs = {each["name"]: each["digest"] for each in source.sources}
    where = tracked.remote() if track else None
    parameters = {
        "recipe": chosen.name,
        "input_tokens": chosen.input_tokens,
        "target_tokens": chosen.target_tokens,
        "tokenizer": own.digest,
        "tokens": limits.model_dump(),
        "most_rows": dict(chosen.most_rows),
        "remote": where or "",
        "map": erasure.SCHEMA,
        "features": definitions_digest(),
        # Whose names are looked for is personal data too; the digest says whether they are still the same ones.
        "cleaning": source.cleaning.model_dump(mode="json") | {"names": digest(list(source.cleaning.names))},
    }
    if (before := finished(run, "prepare", schema=cards.SCHEMA, inputs=inputs, parameters=parameters)) is not None:
        return before
    out = begin(run, "prepare")
    with spool(run / _SPOOL) as rows:
        flow = Flow(rows, source.cleaning, source.file, splits_given=source.splits_given)
        flow.take(source.records())
        try:
            flow.decide(fewest=source.fewest)
            flow.check_sum()
            _refuse_what_teaches_nothing(rows)
        except UsageError:
            # Which rows were put aside is what helps whoever has to mend them.
            _write_lines(out / "quarantine.jsonl", rows.put_aside())
            raise
        measure = Measure(own.tokenizer, (chosen.input_tokens, chosen.target_tokens))
        # Those that a release made from these rows will know.
        labels = reference.known_labels((row.task, row.source, row.target) for row in rows.kept("validation"))
        with table(out / FILE, measure, labels) as features:
            card = _write(out, source, rows, flow, measure, features)
    require_suited(out, source.name, measure.figures, limits, own)
    card["tracked"] = f"DVC, remote {where}; `{tracked.POINTER}` names the content." if where else _UNTRACKED
    write_json(out / CARD, card)
    write_durably(out / "data_card.md", cards.markdown(card).encode())
    if where:
        pointer = tracked.track(sorted(path for path in out.iterdir() if path.is_file()), run / "dvc", where)
        write_durably(out / tracked.POINTER, pointer.encode())
    artifact = finish(out, cards.SCHEMA, inputs=inputs, parameters=parameters, metrics={"rows": card["rows"], "put_aside": card["put_aside"]})
    if where:
        versions.publish(artifact, run.name, where)
    print(f"prepared {card['used']} rows from {', '.join(each['name'] for each in source.sources)}; {card['tracked']}", flush=True)
    return artifact


def open_dataset(run: Path) -> Dataset:
    """The prepared data set of a run. Raises UsageError when it is missing or was altered."""
    artifact = open_artifact(run / "prepare", schema=cards.SCHEMA)
    card = read_json(artifact.path(CARD), what="data card", next="run prepare again")
    rows = {}
    for split in SPLITS:
        with artifact.path(f"{split}.jsonl").open(encoding="utf-8", newline="\n") as stream:
            rows[split] = [Row(**json.loads(line), split=split) for line in stream]
    return Dataset(artifact, card, rows)


def _refuse_what_teaches_nothing(rows: Spool) -> None:
    # Said now, not after the training: the reference profile and the gate both ask for this many.
    counts = rows.counts()
    if min(counts["validation"], counts["test"]) < reference.MINIMUM_ROWS:
        raise UsageError(
            "too few distinct rows to judge a model by",
            given=", ".join(f"{number} {split}" for split, number in counts.items())
            + "".join(f"; {number} put aside: {reason}" for reason, number in rows.reasons().items()),
            allowed=f"at least {reference.MINIMUM_ROWS} each for validation and test",
            why="rows of one group stay in one split, and equal texts do not stand in two",
            next="bring more different rows, or name more and smaller groups",
        )
    alone = list(rows.query("SELECT task, min(target) FROM rows WHERE reason IS NULL GROUP BY task HAVING count(DISTINCT target) = 1 LIMIT 5"))
    if alone:
        raise UsageError(
            "a task has one answer only",
            given=", ".join(task for task, _ in alone),
            allowed="two different targets at least",
            why="a model that always says the same would be right every time",
            next="bring rows with other answers, or leave the task out",
        )


def _write(out: Path, source: Input, rows: Spool, flow: Flow, measure: Measure, features: Table) -> dict[str, Any]:
    """Write every file but the card's; returns the card."""
    written = _Written(measure, features)
    # In this order since the digest of a data set was first taken so.
    for split in reversed(SPLITS):
        _write_split(out / f"{split}.jsonl", rows, split, written)
    _write_lines(out / "quarantine.jsonl", rows.put_aside())
    _write_lines(out / CHANGES, rows.notes())
    counts = rows.counts()
    owners = erasure.write(out / erasure.FILE, rows.owners(), sum(counts.values()))
    found, lengths = report.build(rows, flow.counts, source.cleaning), measure.lengths("source")
    write_json(out / report.JSON, found)
    write_durably(out / report.PAGE, report.page(found, f"Data report: {source.name}").encode())
    reasons = rows.reasons()
    return {
        "schema": "falaj.datacard/1",
        "name": source.name,
        "about": source.about.strip(),
        "sources": source.sources,
        "digest": "sha256:" + written.digest.hexdigest(),
        "rows": counts,
        "tasks": rows.tasks(),
        "split": source.split,
        "lengths": {
            "limit": measure.limits["source"],
            "source": spread(lengths),
            "truncated": sum(number for length, number in lengths.items() if length > measure.limits["source"]),
            "target_characters": spread(written.characters),
        },
        "read": flow.counts.read,
        "used": sum(counts.values()),
        "put_aside": sum(reasons.values()),
        "quarantine": reasons,
        "personal_data": found["personal_data"],
        "data_class": source.cleaning.data_class,
        "languages": found["languages"],
        "erasure": owners,
    }


def _write_split(path: Path, rows: Spool, split: Split, written: _Written) -> None:
    kept, near_copies = rows.kept(split), rows.near_copies(split)
    with lines(path) as put:
        while batch := list(islice(kept, _BATCH)):
            written.features.add(batch, written.measure.add(batch), list(islice(near_copies, len(batch))))
            written.characters.update(len(row.target) for row in batch)
            for row in batch:
                value = row.to_json()
                written.digest.update(f"{split}\t{json.dumps(value, sort_keys=True)}\n".encode())
                put(json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n")


def _write_lines(path: Path, values: Iterable[dict[str, Any]]) -> None:
    with lines(path) as put:
        for value in values:
            put(json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n")
