"""A declined call: one that was refused when it was made, as the journal keeps it.

Surely nothing happened, so it stands there as `NotDone`. Its category is Turnkeep's own and holds
the refusal's code, so that a replay refuses the call again instead of taking it for a step that was
made and has failed.
"""

from __future__ import annotations

from typing import Final

from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.turns.effect import NotDone
from turnkeep_domain.turns.names import Category, require_ref

_DECLINED: Final = "turnkeep.refused."


def declined(code: str) -> NotDone:
    """The entry of a call that was refused with this code.

    Raises:
        InvalidValue: The code is no reference.
    """
    require_ref("code", code)
    return NotDone(category=Category(f"{_DECLINED}{code}"), redo=False)


def declined_with(entry: NotDone) -> str | None:
    """The code with which a call was refused; None of a step that was not done otherwise."""
    if not entry.category.startswith(_DECLINED):
        return None
    return entry.category.removeprefix(_DECLINED)


def require_made(category: str) -> None:
    """Lets a host name what has become of a step that was made.

    Raises:
        InvalidValue: It is one of Turnkeep's own words for a call that was refused.
    """
    if category.startswith(_DECLINED):
        raise InvalidValue("category", f"must not begin with {_DECLINED}")
