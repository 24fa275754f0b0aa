"""The audit log: bound line to line, durable, and honest about what a crash left behind."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from falaj.errors import Fault, UsageError
from infra.audit import chain
from infra.audit.chain import Break, Head

NOON = "2026-11-23T12:00:00Z"


@pytest.fixture
def log(falaj_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three entries, all by one person."""
    monkeypatch.setattr(chain, "actor", lambda: "amna")
    chain.append("local", "planned", "foundation", {"plan": "sha256:aa", "changes": 12}, NOON)
    chain.append("local", "judged", "foundation", {"verdict": "allowed"}, NOON)
    chain.append("local", "applied", "foundation", {"result": "succeeded"}, NOON)
    return chain.audit_log("local")


def lines(log: Path) -> list[str]:
    return log.read_text().splitlines(keepends=True)


def test_every_entry_names_the_one_before_it(log: Path) -> None:
    first, second, third = chain.read(log)
    assert [entry.to_json() for entry in (first, second, third)] == [
        {
            "schema_": "falaj.audit/1",
            "seq": seq,
            "at": NOON,
            "actor": "amna",
            "action": action,
            "subject": "foundation",
            "details": details,
            "previous": previous,
            "own": own,
        }
        for seq, action, details, previous, own in (
            (1, "planned", {"plan": "sha256:aa", "changes": 12}, chain.start("local"), first.own),
            (2, "judged", {"verdict": "allowed"}, first.own, second.own),
            (3, "applied", {"result": "succeeded"}, second.own, third.own),
        )
    ]
    assert chain.check(log, "local") == (Head(3, third.own), None)


def test_the_same_entries_give_the_same_bytes(log: Path) -> None:
    before = log.read_bytes()
    log.unlink()
    chain.append("local", "planned", "foundation", {"changes": 12, "plan": "sha256:aa"}, NOON)
    chain.append("local", "judged", "foundation", {"verdict": "allowed"}, NOON)
    chain.append("local", "applied", "foundation", {"result": "succeeded"}, NOON)
    assert log.read_bytes() == before


def test_a_chain_of_another_environment_does_not_hold(log: Path) -> None:
    assert chain.check(log, "prod") == (
        Head(0, chain.start("prod")),
        Break(1, "it does not name the entry before it: that one was altered, removed or moved"),
    )


def test_an_altered_word_breaks_the_chain_at_its_line(log: Path) -> None:
    first = next(chain.read(log))
    log.write_text(log.read_text().replace('"verdict":"allowed"', '"verdict":"denied"'))
    assert chain.check(log, "local") == (Head(1, first.own), Break(2, "its digest does not fit its content: it was altered"))


def test_an_entry_rewritten_with_its_digest_breaks_the_next_line(log: Path) -> None:
    second = list(chain.read(log))[1].model_copy(update={"actor": "nobody"})
    rewritten = second.model_copy(update={"own": second.expected()})
    one, _, three = lines(log)
    log.write_text(one + json.dumps(rewritten.to_json(), sort_keys=True, separators=(",", ":")) + "\n" + three)
    assert chain.check(log, "local")[1] == Break(3, "it does not name the entry before it: that one was altered, removed or moved")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda one, two, three: one + three, Break(2, "entry 3 stands where entry 2 should: one was removed, added or moved")),
        (lambda one, two, three: one + three + two, Break(2, "entry 3 stands where entry 2 should: one was removed, added or moved")),
        (lambda one, two, three: one + two + two + three, Break(3, "entry 2 stands where entry 3 should: one was removed, added or moved")),
        (lambda one, two, three: one + "\n" + two + three, Break(2, "the line is not an entry of the log")),
        (lambda one, two, three: one + two + three[:40], Break(3, "the line is not complete")),
        (lambda one, two, three: one.replace(",", ", ", 1) + two + three, Break(1, "the line is not written as Falaj writes it")),
    ],
    ids=["removed", "swapped", "doubled", "blank line", "torn", "spaced"],
)
def test_the_first_broken_link_is_named(log: Path, damage, expected: Break) -> None:
    log.write_text(damage(*lines(log)))
    assert chain.check(log, "local")[1] == expected


def test_a_log_that_grew_still_holds_its_old_head_and_a_cut_one_does_not(log: Path) -> None:
    head, _ = chain.check(log, "local")
    chain.append("local", "ran", "r1", {}, NOON)
    assert chain.holds_head(log, "local", head)
    log.write_text("".join(lines(log)[:2]))
    assert not chain.holds_head(log, "local", head)


def test_a_line_torn_by_a_crash_is_cut_off_and_the_cut_is_recorded(log: Path) -> None:
    one, two, three = lines(log)
    log.write_text(one + two + three[:50])
    chain.append("local", "applied", "foundation", {"result": "succeeded"}, NOON)
    entries = list(chain.read(log))
    assert [(entry.seq, entry.action) for entry in entries] == [(1, "planned"), (2, "judged"), (3, "log_recovered"), (4, "applied")]
    assert entries[2].details == {"cut_bytes": 50, "cut_digest": chain.digest_bytes(three[:50].encode())}
    assert chain.check(log, "local")[1] is None


def test_a_whole_entry_that_only_lacks_its_newline_is_kept(log: Path) -> None:
    log.write_text(log.read_text().rstrip("\n"))
    chain.append("local", "ran", "r1", {}, NOON)
    assert [entry.action for entry in chain.read(log)] == ["planned", "judged", "applied", "ran"]
    assert chain.check(log, "local")[1] is None


def test_nothing_is_added_to_a_log_whose_last_line_was_altered(log: Path) -> None:
    log.write_text(log.read_text().replace("succeeded", "failed"))
    before = log.read_bytes()
    with pytest.raises(Fault, match="the audit log was altered"):
        chain.append("local", "ran", "r1", {}, NOON)
    assert log.read_bytes() == before


def test_a_full_disk_leaves_the_log_as_it_was(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = log.read_bytes()

    def full(stream: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(chain, "_settle", full)
    with pytest.raises(Fault, match="No space left on device"):
        chain.append("local", "ran", "r1", {}, NOON)
    assert log.read_bytes() == before


def test_content_is_refused_as_a_detail(log: Path) -> None:
    with pytest.raises(UsageError, match="takes no dict as a detail"):
        chain.append("local", "ran", "r1", {"rows": {"a": 1}}, NOON)  # ty: ignore[invalid-argument-type]


def _append_many(actions: int) -> None:
    for number in range(actions):
        chain.append("local", "ran", f"r{number}", {}, NOON)


def test_appends_of_several_processes_never_break_the_chain(log: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_append_many, args=(10,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    head, broken = chain.check(log, "local")
    assert (head.entries, broken) == (33, None)
