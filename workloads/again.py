"""A stage in a process of its own, started again where it ended in a way that may pass: what a Job does by itself, and DVC does not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from falaj.errors import FINAL_EXIT_CODES


def run_again(command: Sequence[str], retries: int) -> int:
    """Run `command` until it ends well or with a final code, `retries` times more at most. Returns its last exit code; being stopped ends it too."""
    for left in range(retries, -1, -1):
        with subprocess.Popen(command) as process:
            try:
                code = process.wait()
            except BaseException:
                process.terminate()
                raise
        code = 128 - code if code < 0 else code
        if code == 0 or code in FINAL_EXIT_CODES or not left:
            return code
        print(f"ended with exit code {code}; is started again, {left} times at most", file=sys.stderr, flush=True)
    raise AssertionError("there is always a last time")
