"""The model card and the bill of materials say what the candidate says, and the same candidate always says the same."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from workloads import documents

D = "sha256:" + "d" * 64
CANDIDATE: dict[str, Any] = {
    "run": "r1",
    "recipe": {"input_tokens": 80, "target_tokens": 20},
    "base_model": {"name": "seed", "revision": "1", "licence": "Apache-2.0", "digest": D},
    "data": {
        "name": "packages",
        "digest": D,
        "rows": {"train": 8, "validation": 1, "test": 1},
        "sources": [{"name": "debian", "licence": "DFSG-free", "revision": "trixie", "digest": D}],
    },
    "models": {"int8": {"files": {"compress/int8/encoder.onnx": D}}},
    "evaluation": {
        "tasks": {"language": {"metric": "accuracy", "rows": 30}},
        "models": {"full": {"language": {"accuracy": 0.8}}, "int8": {"language": {"accuracy": 0.7}}},
    },
}
SLICES = {"language": {"label c": {"rows": 20.0, "score": 0.9}, "label lisp": {"rows": 10.0, "score": 0.2}}}


def card(candidate: dict[str, Any] = CANDIDATE) -> dict[str, Any]:
    return documents.model_card(candidate, {"about": "Descriptions."}, SLICES, 90.0)


def test_a_card_names_scores_limits_and_who_answers_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALAJ_OWNER", "ml-platform")
    found = card()
    assert (found["owner"], found["metrics"]["int8"]) == ("ml-platform", {"language": {"accuracy": 0.7, "rows": 30}})
    assert found["limits"] == [
        "It reads 80 tokens and writes 20; what is longer is cut.",
        "In task language it does worst on label lisp: 0.200 over 10 rows.",
        "Its answers are not checked for truth.",
    ]
    assert found["energy"]["watt_hours"] is None


def test_a_bill_lists_what_is_served_what_it_was_made_from_and_what_runs_it() -> None:
    bill = documents.bill_of_materials(CANDIDATE, card())
    listed = {(each["type"], each["name"]) for each in bill["components"]}
    assert listed == {
        ("machine-learning-model", "seed"),
        ("data", "debian"),
        ("file", "compress/int8/encoder.onnx"),
        ("library", "onnxruntime"),
        ("library", "tokenizers"),
        ("library", "numpy"),
    }
    assert {each["hashes"][0]["content"] for each in bill["components"] if "hashes" in each} == {"d" * 64}
    refs = {each["bom-ref"] for each in [bill["metadata"]["component"], *bill["components"]]}
    assert {bill["dependencies"][0]["ref"], *bill["dependencies"][0]["dependsOn"]} == refs
    assert bill["metadata"]["component"]["modelCard"]["modelParameters"]["datasets"] == [{"ref": "data:debian"}]


def test_the_same_candidate_has_the_same_bill_and_another_one_another() -> None:
    other = copy.deepcopy(CANDIDATE)
    other["models"]["int8"]["files"]["compress/int8/encoder.onnx"] = "sha256:" + "e" * 64
    one, two = (documents.bill_of_materials(candidate, card(candidate)) for candidate in (CANDIDATE, other))
    assert one == documents.bill_of_materials(CANDIDATE, card())
    assert one["serialNumber"] != two["serialNumber"] and len(one["serialNumber"]) == len("urn:uuid:") + 36
