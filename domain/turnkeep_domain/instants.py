"""An instant: a moment in UTC, to the microsecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from turnkeep_domain.errors import InvalidValue

if TYPE_CHECKING:
    from attrs import Attribute

_NO_OFFSET: Final = timedelta(0)


def require_instant(what: str, moment: object) -> None:
    """Refuses a time that is naive or not in UTC.

    Raises:
        InvalidValue: The time has no zone, or one other than UTC.
    """
    # The very zone that times mostly have is known at a glance.
    if isinstance(moment, datetime) and (moment.tzinfo is UTC or moment.utcoffset() == _NO_OFFSET):
        return
    raise InvalidValue(what, "must be a timezone-aware time in UTC")


def instant(_: object, attribute: Attribute[datetime], moment: datetime) -> None:
    """An attrs validator: the field is an instant."""
    require_instant(attribute.name, moment)


def optional_instant(
    _: object, attribute: Attribute[datetime | None], moment: datetime | None
) -> None:
    """An attrs validator: the field is an instant or absent."""
    if moment is not None:
        require_instant(attribute.name, moment)


def sorted_from(moment: datetime) -> str:
    """What the `sort` of every record that is sorted by this instant begins with.

    It has digits of fixed width, so text sorts as time does: whatever is earlier sorts before it,
    and nothing else does.
    """
    # A fifth of what a format in percent signs takes, for it stands in most indexes.
    day = f"{moment.year:04}{moment.month:02}{moment.day:02}"
    return f"{day}{moment.hour:02}{moment.minute:02}{moment.second:02}{moment.microsecond:06}"
