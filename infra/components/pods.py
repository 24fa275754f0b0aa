"""Pods as they all are here: one container that is nobody, writes to its own volumes only and asks for what it may use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from infra.components.node_pools import EFA, GPU_TAINT, KIND, MIG
from infra.config import naming
from infra.config.model import Common, WorkloadsConfig

TRUST, TRUSTED_FILE = "release-trust", "release.pub.pem"
"""ConfigMap of the namespaces where releases are read, and the key of it that holds the trusted public key."""
_TRUST = "/var/run/falaj/trust"
DATABASE_CERTIFICATES = "/var/run/falaj/database"
"""Where pods find what the certificates of the database are signed by."""
_TRACKING = "/var/run/falaj/tracking"
USER = 10001
"""User, group and volume group of every container."""


@dataclass(frozen=True)
class Mount:
    """A volume of a pod: `source` is the volume without its name, as Kubernetes writes it."""

    name: str
    path: str
    source: Mapping[str, Any]
    read_only: bool = False


@dataclass(frozen=True)
class Work:
    """What one pod runs and needs; the rest is the same for all."""

    name: str
    image: str
    cpu: str
    memory: str
    args: Sequence[str] = ()
    environment: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    """Variables that hold fields of the pod itself (downward API); those of `environment` may refer to them as $(NAME)."""
    mounts: Sequence[Mount] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    gpus: int = 0
    claimed: bool = False
    """Its GPUs are had by a claim, and are no number that nodes have."""
    mig: str | None = None
    """Profile of the slice that its one GPU is."""
    efas: int = 0
    scratch: str = "4Gi"
    """Size of /tmp, the only writable place besides the mounts."""


def image(config: Common, repository: str, digest: str) -> str:
    """An image of the environment's own registry, named by digest."""
    return f"{naming.registry(config)}/{repository}@{digest}"


def claim(name: str, path: str, held: pulumi.Input[str]) -> Mount:
    """A volume claim mounted at `path`."""
    return Mount(name, path, {"persistent_volume_claim": {"claim_name": held}})


def trust(config: WorkloadsConfig) -> tuple[list[Mount], dict[str, pulumi.Input[str]]]:
    """How a pod knows whose releases to believe: never from the release itself."""
    if not config.release_keys:
        return [], {}
    return [Mount("trust", _TRUST, {"config_map": {"name": TRUST}}, read_only=True)], {"FALAJ_TRUSTED_KEY": f"{_TRUST}/{TRUSTED_FILE}"}


def tracked(config: WorkloadsConfig) -> tuple[list[Mount], dict[str, pulumi.Input[str]]]:
    """How a pod that makes runs finds MLflow and, where that speaks TLS, knows it: by the authority alone, never by a key."""
    told: dict[str, pulumi.Input[str]] = {"MLFLOW_TRACKING_URI": config.tracking_uri}
    if config.tracking_uri != naming.TRACKING_URI_TLS:
        return [], told
    key = "ca.crt"
    source = {"secret": {"secret_name": naming.TRACKING_AUTHORITY, "items": [{"key": key, "path": key}]}}
    return [Mount("tracking", _TRACKING, source, read_only=True)], {**told, "MLFLOW_TRACKING_SERVER_CERT_PATH": f"{_TRACKING}/{key}"}


def container(work: Work, **more: Any) -> Any:
    """The one container; `more` adds probes and lifecycle. Threads are fixed to the CPUs it may use: more would fight for them."""
    devices = {GPU_TAINT: 0 if work.claimed else work.gpus, EFA: work.efas}
    amounts = {"cpu": work.cpu, "memory": work.memory, **{name: str(count) for name, count in devices.items() if count}}
    threads = str(whole_cpus(work.cpu))
    environment = {"HOME": "/tmp", "OMP_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": "false", **work.environment}
    return {
        "name": work.name,
        "image": work.image,
        "image_pull_policy": "IfNotPresent",
        **({"args": list(work.args)} if work.args else {}),
        **({"ports": [{"name": name, "container_port": port, "protocol": "TCP"} for name, port in work.ports.items()]} if work.ports else {}),
        "env": [
            *({"name": name, "value_from": {"field_ref": {"field_path": path}}} for name, path in work.fields.items()),
            *({"name": name, "value": value} for name, value in environment.items()),
        ],
        "resources": {"requests": amounts, "limits": amounts, **({"claims": [{"name": "gpus"}]} if work.claimed and work.gpus else {})},
        "security_context": {
            "allow_privilege_escalation": False,
            "read_only_root_filesystem": True,
            "run_as_non_root": True,
            "capabilities": {"drop": ["ALL"]},
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "volume_mounts": [
            {"name": "tmp", "mount_path": "/tmp"},
            *({"name": mount.name, "mount_path": mount.path, **({"read_only": True} if mount.read_only else {})} for mount in work.mounts),
        ],
        **more,
    }


def pod(work: Work, *, account: pulumi.Input[str], priority: pulumi.Input[str], grace_seconds: int, restart: str, **more: Any) -> Any:
    """The pod around `container(work)`: on GPU nodes where it asks for GPUs, else on the inference pool's processors. `more` overrides."""
    divided = work.gpus == 1 and work.mig
    return {
        "service_account_name": account,
        "automount_service_account_token": False,
        "enable_service_links": False,
        "priority_class_name": priority,
        "restart_policy": restart,
        "termination_grace_period_seconds": grace_seconds,
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": USER,
            "run_as_group": USER,
            "fs_group": USER,
            "fs_group_change_policy": "OnRootMismatch",
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "node_selector": {KIND: "gpu" if work.gpus else "inference", **({MIG: work.mig} if divided else {})},
        "tolerations": [toleration(work.gpus > 0), *([{"key": MIG, "operator": "Equal", "value": work.mig, "effect": "NoSchedule"}] if divided else [])],
        "containers": [container(work)],
        **({"resource_claims": [{"name": "gpus", "resource_claim_template_name": claim_name(work.gpus)}]} if work.claimed and work.gpus else {}),
        "volumes": [{"name": "tmp", "empty_dir": {"size_limit": work.scratch}}, *({"name": mount.name, **mount.source} for mount in work.mounts)],
        **more,
    }


def claim_name(gpus: int) -> str:
    """The template in a training namespace of claims of so many GPUs."""
    return f"gpus-{gpus}"


def toleration(gpu: bool) -> dict[str, str]:
    """What lets a pod onto a tainted pool."""
    if gpu:
        return {"key": GPU_TAINT, "operator": "Exists", "effect": "NoSchedule"}
    return {"key": KIND, "operator": "Equal", "value": "inference", "effect": "NoSchedule"}


def whole_cpus(quantity: str) -> int:
    """A CPU quantity (`2`, `500m`) in whole CPUs, rounded up; at least 1."""
    millis = int(quantity[:-1]) if quantity.endswith("m") else int(float(quantity) * 1000)
    return max(1, -(-millis // 1000))
