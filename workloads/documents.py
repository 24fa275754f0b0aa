"""What a release tells people and machines about itself: the model card, and the bill of materials in CycloneDX's JSON.

Both are made from what was measured and recorded, at the end of the evaluation; nothing is written by hand.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from falaj.canonical import digest
from workloads.provenance import installed

CARD_SCHEMA = "falaj.modelcard/1"
CARD = "model_card.json"
BOM = "bom.json"
_RUNTIME = ("onnxruntime", "tokenizers", "numpy")
"""Packages that run a release wherever it is served."""


def model_card(candidate: Mapping[str, Any], data_card: Mapping[str, Any], slices: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """The card of a candidate. `slices` are those of its INT8 model, `seconds` is how long it was trained."""
    tasks = candidate["evaluation"]["tasks"]
    recipe = candidate["recipe"]
    return {
        "schema": CARD_SCHEMA,
        "name": f"flan-t5 fine-tuned on {candidate['data']['name']}",
        "run": candidate["run"],
        "owner": os.environ.get("FALAJ_OWNER", ""),
        "purpose": f"Answers one text with one text, in the tasks it was trained for: {', '.join(sorted(tasks))}.",
        "not_for": "Decisions about people, advice on health, law or money, and texts in languages that its data does not hold.",
        "base_model": candidate["base_model"],
        "licence": candidate["base_model"]["licence"],
        "data": {"name": candidate["data"]["name"], "about": data_card["about"], "rows": candidate["data"]["rows"], "digest": candidate["data"]["digest"]},
        "metrics": {
            model: {task: {tasks[task]["metric"]: scores[task][tasks[task]["metric"]], "rows": tasks[task]["rows"]} for task in sorted(tasks)}
            for model, scores in sorted(candidate["evaluation"]["models"].items())
        },
        "limits": [
            f"It reads {recipe['input_tokens']} tokens and writes {recipe['target_tokens']}; what is longer is cut.",
            *(f"In task {task} it does worst on {name}: {found['score']:.3f} over {found['rows']:.0f} rows." for task, name, found in worst(slices)),
            "Its answers are not checked for truth.",
        ],
        "energy": {
            "training_seconds": seconds,
            "processors": os.cpu_count() or 1,
            "watt_hours": None,
            "note": "Time and processors; the machine has no meter.",
        },
    }


def worst(slices: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, float]]]:
    """(task, name, what was found) of the lowest slice of each task that has slices."""
    return [(task, *min(found.items(), key=lambda item: (item[1]["score"], item[0]))) for task, found in sorted(slices.items()) if found]


def bill_of_materials(candidate: Mapping[str, Any], card: Mapping[str, Any]) -> dict[str, Any]:
    """The ML bill of materials: the model with its card, its files, base model, data sources and the packages that run it.

    The same candidate has the same bill: the serial number is made from its digest, and no clock is read.
    """
    base, data = candidate["base_model"], candidate["data"]
    identity = digest({key: candidate[key] for key in ("run", "models", "data")}).removeprefix("sha256:")
    sources = [
        _component("data", f"data:{source['name']}", source["name"], source["revision"], licence=source["licence"], digest_=source["digest"])
        for source in data["sources"]
    ]
    files = [_component("file", f"file:{name}", name, digest_=found) for name, found in sorted(candidate["models"]["int8"]["files"].items())]
    packages = [_component("library", f"pkg:pypi/{name}", name, installed(name)) for name in _RUNTIME]
    model = _component("machine-learning-model", "model", "flan-t5", candidate["run"], licence=base["licence"])
    foundation = _component("machine-learning-model", "base-model", base["name"], base.get("revision"), licence=base["licence"], digest_=base["digest"])
    model["modelCard"] = {
        "modelParameters": {
            "task": "text-to-text generation",
            "architectureFamily": "transformer",
            "modelArchitecture": "T5",
            "datasets": [{"ref": source["bom-ref"]} for source in sources],
        },
        "quantitativeAnalysis": {"performanceMetrics": _metrics(card)},
        "considerations": {"useCases": [card["purpose"]], "technicalLimitations": card["limits"]},
    }
    below = [foundation, *sources, *files, *packages]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{identity[:8]}-{identity[8:12]}-5{identity[13:16]}-a{identity[17:20]}-{identity[20:32]}",
        "version": 1,
        "metadata": {"component": model},
        "components": below,
        "dependencies": [{"ref": "model", "dependsOn": [each["bom-ref"] for each in below]}],
    }


def _component(kind: str, ref: str, name: str, version_: str | None = None, *, licence: str | None = None, digest_: str | None = None) -> dict[str, Any]:
    return {
        "type": kind,
        "bom-ref": ref,
        "name": name,
        **({"version": str(version_)} if version_ else {}),
        **({"licenses": [{"license": {"name": licence}}]} if licence else {}),
        **({"hashes": [{"alg": "SHA-256", "content": digest_.removeprefix("sha256:")}]} if digest_ else {}),
    }


def _metrics(card: Mapping[str, Any]) -> list[dict[str, str]]:
    return [
        {"type": name, "value": str(value), "slice": f"{task}, {model}"}
        for model, tasks in card["metrics"].items()
        for task, found in tasks.items()
        for name, value in found.items()
        if name != "rows"
    ]
