"""`falaj serve`, `falaj keys` and `falaj traffic`: safe by default, and clear about what is missing."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from falaj.errors import FalajError, UsageError
from infra.cli.keys import keys
from infra.cli.serve import serve
from infra.cli.traffic import traffic
from tests.workloads.serve.certificates import issue
from tests.workloads.worlds import publish
from workloads.release import signing_key_file
from workloads.serve.auth import Authenticator
from workloads.serve.requests import Refusal
from workloads.serve.settings import Settings
from workloads.store import Store

ROOT = Path(__file__).resolve().parents[2]


def run(command: click.Command, *arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments), catch_exceptions=False, standalone_mode=False)


@pytest.fixture
def environment(falaj_home: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(("FALAJ_SERVE", "FALAJ_AUTH", "FALAJ_TLS", "FALAJ_KEYS", "FALAJ_OIDC", "FALAJ_JOBS"))]:
        del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def store(environment: None, tmp_path: Path) -> Store:
    return Store.open(tmp_path / "releases")


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the server would have been started with; a store is looked into while it is there."""
    found: list[dict[str, Any]] = []

    def start(settings: Settings, authenticator: Authenticator, encrypted: Any) -> None:
        place = Store.open(settings.releases)
        pointer = place.read_json("current.json")
        names = [name for name in place.names() if name.startswith(f"{pointer['version']}/")] or place.names(pointer["version"])
        found.append({"settings": settings, "open": authenticator.is_open, "tls": encrypted is not None, "pointer": pointer, "names": names})

    monkeypatch.setattr("workloads.serve.__main__.serve", start)
    return found


