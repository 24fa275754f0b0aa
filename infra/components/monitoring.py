"""Metrics and alerts: a Prometheus that AWS keeps in the region, so that it still tells when the cluster does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
import yaml
from pulumi import ResourceOptions

from infra.components.contracts import FoundationOutputs
from infra.config import naming
from infra.config.model import ClusterConfig, MonitoringConfig

_RULES = Path(__file__).with_name("alerts.yaml")


class Monitoring(pulumi.ComponentResource):
    """A workspace under the key of internal data, a scraper that reads the pages of our servers, rules, and alerts to a topic of the organisation's.

    No agent runs on the nodes, and nothing of what people ask is in any of it: the pages hold numbers only.
    """

    def __init__(
        self,
        name: str,
        config: ClusterConfig,
        wanted: MonitoringConfig,
        *,
        cluster: pulumi.Input[str],
        foundation: FoundationOutputs,
        opts: ResourceOptions | None = None,
    ) -> None:
        super().__init__("falaj:cluster:Monitoring", name, None, opts)
        here, tags = ResourceOptions(parent=self), naming.tags(config, "internal", "operations-logs")
        workspace = aws.amp.Workspace(name, alias=naming.prefix(config), kms_key_arn=foundation.key_arns["internal"], tags=tags, opts=here)
        aws.amp.RuleGroupNamespace(name, name="falaj", workspace_id=workspace.id, data=_RULES.read_text(encoding="utf-8"), tags=tags, opts=here)
        aws.amp.AlertManagerDefinition(name, workspace_id=workspace.id, definition=alerting(config, wanted), opts=here)
        arn = pulumi.Output.from_input(cluster).apply(lambda found: naming.arn(config, "eks", f"cluster/{found}"))
        aws.amp.Scraper(
            name,
            alias=naming.prefix(config),
            source={"eks": {"cluster_arn": arn, "subnet_ids": foundation.node_subnet_ids}},
            destination={"amp": {"workspace_arn": workspace.arn}},
            scrape_configuration=scraping(wanted),
            tags=tags,
            opts=here,
        )
        self.register_outputs({"workspace": workspace.id})


def scraping(wanted: MonitoringConfig) -> str:
    """Which pods are read, and how often: those that serve, on the port on which they do, and NVIDIA's dcgm-exporter, wherever it runs."""
    serving = _pods("serving", ("falaj_serves", "true"), "http", {"namespace": "namespace", "pod_name": "pod"})
    # Which pod has a GPU the exporter says itself.
    gpus = {**_pods("gpus", ("app_kubernetes_io_name", "dcgm-exporter"), "metrics", {"pod_node_name": "node"}), "honor_labels": True}
    seconds = f"{wanted.every_seconds}s"
    return yaml.safe_dump({"global": {"scrape_interval": seconds, "scrape_timeout": "10s"}, "scrape_configs": [serving, gpus]}, sort_keys=True)


def _pods(name: str, label: tuple[str, str], port: str, told: dict[str, str]) -> dict[str, Any]:
    """A job that reads `/metrics` of the pods with a label (name, value) on a port; `told`: what is known of a pod -> the label that says so."""
    keep: list[dict[str, Any]] = [
        {"source_labels": [f"__meta_kubernetes_pod_label_{label[0]}"], "regex": label[1], "action": "keep"},
        {"source_labels": ["__meta_kubernetes_pod_container_port_name"], "regex": port, "action": "keep"},
        *({"source_labels": [f"__meta_kubernetes_{known}"], "target_label": target} for known, target in told.items()),
    ]
    return {"job_name": name, "metrics_path": "/metrics", "kubernetes_sd_configs": [{"role": "pod"}], "relabel_configs": keep}


def alerting(config: ClusterConfig, wanted: MonitoringConfig) -> str:
    """Where alerts go: one message for what belongs together, and again after four hours while it lasts."""
    receiver = {"topic_arn": wanted.topic, "sigv4": {"region": config.region}, "attributes": {"environment": config.environment}}
    route = {"receiver": "people", "group_by": ["alertname", "namespace"], "group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
    inner = yaml.safe_dump({"route": route, "receivers": [{"name": "people", "sns_configs": [receiver]}]}, sort_keys=True)
    return yaml.safe_dump({"alertmanager_config": inner}, sort_keys=True)
