"""API keys: made, checked, revoked, reloaded, and the file they are kept in."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from falaj.errors import UsageError
from workloads.serve import keys
from workloads.serve.auth import ANYONE, Authenticator, Client, Limits, from_environment
from workloads.serve.keys import Key, Keys
from workloads.serve.requests import Refusal

NOW = 1_800_000_000


class Clock:
    at = 100.0

    def __call__(self) -> float:
        return self.at


def made(path: Path, **changes: Any) -> tuple[str, Key]:
    text, key = keys.new("a shop", scopes=["generate"], expires=NOW + 100, limits=Limits(requests_per_minute=5), now=NOW)
    key = replace(key, **changes)
    keys.add(path, key)
    return text, key


def refusal_of(authenticator: Authenticator, headers: dict[str, str], now: float = NOW) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        authenticator.check(headers, now)
    return refusal.value


def test_a_key_lets_in_its_owner_with_scopes_and_limits_by_either_header(tmp_path: Path) -> None:
    text, key = made(tmp_path / "keys.json")
    authenticator = Authenticator(keys=Keys(tmp_path / "keys.json"))
    client = Client(f"key:{key.id}", frozenset({"generate"}), Limits(requests_per_minute=5))
    for headers in ({"authorization": f"Bearer {text}"}, {"authorization": f"bearer  {text} "}, {"x-api-key": text}):
        assert authenticator.check(headers, NOW) == client
    client.require("generate")
    with pytest.raises(Refusal) as refusal:
        client.require("jobs")
    assert (refusal.value.status, refusal.value.code) == (403, "scope_missing")


def test_the_file_holds_no_key_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    text, _ = made(tmp_path / "keys.json")
    secret = text.split("_", 2)[2]
    assert (len(secret), secret in (tmp_path / "keys.json").read_text()) == (43, False)
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600
    assert len({made(tmp_path / "keys.json")[0] for _ in range(20)}) == 20


def test_wrong_expired_revoked_and_foreign_keys_are_refused_alike(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    good, key = made(path)
    revoked, gone = made(path, revoked=NOW)
    authenticator = Authenticator(keys=Keys(path))
    last = "A" if good[-1] != "A" else "B"
    refusals = [
        refusal_of(authenticator, {"x-api-key": good}, NOW + 100),
        refusal_of(authenticator, {"x-api-key": revoked}),
        refusal_of(authenticator, {"x-api-key": good[:-1] + last}),
        refusal_of(authenticator, {"x-api-key": good[:-1]}),
        refusal_of(authenticator, {"x-api-key": good + "A"}),
        refusal_of(authenticator, {"x-api-key": good.upper()}),
        refusal_of(authenticator, {"x-api-key": good.replace(key.id, gone.id)}),
        refusal_of(authenticator, {"x-api-key": key.hash}),
        refusal_of(authenticator, {"x-api-key": key.id}),
        refusal_of(authenticator, {"x-api-key": "falaj_" + "0" * 12 + "_" + "A" * 43}),
    ]
    assert {(one.status, one.message, one.headers["WWW-Authenticate"]) for one in refusals} == {(401, "the API key is not accepted", 'Bearer realm="falaj"')}
    assert not any(good in str(one.body()) for one in refusals)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Basic dTpw"},
        {"authorization": "Bearer a.b.c"},
        {"x-api-key": "x" * 8193},
        {"x-api-key": "falaj_\x00"},
        {"x-api-key": "falaj_é"},
        {"x-api-key": "a", "authorization": "Bearer b"},
    ],
)
def test_what_is_no_key_is_a_401(headers: dict[str, str], tmp_path: Path) -> None:
    made(tmp_path / "keys.json")
    assert refusal_of(Authenticator(keys=Keys(tmp_path / "keys.json")), headers).status == 401


def test_every_comparison_is_of_constant_time_even_where_there_is_no_such_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, key = made(tmp_path / "keys.json")
    opened = Keys(tmp_path / "keys.json")
    compared: list[str] = []

    def compare(one: str, other: str) -> bool:
        compared.append(other)
        return one == other

    monkeypatch.setattr(keys.hmac, "compare_digest", compare)
    opened.check(text, NOW)
    with pytest.raises(Refusal):
        opened.check("falaj_" + "0" * 12 + "_x", NOW)
    assert compared == [key.hash, "sha256:" + "0" * 64]


def test_a_key_that_is_revoked_or_added_counts_within_a_second(tmp_path: Path) -> None:
    path, clock = tmp_path / "keys.json", Clock()
    text, key = made(path)
    opened = Keys(path, clock=clock)
    assert opened.check(text, NOW).name == f"key:{key.id}"
    assert keys.revoke(path, key.id, NOW).revoked == NOW
    assert keys.revoke(path, key.id, NOW + 9).revoked == NOW
    other, _ = made(path)
    clock.at += 1.1
    with pytest.raises(Refusal):
        opened.check(text, NOW)
    assert opened.check(other, NOW).scopes == {"generate"}
    with pytest.raises(UsageError, match="there is no key"):
        keys.revoke(path, "0" * 12, NOW)


def test_a_mounted_secret_that_is_swapped_by_a_link_is_read_again(tmp_path: Path) -> None:
    clock = Clock()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    first, _ = made(tmp_path / "one/keys.json")
    second, _ = made(tmp_path / "two/keys.json")
    os.symlink("one", tmp_path / "data")
    opened = Keys(tmp_path / "data/keys.json", clock=clock)
    assert opened.check(first, NOW)
    os.symlink("two", tmp_path / "fresh")
    os.replace(tmp_path / "fresh", tmp_path / "data")
    clock.at += 2
    assert opened.check(second, NOW)
    with pytest.raises(Refusal):
        opened.check(first, NOW)


@pytest.mark.parametrize("harm", ["gone", "broken"])
def test_a_broken_file_is_believed_for_a_minute_and_then_lets_nobody_in(harm: str, tmp_path: Path) -> None:
    path, clock = tmp_path / "keys.json", Clock()
    text, _ = made(path)
    whole = path.read_bytes()
    opened = Keys(path, clock=clock)
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(whole[:50])
    clock.at += 30
    assert opened.check(text, NOW) and opened.problem
    clock.at += 31
    with pytest.raises(Refusal) as refusal:
        opened.check(text, NOW)
    assert (refusal.value.status, refusal.value.code) == (503, "keys_unreadable")
    path.write_bytes(whole)
    clock.at += 2
    assert opened.check(text, NOW) and opened.problem is None


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../../etc"},
        {"hash": "md5:1"},
        {"owner": ""},
        {"owner": "a\nb"},
        {"scopes": []},
        {"scopes": ["root"]},
        {"expires": "never"},
        {"created": None},
        {"created": True},
        {"limits": {"requests_per_minute": 0}},
        {"limits": {"other": 1}},
        {"limits": None},
    ],
)
def test_a_file_with_a_key_that_is_not_whole_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    made(path)
    document = json.loads(path.read_text())
    document["keys"][0].update(change)
    path.write_text(json.dumps(document))
    with pytest.raises(UsageError):
        Keys(path)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema": "falaj.keys/1", "keys": {}}', '{"schema": "falaj.keys/2", "keys": []}', "[" * 100_000])
def test_a_file_that_is_no_keys_file_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(content)
    with pytest.raises(UsageError):
        keys.read(tmp_path / "keys.json")


def test_who_may_ask_is_a_choice_and_never_a_default(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    text, _ = made(path)
    assert from_environment({"FALAJ_AUTH": "none"}, "0.0.0.0").check({}, NOW) == ANYONE
    assert from_environment({"FALAJ_KEYS": str(path)}, "127.0.0.1").check({"x-api-key": text}, NOW)
    assert from_environment({"FALAJ_AUTH": "keys", "FALAJ_KEYS": str(path)}, "127.0.0.1").is_open is False
    for wrong in (
        {},
        {"FALAJ_AUTH": ""},
        {"FALAJ_AUTH": "keys"},
        {"FALAJ_AUTH": "oidc"},
        {"FALAJ_AUTH": "nobody"},
        {"FALAJ_AUTH": "none,keys", "FALAJ_KEYS": str(path)},
        {"FALAJ_AUTH": "none", "FALAJ_KEYS": str(path)},
        {"FALAJ_KEYS": str(tmp_path / "none.json")},
    ):
        with pytest.raises(UsageError):
            from_environment(wrong, "127.0.0.1")
