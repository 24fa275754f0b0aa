"""Every pinned version of what the stacks install, in one table, with the day on which its support ends and the order in which to go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

KUBERNETES: Final = "1.35"

BOTTLEROCKET: Final = "1.65.0"
"""Image of the nodes, of managed groups as of Karpenter."""

BOTTLEROCKET_BUILD: Final = "0be31b34"
"""Which build of it: managed groups are asked for both together, as `/aws/service/bottlerocket/aws-k8s-1.35/x86_64/1.65.0/image_version` of SSM says."""

POSTGRES: Final = "17.6"
"""Of RDS, where MLflow and searches keep what they know; RDS itself goes on to later minor versions."""

ADDONS: Final[dict[str, str]] = {
    "vpc-cni": "v1.21.1-eksbuild.3",  # 1.21.0 loses network policies
    "kube-proxy": "v1.35.0-eksbuild.2",
    "coredns": "v1.13.2-eksbuild.1",
    "eks-pod-identity-agent": "v1.3.9-eksbuild.3",
    "aws-ebs-csi-driver": "v1.51.0-eksbuild.1",
    "aws-efs-csi-driver": "v2.1.13-eksbuild.1",
    "metrics-server": "v0.8.0-eksbuild.2",
}
"""EKS add-on -> version."""


@dataclass(frozen=True)
class Support:
    """How long EKS mends a version of Kubernetes; in the extended time the control plane costs several times as much."""

    standard_until: date
    extended_until: date


SUPPORT: Final[dict[str, Support]] = {
    "1.33": Support(date(2026, 7, 29), date(2027, 7, 29)),
    "1.34": Support(date(2026, 12, 2), date(2027, 12, 2)),
    "1.35": Support(date(2027, 3, 27), date(2028, 3, 27)),
}
"""Source: EKS's release calendar, as quoted in April 2026 by AWS's own samples (aws-samples/sample-apex-skills); read the calendar before relying on a day."""

UPGRADE_ORDER: Final[tuple[tuple[str, str], ...]] = (
    ("what the next version removes", "run the gate on the plan and read the release notes; nothing here uses an API below v1 but autoscaling/v2"),
    ("Karpenter and Kueue", "their controllers know the new version before the control plane has it: Karpenter 1.9 or newer for 1.35"),
    ("the control plane", "KUBERNETES, one minor version at a time; EKS never goes back"),
    ("vpc-cni, kube-proxy, eks-pod-identity-agent", "ADDONS; kube-proxy is of the control plane's minor version, and never newer"),
    ("nodes", "KUBERNETES and BOTTLEROCKET with its build: managed groups follow one node at a time, Karpenter's as they are empty or two weeks old"),
    ("coredns, metrics-server, storage drivers", "ADDONS, once nodes of the new version are there"),
    ("Pod Security", "`pod_security_version` follows KUBERNETES; the namespaces' warnings say what the new standard would refuse"),
)
"""What to bring up to date, in this order -> how. Each step is a plan, a gate and an apply of its own."""


@dataclass(frozen=True)
class Upgrade:
    """One change of one pin."""

    on: date
    what: str
    before: str | None
    """None: it was pinned here for the first time."""
    after: str
    why: str


UPGRADES: Final[tuple[Upgrade, ...]] = (
    Upgrade(date(2026, 11, 23), "Kubernetes", None, "1.34", "the first pin"),
    Upgrade(date(2026, 11, 23), "vpc-cni", None, "v1.21.1-eksbuild.1", "the first pin"),
    Upgrade(date(2026, 11, 23), "kube-proxy", None, "v1.34.0-eksbuild.2", "the first pin"),
    Upgrade(date(2026, 11, 23), "coredns", None, "v1.12.4-eksbuild.1", "the first pin"),
    Upgrade(date(2026, 11, 23), "eks-pod-identity-agent", None, "v1.3.9-eksbuild.3", "the first pin"),
    Upgrade(date(2026, 11, 23), "aws-ebs-csi-driver", None, "v1.51.0-eksbuild.1", "the first pin"),
    Upgrade(date(2026, 11, 23), "aws-efs-csi-driver", None, "v2.1.13-eksbuild.1", "the first pin"),
    Upgrade(date(2026, 11, 23), "metrics-server", None, "v0.8.0-eksbuild.2", "the first pin"),
    Upgrade(date(2026, 11, 27), "Kubernetes", "1.34", "1.35", "standard support of 1.34 ends on 2026-12-02"),
    Upgrade(date(2026, 11, 27), "vpc-cni", "v1.21.1-eksbuild.1", "v1.21.1-eksbuild.3", "with Kubernetes 1.35; 1.21.0 loses network policies"),
    Upgrade(date(2026, 11, 27), "kube-proxy", "v1.34.0-eksbuild.2", "v1.35.0-eksbuild.2", "of the control plane's minor version"),
    Upgrade(date(2026, 11, 27), "coredns", "v1.12.4-eksbuild.1", "v1.13.2-eksbuild.1", "with Kubernetes 1.35"),
    Upgrade(date(2026, 11, 27), "Bottlerocket", None, "1.63.0", "nodes of Karpenter name their image"),
    Upgrade(date(2026, 11, 27), "PostgreSQL", None, "17.6", "the server of runs has a database of RDS"),
    Upgrade(date(2026, 11, 27), "Bottlerocket", "1.63.0", "1.65.0-0be31b34", "managed groups had the image of the day on which each was made"),
)
"""What was changed when, oldest first; nothing is taken out. A pin without its line here fails the tests."""

PINS: Final[dict[str, str]] = {"Kubernetes": KUBERNETES, "Bottlerocket": f"{BOTTLEROCKET}-{BOTTLEROCKET_BUILD}", "PostgreSQL": POSTGRES, **ADDONS}
"""All that is pinned, by the name that it has in `UPGRADES`."""


def days_left(version: str, today: date) -> int | None:
    """Days of standard support that a version of Kubernetes has from `today` on, below zero when it is over; None for one that is not in the table."""
    known = SUPPORT.get(version)
    return None if known is None else (known.standard_until - today).days
