"""A world with an account: what sessions are opened for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from attrs import define

from tests.application.secrets.vaults import OWNER, Vaults
from tests.application.worlds import SCOPE, rid
from turnkeep import (
    ANY,
    AccountDetails,
    AccountOutcome,
    Expected,
    Keep,
    Refused,
    Scope,
    SessionId,
    SessionTicket,
    Target,
    Used,
)

API: Final = Target.of("api.example.com", "/v1", methods=("GET", "POST"))
FILES: Final = Target.of("files.example.com", methods=("GET",))
URL: Final = "https://api.example.com/v1/items?page=2"
DETAILS: Final = AccountDetails(label="lbl-5e3c-work", metadata={"note": "mta-77aa-private"})


def session_id(number: int = 1) -> SessionId:
    return SessionId.of(bytes([number]) * 32)


@define
class Accounts(Vaults):
    """A world whose hosts have one key, and may have an account with two secrets."""

    async def put_account(
        self,
        *,
        on: Keep | None = None,
        owner: Scope = OWNER,
        id: str = "acct",
        provider: str = "example",
        handles: Collection[str] = ("api", "refresh"),
        targets: Collection[Target] = (API, FILES),
        details: AccountDetails = DETAILS,
        expected: Expected = ANY,
        request: str = "acct-1",
        seconds: float | None = None,
    ) -> object:
        return await (on or self.keep).credentials.put(
            owner,
            id,
            provider=provider,
            handles=handles,
            targets=targets,
            details=details,
            expected=expected,
            request_id=rid(request),
            expires_at=None if seconds is None else self.in_seconds(seconds),
        )

    async def furnished(self, **wishes: object) -> AccountOutcome:
        """An account, and both of its secrets."""
        await self.put(b"material-of-api", handle="api", id="s1")
        await self.put(b"material-of-refresh", handle="refresh", id="s2")
        outcome = await self.put_account(**wishes)  # type: ignore[arg-type]  # named as in put_account
        assert isinstance(outcome, AccountOutcome)
        return outcome

    async def open(
        self,
        number: int = 1,
        *,
        on: Keep | None = None,
        scope: Scope = SCOPE,
        owner: Scope = OWNER,
        account: str = "acct",
        handles: Collection[str] | None = None,
        targets: Collection[Target] | None = None,
        ttl_seconds: float = 900,
        uses_max: int | None = None,
    ) -> object:
        return await (on or self.keep).credentials.open(
            scope,
            session_id(number),
            owner=owner,
            account=account,
            handles=handles,
            targets=targets,
            ttl_seconds=ttl_seconds,
            uses_max=uses_max,
        )

    async def opened(self, number: int = 1, **wishes: object) -> SessionTicket:
        ticket = await self.open(number, **wishes)  # type: ignore[arg-type]  # named as in open
        assert isinstance(ticket, SessionTicket)
        return ticket

    async def use(
        self,
        operation: str = "op-1",
        *,
        number: int = 1,
        on: Keep | None = None,
        scope: Scope = SCOPE,
        method: str = "GET",
        url: str = URL,
        handles: Collection[str] = ("api",),
    ) -> object:
        """The bytes by handle, where they were handed over; else the answer, or its reason."""
        answer = await (on or self.keep).credentials.use(
            scope,
            session_id(number),
            operation_id=rid(operation),
            method=method,
            url=url,
            handles=tuple(handles),
        )
        if not isinstance(answer, Used):
            return answer.reason if isinstance(answer, Refused) else answer
        revealed = {}
        for handle, material in answer.materials.items():
            with material:
                revealed[handle] = material.reveal()
        return revealed
