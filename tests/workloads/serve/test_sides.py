"""Which releases are served: current, canary, shadow and stop, each verified, none lost to a bad document."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import Fault
from tests.workloads.worlds import publish, wait_until
from workloads.release import POINTER, NotTrusted, Release, public_half, signing_key_file
from workloads.serve.canary import TRAFFIC, Agreement, Part, Traffic, change, signed, verified
from workloads.serve.releases import Loaded, Sides
from workloads.serve.settings import Settings
from workloads.store import Store


class Clock:
    at = 0.0

    def __call__(self) -> float:
        return self.at


class Workers:
    """Stands for the server that starts a worker for each side; `refuses` are versions whose model does not load."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, str | None]] = []
        self.refuses: set[str] = set()

    def __call__(self, side: str, loaded: Loaded | None) -> None:
        self.changes.append((side, loaded.release.version if loaded else None))
        if loaded and loaded.release.version in self.refuses:
            raise Fault("the model does not load")
        if loaded:
            assert (loaded.folder / "encoder.onnx").is_file()


@pytest.fixture
def store(falaj_home: Path, tmp_path: Path) -> Store:
    return Store.open(tmp_path / "releases")


@pytest.fixture
def workers() -> Workers:
    return Workers()


def sides(store: Store, tmp_path: Path, workers: Workers | None = None, clock: Clock | None = None) -> Sides:
    settings = Settings(releases=store.uri, requests=None, poll_seconds=0.02, retry_seconds=5.0, cache=tmp_path / "cache")
    return Sides(settings, workers, clock=clock or Clock())


def served(found: Sides) -> dict[str, str]:
    return {side: loaded.release.version for side, loaded in found.sides().items()}


def set_traffic(store: Store, **fields: Any) -> Traffic:
    return change(store, signing_key_file(), lambda now: Traffic(**fields))


def part(release: Release, share: float = 0.5) -> Part:
    return Part(release.version, release.digest, share)


def test_the_current_release_is_served_swapped_and_its_copy_taken_away(store: Store, tmp_path: Path, workers: Workers) -> None:
    found = sides(store, tmp_path, workers)
    found.look()
    assert (found.current, "no release has been registered" in (found.problem or "")) == (None, True)
    publish(store, tmp_path, "v1")
    found.look()
    assert (served(found), found.problem, found.choose("anybody"), found.swaps) == ({"stable": "v1"}, None, "stable", 1)
    publish(store, tmp_path, "v2")
    found.look()
    assert (served(found), found.swaps, workers.changes) == ({"stable": "v2"}, 2, [("stable", "v1"), ("stable", "v2")])
    assert len(list((tmp_path / "cache").iterdir())) == 1
    found.look()
    assert found.swaps == 2
    found.stop()
    assert not (tmp_path / "cache").exists()


def test_a_server_of_one_release_answers_with_it_whatever_is_current_and_stops_with_all(store: Store, tmp_path: Path, workers: Workers) -> None:
    publish(store, tmp_path, "v1")
    other = publish(store, tmp_path, "v2", point=False)
    set_traffic(store, canary=part(other, 1.0))
    settings = Settings(releases=store.uri, requests=None, release=(other.version, other.digest), cache=tmp_path / "cache")
    found = Sides(settings, workers, clock=Clock())
    found.look()
    assert (served(found), found.problem, found.choose("anybody")) == ({"stable": "v2"}, None, "stable")
    publish(store, tmp_path, "v3")
    found.look()
    assert served(found) == {"stable": "v2"}
    set_traffic(store, stop="wrong answers")
    found.look()
    assert found.stopped == "wrong answers"


def test_a_release_without_a_profile_is_not_served_where_requests_are_logged(store: Store, tmp_path: Path, workers: Workers) -> None:
    publish(store, tmp_path, "v1", profile={})
    settings = Settings(releases=store.uri, requests=tmp_path / "requests", cache=tmp_path / "cache")
    found = Sides(settings, workers, clock=Clock())
    found.look()
    assert served(found) == {} and (found.problem or "").startswith("release v1 has no profile to watch its requests by\n")
    other = Sides(replace(settings, requests=None, cache=tmp_path / "other"), workers, clock=Clock())
    other.look()
    assert (served(other), other.problem) == ({"stable": "v1"}, None)


def test_a_model_that_does_not_load_leaves_the_old_one_and_is_tried_again_later(store: Store, tmp_path: Path, workers: Workers) -> None:
    clock = Clock()
    found = sides(store, tmp_path, workers, clock)
    publish(store, tmp_path, "v1")
    found.look()
    workers.refuses = {"v2"}
    publish(store, tmp_path, "v2")
    for _ in range(3):
        found.look()
    assert (served(found), found.refused, found.problem) == ({"stable": "v1"}, 1, "the model does not load")
    workers.refuses, clock.at = set(), 5.0
    found.look()
    assert (served(found), found.problem) == ({"stable": "v2"}, None)


