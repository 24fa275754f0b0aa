"""Metrics of a happy prod: who reads them, what is worked out, and who hears of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from falaj.home import ROOT
from infra.components.monitoring import alerting, scraping
from infra.config.load import parse
from infra.config.model import ClusterConfig, MonitoringConfig
from infra.engine.embedded.engine import EmbeddedEngine
from infra.pipeline.gate import judge_plan
from infra.pipeline.plan import plan_programs, stack_program
from infra.pipeline.policy_engine import RegorusEngine
from tests.config.test_load import happy, refusal
from tests.config.test_teams import together
from tests.policies.samples import NOON, PARAMETERS
from tests.stacks.world import run

TOPIC = "arn:aws:sns:me-central-1:333333333333:falaj-alerts"
GROUPS = yaml.safe_load((ROOT / "infra" / "components" / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]


GPU_NAMES = {
    f"DCGM_FI_DEV_{name}"
    for name in ("GPU_UTIL", "GPU_TEMP", "POWER_USAGE", "FB_USED", "FB_FREE", "XID_ERRORS", "UNCORRECTABLE_REMAPPED_ROWS", "ROW_REMAP_FAILURE")
}
"""Those that we ask for of what dcgm-exporter tells as it comes (its `default-counters.csv`)."""


def unknown_names(expression: str) -> set[str]:
    """Names in a query that nobody tells and no rule works out."""
    told = set(re.findall(r'"(falaj_[a-z_]+)"', (ROOT / "workloads" / "serve" / "metrics.py").read_text(encoding="utf-8")))
    recorded = {each["record"] for each in RULES if "record" in each}
    asked = {re.sub(r"_(total|bucket|sum|count|info)$", "", name) for name in re.findall(r"\bfalaj_[a-z_]+", expression)}
    asked |= set(re.findall(r"\bfalaj:[a-z_:0-9]+", expression)) | set(re.findall(r"\bDCGM_[A-Z_]+", expression))
    return asked - told - recorded - GPU_NAMES


def test_nobody_watches_where_nobody_asked(prod: Any) -> None:
    assert not prod("cluster").of("Workspace") and not prod("cluster").of("Scraper")


def test_a_workspace_a_scraper_rules_and_alerts_are_made_together(falaj_home: Path) -> None:
    world = run("cluster", "prod", config={"monitoring": {"topic": TOPIC}, "more_addons": {"snapshot-controller": "v8.6.0-eksbuild.1"}})
    assert [name for kind in ("Workspace", "Scraper", "RuleGroupNamespace", "AlertManagerDefinition") for name in world.of(kind)] == ["monitoring"] * 4
    scraper = world.one("Scraper", "monitoring")
    assert "monitoring" in scraper.refers["destination"][0] and scraper.inputs["alias"] == "falaj-prod"
    assert world.one("Workspace", "monitoring").inputs["tags"]["data-class"] == "internal"
    assert world.one("Addon", "snapshot-controller").inputs["addonVersion"] == "v8.6.0-eksbuild.1"


def test_the_gate_asks_that_somebody_hears_of_alerts(falaj_home: Path) -> None:
    cluster = stack_program("prod", "cluster")
    asked = replace(cluster, config={**cluster.config, "falaj:monitoring": json.dumps({"topic": TOPIC})})
    _, plan = plan_programs([stack_program("prod", "foundation"), asked], engine=EmbeddedEngine("prod"))

    def unheard() -> list[str]:
        (found,) = [each for each in judge_plan(plan, PARAMETERS, NOON, engine=RegorusEngine()).rules if each.rule == "alerts_heard"]
        assert found.judged and not found.unknown
        return [why for all in found.fail.values() for why in all]

    assert unheard() == []
    plan.resources[:] = [each for each in plan.resources if not each.type.endswith(":AlertManagerDefinition")]
    assert unheard() == ["no manager of alerts stands beside it"]


def test_pods_that_serve_and_those_that_tell_of_gpus_are_read() -> None:
    found = yaml.safe_load(scraping(MonitoringConfig(topic=TOPIC)))
    assert found["global"]["scrape_interval"] == "30s"
    kept = {job["job_name"]: [each for each in job["relabel_configs"] if "action" in each] for job in found["scrape_configs"]}
    kept = {name: [(each["source_labels"][0].removeprefix("__meta_kubernetes_pod_"), each["regex"]) for each in asked] for name, asked in kept.items()}
    assert kept == {
        "serving": [("label_falaj_serves", "true"), ("container_port_name", "http")],
        "gpus": [("label_app_kubernetes_io_name", "dcgm-exporter"), ("container_port_name", "metrics")],
    }


def test_alerts_go_to_the_topic_in_the_region() -> None:
    config = parse("cluster", "prod", happy("cluster"))
    assert isinstance(config, ClusterConfig)
    found = yaml.safe_load(yaml.safe_load(alerting(config, MonitoringConfig(topic=TOPIC)))["alertmanager_config"])
    assert found["receivers"][0]["sns_configs"][0] == {"topic_arn": TOPIC, "sigv4": {"region": "me-central-1"}, "attributes": {"environment": "prod"}}


@pytest.mark.parametrize("rule", RULES, ids=[rule.get("alert") or rule["record"] for rule in RULES])
def test_a_rule_asks_for_what_servers_tell_and_names_a_runbook(rule: dict[str, Any]) -> None:
    assert unknown_names(rule["expr"]) == set()
    if "alert" in rule:
        assert (ROOT / rule["annotations"]["runbook"]).exists() and rule["labels"]["severity"] in ("page", "ticket")


def test_the_scraper_may_reach_servers_only_where_it_is_there(falaj_home: Path, prod: Any) -> None:
    watched = run("platform", "prod", config={"monitored": True}).one("NetworkPolicy", "inference-allow-requests").inputs["spec"]["ingress"][0]["from"]
    alone = prod("platform").one("NetworkPolicy", "inference-allow-requests").inputs["spec"]["ingress"][0]["from"]
    assert (watched, alone) == ([{"namespaceSelector": {}}, {"ipBlock": {"cidr": "10.40.0.0/16"}}], [{"namespaceSelector": {}}])


def test_metrics_that_nobody_may_read_are_refused(tmp_path: Path) -> None:
    found = together(tmp_path, "cluster", monitoring={"topic": TOPIC})
    assert found["what"] == "monitored: false, and the cluster stack names a topic"


def test_an_addon_in_no_fixed_version_is_refused() -> None:
    assert refusal("cluster", more_addons={"cert-manager": "latest"})["what"] == "more_addons.cert-manager: 'latest' cannot be used"
