"""The end of a program: everything it made has its value, and the first failure is raised."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from pulumi.runtime.settings import SETTINGS

from infra.engine.embedded.sdk import wait_for_rpcs


def output(of: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """A value that the program waits for, known to the SDK as its own outputs are."""
    task = asyncio.ensure_future(of)
    SETTINGS.outputs.add(task)
    return task


@pytest.fixture(autouse=True)
def no_outputs() -> None:
    SETTINGS.outputs.clear()


def test_an_output_made_while_others_are_waited_for_is_waited_for_too() -> None:
    async def program() -> list[str]:
        said: list[str] = []

        async def late() -> None:
            await asyncio.sleep(0.01)
            said.append("late")

        async def early() -> None:
            await asyncio.sleep(0.01)
            output(late())
            said.append("early")

        output(early())
        await wait_for_rpcs()
        return said

    assert asyncio.run(program()) == ["early", "late"]


def test_a_failure_is_raised_while_others_are_still_open() -> None:
    async def program() -> None:
        async def broken() -> None:
            raise ValueError("broken")

        never = output(asyncio.sleep(60))
        output(broken())
        try:
            await wait_for_rpcs()
        finally:
            never.cancel()

    with pytest.raises(ValueError, match="broken"):
        asyncio.run(program())


def test_outputs_are_left_alone_where_only_answers_are_asked_for() -> None:
    async def program() -> bool:
        never = output(asyncio.sleep(60))
        await wait_for_rpcs(await_all_outstanding_tasks=False)
        try:
            return never.done()
        finally:
            never.cancel()

    assert asyncio.run(program()) is False