def test_an_altered_release_takes_nobodys_place_on_any_side(store: Store, tmp_path: Path, workers: Workers) -> None:
    publish(store, tmp_path, "v1")
    bad = publish(store, tmp_path, "v2", point=False)
    store.write_bytes("v2/model/encoder.onnx", b"altered")
    set_traffic(store, canary=part(bad, 1.0), shadow=part(bad, 1.0))
    found = sides(store, tmp_path, workers)
    found.look()
    assert (served(found), found.refused, found.choose("a"), found.shadowed("a")) == ({"stable": "v1"}, 2, "stable", False)
    assert "canary: release v2 is refused: model/encoder.onnx was altered" in (found.problem or "")
    store.put_json(POINTER, {"version": "v2", "digest": bad.digest})
    found.look()
    assert served(found) == {"stable": "v1"}


@pytest.mark.parametrize("pointer", [[], "v1", {}, {"version": "v1"}, {"version": "../v1", "digest": "sha256:" + "0" * 64}, {"version": 5, "digest": "x"}])
def test_a_pointer_that_names_nothing_is_told_and_changes_nothing(pointer: Any, store: Store, tmp_path: Path, workers: Workers) -> None:
    publish(store, tmp_path, "v1")
    found = sides(store, tmp_path, workers)
    found.look()
    store.put_json(POINTER, pointer)
    found.look()
    assert (served(found), bool(found.problem)) == ({"stable": "v1"}, True)


def test_a_canary_gets_its_share_and_each_client_always_the_same_side(store: Store, tmp_path: Path, workers: Workers) -> None:
    publish(store, tmp_path, "v1")
    set_traffic(store, canary=part(publish(store, tmp_path, "v2", point=False), 0.2), sticky="client")
    found = sides(store, tmp_path, workers)
    found.look()
    assert (served(found), found.sticky) == ({"stable": "v1", "canary": "v2"}, "client")
    chosen = {f"key:{n}": found.choose(f"key:{n}") for n in range(2000)}
    assert 330 < list(chosen.values()).count("canary") < 470
    before = {key for key, side in chosen.items() if side == "canary"}
    release = found.sides()["canary"].release
    set_traffic(store, canary=part(release, 0.4), sticky="request")
    found.look()
    after = {key for key in chosen if found.choose(key) == "canary"}
    assert (before < after, 700 < len(after) < 900, found.sticky) == (True, True, "request")
    set_traffic(store)
    found.look()
    assert (served(found), found.choose("key:1"), workers.changes[-1]) == ({"stable": "v1"}, "stable", ("canary", None))


def test_a_canary_that_becomes_the_current_release_is_not_fetched_again(store: Store, tmp_path: Path, workers: Workers) -> None:
    publish(store, tmp_path, "v1")
    second = publish(store, tmp_path, "v2", point=False)
    set_traffic(store, canary=part(second))
    found = sides(store, tmp_path, workers)
    found.look()
    folder = found.sides()["canary"].folder
    store.put_json(POINTER, {"version": "v2", "digest": second.digest})
    set_traffic(store)
    found.look()
    assert (served(found), found.sides()["stable"].folder, folder.is_dir()) == ({"stable": "v2"}, folder, True)


def test_a_shadow_is_asked_its_share_apart_from_the_canary(store: Store, tmp_path: Path, workers: Workers) -> None:
    publish(store, tmp_path, "v1")
    second = publish(store, tmp_path, "v2", point=False)
    set_traffic(store, canary=part(second), shadow=part(second))
    found = sides(store, tmp_path, workers)
    found.look()
    pairs = [(found.choose(str(n)), found.shadowed(str(n))) for n in range(1000)]
    assert all(180 < pairs.count((side, shadow)) < 320 for side in ("stable", "canary") for shadow in (True, False))


