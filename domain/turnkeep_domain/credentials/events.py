"""An event of an account or a session: ids, handles, hosts and causes.

Never material, label or metadata; of a URL the host alone, never its path or query; of a session
the digest of its id, never the id.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import ClassVar

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.credentials.account_id import AccountId, account_id
from turnkeep_domain.credentials.account_outcomes import epoch
from turnkeep_domain.credentials.limits import USES_MAX
from turnkeep_domain.events import Event
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant, optional_instant
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.generations import generation
from turnkeep_domain.secrets.handles import Handle, handle
from turnkeep_domain.secrets.limits import GENERATION_MAX, require_count
from turnkeep_domain.secrets.owners import owner


class SessionEnd(Enum):
    """How a credential session ended."""

    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    CLOSED = "closed"
    ACCOUNT_CHANGED = "account_changed"


@frozen(kw_only=True)
class Released:
    """Which generation of a secret a use was for."""

    handle: Handle = field(validator=handle)
    generation: int = field(validator=generation)


@frozen(kw_only=True)
class AccountEvent(Event):
    """What every event of an account tells."""

    generation: int = field(validator=generation)
    epoch: int = field(validator=epoch)
    request_id: RequestId = field(validator=identifier)


@frozen(kw_only=True)
class AccountPut(AccountEvent):
    """An account was put in the place of what was there."""

    kind: ClassVar[str] = "credential_account.put"

    provider: str = field(validator=identifier)
    handles: frozenset[Handle] = field(validator=deep_iterable(of_kind(str), of_kind(frozenset)))
    expires_at: datetime | None = field(validator=optional_instant)


@frozen(kw_only=True)
class AccountWithdrawn(AccountEvent):
    """An account may not be used any more; its sessions end at their next use."""

    kind: ClassVar[str] = "credential_account.revoked"


@frozen(kw_only=True)
class AccountDeleted(AccountEvent):
    """An account was deleted; its sessions end at their next use."""

    kind: ClassVar[str] = "credential_account.deleted"


@frozen(kw_only=True)
class SessionEvent(Event):
    """What every event of a session tells: which account it is for."""

    owner: Scope = field(validator=owner)
    account: AccountId = field(validator=account_id)


@frozen(kw_only=True)
class SessionOpened(SessionEvent):
    """An account may be used by the bearer of a session's id, until a deadline."""

    kind: ClassVar[str] = "credential_session.opened"

    epoch: int = field(validator=epoch)
    deadline: datetime = field(validator=instant)
    uses_max: int | None = field()

    @uses_max.validator
    def _within_bounds(self, _: object, uses_max: int | None) -> None:
        if uses_max is not None:
            require_count("uses_max", uses_max, least=1, most=USES_MAX)


@frozen(kw_only=True)
class SessionUsed(SessionEvent):
    """A use was counted, and material handed over at most once for it."""

    kind: ClassVar[str] = "credential_session.used"

    use: int = field()
    operation_id: RequestId = field(validator=identifier)
    method: str = field(validator=identifier)
    host: str = field(validator=identifier)
    released: tuple[Released, ...] = field(
        validator=deep_iterable(of_kind(Released), of_kind(tuple))
    )

    @use.validator
    def _counts(self, _: object, use: int) -> None:
        require_count("use", use, least=1, most=GENERATION_MAX)


@frozen(kw_only=True)
class SessionEnded(SessionEvent):
    """A session has ended, for good."""

    kind: ClassVar[str] = "credential_session.ended"

    end: SessionEnd = field(validator=of_kind(SessionEnd))
