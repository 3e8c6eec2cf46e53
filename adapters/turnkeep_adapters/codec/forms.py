"""A form: a format made ready to write and read, with its class's own shape.

A shape is composed when it is first needed: a host uses few of all classes, and composing them all
would hold up its start, and its event loop, for a good part of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import RLock
from typing import Final, TypeAlias

from attrs import define, field, frozen, has
from cattrs import Converter

from turnkeep_adapters.codec.body import FIELDS, SCHEMA
from turnkeep_adapters.codec.format import Fields, Format
from turnkeep_adapters.codec.scalars import INTEGER_MAX
from turnkeep_adapters.codec.shape import Shape
from turnkeep_domain.errors import InvalidValue
from turnkeep_ports.errors import SchemaTooNew

NOTHING_BESIDE: Final[Fields] = {}


Compose: TypeAlias = Callable[[type[object]], Shape]
"""Composes the shape of a class; safe to call from several threads."""


@define(eq=False)
class Form:
    """A format, and how its class is taken apart and built."""

    format: Format = field()
    _compose: Compose = field(repr=False)
    _shape: Shape | None = field(default=None, init=False, repr=False)

    @property
    def shape(self) -> Shape:
        """How the class is taken apart and built.

        Raises:
            TypeError: The class has no exact form.
        """
        if self._shape is None:
            self._shape = self._compose(self.format.cls)
        return self._shape

    def write(self, value: object) -> Fields:
        """The envelope of a record or event, without its tag.

        Raises:
            InvalidValue: The value could not be read back as itself.
        """
        return {FIELDS: self.shape.encode(value), SCHEMA: self.format.schema}

    def read(self, envelope: Fields, *, beside: Fields, what: str) -> object:
        """The record or event of an envelope.

        Args:
            envelope: Has a schema and fields, of any type.
            beside: Values of the fields that are not in the envelope.
            what: Names the data in an error.

        Raises:
            SchemaTooNew: The schema is above the format's.
            Exception: Any of `DAMAGE`: the envelope is not what any release has written.
        """
        found, fields = envelope[SCHEMA], envelope[FIELDS]
        if type(found) is not int or not 1 <= found <= INTEGER_MAX:
            raise InvalidValue("schema", "must be a number from 1")
        if found > self.format.schema:
            raise SchemaTooNew(what, found, self.format.schema)
        if type(fields) is not dict or not fields.keys().isdisjoint(beside):
            raise InvalidValue("fields", "must be an object of those that a body has")
        return self.shape.decode({**self.format.lift(fields, found), **beside}, None)


@frozen
class Forms:
    """The forms of all records, or of all events."""

    by_class: Mapping[type[object], Form]
    by_tag: Mapping[str, Form]

    @classmethod
    def of(cls, formats: Sequence[Format], converter: Converter) -> Forms:
        """The formats, each with the shape of its class.

        Raises:
            InvalidValue: Two formats share a tag or a class.
        """
        compose = _composing(converter)
        forms = [Form(format, compose) for format in formats]
        by_class = {form.format.cls: form for form in forms}
        by_tag = {form.format.tag: form for form in forms}
        if not len(by_class) == len(by_tag) == len(forms):
            raise InvalidValue("formats", "must have a class and a tag of their own")
        return cls(by_class, by_tag)

    def compose(self) -> None:
        """Composes every shape that was not needed yet.

        Raises:
            TypeError: A class has no exact form.
        """
        for form in self.by_tag.values():
            _ = form.shape

    def of_class(self, value: object) -> Form:
        """The form in which a value is written.

        Raises:
            TypeError: No format is of exactly its class.
        """
        form = self.by_class.get(type(value))
        if form is None:
            raise TypeError(f"{type(value).__name__} has no stored form")
        return form


def _composing(converter: Converter) -> Compose:
    # The converter knows what it is composing, to find what contains itself: one thread at a time.
    lock = RLock()

    def compose(cls: type[object]) -> Shape:
        if not has(cls):
            raise TypeError(f"{cls.__name__} is no attrs class")
        with lock:
            return Shape(converter.get_unstructure_hook(cls), converter.get_structure_hook(cls))

    return compose
