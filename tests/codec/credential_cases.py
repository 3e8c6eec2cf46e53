"""The cases of golden files of accounts and sessions; seals and envelopes are made up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from attrs import evolve

from tests.codec.secret_cases import ENVELOPE, HANDLE, MINUTE, NOW, OWNER, SCOPE, SEAL, put, sealed
from turnkeep_domain.credentials.account import (
    AccountPlan,
    AccountTerms,
    CredentialAccount,
    account_address,
    delete_account,
    put_account,
)
from turnkeep_domain.credentials.account_id import AccountId
from turnkeep_domain.credentials.events import (
    AccountDeleted,
    AccountPut,
    AccountWithdrawn,
    Released,
    SessionEnd,
    SessionEnded,
    SessionOpened,
    SessionUsed,
)
from turnkeep_domain.credentials.session import CredentialSession, Operation
from turnkeep_domain.credentials.session_id import SessionId
from turnkeep_domain.credentials.targets import PathMatch, Target
from turnkeep_domain.events import Event
from turnkeep_domain.request_ids import Digest, RequestId
from turnkeep_domain.secrets.generations import ANY
from turnkeep_domain.secrets.receipts import DeliveryId

ID: Final = AccountId("Acct_1-x")
SESSION: Final = SessionId.of(bytes(range(32))).digest()
TERMS: Final = AccountTerms(
    handles=frozenset({HANDLE}),
    targets=frozenset(
        {
            Target.of("api.example", "/v1", methods=("GET", "POST")),
            Target.of(
                "[2001:db8::1]",
                scheme="http",
                port=8_080,
                match=PathMatch.EXACT,
                methods=("DELETE",),
            ),
        }
    ),
)


def account(record: Any, *, expiring: bool, id: str) -> CredentialAccount:
    plan = AccountPlan(
        owner=OWNER,
        id=ID,
        provider="beispiel ü",
        expires_at=NOW + MINUTE if expiring else None,
        terms=TERMS,
    )
    decision = put_account(
        record,
        plan,
        expected=ANY,
        request_id=RequestId(id),
        arguments=(Digest(bytes(range(32))),),
        now=NOW,
    )
    after = sealed(decision, envelope=ENVELOPE)
    assert isinstance(after, CredentialAccount)
    return after


FIRST: Final = account(None, expiring=False, id="p-1")
SECOND: Final = account(FIRST, expiring=True, id="p-2")
REVOKED: Final = sealed(SECOND.revoke(request_id=RequestId("r-1"), now=NOW), envelope=ENVELOPE)
DELETED: Final = sealed(delete_account(REVOKED, expected=ANY, request_id=RequestId("d-1"), now=NOW))


def opened(uses_max: int | None) -> CredentialSession:
    decision = CredentialSession.opened(
        id=SESSION,
        scope=SCOPE,
        account=FIRST,
        arguments=Digest(bytes(range(32))),
        terms=TERMS,
        uses_max=uses_max,
        ttl=MINUTE,
        now=NOW,
    )
    session = sealed(decision)
    assert isinstance(session, CredentialSession)
    return session


def used(session: CredentialSession, *, of: CredentialAccount = FIRST, late: bool = False) -> Any:
    operation = Operation(
        id=RequestId("op-1"),
        arguments=Digest(bytes(range(32))),
        delivery=DeliveryId(bytes(range(16))),
        method="GET",
        url="https://api.example/v1/x?secret=1",
        handles=(HANDLE,),
    )
    secret = put(None, expires_at=None, id="p-1")
    now = NOW + MINUTE if late else NOW
    return sealed(session.use(operation, account=of, secrets=(secret,), now=now))


CLOSED: Final = sealed(opened(None).close(now=NOW))

CREDENTIAL_RECORDS: Final[dict[tuple[str, str], object]] = {
    ("credential_account", "first"): FIRST,
    ("credential_account", "second"): SECOND,
    ("credential_account", "revoked"): REVOKED,
    ("credential_account_deleted", "plain"): DELETED,
    ("credential_session", "opened"): opened(None),
    ("credential_session", "used"): used(opened(2)),
    ("credential_session", "exhausted"): used(opened(1)),
    ("credential_session", "expired"): used(opened(1), late=True),
    ("credential_session", "account_changed"): used(opened(1), of=REVOKED),
    ("credential_session", "closed"): CLOSED,
    ("credential_session_swept", "plain"): evolve(
        CLOSED.swept(now=NOW + timedelta(days=2)), seal=SEAL
    ),
}

_ACCOUNT: Final = account_address(OWNER, ID)
_SESSION: Final = CLOSED.address

CREDENTIAL_EVENTS: Final[dict[tuple[str, str], Event]] = {
    ("credential_account.put", "plain"): AccountPut(
        address=_ACCOUNT,
        at=NOW,
        generation=1,
        epoch=1,
        request_id=RequestId("p-1"),
        provider="beispiel ü",
        handles=frozenset({HANDLE}),
        expires_at=None,
    ),
    ("credential_account.revoked", "plain"): AccountWithdrawn(
        address=_ACCOUNT, at=NOW, generation=1, epoch=2, request_id=RequestId("r-1")
    ),
    ("credential_account.deleted", "plain"): AccountDeleted(
        address=_ACCOUNT, at=NOW, generation=2, epoch=3, request_id=RequestId("d-1")
    ),
    ("credential_session.opened", "plain"): SessionOpened(
        address=_SESSION,
        at=NOW,
        owner=OWNER,
        account=ID,
        epoch=1,
        deadline=NOW + MINUTE,
        uses_max=None,
    ),
    ("credential_session.opened", "counted"): SessionOpened(
        address=_SESSION,
        at=NOW,
        owner=OWNER,
        account=ID,
        epoch=1,
        deadline=NOW + MINUTE,
        uses_max=7,
    ),
    ("credential_session.used", "plain"): SessionUsed(
        address=_SESSION,
        at=NOW,
        owner=OWNER,
        account=ID,
        use=1,
        operation_id=RequestId("op-1"),
        method="GET",
        host="api.example",
        released=(Released(handle=HANDLE, generation=1),),
    ),
    **{
        ("credential_session.ended", end.value): SessionEnded(
            address=_SESSION, at=NOW, owner=OWNER, account=ID, end=end
        )
        for end in SessionEnd
    },
}
