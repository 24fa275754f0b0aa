"""`falaj seal` and `falaj edge`: a release is sealed beside its plain form, bundled, and checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from falaj.errors import UsageError
from infra.cli.edge import edge
from infra.cli.seal import seal
from tests.workloads.worlds import profile
from workloads.edge.signed import NotTheBundle
from workloads.release import DOCUMENT, POINTER, NotTrusted, signing_key_file
from workloads.release import seal as sign
from workloads.store import Store


@pytest.fixture
def place(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with one signed release, v1, that is current."""
    monkeypatch.delenv("FALAJ_SEALING_KEY", raising=False)
    folder = tmp_path / "made"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "config.json").write_text('{"secret": "weights"}')
    release = sign(folder, {"version": "v1", "candidate": "sha256:1", "run": "r", "profile": profile(rows=60)}, signing_key_file())
    store = Store.open(tmp_path / "releases")
    store.put_folder(folder, "v1", last=DOCUMENT)
    store.put_json(POINTER, {"version": "v1", "previous": None, "digest": release.digest})
    return tmp_path / "releases"


def run(command: object, *words: object) -> Result:
    done = CliRunner().invoke(command, [str(word) for word in words], standalone_mode=False)  # ty: ignore[invalid-argument-type]
    if done.exception is not None:
        raise done.exception
    return done


def test_a_release_is_sealed_beside_its_plain_form_and_opens_with_its_key_alone(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="there is no key to seal with"):
        run(seal, "release", "--releases", place)
    run(seal, "key", tmp_path / "sealing.key")
    monkeypatch.setenv("FALAJ_SEALING_KEY", str(tmp_path / "sealing.key"))
    made = json.loads(run(seal, "release", "--releases", place, "--json").stdout)
    assert (made["version"], made["of"]) == ("v1-sealed", "v1")
    assert not any(b"secret" in path.read_bytes() for path in (place / "v1-sealed" / "model").iterdir())
    checked = json.loads(run(seal, "check", "--releases", place, "--release", "v1-sealed", "--json").stdout)
    assert {name: checked[name] for name in ("version", "sealed", "files")} == {"version": "v1-sealed", "sealed": True, "files": 1}
    for again, message in (("v1", "there is a sealed form already"), ("v1-sealed", "sealed already")):
        with pytest.raises(UsageError, match=message):
            run(seal, "release", "--releases", place, "--release", again)
    (place / "v1-sealed" / "model" / "config.json.sealed").write_bytes(b"altered")
    with pytest.raises(NotTrusted, match="was altered"):
        run(seal, "check", "--releases", place, "--release", "v1-sealed")


def test_a_bundle_is_built_from_a_store_and_checked_with_the_key_beside_it(place: Path, tmp_path: Path) -> None:
    facts = json.loads(run(edge, "build", "--releases", place, "--out", tmp_path / "box", "--port", 9000, "--json").stdout)
    assert (facts["version"], facts["port"], facts["key"]) == ("v1", 9000, str(tmp_path / "box.pem"))
    assert "is whole" in run(edge, "check", tmp_path / "box", "--trusted-key", tmp_path / "box.pem").stdout
    (tmp_path / "box" / "bundle.json").write_text("{}")
    with pytest.raises(NotTheBundle, match=r"bundle\.json was altered"):
        run(edge, "check", tmp_path / "box", "--trusted-key", tmp_path / "box.pem")
    with pytest.raises(UsageError, match="there is something already"):
        run(edge, "build", "--releases", place, "--out", tmp_path / "box")
