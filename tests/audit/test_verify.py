"""The offline verifier: genuine evidence passes anywhere, and the first thing that was touched is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from falaj.canonical import digest, digest_bytes
from falaj.errors import Exit, Fault, UsageError
from falaj.signing import public_pem, signing_key
from infra.artifacts import Decision, Plan, RuleResult
from infra.audit.evidence import EvidenceFolder, collect
from infra.audit.verify import Finding, Verification, verify
from tests.audit import world


class SameJudge:
    """Answers as the gate did in the happy world."""

    def plan(self, plan: Plan, parameters: dict | None, now: str, policies: Path, also: list[RuleResult]) -> Decision:
        assert (parameters, now, policies.name) == (world.PARAMETERS, world.NOON, "policies")
        return world.decision(plan)

    def release(self, candidate: dict, observed: dict, parameters: dict | None, environment: str, now: str, policies: Path) -> Decision:
        return world.release_decision(environment, candidate)

    def documents(self, given: dict, decision: Decision, parameters: dict | None, policies: Path) -> Decision:
        return decision


@pytest.fixture
def copy(evidence: EvidenceFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The evidence on another machine: no home, no keys, no state."""
    target = tmp_path / "elsewhere" / "evidence"
    shutil.copytree(evidence.path, target)
    monkeypatch.setenv("FALAJ_HOME", str(tmp_path / "nothing"))
    return target


def test_genuine_evidence_verifies_on_another_machine(copy: Path, evidence: EvidenceFolder) -> None:
    found = verify(copy, judge=SameJudge())
    assert (found.verdict, found.exit_code, found.findings, found.open_points) == ("genuine", Exit.DONE, [], {})
    assert (found.signed_by, found.files, found.entries) == (evidence.signed_by, len(evidence.manifest.files), evidence.manifest.chain.entries)
    assert {each.outcome for each in found.decisions} == {"same answer"}
    assert len(found.decisions) == 9


def test_verifying_changes_nothing(copy: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    verify(copy, judge=SameJudge())
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*")} == before


def _edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return change


def _remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def _add(name: str, text: str = "{}") -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)

    return change


def _link(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        shutil.move(folder / name, folder.parent / "moved")
        (folder / name).symlink_to(folder.parent / "moved")

    return change


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (_edit("stacks/cluster/plan.json", "gpu", "cpu"), Finding("altered", "stacks/cluster/plan.json", "its content does not fit its digest")),
        (_edit("stacks/cluster/decision.json", "allowed", "denied"), Finding("altered", "stacks/cluster/decision.json", "its content does not fit its digest")),
        (_remove("stacks/cluster/apply.json"), Finding("missing", "stacks/cluster/apply.json", "the manifest lists it")),
        (_add("stacks/cluster/extra.json"), Finding("added", "stacks/cluster/extra.json", "the manifest does not list it")),
        (_add(".hidden"), Finding("added", ".hidden", "the manifest does not list it")),
        (_link("audit.jsonl"), Finding("altered", "audit.jsonl", "it is no longer a plain file")),
        (
            _edit("manifest.json", "2026-11-23T12", "2026-11-23T13"),
            Finding("signature", "manifest.json", "the signature does not fit: the manifest, the signature or the key was altered"),
        ),
        (_remove("signature.ed25519"), Finding("missing", "signature.ed25519", "it was removed")),
        (_remove("public_key.pem"), Finding("missing", "public_key.pem", "it was removed")),
        (_add("public_key.pem", "no key"), Finding("altered", "public_key.pem", "it is not an Ed25519 public key")),
        (
            _edit("manifest.json", "{", "["),
            Finding("signature", "manifest.json", "the signature does not fit: the manifest, the signature or the key was altered"),
        ),
    ],
    ids=["plan", "decision", "removed", "added", "hidden", "link", "manifest", "no signature", "no key", "other key", "not JSON"],
)
def test_the_first_thing_that_was_touched_is_named(copy: Path, damage: Callable[[Path], None], expected: Finding) -> None:
    damage(copy)
    found = verify(copy, judge=SameJudge())
    assert (found.first, found.exit_code, found.verdict) == (expected, Exit.DENIED, "altered")


def test_several_things_are_named_in_path_order(copy: Path) -> None:
    for damage in (_remove("stacks/workloads/plan.json"), _add("drift/more.json"), _edit("stacks/cluster/plan.json", "gpu", "cpu")):
        damage(copy)
    assert [(found.what, found.path) for found in verify(copy).findings if found.what != "binding"] == [
        ("added", "drift/more.json"),
        ("altered", "stacks/cluster/plan.json"),
        ("missing", "stacks/workloads/plan.json"),
    ]


def resign(folder: Path) -> None:
    """What somebody with a key of their own could do: bring the manifest up to date and sign it."""
    text = json.loads((folder / "manifest.json").read_text())
    for name, file in text["files"].items():
        data = (folder / name).read_bytes()
        file |= {"digest": digest_bytes(data), "bytes": len(data)}
    data = json.dumps(text).encode()
    key = signing_key("somebody")
    (folder / "manifest.json").write_bytes(data)
    (folder / "signature.ed25519").write_bytes(key.sign(data))
    (folder / "public_key.pem").write_bytes(public_pem(key))


def test_a_folder_signed_anew_by_somebody_else_is_found_out_by_the_key(copy: Path, evidence: EvidenceFolder) -> None:
    resign(copy)
    assert verify(copy).verdict == "genuine"
    found = verify(copy, key=evidence.signed_by)
    assert (found.exit_code, found.first and found.first.what) == (Exit.DENIED, "key")


