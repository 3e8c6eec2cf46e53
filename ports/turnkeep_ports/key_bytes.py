"""Key bytes: an address in one spelling that sorts as its components do.

A key has eight components: collection, tenant, user, agent, project, mission, thread, id. Each is
`01` (absent) or `02`, its UTF-8, `00`. Identifiers have no control characters, so nothing is
escaped; the encoding is injective, sorts component by component, and makes each scope prefix a
half-open byte range. At most 1,448 bytes.
"""

from __future__ import annotations

from typing import Final

from attrs import frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import DEPTH_MAX, Scope, ScopePrefix

KEY_BYTES_MAX: Final = 1_448
_ABSENT: Final = b"\x01"
_PRESENT: Final = b"\x02"
_END: Final = b"\x00"
_AFTER_ANY: Final = b"\x03"


@frozen
class KeyRange:
    """The keys from `start` on, up to but without `end`."""

    start: bytes
    end: bytes


def key_bytes(address: Address) -> bytes:
    """The key of an address."""
    return scope_bytes(address.collection, address.scope) + _component(address.id)


def scope_bytes(collection: str, scope: Scope) -> bytes:
    """The key without its id: one exact scope of a collection."""
    components = (collection, *scope.components())
    return b"".join([_component(component) for component in components])


def prefix_bytes(collection: str, prefix: ScopePrefix) -> bytes:
    """What every key of the collection under the prefix begins with."""
    components = (collection, *prefix.components())
    return b"".join([_component(component) for component in components])


def key_range(collection: str, prefix: ScopePrefix) -> KeyRange:
    """The keys of the collection under the prefix."""
    start = prefix_bytes(collection, prefix)
    return KeyRange(start, start + _AFTER_ANY)


def address_of(key: bytes) -> Address:
    """The address of a key.

    Raises:
        InvalidValue: The bytes are no key.
    """
    components = _split(key)
    if len(components) != DEPTH_MAX + 2:
        raise InvalidValue("key", "must have eight components")
    collection, tenant, user, agent, project, mission, thread, id = components
    if collection is None or id is None:
        raise InvalidValue("key", "must have a collection and an id")
    scope = Scope.of(tenant, user, agent=agent, project=project, mission=mission, thread=thread)
    return Address(collection, scope, id)


def _component(text: str | None) -> bytes:
    return _ABSENT if text is None else _PRESENT + text.encode() + _END


def _split(key: bytes) -> list[str | None]:
    components: list[str | None] = []
    at = 0
    while at < len(key):
        tag = key[at : at + 1]
        if tag == _ABSENT:
            components.append(None)
            at += 1
            continue
        end = key.find(_END, at)
        if tag != _PRESENT or end < 0:
            raise InvalidValue("key", "must be made of absent and ended components")
        try:
            components.append(key[at + 1 : end].decode())
        except UnicodeDecodeError:
            raise InvalidValue("key", "must be UTF-8") from None
        at = end + 1
    return components
