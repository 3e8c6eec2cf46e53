"""Asking: an environment as its callers see it, one connection for each request."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from attrs import frozen

from examples.agentdojo.books import Deed
from examples.agentdojo.environment import LINE_BYTES_MAX
from examples.agentdojo.suite import Plan, ToolCall
from turnkeep import Json, StepNotDone


@frozen(kw_only=True)
class Verdict:
    """What an environment says of a task at the end.

    Attributes:
        solved: Whether the benchmark's check is content.
        deeds: What was done, in order.
    """

    solved: bool
    deeds: tuple[Deed, ...]


@frozen
class Asking:
    """Requests to the environment at a socket."""

    socket: str

    async def tasks(self) -> list[str]:
        """The names of its tasks."""
        return list((await self._ask(ask="tasks"))["tasks"])

    async def count(self) -> int:
        """How many calls were made so far."""
        return int((await self._ask(ask="count"))["count"])

    async def plan(self, task: str) -> Plan:
        """How a task is solved."""
        return plan_of(await self.plan_as_json(task))

    async def plan_as_json(self, task: str) -> dict[str, Json]:
        """The same, as a journal keeps it."""
        return await self._ask(ask="plan", task=task)

    async def use(
        self, task: str, call: ToolCall, *, key: str, epoch: int, once: bool = False
    ) -> Deed:
        """Has a call made.

        Raises:
            StepNotDone: It was ruled out, or the tool said no.
            ConnectionError: It may have been made.
        """
        answer = await self._ask(
            ask="use",
            task=task,
            tool=call.tool,
            args=dict(call.args),
            key=key,
            epoch=epoch,
            once=once,
        )
        if "deed" not in answer:
            raise StepNotDone("ruled_out" if "ruled_out" in answer else "tool_failed")
        return Deed(**answer["deed"])

    async def found(self, task: str, *, key: str, epoch: int) -> Deed | None:
        """What was done under a key; if nothing, that claim's call is ruled out from now on."""
        deed = (await self._ask(ask="found", task=task, key=key, epoch=epoch))["deed"]
        return None if deed is None else Deed(**deed)

    async def verdict(self, task: str) -> Verdict:
        """What came of a task."""
        answer = await self._ask(ask="verdict", task=task)
        deeds = tuple(Deed(**deed) for deed in answer["deeds"])
        return Verdict(solved=answer["solved"], deeds=deeds)

    async def _ask(self, **request: Json) -> dict[str, Any]:
        reader, writer = await asyncio.open_unix_connection(self.socket, limit=LINE_BYTES_MAX)
        try:
            writer.write(json.dumps(request).encode() + b"\n")
            await writer.drain()
            line = await reader.readline()
        finally:
            writer.close()
        if not line:
            raise ConnectionResetError("the environment has gone")
        answer: dict[str, Any] = json.loads(line)
        return answer


def plan_of(told: Any) -> Plan:  # noqa: ANN401 - JSON, as it came
    """A plan that came as JSON."""
    calls = tuple(ToolCall(**call) for call in told["calls"])
    return Plan(prompt=told["prompt"], calls=calls, output=told["output"])