def test_the_key_may_be_a_fingerprint_or_a_file(copy: Path, evidence: EvidenceFolder) -> None:
    shutil.copyfile(copy / "public_key.pem", copy.parent / "trusted.pem")
    for key in (evidence.signed_by, evidence.signed_by.removeprefix("sha256:"), str(copy.parent / "trusted.pem")):
        found = verify(copy, key=key)
        assert (found.verdict, found.key_given) == ("genuine", True)
    with pytest.raises(UsageError, match="the key cannot be read"):
        verify(copy, key="nobody")


def test_a_decision_about_another_plan_is_found_even_when_all_is_signed_anew(copy: Path) -> None:
    for name in ("stacks/cluster", *(path.relative_to(copy).as_posix() for path in (copy / "stacks/cluster/applied").iterdir())):
        _edit(f"{name}/plan.json", "gpu", "cpu")(copy)
    resign(copy)
    assert verify(copy).first == Finding(
        "binding",
        next(f"stacks/cluster/applied/{path.name}/apply.json" for path in (copy / "stacks/cluster/applied").iterdir()),
        "the plan that it carried out is not here",
    )


def test_a_release_without_its_decision_is_found(copy: Path) -> None:
    _edit(f"runs/{world.RUN}/register/release.json", '"decision": "sha256:', '"decision": "sha256:0')(copy)
    resign(copy)
    assert verify(copy).findings == [Finding("binding", f"runs/{world.RUN}/register/release.json", "the decision that it names is not here")]


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda lines: lines[:-1], "it ends with entry 14, signed were 15"),
        (lambda lines: [*lines[:4], *lines[5:]], "line 5: entry 6 stands where entry 5 should: one was removed, added or moved"),
    ],
    ids=["cut", "gap"],
)
def test_the_first_broken_link_of_the_chain_is_named(copy: Path, damage: Callable[[list[str]], list[str]], why: str) -> None:
    log = copy / "audit.jsonl"
    log.write_text("".join(damage(log.read_text().splitlines(keepends=True))))
    resign(copy)
    assert verify(copy).findings == [Finding("chain", "audit.jsonl", why)]


class OtherJudge(SameJudge):
    """Rules that now say no about the cluster."""

    def plan(self, plan: Plan, parameters: dict | None, now: str, policies: Path, also: list[RuleResult]) -> Decision:
        decision = world.decision(plan)
        return decision.model_copy(update={"verdict": "denied"}) if plan.stack == "cluster" else decision


def test_a_decision_that_the_rules_do_not_give_is_found(copy: Path) -> None:
    found = verify(copy, judge=OtherJudge())
    assert {(each.what, each.why) for each in found.findings} == {("answer", "recorded is allowed; the rules in this folder say denied")}
    assert found.exit_code == Exit.DENIED


class DumbJudge(SameJudge):
    """A machine without a policy engine."""

    def plan(self, plan: Plan, parameters: dict | None, now: str, policies: Path, also: list[RuleResult]) -> Decision:
        raise ImportError("regorus")

    def release(self, candidate: dict, observed: dict, parameters: dict | None, environment: str, now: str, policies: Path) -> Decision:
        raise Fault("the engine did not start")


def test_decisions_that_cannot_be_run_again_leave_the_evidence_incomplete(copy: Path) -> None:
    found = verify(copy, judge=DumbJudge())
    assert (found.verdict, found.exit_code, found.findings) == ("incomplete", Exit.UNDECIDED, [])
    assert set(found.open_points.values()) == {"not run again: this machine has no policy engine: regorus", "not run again: the engine did not start"}


def test_what_was_open_when_it_was_signed_is_said_and_is_not_an_alteration(happy: Path, rules: Path) -> None:
    collect("local", world.NOON, policies=rules)
    plan = world.plan("local", "cluster").model_copy(update={"program": digest("later")})
    plan.write(happy / "stacks" / "cluster" / "plan.json")
    found = verify(collect("local", world.NOON, policies=rules).path)
    assert (found.verdict, found.findings) == ("incomplete", [])
    assert list(found.open_points) == ["stacks/cluster/decision.json"]


def test_a_folder_that_is_not_evidence_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(UsageError, match="this is not an evidence folder"):
        verify(tmp_path)


def test_the_result_as_json_says_the_same(copy: Path) -> None:
    found: Verification = verify(copy)
    assert (found.to_json()["verdict"], found.to_json()["first"]) == ("genuine", None)


def test_one_changed_byte_anywhere_is_found_and_named(copy: Path) -> None:
    missed = {}
    for path in sorted(path for path in copy.rglob("*") if path.is_file()):
        name, data = path.relative_to(copy).as_posix(), path.read_bytes()
        place = len(data) * 2 // 3
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        first = verify(copy).first
        path.write_bytes(data)
        blamed = {"signature.ed25519": "manifest.json"}.get(name, name)
        if first is None or first.path not in (blamed, "manifest.json" if name == "public_key.pem" else blamed):
            missed[name] = first
    assert missed == {}
    assert verify(copy).verdict == "genuine"


@pytest.mark.parametrize("name", ["../outside.json", "/etc/hostname"])
def test_a_manifest_that_points_outside_the_folder_reads_nothing_there(copy: Path, name: str) -> None:
    (copy.parent / "outside.json").write_text("{}")
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"][name] = {"digest": digest_bytes(b"{}"), "bytes": 2, "kind": "plan"}
    data = json.dumps(manifest).encode()
    key = signing_key("somebody")
    (copy / "manifest.json").write_bytes(data)
    (copy / "signature.ed25519").write_bytes(key.sign(data))
    (copy / "public_key.pem").write_bytes(public_pem(key))
    assert verify(copy).first == Finding("missing", name, "the manifest lists it")
