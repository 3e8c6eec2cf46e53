"""A message: what a worker and its company tell each other, one line of JSON each.

To a worker: its contract first, then for each task its number and the line itself, and `END` at
last. From a worker: messages, as they come.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, TypeAlias

from attrs import asdict, frozen

from turnkeep_adapters.cli.demo.effort import Effort
from turnkeep_adapters.cli.demo.lines import Line
from turnkeep_adapters.cli.demo.recording import Unusable

END: Final = b"end"


class Deserted(OSError):
    """The other side has gone in the middle of it."""


@frozen(kw_only=True)
class Contract:
    """What a worker must know before it begins.

    Attributes:
        store: The URL. It may hold a password, so it is told here and in no argument.
        ledger: The file of its ledger.
        halts_after: After how many answers it halts in the middle of its work, to be killed there;
            a call that cannot be used counts too. None for never.
    """

    store: str
    askers: int
    deciders: int
    seed: int
    ledger: Path
    halts_after: int | None

    def as_bytes(self) -> bytes:
        """The contract as it is sent."""
        return _line({**asdict(self), "ledger": str(self.ledger)})

    @classmethod
    def of(cls, line: bytes) -> Contract:
        """The contract that was sent."""
        held = json.loads(line)
        return cls(**{**held, "ledger": Path(held["ledger"])})


@frozen
class OneMore:
    """One more call is done."""


@frozen
class Halted:
    """The worker stands still, with calls under way, and waits to be killed."""


@frozen
class Ended:
    """All is done, and this is what it took."""

    effort: Effort


Message: TypeAlias = OneMore | Unusable | Halted | Ended


def message_bytes(message: Message) -> bytes:
    """A message as it is sent."""
    return _line({"is": type(message).__name__, **asdict(message)})


def read_message(line: bytes) -> Message:
    """The message that was sent."""
    held = json.loads(line)
    match held.pop("is"):
        case "OneMore":
            return OneMore()
        case "Halted":
            return Halted()
        case "Unusable":
            return Unusable(**held)
        case _:
            return Ended(Effort(**held["effort"]))


def task_bytes(line: Line) -> bytes:
    """A line of the recording as it is handed to a worker."""
    return b"%d\n%b\n" % (line.number, line.content or b"")


async def handed(lines: AsyncIterator[Line]) -> AsyncIterator[Line]:
    """The lines of the recording that a worker is handed, until there are no more.

    Raises:
        Deserted: Whoever hands them out has gone.
    """
    async for number in lines:
        if number.content == END:
            return
        line = await anext(lines, None)
        if line is None:
            break
        yield Line(int(number.content or b""), line.content)
    raise Deserted("whoever hands out the work has gone")


def _line(held: object) -> bytes:
    return json.dumps(held).encode() + b"\n"
