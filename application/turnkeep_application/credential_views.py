"""A view of an account or a session: everything but material and bearers."""

from __future__ import annotations

from datetime import datetime

from attrs import field, frozen

from turnkeep_application.reading import Unreadable
from turnkeep_domain.credentials.account import AccountRecord, AccountTerms, CredentialAccount
from turnkeep_domain.credentials.account_id import AccountId
from turnkeep_domain.credentials.account_outcomes import AccountState
from turnkeep_domain.credentials.details import AccountDetails
from turnkeep_domain.credentials.session import CredentialSession
from turnkeep_domain.credentials.session_id import SessionDigest
from turnkeep_domain.credentials.session_phases import OpenSession, SessionPhase, session_word
from turnkeep_domain.scope import Scope


@frozen(kw_only=True)
class CredentialAccountView:
    """An account as it stood at one moment of the store's clock.

    Attributes:
        provider: Whose account it is there; None where it was deleted.
        terms: What it may be used for; None where it was deleted.
        details: What the host has noted of it, opened by `get` alone; hidden from `repr`.
    """

    owner: Scope
    id: AccountId
    state: AccountState
    generation: int
    epoch: int
    provider: str | None
    terms: AccountTerms | None
    expires_at: datetime | None
    created_at: datetime
    updated_at: datetime
    details: AccountDetails | None = field(repr=False)


@frozen(kw_only=True)
class AccountPage:
    """Accounts of one owner, by id; details unopened.

    Attributes:
        unreadable: What lay among them and could not be read; each hides no other.
        next: Where the next page begins, opaque; None when there is none, and only then.
    """

    accounts: tuple[CredentialAccountView, ...]
    unreadable: tuple[Unreadable, ...]
    next: str | None


@frozen(kw_only=True)
class SessionView:
    """A session as it stood at one moment: a hint, for the next use judges anew.

    Attributes:
        state: ``"open"``, ``"exhausted"``, ``"revoked"`` or ``"expired"``; over by its deadline is
            expired, noted or not.
    """

    id: SessionDigest
    owner: Scope
    account: AccountId
    terms: AccountTerms
    state: str
    phase: SessionPhase
    uses: int
    uses_max: int | None
    opened_at: datetime
    deadline: datetime

    @property
    def is_open(self) -> bool:
        """Whether it may still be used."""
        return isinstance(self.phase, OpenSession)


def account_view(
    record: AccountRecord, now: datetime, details: AccountDetails | None = None
) -> CredentialAccountView:
    """What may be told of an account."""
    if isinstance(record, CredentialAccount):
        return CredentialAccountView(
            owner=record.owner,
            id=record.id,
            state=record.state_at(now),
            generation=record.generation,
            epoch=record.epoch,
            provider=record.provider,
            terms=record.terms,
            expires_at=record.expires_at,
            created_at=record.created_at,
            updated_at=record.updated_at,
            details=details,
        )
    return CredentialAccountView(
        owner=record.owner,
        id=record.id,
        state=AccountState.DELETED,
        generation=record.generation,
        epoch=record.epoch,
        provider=None,
        terms=None,
        expires_at=None,
        created_at=record.created_at,
        updated_at=record.deleted_at,
        details=None,
    )


def session_view(session: CredentialSession, now: datetime) -> SessionView:
    """What may be told of a session."""
    phase = session.phase_at(now)
    return SessionView(
        id=session.id,
        owner=session.owner,
        account=session.account,
        terms=session.terms,
        state=session_word(phase),
        phase=phase,
        uses=session.uses,
        uses_max=session.uses_max,
        opened_at=session.opened_at,
        deadline=session.deadline,
    )
