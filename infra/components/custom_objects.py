"""Objects of kinds that are somebody else's, in the form that the SDK has no class for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi import ResourceOptions


def custom_object(
    version: str, kind: str, name: str, metadata: Mapping[str, pulumi.Input[str]], body: Mapping[str, Any], opts: ResourceOptions
) -> pulumi.Resource:
    """Register an object of `kind` in `version` (`cert-manager.io/v1`) as `name`.

    `body` is what stands beside its metadata: the SDK's own class for such objects knows a `spec` and nothing else, and some kinds have none.
    """
    props = {"apiVersion": version, "kind": kind, "metadata": metadata, **body}
    return pulumi.CustomResource(f"kubernetes:{version}:{kind}", name, props, opts)
