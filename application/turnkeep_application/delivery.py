"""A delivery: material that was opened before its use was confirmed, and is wiped unless it is."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from attrs import define, field, frozen

from turnkeep_domain.secrets.handles import Handle
from turnkeep_domain.secrets.material import Material


@frozen
class Release:
    """Which material a use is for: one generation of a secret."""

    handle: Handle
    generation: int


@define(eq=False)
class Delivery:
    """What one call has opened, in all of its attempts: any of them may turn out to have counted.

    A context manager: what was not handed over by its end is wiped, whatever ended it.
    """

    _opened: dict[Release, Material] = field(factory=dict, init=False, repr=False)

    def add(self, release: Release, material: Material) -> None:
        """Takes what an attempt has opened, in the place of what an earlier one has."""
        before = self._opened.pop(release, None)
        self._opened[release] = material
        if before is not None:
            before.wipe()

    def handed_over(self, releases: Iterable[Release]) -> dict[Handle, Material]:
        """What a confirmed use is for; the caller wipes it from now on."""
        return {release.handle: self._opened.pop(release) for release in releases}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        opened, self._opened = self._opened, {}
        for material in opened.values():
            material.wipe()
