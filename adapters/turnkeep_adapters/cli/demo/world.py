"""A world: what tool calls have really done, kept outside of Turnkeep, as a bank's books are.

A deed is a file that is linked to its name, so whoever comes second under one name finds it done,
and whoever is killed in the middle of a deed has done nothing. An operator who asks whether a deed
was done also rules it out, as one asks a bank to void what it has not booked.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import asdict, frozen

_DEED: Final = ".deed"
_VOID: Final = b"void"
_NAME_CHARACTERS: Final = 40


@frozen(kw_only=True)
class Deed:
    """What one call has done.

    Attributes:
        key: The idempotency key of the call.
        thread: Of whose run.
        call: Which call, in words.
        epoch: Of the claim under which it was done.
        at: When it was done, on the machine's monotonic clock.
        cost: What it has cost, in nano-dollars.
    """

    key: str
    thread: str
    call: str
    epoch: int
    at: float
    cost: int


@frozen
class World:
    """The deeds of one demonstration, in a directory."""

    directory: Path

    def do(self, deed: Deed, *, keyed: bool) -> bool:
        """Does it; False where that was done before, or ruled out.

        Args:
            deed: What to do.
            keyed: Whether the tool knows the key, and does nothing twice under it; else each
                claim does it anew.
        """
        name = _name(deed.key, None if keyed else deed.epoch)
        return self._linked(name, json.dumps(asdict(deed)).encode())

    def found(self, key: str, epoch: int) -> Deed | None:
        """What a call has done under a claim; if nothing, it never will do it any more."""
        name = _name(key, epoch)
        if self._linked(name, _VOID):
            return None
        content = self._content(name)
        return None if content == _VOID else Deed(**json.loads(content))

    def count(self) -> int:
        """How many deeds were done or ruled out."""
        with os.scandir(self.directory) as entries:
            return sum(entry.name.endswith(_DEED) for entry in entries)

    def deeds(self) -> Iterator[Deed]:
        """What was done."""
        for path in sorted(self.directory.glob(f"*{_DEED}")):
            content = path.read_bytes()
            if content != _VOID:
                yield Deed(**json.loads(content))

    def _linked(self, name: str, content: bytes) -> bool:
        aside = self.directory / f"{secrets.token_hex(8)}.aside"
        aside.write_bytes(content)
        try:
            os.link(aside, self.directory / name)
        except FileExistsError:
            return False
        finally:
            aside.unlink()
        return True

    def _content(self, name: str) -> bytes:
        return (self.directory / name).read_bytes()


def _name(key: str, epoch: int | None) -> str:
    digest = hashlib.sha256(key.encode()).hexdigest()[:_NAME_CHARACTERS]
    return f"{digest}.{'keyed' if epoch is None else epoch}{_DEED}"
