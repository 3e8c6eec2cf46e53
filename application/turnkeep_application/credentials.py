"""Credentials: the use cases by which the bearer of a session uses an account of an owner.

An account names secrets and the targets that they may go to; a session is the right of whoever
bears its id to use some of them, counted, until a deadline. Nothing here sends a request or
refreshes a token: who asks gets the material for one request to one target, and asks anew for each
redirect.

Another owner's account is absent, and so is another scope's session. Time is the store's alone.
Commands answer an outcome, or `Refused` with a reason that has a stable `code`; they raise what the
use cases of `Secrets` raise.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from attrs import Factory, field, frozen

from turnkeep_application.credential_sessions import CredentialSessions, Opening, Used
from turnkeep_application.credential_views import (
    AccountPage,
    CredentialAccountView,
    SessionView,
    account_view,
    session_view,
)
from turnkeep_application.reading import Reading
from turnkeep_application.records import Records
from turnkeep_application.sealed_pages import sealed_page
from turnkeep_application.secret_settings import SecretSettings
from turnkeep_application.updates import Updates
from turnkeep_application.vault import Enveloping, Vault
from turnkeep_domain.credentials.account import (
    ACCOUNTS,
    AccountPlan,
    AccountRecord,
    AccountTerms,
    CredentialAccount,
    delete_account,
    put_account,
)
from turnkeep_domain.credentials.account_id import AccountId, require_account_id
from turnkeep_domain.credentials.account_outcomes import AccountOutcome
from turnkeep_domain.credentials.details import AccountDetails
from turnkeep_domain.credentials.limits import (
    HANDLES_MAX,
    SESSION_SECONDS_DEFAULT,
    SESSION_SECONDS_MAX,
    SESSION_SECONDS_MIN,
    TARGETS_MAX,
    USES_MAX,
)
from turnkeep_domain.credentials.operations import OperationSpent
from turnkeep_domain.credentials.refusals import (
    AccountDeleteRefusal,
    AccountPutRefusal,
    AccountRevokeRefusal,
    AccountUnknown,
    OpenRefusal,
    SessionUnknown,
    UseRefusal,
)
from turnkeep_domain.credentials.session import (
    SESSIONS,
    CredentialSession,
    Operation,
    SessionRecord,
    SessionTicket,
)
from turnkeep_domain.credentials.session_id import SessionId
from turnkeep_domain.credentials.session_phases import EndedSession
from turnkeep_domain.credentials.targets import Target
from turnkeep_domain.decisions import Decision, Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.keys import Address, Key, key
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.binding import text
from turnkeep_domain.secrets.canary import CANARY
from turnkeep_domain.secrets.generations import Expected, require_expected, spelt
from turnkeep_domain.secrets.handles import Handle, require_handle
from turnkeep_domain.secrets.limits import require_count
from turnkeep_domain.secrets.owners import require_owner
from turnkeep_domain.secrets.receipts import DeliveryId
from turnkeep_ports.ids import Ids

_METHOD: Final = re.compile(r"[A-Z]{1,16}", re.ASCII)


@frozen(kw_only=True)
class Credentials:
    """The use cases of credentials; safe to share between tasks."""

    updates: Updates
    reading: Reading
    vault: Vault
    ids: Ids
    settings: SecretSettings = field(factory=SecretSettings)
    _sessions: CredentialSessions = field(
        init=False,
        repr=False,
        default=Factory(
            lambda self: CredentialSessions(
                updates=self.updates, vault=self.vault, settings=self.settings
            ),
            takes_self=True,
        ),
    )

    # ---- accounts -------------------------------------------------------------------------------

    async def put(
        self,
        owner: Scope,
        id: str,
        *,
        provider: str,
        handles: Collection[str],
        targets: Collection[Target],
        details: AccountDetails,
        expected: Expected,
        request_id: RequestId,
        expires_at: datetime | None = None,
    ) -> AccountOutcome | Refused[AccountPutRefusal]:
        """Keeps an account, in the place of what is there.

        Sessions end at their next use where handles, targets or expiry are other than before.

        Args:
            owner: Whose it is: a scope without mission and thread.
            id: 1 to 128 of letters, digits, ``_`` and ``-``.
            provider: Whose account it is there, an identifier.
            handles: Secrets of the same owner, 1 to 8; they may be put later.
            targets: Where they may go, 1 to 32.
            details: A label and metadata; kept encrypted.
            expected: What must be there: `ABSENT`, a generation, or `ANY`.
            request_id: The idempotency key.
            expires_at: From this instant on the account is over; None: never.

        Returns:
            The generation and epoch that it became.
            `GenerationMismatch`: something else is there.
            `AccountRevoked`: it was revoked, for good; delete it first.
            `AccountExpired`: `expires_at` has come. `RequestIdReused`.
        """
        at = _key(owner, id)
        require_kind("details", details, AccountDetails)
        require_expected("expected", expected)
        require_identifier("request_id", request_id)
        plan = AccountPlan(
            owner=owner,
            id=AccountId(id),
            provider=provider,
            expires_at=expires_at,
            terms=AccountTerms(handles=_handles(handles), targets=_targets(targets)),
        )
        return await self._put(at, plan, details, expected, request_id)

    async def revoke(
        self, owner: Scope, id: str, *, request_id: RequestId
    ) -> AccountOutcome | Refused[AccountRevokeRefusal]:
        """Ends all use of an account, for good: no use commits after this. Idempotent by state.

        Returns:
            The state `REVOKED`. `AccountUnknown`, `RequestIdReused`.
        """
        at = _key(owner, id)
        require_identifier("request_id", request_id)
        await self.vault.ready()
        before: dict[Address, Enveloping] = {}

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, AccountOutcome, AccountRevokeRefusal]:
            self.vault.require_writable(records)
            record = self.vault.verified(records[at])
            if not isinstance(record, CredentialAccount):
                return Refused(AccountUnknown())
            before[at.address] = record
            return records.adopt(at, record.revoke(request_id=request_id, now=now))

        def prepare(records: Records) -> Records:
            return self.vault.prepared(records, before=before)

        return await self.updates.update([at, CANARY], decide, prepare=prepare)

    async def delete(
        self, owner: Scope, id: str, *, expected: Expected, request_id: RequestId
    ) -> AccountOutcome | Refused[AccountDeleteRefusal]:
        """Deletes an account, revoked or not; a tombstone without details stays.

        Returns:
            The generation of the tombstone, made now or before; 0 where there never was one.
            `GenerationMismatch`, `RequestIdReused`.
        """
        at = _key(owner, id)
        require_expected("expected", expected)
        require_identifier("request_id", request_id)
        await self.vault.ready()

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, AccountOutcome, AccountDeleteRefusal]:
            self.vault.require_writable(records)
            record: AccountRecord | None = self.vault.verified(records[at])
            decision = delete_account(record, expected=expected, request_id=request_id, now=now)
            return records.adopt(at, decision)

        return await self.updates.update([at, CANARY], decide, prepare=self.vault.prepared)

    async def get(self, owner: Scope, id: str) -> CredentialAccountView | None:
        """An account with its details, a deleted one without; None where there never was one."""
        seen = await self.reading.record(_key(owner, id))
        record: AccountRecord | None = self.vault.verified(seen.record)
        if not isinstance(record, CredentialAccount):
            return None if record is None else account_view(record, seen.now)
        with self.vault.opened(record) as material:
            details = AccountDetails.from_material(material)
        return account_view(record, seen.now, details)

    async def list(
        self, owner: Scope, *, after: str | None = None, limit: int | None = None
    ) -> AccountPage:
        """The accounts of exactly one owner by id, deleted ones included; details unopened.

        Args:
            owner: Whose.
            after: The `next` of the page before; None for the first.
            limit: 1 to 200, unreadable ones included; 50 unless the settings say otherwise.
        """
        require_owner("owner", owner)
        page = await sealed_page(
            self.reading,
            self.vault,
            ACCOUNTS,
            owner,
            account_view,
            after=after,
            limit=self.settings.page if limit is None else limit,
        )
        return AccountPage(accounts=page.found, unreadable=page.unreadable, next=page.next)

    # ---- sessions -------------------------------------------------------------------------------

    def new_session_id(self) -> SessionId:
        """A bearer for one session: mint it before opening, so that a repeat opens the same."""
        return SessionId.of(self.ids.commit_id() + self.ids.commit_id())

    async def open(
        self,
        scope: Scope,
        session: SessionId,
        *,
        owner: Scope,
        account: str,
        handles: Collection[str] | None = None,
        targets: Collection[Target] | None = None,
        ttl_seconds: float = SESSION_SECONDS_DEFAULT,
        uses_max: int | None = None,
    ) -> SessionTicket | Refused[OpenRefusal]:
        """Opens a session of an account. A repeat answers the same and resets nothing.

        Args:
            scope: Whose the session is: work that the account's owner contains.
            session: A fresh bearer; stored nowhere, and the idempotency key of its opening.
            owner: Whose the account is; nothing is looked for elsewhere.
            account: Its id.
            handles: Some of the account's, 1 to 8; None for all of them.
            targets: Some of the account's, equal to them, 1 to 32; None for all of them.
            ttl_seconds: How long, 1 to 86,400; never past the account's own expiry.
            uses_max: How often, 1 to 10,000; None: until its deadline.

        Returns:
            When it will be over.
            `AccountUnknown`, `AccountRevoked`, `AccountExpired`, `HandleRefused`,
            `TargetRefused`, `QuotaFull`, `RequestIdReused`.
        """
        require_kind("scope", scope, Scope)
        scope.require_work()
        require_kind("session", session, SessionId)
        require_owner("owner", owner)
        require_account_id("account", account)
        require_kind("ttl_seconds", ttl_seconds, int, float)
        if not SESSION_SECONDS_MIN <= ttl_seconds <= SESSION_SECONDS_MAX:
            bounds = f"{SESSION_SECONDS_MIN:.0f} to {SESSION_SECONDS_MAX:.0f}"
            raise InvalidValue("ttl_seconds", f"must be {bounds}")
        if uses_max is not None:
            require_count("uses_max", uses_max, least=1, most=USES_MAX)
        opening = Opening(
            session=session,
            scope=scope,
            owner=owner,
            account=AccountId(account),
            handles=None if handles is None else _handles(handles),
            targets=None if targets is None else _targets(targets),
            ttl=timedelta(seconds=ttl_seconds),
            uses_max=uses_max,
        )
        return await self._sessions.open(opening)

    async def use(
        self,
        scope: Scope,
        session: SessionId,
        *,
        operation_id: RequestId,
        method: str,
        url: str,
        handles: Sequence[str],
    ) -> Used | OperationSpent | Refused[UseRefusal]:
        """Receives material for one request to one URL, and counts one use for it.

        The use is counted before the material leaves. A repeat with the same operation id answers
        `OperationSpent` and never material; an id older than the last 64 uses counts again. The
        present generation of each secret is released, and named in the receipt.

        Args:
            scope: Whose the session is.
            session: The bearer.
            operation_id: The idempotency key of the use.
            method: Of the request, in capitals.
            url: Where the request would go, letter by letter; each redirect asks anew.
            handles: Which secrets it needs, none twice, up to 8; there may be none.

        Returns:
            The material by handle, each to be wiped by leaving its block; or `OperationSpent`.
            `SessionUnknown`, `SessionExhausted`, `SessionExpired`, `RequestIdReused`.
            `SessionRevoked`: it was closed, or its account is not what it was.
            `TargetRefused`, `HandleRefused`, `SecretUnknown`, `SecretExpired`: nothing is counted.
        """
        require_kind("scope", scope, Scope)
        scope.require_work()
        require_kind("session", session, SessionId)
        require_identifier("operation_id", operation_id)
        if type(method) is not str or not _METHOD.fullmatch(method):
            raise InvalidValue("method", "must be a word in capitals")
        require_kind("url", url, str)
        wanted = tuple(sorted(_handles(handles, least=0)))
        if len(wanted) != len(handles):
            raise InvalidValue("handles", "must name none twice")
        operation = Operation(
            id=operation_id,
            arguments=digest_of("use", method, url, wanted),
            delivery=DeliveryId(self.ids.commit_id()),
            method=method,
            url=url,
            handles=wanted,
        )
        return await self._sessions.use(scope, session, operation)

    async def close(
        self, scope: Scope, session: SessionId
    ) -> EndedSession | Refused[SessionUnknown]:
        """Ends a session before its time. Idempotent by state.

        Returns:
            How it ended: now by this, or before by something else, which stays.
            `SessionUnknown`.
        """
        require_kind("scope", scope, Scope)
        scope.require_work()
        require_kind("session", session, SessionId)
        return await self._sessions.close(scope, session)

    async def peek(self, scope: Scope, session: SessionId) -> SessionView | None:
        """A session as it stands: a hint, for only its next use decides. Writes nothing."""
        require_kind("scope", scope, Scope)
        scope.require_work()
        require_kind("session", session, SessionId)
        seen = await self.reading.record(key(SESSIONS, scope, session.digest()))
        record: SessionRecord | None = self.vault.verified(seen.record)
        return session_view(record, seen.now) if isinstance(record, CredentialSession) else None

    # ---- steps ----------------------------------------------------------------------------------

    async def _put(
        self,
        at: Key[AccountRecord],
        plan: AccountPlan,
        details: AccountDetails,
        expected: Expected,
        request_id: RequestId,
    ) -> AccountOutcome | Refused[AccountPutRefusal]:
        said = text("put") + plan.encoded() + text(str(spelt(expected)))

        with details.as_material() as material:
            codes = self.vault.cipher.codes(said, material)
            await self.vault.ready()

            def decide(
                records: Records, now: datetime
            ) -> Decision[Records, AccountOutcome, AccountPutRefusal]:
                self.vault.require_writable(records)
                decision = put_account(
                    self.vault.verified(records[at]),
                    plan,
                    expected=expected,
                    request_id=request_id,
                    arguments=codes,
                    now=now,
                )
                return records.adopt(at, decision)

            def prepare(records: Records) -> Records:
                return self.vault.prepared(records, {at.address: material})

            return await self.updates.update([at, CANARY], decide, prepare=prepare)


def _key(owner: Scope, id: str) -> Key[AccountRecord]:
    require_owner("owner", owner)
    require_account_id("id", id)
    return key(ACCOUNTS, owner, id)


def _handles(handles: Collection[str], *, least: int = 1) -> frozenset[Handle]:
    if isinstance(handles, str) or not isinstance(handles, Collection):
        raise InvalidValue("handles", "must be several handles")
    require_count("number of handles", len(handles), least=least, most=HANDLES_MAX)
    for one in handles:
        require_handle("handles", one)
    return frozenset(map(Handle, handles))


def _targets(targets: Collection[Target]) -> frozenset[Target]:
    if not isinstance(targets, Collection):
        raise InvalidValue("targets", "must be several targets")
    require_count("number of targets", len(targets), least=1, most=TARGETS_MAX)
    for one in targets:
        require_kind("targets", one, Target)
    return frozenset(targets)
