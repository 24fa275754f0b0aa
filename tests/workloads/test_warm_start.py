"""Training starts from the model behind a release, and from no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from falaj.canonical import digest_file
from falaj.errors import UsageError
from falaj.files import write_json
from workloads.recipes import base_folder, flan_t5_base
from workloads.release import DOCUMENT, POINTER, NotTrusted, seal, signing_key_file
from workloads.store import Store
from workloads.warm_start import released_base


@pytest.fixture
def released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, falaj_home: Path) -> Path:
    """A work folder whose run `r` was released as v1; returns the trained model's folder."""
    model = tmp_path / "work" / "runs" / "r" / "train" / "model"
    model.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (model / name).write_text("{}")
    monkeypatch.setenv("FALAJ_WORK", str(tmp_path / "work"))
    monkeypatch.setenv("FALAJ_RELEASES", str(tmp_path / "releases"))
    sealed = tmp_path / "sealed"
    (sealed / "model").mkdir(parents=True)
    (sealed / "model" / "encoder.onnx").write_text("small")
    files = {f"train/model/{path.name}": digest_file(path) for path in model.iterdir()}
    write_json(sealed / "candidate.json", {"models": {"full": {"files": files}}})
    release = seal(sealed, {"version": "v1", "run": "r"}, signing_key_file())
    store = Store.open(tmp_path / "releases")
    store.put_folder(sealed, "v1", last=DOCUMENT)
    store.put_json(POINTER, {"version": "v1", "previous": None, "digest": release.digest})
    return model


@pytest.mark.parametrize("told", ["release:v1", "release:current"])
def test_a_release_leads_to_the_model_that_was_trained(told: str, released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_BASE_MODEL", told)
    assert base_folder(flan_t5_base()) == released


def test_a_release_that_is_not_there_is_named(released: Path) -> None:
    with pytest.raises(UsageError, match="no such release to start from") as caught:
        released_base("release:v9")
    assert caught.value.given == "release:v9"


def test_a_trained_model_that_was_altered_since_is_refused(released: Path) -> None:
    (released / "model.safetensors").write_text("other")
    with pytest.raises(UsageError, match="the trained model behind v1 was altered"):
        released_base("release:v1")


def test_a_run_that_is_gone_is_said(released: Path) -> None:
    (released / "config.json").unlink()
    with pytest.raises(UsageError, match="is not there any more") as caught:
        released_base("release:current")
    assert caught.value.given == str(released / "config.json")


def test_a_release_that_does_not_verify_is_not_started_from(released: Path, tmp_path: Path) -> None:
    (tmp_path / "releases" / "v1" / "candidate.json").write_text("{}")
    with pytest.raises(NotTrusted):
        released_base("release:v1")