def test_on_this_machine_alone_it_serves_without_keys_and_says_where(store: Store, served: list[dict[str, Any]], tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    result = run(serve, "--releases", store.uri, "--port", "0", "--threads", "3")
    settings = served[0]["settings"]
    assert (served[0]["open"], served[0]["tls"], settings.host, settings.threads, settings.access_log) == (True, False, "127.0.0.1", 3, "none")
    assert result.stdout == f"http://127.0.0.1:{settings.port}\n"


def test_one_releases_own_folder_can_be_served_and_is_verified_as_any_other(store: Store, served: list[dict[str, Any]], tmp_path: Path) -> None:
    release = publish(store, tmp_path, "v1", point=False)
    run(serve, "--release", str(tmp_path / "releases/v1"), "--port", "0")
    assert (served[0]["pointer"]["version"], served[0]["pointer"]["digest"]) == ("v1", release.digest)
    assert served[0]["names"] == store.names("v1")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_beyond_this_machine_keys_and_encryption_are_each_a_choice(host: str, store: Store, served: list[dict[str, Any]], tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    _, certificate, key = issue(tmp_path, "shop.example.ae")
    path = str(tmp_path / "keys.json")
    run(keys, "new", "--owner", "shop", "--file", path)
    given = ["--release", store.uri, "--host", host, "--port", "0"]
    before = dict(os.environ)
    for options, message in (
        ([], "nobody has said who may use this server"),
        (["--keys", path], "plain HTTP would leave this machine"),
        (["--behind-proxy"], "nobody has said"),
        (["--keys", path, "--tls-cert", str(certificate)], "needs a certificate and its key"),
        (["--keys", path + "x", "--behind-proxy"], "there is no keys file"),
        (["--keys", path, "--tls-cert", str(certificate), "--tls-key", path], "cannot be used"),
    ):
        with pytest.raises(UsageError, match=message):
            run(serve, *given, *options)
        os.environ.clear()
        os.environ.update(before)
    assert served == []
    result = run(serve, *given, "--keys", path, "--tls-cert", str(certificate), "--tls-key", str(key))
    os.environ.clear()
    os.environ.update(before)
    run(serve, *given, "--keys", path, "--behind-proxy")
    assert [(one["open"], one["tls"]) for one in served] == [(False, True), (False, False)]
    assert result.stdout.startswith("https://")


def test_a_place_without_a_release_is_told_apart(environment: None, tmp_path: Path) -> None:
    signing_key_file()
    (tmp_path / "release.json").write_text('{"version": "../v1"}')
    for place, message in ((tmp_path / "nowhere", "there is no release"), (tmp_path, "does not say which it is")):
        with pytest.raises(UsageError, match=message):
            run(serve, "--release", str(place), "--port", "0")


def test_a_key_is_shown_once_lets_in_and_is_revoked(environment: None, tmp_path: Path) -> None:
    from workloads.serve.keys import Keys

    made = run(keys, "new", "--owner", "a shop", "--days", "0", "--requests-per-minute", "9")
    text = made.stdout.strip()
    path = tmp_path / "home/keys/api-keys.json"
    client = Keys(path).check(text, 0.0)
    assert (client.scopes, client.limits.requests_per_minute, text in path.read_text(), text in made.stderr) == ({"generate", "jobs"}, 9, False, False)
    (row,) = json.loads(run(keys, "list", "--json").stdout)
    assert (row["owner"], row["expires"], row["holds"], row["limits"]) == ("a shop", "for ever", "yes", {"requests_per_minute": 9})
    assert "revoked" in run(keys, "revoke", row["id"]).stdout
    assert "revoked" in run(keys, "list").stdout
    with pytest.raises(Refusal):
        Keys(path).check(text, 0.0)
    assert json.loads(run(keys, "new", "--owner", "b", "--json").stdout)["key"].startswith("falaj_")
    with pytest.raises(UsageError, match="there is no key"):
        run(keys, "revoke", "nobody")
    with pytest.raises(UsageError, match="there is no keys file"):
        run(keys, "list", "--file", str(tmp_path / "none.json"))


def test_a_client_gets_its_own_callback_secret(environment: None, tmp_path: Path) -> None:
    (tmp_path / "master").write_text(base64.b64encode(b"m" * 32).decode())
    secrets = [run(keys, "callback-secret", name, "--key-file", str(tmp_path / "master")).stdout for name in ("key:a", "key:b", "key:a")]
    assert secrets[0] == secrets[2] != secrets[1] and secrets[0].startswith("whsec_")


def test_traffic_is_given_shadowed_stopped_and_taken_back(store: Store, tmp_path: Path) -> None:
    publish(store, tmp_path, "v1")
    publish(store, tmp_path, "v2", point=False)
    place = ["--releases", store.uri]

    def done(*arguments: str) -> dict[str, Any]:
        return json.loads(run(traffic, *arguments, *place, "--json").stdout)

    assert done("show") == {"current": "v1", "sticky": "client", "stop": None, "serial": 0}
    assert done("canary", "v2", "--percent", "2.5", "--sticky", "request")["canary"] == {"version": "v2", "percent": 2.5}
    assert done("shadow", "v2", "--percent", "100")["shadow"] == {"version": "v2", "percent": 100.0}
    assert done("stop", "--reason", "recalled")["stop"] == "recalled"
    assert "stopped  recalled" in run(traffic, "show", *place).stdout
    assert done("end", "canary") == {"current": "v1", "shadow": {"version": "v2", "percent": 100.0}, "sticky": "request", "stop": "recalled", "serial": 4}
    assert done("resume")["stop"] is None
    assert done("end", "both") == {"current": "v1", "sticky": "request", "stop": None, "serial": 6}


def test_traffic_goes_to_no_release_that_is_missing_or_altered_and_is_changed_by_nobody_elses_key(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(store, tmp_path, "v1")
    publish(store, tmp_path, "v2", point=False)
    place = ["--releases", store.uri]
    with pytest.raises(UsageError, match="there is no release v9"):
        run(traffic, "canary", "v9", *place)
    store.write_bytes("v2/model/encoder.onnx", b"altered")
    with pytest.raises(FalajError, match="was altered"):
        run(traffic, "shadow", "v2", *place)
    with pytest.raises(click.BadParameter):
        run(traffic, "canary", "v1", "--percent", "0", *place)
    trusted = tmp_path / "home/keys/release.pub.pem"
    monkeypatch.setenv("FALAJ_TRUSTED_KEY", str(trusted))
    monkeypatch.setenv("FALAJ_HOME", str(tmp_path / "elsewhere"))
    with pytest.raises(UsageError, match="would not trust this"):
        run(traffic, "stop", "--reason", "x", *place)


def test_without_a_place_the_environments_own_store_is_changed_and_the_change_is_noted(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from infra.audit import chain
    from infra.cli import road

    publish(store, tmp_path, "v1")
    monkeypatch.setattr(road, "connect", lambda: None)
    monkeypatch.setattr(road, "release_store", lambda client: store)
    assert json.loads(run(traffic, "stop", "--reason", "recalled", "--json").stdout)["stop"] == "recalled"
    run(traffic, "resume")
    noted = [(entry.action, entry.subject, entry.details) for entry in chain.read(chain.audit_log("local"))]
    assert noted == [("traffic changed", "stopped", {"serial": 1, "reason": "recalled"}), ("traffic changed", "resumed", {"serial": 2})]
    with pytest.raises(UsageError):
        run(traffic, "stop", "--reason", "recalled", "--env", "prod")
