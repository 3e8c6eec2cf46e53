"""A stored type: any that a value of some format is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args, get_origin

import attrs

from tests.codec.golden_files import FORMATS


def all_stored_types() -> set[object]:
    return {part for format in FORMATS for part in _parts(format.cls)}


def _parts(annotation: object) -> Iterator[object]:
    yield annotation
    for part in get_args(annotation):
        yield from _parts(part)
    cls = get_origin(annotation) or annotation
    if isinstance(cls, type) and attrs.has(cls):
        yield cls
        for attribute in attrs.fields(attrs.resolve_types(cls)):
            yield from _parts(attribute.type)
