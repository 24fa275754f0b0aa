"""Numbers on disk: the ones a tokenizer gives, written once for all, and never half."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from falaj.canonical import manifest
from falaj.errors import Fault
from falaj.home import ROOT
from tests.workloads.small import LONG
from tests.workloads.worlds import wait_until
from workloads.data.rows import Row
from workloads.recipes import SEED, smoke
from workloads.tokens.agreement import Own, own_tokenizer
from workloads.tokens.cache import TokenCache, cached

ROWS = [
    Row(
        str(number),
        "t",
        f"colour: {number % 3} {LONG} {LONG}"[: 20 + 3 * number],
        "a warm answer"[: 1 + number % 13],
        "g",
        "train" if number < 40 else "validation",
    )
    for number in range(51)
]
OTHER = [replace(row, target="cold") for row in ROWS]
_WRITER = """
import os, sys, time
from pathlib import Path
from tests.workloads.tokens import test_cache as here
from workloads.tokens import cache

folder, pause = Path(sys.argv[1]), float(sys.argv[2])
write = cache._write

def slow(*arguments):
    found = write(*arguments)
    (folder / f"in-the-midst-{os.getpid()}").touch()
    time.sleep(pause)
    return found

cache._write = slow
said = []
found = here.made(folder, said)
print(len(said), found.source[3].sum(), flush=True)
"""


@pytest.fixture(scope="module")
def own() -> Own:
    return own_tokenizer(SEED, most_unused=0)


def made(folder: Path, said: list[str] | None = None, *, rows: list[Row] = ROWS, data: str = "sha256:rows", lengths: tuple[int, int] = (24, 4)) -> TokenCache:
    told = [] if said is None else said
    return cached(folder, rows, own_tokenizer(SEED, most_unused=0), data=data, lengths=lengths, say=told.append)


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def writer(folder: Path, pause: float) -> subprocess.Popen[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", _WRITER, str(folder), str(pause)], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)


def test_each_row_has_the_numbers_that_the_tokenizer_gives_cut_to_the_recipes_lengths(tmp_path: Path, own: Own) -> None:
    cache = made(tmp_path)
    for kind, length in (("source", 24), ("target", 4)):
        own.tokenizer.enable_truncation(length)
        expected = [own.tokenizer.encode(getattr(row, kind)).ids for row in ROWS]
        own.tokenizer.no_truncation()
        assert [ids.tolist() for ids in cache.of(ROWS)[kind == "target"]] == expected
    assert max(map(len, cache.of(ROWS)[0])) == 24 and cache.source.tokens.dtype == "<u2" and not cache.source.tokens.flags.writeable


@pytest.mark.parametrize("multiple", [None, 8])
def test_a_batch_from_the_cache_is_the_batch_that_the_tokenizer_makes(tmp_path: Path, own: Own, multiple: int | None) -> None:
    import torch
    from tokenizers import Tokenizer

    from workloads.training.batches import encoder, from_cache

    recipe = replace(smoke(), input_tokens=24, target_tokens=4)
    padding: Tokenizer = Tokenizer.from_str(own.tokenizer.to_str())
    padding.enable_padding(pad_id=0, pad_to_multiple_of=multiple)
    cut: Tokenizer = Tokenizer.from_str(padding.to_str())
    cut.enable_truncation(24)
    encode, read = encoder(padding, recipe, "cpu"), from_cache(made(tmp_path), padding, "cpu")
    for rows in (ROWS[:7], ROWS[30:50], ROWS[5:6]):
        one, other = encode(rows), read(rows)
        assert {name: bool(torch.equal(one[name], other[name])) for name in one} == {"input_ids": True, "attention_mask": True, "labels": True}
        by_library = cut.encode_batch([row.source for row in rows])
        assert one["input_ids"].tolist() == [each.ids for each in by_library] and one["attention_mask"].tolist() == [each.attention_mask for each in by_library]


def test_the_second_who_asks_finds_it_there(tmp_path: Path) -> None:
    said: list[str] = []
    first, second = made(tmp_path, said), made(tmp_path, said)
    assert [line.split(" in ")[0] for line in said] == [f"51 rows became {len(first.source.tokens) + len(first.target.tokens):,} tokens"]
    assert second.artifact == first.artifact and entries(tmp_path) == sorted([first.artifact.folder.name, "lock"])


def test_other_lengths_are_another_cache_and_other_rows_take_the_place_of_the_first_ones(tmp_path: Path) -> None:
    first, longer = made(tmp_path), made(tmp_path, lengths=(30, 4))
    assert entries(tmp_path) == sorted([first.artifact.folder.name, longer.artifact.folder.name, "lock"])
    sums = int(first.source.tokens.sum())
    other = made(tmp_path, rows=OTHER, data="sha256:other")
    assert entries(tmp_path) == sorted([other.artifact.folder.name, "lock"])
    assert int(first.source.tokens.sum()) == sums  # who has mapped it keeps it


@pytest.mark.parametrize("spoil", ["flip", "cut", "lose", "manifest"])
def test_what_was_altered_on_disk_is_made_anew(tmp_path: Path, spoil: str) -> None:
    first = made(tmp_path)
    folder, files = first.artifact.folder, first.artifact.files
    path = folder / ("manifest.json" if spoil == "manifest" else "source.tokens")
    content = path.read_bytes()
    del first
    if spoil == "lose":
        path.unlink()
    else:
        path.write_bytes(content[:-2] if spoil in ("cut", "manifest") else bytes([content[0] ^ 1]) + content[1:])
    said: list[str] = []
    assert (
        made(tmp_path, said).artifact.files == files and said[-1].startswith("51 rows became") and manifest(folder)["source.tokens"] == files["source.tokens"]
    )


def test_a_full_disk_is_a_fault_and_leaves_nothing(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, before[1]))
    try:
        with pytest.raises(Fault, match="could not be written") as caught:
            made(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "free some disk space" in (caught.value.next or "") and entries(tmp_path) == ["lock"]
    assert len(made(tmp_path).source) == 51


def test_kill_9_in_the_midst_leaves_nothing_that_is_read(tmp_path: Path) -> None:
    one = writer(tmp_path, 60)
    wait_until(lambda: bool(list(tmp_path.glob("in-the-midst-*"))), 30)
    one.send_signal(signal.SIGKILL)
    one.wait()
    assert [name for name in entries(tmp_path) if name.startswith(".partial-")] and not list(tmp_path.glob("*/manifest.json"))
    cache = made(tmp_path)
    assert [name for name in entries(tmp_path) if not name.startswith("in-the-midst")] == sorted([cache.artifact.folder.name, "lock"])


def test_of_processes_that_ask_at_once_one_writes_and_all_read(tmp_path: Path) -> None:
    ranks = [writer(tmp_path, 0.3) for _ in range(3)]
    answers = [rank.communicate(timeout=60)[0].split() for rank in ranks]
    assert sorted(answer[0] for answer in answers) == ["0", "0", "1"] and len({answer[1] for answer in answers}) == 1
    assert len({path.name for path in tmp_path.glob("in-the-midst-*")}) == 1


def test_a_large_vocabulary_takes_wider_numbers(tmp_path: Path, own: Own) -> None:
    cache = cached(tmp_path, ROWS, replace(own, rows=250_112), data="sha256:rows", lengths=(24, 4))
    assert cache.source.tokens.dtype == "<u4" and json.loads((cache.artifact.folder / "manifest.json").read_text())["parameters"]["type"] == "<u4"
