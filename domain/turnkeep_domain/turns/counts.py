"""A count: a whole number that is never negative, and never a truth value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnkeep_domain.errors import InvalidValue

if TYPE_CHECKING:
    from attrs import Attribute


def require_count(what: str, number: object, *, least: int = 0) -> None:
    """Refuses what is no whole number, or is below `least`.

    Raises:
        InvalidValue: It is not.
    """
    if type(number) is not int or number < least:
        raise InvalidValue(what, f"must be a whole number of at least {least}")


def count(_: object, attribute: Attribute[int], number: int) -> None:
    """An attrs validator: the field counts something."""
    require_count(attribute.name, number)


def optional_count(_: object, attribute: Attribute[int | None], number: int | None) -> None:
    """An attrs validator: the field counts something or is absent."""
    if number is not None:
        require_count(attribute.name, number)
