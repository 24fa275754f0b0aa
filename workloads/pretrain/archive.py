"""What a seed is trained on and judged by: the package descriptions of Debian's archive, all of them.

One suite's `main` is the reference: its descriptions, split by a hash of the source package as everywhere here, give the rows that are judged, whole
and unaltered. Every other index in the folder of apt's lists only adds texts to train on. Nothing that is held out is trained on: not another version
of a held-out source package from another suite, and no text that is nearly one of the held-out ones under another name.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from falaj.canonical import digest_file
from falaj.errors import UsageError
from falaj.files import write_json
from workloads.artifacts import Artifact, begin, finish, open_artifact
from workloads.data import debian
from workloads.data.clean import near
from workloads.data.lines import lines
from workloads.data.rows import SPLITS, Quarantine

SCHEMA = "falaj.pretraining_data/1"
CARD = "card.json"
REFERENCE = "bookworm"
FACETS = ("devel", "field", "interface", "role", "scope", "uitoolkit", "use", "works-with")
"""Facets of Debtags that are asked for. `implemented-in` is none of them: the recipes teach the seed that one, so it must not know it before."""
NEAR = 0.85
"""Jaccard similarity of three-word shingles from which a text counts as one of the held-out ones."""
_WORDS = 400
_FEWEST = 30
"""Rows of a facet's value below which nobody asks for it."""
_TAG = re.compile(r"([\w-]+)::([\w.:+-]+)")


@dataclass(frozen=True)
class Text:
    """One distinct description, and what the archive says of its package."""

    id: str
    name: str
    group: str
    """Its source package."""
    suite: str
    """Suite and component, `bookworm/main`."""
    section: str
    synopsis: str
    description: str
    facets: dict[str, str] = field(default_factory=dict)
    """Debtags' facets that have exactly one value here."""


def make(out: Path, lists: Path | None, *, reference: str = REFERENCE) -> Artifact:
    """Write `train.jsonl`, `validation.jsonl`, `test.jsonl` and `card.json` into `out` from apt's indices in the folder `lists`, or, with None, from the
    committed sample. Raises UsageError where the reference suite's index or its translation is not there.
    """
    quarantine = Quarantine()
    sources, texts = of_sample() if lists is None else of_archive(lists, reference, quarantine)
    splits: dict[str, list[Text]] = {split: [] for split in SPLITS}
    held: list[Text] = []
    for text in texts:
        split = debian.split_of(text.group)
        if split != "train":
            held.append(text)
        if split is not None and (split == "train" or text.suite == f"{reference}/main"):
            splits[split].append(text)
    splits["train"] = fit_to_train(splits["train"], held, quarantine)
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = begin(out.parent, out.name)
    for split, found in splits.items():
        with lines(folder / f"{split}.jsonl") as put:
            for text in found:
                put(json.dumps(asdict(text), ensure_ascii=False, sort_keys=True) + "\n")
    card = {
        "schema": "falaj.pretraining_card/1",
        "about": "Package descriptions of Debian's archive: public metadata under the packages' own free licences; no personal data by intent. Words that "
        "name an address are left out of what is trained on.",
        "reference": f"{reference}/main",
        "split": "By a hash of the source package: 3 % test, 3 % validation, 3 % held out and never read; "
        f"training texts that are {NEAR} like one of those (three-word shingles) are left out.",
        "sources": sources,
        "rows": {split: len(found) for split, found in splits.items()},
        "train_by_suite": dict(Counter(text.suite for text in splits["train"]).most_common()),
        "facets": {facet: sum(facet in text.facets for text in splits["train"]) for facet in FACETS},
        "words": {split: sum(len(text.description.split()) + len(text.synopsis.split()) for text in found) for split, found in splits.items()},
        "put_aside": quarantine.counts(),
    }
    write_json(folder / CARD, card)
    return finish(folder, SCHEMA, inputs=sources, parameters={"reference": reference}, metrics={"rows": card["rows"]})


def read(folder: Path) -> tuple[Artifact, dict[str, list[Text]]]:
    """What `make` wrote, by split. Raises UsageError where it is missing or was altered."""
    artifact = open_artifact(folder, schema=SCHEMA)
    found: dict[str, list[Text]] = {}
    for split in SPLITS:
        with artifact.path(f"{split}.jsonl").open(encoding="utf-8", newline="\n") as stream:
            found[split] = [Text(**json.loads(line)) for line in stream]
    return artifact, found


def of_sample() -> tuple[dict[str, str], list[Text]]:
    """The committed sample: enough to see every joint hold, not to make a seed."""
    packages, origin = debian.from_sample(Quarantine())
    suite = origin.uri.removeprefix("debian:")
    return {"sample": origin.digest}, [_text(suite, one.name, one.group, one.section, one.synopsis, one.description, {}) for one in packages]


