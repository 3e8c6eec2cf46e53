"""An observation: what a tool has found, as a closed set of facts in safe words.

Its schema is closed and has a version; what a tool hands over is read strictly, and what does not
fit is no observation.
"""

from __future__ import annotations

import json
from enum import Enum
from typing import Final

from attrs import field, frozen
from attrs.validators import deep_iterable

from turnkeep_domain.approvals.canonical import CanonicalInput, Json, JsonText, canonical
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import of_kind
from turnkeep_domain.threads.limits import (
    OBSERVATION_BYTES_MAX,
    require_at_most,
    require_whole_number,
)
from turnkeep_domain.threads.safety import fault_of
from turnkeep_domain.threads.texts import bytes_of, require_text

VERSION: Final = 1


class ObservationStatus(Enum):
    """How a call has ended, as its tool says."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PARTIAL = "partial"


@frozen(kw_only=True)
class Fact:
    """One thing that was found: its name and its value, both in safe words."""

    name: str = field()
    value: str = field(repr=False)

    @name.validator
    def _name_is_safe(self, _: object, name: str) -> None:
        _require_safe("name", name)

    @value.validator
    def _value_is_safe(self, _: object, value: str) -> None:
        _require_safe("value", value)


@frozen(kw_only=True)
class Observation:
    """What a tool has found.

    Attributes:
        version: Of the schema: 1.
        facts: In the tool's order; names and values together at most 4 KiB of UTF-8.
    """

    version: int = field()
    status: ObservationStatus = field(validator=of_kind(ObservationStatus))
    facts: tuple[Fact, ...] = field(validator=deep_iterable(of_kind(Fact), of_kind(tuple)))

    @version.validator
    def _is_known(self, _: object, version: int) -> None:
        require_whole_number("version", version, least=VERSION, most=VERSION)

    @facts.validator
    def _facts_fit(self, _: object, facts: tuple[Fact, ...]) -> None:
        # Each fact counts a little more than its words, so that empty ones end, too.
        count = sum(bytes_of(fact.name) + bytes_of(fact.value) + 4 for fact in facts)
        require_at_most("facts", count, OBSERVATION_BYTES_MAX, "bytes")


def observed(given: Json | JsonText) -> Observation | None:
    """The observation that a tool hands over as `{"version", "status", "facts"}`.

    Returns:
        None where it is another schema, is too large, or has a word that is not safe.
    """
    spelt = canonical(given)
    if not isinstance(spelt, CanonicalInput):
        return None
    try:
        return _parsed(json.loads(spelt.text))
    except ValueError:
        return None


def _parsed(read: object) -> Observation:
    match read:
        case {"version": int(version), "status": str(status), "facts": list(facts), **beyond} if (
            not beyond
        ):
            return Observation(
                version=version,
                status=ObservationStatus(status),
                facts=tuple(_fact(fact) for fact in facts),
            )
        case _:
            raise InvalidValue("observation", "must have a version, a status and facts")


def _fact(read: object) -> Fact:
    match read:
        case {"name": str(name), "value": str(value), **beyond} if not beyond:
            return Fact(name=name, value=value)
        case _:
            raise InvalidValue("fact", "must have a name and a value")


def _require_safe(what: str, text: object) -> None:
    fault = fault_of(require_text(what, text))
    if fault is not None:
        raise InvalidValue(what, fault)
