"""What a program's SDK does that nobody here needs, or does in a way that a large program cannot bear."""

from __future__ import annotations

import asyncio
from typing import Any

import pulumi
from pulumi.runtime import resource, stack
from pulumi.runtime.proto import source_pb2
from pulumi.runtime.rpc_manager import RPCManager
from pulumi.runtime.settings import SETTINGS, _get_rpc_manager


def install() -> None:
    """Make it so, for the program of this process."""
    # Each debug line would be a call to the engine, which drops it: four for every resource.
    vars(pulumi.log)["debug"] = lambda *_, **__: None
    # The engine has no use for where in the program a resource was made, and the SDK reads the sources of the whole stack to tell it.
    vars(resource)["_get_stack_trace"] = lambda: source_pb2.StackTrace()
    vars(stack)["wait_for_rpcs"] = wait_for_rpcs


async def wait_for_rpcs(await_all_outstanding_tasks: bool = True) -> None:
    """Return once everything that the program asked for has been answered, and every output of it has its value. Raises what went wrong first.

    The SDK's own looks at all outputs again whenever one of them is done, which takes a program of 2,000 resources longer than all the rest.
    """
    calls = _get_rpc_manager()
    while True:
        await _answers(calls)
        if await_all_outstanding_tasks:
            await _outputs()
        if not calls.rpcs:
            return


async def _answers(calls: RPCManager) -> None:
    while calls.rpcs:
        await asyncio.sleep(0)
        try:
            await calls.rpcs.pop()
        except Exception as problem:
            if calls.unhandled_exception is not None:
                raise problem from calls.unhandled_exception.with_traceback(calls.exception_traceback)
            raise
    if calls.unhandled_exception is not None:
        raise calls.unhandled_exception.with_traceback(calls.exception_traceback)


async def _outputs() -> None:
    """Wait for every output made so far and meanwhile; each is looked at when it is new, and when it is done."""
    done: asyncio.Queue[asyncio.Task[Any]] = asyncio.Queue()
    open_ = 0
    while True:
        with SETTINGS.lock:
            made = list(SETTINGS.outputs)
            SETTINGS.outputs.clear()
        for output in made:
            output.add_done_callback(done.put_nowait)
        open_ += len(made)
        if not open_:
            return
        await (await done.get())
        open_ -= 1
