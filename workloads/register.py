"""Turns a judged candidate into a signed release and points the serving side to it. Rolls back to an earlier one.

Nothing is registered without an allowed decision over exactly this candidate, and the model's files are compared with the
candidate once more here. Every step can be repeated: a job that was killed and started again ends with one release.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from falaj.canonical import digest, digest_bytes, digest_file
from falaj.errors import Denied, Undecided, UsageError
from falaj.files import read_json
from workloads import reference
from workloads.artifacts import begin, finish
from workloads.lineage import events
from workloads.release import DOCUMENT, MODEL, POINTER, POINTER_SCHEMA, PUBLIC_KEY, SIGNATURE, Release, public_half, seal, signing_key_file, trusted_key, verify
from workloads.sealing import identity_of, seal_folder
from workloads.sealing_keys import SealingKey, from_environment
from workloads.serve.settings import threads
from workloads.store import Store, releases_uri
from workloads.tracking import registry

NAME = "flan-t5"
"""Name of the registered model."""
LINEAGE = "lineage.jsonl"
"""In a release: the stages that made it, as OpenLineage run events, each input and output with its digest."""
_PROFILE_ROWS = 600
_AGAIN = "falaj run"


def main(run: Path, *, measure: Callable[[Path, Path], dict[str, Any]] | None = None) -> dict[str, Any]:
    """The register stage: release, registry entry, pointer, and the stage's own artifact. `run` is the run folder.

    Returns what was registered. Raises Undecided without a decision, Denied when it does not allow this candidate or a file
    differs, UsageError where a stage's artifact was altered. `measure` makes the reference profile from the run folder and the
    model folder. The model is sealed where FALAJ_SEALING_KEY names a key.
    """
    store, key = Store.open(releases_uri()), from_environment(os.environ)
    candidate, decision = check_decision(run)
    # Of an earlier attempt to register nothing was made.
    made_by = [event for event in events(run) if event["job"]["name"] != "register"]
    out = begin(run, "register")
    made_ready = registry.prepare()
    with tempfile.TemporaryDirectory(prefix="falaj-release-") as scratch:
        release = _release(run, Path(scratch) / version_of(candidate), store, candidate, decision, made_by, measure or profile, key)
        for name in (DOCUMENT, SIGNATURE, PUBLIC_KEY):
            shutil.copyfile(release.folder / name, out / name)
    made_ready.join()
    entry = registry.record(candidate, release, store.uri)
    pointer = point(store, release)
    facts = {"version": release.version, "release": release.digest, "previous": pointer["previous"], "store": store.uri, **entry}
    inputs = {"candidate": release.document["candidate"], "decision": release.document["decision"]}
    finish(out, "falaj.registered/1", inputs=inputs, parameters=facts)
    print(f"released {release.version}", flush=True)
    return facts


def check_decision(run: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The candidate and the decision that allows it. Raises Undecided or Denied; compares every model file and document by digest."""
    candidate = read_json(run / "evaluate" / "candidate.json", what="candidate", next=_AGAIN)
    path = run / "decision.json"
    if not path.is_file():
        raise Undecided("nobody has judged this candidate", given=str(path), why="only what the gate allowed is registered", next=_AGAIN)
    decision = read_json(path, what="decision", next=_AGAIN)
    if not isinstance(decision, dict) or decision.get("kind") != "release" or decision.get("schema_") != "falaj.decision/1":
        raise Denied("the decision is not one about a release", given=str(path), allowed="a falaj.decision/1 of kind release", next=_AGAIN)
    if decision.get("verdict") != "allowed":
        raise Denied(f"the gate said {decision.get('verdict')}", given=str(path), allowed="a decision whose verdict is allowed", next="runbooks/gate_denied.md")
    if decision.get("subject_digest") != digest(candidate):
        raise Denied(
            "the decision is about another candidate",
            given=f"{digest(candidate)}, judged was {decision.get('subject_digest')}",
            why="the candidate was changed after it had been judged",
            next=_AGAIN,
        )
    for name, expected in sorted({**candidate["models"]["int8"]["files"], **candidate.get("documents", {})}.items()):
        path = run / name
        if not path.is_file() or digest_file(path) != expected:
            raise Denied(f"{name} is not the file that was judged", given=str(path), allowed=expected, why="it was altered or removed since", next=_AGAIN)
    return candidate, decision


def version_of(candidate: Mapping[str, Any]) -> str:
    """The version a candidate is released as: the same candidate always gets the same one."""
    return f"{candidate['run']}-{digest(candidate).removeprefix('sha256:')[:8]}"


