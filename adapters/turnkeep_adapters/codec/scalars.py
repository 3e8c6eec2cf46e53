"""A scalar: text, an integer, a flag, bytes, a time or an enumerated word, in one spelling."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import lru_cache
from typing import Final

import orjson

from turnkeep_adapters.codec.shape import Shape
from turnkeep_domain.errors import InvalidValue

INTEGER_MAX: Final = (1 << 63) - 1
INTEGER_MIN: Final = -(1 << 63)

_NO_OFFSET: Final = timedelta(0)
_TIMES_SPELT: Final = 512


def _exact_flag(value: object, _: object = None) -> object:
    if type(value) is not bool:
        raise InvalidValue("value", "must be true or false")
    return value


def _exact_integer(value: object, _: object = None) -> object:
    if type(value) is not int or not INTEGER_MIN <= value <= INTEGER_MAX:
        raise InvalidValue("value", "must be an integer of 64 bits, its sign included")
    return value


def _encode_text(value: object) -> object:
    if type(value) is not str:
        raise InvalidValue("value", "must be text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidValue("value", "must be text without surrogates") from None
    return value


def _decode_text(value: object, _: object) -> object:
    if type(value) is not str:
        raise InvalidValue("value", "must be text")
    return value


def _encode_bytes(value: object) -> object:
    if type(value) is not bytes:
        raise InvalidValue("value", "must be bytes")
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode_bytes(value: object, _: object) -> object:
    if type(value) is str:
        try:
            decoded = urlsafe_b64decode(value + "=" * (-len(value) % 4))
        except ValueError:
            decoded = None
        # The decoder skips what is no digit and drops surplus bits; only one spelling returns.
        if decoded is not None and _encode_bytes(decoded) == value:
            return decoded
    raise InvalidValue("value", "must be base64url without padding")


def _encode_time(value: object) -> object:
    if type(value) is not datetime or (value.tzinfo is not UTC and value.utcoffset() != _NO_OFFSET):
        raise InvalidValue("value", "must be a time in UTC")
    return _spelt_time(value)


# What is decided together is of one moment, which stands in each record and event of it.
@lru_cache(maxsize=_TIMES_SPELT)
def _spelt_time(value: datetime) -> str:
    # Four times as fast as isoformat, which matters here; whole seconds come without digits.
    text = orjson.dumps(value, option=orjson.OPT_UTC_Z)[1:-1].decode()
    return text if value.microsecond else f"{text[:-1]}.000000Z"


def _decode_time(value: object, _: object) -> object:
    if type(value) is str:
        try:
            decoded = datetime.fromisoformat(value)
        except ValueError:
            decoded = None
        # The parser takes many notations; only one returns.
        if decoded is not None and _encode_time(decoded) == value:
            return decoded
    raise InvalidValue("value", "must be a time in UTC with six digits and Z")


SCALARS: Final[dict[type[object], Shape]] = {
    bool: Shape(_exact_flag, _exact_flag),
    bytes: Shape(_encode_bytes, _decode_bytes),
    datetime: Shape(_encode_time, _decode_time),
    int: Shape(_exact_integer, _exact_integer),
    str: Shape(_encode_text, _decode_text),
}


def enumerated(cls: type[Enum]) -> Shape:
    """The shape of an enumeration: its values, which must be texts.

    Raises:
        TypeError: A value of the enumeration is no text.
    """
    members = {member.value: member for member in cls}
    texts = {member: text for text, member in members.items()}
    if not all(type(text) is str for text in members):
        raise TypeError(f"{cls.__name__} is stored by value, so its values must be texts")

    def encode(value: object) -> object:
        if type(value) is not cls:
            raise InvalidValue("value", "must be a member of its enumeration")
        return texts[value]

    def decode(value: object, _: object) -> object:
        if type(value) is not str or value not in members:
            raise InvalidValue("value", "must be a member of its enumeration")
        return members[value]

    return Shape(encode, decode)
