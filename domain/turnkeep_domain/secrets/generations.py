"""A generation: how often something was put or deleted, counted from 1 and never falling."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from turnkeep_domain.secrets.limits import GENERATION_MAX, require_count

if TYPE_CHECKING:
    from attrs import Attribute


class Unnumbered(Enum):
    """What a caller may expect without naming a generation."""

    ABSENT = "absent"
    ANY = "any"


ABSENT: Final = Unnumbered.ABSENT
"""Expected: there is none, or it was deleted."""
ANY: Final = Unnumbered.ANY
"""Whatever is there is replaced; the caller takes it upon itself that it has not looked."""

Expected: TypeAlias = int | Literal[Unnumbered.ABSENT, Unnumbered.ANY]


def require_expected(what: str, expected: object) -> None:
    """Refuses what cannot be expected.

    Raises:
        InvalidValue: It is neither `ABSENT`, `ANY` nor a generation.
    """
    if not isinstance(expected, Unnumbered):
        require_count(what, expected, least=1, most=GENERATION_MAX)


def generation(_: object, attribute: Attribute[int], number: int) -> None:
    """An attrs validator: the field is a generation."""
    require_count(attribute.name, number, least=1, most=GENERATION_MAX)


def met(expected: Expected, *, generation: int, absent: bool) -> bool:
    """Whether what is there is what was expected.

    Args:
        expected: What the caller named.
        generation: That of what is there; 0 where nothing ever was.
        absent: Whether nothing is there, or only its tombstone.
    """
    match expected:
        case Unnumbered.ABSENT:
            return absent
        case Unnumbered.ANY:
            return True
        case int():
            return expected == generation


def spelt(expected: Expected) -> str | int:
    """What was expected, as an argument of a request."""
    return expected.value if isinstance(expected, Unnumbered) else expected
