"""Dashboards for whichever Grafana there is: the JSON that it imports, from one table of panels, and as ConfigMaps for one on the cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import yaml
from pulumi import ResourceOptions

_PANELS = Path(__file__).with_name("dashboards.yaml")
_LABEL = {"grafana_dashboard": "1"}
"""By which the sidecar of Grafana's chart finds them."""
_SCHEMA = 39
"""Of Grafana 11; newer ones read it and make more of it."""
_WIDTH, _HEIGHT = 24, 8
"""Of a row and a panel, in Grafana's own units."""
_SOURCE = {"type": "prometheus", "uid": "${source}"}


class Dashboards(pulumi.ComponentResource):
    """A ConfigMap for each dashboard, in the namespace of the Grafana that shows them."""

    def __init__(self, name: str, namespace: str, *, opts: ResourceOptions | None = None) -> None:
        super().__init__("falaj:platform:Dashboards", name, None, opts)
        for each, text in dashboards().items():
            kubernetes.core.v1.ConfigMap(
                f"{name}-{each}",
                metadata={"name": f"falaj-{each}", "namespace": namespace, "labels": _LABEL},
                data={f"falaj-{each}.json": text},
                opts=ResourceOptions(parent=self),
            )
        self.register_outputs({})


def dashboards() -> dict[str, str]:
    """Name of each dashboard -> its JSON, which names no Prometheus: whoever looks chooses one."""
    return {name: json.dumps(_dashboard(name, told), indent=1) + "\n" for name, told in yaml.safe_load(_PANELS.read_text(encoding="utf-8")).items()}


def _dashboard(name: str, told: dict[str, Any]) -> dict[str, Any]:
    panels = []
    for line, row in enumerate(told["rows"]):
        width = _WIDTH // len(row)
        for column, panel in enumerate(row):
            place = {"x": column * width, "y": line * _HEIGHT, "w": width, "h": _HEIGHT}
            panels.append({"id": len(panels) + 1, "gridPos": place, **_panel(panel)})
    choice = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
    return {
        "uid": f"falaj-{name}",
        "title": told["title"],
        "tags": ["falaj"],
        "schemaVersion": _SCHEMA,
        "editable": False,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "templating": {"list": [choice]},
        "panels": panels,
    }


def _panel(told: dict[str, Any]) -> dict[str, Any]:
    asks = [
        {"refId": chr(ord("A") + index), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
        for index, (legend, expression) in enumerate(told["asks"].items())
    ]
    return {
        "type": "timeseries",
        "title": told["title"],
        "description": told["says"],
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": {"unit": told["unit"], "min": 0}, "overrides": []},
        "targets": asks,
    }