def of_archive(lists: Path, reference: str, quarantine: Quarantine) -> tuple[dict[str, str], list[Text]]:
    """The digests of the indices in `lists` by suite, and their texts: all distinct ones of the reference's main, then what the others add."""
    found = {path: debian.translation_of(path) for path in sorted(lists.glob("*_dists_*_binary-*_Packages*"))}
    indices = {_suite(path): (path, translation) for path, translation in found.items() if translation is not None}
    if (first := f"{reference}/main") not in indices:
        raise UsageError(
            f"there is no index of {first} with long descriptions",
            given=f"{lists}: {', '.join(indices) or 'no index with a translation'}",
            next="fetch it: apt-get update -o Acquire::Languages=en, with -o Dir::State::Lists=FOLDER for a folder of its own",
        )
    digests: dict[str, str] = {}
    texts: list[Text] = []
    known: dict[str, list[Text]] = {}
    for suite, (path, translation) in sorted(indices.items(), key=lambda each: (each[0] != first, each[0])):
        digests |= {path.name: digest_file(path), translation.name: digest_file(translation)}
        for text in _of_index(suite, path, translation):
            before = known.setdefault(text.name, [])
            if suite != first and any(_same(text, one) for one in before):
                quarantine.add(f"{suite}/{text.name}", "nearly the text of another suite")
                continue
            before.append(text)
            texts.append(text)
    return digests, texts


def fit_to_train(texts: Sequence[Text], held: Sequence[Text], quarantine: Quarantine) -> list[Text]:
    """`texts` without addresses and rare facets, and without those that say the same as one of another split."""
    clean = []
    for text in texts:
        if debian.names_an_address(text.synopsis):
            quarantine.add(text.id, "its synopsis names an address")
        else:
            clean.append(replace(text, description=" ".join(_without_addresses(text.description))))
    seen = _like_one_of(clean, held)
    for index in seen:
        quarantine.add(clean[index].id, "like a text that is held out")
    clean = [text for index, text in enumerate(clean) if index not in seen and text.description]
    often = Counter((facet, value) for text in clean for facet, value in text.facets.items())
    return [replace(text, facets={facet: value for facet, value in text.facets.items() if often[facet, value] >= _FEWEST}) for text in clean]


def _like_one_of(texts: Sequence[Text], held: Sequence[Text]) -> set[int]:
    """Indices of `texts` whose description, as far as a model reads it, is like one of `held`."""
    if not texts or not held:
        return set()
    ours, theirs = ([" ".join(text.description.split()[: debian.WORDS]) for text in each] for each in (texts, held))
    found: set[int] = set()
    # Held-out ones stand for what is known, so that each of ours is compared with them and not only with a few of its own kind.
    for one, other, _ in near.across(near.signatures(theirs), near.signatures(ours), NEAR).tolist():
        if other not in found and near.similarity(theirs[one], ours[other]) >= NEAR:
            found.add(other)
    return found


def _of_index(suite: str, path: Path, translation: Path) -> Iterator[Text]:
    """The distinct descriptions of an index, each with the first package that has it."""
    long = dict(debian.long_descriptions(debian.read_index(translation)))
    seen: set[str] = set()
    for record in debian.read_index(path).split("\n\n"):
        fields = debian.fields_of(record)
        key = fields.get("Description-md5", "")
        if key not in long or key in seen or not all(long[key]):
            continue
        seen.add(key)
        synopsis, description = long[key]
        name = fields["Package"]
        group = fields.get("Source", name).split(" ")[0]
        yield _text(suite, name, group, fields.get("Section", "").split("/")[-1], synopsis, description, _facets(fields.get("Tag", "")))


def _text(suite: str, name: str, group: str, section: str, synopsis: str, description: str, facets: dict[str, str]) -> Text:
    return Text(f"{suite}/{name}", name, group, suite, section, synopsis, " ".join(description.split()[:_WORDS]), facets)


def _facets(tags: str) -> dict[str, str]:
    values: dict[str, set[str]] = {}
    for facet, value in _TAG.findall(tags):
        if facet in FACETS:
            values.setdefault(facet, set()).add(value)
    return {facet: min(found) for facet, found in sorted(values.items()) if len(found) == 1}


def _same(one: Text, other: Text) -> bool:
    """Whether a text of another suite says nothing that the one before does not."""
    if one.description == other.description:
        return True
    return one.synopsis == other.synopsis and near.similarity(one.description, other.description) >= NEAR


def _without_addresses(text: str) -> list[str]:
    words = text.split()
    return [word for word in words if not debian.names_an_address(word)] if debian.names_an_address(text) else words


def _suite(packages: Path) -> str:
    suite, _, component = packages.name.split("_dists_")[1].split("_binary-")[0].rpartition("_")
    return f"{suite.replace('_', '/')}/{component}"
