"""Credential sessions: how an account is used by a bearer. `Credentials` has the contracts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from attrs import evolve, field, frozen

from turnkeep_application.delivery import Delivery, Release
from turnkeep_application.records import Need, Records
from turnkeep_application.secret_settings import SecretSettings
from turnkeep_application.updates import Decide, Updates
from turnkeep_application.vault import Vault
from turnkeep_domain.credentials.account import ACCOUNTS, AccountTerms, CredentialAccount
from turnkeep_domain.credentials.account_id import AccountId
from turnkeep_domain.credentials.account_outcomes import AccountState
from turnkeep_domain.credentials.operations import (
    OperationCounted,
    OperationSpent,
    UseReceipt,
)
from turnkeep_domain.credentials.refusals import (
    AccountExpired,
    AccountRevoked,
    AccountUnknown,
    HandleRefused,
    OpenRefusal,
    SessionUnknown,
    TargetRefused,
    UseRefusal,
)
from turnkeep_domain.credentials.session import (
    SESSIONS,
    CredentialSession,
    Operation,
    SessionRecord,
    SessionTicket,
    reopened,
)
from turnkeep_domain.credentials.session_id import SessionId
from turnkeep_domain.credentials.session_phases import EndedSession, OpenSession
from turnkeep_domain.credentials.targets import Target
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled
from turnkeep_domain.keys import Key, ReadKey, key
from turnkeep_domain.request_ids import Digest, digest_of
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.canary import CANARY
from turnkeep_domain.secrets.handles import Handle
from turnkeep_domain.secrets.lease_roll import LeaseRoll, roll_key
from turnkeep_domain.secrets.material import Material
from turnkeep_domain.secrets.owners import contains
from turnkeep_domain.secrets.refusals import QuotaFull
from turnkeep_domain.secrets.secret import SECRETS, Secret, SecretRecord

O = TypeVar("O")
R = TypeVar("R")


@frozen
class Used:
    """A use that was counted, and the material that it is for: wipe each, by leaving its block.

    Attributes:
        receipt: Which use it is, and which generations it is for.
        materials: By handle; they leave Turnkeep this once.
    """

    receipt: UseReceipt
    materials: Mapping[Handle, Material]


@frozen(kw_only=True)
class Opening:
    """What a caller wants to open a session for.

    Attributes:
        handles: Some of the account's; None for all that it has when the session is opened.
        targets: Some of the account's; None for all.
    """

    session: SessionId = field(repr=False)
    scope: Scope
    owner: Scope
    account: AccountId
    handles: frozenset[Handle] | None
    targets: frozenset[Target] | None
    ttl: timedelta
    uses_max: int | None

    def arguments(self) -> Digest:
        """What tells a repeat from another opening."""
        handles = None if self.handles is None else tuple(sorted(self.handles))
        targets = None if self.targets is None else tuple(sorted(map(spelt_out, self.targets)))
        return digest_of(
            "open",
            *self.owner.components(),
            self.account,
            handles,
            targets,
            self.ttl // timedelta(microseconds=1),
            self.uses_max,
        )

    def terms(self, account: CredentialAccount) -> AccountTerms | Refused[OpenRefusal]:
        """What of the account's terms the session is for."""
        handles = account.terms.handles if self.handles is None else self.handles
        targets = account.terms.targets if self.targets is None else self.targets
        if not account.terms.handles.issuperset(handles):
            return Refused(HandleRefused())
        if not account.terms.targets.issuperset(targets):
            return Refused(TargetRefused())
        return AccountTerms(handles=handles, targets=targets)


def spelt_out(target: Target) -> str:
    """A target as one text, in one order."""
    methods = ",".join(sorted(target.methods))
    port = "" if target.port is None else str(target.port)
    return " ".join((target.scheme, target.host, port, target.path, target.match.value, methods))


