"""Runs one Pulumi program in a process of its own, so that nothing of it is left for the next one.

Started by `infra.engine.embedded.program`; reads one JSON document from standard input: folder, project, stack, organization,
monitor, engine, preview, parallel, config, secrets.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import logging
import os
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1


class _LeavesNoBytecode(SourceFileLoader):
    """Loads a program's modules without writing `__pycache__` beside them."""

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        return None


def _keep_clean(folder: Path) -> None:
    def hook(path: str) -> FileFinder:
        if path and not Path(path).resolve().is_relative_to(folder):
            raise ImportError
        return FileFinder(path, (_LeavesNoBytecode, SOURCE_SUFFIXES), (ExtensionFileLoader, EXTENSION_SUFFIXES))

    sys.path_hooks.insert(0, hook)


def _trace_of(problem: BaseException, folder: Path) -> str:
    """The traceback from the program's own first line on."""
    frames = traceback.extract_tb(problem.__traceback__)
    first = next((i for i, frame in enumerate(frames) if Path(frame.filename).is_relative_to(folder)), 0)
    return "".join(["Traceback (most recent call last):\n", *traceback.format_list(frames[first:]), *traceback.format_exception_only(problem)])


def main() -> int:
    """0 when the program ran to its end, 1 when it failed; what went wrong is in the engine's log."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    request = json.load(sys.stdin)
    import runpy

    from falaj.home import ROOT
    from infra.engine.embedded import sdk_modules

    sdk_modules.install(ROOT / ".cache" / "sdk")
    import pulumi
    from pulumi import runtime

    from infra.engine.embedded import sdk, unanswered

    folder = Path(request["folder"]).resolve()
    runtime.set_all_config(request["config"], request["secrets"])
    runtime.configure(
        runtime.Settings(
            project=request["project"],
            stack=request["stack"],
            organization=request["organization"],
            monitor=request["monitor"],
            engine=request["engine"],
            dry_run=request["preview"],
            parallel=request["parallel"],
            root_directory=str(folder),
        )
    )
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    sdk.install()
    if request["preview"]:
        unanswered.install()
    os.chdir(folder)
    sys.argv = [str(folder)]
    _keep_clean(folder)

    def program() -> None:
        runpy.run_path(str(folder), run_name="__main__")

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    executor = ThreadPoolExecutor(max_workers=request["parallel"] * 4)
    loop.set_default_executor(executor)
    try:
        loop.run_until_complete(runtime.run_in_stack(program))
    except pulumi.RunError as problem:
        pulumi.log.error(str(problem))
        return 1
    except SystemExit as problem:
        if problem.code in (None, 0):
            return 0
        pulumi.log.error(f"Program exited with {problem.code}")
        return 1
    except Exception as problem:  # whatever the program raises is reported as its failure
        pulumi.log.error("Program failed with an unhandled exception:\n" + _trace_of(problem, folder))
        return 1
    finally:
        # What was asked for before the failure is still carried out, and answered.
        executor.shutdown(wait=True)
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    code = main()
    # Threads that the program left behind do not keep it alive.
    os._exit(code)
