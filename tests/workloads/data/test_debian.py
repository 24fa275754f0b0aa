from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest

from falaj.errors import UsageError
from tests.workloads.data.cleaned import cleaned
from tests.workloads.small import LONG, package_record
from workloads.data import debian
from workloads.data.clean.settings import Cleaning
from workloads.data.rows import Quarantine

STEM = "mirror_debian_dists_bookworm_main_"


def indices(
    folder: Path, monkeypatch: pytest.MonkeyPatch, packages: str, translations: str = "", pack: Callable[[bytes], bytes] = bytes, suffix: str = ""
) -> Path:
    monkeypatch.setattr(debian, "_ENOUGH_TAGGED", 1)
    (folder / f"{STEM}binary-amd64_Packages{suffix}").write_bytes(pack(packages.encode()))
    if translations:
        (folder / f"{STEM}i18n_Translation-en{suffix}").write_bytes(pack(translations.encode()))
    return folder


@pytest.mark.parametrize(("suffix", "pack"), [("", bytes), (".gz", gzip.compress), (".xz", lzma.compress), (".lz4", lz4.frame.compress)])
def test_indices_are_read_however_they_are_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, pack) -> None:
    packages = package_record("abc", source="abc-src", tags="implemented-in::perl", section="contrib/perl", md5="11")
    translations = f"Package: abc\nDescription-md5: 11\nDescription-en: short\n first line\n .\n second {LONG}\n"
    found, origin = debian.from_indices(indices(tmp_path, monkeypatch, packages, translations, pack, suffix), Quarantine())
    assert found == [debian.Package("abc", "abc-src", "perl", "short", f"first line second {LONG}", "perl")]
    assert (origin.kind, origin.uri) == ("indices", "debian:bookworm/main")


def test_long_descriptions_inside_of_packages_are_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = debian.from_indices(indices(tmp_path, monkeypatch, package_record("abc", tags="implemented-in::c")), Quarantine())
    assert [(package.name, package.group, package.language) for package in found] == [("abc", "abc", "c")]


def test_packages_that_cannot_be_used_are_put_aside_with_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = [
        package_record("good", tags="implemented-in::c"),
        package_record("two-languages", tags="implemented-in::c, implemented-in::perl"),
        package_record("no-text", md5="unknown"),
        package_record("twin").replace("called twin", "called good").replace(" twin is", " good is"),
        package_record("linked").replace(LONG, "see https://example.test/"),
        package_record("mailed").replace(LONG, "write to me@example.test"),
        package_record("hosted").replace(LONG, "as on index.example.org it is"),
        package_record("filed").replace(LONG, "reads setup.py and Foo::Bar.pm"),
    ]
    quarantine = Quarantine()
    found, _ = debian.from_indices(indices(tmp_path, monkeypatch, "\n".join(records)), quarantine)
    assert [(package.name, package.language) for package in found] == [("good", "c"), ("two-languages", ""), ("filed", "")]
    assert quarantine.counts() == {"names an address": 3, "no long description": 1, "same description as another package": 1}


@pytest.mark.parametrize(
    ("packages", "says"),
    [
        (None, "there are no Debian package indices"),
        (package_record("a", md5="1", tags="implemented-in::c"), "no long descriptions"),
        (package_record("a"), "implementation language of too few"),
    ],
)
def test_indices_that_cannot_teach_the_tasks_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packages: str | None, says: str) -> None:
    if packages:
        indices(tmp_path, monkeypatch, packages)
    with pytest.raises(debian.NoIndices, match=says):
        debian.from_indices(tmp_path, Quarantine())


def test_the_committed_sample_is_large_enough_and_names_no_address() -> None:
    packages, _ = debian.from_sample(Quarantine())
    assert len(packages) >= 6000 and debian.SAMPLE.stat().st_size < 4_000_000
    assert [package.name for package in packages if debian.names_an_address(f"{package.synopsis} {package.description}")] == []


def test_no_source_package_of_the_sample_stands_in_two_splits() -> None:
    quarantine = Quarantine()
    rows = debian.rows(debian.from_sample(quarantine)[0], most={"train": 9000, "validation": 900, "test": 900}, quarantine=quarantine)
    groups = {split: {row.group for row in rows if row.split == split} for split in ("train", "validation", "test")}
    assert groups["train"] & groups["test"] == groups["train"] & groups["validation"] == groups["validation"] & groups["test"] == set()
    assert all(len(found) > 150 for found in groups.values())


def test_a_damaged_sample_is_refused(tmp_path: Path) -> None:
    damaged = tmp_path / "sample.jsonl.gz"
    damaged.write_bytes(debian.SAMPLE.read_bytes()[:5000])
    with pytest.raises(UsageError, match="the Debian sample cannot be read"):
        debian.from_sample(Quarantine(), damaged)


def test_a_text_that_differs_in_a_number_alone_is_kept_in_the_latest_split(tmp_path: Path) -> None:
    texts = {"a": ("section: Tool 1.2", "train"), "b": ("section: tool 3", "test"), "c": ("section: tool-4", "validation"), "d": ("section: other", "train")}
    rows = [{"id": id, "task": "section", "source": text, "target": "x", "split": split} for id, (text, split) in texts.items()]
    found = cleaned(tmp_path, rows, Cleaning(), fewest=0, splits_given=True)
    assert sorted(row.id for row in found.rows) == ["b", "d"]
    assert found.reasons == {"text also stands in a later split": 2}