def test_a_stop_counts_at_once_even_while_a_model_is_being_loaded(store: Store, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    go_on, inside = threading.Event(), threading.Event()

    def slow(side: str, loaded: Loaded | None) -> None:
        inside.set()
        go_on.wait(10)

    found = sides(store, tmp_path)
    found._on_change = slow
    found.start()
    try:
        assert inside.wait(10) and found.stopped is None
        set_traffic(store, stop="it says wrong things")
        wait_until(lambda: found.stopped == "it says wrong things")
        go_on.set()
        wait_until(lambda: found.current)
        assert found.stopped == "it says wrong things"
        set_traffic(store)
        wait_until(lambda: found.stopped is None)
    finally:
        go_on.set()
        found.stop()


def test_a_stop_in_the_pointer_counts_too(store: Store, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    found = sides(store, tmp_path)
    found.look()
    pointer = store.read_json(POINTER)
    store.put_json(POINTER, {**pointer, "stop": "recalled"})
    found.look()
    assert (found.stopped, served(found)) == ("recalled", {"stable": "v1"})
    store.put_json(POINTER, pointer)
    found.look()
    assert found.stopped is None


def test_a_stop_cannot_be_lifted_without_the_key(store: Store, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    old = signed(Traffic(serial=1), signing_key_file())
    set_traffic(store)
    set_traffic(store, stop="recalled")
    found = sides(store, tmp_path)
    found.look()
    document = store.read_json(TRAFFIC)
    for lifted in ({**document, "stop": None}, {**document, "signature": ""}, {"serial": 9}, [], None, old):
        store.put_json(TRAFFIC, lifted)
        found.look()
        assert (found.stopped, bool(found.problem)) == ("recalled", True), lifted
    (tmp_path / "releases" / TRAFFIC).unlink()
    found.look()
    assert (found.stopped, "is gone" in (found.problem or "")) == ("recalled", True)
    # A server that starts now cannot know, and does not answer where a stop may be hidden.
    store.put_json(TRAFFIC, {**document, "stop": None})
    fresh = sides(store, tmp_path)
    fresh.look()
    assert "nobody can say whether answering is stopped" in (fresh.stopped or "")
    store.put_json(TRAFFIC, document)
    fresh.look()
    assert (fresh.stopped, fresh.problem) == ("recalled", None)


def test_a_store_that_is_away_changes_nothing(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(store, tmp_path, "v1")
    found = sides(store, tmp_path)
    found.look()

    def away(name: str) -> Any:
        raise Fault("the store is away")

    monkeypatch.setattr(found._store, "read_document", away)
    found.look()
    assert (served(found), found.stopped, found.problem) == ({"stable": "v1"}, None, "the store is away")
    monkeypatch.undo()
    found.look()
    assert found.problem is None


def test_a_document_signed_by_somebody_else_or_changed_anywhere_is_not_trusted(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = "sha256:" + "a" * 64
    traffic = Traffic(3, None, Part("v1", digest, 0.25), Part("v2", digest, 1.0), "request")
    private = signing_key_file()
    document, trusted = signed(traffic, private), public_half(private)
    assert verified(json.loads(json.dumps(document)), trusted) == traffic
    changes: list[dict[str, Any]] = [
        {"serial": 4},
        {"stop": "x"},
        {"sticky": "client"},
        {"canary": None},
        {"canary": {"version": "v1", "digest": digest, "share": 0.26}},
        {"schema": "falaj.traffic/2"},
        {"more": 1},
        {"signature": None},
        {"signature": "!"},
        {"serial": float("nan")},
    ]
    for changed in changes:
        with pytest.raises(NotTrusted):
            verified({**document, **changed}, trusted)
    monkeypatch.setenv("FALAJ_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(NotTrusted):
        verified(signed(traffic, signing_key_file()), trusted)
    for wrong in (Traffic(stop=" "), Traffic(serial=-1), Traffic(canary=Part("v1", digest, 0.0)), Traffic(shadow=Part("v1", "x", 1.0))):
        with pytest.raises(Exception, match="stop|serial|share|version"):
            signed(wrong, private)


def test_two_who_change_the_document_at_once_do_not_undo_each_other(store: Store) -> None:
    set_traffic(store)

    def slow(now: Traffic) -> Traffic:
        set_traffic(store, stop="first")
        return Traffic()

    with pytest.raises(Fault, match="changed by somebody else"):
        change(store, signing_key_file(), slow)
    assert store.read_json(TRAFFIC)["stop"] == "first"


def test_agreement_counts_equal_answers_and_how_far_the_others_go_together() -> None:
    agreement = Agreement()
    assert agreement.snapshot() == {"compared": 0, "failed": 0, "same": 0.0, "prefix": 0.0}
    for given, shadow in (([1, 2, 3], [1, 2, 3]), ([1, 2, 3, 4], [1, 2, 9, 4]), ([1, 2], [1, 2, 3, 4]), ([], [])):
        agreement.add(given, shadow)
    agreement.fail()
    assert agreement.snapshot() == {"compared": 4, "failed": 1, "same": 0.5, "prefix": 0.75}


@pytest.mark.parametrize("harm", ["open to others", "a link"])
def test_a_place_that_others_could_write_to_takes_no_copy(harm: str, store: Store, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    if harm == "a link":
        (tmp_path / "cache").symlink_to(tmp_path / "elsewhere")
    else:
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache").chmod(0o777)
    found = sides(store, tmp_path)
    found.look()
    assert (found.current, "is not ours alone" in (found.problem or ""), list((tmp_path / "elsewhere").iterdir())) == (None, True, [])
