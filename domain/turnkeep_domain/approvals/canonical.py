"""Canonical input: a call's arguments as JSON in one spelling only.

Keys are sorted by code point at every depth, arrays keep their order, there is no white space,
strings are escaped only where JSON demands it and never normalised, whole numbers have 64 signed
bits, and finite floats have the shortest form that reads back (Python's `repr`). `1`, `1.0` and
`true` differ.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from types import NoneType
from typing import Final, NoReturn, TypeAlias

from attrs import field, frozen

from turnkeep_domain.approvals.limits import INPUT_BYTES_MAX, INPUT_DEPTH_MAX
from turnkeep_domain.approvals.refusals import (
    InputRefusal,
    InputTooDeep,
    InputTooLarge,
    InvalidInput,
)
from turnkeep_domain.kinds import of_kind

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
"""What a host may hand over as input: what JSON can say."""

_INT_MIN: Final = -(1 << 63)
_INT_MAX: Final = (1 << 63) - 1
_INT_DIGITS_MAX: Final = 20
_TEXT_MAX: Final = 8 * INPUT_BYTES_MAX
_WHOLE: Final = "must have whole numbers of 64 signed bits"
_FINITE: Final = "must have finite numbers"
_SCALARS: Final = frozenset({NoneType, bool, int, float})
# Sequences that are no arrays; text of a class of its own is none either.
_NO_ARRAYS: Final = (str, bytes, bytearray, memoryview)
# A string is taken whole, be it ended or not, so that the search never looks at a place twice.
_STRING_OR_BRACKET: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)


@frozen
class JsonText:
    """Input that is JSON already, as a model wrote it.

    Attributes:
        text: At most 8 Mi characters are read. The canonical text of every input that is allowed
            fits, though every character of it be escaped (6 for one) and white space stand around.

    Raises:
        InvalidValue: It is no text, but for example bytes.
    """

    text: str = field(validator=of_kind(str), repr=False)


@frozen
class CanonicalInput:
    """A call's arguments in their one spelling, at most 1 MiB of UTF-8."""

    text: str = field(repr=False)


class _Broken(ValueError):
    """The text breaks a rule, which is its only argument."""


def canonical(input: Json | JsonText) -> CanonicalInput | InputRefusal:
    """The one spelling of an input, or why it has none.

    Depth and size are found without recursion and before anything is spelt, so hostile input
    costs no more than honest input of that size. Mappings and sequences of any class are taken;
    scalars must be exactly `str`, `int`, `float`, `bool` or `None`. JSON text of more than 8 Mi
    characters is `InputTooLarge` at once, whatever it says.
    """
    if not isinstance(input, JsonText):
        return _spelt(input)
    if len(input.text) > _TEXT_MAX:
        return InputTooLarge(INPUT_BYTES_MAX)
    if _nests_too_deep(input.text):
        return InputTooDeep(INPUT_DEPTH_MAX)
    try:
        parsed: Json = json.loads(
            input.text,
            parse_int=_whole,
            parse_constant=_no_number,
            object_pairs_hook=_distinct,
        )
    except _Broken as broken:
        return InvalidInput(str(broken))
    except ValueError:
        return InvalidInput("must be JSON")
    return _spelt(parsed)


def _spelt(input: object) -> CanonicalInput | InputRefusal:
    fault = _fault(input)
    if fault is not None:
        return fault
    # At most 64 levels deep by now, so the encoder's recursion is bounded.
    text = json.dumps(
        input, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_plain
    )
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return InvalidInput("must have no lone surrogates")
    return CanonicalInput(text) if size <= INPUT_BYTES_MAX else InputTooLarge(INPUT_BYTES_MAX)


def _fault(input: object) -> InputRefusal | None:
    least = 0
    todo: list[tuple[Collection[object], int]] = [((input,), 0)]
    while todo:
        items, depth = todo.pop()
        least += len(items)
        for item in items:
            if type(item) is str:
                least += len(item)
            elif type(item) in _SCALARS:
                if (rule := _broken_rule(item)) is not None:
                    return InvalidInput(rule)
            elif (parts := _parts(item)) is None:
                return InvalidInput("must be made of what JSON can say")
            elif depth == INPUT_DEPTH_MAX:
                return InputTooDeep(INPUT_DEPTH_MAX)
            else:
                todo += [(part, depth + 1) for part in parts]
            # One structure may stand in many places: what it would take is counted in each.
            if least > INPUT_BYTES_MAX:
                return InputTooLarge(INPUT_BYTES_MAX)
    return None


def _parts(item: object) -> tuple[Collection[object], ...] | None:
    if isinstance(item, dict | Mapping):
        names, values = item.keys(), item.values()
        return (names, values) if all(type(name) is str for name in names) else None
    if isinstance(item, list | tuple | Sequence) and not isinstance(item, _NO_ARRAYS):
        return (item,)
    return None


def _broken_rule(scalar: object) -> str | None:
    match scalar:
        case float():
            return None if math.isfinite(scalar) else _FINITE
        case int():
            return None if _INT_MIN <= scalar <= _INT_MAX else _WHOLE
        case _:
            return None


def _plain(item: object) -> object:
    match item:
        case Mapping():
            return dict(item)
        case Sequence():
            return list(item)
        case _:
            raise TypeError("an input changed while it was read")


def _nests_too_deep(text: str) -> bool:
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        bracket = text[found.start()]
        if bracket in "[{":
            depth += 1
            if depth > INPUT_DEPTH_MAX:
                return True
        elif bracket in "]}":
            depth -= 1
    return False


def _whole(digits: str) -> int:
    if len(digits) > _INT_DIGITS_MAX:
        raise _Broken(_WHOLE)
    return int(digits)


def _no_number(_: str) -> NoReturn:
    raise _Broken(_FINITE)


def _distinct(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _Broken("must have distinct keys")
    return fields