def _release(
    run: Path,
    folder: Path,
    store: Store,
    candidate: dict[str, Any],
    decision: dict[str, Any],
    made_by: list[dict[str, Any]],
    measure: Callable[[Path, Path], dict[str, Any]],
    key: SealingKey | None,
) -> Release:
    version, private = version_of(candidate), signing_key_file()
    if store.read_bytes(f"{version}/{DOCUMENT}") is not None:
        # An earlier attempt, or an earlier run of the same candidate: its signature stays the one that was published.
        store.get_folder(version, folder)
        return verify(folder, public_half(private))
    for name in candidate["models"]["int8"]["files"]:
        target = folder / MODEL / Path(name).name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(run / name, target)
    # One bundle, under one signature: what was judged and decided, the model card and the bill of materials, and what it was made from.
    for name in ("evaluate/candidate.json", "decision.json", *candidate.get("documents", {})):
        shutil.copyfile(run / name, folder / Path(name).name)
    (folder / LINEAGE).write_text("".join(json.dumps(event, sort_keys=True) + "\n" for event in made_by), encoding="utf-8")
    current = store.read_json(POINTER) or {}
    document = {
        "version": version,
        "name": NAME,
        "run": candidate["run"],
        "parent": current.get("version"),
        "candidate": digest(candidate),
        "decision": digest(decision),
        "base_model": candidate["base_model"],
        "data": candidate["data"]["digest"],
        "registered_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "profile": measure(run, folder / MODEL),
    }
    if key is not None:
        seal_model(folder, document, key)
    release = seal(folder, document, private)
    store.put_folder(folder, version, last=DOCUMENT)
    return release


def seal_model(folder: Path, document: Mapping[str, Any], key: SealingKey) -> None:
    """Replace the model in a release's folder, which has not been signed yet, by its sealed form."""
    seal_folder(folder / MODEL, folder / "sealed", key, identity=identity_of(document))
    shutil.rmtree(folder / MODEL)
    (folder / "sealed").rename(folder / MODEL)


def profile(run: Path, model: Path) -> dict[str, Any]:
    """The reference profile: the release's own answers to validation rows, which it was not trained on."""
    from workloads.serve.releases import tokenizer
    from workloads.serve.runtime import Runtime

    rows = split_rows(run / "prepare", "validation")
    labels = reference.known_labels(rows)
    sources = [source for _, source, _ in spread(rows, _PROFILE_ROWS)]
    answers = Runtime.load(model, threads=threads(os.environ)).generate(sources)
    count = tokenizer(model)
    answered = zip(sources, answers, strict=True)
    return reference.build([reference.features(source, answer.text, answer.tokens, labels=labels, tokenize=count) for source, answer in answered], labels)


def split_rows(prepared: Path, split: str) -> list[tuple[str, str, str]]:
    """(task, source, target) rows of one split of the prepared data set. Raises UsageError when it is not there."""
    path = prepared / f"{split}.jsonl"
    if not path.is_file():
        raise UsageError(f"the prepared data has no {split} split", given=str(path), next=_AGAIN)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    return [(row["task"], row["source"], row["target"]) for row in rows]


def spread(rows: Sequence[tuple[str, str, str]], most: int) -> list[tuple[str, str, str]]:
    """At most `most` of `rows`, the same ones every time, in an order that has nothing to do with what they say."""
    return sorted(rows, key=lambda row: digest_bytes(row[1].encode()))[:most]


def point(store: Store, release: Release) -> dict[str, Any]:
    """Make `release` the current one. The pointer is replaced only if nobody else changed it meanwhile (raises Conflict)."""
    before = store.read_document(POINTER)
    if before.value and before.value.get("digest") == release.digest:
        return before.value
    previous = (before.value or {}).get("version")
    pointer = {"schema": POINTER_SCHEMA, "version": release.version, "previous": previous, "digest": release.digest}
    store.replace_document(POINTER, pointer, expect=before.tag)
    return pointer


def versions(store: Store) -> list[str]:
    """Versions of all complete releases in `store`."""
    return sorted(name.split("/")[0] for name in store.names() if name.count("/") == 1 and name.endswith(f"/{DOCUMENT}"))


def rollback(store: Store, to: str | None = None, *, trusted: bytes | None = None) -> dict[str, Any]:
    """Point to `to`, or to the release before the current one. Returns the new pointer.

    The target is fetched and verified first. Raises UsageError when there is none, NotTrusted when it does not verify.
    """
    before = store.read_document(POINTER)
    if before.value is None:
        raise UsageError("nothing has been released yet", given=store.uri, next=_AGAIN)
    target = to or before.value.get("previous")
    there = versions(store)
    if target is None:
        raise UsageError(
            "there is no earlier release",
            given=f"current is {before.value['version']}, the first one",
            allowed=", ".join(there),
            next="falaj rollback --to VERSION",
        )
    if target not in there:
        raise UsageError(f"there is no release {target}", given=store.uri, allowed=", ".join(there) or "none yet")
    with tempfile.TemporaryDirectory() as scratch:
        store.get_folder(target, Path(scratch) / target)
        release = verify(Path(scratch) / target, trusted or trusted_key())
    pointer = {"schema": POINTER_SCHEMA, "version": target, "previous": _before(store, release), "digest": release.digest}
    store.replace_document(POINTER, pointer, expect=before.tag)
    return pointer


def _before(store: Store, release: Release) -> str | None:
    # Going back once more goes further back, not forth again.
    parent = release.document.get("parent")
    return parent if parent and store.read_bytes(f"{parent}/{DOCUMENT}") is not None else None
