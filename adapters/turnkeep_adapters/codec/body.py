"""A body: one JSON text in the only spelling that Turnkeep writes.

Keys are sorted, there is no white space, text is escaped only where it must be. Reading refuses
every other spelling of the same value: a repeated key, of which a parser would keep one, reordered
keys, padding, an escaped letter. So a record has one body, and a body that was not written as it
stands is damage.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Final

import orjson

from turnkeep_adapters.codec.format import Fields
from turnkeep_domain.errors import InvalidValue

TAG: Final = "t"
SCHEMA: Final = "v"
FIELDS: Final = "d"
_NO_JSON: Final = object()


def render(tree: object) -> bytes:
    """The one JSON text of a tree of texts, integers, flags, None, lists and objects."""
    # A copy: what orjson returns keeps the block of 4 KiB into which it was written.
    return bytes(memoryview(orjson.dumps(tree, option=orjson.OPT_SORT_KEYS)))


def parse(text: bytes, *, bytes_max: int) -> object:
    """The tree of a JSON text that `render` has written.

    Raises:
        InvalidValue: The text is larger than `bytes_max`, no JSON, nested deeper than anything
            that is ever written, or spelled in another way. The parser's own error is not
            chained: it carries the text.
    """
    if len(text) > bytes_max:
        raise InvalidValue("body", f"must have at most {bytes_max} bytes")
    tree = _loaded(text)
    if tree is _NO_JSON:
        raise InvalidValue("body", "must be JSON")
    try:
        spelling = render(tree)
    except TypeError:
        raise InvalidValue("body", "must nest less deeply") from None
    if spelling != text:
        raise InvalidValue("body", "must be in its one spelling")
    return tree


def _loaded(text: bytes) -> object:
    # Not raised from here: the parser's error would hang on as the context, text and all.
    try:
        tree: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _NO_JSON
    return tree


def envelope(tree: object, names: AbstractSet[str]) -> Fields:
    """The tree, which must be an object with exactly these names.

    Raises:
        InvalidValue: It is anything else.
    """
    if type(tree) is not dict or tree.keys() != names:
        raise InvalidValue(
            "body", "must be an object of schema and fields, and of a record its tag"
        )
    return tree
