"""The world outside: what handlers did to it, which no store can take back."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from attrs import define, field, frozen


@frozen(order=True)
class Deed:
    """Something that was done: what, for which run, and under which key."""

    name: str
    run: str
    key: str


class Outside(Protocol):
    """Where deeds are done."""

    def do(self, deed: Deed) -> None: ...

    def deeds(self) -> list[Deed]: ...


@define
class Remembered:
    """Deeds of one process."""

    _deeds: list[Deed] = field(factory=list)

    def do(self, deed: Deed) -> None:
        self._deeds.append(deed)

    def deeds(self) -> list[Deed]:
        return list(self._deeds)


@frozen
class Written:
    """Deeds of many processes, a line each, in the order in which they were done."""

    path: Path

    def do(self, deed: Deed) -> None:
        line = f"{deed.name} {deed.run} {deed.key}\n".encode()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def deeds(self) -> list[Deed]:
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="ascii").splitlines()
        return [Deed(*line.split(" ")) for line in lines]


def counted(deeds: Iterable[Deed], name: str) -> Counter[tuple[str, str]]:
    """How often a deed of that name was done for each run and key."""
    return Counter((deed.run, deed.key) for deed in deeds if deed.name == name)
