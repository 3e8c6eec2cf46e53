"""Errors of ports: each says what may be assumed about the write.

*Nothing was written*: `Unavailable`, `Unsupported`, `PayloadTooLarge`, `SchemaTooNew`, `Corrupt`.
*Nothing may be assumed*: `OutcomeUnknown`, a cancellation, and every exception that is not named
here.
"""

from __future__ import annotations

from attrs import field, frozen

from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.keys import Address


@frozen
class Unavailable(TurnkeepError):
    """The store could not serve the call, and proved that nothing was written.

    Attributes:
        why: One sanitised clause.
        retryable: Whether trying again may help.
        code: ``"unavailable"``, or a narrower one, for example ``"store.full"``.
    """

    sentence = "the store is unavailable and nothing was written: {error.why}"

    why: str = field()
    retryable: bool = field(default=True)
    code: str = field(default="unavailable")


@frozen
class OutcomeUnknown(TurnkeepError):
    """A write landed, may still land, or never will: repeat it with the same request id.

    Attributes:
        why: One sanitised clause.
    """

    code = "outcome_unknown"
    retryable = True
    sentence = (
        "the outcome of a write is unknown: {error.why}; "
        "repeat the command with the same request id to learn it"
    )

    why: str = field()


@frozen
class Corrupt(TurnkeepError):
    """Stored bytes cannot be read as what they should be; nothing was touched.

    Attributes:
        why: One sanitised clause; it repeats nothing of the bytes.
        address: The record concerned, for programs; None where no record is (a segment, an event).
    """

    code = "corrupt"
    sentence = "a stored {error.kind} is corrupt: {error.why}"

    why: str = field()
    address: Address | None = field(default=None, repr=False)

    @property
    def kind(self) -> str:
        """What is corrupt, in words that name no record."""
        return "item" if self.address is None else f"{self.address.collection} record"


@frozen
class Unsupported(TurnkeepError):
    """The store lacks what the operation needs; nothing was written.

    Attributes:
        what: What is lacking, and what to do.
    """

    code = "unsupported"
    sentence = "the store does not support this: {error.what}"

    what: str = field()


@frozen
class PayloadTooLarge(TurnkeepError):
    """Something exceeds a limit; nothing was written.

    Attributes:
        what: What was measured, for example ``"body bytes"``.
        actual: How much there was.
        limit: How much is allowed.
    """

    code = "payload_too_large"
    sentence = "{error.what}: {error.actual} exceeds the limit of {error.limit}"

    what: str = field()
    actual: int = field()
    limit: int = field()


@frozen
class SchemaTooNew(TurnkeepError):
    """Stored data was written by a newer release; it is refused and left untouched.

    Attributes:
        what: Which data.
        found: The schema number found.
        newest: The newest schema number that this release reads.
    """

    code = "schema_too_new"
    sentence = (
        "{error.what} has schema {error.found}, this release reads up to {error.newest}: "
        "upgrade Turnkeep"
    )

    what: str = field()
    found: int = field()
    newest: int = field()
