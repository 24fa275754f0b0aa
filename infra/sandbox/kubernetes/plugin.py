"""The provider as a plugin of the Pulumi CLI: `python -m infra.sandbox.kubernetes.plugin ENGINE_ADDRESS`.

FALAJ_OFFLINE=1 makes it plan without connecting.
"""

from __future__ import annotations

import os
import sys

from pulumi.provider.experimental.server import main

from infra.sandbox.kubernetes.provider import VERSION, KubernetesProvider

if __name__ == "__main__":
    main(sys.argv[1:], VERSION, KubernetesProvider(offline=os.environ.get("FALAJ_OFFLINE") == "1"))
