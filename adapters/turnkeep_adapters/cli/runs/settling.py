"""A settlement as it is typed: what an operator has found out about an uncertain step.

`--done NAME[#N][=JSON]` says that it happened and what it returned, and
`--not-done NAME[#N][=CATEGORY]` that it surely did not, so that it is done again. N counts calls of
one name from 0.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from turnkeep import Category, Done, EffectId, InvalidValue, NotDone, step_output

_NOT_DONE: Final = "not_done"


def settlements_of(done: Sequence[str], not_done: Sequence[str]) -> dict[EffectId, Done | NotDone]:
    """What all these options say.

    Raises:
        InvalidValue: One is no settlement, or two name one step.
    """
    found: dict[EffectId, Done | NotDone] = {}
    for text in done:
        id, output = _parts(text)
        _enter(found, id, Done(output=_output(output), disposition=None))
    for text in not_done:
        id, category = _parts(text)
        _enter(found, id, NotDone(category=Category(category or _NOT_DONE), redo=True))
    return found


def _enter(found: dict[EffectId, Done | NotDone], id: EffectId, outcome: Done | NotDone) -> None:
    if id in found:
        raise InvalidValue("settlements", "must name each step once")
    found[id] = outcome


def _parts(text: str) -> tuple[EffectId, str | None]:
    place, equals, rest = text.partition("=")
    name, hash_, ordinal = place.rpartition("#")
    if not hash_:
        return EffectId(place, 0), rest if equals else None
    if not ordinal.isascii() or not ordinal.isdigit():
        raise InvalidValue("settlement", "must name a step as NAME or NAME#N")
    return EffectId(name, int(ordinal)), rest if equals else None


def _output(text: str | None) -> bytes:
    if text is None:
        return step_output(None)
    try:
        value: object = json.loads(text)
    except ValueError:
        raise InvalidValue("settlement", "must give the output as JSON") from None
    return step_output(value)
