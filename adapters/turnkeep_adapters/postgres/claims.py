"""Claims: the keys of requests that must not meet in one call, or on the server's locks."""

from __future__ import annotations

from collections.abc import Iterable

from turnkeep_adapters.postgres.requests import Request


class Claims:
    """Keys, and how they are claimed: for writing by one, or for checking by any number."""

    def __init__(self) -> None:
        """Nothing is claimed."""
        self._exclusive: dict[bytes, int] = {}
        self._shared: dict[bytes, int] = {}

    def admit(self, request: Request) -> bool:
        """Whether no key of a request is claimed otherwise than for checking by both."""
        exclusive, shared = self._exclusive.keys(), self._shared.keys()
        return (
            exclusive.isdisjoint(request.exclusive)
            and shared.isdisjoint(request.exclusive)
            and exclusive.isdisjoint(request.shared)
        )

    def add(self, request: Request) -> None:
        """Claims a request's keys."""
        _add(self._exclusive, request.exclusive)
        _add(self._shared, request.shared)

    def remove(self, request: Request) -> None:
        """Ends the claims that adding the request made."""
        _subtract(self._exclusive, request.exclusive)
        _subtract(self._shared, request.shared)


def _add(claimed: dict[bytes, int], keys: Iterable[bytes]) -> None:
    for key in keys:
        claimed[key] = claimed.get(key, 0) + 1


def _subtract(claimed: dict[bytes, int], keys: Iterable[bytes]) -> None:
    for key in keys:
        claimed[key] -= 1
        if not claimed[key]:
            del claimed[key]
