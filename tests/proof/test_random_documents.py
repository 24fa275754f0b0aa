"""Whatever stands where a plan or another document should be: it is refused or denied in plain words, soon, and never allowed.

Deep, large and late documents given to the gate alone are in tests/pipeline/test_limits.py; here they come by the command line, from chance, or
inside of what is else in order.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from falaj.errors import FalajError, UsageError
from falaj.home import stack_folder
from infra.artifacts import Decision, Plan
from infra.cli.main import falaj
from infra.pipeline import reading
from infra.pipeline.evidence_documents import read_folder
from infra.pipeline.gate import judge_evidence, judge_file, judge_plan, judge_release
from infra.pipeline.waivers import read_all
from tests.pipeline.test_gate import KEY, PROVIDER, TAGS, changed
from tests.policies.samples import LIBRARY, NOON, PARAMETERS, SAMPLES, plan_of
from tests.proof.broken import ENGINE

KEYS = ["urn", "type", "name", "op", "custom", "inputs", "provider"]
HAPPY = plan_of(
    [
        {
            "urn": PROVIDER,
            "type": "pulumi:providers:aws",
            "name": "aws",
            "op": "create",
            "custom": True,
            "inputs": {"region": "me-central-1", "allowedAccountIds": ["111122223333"]},
        },
        {
            **{"urn": KEY, "type": "aws:kms/key:Key", "name": "key", "op": "create", "custom": True, "provider": f"{PROVIDER}::"},
            "inputs": {"enableKeyRotation": True, "tags": TAGS},
        },
    ]
)
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=20),
    lambda inner: some.lists(inner, max_size=5) | some.dictionaries(some.text(max_size=10) | some.sampled_from(KEYS), inner, max_size=5),
    max_leaves=30,
)
quickly = settings(max_examples=40, deadline=5000, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


def judged(folder: Path, content: bytes | str | Any) -> Decision | None:
    """What the gate decides about a plan file of this content; None where it refuses the file in words of its own."""
    path = folder / "plan.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    try:
        return judge_file(path, now=NOON, engine=ENGINE)
    except FalajError as refusal:
        assert refusal.what and refusal.next
        return None


def denied(decision: Decision | None) -> bool:
    return decision is None or decision.verdict == "denied"


def test_the_plan_that_is_spoiled_below_is_allowed_as_it_is(tmp_path: Path) -> None:
    decision = judged(tmp_path, HAPPY.to_json())
    assert decision is not None and decision.verdict == "allowed"


@quickly
@given(some.binary(max_size=200) | some.text(max_size=200).map(str.encode))
def test_bytes_that_are_no_plan_are_refused(tmp_path: Path, content: bytes) -> None:
    assert judged(tmp_path, content) is None


@quickly
@given(JSON)
def test_json_that_is_no_plan_is_refused(tmp_path: Path, value: Any) -> None:
    assert judged(tmp_path, value) is None


@quickly
@given(some.data())
def test_a_plan_with_a_part_of_it_replaced_by_anything_is_never_more_than_it_was(tmp_path: Path, data: some.DataObject) -> None:
    """A resource, or a field of one that rules stand on, is something else: refused, denied, or about something that the decision names as it is."""
    document = HAPPY.to_json()
    index = data.draw(some.integers(0, 1))
    field = data.draw(some.sampled_from(["type", "op", "custom", "inputs", None]))
    value = data.draw(JSON)
    if field is None:
        document["resources"][index] = value
    elif value == document["resources"][index][field]:
        return
    else:
        document["resources"][index][field] = value
    decision = judged(tmp_path, document)
    assert denied(decision) or (decision is not None and decision.verdict == "undecided") or field in ("inputs", "op", "custom"), decision
    if decision is not None:
        assert decision.subject_digest == Plan.model_validate(document).digest


@quickly
@given(some.integers(1, 10_000))
def test_a_truncated_plan_is_refused(tmp_path: Path, cut: int) -> None:
    whole = json.dumps(HAPPY.to_json()).encode()
    assert judged(tmp_path, whole[: -(cut % (len(whole) - 1)) - 1]) is None


@quickly
@given(some.integers(0, 1), some.sampled_from(["same", "other"]))
def test_a_urn_that_stands_twice_is_denied(tmp_path: Path, index: int, content: str) -> None:
    document = HAPPY.to_json()
    again = json.loads(json.dumps(document["resources"][index]))
    if content == "other":
        again["inputs"]["description"] = "another"
    document["resources"].append(again)
    decision = judged(tmp_path, document)
    assert decision is not None and decision.verdict == "denied" and any("twice" in fault for fault in decision.faults)


@quickly
@given(some.integers(0, 1), some.text(max_size=30))
def test_a_renamed_type_is_denied(tmp_path: Path, index: int, name: str) -> None:
    document = HAPPY.to_json()
    document["resources"][index]["type"] = name
    decision = judged(tmp_path, document)
    assert decision is not None and decision.verdict == "denied"


def cased(text: str) -> some.SearchStrategy[str]:
    """`text` with the case of some letters turned, never as it was."""
    return some.lists(some.booleans(), min_size=len(text), max_size=len(text)).map(
        lambda turned: "".join(letter.swapcase() if turn else letter for letter, turn in zip(text, turned, strict=True))
    )


@quickly
@given(some.integers(0, 1), some.data())
def test_a_wrongly_cased_type_or_field_is_refused_or_denied(tmp_path: Path, index: int, data: some.DataObject) -> None:
    document = HAPPY.to_json()
    resource = document["resources"][index]
    field = data.draw(some.sampled_from([*KEYS[:6], "a type"]))
    if field == "a type":
        wrong = data.draw(cased(resource["type"]).filter(lambda text: text != resource["type"]))
        resource["type"] = wrong
    else:
        wrong = data.draw(cased(field).filter(lambda text: text != field))
        resource[wrong] = resource.pop(field)
    assert denied(judged(tmp_path, document)), wrong


@pytest.mark.parametrize("key", ["EnableKeyRotation", "enablekeyrotation", "enable_key_rotation"])
def test_a_wrongly_cased_input_is_not_the_input(tmp_path: Path, key: str) -> None:
    document = HAPPY.to_json()
    document["resources"][1]["inputs"][key] = document["resources"][1]["inputs"].pop("enableKeyRotation")
    assert denied(judged(tmp_path, document))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "9007199254740993", '"\\ud800"'])
def test_a_value_that_has_no_exact_form_is_refused(tmp_path: Path, value: str) -> None:
    text = json.dumps(changed(HAPPY, description="HERE").to_json())
    assert judged(tmp_path, text.replace('"HERE"', value).encode()) is None


@pytest.mark.parametrize("levels", [201, 990, 10_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_a_value_nested_too_deeply_in_a_whole_plan_is_refused(tmp_path: Path, levels: int, opening: str, closing: str) -> None:
    text = json.dumps(changed(HAPPY, description="HERE").to_json())
    deep = opening * levels + ("1" if opening != "[" else "") + closing * levels
    assert judged(tmp_path, text.replace('"HERE"', deep).encode()) is None


@pytest.mark.parametrize("levels", [150, 10_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"Statement":', "}")])
def test_a_policy_whose_text_is_nested_too_deeply_is_denied(levels: int, opening: str, closing: str) -> None:
    """The rules read such text themselves, in whichever engine."""
    text = opening * levels + ("1" if opening != "[" else "") + closing * levels
    assert judge_plan(changed(HAPPY, policy=text), PARAMETERS, NOON, engine=ENGINE).verdict != "allowed"


DOCUMENTS: dict[str, Callable[[Path], object]] = {
    "10,000 levels of lists": lambda path: path.write_text("[" * 10_000 + "]" * 10_000),
    "10,000 levels of objects": lambda path: path.write_text('{"a":' * 10_000 + "1" + "}" * 10_000),
    "a number of 10,000 digits": lambda path: path.write_text("1" * 10_000),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "nothing": lambda path: path.write_text(""),
    "200 MB": lambda path: path.open("wb").truncate(reading.LARGEST + 1),
}


@pytest.mark.parametrize("what", DOCUMENTS)
def test_falaj_gate_refuses_a_plan_file_that_is_none_in_plain_words(falaj_home: Path, what: str) -> None:
    """The largest is refused by its size alone: nothing of it is read."""
    path = stack_folder("prod", "foundation") / "plan.json"
    path.parent.mkdir(parents=True)
    DOCUMENTS[what](path)
    answer = CliRunner().invoke(falaj, ["gate", "--env", "prod", "--stack", "foundation"])
    assert isinstance(answer.exception, UsageError) and "plan file" in answer.exception.what and answer.stdout == ""
    assert not path.with_name("decision.json").exists()


@pytest.mark.parametrize("what", DOCUMENTS)
def test_an_evidence_document_that_is_none_makes_nothing_allowed(tmp_path: Path, what: str) -> None:
    DOCUMENTS[what](tmp_path / "drift_run.json")
    found = read_folder(tmp_path, "prod")
    assert list(found["unreadable"]) == ["drift_run.json"]
    assert judge_evidence(found, "prod", NOON, subject="here", engine=ENGINE).verdict != "allowed"


PARTS = some.fixed_dictionaries(
    {},
    optional={
        "schema": some.just("falaj.evidence/drift_run/1") | JSON,
        "type": some.just("drift_run") | JSON,
        "environment": some.just("prod") | JSON,
        "at": some.just("2025-12-31T12:00:00Z") | JSON,
        "by": some.just("Huda") | JSON,
        "facts": some.just({"state": "ok", "release": "r1"}) | JSON,
        "key": JSON,
        "signature": some.just("AAAA") | JSON,
    },
)


@quickly
@given(some.binary(max_size=200) | (JSON | PARTS).map(lambda value: json.dumps(value).encode()))
def test_an_evidence_document_of_anything_makes_nothing_allowed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "drift_run.json").write_bytes(content)
    decision = judge_evidence(read_folder(tmp_path, "prod"), "prod", NOON, subject="here", engine=ENGINE)
    assert decision.verdict != "allowed"


@quickly
@given(some.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_a_waiver_of_anything_excuses_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "waivers").mkdir(exist_ok=True)
    schemas = tmp_path / "schemas"
    if not schemas.exists():
        schemas.symlink_to(LIBRARY.folder / "schemas")
    (tmp_path / "waivers" / "w1.json").write_bytes(content)
    (found,) = read_all(tmp_path)
    assert found.file == "w1.json" and found.wrong


@quickly
@given(JSON, some.sampled_from(["models", "evaluation", "data", "drift", "model_card", "bom", "documents", "base_model", "observed"]))
def test_a_candidate_with_a_part_that_is_anything_is_not_allowed_for_it(value: Any, part: str) -> None:
    sample = next(sample for sample in SAMPLES if sample.rule.id == "quality_floor" and sample.verdict == "allowed")
    candidate, observed = {**sample.input["candidate"]}, sample.input["observed"]
    if part == "observed":
        observed = value
    else:
        candidate[part] = value
    try:
        assert judge_release(candidate, observed, "prod", NOON, engine=ENGINE).verdict != "allowed"
    except UsageError as refusal:
        assert refusal.next
