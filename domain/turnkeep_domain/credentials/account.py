"""A credential account: which secrets of an owner go to which targets, and whether they may.

```text
    absent --a--> Active --a--> Active        a  put: the generation rises by one
                     |--b--> Revoked          b  revoked, for good
                     '--c--> Deleted --a--> Active     c  deleted, from Revoked too
```

The epoch rises when status, handles or targets change: sessions of an earlier epoch end at their
next use. That an account is over by its expiry is judged, never stored. The module is long because
the commands of one aggregate stand together.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final, TypeAlias

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.credentials.account_id import AccountId, account_id
from turnkeep_domain.credentials.account_outcomes import AccountOutcome, AccountState, epoch
from turnkeep_domain.credentials.events import AccountDeleted, AccountPut, AccountWithdrawn
from turnkeep_domain.credentials.limits import HANDLES_MAX, TARGETS_MAX
from turnkeep_domain.credentials.refusals import (
    AccountDeleteRefusal,
    AccountExpired,
    AccountPutRefusal,
    AccountRevoked,
)
from turnkeep_domain.credentials.targets import Target, targets_bytes
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import identifier
from turnkeep_domain.instants import instant, optional_instant
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import (
    Digest,
    Mark,
    Marks,
    RequestId,
    RequestIdReused,
    digest_of,
    remember,
)
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.binding import (
    Binding,
    marked,
    moment,
    number,
    optional,
    raw,
    several,
    text,
)
from turnkeep_domain.secrets.generations import Expected, generation, met, spelt
from turnkeep_domain.secrets.handles import Handle, require_handle
from turnkeep_domain.secrets.limits import REQUESTS_MAX
from turnkeep_domain.secrets.owners import owner
from turnkeep_domain.secrets.receipts import digest
from turnkeep_domain.secrets.refusals import GenerationMismatch
from turnkeep_domain.secrets.sealing import UNSEALED, UNWRITTEN, envelope, seal

_NAME: Final = "credential_account"


@frozen
class ActiveAccount:
    """It may be used, until its expiry; None: for ever."""

    expires_at: datetime | None = field(validator=optional_instant)


@frozen
class RevokedAccount:
    """It may not be used any more."""

    at: datetime = field(validator=instant)


AccountStatus: TypeAlias = ActiveAccount | RevokedAccount
Requests: TypeAlias = Marks[AccountOutcome]


@frozen(kw_only=True)
class AccountTerms:
    """What an account may be used for.

    Attributes:
        handles: Secrets of the same owner, 1 to 8.
        targets: Where they may go, 1 to 32.
    """

    handles: frozenset[Handle] = field(validator=deep_iterable(of_kind(str), of_kind(frozenset)))
    targets: frozenset[Target] = field(validator=deep_iterable(of_kind(Target), of_kind(frozenset)))

    @handles.validator
    def _are_handles(self, _: object, handles: frozenset[Handle]) -> None:
        if not 1 <= len(handles) <= HANDLES_MAX:
            raise InvalidValue("handles", f"must be 1 to {HANDLES_MAX}")
        for one in handles:
            require_handle("handles", one)

    @targets.validator
    def _are_few(self, _: object, targets: frozenset[Target]) -> None:
        if not 1 <= len(targets) <= TARGETS_MAX:
            raise InvalidValue("targets", f"must be 1 to {TARGETS_MAX}")

    def encoded(self) -> bytes:
        """The terms as a part of a binding."""
        return several(sorted(self.handles), text) + targets_bytes(self.targets)


@frozen(kw_only=True)
class CredentialAccount:
    """An account that was not deleted.

    Attributes:
        provider: Whose account it is there, in the host's own word.
        epoch: How often what it may be used for has changed.
        envelope: The encrypted details.
        marks: The last 64 puts, revocations and deletions.
    """

    owner: Scope = field(validator=owner)
    id: AccountId = field(validator=account_id)
    provider: str = field(validator=identifier)
    status: AccountStatus = field(validator=of_kind(ActiveAccount, RevokedAccount))
    terms: AccountTerms = field(validator=of_kind(AccountTerms))
    generation: int = field(validator=generation)
    epoch: int = field(validator=epoch)
    envelope: bytes = field(validator=envelope, repr=False)
    created_at: datetime = field(validator=instant)
    updated_at: datetime = field(validator=instant)
    marks: Requests = field(validator=of_kind(Marks))
    seal: bytes = field(validator=seal, repr=False)

    @property
    def address(self) -> Address:
        """Where it is kept."""
        return account_address(self.owner, self.id)

    @property
    def expires_at(self) -> datetime | None:
        """When it is over; None: never, or it was revoked."""
        return self.status.expires_at if isinstance(self.status, ActiveAccount) else None

    def state_at(self, now: datetime) -> AccountState:
        """Where it stands; over by its expiry is expired, though nobody noted it."""
        if isinstance(self.status, RevokedAccount):
            return AccountState.REVOKED
        over = self.status.expires_at is not None and self.status.expires_at <= now
        return AccountState.EXPIRED if over else AccountState.ACTIVE

    def revoke(
        self, *, request_id: RequestId, now: datetime
    ) -> Decision[CredentialAccount, AccountOutcome, RequestIdReused]:
        """Ends all use of it, for good. In this order: repeat, revoked already.

        The envelope is left to be written anew, for it belongs to all that the account says.
        """
        arguments = digest_of("revoke")
        replay = _replayed(self.marks, request_id, (arguments,))
        if replay is not None:
            return replay
        outcome = AccountOutcome(
            state=AccountState.REVOKED, generation=self.generation, epoch=self.epoch + 1
        )
        if isinstance(self.status, RevokedAccount):
            return Unchanged(evolve(outcome, epoch=self.epoch))
        account = evolve(
            self,
            status=RevokedAccount(now),
            epoch=outcome.epoch,
            envelope=UNWRITTEN,
            updated_at=now,
            marks=remember(self.marks, Mark(request_id, arguments, outcome), bound=REQUESTS_MAX),
            seal=UNSEALED,
        )
        event = AccountWithdrawn(
            address=self.address,
            at=now,
            generation=self.generation,
            epoch=outcome.epoch,
            request_id=request_id,
        )
        return Changed(account, outcome, (event,))

    def binding(self) -> Binding:
        """Everything that it says, but for seal and envelope."""
        revoked_at = self.status.at if isinstance(self.status, RevokedAccount) else None
        return Binding.of(
            "turnkeep/credential-account/v1",
            self.address,
            text(self.provider),
            optional(self.expires_at, moment),
            optional(revoked_at, moment),
            self.terms.encoded(),
            number(self.generation),
            number(self.epoch),
            moment(self.created_at),
            moment(self.updated_at),
            marked(self.marks, _outcome_bytes),
        )


@frozen(kw_only=True)
class DeletedAccount:
    """What is left of a deleted account, for ever; a put makes an account of it again.

    Attributes:
        digest: The SHA-256 of the last envelope, which tells nothing of what was in it.
    """

    owner: Scope = field(validator=owner)
    id: AccountId = field(validator=account_id)
    generation: int = field(validator=generation)
    epoch: int = field(validator=epoch)
    created_at: datetime = field(validator=instant)
    deleted_at: datetime = field(validator=instant)
    digest: Digest = field(validator=digest, repr=False)
    marks: Requests = field(validator=of_kind(Marks))
    seal: bytes = field(validator=seal, repr=False)

    @property
    def envelope(self) -> bytes:
        """There is none."""
        return b""

    def binding(self) -> Binding:
        """Everything that it says, but for its seal."""
        return Binding.of(
            "turnkeep/credential-account-deleted/v1",
            account_address(self.owner, self.id),
            number(self.generation),
            number(self.epoch),
            moment(self.created_at),
            moment(self.deleted_at),
            raw(self.digest),
            marked(self.marks, _outcome_bytes),
        )


AccountRecord: TypeAlias = CredentialAccount | DeletedAccount
"""What a cell of the collection holds."""


def account_address(owner: Scope, id: AccountId) -> Address:
    """Where an account is kept."""
    return Address(_NAME, owner, id)


@frozen(kw_only=True)
class AccountPlan:
    """An account as a caller wants it, but for its details."""

    owner: Scope = field(validator=owner)
    id: AccountId = field(validator=account_id)
    provider: str = field(validator=identifier)
    expires_at: datetime | None = field(validator=optional_instant)
    terms: AccountTerms = field(validator=of_kind(AccountTerms))

    def encoded(self) -> bytes:
        """The plan as a part of what tells a repeat from another request."""
        return text(self.provider) + self.terms.encoded() + optional(self.expires_at, moment)


def put_account(
    record: AccountRecord | None,
    plan: AccountPlan,
    *,
    expected: Expected,
    request_id: RequestId,
    arguments: tuple[Digest, ...],
    now: datetime,
) -> Decision[AccountRecord, AccountOutcome, AccountPutRefusal]:
    """An account takes the place of what is there.

    In this order: repeat, expected, revoked, expiry. The arguments are told by keyed codes, as
    those of a secret are.
    """
    marks: Requests = Marks.none() if record is None else record.marks
    replay = _replayed(marks, request_id, arguments)
    if replay is not None:
        return replay
    known = 0 if record is None else record.generation
    before = record if isinstance(record, CredentialAccount) else None
    if not met(expected, generation=known, absent=before is None):
        return Refused(GenerationMismatch(known))
    if before is not None and isinstance(before.status, RevokedAccount):
        return Refused(AccountRevoked())
    if plan.expires_at is not None and plan.expires_at <= now:
        return Refused(AccountExpired())
    status = ActiveAccount(plan.expires_at)
    same = before is not None and (before.status, before.terms) == (status, plan.terms)
    epoch = (0 if record is None else record.epoch) + (not same)
    outcome = AccountOutcome(state=AccountState.ACTIVE, generation=known + 1, epoch=epoch)
    account = CredentialAccount(
        owner=plan.owner,
        id=plan.id,
        provider=plan.provider,
        status=status,
        terms=plan.terms,
        generation=outcome.generation,
        epoch=epoch,
        envelope=UNWRITTEN,
        created_at=now if before is None else before.created_at,
        updated_at=now,
        marks=remember(marks, Mark(request_id, arguments[0], outcome), bound=REQUESTS_MAX),
        seal=UNSEALED,
    )
    return Changed(account, outcome, (_told_of(account, request_id),), plan.expires_at)


def delete_account(
    record: AccountRecord | None, *, expected: Expected, request_id: RequestId, now: datetime
) -> Decision[AccountRecord, AccountOutcome, AccountDeleteRefusal]:
    """The details go, a tombstone stays. In this order: repeat, nothing there, expected."""
    if record is None:
        return Unchanged(AccountOutcome(state=AccountState.DELETED, generation=0, epoch=0))
    arguments = digest_of("delete", spelt(expected))
    replay = _replayed(record.marks, request_id, (arguments,))
    if replay is not None:
        return replay
    gone = AccountOutcome(
        state=AccountState.DELETED, generation=record.generation, epoch=record.epoch
    )
    if isinstance(record, DeletedAccount):
        return Unchanged(gone)
    if not met(expected, generation=record.generation, absent=False):
        return Refused(GenerationMismatch(record.generation))
    outcome = evolve(gone, generation=record.generation + 1, epoch=record.epoch + 1)
    tombstone = DeletedAccount(
        owner=record.owner,
        id=record.id,
        generation=outcome.generation,
        epoch=outcome.epoch,
        created_at=record.created_at,
        deleted_at=now,
        digest=Digest(hashlib.sha256(record.envelope).digest()),
        marks=remember(record.marks, Mark(request_id, arguments, outcome), bound=REQUESTS_MAX),
        seal=UNSEALED,
    )
    event = AccountDeleted(
        address=record.address,
        at=now,
        generation=outcome.generation,
        epoch=outcome.epoch,
        request_id=request_id,
    )
    return Changed(tombstone, outcome, (event,))


def _told_of(account: CredentialAccount, request_id: RequestId) -> AccountPut:
    return AccountPut(
        address=account.address,
        at=account.updated_at,
        generation=account.generation,
        epoch=account.epoch,
        request_id=request_id,
        provider=account.provider,
        handles=account.terms.handles,
        expires_at=account.expires_at,
    )


def _replayed(
    marks: Requests, request_id: RequestId, arguments: tuple[Digest, ...]
) -> Unchanged[AccountOutcome] | Refused[RequestIdReused] | None:
    for mark in marks.entries:
        if mark.request_id == request_id:
            known = mark.arguments in arguments
            return Unchanged(mark.outcome) if known else Refused(RequestIdReused(request_id))
    return None


def _outcome_bytes(outcome: AccountOutcome) -> bytes:
    return text(outcome.state.value) + number(outcome.generation) + number(outcome.epoch)


def _index(record: AccountRecord) -> Index:
    state = AccountState.DELETED
    if isinstance(record, CredentialAccount):
        revoked = isinstance(record.status, RevokedAccount)
        state = AccountState.REVOKED if revoked else AccountState.ACTIVE
    # Nothing is ever due: expiry is judged, not stored.
    return Index(state=state.value, due_at=None, sort=record.id)


ACCOUNTS: Final[Collection[AccountRecord]] = Collection(
    name=_NAME,
    members=(CredentialAccount, DeletedAccount),
    permanent=True,
    index=_index,
    identity=lambda record: Identity(record.owner, record.id),
    marks=lambda record: record.marks,
)
