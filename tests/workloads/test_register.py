"""Registering: only what was judged, once, signed, and undone by a rollback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from falaj.canonical import digest, digest_file
from falaj.errors import Denied, Undecided, UsageError
from tests.workloads.worlds import profile, publish
from workloads import register
from workloads.artifacts import begin, finish, open_artifact
from workloads.release import POINTER, NotTrusted, public_half, signing_key_file, trusted_key, verify
from workloads.sealing import open_model
from workloads.sealing_keys import KeyFile
from workloads.store import Store
from workloads.tracking import open_client, registry

_PROFILE: list[dict[str, Any]] = []


def measure(run: Path, model: Path) -> dict[str, Any]:
    _PROFILE[:] = _PROFILE or [profile(rows=60)]
    return _PROFILE[0]


@pytest.fixture
def store(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("FALAJ_RELEASES", str(tmp_path / "releases"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.setenv("FALAJ_WORK", str(tmp_path / "work"))
    return Store.open(tmp_path / "releases")


@pytest.fixture
def unlisted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves MLflow out, where the registry's entry is not what the test is about: importing it takes seconds."""
    monkeypatch.setattr(registry, "record", lambda candidate, release, uri: {"mlflow_version": "1"})
    monkeypatch.setattr(registry, "_open_quietly", lambda: None)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return judged(tmp_path / "runs" / "demo")


def judged(folder: Path, weights: str = "weights") -> Path:
    """A run folder with a candidate and an allowed decision over it."""
    model = folder / "compress" / "int8"
    model.mkdir(parents=True)
    for name in ("encoder.onnx", "decoder.onnx", "config.json", "tokenizer.json"):
        (model / name).write_text(f"{name} {weights}")
    candidate = {
        "schema": "falaj.candidate/1",
        "run": folder.name,
        "base_model": {"name": "seed", "licence": "Apache-2.0", "digest": "sha256:5"},
        "data": {"name": "debian", "digest": "sha256:6", "rows": {"train": 10, "validation": 5, "test": 5}},
        "recipe": {"name": "tiny", "steps": 3},
        "models": {"int8": {"format": "onnx", "files": {f"compress/int8/{path.name}": digest_file(path) for path in sorted(model.iterdir())}}},
        "evaluation": {"tasks": {"language": {"metric": "accuracy", "rows": 5}}, "models": {"int8": {"language": {"accuracy": 0.7}}}},
    }
    (folder / "evaluate").mkdir()
    for name in ("model_card.json", "bom.json"):
        (folder / "evaluate" / name).write_text(f"{name} {weights}")
    candidate["documents"] = {f"evaluate/{name}": digest_file(folder / "evaluate" / name) for name in ("model_card.json", "bom.json")}
    (folder / "evaluate/candidate.json").write_text(json.dumps(candidate))
    (begin(folder, "prepare") / "train.jsonl").write_text("rows")
    finish(folder / "prepare", "falaj.dataset/1", inputs={}, parameters={})
    decide(folder, verdict="allowed", subject_digest=digest(candidate))
    return folder


def decide(folder: Path, **facts: Any) -> None:
    path = folder / "decision.json"
    before = json.loads(path.read_text()) if path.exists() else {"schema_": "falaj.decision/1", "kind": "release", "policy_digest": "sha256:9"}
    path.write_text(json.dumps({**before, **facts}))


