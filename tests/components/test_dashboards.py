"""Dashboards: what Grafana imports names only what is told, each panel says what it shows, and they lie beside the Grafana that shows them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.components.dashboards import dashboards
from tests.components.test_monitoring import unknown_names
from tests.config.test_load import refusal
from tests.stacks.world import run

FOUND = {name: json.loads(text) for name, text in dashboards().items()}
PANELS = [(name, panel) for name, found in FOUND.items() for panel in found["panels"]]


def test_a_dashboard_has_a_name_of_its_own_and_leaves_the_prometheus_to_who_looks() -> None:
    assert {name: (found["uid"], found["title"], found["editable"]) for name, found in FOUND.items()} == {
        "serving": ("falaj-serving", "Falaj, serving", False),
        "gpus": ("falaj-gpus", "Falaj, GPUs", False),
    }
    for found in FOUND.values():
        assert [each["type"] for each in found["templating"]["list"]] == ["datasource"]
        assert [panel["id"] for panel in found["panels"]] == list(range(1, len(found["panels"]) + 1))


def test_panels_fill_the_width_and_lie_nowhere_upon_each_other() -> None:
    for found in FOUND.values():
        squares = [(x, y) for panel in found["panels"] for x in _reach(panel, "x", "w") for y in _reach(panel, "y", "h")]
        assert len(squares) == len(set(squares)) and {x for x, _ in squares} == set(range(24))


def _reach(panel: dict[str, Any], start: str, length: str) -> range:
    return range(panel["gridPos"][start], panel["gridPos"][start] + panel["gridPos"][length])


@pytest.mark.parametrize(("name", "panel"), PANELS, ids=[f"{name}: {panel['title']}" for name, panel in PANELS])
def test_a_panel_asks_for_what_is_told_and_says_what_it_shows(name: str, panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".") and panel["fieldConfig"]["defaults"]["unit"]
    assert {each["refId"]: unknown_names(each["expr"]) for each in panel["targets"]} == {each["refId"]: set() for each in panel["targets"]} != {}
    assert all("{{" in each["legendFormat"] for each in panel["targets"])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs Prometheus (Debian's package of that name)")
def test_prometheus_can_read_every_query(tmp_path: Path) -> None:
    rules = [{"record": f"a:b{index}", "expr": each["expr"]} for index, each in enumerate(each for _, panel in PANELS for each in panel["targets"])]
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    done = subprocess.run(["promtool", "check", "rules", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and f"{len(rules)} rules found" in done.stdout, done.stdout + done.stderr


def test_they_lie_where_grafana_finds_them(falaj_home: Path) -> None:
    world = run("platform", "onprem", config={"dashboards": "grafana"})
    maps = {name: found.inputs for name, found in world.of("ConfigMap").items() if name.startswith("dashboards-")}
    assert {name: (each["metadata"]["namespace"], each["metadata"]["labels"]) for name, each in maps.items()} == {
        f"dashboards-{name}": ("grafana", {"grafana_dashboard": "1"}) for name in FOUND
    }
    assert {key: text for each in maps.values() for key, text in each["data"].items()} == {f"falaj-{name}.json": text for name, text in dashboards().items()}


def test_a_namespace_that_no_controller_has_is_refused() -> None:
    found = refusal("platform", dashboards="grafana")
    assert (found["what"], found["allowed"]) == (
        "dashboards: no controller is in grafana",
        "the namespace of an entry of controllers, of which there is none",
    )
