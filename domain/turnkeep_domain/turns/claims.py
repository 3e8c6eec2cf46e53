"""A claim: a worker's right to a run, under a fence that rises with every claim."""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import Enum
from typing import Final, NewType

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant, optional_instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.leases.tenure import Tenure
from turnkeep_domain.request_ids import Digest
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.counts import count
from turnkeep_domain.turns.names import RunId
from turnkeep_domain.turns.run_states import RunStatus

Token = NewType("Token", bytes)
"""16 random bytes that a worker mints for one pass over the lanes; stored as a digest alone."""

TOKEN_BYTES: Final = 16


def token_digest(token: Token) -> Digest:
    """What is stored of a token.

    Raises:
        InvalidValue: It has not 16 bytes; it is not repeated.
    """
    if type(token) is not bytes or len(token) != TOKEN_BYTES:
        raise InvalidValue("token", f"must be {TOKEN_BYTES} bytes")
    return Digest(hashlib.sha256(token).digest())


@frozen(kw_only=True)
class Claim:
    """What a worker presents with everything that it does for a run.

    Attributes:
        epoch: The fence that the claim took.
    """

    run: RunAddress = field(validator=of_kind(RunAddress))
    epoch: int = field(validator=count)
    token: Token = field(repr=False)

    @token.validator
    def _is_token(self, _: object, token: Token) -> None:
        token_digest(token)

    @property
    def digest(self) -> Digest:
        """What is stored of its token."""
        return token_digest(self.token)


@frozen(kw_only=True)
class RunLease:
    """What is stored of a claim while it lasts.

    Attributes:
        tenure: Whose it is, and until when.
        cancel_by: Past this no heartbeat extends it; None unless a cancel was requested.
        started: Whether the handler was called; noted for runs that are not journaled.
    """

    tenure: Tenure = field(validator=of_kind(Tenure))
    token: Digest = field(validator=of_kind(bytes), repr=False)
    cancel_by: datetime | None = field(validator=optional_instant)
    started: bool = field(validator=of_kind(bool))


class EndOperation(Enum):
    """What ended a claim."""

    COMPLETE = "complete"
    FAIL = "fail"
    BLOCK = "block"
    RELINQUISH = "relinquish"
    EXPIRY = "expiry"


class Relinquishment(Enum):
    """Why a worker gives a run back before it is done."""

    DRAIN = "drain"
    ERROR = "error"


@frozen(kw_only=True)
class Heartbeat:
    """What a worker learns when it says that it is alive.

    Attributes:
        until: The claim's deadline.
        cancel_by: By when the run is to end, where somebody called it off.
        at: The store's now, to which a worker relates the other two.
    """

    until: datetime = field(validator=instant)
    cancel_by: datetime | None = field(validator=optional_instant)
    at: datetime = field(validator=instant)


@frozen(kw_only=True)
class RunStanding:
    """Where a command left a run.

    Attributes:
        version: How often the run was stored anew, heartbeats aside.
    """

    run: RunId = field(validator=identifier)
    status: RunStatus = field(validator=of_kind(RunStatus))
    version: int = field(validator=count)


@frozen(kw_only=True)
class ClaimEnd:
    """How one claim ended, so that a repeat is answered and a latecomer is told.

    Attributes:
        arguments: The digest of what the operation was given.
    """

    run: RunId = field(validator=identifier)
    epoch: int = field(validator=count)
    token: Digest = field(validator=of_kind(bytes), repr=False)
    operation: EndOperation = field(validator=of_kind(EndOperation))
    arguments: Digest = field(validator=of_kind(bytes), repr=False)
    outcome: RunStanding = field(validator=of_kind(RunStanding))
