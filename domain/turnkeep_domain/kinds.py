"""A kind: the class that a value must be of, where a host may hand over another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from turnkeep_domain.errors import InvalidValue

if TYPE_CHECKING:
    from attrs import Attribute

T = TypeVar("T")


def require_kind(what: str, value: object, *kinds: type) -> None:
    """Refuses a value that is an instance of none of some classes.

    Raises:
        InvalidValue: It is of another class; the value is not repeated.
    """
    if not isinstance(value, kinds):
        raise InvalidValue(what, f"must be {' or '.join(map(_named, kinds))}")


def of_kind(*kinds: type) -> Callable[[object, Attribute[T], T], None]:
    """An attrs validator: the field is an instance of one of these classes.

    It takes the place of `attrs.validators.instance_of`, whose `TypeError` repeats the value.
    """

    def check(_: object, attribute: Attribute[T], value: T) -> None:
        if not isinstance(value, kinds):
            require_kind(attribute.name, value, *kinds)

    return check


def _named(kind: type) -> str:
    article = "an" if kind.__name__[0] in "AEIOUaeiou" else "a"
    return f"{article} {kind.__name__}"
