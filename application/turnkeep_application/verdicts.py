"""A verdict: what became of one commit, as far as its answer or its error proves it.

*Nothing was written* is proven by `Stale`, `Late`, `Unavailable`, `Unsupported`,
`PayloadTooLarge`, `SchemaTooNew`, `Corrupt` and `ValueError`. Everything else, a passed deadline
included, proves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime
from typing import TypeAlias

from attrs import field, frozen

from turnkeep_application.bounded import bounded
from turnkeep_domain.keys import Address
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import (
    Corrupt,
    PayloadTooLarge,
    SchemaTooNew,
    Unavailable,
    Unsupported,
)
from turnkeep_ports.store import (
    CommitId,
    Committed,
    EventDraft,
    Late,
    RecordStore,
    Revision,
    Stale,
    Write,
)
from turnkeep_ports.telemetry import Counter


@frozen
class Stored:
    """All of it was written.

    Attributes:
        revisions: The new ones of the cells that were put, as far as the store has told.
    """

    revisions: Mapping[Address, Revision] = field(factory=dict)


@frozen
class Lost:
    """Nothing was written, and trying again may help.

    Attributes:
        counter: What the loss counts as.
        cause: The store's error; None where a race was lost.
    """

    counter: Counter
    cause: Unavailable | None = field(default=None)

    def own(self) -> Lost:
        """The same for one more command, whose error is its own."""
        if self.cause is None:
            return self
        cause = copy(self.cause)
        cause.__cause__ = self.cause.__cause__
        return Lost(self.counter, cause)


@frozen
class Unknown:
    """Nobody knows."""

    cause: Exception


@frozen
class Failed:
    """Nothing was written, and trying again cannot help."""

    error: Exception


Verdict: TypeAlias = Stored | Lost | Unknown | Failed


async def commit(
    store: RecordStore,
    commit_id: CommitId,
    writes: Sequence[Write],
    events: Sequence[EventDraft],
    *,
    valid_until: datetime | None,
    deadline: Deadline,
) -> Verdict:
    """Commits, and says what is proven about it; raises nothing but a cancellation."""
    try:
        call = store.commit(commit_id, writes, events, valid_until=valid_until, deadline=deadline)
        answer: object = await bounded(call, deadline)
    except Unavailable as error:
        return Lost(Counter.UNAVAILABLE, error) if error.retryable else Failed(error)
    except (Unsupported, PayloadTooLarge, SchemaTooNew, Corrupt, ValueError) as error:
        return Failed(error)
    except Exception as error:  # noqa: BLE001 - whatever else an adapter raises proves nothing
        return Unknown(error)
    match answer:
        case Committed(revisions):
            return Stored(revisions)
        case Stale(busy=busy):
            return Lost(Counter.BUSY if busy else Counter.CONFLICTS)
        case Late():
            return Lost(Counter.LATE)
        case _:
            return Unknown(TypeError("the store's answer is none that the port knows"))
