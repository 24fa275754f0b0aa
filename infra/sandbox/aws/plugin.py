"""The provider as a plugin of the Pulumi CLI: `python -m infra.sandbox.aws.plugin ENGINE_ADDRESS`.

FALAJ_OFFLINE=1 makes it plan without connecting.
"""

from __future__ import annotations

import os
import sys

from pulumi.provider.experimental.server import main

from infra.sandbox.aws.provider import VERSION, AwsProvider

if __name__ == "__main__":
    main(sys.argv[1:], VERSION, AwsProvider(offline=os.environ.get("FALAJ_OFFLINE") == "1"))
