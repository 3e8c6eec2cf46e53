"""A shelf: the errands of one demonstration, where every process finds them by name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from attrs import frozen

from turnkeep_adapters.cli.demo.errand import Errand, errand_of
from turnkeep_adapters.cli.demo.lines import Line

_ASIDE: Final = ".aside"


@frozen
class Shelf:
    """Lines of the recording in a directory: what Turnkeep keeps of a turn is a reference."""

    directory: Path
    seed: int

    def put(self, errand: Errand) -> None:
        """Puts an errand there, whole or not at all."""
        path = self.directory / errand.name
        aside = path.with_suffix(_ASIDE)
        aside.write_bytes(b"%d\n%b" % (errand.line, errand.content))
        os.replace(aside, path)

    def get(self, name: str) -> Errand:
        """The errand of that name.

        Raises:
            LookupError: There is none.
        """
        try:
            number, _, content = (self.directory / name).read_bytes().partition(b"\n")
        except FileNotFoundError:
            raise LookupError("no errand of that name") from None
        match errand_of(Line(int(number), content), self.seed):
            case Errand() as errand:
                return errand
            case _:
                raise LookupError("what lies there is no errand")
