"""A sandbox provider as a plugin of the Pulumi CLI: `python -m infra.sandbox.plugin aws|kubernetes ENGINE_ADDRESS`.

FALAJ_OFFLINE=1 makes it plan without connecting.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

PROVIDERS = {"aws": "AwsProvider", "kubernetes": "KubernetesProvider"}
"""Package -> class in `infra.sandbox.<package>.provider`."""


def main() -> None:
    """Serve the provider named first until the CLI ends it."""
    from pulumi.provider.experimental import server

    package, *arguments = sys.argv[1:]
    module = import_module(f"infra.sandbox.{package}.provider")
    provider = getattr(module, PROVIDERS[package])(offline=os.environ.get("FALAJ_OFFLINE") == "1")
    server.main(arguments, module.VERSION, provider)


if __name__ == "__main__":
    main()
