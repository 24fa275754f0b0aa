"""Not one bit of anything that took part in a decision may turn before `up`: plan, rules, helpers, parameters, schemas, lists, waivers, approvers, state.

tests/pipeline/test_binding.py turns 400 bytes of the plan and 25 of some files; here every kind of file is named, and every file is turned somewhere.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from falaj.errors import FalajError, Undecided
from falaj.files import write_json
from falaj.home import ROOT, stack_folder
from infra.artifacts import Decision, Plan, StateRef
from infra.pipeline import image_provenance
from infra.pipeline.apply import apply_stack, require_decision
from infra.pipeline.build_provenance import Run, Source, statement
from infra.pipeline.gate import judge_file, judge_plan
from infra.pipeline.image_signatures import Claim, keep, sign
from infra.pipeline.library import Library
from infra.pipeline.plan import read_plan
from infra.pipeline.waivers import digest_of
from tests.pipeline.test_gate import KEY, changed
from tests.pipeline.waiving import desk, waiver
from tests.policies.samples import NOON, plan_of
from tests.proof.broken import ENGINE
from tests.proof.test_random_documents import HAPPY

SEED = 20261123
NAMED = {
    "plan": ("plan.json", 60),
    "approvers": ("policies/approvers.json", 40),
    "waiver": ("policies/waivers/w1.json", 60),
    "parameters of all": ("policies/data/common.json", 20),
    "parameters of the environment": ("policies/data/prod.json", 20),
    "schema of parameters": ("policies/schemas/parameters.schema.json", 20),
    "schema of waivers": ("policies/schemas/waiver.schema.json", 20),
    "reviewed types": ("policies/reviewed_types.json", 20),
    "checkov baseline": ("policies/checkov_baseline.json", 3),
    "helper of rules": ("policies/lib/documents.rego", 20),
    "images of others": ("policies/images/reviewed.json", 40),
    "signers of images": ("policies/images/signers.json", 40),
    "signature of an image": (f"policies/images/signatures/{'1' * 64}.json", 60),
    "how an image was built": (f"policies/images/provenance/{'1' * 64}.json", 60),
    "rule on plans": ("policies/plan/key_rotated/key_rotated.rego", 20),
    "rule on releases": ("policies/release/digests_match/digests_match.rego", 5),
    "rule on repositories": ("policies/repository/actions_pinned/actions_pinned.rego", 5),
    "rule on evidence": ("policies/evidence/drift_watched/drift_watched.rego", 5),
}
"""Kind of file -> where it lies beside the decision, and how many places of it are turned."""
TOPS = ("plan", "release", "repository", "evidence", "lib", "data", "schemas", "images", "waivers")
"""Folders of the library that can change an answer; of the last four every file counts."""
RUNS = "urn:pulumi:prod::app::kubernetes:apps/v1:Deployment::serve"
REVIEWED = "333333333333.dkr.ecr.me-central-1.amazonaws.com/pause@sha256:" + "9" * 64
SIGNED = "333333333333.dkr.ecr.me-central-1.amazonaws.com/falaj-serve@sha256:" + "1" * 64


def running() -> list[dict[str, Any]]:
    """A Deployment whose two images may run: one that somebody of ours signed, one of others that somebody answers for."""
    provider = RUNS.replace("kubernetes:apps/v1:Deployment::serve", "pulumi:providers:kubernetes::cluster")
    labels, amounts = {"app": "serve"}, {"cpu": "1", "memory": "1Gi"}
    closed = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    containers = [
        {"name": f"c{number}", "image": image, "resources": {"requests": amounts, "limits": amounts}, "securityContext": closed}
        for number, image in enumerate((SIGNED, REVIEWED))
    ]
    zones = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {"matchLabels": labels}}
    pod = {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": containers,
        "topologySpreadConstraints": [zones],
    }
    selector, about = {"matchLabels": labels}, {"name": "serve", "namespace": "inference"}
    inputs = {
        "metadata": {**about, "labels": {"falaj/rto": "8h"}},
        "spec": {"replicas": 2, "selector": selector, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }
    budget = RUNS.replace("apps/v1:Deployment", "policy/v1:PodDisruptionBudget")
    said = [
        (provider, {"context": "arn:aws:eks:me-central-1:111122223333:cluster/a"}, ""),
        (RUNS, inputs, f"{provider}::"),
        (budget, {"metadata": about, "spec": {"maxUnavailable": 1, "selector": selector}}, f"{provider}::"),
    ]
    return [
        {"urn": urn, "type": urn.split("::")[2], "name": urn.split("::")[3], "op": "create", "custom": True, "inputs": given, "provider": by}
        for urn, given, by in said
    ]


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plan that is allowed only by a waiver, its decision, and the library they were made with."""
    folder = tmp_path_factory.mktemp("decided")
    shutil.copytree(ROOT / "policies", folder / "policies")
    table = desk(folder / "policies")
    table.put(table.signed(waiver("key_rotated", KEY), "ada", "carol"))
    sign_and_review(folder / "policies")
    unrotated = changed(HAPPY, enableKeyRotation=False).to_json()["resources"]
    plan_of([*unrotated, *running()]).write(folder / "plan.json")
    decision = judge_file(folder / "plan.json", now=NOON, policies=folder / "policies", engine=ENGINE)
    assert (decision.verdict, [one.state for one in decision.waivers]) == ("allowed", ["used"])
    assert next(rule for rule in decision.rules if rule.rule == "images_signed").judged == [RUNS]
    return folder


