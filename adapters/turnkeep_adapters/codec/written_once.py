"""A shape that writes each value once: a record that changes often keeps most of its parts.

A lane is written anew whenever a run of it comes or goes, with up to 256 entries and 16 grants that
are the same objects as before. Such a value cannot change, so neither can its JSON.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

from turnkeep_adapters.codec.shape import Shape

WRITTEN_MAX: Final = 1_024
"""Of how many values of one class the JSON is kept, of those that were written last."""


def written_once(inner: Shape) -> Shape:
    """The shape that writes an object of an immutable class once, and reads as before.

    Safe to share by threads; nobody may change the JSON that is shared so.
    """
    # By identity. The object is kept, too, so that no other one can take its place in memory.
    kept = OrderedDict[int, tuple[object, object]]()
    lock = Lock()

    def encode(value: object) -> object:
        known = kept.get(id(value))
        if known is not None:
            return known[1]
        json = inner.encode(value)
        with lock:
            kept[id(value)] = (value, json)
            if len(kept) > WRITTEN_MAX:
                kept.popitem(last=False)
        return json

    return Shape(encode, inner.decode)
