"""A phase of a grant: its state, with what only that state knows. Tokens are never shown."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import TypeAlias, assert_never

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import DIGEST_BYTES, Digest
from turnkeep_domain.turns.addresses import RunAddress
from turnkeep_domain.turns.effect_ids import EffectId


class GrantState(Enum):
    """Where a grant stands; `CONSUMED` and `REVOKED` are final."""

    ACTIVE = "active"
    CLAIMED = "claimed"
    DISPATCHING = "dispatching"
    CONSUMED = "consumed"
    REVOKED = "revoked"

    @property
    def final(self) -> bool:
        """Whether nothing follows this state."""
        return self in (GrantState.CONSUMED, GrantState.REVOKED)


class GrantRevokeCause(Enum):
    """Why a grant can no longer be used.

    `EXPIRED`: nobody used it in time. `WITHDRAWN`: somebody took it back. `RUN_ENDED`: the run that
    had asked for it has ended.
    """

    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    RUN_ENDED = "run_ended"


def _digest(_: object, __: object, token: Digest) -> None:
    if type(token) is not bytes or len(token) != DIGEST_BYTES:
        raise InvalidValue("token", f"must be a digest of {DIGEST_BYTES} bytes")


@frozen(kw_only=True)
class GrantStep:
    """The journaled step that a grant was begun with, so that neither is settled alone.

    Attributes:
        run: The run whose step it is.
        effect: Its place in that run's journal.
    """

    run: RunAddress = field(validator=of_kind(RunAddress))
    effect: EffectId = field(validator=of_kind(EffectId))


@frozen
class ActiveGrant:
    """It may be claimed, until the grant expires."""


@frozen(kw_only=True)
class ClaimedGrant:
    """Somebody is about to use it; nothing has run, so from `deadline` on others may take it over.

    Attributes:
        token: The digest of the claimant's token.
    """

    token: Digest = field(validator=_digest, repr=False)
    by: Principal = field(validator=of_kind(Principal))
    deadline: datetime = field(validator=instant)


@frozen(kw_only=True)
class DispatchingGrant:
    """The call is under way, or was: from `deadline` on nobody knows, and it is never taken over.

    Attributes:
        token: The digest of the token of whoever began.
        step: The step of a run that began with it; None where the host keeps no journal.
    """

    token: Digest = field(validator=_digest, repr=False)
    by: Principal = field(validator=of_kind(Principal))
    deadline: datetime = field(validator=instant)
    step: GrantStep | None = field(validator=of_kind(GrantStep, type(None)))


@frozen(kw_only=True)
class ConsumedGrant:
    """The call was made, once.

    Attributes:
        token: The digest of the token under which it was made.
    """

    token: Digest = field(validator=_digest, repr=False)
    at: datetime = field(validator=instant)


@frozen(kw_only=True)
class RevokedGrant:
    """It can no longer be used.

    Attributes:
        by: Who revoked it; None exactly where its time was up.
    """

    by: Principal | None = field(validator=of_kind(Principal, type(None)))
    at: datetime = field(validator=instant)
    cause: GrantRevokeCause = field(validator=of_kind(GrantRevokeCause))

    @cause.validator
    def _names_who(self, _: object, cause: GrantRevokeCause) -> None:
        if (self.by is None) is not (cause is GrantRevokeCause.EXPIRED):
            raise InvalidValue("by", "must be named, unless the time was up")


GrantPhase: TypeAlias = ActiveGrant | ClaimedGrant | DispatchingGrant | ConsumedGrant | RevokedGrant


def grant_state_of(phase: GrantPhase) -> GrantState:
    """The phase in one word."""
    match phase:
        case ActiveGrant():
            return GrantState.ACTIVE
        case ClaimedGrant():
            return GrantState.CLAIMED
        case DispatchingGrant():
            return GrantState.DISPATCHING
        case ConsumedGrant():
            return GrantState.CONSUMED
        case RevokedGrant():
            return GrantState.REVOKED
        case _:
            assert_never(phase)


@frozen(kw_only=True)
class GrantOutcome:
    """What a command on a grant led to, small enough to be kept in a mark; it names nobody.

    Attributes:
        state: The state after the command.
        until: The deadline of whoever holds it then; None where nobody does.
    """

    state: GrantState = field(validator=of_kind(GrantState))
    until: datetime | None = field()

    @until.validator
    def _only_while_held(self, _: object, until: datetime | None) -> None:
        held = self.state in (GrantState.CLAIMED, GrantState.DISPATCHING)
        if held is not isinstance(until, datetime):
            raise InvalidValue(
                "until", "must be there while somebody holds the grant, and only then"
            )

    @classmethod
    def of(cls, phase: GrantPhase) -> GrantOutcome:
        """The outcome of a command that led to this phase."""
        until = phase.deadline if isinstance(phase, ClaimedGrant | DispatchingGrant) else None
        return cls(state=grant_state_of(phase), until=until)
