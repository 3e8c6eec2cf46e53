"""A request id: the caller's idempotency key for one command, and the marks that remember it."""

from __future__ import annotations

import hashlib
import json
from typing import ClassVar, Final, Generic, NewType, Self, TypeVar

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.identifiers import require_identifier

RequestId = NewType("RequestId", str)
Digest = NewType("Digest", bytes)
O_co = TypeVar("O_co", covariant=True)
O = TypeVar("O")

MARKS_MAX: Final = 32
DIGEST_BYTES: Final = 32
_spelt: Final = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def request_id(text: str) -> RequestId:
    """A request id from the caller's text.

    Raises:
        InvalidValue: The text is no identifier (1 to 200 bytes, one spelling).
    """
    require_identifier("request id", text)
    return RequestId(text)


def digest_of(*arguments: str | int | tuple[str, ...] | None) -> Digest:
    """The SHA-256 of a command's arguments, so that a reused request id is told from a repeat.

    The arguments are given as plain values, the command's name first; their order and types
    count, so `1`, `"1"` and `None` differ.
    """
    return Digest(hashlib.sha256(_spelt(arguments).encode()).digest())


@frozen
class RequestIdReused:
    """Refusal: the request id was already used for a command with other arguments."""

    code: ClassVar[str] = "request_id_reused"

    request_id: RequestId


@frozen
class Mark(Generic[O_co]):
    """What one command answered, under its request id and the digest of its arguments."""

    request_id: RequestId = field()
    arguments: Digest = field(repr=False)
    outcome: O_co = field()

    @arguments.validator
    def _is_digest(self, _: object, arguments: Digest) -> None:
        if len(arguments) != DIGEST_BYTES:
            raise InvalidValue("arguments", f"must be a digest of {DIGEST_BYTES} bytes")


@frozen
class Marks(Generic[O_co]):
    """The request ids that a record remembers, oldest first, and how many it has dropped."""

    entries: tuple[Mark[O_co], ...] = field()
    dropped: int = field()

    @dropped.validator
    def _not_negative(self, _: object, dropped: int) -> None:
        if dropped < 0:
            raise InvalidValue("dropped", "must not be negative")

    @entries.validator
    def _distinct(self, _: object, entries: tuple[Mark[O_co], ...]) -> None:
        if len({mark.request_id for mark in entries}) != len(entries):
            raise InvalidValue("entries", "must have distinct request ids")

    @classmethod
    def none(cls) -> Self:
        """No request id yet."""
        return cls((), 0)

    @property
    def total(self) -> int:
        """How many request ids were ever remembered here, dropped ones included."""
        return self.dropped + len(self.entries)

    def recall(
        self, request_id: RequestId, arguments: Digest
    ) -> Mark[O_co] | RequestIdReused | None:
        """The mark of a repeated command, a refusal for a reused id, or None for a fresh one."""
        for mark in self.entries:
            if mark.request_id == request_id:
                return mark if mark.arguments == arguments else RequestIdReused(request_id)
        return None


def remember(marks: Marks[O], mark: Mark[O], *, bound: int | None) -> Marks[O]:
    """The marks with one more; above `bound` the oldest are dropped and counted."""
    entries = (*marks.entries, mark)
    surplus = 0 if bound is None else max(0, len(entries) - bound)
    return Marks(entries[surplus:], marks.dropped + surplus)
