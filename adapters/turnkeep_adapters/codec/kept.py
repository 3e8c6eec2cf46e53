"""Kept records: those that were read or written last, by their bodies, so that none is read twice.

Equal bytes are equal records, and a record cannot change: whoever reads a body that this process
has just written, or read, is given the same one. A cell that somebody else has changed has another
body. Nothing is kept but what its class allows, never a secret or what must be gone once it is
erased, and no more than a few.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

from attrs import define, field

KEPT_MAX: Final = 1_536
"""How many records are kept: some for each of 256 commands that are decided at once, and more."""
KEPT_BYTES_MAX: Final = 1 << 20
"""How long their bodies are together; a record takes about four times its body."""


@define(eq=False)
class KeptRecords:
    """Records by their bodies, those longest unused forgotten first; safe to share by threads."""

    _records: OrderedDict[bytes, object] = field(factory=OrderedDict, init=False)
    _bytes: int = field(default=0, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._records)

    @property
    def body_bytes(self) -> int:
        """Bytes of the bodies that are kept."""
        return self._bytes

    def get(self, body: bytes) -> object | None:
        """The record that has this body; None where it is not kept."""
        with self._lock:
            record = self._records.get(body)
            if record is not None:
                self._records.move_to_end(body)
            return record

    def keep(self, body: bytes, record: object) -> None:
        """Keeps a record that was built from its body, or written as it; the first of a body."""
        with self._lock:
            if body in self._records:
                # Counted already. It was used, which puts off its end.
                self._records.move_to_end(body)
                return
            self._records[body] = record
            self._bytes += len(body)
            while len(self._records) > KEPT_MAX or self._bytes > KEPT_BYTES_MAX:
                forgotten, _ = self._records.popitem(last=False)
                self._bytes -= len(forgotten)