def sign_and_review(policies: Path) -> None:
    """Put the images of `running` into the lists: a signer of our own, its signature, and somebody who answers for the other one."""
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    listed = json.loads((policies / "images" / "signers.json").read_text())
    write_json(policies / "images" / "signers.json", {**listed, "tests": {"key": public, "environments": ["prod"]}})
    name, _, digest = SIGNED.partition("@")
    keep(policies, sign(Claim(name, digest), private))
    source, moment = Source("git+https://github.com/your-organisation/falaj", "c" * 40), "2026-01-01T00:00:00Z"
    built = statement("falaj-serve", digest, dockerfile="", arguments=[], source=source, run=Run("https://builder", "https://run", moment, moment))
    image_provenance.keep(policies, image_provenance.sign(json.dumps(built).encode(), private))
    review = {"image": REVIEWED, "owner": "ml-platform", "reason": "it does nothing", "expires": "2026-03-01"}
    write_json(policies / "images" / "reviewed.json", [review])


@pytest.mark.parametrize("name", ["reviewed.json", "signers.json", f"signatures/{'1' * 64}.json"])
def test_an_image_whose_list_is_taken_away_may_not_run(decided: Path, name: str) -> None:
    """The lists bear on this plan: without any of them the gate denies it."""
    path = decided / "policies" / "images" / name
    whole = path.read_bytes()
    try:
        path.unlink()
        parameters = Library.open(decided / "policies").parameters("prod", NOON)
        again = judge_plan(read_plan(decided / "plan.json"), parameters, NOON, policies=decided / "policies", engine=ENGINE)
        assert [rule.rule for rule in again.rules if set(rule.fail) - set(rule.waived)] == ["images_signed"]
    finally:
        path.write_bytes(whole)


def bound(folder: Path) -> Decision:
    """What `up` asks before its first step."""
    return require_decision(read_plan(folder / "plan.json"), folder / "decision.json", policies=folder / "policies", policy_engine=ENGINE, now=NOON)


def held(folder: Path, path: Path, places: int) -> Iterator[int]:
    """Places of `path` at which one turned bit stopped nothing; a place after the other, bits by chance."""
    whole, chance = path.read_bytes(), random.Random(f"{SEED} {path.name}")
    try:
        for place in sorted(chance.sample(range(len(whole)), min(places, len(whole)))):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << chance.randrange(8))]) + whole[place + 1 :])
            try:
                bound(folder)
                yield place
            except FalajError:
                continue
    finally:
        path.write_bytes(whole)


def test_untouched_it_holds(decided: Path) -> None:
    assert bound(decided).verdict == "allowed"


@pytest.mark.parametrize("kind", NAMED)
def test_no_bit_of_what_took_part_can_turn(decided: Path, kind: str) -> None:
    name, places = NAMED[kind]
    assert list(held(decided, decided / name, places)) == []


def test_every_file_of_the_library_that_can_change_an_answer_is_bound(decided: Path) -> None:
    """One bit of each; tests, samples, catalogues and pages are for people and bind nothing."""
    silent = {"approvers.json", "README.md"}
    folder = decided / "policies"
    files = [path for top in TOPS for path in sorted((folder / top).rglob("*"))]
    counted = [
        path
        for path in files
        if path.is_file()
        and path.name not in silent
        and not path.name.endswith("_test.rego")
        and (path.suffix == ".rego" or path.relative_to(folder).parts[0] in TOPS[-4:])
    ]
    assert len(counted) > 100
    assert [path.relative_to(folder).as_posix() for path in counted if list(held(decided, path, 1))] == []


