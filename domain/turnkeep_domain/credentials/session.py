"""A credential session: a bearer's use of an account, counted, until a deadline.

```text
                   .-- a: a use that is not the last
                   v   |
    open --> Open -----b--> Exhausted     b  the last use
              |--------c--> Revoked       c  closed, or its account has changed
              '--------d--> Expired       d  the deadline has come
```

It holds a snapshot of what it may be used for; what it releases is the present generation of each
secret, so sessions follow a rotation. The module is long because the order of a use's checks is
one list.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, TypeAlias, TypeVar, assert_never

from attrs import evolve, field, frozen

from turnkeep_domain.credentials.account import AccountRecord, AccountTerms, CredentialAccount
from turnkeep_domain.credentials.account_id import AccountId, account_id
from turnkeep_domain.credentials.account_outcomes import AccountState, epoch
from turnkeep_domain.credentials.events import (
    Released,
    SessionEnded,
    SessionOpened,
    SessionUsed,
)
from turnkeep_domain.credentials.limits import OPERATIONS_MAX, USES_MAX
from turnkeep_domain.credentials.operations import (
    OperationCounted,
    OperationSpent,
    UseReceipt,
    receipt_bytes,
)
from turnkeep_domain.credentials.refusals import (
    HandleRefused,
    SessionExpired,
    SessionRevokeCause,
    SessionRevoked,
    TargetRefused,
    UseRefusal,
)
from turnkeep_domain.credentials.session_id import SessionDigest, session_digest
from turnkeep_domain.credentials.session_phases import (
    PHASES,
    EndedSession,
    ExhaustedSession,
    ExpiredSession,
    OpenSession,
    RevokedSession,
    SessionPhase,
    session_end,
    session_phase_bytes,
    session_refusal,
    session_word,
)
from turnkeep_domain.credentials.swept_session import SweptSession
from turnkeep_domain.credentials.urls import parsed
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Address, Collection, Identity, Index
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.request_ids import (
    Digest,
    Mark,
    Marks,
    RequestId,
    RequestIdReused,
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
    scoped,
    text,
)
from turnkeep_domain.secrets.handles import Handle
from turnkeep_domain.secrets.lease_ref import work_scope
from turnkeep_domain.secrets.limits import GENERATION_MAX, KEPT_AFTER_END, require_count
from turnkeep_domain.secrets.owners import contains, owner
from turnkeep_domain.secrets.receipts import DeliveryId, digest
from turnkeep_domain.secrets.refusals import SecretExpired, SecretUnknown
from turnkeep_domain.secrets.sealing import UNSEALED, seal
from turnkeep_domain.secrets.secret import Secret, SecretRecord

R = TypeVar("R")

_NAME: Final = "credential_session"
SWEPT: Final = "swept"


@frozen(kw_only=True)
class Operation:
    """What a bearer asks a session for.

    Attributes:
        id: The idempotency key of the use.
        arguments: What else the request says.
        delivery: The call that asks.
        handles: Which secrets it wants, in order, none twice.
    """

    id: RequestId
    arguments: Digest
    delivery: DeliveryId
    method: str
    url: str = field(repr=False)
    handles: tuple[Handle, ...]


@frozen(kw_only=True)
class SessionTicket:
    """What opening a session answers.

    Attributes:
        id: What the session is stored under; the bearer's id is what its caller has minted.
        deadline: From this instant on it is over.
    """

    id: SessionDigest
    deadline: datetime


@frozen(kw_only=True)
class CredentialSession:
    """What a bearer may do with an account, and what was done.

    Attributes:
        id: The digest of the bearer's id, which is stored nowhere.
        arguments: What it was opened with, so that a repeat is told from another.
        epoch: The account's when it was opened.
        terms: Of the account's handles and targets, those that it is for.
        uses_max: How often it may be used; None: until its deadline.
        uses: How often it was.
        operations: The last 64 uses; an older operation id counts again.
    """

    id: SessionDigest = field(validator=session_digest)
    scope: Scope = field(validator=work_scope)
    owner: Scope = field(validator=owner)
    account: AccountId = field(validator=account_id)
    arguments: Digest = field(validator=digest, repr=False)
    epoch: int = field(validator=epoch)
    terms: AccountTerms = field(validator=of_kind(AccountTerms))
    uses_max: int | None = field()
    uses: int = field()
    operations: Marks[UseReceipt] = field(validator=of_kind(Marks))
    opened_at: datetime = field(validator=instant)
    deadline: datetime = field(validator=instant)
    phase: SessionPhase = field(validator=of_kind(*PHASES))
    seal: bytes = field(validator=seal, repr=False)

    def __attrs_post_init__(self) -> None:
        if not contains(self.owner, self.scope):
            raise InvalidValue("owner", "must contain the scope")
        if self.deadline <= self.opened_at:
            raise InvalidValue("deadline", "must be after opened_at")
        if self.uses_max is not None:
            require_count("uses_max", self.uses_max, least=1, most=USES_MAX)
        require_count("uses", self.uses, least=0, most=self.uses_max or GENERATION_MAX)
        if self.operations.total != self.uses or len(self.operations.entries) > OPERATIONS_MAX:
            raise InvalidValue("operations", f"must be the last {OPERATIONS_MAX} uses at most")
        if (self.uses == self.uses_max) is not isinstance(self.phase, ExhaustedSession):
            raise InvalidValue("phase", "must be exhausted when every use was made, and only then")

    @classmethod
    def opened(
        cls,
        *,
        id: SessionDigest,
        scope: Scope,
        account: CredentialAccount,
        arguments: Digest,
        terms: AccountTerms,
        uses_max: int | None,
        ttl: timedelta,
        now: datetime,
    ) -> Changed[CredentialSession, SessionTicket]:
        """A session of an account that is active, until its time or the account's is over."""
        until = now + ttl
        deadline = until if account.expires_at is None else min(until, account.expires_at)
        session = cls(
            id=id,
            scope=scope,
            owner=account.owner,
            account=account.id,
            arguments=arguments,
            epoch=account.epoch,
            terms=terms,
            uses_max=uses_max,
            uses=0,
            operations=Marks.none(),
            opened_at=now,
            deadline=deadline,
            phase=OpenSession(),
            seal=UNSEALED,
        )
        event = SessionOpened(
            address=session.address,
            at=now,
            owner=session.owner,
            account=session.account,
            epoch=session.epoch,
            deadline=deadline,
            uses_max=uses_max,
        )
        return Changed(session, SessionTicket(id=id, deadline=deadline), (event,), deadline)

    @property
    def address(self) -> Address:
        """Where it is kept."""
        return session_address(self.scope, self.id)

    @property
    def envelope(self) -> bytes:
        """There is none: it releases what its account's secrets hold."""
        return b""

    def phase_at(self, now: datetime) -> SessionPhase:
        """Where it stands; over by its deadline is expired, noted or not."""
        return ExpiredSession(self.deadline) if self._is_overdue(now) else self.phase

    # ---- commands -------------------------------------------------------------------------------

    def use(
        self,
        operation: Operation,
        *,
        account: AccountRecord | None,
        secrets: tuple[SecretRecord | None, ...],
        now: datetime,
    ) -> Decision[CredentialSession, OperationSpent | OperationCounted, UseRefusal]:
        """Counts one use.

        In this order: repeat, state, deadline, account, target, handles, secrets.

        Args:
            operation: What is asked.
            account: What is under the account's id now.
            secrets: What is under each of the operation's handles now.
            now: The store's.
        """
        repeat = self._repeated(operation)
        if repeat is not None:
            return repeat
        if not isinstance(self.phase, OpenSession):
            return Refused(session_refusal(self.phase))
        if self._is_overdue(now):
            return self._settled(ExpiredSession(now), SessionExpired(), now)
        if not self._is_of(account, now):
            cause = SessionRevokeCause.ACCOUNT_CHANGED
            return self._settled(RevokedSession(at=now, cause=cause), SessionRevoked(cause), now)
        host = self._host_of(operation)
        if host is None:
            return Refused(TargetRefused())
        if not self.terms.handles.issuperset(operation.handles):
            return Refused(HandleRefused())
        live = [one for one in secrets if isinstance(one, Secret)]
        if len(live) != len(secrets):
            return Refused(SecretUnknown())
        if any(secret.is_over(now) for secret in live):
            return Refused(SecretExpired())
        return self._counted(operation, host, live, now)

    def close(self, *, now: datetime) -> Decision[CredentialSession, EndedSession, R]:
        """Ends it. In this order: ended, deadline."""
        if not isinstance(self.phase, OpenSession):
            return Unchanged(self.phase)
        phase: EndedSession = RevokedSession(at=now, cause=SessionRevokeCause.CLOSED)
        if self._is_overdue(now):
            phase = ExpiredSession(now)
        return Changed(self._with(phase), phase, (self._told(phase, now),))

    def expire(self, *, now: datetime) -> Changed[CredentialSession, None] | Unchanged[None]:
        """Notes that its deadline has come, once; where it has not, nothing."""
        if not self._is_overdue(now):
            return Unchanged(None)
        phase = ExpiredSession(now)
        return Changed(self._with(phase), None, (self._told(phase, now),))

    def swept(self, *, now: datetime) -> SweptSession | None:
        """Its tombstone, a day after its end; None before."""
        if isinstance(self.phase, OpenSession) or self.phase.at + KEPT_AFTER_END > now:
            return None
        return SweptSession(
            id=self.id,
            scope=self.scope,
            arguments=self.arguments,
            opened_at=self.opened_at,
            deadline=self.deadline,
            ended_at=self.phase.at,
            swept_at=now,
            seal=UNSEALED,
        )

    def binding(self) -> Binding:
        """Everything that it says, but for its seal."""
        return Binding.of(
            "turnkeep/credential-session/v1",
            self.address,
            scoped(self.owner),
            text(self.account),
            raw(self.arguments),
            number(self.epoch),
            self.terms.encoded(),
            optional(self.uses_max, number),
            number(self.uses),
            marked(self.operations, receipt_bytes),
            moment(self.opened_at),
            moment(self.deadline),
            raw(session_phase_bytes(self.phase)),
        )

    # ---- steps ----------------------------------------------------------------------------------

    def _repeated(
        self, operation: Operation
    ) -> Unchanged[OperationSpent | OperationCounted] | Refused[RequestIdReused] | None:
        match self.operations.recall(operation.id, operation.arguments):
            case Mark(outcome=receipt):
                own = receipt.delivery == operation.delivery
                return Unchanged(OperationCounted(receipt) if own else OperationSpent(receipt))
            case RequestIdReused() as reused:
                return Refused(reused)
            case None:
                return None

    def _host_of(self, operation: Operation) -> str | None:
        """The host that an operation is for; None where it is for no target."""
        url = parsed(operation.url)
        if url is None:
            return None
        allowed = any(target.allows(url, operation.method) for target in self.terms.targets)
        return url.host if allowed else None

    def _is_overdue(self, now: datetime) -> bool:
        return isinstance(self.phase, OpenSession) and self.deadline <= now

    def _is_of(self, account: AccountRecord | None, now: datetime) -> bool:
        """Whether the account is active, and still allows what it allowed."""
        if not isinstance(account, CredentialAccount) or account.epoch != self.epoch:
            return False
        return account.state_at(now) is AccountState.ACTIVE

    def _counted(
        self, operation: Operation, host: str, secrets: list[Secret], now: datetime
    ) -> Changed[CredentialSession, OperationCounted]:
        released = tuple(Released(handle=one.handle, generation=one.generation) for one in secrets)
        receipt = UseReceipt(
            use=self.uses + 1,
            operation_id=operation.id,
            delivery=operation.delivery,
            at=now,
            released=released,
        )
        mark = Mark(operation.id, operation.arguments, receipt)
        last = receipt.use == self.uses_max
        session = evolve(
            self,
            uses=receipt.use,
            operations=remember(self.operations, mark, bound=OPERATIONS_MAX),
            phase=ExhaustedSession(now) if last else self.phase,
            seal=UNSEALED,
        )
        used = SessionUsed(
            address=self.address,
            at=now,
            owner=self.owner,
            account=self.account,
            use=receipt.use,
            operation_id=operation.id,
            method=operation.method,
            host=host,
            released=released,
        )
        ended = (self._told(ExhaustedSession(now), now),) if last else ()
        expiries = [one.expires_at for one in secrets if one.expires_at is not None]
        until = min([self.deadline, *expiries])
        return Changed(session, OperationCounted(receipt), (used, *ended), until)

    def _settled(
        self, phase: EndedSession, reason: R, now: datetime
    ) -> Settled[CredentialSession, R]:
        return Settled(self._with(phase), reason, (self._told(phase, now),), tidy=True)

    def _with(self, phase: EndedSession) -> CredentialSession:
        return evolve(self, phase=phase, seal=UNSEALED)

    def _told(self, phase: EndedSession, now: datetime) -> SessionEnded:
        return SessionEnded(
            address=self.address,
            at=now,
            owner=self.owner,
            account=self.account,
            end=session_end(phase),
        )


