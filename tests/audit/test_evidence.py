"""The evidence folder: whole, signed, the same for the same world, and replaced only by a complete one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from falaj.canonical import digest_file, manifest
from falaj.errors import Fault, UsageError
from falaj.files import write_json
from falaj.home import evidence_folder, keys_folder, runs_folder, stack_folder
from infra.artifacts import Plan
from infra.audit import chain
from infra.audit import evidence as evidence_module
from infra.audit.evidence import EvidenceFolder, collect, open_evidence
from tests.audit import world


def test_everything_that_was_planned_decided_done_and_measured_is_there(evidence: EvidenceFolder) -> None:
    assert evidence.count() == {
        "apply": 8,
        "audit log": 1,
        "data": 1,
        "decision": 9,
        "drift": 3,
        "evaluation": 2,
        "guide": 1,
        "parameters": 10,
        "plan": 8,
        "policy": 1,
        "release": 3,
        "run": 6,
        "waiver": 1,
    }
    assert evidence.manifest.open_points == {}


def test_models_and_data_rows_stay_where_they_are(evidence: EvidenceFolder) -> None:
    assert [name for name in evidence.manifest.files if name.endswith((".safetensors", ".onnx", "train.jsonl", "/config.json"))] == []


def test_example_rows_of_the_evaluation_stay_where_they_are(evidence: EvidenceFolder) -> None:
    kept = json.loads((evidence.path / "runs" / world.RUN / "evaluate" / "eval_without_examples.json").read_text())
    whole = runs_folder("local") / world.RUN / "evaluate" / "eval.json"
    assert (kept["whole_file"], "examples" in kept, kept["speed"]["int8"]["tokens_per_second"]) == (digest_file(whole), False, 903.5)
    assert [path for path in evidence.path.rglob("*") if path.is_file() and b"private row" in path.read_bytes()] == []


def test_the_manifest_lists_every_file_but_its_own_envelope(evidence: EvidenceFolder) -> None:
    listed = {name: file.digest for name, file in evidence.manifest.files.items()}
    assert manifest(evidence.path, leave_out=evidence_module.ENVELOPE) == listed


def test_the_same_world_gives_the_same_bytes(evidence: EvidenceFolder, rules: Path, tmp_path: Path) -> None:
    again = collect("local", world.NOON, tmp_path / "again", policies=rules)
    assert manifest(again.path) == manifest(evidence.path)


def test_the_head_of_the_audit_log_is_signed(evidence: EvidenceFolder) -> None:
    head, broken = chain.check(chain.audit_log("local"), "local")
    assert broken is None
    assert evidence.manifest.chain.model_dump() == {"entries": head.entries, "digest": head.digest}


def test_the_signature_can_be_checked_with_openssl(evidence: EvidenceFolder) -> None:
    if not shutil.which("openssl"):
        pytest.skip("needs openssl on PATH")
    done = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "public_key.pem", "-rawin", "-in", "manifest.json", "-sigfile", "signature.ed25519"],
        cwd=evidence.path,
        capture_output=True,
        text=True,
    )
    assert "Signature Verified Successfully" in done.stdout


def test_a_log_that_was_cut_since_is_not_signed_again(evidence: EvidenceFolder, rules: Path) -> None:
    log = chain.audit_log("local")
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))
    before = manifest(evidence.path)
    with pytest.raises(Fault, match="no longer holds the entry that was signed last"):
        collect("local", world.NOON, policies=rules)
    assert manifest(evidence.path) == before


def test_a_broken_log_is_not_signed(happy: Path, rules: Path) -> None:
    log = chain.audit_log("local")
    log.write_text(log.read_text().replace('"verdict":"allowed"', '"verdict":"denied"', 1))
    with pytest.raises(Fault, match="is broken and will not be signed"):
        collect("local", world.NOON, policies=rules)


def test_a_line_torn_by_a_crash_is_left_out_and_does_not_stop_the_evidence(happy: Path, rules: Path) -> None:
    log = chain.audit_log("local")
    whole, _ = chain.check(log, "local")
    with log.open("a") as stream:
        stream.write('{"action":"half')
    assert collect("local", world.NOON, policies=rules).manifest.chain.entries == whole.entries


def test_an_empty_environment_has_nothing_to_collect(falaj_home: Path, rules: Path) -> None:
    with pytest.raises(UsageError, match="there is nothing to collect in local"):
        collect("local", world.NOON, policies=rules)


def test_a_folder_that_is_not_evidence_is_not_replaced(happy: Path, rules: Path, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "summer.jpg").write_text("sea")
    with pytest.raises(UsageError, match="will not be replaced"):
        collect("local", world.NOON, tmp_path / "photos", policies=rules)


def test_a_private_key_never_goes_into_evidence(happy: Path, rules: Path) -> None:
    (rules / "plan" / "says.txt").write_text("a rule may say -----BEGIN PRIVATE KEY----- to look for one")
    collect("local", world.NOON, policies=rules)
    shutil.copyfile(keys_folder() / "evidence.pem", rules / "plan" / "oops.txt")
    with pytest.raises(Fault, match="a private key was about to be put into the evidence"):
        collect("local", world.NOON, policies=rules)


def test_the_old_evidence_stays_when_the_new_one_cannot_be_finished(evidence: EvidenceFolder, rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = manifest(evidence.path)

    def full(path: Path, data: bytes) -> None:
        raise Fault("the disk is full")

    monkeypatch.setattr(evidence_module, "write_durably", full)
    with pytest.raises(Fault, match="the disk is full"):
        collect("local", "2026-11-24T12:00:00Z", policies=rules)
    assert manifest(evidence.path) == before
    assert sorted(path.name for path in evidence.path.parent.glob(".evidence*")) == [".evidence.lock"]


def test_evidence_that_a_crash_left_aside_comes_back(evidence: EvidenceFolder, rules: Path) -> None:
    os.rename(evidence.path, evidence.path.with_name(".evidence.before"))
    log = chain.audit_log("local")
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(Fault, match="no longer holds the entry that was signed last"):
        collect("local", world.NOON, policies=rules)
    assert evidence.path.exists()


def test_what_a_killed_collection_left_half_made_is_removed(evidence: EvidenceFolder, rules: Path) -> None:
    half = evidence.path.with_name(".evidence.x7k2") / "evidence" / "stacks"
    half.mkdir(parents=True)
    collect("local", world.NOON, policies=rules)
    assert sorted(path.name for path in evidence.path.parent.glob(".evidence*")) == [".evidence.lock"]


def test_a_plan_made_after_the_decision_is_an_open_point(happy: Path, rules: Path) -> None:
    collect("local", world.NOON, policies=rules)
    folder = stack_folder("local", "cluster")
    later = Plan.read(folder / "plan.json").model_copy(update={"program": "sha256:later"})
    later.write(folder / "plan.json")
    assert collect("local", world.NOON, policies=rules).manifest.open_points == {
        "stacks/cluster/decision.json": "it judged another plan than the one beside it: that one was made later and not judged"
    }


def test_an_apply_that_was_not_allowed_is_an_open_point(happy: Path, rules: Path) -> None:
    folder = stack_folder("local", "cluster")
    decision = json.loads((folder / "decision.json").read_text()) | {"verdict": "denied"}
    write_json(folder / "decision.json", decision)
    record = json.loads((folder / "apply.json").read_text()) | {"decision_digest": chain.digest(decision)}
    write_json(folder / "apply.json", record)
    points = collect("local", world.NOON, policies=rules).manifest.open_points
    assert set(points.values()) == {"it was carried out although the decision was: denied"}


def test_each_applied_change_is_kept_when_the_next_one_comes(happy: Path, rules: Path) -> None:
    collect("local", world.NOON, policies=rules)
    world.build_stack("local", "cluster", 9)
    kept = collect("local", world.NOON, policies=rules)
    assert len({Path(name).parent for name in kept.manifest.files if name.startswith("stacks/cluster/applied/")}) == 2
    assert kept.manifest.open_points == {}


def test_a_users_own_program_that_was_judged_is_collected_too(happy: Path, rules: Path) -> None:
    folder = happy / "programs" / "theirs-1a2b3c4d"
    plan = world.plan("local", "platform").write(folder / "plan.json")
    world.decision(plan).write(folder / "decision.json")
    found = collect("local", world.NOON, policies=rules)
    assert {name: file.kind for name, file in found.manifest.files.items() if name.startswith("programs/")} == {
        "programs/theirs-1a2b3c4d/decision.json": "decision",
        "programs/theirs-1a2b3c4d/plan.json": "plan",
    }
    assert found.manifest.open_points == {}


def test_an_apply_that_had_nothing_to_do_leaves_no_history(happy: Path, rules: Path) -> None:
    folder = stack_folder("local", "cluster")
    record = json.loads((folder / "apply.json").read_text()) | {"steps": []}
    write_json(folder / "apply.json", record)
    kept = collect("local", world.NOON, policies=rules)
    assert [name for name in kept.manifest.files if name.startswith("stacks/cluster/applied/")] == []
    assert kept.manifest.open_points == {}


def test_evidence_can_be_opened_and_other_folders_cannot(evidence: EvidenceFolder, tmp_path: Path) -> None:
    assert open_evidence(evidence_folder("local")) == evidence
    with pytest.raises(UsageError, match="this is not an evidence folder"):
        open_evidence(tmp_path)
