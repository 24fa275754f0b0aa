"""Debian's package descriptions as text-to-text rows: synopsis, archive section, and the language a package is written in.

Read from the machine's own package indices (`Packages` holds sections and Debtags, `Translation-en` the long descriptions;
older archives have both in `Packages`), or from the sample that travels with the repository. Both give the same kind of
package, are split by a hash of the source package, and leave out what names an address.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import lzma
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from falaj.canonical import digest_bytes, digest_file
from falaj.errors import UsageError
from workloads.data.rows import Quarantine, Row, Split, order_of, percentile_of

LISTS = Path("/var/lib/apt/lists")
SAMPLE = Path(__file__).with_name("debian_sample.jsonl.gz")
WORDS = 90
"""Longest description in words; the seed reads 80 tokens, so nothing it could see is cut."""
TASKS = ("language", "section", "summarize")
LANGUAGES = ("c", "c++", "ecmascript", "haskell", "java", "lisp", "objc", "ocaml", "perl", "php", "python", "r", "ruby", "shell")
"""Values of Debtags' `implemented-in` with enough packages to learn from."""
_ENOUGH_TAGGED = 3000
"""An index with fewer tagged packages than this (a derivative without Debtags, a trimmed mirror) cannot teach the new task."""
_ADDRESS = re.compile(
    r"://|@[\w-]+\.\w|\bwww\.|\b[\w-]+\.(?:[a-z]{2,3}\.)?(?:com|org|net|edu|gov|info|io|dev|app|me|ai|ly|[a-z]{2})(?:/|\b(?!\.\w))", re.IGNORECASE
)
_SUFFIXES_OF_FILES = re.compile(
    r"\.(?:py|pl|rb|sh|js|ml|hs|so|rc|cc|md|ps|gz|xz|bz|po|el|am|ac|in|db|pc|go|rs|ts|vi|ko|la|pm|mo|ui|qt|vo|id|tk|nt|it|ko)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Package:
    """One distinct description. `language` is empty where Debtags names none, or several."""

    name: str
    group: str
    """Its source package."""
    section: str
    synopsis: str
    description: str
    language: str = ""


@dataclass(frozen=True)
class Origin:
    """Where packages were read from, for the data card."""

    kind: str
    uri: str
    revision: str
    digest: str
    note: str = ""


class NoIndices(Exception):
    """This machine's package indices cannot be used; the text says why."""


def from_indices(folder: Path, quarantine: Quarantine) -> tuple[list[Package], Origin]:
    """Packages of the Debian indices in `folder`. Raises NoIndices where they are absent or lack descriptions or tags."""
    found = sorted(path for path in folder.glob("*_debian_dists_*_main_binary-*_Packages*") if "security" not in path.name and "-updates" not in path.name)
    if not found:
        raise NoIndices("there are no Debian package indices")
    packages_file, translation = found[0], translation_of(found[0])
    long = dict(long_descriptions(read_index(translation))) if translation else {}
    packages = list(_packages(read_index(packages_file), long, quarantine))
    if not packages:
        raise NoIndices("the indices hold no long descriptions (their translations were not fetched)")
    if sum(bool(package.language) for package in packages) < _ENOUGH_TAGGED:
        raise NoIndices("the indices name the implementation language of too few packages")
    digest = digest_bytes("".join(digest_file(path) for path in (packages_file, translation) if path).encode())
    suite = packages_file.name.split("_binary-")[0].split("_dists_")[1].removesuffix("_main")
    return packages, Origin("indices", f"debian:{suite}/main", digest.removeprefix("sha256:")[:16], digest)


def from_sample(quarantine: Quarantine, path: Path = SAMPLE) -> tuple[list[Package], Origin]:
    """Packages of the committed sample. Raises UsageError when it is damaged."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as stream:
            packages = [Package(**json.loads(line)) for line in stream]
    except (OSError, EOFError, ValueError, TypeError) as problem:
        raise UsageError("the Debian sample cannot be read", given=str(path), why=str(problem), next="restore it: git checkout -- workloads/data") from problem
    digest = digest_file(path)
    return packages, Origin("sample", "debian:bookworm/main", "sample " + digest.removeprefix("sha256:")[:16], digest)


def rows(packages: Iterable[Package], *, most: dict[str, int], quarantine: Quarantine) -> list[Row]:
    """At most `most[split]` rows of each task, chosen by a hash. Groups with percentile 97 and up are held out and never read."""
    chosen: list[Row] = []
    left: Counter[tuple[str, str]] = Counter()
    for package in sorted(packages, key=lambda package: order_of(package.name)):
        split = split_of(package.group)
        if split is None:
            quarantine.add(package.name, "held out for later")
            continue
        used = False
        for task, target in (("language", package.language), ("section", package.section), ("summarize", package.synopsis)):
            if target and left[task, split] < most[split]:
                left[task, split] += 1
                used = True
                chosen.append(Row(f"{package.name}/{task}", task, f"{task}: {package.description}", target, package.group, split))
        if not used:
            quarantine.add(package.name, "beyond the number of rows that is used")
    return chosen


def split_of(group: str) -> Split | None:
    """The split of a source package; the one the seed was trained with, so that it has seen no validation or test row."""
    share = percentile_of(group)
    if share >= 97:
        return None
    return "test" if share < 3 else "validation" if share < 6 else "train"


def names_an_address(text: str) -> bool:
    """True for text with a web address, a host name or an e-mail address in it; a file name such as `setup.py` is none."""
    return bool(_ADDRESS.search(_SUFFIXES_OF_FILES.sub("", text)))


def make_sample(folder: Path, path: Path = SAMPLE, *, tagged: int = 6000, others: int = 3000, judged: int = 700) -> int:
    """Write the committed sample from the indices in `folder`; returns its number of packages.

    `tagged` and `others` are training packages with and without a language, `judged` packages of validation and of test each.
    """
    packages, _ = from_indices(folder, Quarantine())
    room = {
        "train": Counter({True: tagged, False: others}),
        "validation": Counter({True: judged, False: judged}),
        "test": Counter({True: judged, False: judged}),
    }
    chosen = []
    for package in sorted(packages, key=lambda package: order_of(package.name)):
        split, is_tagged = split_of(package.group), bool(package.language)
        if split is not None and room[split][is_tagged] > 0:
            room[split][is_tagged] -= 1
            chosen.append(package)
    lines = [json.dumps(asdict(package), ensure_ascii=False, separators=(",", ":")) for package in sorted(chosen, key=lambda package: package.name)]
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode(), 9, mtime=0))
    return len(chosen)


def translation_of(packages: Path) -> Path | None:
    """The file beside an index of packages that has their long descriptions in English; None where it was not fetched."""
    return next(iter(sorted(packages.parent.glob(f"{packages.name.split('_binary-')[0]}_i18n_Translation-en*"))), None)


def read_index(path: Path) -> str:
    """The text of an index, as apt keeps it: plain or packed."""
    data = path.read_bytes()
    if data[:4] == b"\x04\x22\x4d\x18":
        import lz4.frame

        data = lz4.frame.decompress(data)
    elif data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    elif data[:6] == b"\xfd7zXZ\x00":
        data = lzma.decompress(data)
    return data.decode("utf-8", errors="replace")


def long_descriptions(text: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """The key of each description in a Translation file, with its synopsis and its text."""
    for record in text.split("\n\n"):
        fields = fields_of(record)
        if "Description-md5" in fields and "Description-en" in fields:
            yield fields["Description-md5"], parted(fields["Description-en"])


def _packages(text: str, long: dict[str, tuple[str, str]], quarantine: Quarantine) -> Iterator[Package]:
    seen: set[str] = set()
    for record in text.split("\n\n"):
        fields = fields_of(record)
        name = fields.get("Package")
        if not name:
            continue
        own = parted(fields.get("Description", ""))
        key = fields.get("Description-md5") or hashlib.md5(fields.get("Description", "").encode(), usedforsecurity=False).hexdigest()
        synopsis, description = long.get(key, own)
        reason = _why_not(synopsis, description, seen, key)
        if reason:
            quarantine.add(name, reason)
            continue
        seen.add(key)
        languages = [language for language in re.findall(r"implemented-in::([\w.+-]+)", fields.get("Tag", "")) if language in LANGUAGES]
        group = fields.get("Source", name).split(" ")[0]
        words = " ".join(description.split()[:WORDS])
        yield Package(name, group, fields.get("Section", "").split("/")[-1], synopsis, words, languages[0] if len(languages) == 1 else "")


def _why_not(synopsis: str, description: str, seen: set[str], key: str) -> str | None:
    if not synopsis or not description:
        return "no long description"
    if key in seen:
        return "same description as another package"
    if names_an_address(f"{synopsis} {' '.join(description.split()[:WORDS])}"):
        return "names an address"
    return None


def fields_of(record: str) -> dict[str, str]:
    """The fields of a record of an index; the lines of one that has several are kept apart."""
    fields: dict[str, str] = {}
    name = ""
    for line in record.split("\n"):
        if line.startswith((" ", "\t")):
            if name:
                fields[name] += "\n" + line
        elif ":" in line:
            name, value = line.split(":", 1)
            fields[name] = value.strip()
    return fields


def parted(text: str) -> tuple[str, str]:
    """Synopsis and text of a description, the text in one line."""
    first, _, rest = text.partition("\n")
    lines: Sequence[str] = [line.strip() for line in rest.split("\n")]
    return first.strip(), " ".join(line for line in lines if line not in ("", "."))