SessionRecord: TypeAlias = CredentialSession | SweptSession
"""What a cell of the collection holds."""


def session_address(scope: Scope, id: SessionDigest) -> Address:
    """Where a session is kept."""
    return Address(_NAME, scope, id)


def reopened(
    record: SessionRecord, id: SessionDigest, arguments: Digest
) -> Unchanged[SessionTicket] | Refused[RequestIdReused]:
    """Opening with an id that was opened before: the same answer or a refusal, nothing is reset."""
    if record.arguments != arguments:
        return Refused(RequestIdReused(RequestId(id)))
    return Unchanged(SessionTicket(id=id, deadline=record.deadline))


def _index(record: SessionRecord) -> Index:
    due_at: datetime | None
    match record:
        case CredentialSession(phase=OpenSession(), deadline=deadline):
            state, due_at = session_word(record.phase), deadline
        case CredentialSession(
            phase=ExhaustedSession(at=at) | RevokedSession(at=at) | ExpiredSession(at=at)
        ):
            state, due_at = session_word(record.phase), at + KEPT_AFTER_END
        case SweptSession():
            state, due_at = SWEPT, None
        case _:
            raise AssertionError("a session is in one of its phases")
    return Index(state=state, due_at=due_at, sort=record.id)


def _identity(record: SessionRecord) -> Identity:
    match record:
        case CredentialSession() | SweptSession():
            return Identity(record.scope, record.id)
        case _:
            assert_never(record)


def _marks(record: SessionRecord) -> Marks[object] | None:
    return record.operations if isinstance(record, CredentialSession) else None


SESSIONS: Final[Collection[SessionRecord]] = Collection(
    name=_NAME,
    members=(CredentialSession, SweptSession),
    permanent=True,
    index=_index,
    identity=_identity,
    marks=_marks,
)
