"""The provider as a plugin of the Pulumi CLI: `python -m infra.sandbox.kubernetes.plugin ENGINE_ADDRESS`.

FALAJ_OFFLINE=1 makes it plan without connecting.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from falaj.files import write_durably
from falaj.home import ROOT, home


def plugin_folder() -> Path:
    """A folder for `plugins.providers[].path` of a Pulumi.yaml, with the executable that the CLI looks for in it."""
    folder = home() / "plugins" / "kubernetes"
    command = f"PYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.quote(sys.executable)} -m infra.sandbox.kubernetes.plugin"
    write_durably(folder / "pulumi-resource-kubernetes", f'#!/bin/sh\n{command} "$@"\n'.encode(), mode=0o755)
    return folder


def main() -> None:
    """Serve the provider until the CLI ends it."""
    from pulumi.provider.experimental import server

    from infra.sandbox.kubernetes.provider import VERSION, KubernetesProvider

    server.main(sys.argv[1:], VERSION, KubernetesProvider(offline=os.environ.get("FALAJ_OFFLINE") == "1"))


if __name__ == "__main__":
    main()
