"""A format: under which tag and schema number a class is written, and how to read older numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from attrs import field, frozen

from turnkeep_domain.errors import InvalidValue

Fields: TypeAlias = dict[str, object]
"""The fields of one record or event as JSON has them: the `d` of a body."""

Upcaster: TypeAlias = Callable[[Fields], Fields]
"""Steps the fields of one schema to those of the next.

It says what the older release meant: a field that did not exist gets the value it would have had.
It drops nothing it was not written to drop, so it raises (`KeyError`, `ValueError`, ...) where a
name it gives is taken already; that is told as damage. It may trust no type, because the fields
come from storage, and it keeps sets in order. What it returns is checked as the newest schema.
"""

_TAG: Final = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?")


@frozen(kw_only=True)
class Format:
    """The stored form of one class of record or event.

    Attributes:
        cls: The class, as this release has it.
        tag: What bodies call it, for ever; of an event, its kind.
        schema: The number that this release writes, from 1. It rises with every change of the
            stored fields, those of nested classes included.
        upcasters: One for each older number: the first steps 1 to 2.

    Raises:
        InvalidValue: The tag is not a short plain word, or the numbers do not fit.
    """

    cls: type[object] = field()
    tag: str = field()
    schema: int = field()
    upcasters: tuple[Upcaster, ...] = field(repr=False)

    @tag.validator
    def _is_plain(self, _: object, tag: str) -> None:
        if not _TAG.fullmatch(tag):
            raise InvalidValue("tag", "must be lower case words, one dot between them at most")

    @upcasters.validator
    def _steps_all(self, _: object, upcasters: tuple[Upcaster, ...]) -> None:
        if self.schema != len(upcasters) + 1:
            raise InvalidValue("schema", "must be one more than there are upcasters")

    def lift(self, fields: Fields, found: int) -> Fields:
        """The fields of schema `found` (1 to `schema`) as those of the newest one."""
        for step in self.upcasters[found - 1 :]:
            fields = step(fields)
        return fields
