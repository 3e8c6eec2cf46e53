"""A hold: a named place where calls wait until a test lets them go on."""

from __future__ import annotations

import asyncio

from attrs import define, field

from turnkeep_domain.errors import InvalidValue


@define(eq=False)
class Holds:
    """The holds of a script by name, with the calls that wait at each.

    A name that no script has is refused as a mistake.
    """

    _names: set[str] = field(factory=set, init=False)
    _held: dict[str, list[asyncio.Future[None]]] = field(factory=dict, init=False)
    _watching: dict[str, list[tuple[int, asyncio.Future[None]]]] = field(factory=dict, init=False)

    def know(self, names: frozenset[str]) -> None:
        """Adds the holds of a script."""
        self._names |= names

    async def wait_at(self, name: str) -> None:
        """Waits until the hold is released. A cancelled call is held no more."""
        going_on: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        held = self._held.setdefault(name, [])
        held.append(going_on)
        self._tell(name)
        try:
            await going_on
        finally:
            if going_on in held:
                held.remove(going_on)

    async def reached(self, name: str, calls: int) -> None:
        """Returns once as many calls wait at the hold.

        Raises:
            InvalidValue: There is no such hold.
        """
        self._require(name)
        arrived: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        watch = (calls, arrived)
        watching = self._watching.setdefault(name, [])
        watching.append(watch)
        self._tell(name)
        try:
            await arrived
        finally:
            watching.remove(watch)

    def release(self, name: str) -> None:
        """Lets every call go on that waits at the hold now; later ones are held again.

        Raises:
            InvalidValue: There is no such hold, or no call waits at it.
        """
        self._require(name)
        held = self._held.get(name, [])
        if not held:
            raise InvalidValue(f"hold {name}", "must hold a call to be released")
        for going_on in held:
            if not going_on.done():
                going_on.set_result(None)
        held.clear()

    def _tell(self, name: str) -> None:
        held = sum(not going_on.done() for going_on in self._held.get(name, []))
        for calls, arrived in self._watching.get(name, []):
            if held >= calls and not arrived.done():
                arrived.set_result(None)

    def _require(self, name: str) -> None:
        if name not in self._names:
            raise InvalidValue("hold", f"must be one that the script names, not {name}")