def test_an_allowed_candidate_becomes_a_signed_release_that_is_pointed_to(store: Store, run: Path, tmp_path: Path) -> None:
    facts = register.main(run, measure=measure)
    version = register.version_of(json.loads((run / "evaluate/candidate.json").read_text()))
    assert version.startswith("demo-")
    assert store.read_json(POINTER) == {"schema": "falaj.pointer/1", "version": version, "previous": None, "digest": facts["release"]}
    store.get_folder(version, tmp_path / "copy")
    release = verify(tmp_path / "copy", trusted_key(), digest=facts["release"])
    assert {key: release.document[key] for key in ("run", "parent", "candidate", "data")} == {
        "run": "demo",
        "parent": None,
        "candidate": digest(json.loads((run / "evaluate/candidate.json").read_text())),
        "data": "sha256:6",
    }
    models = [f"model/{name}" for name in ("config.json", "decoder.onnx", "encoder.onnx", "tokenizer.json")]
    assert sorted(release.document["files"]) == ["bom.json", "candidate.json", "decision.json", "key.pem", "lineage.jsonl", *models, "model_card.json"]
    assert (tmp_path / "copy" / "bom.json").read_bytes() == (run / "evaluate/bom.json").read_bytes()
    (made,) = map(json.loads, (tmp_path / "copy" / "lineage.jsonl").read_text().splitlines())
    assert [(one["name"], one["facets"]["version"]["datasetVersion"]) for one in made["outputs"]] == [
        ("demo/prepare", open_artifact(run / "prepare").digest),
        ("demo/prepare/train.jsonl", digest_file(run / "prepare/train.jsonl")),
    ]
    artifact = open_artifact(run / "register", schema="falaj.registered/1")
    assert (sorted(artifact.files), artifact.parameters) == (["key.pem", "model.sig", "release.json"], facts)
    assert not [path for path in (tmp_path / "copy").rglob("*") if path.is_file() and b"PRIVATE" in path.read_bytes()]

    # The same job again, as after a kill: one release, one registry entry, the same signature.
    signature = store.read_bytes(f"{version}/model.sig")
    assert register.main(run, measure=measure) == facts
    assert (store.read_bytes(f"{version}/model.sig"), register.versions(store)) == (signature, [version])
    entries = open_client().search_model_versions("name = 'flan-t5'")
    assert [(str(entry.version), entry.source, entry.tags) for entry in entries] == [
        (
            facts["mlflow_version"],
            f"{store.uri}/{version}",
            {
                "release": version,
                "release_digest": facts["release"],
                "licence": "Apache-2.0",
                "base_model": "seed",
                "run": "demo",
                "candidate": release.document["candidate"],
                "decision": release.document["decision"],
                "data": "sha256:6",
            },
        )
    ]
    logged = open_client().get_run(facts["mlflow_run"]).data
    assert (logged.metrics, logged.params) == ({"int8.language.accuracy": 0.7}, {"name": "tiny", "steps": "3"})


@pytest.mark.parametrize(
    ("change", "error", "why"),
    [
        (lambda run: (run / "decision.json").unlink(), Undecided, "nobody has judged this candidate"),
        (lambda run: decide(run, verdict="denied"), Denied, "the gate said denied"),
        (lambda run: decide(run, verdict="undecided"), Denied, "the gate said undecided"),
        (lambda run: decide(run, kind="plan"), Denied, "the decision is not one about a release"),
        (lambda run: decide(run, subject_digest="sha256:0"), Denied, "the decision is about another candidate"),
        (lambda run: (run / "decision.json").write_text("{"), UsageError, "the decision cannot be read"),
        (lambda run: (run / "evaluate/candidate.json").write_text('{"run": "demo", "better": true}'), Denied, "the decision is about another candidate"),
        (lambda run: (run / "compress/int8/encoder.onnx").write_text("x"), Denied, "compress/int8/encoder.onnx is not the file that was judged"),
        (lambda run: (run / "evaluate/bom.json").write_text("x"), Denied, "evaluate/bom.json is not the file that was judged"),
        (lambda run: (run / "prepare/train.jsonl").write_text("x"), UsageError, "the prepare artifact is not what was made: train.jsonl was altered"),
        (lambda run: (run / "compress/int8/config.json").unlink(), Denied, "compress/int8/config.json is not the file that was judged"),
    ],
)
def test_what_was_not_judged_is_not_registered(
    change: Callable[[Path], Any], error: type[Exception], why: str, store: Store, run: Path, unlisted: None
) -> None:
    change(run)
    with pytest.raises(error, match=why):
        register.main(run, measure=measure)
    assert store.names() == []
    assert not (run / "register").exists()


