"""A canary: the one record that says under which master keys a store may be written.

It holds an envelope for each key. Whoever starts opens one, so that a wrong key is found before
anything depends on it; and every commit that seals checks it, so that a host whose ring is out of
date cannot write under a key that was retired.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Self

from attrs import evolve, field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.decisions import Changed, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.instants import instant
from turnkeep_domain.keys import Collection, Identity, Index, Key, key
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.scope import Scope
from turnkeep_domain.secrets.binding import Binding, raw
from turnkeep_domain.secrets.events import MasterKeyAdded, MasterKeyRetired
from turnkeep_domain.secrets.limits import require_count
from turnkeep_domain.secrets.sealing import UNWRITTEN, KeyId, envelope, key_id

_NAME: Final = "key_canary"
_ID: Final = "canary"
SYSTEM: Final = Scope.of(None, None)
"""The scope of what belongs to the store itself; no caller's work is in it."""
KEYS_MAX: Final = 8


@frozen(kw_only=True)
class CanaryKey:
    """A key under which the store is, or was, written.

    Attributes:
        envelope: Something that only this key opens.
        retired: Whether nothing may be written under it any more.
    """

    key_id: KeyId = field(validator=key_id)
    envelope: bytes = field(validator=envelope, repr=False)
    added_at: datetime = field(validator=instant)
    retired: bool = field(validator=of_kind(bool))

    def binding(self) -> Binding:
        """What its envelope is bound to."""
        return Binding.of("turnkeep/canary/v1", CANARY.address, raw(self.key_id))


@frozen(kw_only=True)
class Canary:
    """The keys, in the order in which they were added."""

    keys: tuple[CanaryKey, ...] = field(validator=deep_iterable(of_kind(CanaryKey), of_kind(tuple)))

    @keys.validator
    def _are_distinct(self, _: object, keys: tuple[CanaryKey, ...]) -> None:
        require_count("keys", len(keys), least=1, most=KEYS_MAX)
        if len({one.key_id for one in keys}) != len(keys):
            raise InvalidValue("keys", "must be distinct")

    @classmethod
    def first(cls, key_id: KeyId, *, now: datetime) -> Changed[Canary, None]:
        """The canary of a store that nothing was ever sealed in."""
        return _added((), key_id, now)

    def of(self, key_id: KeyId) -> CanaryKey | None:
        """What is said of a key; None where it is not listed."""
        return next((one for one in self.keys if one.key_id == key_id), None)

    def may_write(self, key_id: KeyId) -> bool:
        """Whether the store may be written under this key."""
        listed = self.of(key_id)
        return listed is not None and not listed.retired

    def added(self, key_id: KeyId, *, now: datetime) -> Changed[Canary, None]:
        """The canary with one more key."""
        return _added(self.keys, key_id, now)

    def retire(self, key_id: KeyId, *, now: datetime) -> Changed[Canary, None] | Unchanged[None]:
        """Nothing may be written under a key from now on; one that is not listed stays so."""
        listed = self.of(key_id)
        if listed is None or listed.retired:
            return Unchanged(None)
        keys = tuple(
            evolve(one, retired=True) if one.key_id == key_id else one for one in self.keys
        )
        event = MasterKeyRetired(address=CANARY.address, at=now, key_id=key_id)
        return Changed(evolve(self, keys=keys), None, (event,))

    def without(self, key_id: KeyId) -> Self:
        """The canary of a store in which nothing is left under a key."""
        return evolve(self, keys=tuple(one for one in self.keys if one.key_id != key_id))


def _added(keys: tuple[CanaryKey, ...], key_id: KeyId, now: datetime) -> Changed[Canary, None]:
    one = CanaryKey(key_id=key_id, envelope=UNWRITTEN, added_at=now, retired=False)
    event = MasterKeyAdded(address=CANARY.address, at=now, key_id=key_id)
    return Changed(Canary(keys=(*keys, one)), None, (event,))


CANARIES: Final[Collection[Canary]] = Collection(
    name=_NAME,
    members=(Canary,),
    permanent=True,
    index=lambda _: Index(state="kept", due_at=None, sort=_ID),
    identity=lambda _: Identity(SYSTEM, _ID),
    marks=lambda _: None,
)

CANARY: Final[Key[Canary]] = key(CANARIES, SYSTEM, _ID)
"""Where it is kept."""
