"""What a process is given: the tightest limit counts, whichever form it comes in."""

from __future__ import annotations

from pathlib import Path

import pytest

from falaj import limits
from falaj.errors import UsageError


def test_the_tightest_group_bounds_the_cpus(tmp_path: Path) -> None:
    root, own = tmp_path / "cgroup", tmp_path / "own"
    (root / "pod/app").mkdir(parents=True)
    own.write_text("0::/pod/app\n")
    found = [limits.cpus(root, own)]
    for place, text in ((".", "max 100000"), ("pod/app", "400000 100000"), ("pod", "250000 100000")):
        (root / place / "cpu.max").write_text(text + "\n")
        found.append(limits.cpus(root, own))
    (root / "cpu").mkdir()
    (root / "cpu/cpu.cfs_quota_us").write_text("50000\n")
    (root / "cpu/cpu.cfs_period_us").write_text("100000\n")
    assert [*found, limits.cpus(root, own)] == [None, None, 4, 2, 1]


def test_the_tightest_group_bounds_the_memory(tmp_path: Path) -> None:
    root, own = tmp_path / "cgroup", tmp_path / "own"
    (root / "pod/app").mkdir(parents=True)
    own.write_text("0::/pod/app\n")
    found = [limits.memory(root, own)]
    for place, text in ((".", "max"), ("pod/app", "4000"), ("pod", "3000")):
        (root / place / "memory.max").write_text(text + "\n")
        found.append(limits.memory(root, own))
    (root / "memory").mkdir()
    for text in ("9223372036854771712", "2000"):
        (root / "memory/memory.limit_in_bytes").write_text(text + "\n")
        found.append(limits.memory(root, own))
    assert found == [None, None, 4000, 3000, 3000, 2000]


def test_what_is_told_counts_where_no_group_allows_less(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for group in (None, 1 << 30):
        monkeypatch.setattr(limits, "memory", lambda group=group: group)
        found += [limits.told_memory({}), limits.told_memory({"FALAJ_MEMORY_LIMIT": "512Mi"}), limits.told_memory({"FALAJ_MEMORY_LIMIT": "2Gi"})]
    assert found == [None, 512 << 20, 2 << 30, 1 << 30, 512 << 20, 1 << 30]
    with pytest.raises(UsageError, match="not an amount of memory"):
        limits.told_memory({"FALAJ_MEMORY_LIMIT": "much"})


def test_what_is_left_is_that_of_the_group_with_the_least(tmp_path: Path) -> None:
    root, own = tmp_path / "cgroup", tmp_path / "own"
    (root / "pod/app").mkdir(parents=True)
    own.write_text("0::/pod/app\n")
    found = [limits.memory_left(root, own)]
    for place, most, taken in (("pod/app", "4000", "1000"), ("pod", "5000", "4500"), (".", "5000", "6000")):
        (root / place / "memory.max").write_text(most + "\n")
        (root / place / "memory.current").write_text(taken + "\n")
        found.append(limits.memory_left(root, own))
    assert found == [None, 3000, 500, 0]