def test_no_bit_of_the_decision_can_turn_but_in_its_time_and_the_name_of_its_engine(decided: Path) -> None:
    """The gate is asked again at the time that the decision gives, and what that can change is asked about below."""
    path = decided / "decision.json"
    whole = path.read_bytes()
    free = [place for word in (b'"engine": "', b'"decided_at": "') for place in range(whole.index(word) + len(word), whole.index(b"\n", whole.index(word)))]
    assert [place for place in held(decided, path, 60) if place not in free] == []


@pytest.mark.parametrize(
    "time", ["2026-01-01T12:05:01Z", "2026-02-31T12:00:00Z", "2126-01-01T12:00:00Z", "2026-01-01t12:00:00Z", "2026-01-01", "", "yesterday"]
)
def test_a_decision_of_a_time_to_come_or_of_none_is_refused(decided: Path, time: str) -> None:
    path = decided / "decision.json"
    whole = path.read_bytes()
    try:
        write_json(path, {**json.loads(whole), "decided_at": time})
        with pytest.raises(Undecided, match="is of no time that has been"):
            bound(decided)
    finally:
        path.write_bytes(whole)


def test_a_decision_dated_back_to_when_a_rule_was_advice_is_refused(decided: Path) -> None:
    """By the rules of that day the plan was allowed without its waiver; the decision is whole and right, and too old."""
    path, waiver_file = decided / "decision.json", decided / "policies" / "waivers" / "w1.json"
    whole, document = path.read_bytes(), waiver_file.read_bytes()
    try:
        waiver_file.unlink()
        dated_back = judge_file(decided / "plan.json", now="2025-12-31T12:00:00Z", policies=decided / "policies", engine=ENGINE)
        assert dated_back.verdict == "allowed"
        with pytest.raises(Undecided, match="is older than a rule that is in force now"):
            bound(decided)
    finally:
        path.write_bytes(whole)
        waiver_file.write_bytes(document)


def test_a_waiver_more_or_less_is_another_set_of_waivers(decided: Path) -> None:
    path = decided / "policies" / "waivers" / "w1.json"
    before, whole = digest_of(decided / "policies"), path.read_bytes()
    other = path.with_name("w2.json")
    try:
        other.write_bytes(whole)
        with pytest.raises(Undecided, match="was made with other waivers"):
            bound(decided)
        other.unlink()
        path.unlink()
        with pytest.raises(Undecided, match="was made with other waivers"):
            bound(decided)
    finally:
        other.unlink(missing_ok=True)
        path.write_bytes(whole)
    assert digest_of(decided / "policies") == before


class Elsewhere:
    """An engine whose state is not the one that was planned from. Nothing else is asked of it: `up` must stop first."""

    name = "elsewhere"

    def __init__(self, state: StateRef) -> None:
        self._state = state

    def state(self, program: Any) -> StateRef:
        return self._state


def test_no_bit_of_the_states_serial_or_digest_can_turn(falaj_home: Path) -> None:
    """The plan names the state it starts from; `up` compares it with the state as it is."""
    folder, state = stack_folder("prod", "foundation"), StateRef(serial=41, digest="sha256:" + "5" * 64)
    plan = Plan.model_validate({**HAPPY.to_json(), "state": state.model_dump()}).write(folder / "plan.json")
    judge_file(folder / "plan.json", now=NOON, engine=ENGINE)
    others = [StateRef(serial=state.serial ^ (1 << bit), digest=state.digest) for bit in range(16)]
    digits = len("sha256:")
    others += [StateRef(serial=state.serial, digest=state.digest[:place] + "4" + state.digest[place + 1 :]) for place in range(digits, len(state.digest), 7)]
    for other in others:
        with pytest.raises(Undecided, match="has moved on since it was planned"):
            apply_stack("prod", "foundation", engine=Elsewhere(other), now=lambda: NOON, policy_engine=ENGINE)  # ty: ignore[invalid-argument-type]
    moved = json.loads((folder / "plan.json").read_text())
    for serial in (40, 42, 41 ^ (1 << 20)):
        write_json(folder / "plan.json", {**moved, "state": {**moved["state"], "serial": serial}})
        with pytest.raises(Undecided, match="is about another plan"):
            apply_stack("prod", "foundation", engine=Elsewhere(plan.state), now=lambda: NOON, policy_engine=ENGINE)  # ty: ignore[invalid-argument-type]
