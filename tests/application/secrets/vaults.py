"""A world with keys: hosts that keep secrets, and others whose ring is out of date."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Final

from attrs import define, field
from dependency_injector import providers

from tests.application.worlds import SCOPE, World, rid
from turnkeep import (
    ABSENT,
    ANY,
    Container,
    Expected,
    Guard,
    Keep,
    LeaseRef,
    Material,
    Opened,
    Refused,
    Scope,
    SecretOutcome,
)
from turnkeep_adapters.cipher.aes_gcm import AesGcmCipher
from turnkeep_adapters.cipher.master_key import MasterKey, fit

OWNER: Final = Scope.of("acme", "ada", agent="scout", project="site")
MATERIAL: Final = b"tok-3f9a71c2-hunter2"
OTHER: Final = b"tok-00000000-correct-horse"
COLLECTIONS: Final = (
    *("key_canary", "lease", "lease_roll", "secret", "secret_lease"),
    *("credential_account", "credential_session"),
)


def master_key(name: str) -> MasterKey:
    """A key of its own for each name."""
    key = fit(hashlib.sha256(name.encode()).digest())
    assert isinstance(key, MasterKey)
    return key


OLD: Final = master_key("old")
NEW: Final = master_key("new")
STRANGE: Final = master_key("strange")


def keyed(*keys: MasterKey) -> Callable[[Container], None]:
    """What gives a container a ring, the primary first."""
    cipher = AesGcmCipher.of(keys)

    def override(container: Container) -> None:
        container.cipher.override(providers.Object(cipher))

    return override


@define
class Vaults(World):
    """A world whose hosts have one key."""

    override: Callable[[Container], None] = field(factory=lambda: keyed(OLD))
    collections: tuple[str, ...] = COLLECTIONS

    def ring(self, *keys: MasterKey) -> Keep:
        """One more host on the same store, with a ring of its own."""
        return self.host(self.beside, override=keyed(*keys))

    async def put(
        self,
        material: bytes = MATERIAL,
        *,
        on: Keep | None = None,
        owner: Scope = OWNER,
        handle: str = "api",
        expected: Expected = ANY,
        id: str = "put-1",
        expires_at: datetime | None = None,
    ) -> object:
        with Material.of(material) as held:
            return await (on or self.keep).secrets.put(
                owner,
                handle,
                material=held,
                expected=expected,
                request_id=rid(id),
                expires_at=expires_at,
            )

    async def kept(self, material: bytes = MATERIAL, **wishes: object) -> SecretOutcome:
        """A secret that is there for sure."""
        outcome = await self.put(material, expected=ABSENT, **wishes)  # type: ignore[arg-type]  # named as in put
        assert isinstance(outcome, SecretOutcome)
        return outcome

    async def issue(
        self,
        *,
        on: Keep | None = None,
        scope: Scope = SCOPE,
        owner: Scope = OWNER,
        handle: str = "api",
        id: str = "issue-1",
        uses_max: int = 1,
        ttl_seconds: float | None = None,
        guard: Guard | None = None,
    ) -> object:
        return await (on or self.keep).secrets.issue(
            scope,
            owner=owner,
            handle=handle,
            request_id=rid(id),
            uses_max=uses_max,
            ttl_seconds=ttl_seconds,
            guard=guard,
        )

    async def lent(self, **wishes: object) -> LeaseRef:
        """A lease that is there for sure."""
        ref = await self.issue(**wishes)  # type: ignore[arg-type]  # named as in issue
        assert isinstance(ref, LeaseRef)
        return ref

    async def consume(self, ref: LeaseRef, id: str = "use-1", *, on: Keep | None = None) -> object:
        """The bytes, where they were handed over; else the answer, or why it was refused."""
        answer = await (on or self.keep).secrets.consume(ref, request_id=rid(id))
        if isinstance(answer, Opened):
            with answer.material as material:
                return material.reveal()
        return answer.reason if isinstance(answer, Refused) else answer