@pytest.mark.parametrize("point", ["put_folder", "record", "replace_document"])
def test_a_job_killed_anywhere_and_started_again_ends_with_one_release(
    point: str, store: Store, run: Path, unlisted: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*given: Any, **named: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(registry if point == "record" else type(store), point, kill)
        register.main(run, measure=measure)
    assert store.read_json(POINTER) is None
    register.main(run, measure=measure)
    assert len(register.versions(store)) == 1


def test_a_release_is_sealed_where_there_is_a_key_and_its_plaintext_is_not_in_the_store(
    store: Store, run: Path, unlisted: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = KeyFile.make(tmp_path / "sealing.key")
    monkeypatch.setenv("FALAJ_SEALING_KEY", str(tmp_path / "sealing.key"))
    facts = register.main(run, measure=measure)
    assert not any(b"encoder.onnx weights" in (store.read_bytes(name) or b"") for name in store.names(facts["version"]))
    store.get_folder(facts["version"], tmp_path / "copy")
    with open_model(verify(tmp_path / "copy", trusted_key(), digest=facts["release"]), key, parent=tmp_path / "open") as opened:
        assert {path.name: path.read_bytes() for path in opened.folder.iterdir()} == {
            path.name: path.read_bytes() for path in (run / "compress/int8").iterdir()
        }
    monkeypatch.setenv("FALAJ_SEALING_KEY", str(tmp_path / "none.key"))
    with pytest.raises(UsageError, match="the sealing key cannot be read"):
        register.main(run, measure=measure)


def test_a_rollback_goes_back_one_release_at_a_time_and_then_says_that_it_cannot(store: Store, tmp_path: Path) -> None:
    releases = [publish(store, tmp_path, version) for version in ("v1", "v2", "v3")]
    assert register.rollback(store) == {"schema": "falaj.pointer/1", "version": "v2", "previous": "v1", "digest": releases[1].digest}
    assert register.rollback(store)["version"] == "v1"
    with pytest.raises(UsageError, match="there is no earlier release"):
        register.rollback(store)
    assert register.rollback(store, "v3") == {"schema": "falaj.pointer/1", "version": "v3", "previous": "v2", "digest": releases[2].digest}


def test_a_rollback_to_nowhere_or_to_an_altered_release_changes_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing has been released yet"):
        register.rollback(store)
    publish(store, tmp_path, "v1")
    publish(store, tmp_path, "v2")
    before = store.read_json(POINTER)
    with pytest.raises(UsageError, match="there is no release v9"):
        register.rollback(store, "v9")
    store.write_bytes("v1/model/encoder.onnx", b"altered")
    with pytest.raises(NotTrusted, match="model/encoder.onnx was altered"):
        register.rollback(store)
    assert store.read_json(POINTER) == before


def test_a_second_run_follows_the_first_and_names_it_as_its_parent(store: Store, tmp_path: Path, unlisted: None) -> None:
    first = register.main(judged(tmp_path / "runs/one"), measure=measure)
    second = register.main(judged(tmp_path / "runs/two", "other weights"), measure=measure)
    assert (second["previous"], store.read_json(f"{second['version']}/release.json")["parent"]) == (first["version"], first["version"])


def test_the_key_is_made_once_for_its_owner_alone_and_a_wrong_one_is_refused(falaj_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = signing_key_file()
    assert (path.stat().st_mode & 0o777, signing_key_file().read_bytes(), trusted_key()) == (0o600, path.read_bytes(), public_half(path))
    (tmp_path / "wrong.pem").write_text("not a key")
    monkeypatch.setenv("FALAJ_SIGNING_KEY", str(tmp_path / "wrong.pem"))
    with pytest.raises(UsageError, match="the release key cannot be read"):
        signing_key_file()
    monkeypatch.setenv("FALAJ_TRUSTED_KEY", str(tmp_path / "none.pem"))
    with pytest.raises(UsageError, match="there is no key to trust releases by"):
        trusted_key()
