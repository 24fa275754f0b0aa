"""The alerts on a real Prometheus: each fires when it should and only then, and a server that lives is read without a fault."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from falaj.home import ROOT
from falaj.ports import is_free
from infra.components.dashboards import dashboards
from infra.components.monitoring import alerting, scraping
from infra.config.load import parse
from infra.config.model import ClusterConfig, MonitoringConfig
from tests.config.test_load import happy
from tests.workloads.worlds import load_named, publish, serving
from workloads.serve.settings import Settings
from workloads.store import Store

RULES = ROOT / "infra" / "components" / "alerts.yaml"
CASES = Path(__file__).parent / "alerts" / "alerts_test.yaml"
NEEDS_MORE = {"Answers given before", "Shadow", "Turned away"}
"""Panels of what the server of the test has not: a cache that is on, a shadow, somebody turned away."""
WATCHING = MonitoringConfig(topic="arn:aws:sns:me-central-1:333333333333:falaj-alerts")

pytestmark = pytest.mark.skipif(shutil.which("promtool") is None, reason="needs Prometheus (Debian's package of that name)")


def asked(*command: str | Path) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    cases = tmp_path / "cases.yaml"
    cases.write_text(CASES.read_text(encoding="utf-8").replace("[RULES]", f"[{RULES}]"), encoding="utf-8")
    asked("promtool", "test", "rules", cases)


def test_no_alert_is_without_a_case() -> None:
    rules = [rule for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]
    tried = [each for case in yaml.safe_load(CASES.read_text(encoding="utf-8"))["tests"] for each in case["alert_rule_test"]]
    alerts = {rule["alert"] for rule in rules if "alert" in rule}
    assert {each["alertname"] for each in tried if each.get("exp_alerts")} == {each["alertname"] for each in tried if not each.get("exp_alerts")} == alerts


def test_prometheus_takes_what_the_scraper_is_told(tmp_path: Path) -> None:
    told = yaml.safe_load(scraping(WATCHING))
    # Debian builds Prometheus without the part that asks Kubernetes for pods.
    assert [job.pop("kubernetes_sd_configs") for job in told["scrape_configs"]] == [[{"role": "pod"}]] * 2
    path = tmp_path / "prometheus.yml"
    path.write_text(yaml.safe_dump(told), encoding="utf-8")
    asked("promtool", "check", "config", path)


@pytest.mark.skipif(shutil.which("amtool") is None, reason="needs Alertmanager (Debian's package prometheus-alertmanager)")
def test_alertmanager_takes_what_it_is_told(tmp_path: Path) -> None:
    config = parse("cluster", "prod", happy("cluster"))
    assert isinstance(config, ClusterConfig)
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_load(alerting(config, WATCHING))["alertmanager_config"], encoding="utf-8")
    asked("amtool", "check-config", path)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("FALAJ_HOME", str(tmp_path / "home"))
    publish(Store.open(tmp_path / "releases"), tmp_path, "v1")
    with serving(Settings(str(tmp_path / "releases"), None, new_tokens=16, cache_bytes=0, cache=tmp_path / "cache"), load_named) as live:
        yield live


@pytest.fixture
def prometheus(server: Any, tmp_path: Path) -> Iterator[str]:
    """Reads the server every second; the address of its own API."""
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))
    for group in rules["groups"]:
        group["interval"] = "1s"
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    job = {"job_name": "serving", "static_configs": [{"targets": [server.url.removeprefix("http://")], "labels": {"namespace": "inference", "pod": "a"}}]}
    config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "rule_files": [str(tmp_path / "alerts.yaml")], "scrape_configs": [job]}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    port = next(port for port in range(23000, 24000) if is_free(port))
    words = [f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'series'}", f"--web.listen-address=127.0.0.1:{port}"]
    process = subprocess.Popen(["prometheus", "--log.level=error", *words])
    try:
        yield f"http://127.0.0.1:{port}/api/v1"
    finally:
        process.terminate()
        process.wait(timeout=20)


def said(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)["data"]
    except OSError:
        return None


def test_a_living_server_is_read_and_every_rule_is_worked_out(server: Any, prometheus: str) -> None:
    server.client.post("/generate", json={"text": "section: x"})
    until = time.monotonic() + 60
    while time.monotonic() < until:
        groups = (said(f"{prometheus}/rules") or {}).get("groups") or []
        rules = [rule for group in groups for rule in group["rules"]]
        ready = (said(f"{prometheus}/query?query=falaj_ready") or {}).get("result")
        if ready and rules and all(rule["health"] == "ok" for rule in rules):
            break
        time.sleep(0.2)
    assert ready is not None
    assert [(each["metric"]["namespace"], each["value"][1]) for each in ready] == [("inference", "1")]
    assert {rule["name"]: rule["health"] for rule in rules} == {rule["name"]: "ok" for rule in rules} != {}
    assert [rule["name"] for rule in rules if rule.get("state") == "firing"] == []
    asked = {each["expr"]: panel["title"] for panel in json.loads(dashboards()["serving"])["panels"] for each in panel["targets"]}
    while (silent := {title for expression, title in asked.items() if not _answered(prometheus, expression)} - NEEDS_MORE) and time.monotonic() < until:
        time.sleep(0.5)  # a rate takes two readings
    assert silent == set()


def _answered(prometheus: str, expression: str) -> bool:
    found = said(f"{prometheus}/query?{urlencode({'query': expression})}")
    assert found is not None, expression  # Prometheus cannot read it
    return bool(found["result"])
