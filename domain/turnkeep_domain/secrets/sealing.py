"""A seal, an envelope: what the step before a commit puts into a record, as bytes.

A transition has no key, so it leaves them open: `UNSEALED`, `UNWRITTEN`. These are no plain bytes
and cannot be stored, so that whoever forgets the step stores nothing at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NewType

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import require_kind

if TYPE_CHECKING:
    from attrs import Attribute

KeyId = NewType("KeyId", bytes)
"""16 bytes that name a master key and tell nothing of it."""

KEY_ID_BYTES: Final = 16
SEAL_BYTES: Final = KEY_ID_BYTES + 32
"""The id of the key, and the code."""
HEADER_BYTES: Final = 2 + KEY_ID_BYTES
SALT_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
ENVELOPE_BYTES_MIN: Final = HEADER_BYTES + SALT_BYTES + NONCE_BYTES + 1 + TAG_BYTES


class _Open(bytes):
    """Bytes that are still to come; no codec writes this class."""


UNSEALED: Final[bytes] = _Open()
UNWRITTEN: Final[bytes] = _Open()


def seal(_: object, attribute: Attribute[bytes], value: bytes) -> None:
    """An attrs validator: the field is a seal, or still to be sealed."""
    require_kind(attribute.name, value, bytes)
    if value is not UNSEALED and len(value) != SEAL_BYTES:
        raise InvalidValue(attribute.name, f"must have {SEAL_BYTES} bytes")


def envelope(_: object, attribute: Attribute[bytes], value: bytes) -> None:
    """An attrs validator: the field is an envelope, or still to be written."""
    require_kind(attribute.name, value, bytes)
    if value is not UNWRITTEN and len(value) < ENVELOPE_BYTES_MIN:
        raise InvalidValue(attribute.name, f"must have {ENVELOPE_BYTES_MIN} bytes at least")


def require_key_id(what: str, value: object) -> None:
    """Refuses what cannot be the id of a master key.

    Raises:
        InvalidValue: It is not 16 bytes.
    """
    if type(value) is not bytes or len(value) != KEY_ID_BYTES:
        raise InvalidValue(what, f"must be {KEY_ID_BYTES} bytes")


def key_id(_: object, attribute: Attribute[KeyId], value: KeyId) -> None:
    """An attrs validator: the field is the id of a master key."""
    require_key_id(attribute.name, value)


def sealed_under(value: bytes) -> KeyId:
    """The id of the key that made a seal."""
    return KeyId(value[:KEY_ID_BYTES])


def written_under(value: bytes) -> KeyId:
    """The id of the key that an envelope was written under."""
    return KeyId(value[HEADER_BYTES - KEY_ID_BYTES : HEADER_BYTES])
