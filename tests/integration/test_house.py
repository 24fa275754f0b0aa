"""The whole road, as a newcomer takes it: up, up again, a lost cloud, drift, a roll-back, evidence, down."""

from __future__ import annotations

import json
import os
import shutil
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import free_block
from tests.integration.house import House

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("house")]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[House, dict[str, Any]]]:
    found = House(tmp_path_factory.mktemp("house") / "home", free_block())
    try:
        yield found, found.falaj("up", "--env", "local", "--json")
    finally:
        found.falaj("down", "--env", "local", "--purge")


def test_everything_is_planned_allowed_and_applied(house: tuple[House, dict[str, Any]]) -> None:
    _, first = house
    assert [(stack["stack"], stack["verdict"], stack["resources"] > 10) for stack in first["stacks"]] == [
        ("foundation", "allowed", True),
        ("cluster", "allowed", True),
        ("platform", "allowed", True),
        ("workloads", "allowed", True),
    ]
    assert all(stack["judged"] > 0 and stack["steps"] > 0 for stack in first["stacks"])


def test_the_model_learned_a_task_that_its_seed_had_not_seen(house: tuple[House, dict[str, Any]]) -> None:
    _, first = house
    language = first["run"]["scores"]["language"]
    assert language["full"] >= language["majority"] + 0.20
    assert language["int8"] >= language["full"] * 0.98
    assert language["seed"] < 0.1


def test_the_served_model_answers(house: tuple[House, dict[str, Any]]) -> None:
    _, first = house
    body = json.dumps({"text": "section: A library for reading and writing PNG images, with development files and headers."}).encode()
    request = urllib.request.Request(first["addresses"]["model"] + "/generate", data=body, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found = json.loads(answer.read())
    assert first["run"]["release"] in json.dumps(found)
    with urllib.request.urlopen(first["addresses"]["metrics"], timeout=30) as answer:
        assert b"falaj" in answer.read()


def test_shifted_traffic_alarms_and_clean_traffic_does_not(house: tuple[House, dict[str, Any]]) -> None:
    _, first = house
    assert first["drift"] == {"clean": "ok", "shifted": "drift"}


def test_a_second_up_makes_nothing_anew(house: tuple[House, dict[str, Any]]) -> None:
    found, first = house
    again = found.falaj("up", "--env", "local", "--json")
    assert [(set(stack["changes"]) <= {"same", "read"}, stack["steps"]) for stack in again["stacks"]] == [(True, 0)] * 4
    assert again["run"]["reused"] == [step["name"] for step in again["run"]["steps"]]
    assert again["run"]["release"] == first["run"]["release"]


def test_the_evidence_verifies_elsewhere_and_names_what_was_altered(house: tuple[House, dict[str, Any]], tmp_path: Path) -> None:
    found, first = house
    copy = tmp_path / "evidence"
    shutil.copytree(first["evidence"]["folder"], copy)
    stranger = House(tmp_path / "elsewhere", free_block())
    stranger.falaj("audit", "verify", str(copy), "--key", first["evidence"]["signed_by"])
    plan = copy / "stacks" / "cluster" / "plan.json"
    plan.write_text(plan.read_text().replace('"endpointPublicAccess": false', '"endpointPublicAccess": true'))
    answer = stranger.falaj("audit", "verify", str(copy), code=3)
    assert "stacks/cluster/plan.json" in answer.stdout + answer.stderr
    for framework in ("gdpr", "iso27001"):
        found.falaj("audit", "export", "--framework", framework, "--out", str(tmp_path / framework))
        assert {path.suffix for path in (tmp_path / framework).iterdir()} >= {".html", ".csv", ".json"}


def test_a_lost_cloud_comes_back_with_its_models(house: tuple[House, dict[str, Any]]) -> None:
    found, first = house
    record = json.loads((found.home / "local" / "aws" / "process.json").read_text())
    os.kill(record["pid"], 9)
    again = found.falaj("up", "--env", "local", "--json")
    assert again["run"]["release"] == first["run"]["release"]
    assert again["run"]["reused"] == [step["name"] for step in again["run"]["steps"]]
    assert all(stack["verdict"] == "allowed" for stack in again["stacks"])


def test_rules_that_became_stricter_stop_a_release(house: tuple[House, dict[str, Any]], tmp_path: Path) -> None:
    found, first = house
    from infra.pipeline.gate import judge_release

    candidate = json.loads((Path(first["run"]["folder"]) / "evaluate" / "candidate.json").read_text())
    observed = {name: digest for model in candidate["models"].values() for name, digest in model["files"].items()}
    models = candidate["evaluation"]["models"]
    # Of what the full model scores: which of the two is a little better differs from run to run.
    models["int8"]["language"]["accuracy"] = models["full"]["language"]["accuracy"] * 0.97
    decision = judge_release(candidate, observed, "local", "2026-01-01T00:00:00Z")
    assert decision.verdict == "denied"
    assert "compression_loss" in {rule.rule for rule in decision.rules if rule.fail}


def test_status_names_what_is_up(house: tuple[House, dict[str, Any]]) -> None:
    found, first = house
    status = found.falaj("status", "--env", "local", "--json")
    assert [(part["part"], part["state"]) for part in status["parts"]] == [("aws", "up"), ("kubernetes", "up"), ("model", f"serving {first['run']['release']}")]