@frozen(kw_only=True)
class CredentialSessions:
    """Open, use and close."""

    updates: Updates
    vault: Vault
    settings: SecretSettings

    async def open(self, opening: Opening) -> SessionTicket | Refused[OpenRefusal]:
        """As `Credentials.open` promises."""
        id = opening.session.digest()
        at, roll = key(SESSIONS, opening.scope, id), roll_key(opening.scope)
        account = key(ACCOUNTS, opening.owner, opening.account)
        arguments = opening.arguments()
        await self.vault.ready()

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, SessionTicket, OpenRefusal]:
            self.vault.require_writable(records)
            before: SessionRecord | None = self.vault.verified(records[at])
            if before is not None:
                return reopened(before, id, arguments)
            found = self._usable(opening, self.vault.verified(records[account]), now)
            if isinstance(found, Refused):
                return found
            on_roll = records[roll] or LeaseRoll.empty(opening.scope, now=now)
            opened = self._opened(opening, found, on_roll, now)
            if isinstance(opened, Refused):
                return opened
            listed = on_roll.with_session(id, deadline=opened.state.deadline, now=now)
            after = records.put(at, opened.state).put(roll, listed)
            return Changed(after, opened.outcome, opened.events, opened.valid_until)

        keys: list[ReadKey[object]] = [CANARY, at, roll, account]
        return await self.updates.update(keys, decide, prepare=self.vault.prepared)

    async def use(
        self, scope: Scope, session: SessionId, operation: Operation
    ) -> Used | OperationSpent | Refused[UseRefusal]:
        """As `Credentials.use` promises."""
        at, roll = key(SESSIONS, scope, session.digest()), roll_key(scope)
        await self.vault.ready()
        counted: list[Secret] = []

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, OperationSpent | OperationCounted, UseRefusal] | Need:
            counted.clear()
            self.vault.require_writable(records)
            record = self.vault.verified(records[at])
            if not isinstance(record, CredentialSession):
                return Refused(SessionUnknown())
            account = key(ACCOUNTS, record.owner, record.account)
            secrets = [key(SECRETS, record.owner, handle) for handle in operation.handles]
            further: list[ReadKey[object]] = [account, *secrets]
            if not all(one in records for one in further):
                return Need(further)
            held: tuple[SecretRecord | None, ...] = tuple(
                self.vault.verified(records[one]) for one in secrets
            )
            decision = record.use(
                operation, account=self.vault.verified(records[account]), secrets=held, now=now
            )
            if isinstance(decision, Changed):
                counted.extend(one for one in held if isinstance(one, Secret))
            return _with_roll(records.adopt(at, decision), at, roll, now)

        keys: list[ReadKey[object]] = [CANARY, at, roll]
        return await self._delivered(keys, decide, counted)

    async def close(
        self, scope: Scope, session: SessionId
    ) -> EndedSession | Refused[SessionUnknown]:
        """As `Credentials.close` promises."""
        at, roll = key(SESSIONS, scope, session.digest()), roll_key(scope)
        await self.vault.ready()

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, EndedSession, SessionUnknown]:
            self.vault.require_writable(records)
            record = self.vault.verified(records[at])
            if not isinstance(record, CredentialSession):
                return Refused(SessionUnknown())
            decision: Decision[Records, EndedSession, SessionUnknown] = records.adopt(
                at, record.close(now=now)
            )
            return _with_roll(decision, at, roll, now)

        keys: list[ReadKey[object]] = [CANARY, at, roll]
        return await self.updates.update(keys, decide, prepare=self.vault.prepared)

    async def _delivered(
        self,
        keys: list[ReadKey[object]],
        decide: Decide[OperationSpent | OperationCounted, UseRefusal],
        counted: list[Secret],
    ) -> Used | OperationSpent | Refused[UseRefusal]:
        """The answer, with the material of what the attempt that was stored has counted."""
        with Delivery() as delivery:

            def prepare(records: Records) -> Records:
                for secret in counted:
                    release = Release(secret.handle, secret.generation)
                    delivery.add(release, self.vault.opened(secret))
                return self.vault.prepared(records)

            answer = await self.updates.update(keys, decide, prepare=prepare)
            if not isinstance(answer, OperationCounted):
                return answer
            releases = [Release(one.handle, one.generation) for one in answer.receipt.released]
            return Used(answer.receipt, delivery.handed_over(releases))

    def _opened(
        self, opening: Opening, account: CredentialAccount, roll: LeaseRoll, now: datetime
    ) -> Changed[CredentialSession, SessionTicket] | Refused[OpenRefusal]:
        terms = opening.terms(account)
        if isinstance(terms, Refused):
            return terms
        if roll.live_sessions(now) >= self.settings.sessions_max:
            return Refused(QuotaFull(self.settings.sessions_max))
        return CredentialSession.opened(
            id=opening.session.digest(),
            scope=opening.scope,
            account=account,
            arguments=opening.arguments(),
            terms=terms,
            uses_max=opening.uses_max,
            ttl=opening.ttl,
            now=now,
        )

    def _usable(
        self, opening: Opening, record: object, now: datetime
    ) -> CredentialAccount | Refused[OpenRefusal]:
        known = isinstance(record, CredentialAccount) and contains(opening.owner, opening.scope)
        if not known or not isinstance(record, CredentialAccount):
            return Refused(AccountUnknown())
        match record.state_at(now):
            case AccountState.REVOKED:
                return Refused(AccountRevoked())
            case AccountState.EXPIRED:
                return Refused(AccountExpired())
            case _:
                return record


def _with_roll(
    decision: Decision[Records, O, R],
    at: Key[SessionRecord],
    roll: Key[LeaseRoll],
    now: datetime,
) -> Decision[Records, O, R]:
    """The decision, and with a session that it ends the session's place on the roll."""
    if not isinstance(decision, Changed | Settled):
        return decision
    after = decision.state
    record, on_roll = after[at], after[roll]
    live = isinstance(record, CredentialSession) and isinstance(record.phase, OpenSession)
    if record is None or on_roll is None or live:
        return decision
    listed = on_roll.without(record.id, now=now)
    return evolve(decision, state=after if listed is on_roll else after.put(roll, listed))
