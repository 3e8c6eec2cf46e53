"""A seat: one attempt of a command that may go together with others, and what it is told."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Any, Final, Protocol, TypeAlias

from attrs import define, field, frozen

from turnkeep_application.bounded import DeadlinePassed
from turnkeep_application.commands import Answer, Command, Concluded, Decided
from turnkeep_application.records import Need
from turnkeep_application.verdicts import Lost, Unknown
from turnkeep_domain.keys import Address, ReadKey
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.store import Loaded
from turnkeep_ports.telemetry import Counter


class Alone(Enum):
    """It is to make this attempt by itself, from the load on."""

    ALONE = "alone"


ALONE: Final = Alone.ALONE


@frozen
class Mistake:
    """What its own decision raised."""

    error: Exception


Reply: TypeAlias = (
    Alone
    | Loaded
    | Decided[Any, Any]
    | Concluded[Any, Any]
    | Answer[Any, Any]
    | Need
    | Lost
    | Mistake
    | None
)
"""What a seat is told: how far others have brought its attempt. None is: try again."""


class Flight(Protocol):
    """A commit in flight, as one of those who share it sees it."""

    def concluded(self, verdict: Unknown) -> Concluded[Any, Any]:
        """What is told if the seat does not wait for the answer."""
        ...


@define(eq=False)
class Round:
    """Seats that were taken together, until each has ended its attempt.

    Attributes:
        parties: How many of its parties are still there.
        task: What brings them further.
        is_doubted: Whether one of its commits is in flight that nobody waits for any more.
    """

    parties: int
    task: asyncio.Task[None] | None = field(default=None, init=False)
    is_doubted: bool = field(default=False, init=False)


@define(eq=False)
class Party:
    """Seats of one round that share cells, which it holds until the last of them has left."""

    round: Round
    seats: list[Seat]
    addresses: tuple[Address, ...]
    left: int = field(default=0, init=False)

    def leave(self) -> bool:
        """Lets one of them leave; whether it was the last."""
        self.left += 1
        return self.left == len(self.seats)


@define(eq=False)
class Seat:
    """One attempt of one command. Commands of any types go together, so its own are not told.

    Attributes:
        arrival: The command's place in the order of arrival, for all its attempts.
        keys: What the decision of this attempt is to see and to check, so far.
        addresses: Their cells.
        since: When it began to wait.
        alone: Whether it went straight to the store, and holds its cells itself.
        party: With whom a round has taken it.
        flight: The commit in flight that it shares.
    """

    command: Command[Any, Any]
    arrival: int
    keys: tuple[ReadKey[object], ...] = field(default=(), init=False)
    addresses: tuple[Address, ...] = field(default=(), init=False)
    since: float = field(default=0.0, init=False)
    alone: bool = field(default=False, init=False)
    party: Party | None = field(default=None, init=False)
    flight: Flight | None = field(default=None, init=False)
    _reply: asyncio.Future[Reply] | None = field(default=None, init=False)

    def ask(self) -> asyncio.Future[Reply]:
        """Begins to wait for a reply."""
        self._reply = asyncio.get_running_loop().create_future()
        return self._reply

    @property
    def waits(self) -> bool:
        """Whether its command still waits to be told."""
        return self._reply is not None and not self._reply.done()

    def tell(self, reply: Reply) -> None:
        """Tells its command, if that still waits."""
        self.flight = None
        if self._reply is not None and not self._reply.done():
            self._reply.set_result(reply)

    def give_up(self) -> None:
        """Its time is over: it is told what is known so far."""
        if self.flight is not None:
            self.tell(self.flight.concluded(Unknown(DeadlinePassed())))
        elif self.party is not None:
            late = Unavailable("it did not answer before the deadline")
            self.tell(Lost(Counter.UNAVAILABLE, late))
        else:
            self.tell(None)

    def let_down(self) -> None:
        """Those who were to bring it further are gone: it is told what is known so far."""
        if self.flight is not None:
            lost = RuntimeError("nobody waited for the answer to the commit")
            self.tell(self.flight.concluded(Unknown(lost)))
        else:
            self.tell(ALONE)
