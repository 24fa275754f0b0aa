"""Everything is trained on that is not held out, and nothing that is."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from falaj.errors import UsageError
from tests.workloads.pretrain.archives import described, source_in, write_index
from workloads.artifacts import Artifact
from workloads.pretrain import archive
from workloads.pretrain.archive import Text

TRAIN, OTHER, TEST, VALIDATION, HELD = (source_in(split, number=n) for split, n in (("train", 0), ("train", 1), ("test", 0), ("validation", 0), (None, 0)))


def ids(found: dict[str, list[Text]]) -> dict[str, list[str]]:
    return {split: [text.id for text in texts] for split, texts in found.items()}


def made(tmp_path: Path, lists: Path) -> tuple[Artifact, dict[str, list[Text]]]:
    archive.make(tmp_path / "data", lists)
    return archive.read(tmp_path / "data")


def test_texts_are_split_by_the_hash_of_their_source_package(tmp_path: Path) -> None:
    packages = [described(f"package{n}", source=f"origin{n}") for n in range(150)]
    _, found = made(tmp_path, write_index(tmp_path / "lists", "bookworm_main", packages))
    share = {one.name: int(hashlib.sha256(one.source.encode()).hexdigest(), 16) % 100 for one in packages}
    expected = {
        "train": [name for name, at in share.items() if 6 <= at < 97],
        "validation": [name for name, at in share.items() if 3 <= at < 6],
        "test": [name for name, at in share.items() if at < 3],
    }
    assert {split: [text.name for text in texts] for split, texts in found.items()} == expected
    assert all(expected.values())


def test_other_suites_add_texts_to_train_on_and_nothing_of_a_source_package_that_is_held_out(tmp_path: Path) -> None:
    lists = write_index(tmp_path / "lists", "bookworm_main", [described("a", source=TRAIN), described("t", source=TEST)])
    write_index(lists, "sid_contrib", [described(f"of-{source}", source=source) for source in (OTHER, TEST, VALIDATION, HELD)])
    _, found = made(tmp_path, lists)
    assert ids(found) == {"train": ["bookworm/main/a", f"sid/contrib/of-{OTHER}"], "validation": [], "test": ["bookworm/main/t"]}


@pytest.mark.parametrize("source", [TEST, VALIDATION, HELD])
def test_a_text_that_is_nearly_a_held_out_one_is_not_trained_on_whatever_its_source_package(tmp_path: Path, source: str) -> None:
    held = described("held", source=source)
    twin = described("held", source=TRAIN, more=" Version 2.")
    lists = write_index(tmp_path / "lists", "bookworm_main", [held, described("a", source=OTHER)])
    write_index(lists, "sid_main", [twin.__class__("renamed", TRAIN, twin.description)])
    artifact, found = made(tmp_path, lists)
    assert ids(found)["train"] == ["bookworm/main/a"]
    assert '"like a text that is held out": 1' in artifact.path(archive.CARD).read_text()


def test_a_later_suites_version_of_a_text_is_kept_only_where_it_says_something_else(tmp_path: Path) -> None:
    lists = write_index(tmp_path / "lists", "bookworm_main", [described("a", source=TRAIN), described("b", source=OTHER)])
    rewritten = described("another", source=OTHER)
    write_index(lists, "sid_main", [described("a", source=TRAIN, more=" More."), rewritten.__class__("b", OTHER, rewritten.description)])
    assert ids(made(tmp_path, lists)[1])["train"] == ["bookworm/main/a", "bookworm/main/b", "sid/main/b"]


def test_addresses_are_left_out_of_what_is_trained_on_and_stay_in_what_is_judged(tmp_path: Path) -> None:
    more = " See https://example.test/ there."
    lists = write_index(tmp_path / "lists", "bookworm_main", [described("a", source=TRAIN, more=more), described("t", source=TEST, more=more)])
    _, found = made(tmp_path, lists)
    assert [text.description for text in (*found["train"], *found["test"])] == [described("a").description + " See there.", described("t").description + more]


def test_facets_are_kept_where_they_have_one_value_that_is_frequent_and_the_language_never(tmp_path: Path) -> None:
    tags = "role::program, use::editing, use::viewing, implemented-in::c"
    often = [described(f"p{n}", source=source_in("train", number=n)) for n in range(30)]
    packages = [one.__class__(one.name, one.source, one.description, one.section, tags if n else f"{tags}, scope::suite") for n, one in enumerate(often)]
    _, found = made(tmp_path, write_index(tmp_path / "lists", "bookworm_main", packages))
    assert [text.facets for text in found["train"]] == [{"role": "program"}] * 30


def test_indices_without_long_descriptions_are_refused(tmp_path: Path) -> None:
    lists = write_index(tmp_path / "lists", "bookworm_main", [described("a")])
    next(lists.glob("*Translation*")).unlink()
    with pytest.raises(UsageError, match="no index of bookworm/main with long descriptions"):
        archive.make(tmp_path / "data", lists)
