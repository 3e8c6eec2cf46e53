"""An environment: a process of its own in which tools act, spoken to over a local socket.

It knows nothing of Turnkeep. A request is one line of JSON, and so is its answer; a caller that is
killed in between leaves its call made or not made, as it happens, and nobody else knows which.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Mapping
from typing import Any, Final

from attrs import asdict, define, field

from examples.agentdojo.books import Books, RuledOut
from examples.agentdojo.kiosk import Kiosk
from examples.agentdojo.suite import Suite, SuiteMissing, Task, ToolCall, ToolFailed

KIOSK: Final = "kiosk"
LINE_BYTES_MAX: Final = 1 << 22
_SECONDS_MAX: Final = 0.15
READY: Final = "ready"


@define
class Environment:
    """A server over the books of one suite.

    Attributes:
        chance: How long a call takes is drawn from it, before it is made, and after.
    """

    books: Books
    chance: random.Random = field(factory=random.Random)
    _ended: asyncio.Future[None] = field(
        init=False, factory=lambda: asyncio.get_running_loop().create_future()
    )

    async def until_broken(self) -> None:
        """Returns never, but raises what a tool has raised that is no answer."""
        await self._ended

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers one caller until it goes away, however it does."""
        try:
            while line := await reader.readline():
                answer = await self._answer(json.loads(line))
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except ConnectionError:
            pass  # a caller that was killed wants no answer
        except Exception as error:  # noqa: BLE001 - what was done is not known; nobody may guess
            if not self._ended.done():
                self._ended.set_exception(error)
        finally:
            writer.close()

    async def _answer(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        match request:
            case {"ask": "tasks"}:
                return {"tasks": list(self.books.tasks)}
            case {"ask": "count"}:
                return {"count": self.books.count}
            case {"ask": "plan", "task": task}:
                return asdict(self.books.plan(task))
            case {"ask": "found", "task": task, "key": key, "epoch": epoch}:
                deed = self.books.found(task, key=key, epoch=epoch)
                return {"deed": None if deed is None else asdict(deed)}
            case {"ask": "verdict", "task": task}:
                deeds = [asdict(deed) for deed in self.books.deeds(task)]
                return {"solved": self.books.is_solved(task), "deeds": deeds}
            case {"ask": "use"}:
                return await self._use(request)
            case _:
                return {"mistake": "nobody asks that"}

    async def _use(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        call = ToolCall(tool=request["tool"], args=request["args"])
        await asyncio.sleep(self.chance.random() * _SECONDS_MAX)
        try:
            deed = self.books.use(
                request["task"],
                call,
                key=request["key"],
                epoch=request["epoch"],
                once=request["once"],
            )
        except RuledOut:
            return {"ruled_out": True}
        except ToolFailed as error:
            return {"failed": str(error)}
        await asyncio.sleep(self.chance.random() * _SECONDS_MAX)
        return {"deed": asdict(deed)}


def suite_of(name: str) -> Suite:
    """The suite of a name: the kiosk, or one of the benchmark's.

    Raises:
        SuiteMissing: There is none of that name, or the benchmark is not installed.
    """
    if name == KIOSK:
        return Kiosk()
    try:
        # The kiosk needs no benchmark.
        from examples.agentdojo.benchmark import Benchmark  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "agentdojo":
            raise
        raise SuiteMissing(
            "the package agentdojo is not installed: 'make agentdojo' has it in a place of its own"
        ) from error
    return Benchmark(name)


async def serve(tasks: Mapping[str, Task], socket: str, seed: int) -> None:
    """Serves tasks until standard input ends, as it does with whoever started the process.

    Raises:
        Exception: Whatever a tool has raised that is no answer.
    """
    environment = Environment(Books.of(tasks), random.Random(seed))  # noqa: S311 - only durations
    server = await asyncio.start_unix_server(environment.serve, path=socket, limit=LINE_BYTES_MAX)
    async with server:
        print(READY, flush=True)
        loop = asyncio.get_running_loop()
        # A thread that reads would keep a broken environment from ending.
        left = asyncio.Event()
        loop.add_reader(sys.stdin.fileno(), left.set)
        waits = [loop.create_task(left.wait()), loop.create_task(environment.until_broken())]
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in done:
            await wait


def main() -> None:
    """Serves what the first line of standard input names; says why on standard error if not."""
    contract = json.loads(sys.stdin.buffer.readline())
    try:
        suite = suite_of(contract["suite"])
        asyncio.run(serve(suite.tasks(), contract["socket"], contract["seed"]))
    except SuiteMissing as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
