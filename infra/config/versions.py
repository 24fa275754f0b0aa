"""Every pinned version of what the stacks install, in one table."""

from __future__ import annotations

from typing import Final

KUBERNETES: Final = "1.34"

ADDONS: Final[dict[str, str]] = {
    "vpc-cni": "v1.21.1-eksbuild.1",  # 1.21.0 loses network policies
    "kube-proxy": "v1.34.0-eksbuild.2",
    "coredns": "v1.12.4-eksbuild.1",
    "eks-pod-identity-agent": "v1.3.9-eksbuild.3",
    "aws-ebs-csi-driver": "v1.51.0-eksbuild.1",
    "aws-efs-csi-driver": "v2.1.13-eksbuild.1",
    "metrics-server": "v0.8.0-eksbuild.2",
}
"""EKS add-on -> version."""
