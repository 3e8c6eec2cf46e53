"""Damage: why a body cannot be read, told in our own names alone."""

from __future__ import annotations

from typing import Final

from cattrs import AttributeValidationNote, BaseValidationError

from turnkeep_domain.errors import InvalidValue

# What hooks, upcasters and invariants raise for bytes that no release has written. An exhausted
# memory says nothing about the bytes.
DAMAGE: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BaseValidationError,
    LookupError,
    TypeError,
    ValueError,
)


def clause(damage: Exception) -> str:
    """The first field at fault and the rule it breaks; nothing of the bytes.

    Raises:
        Exception: The damage's own root, if it is none of `DAMAGE`.
    """
    path: list[str] = []
    while isinstance(damage, BaseValidationError):
        damage = damage.exceptions[0]
        notes = getattr(damage, "__notes__", ())
        path += [note.name for note in notes if isinstance(note, AttributeValidationNote)]
    if not isinstance(damage, DAMAGE):
        raise damage
    rule = str(damage) if isinstance(damage, InvalidValue) else "a rule of the class does not hold"
    return f"{'.'.join(path)}: {rule}" if path else rule
