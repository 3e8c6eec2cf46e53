"""Claims: the keys of requests that must not meet in one call, or on the server's locks."""

from __future__ import annotations

from collections import Counter

from turnkeep_adapters.postgres.requests import Request


class Claims:
    """Keys, and how they are claimed: for writing by one, or for checking by any number."""

    def __init__(self) -> None:
        """Nothing is claimed."""
        self._exclusive: Counter[bytes] = Counter()
        self._shared: Counter[bytes] = Counter()

    def admit(self, request: Request) -> bool:
        """Whether no key of a request is claimed otherwise than for checking by both."""
        return not (
            any(key in self._exclusive or key in self._shared for key in request.exclusive)
            or any(key in self._exclusive for key in request.shared)
        )

    def add(self, request: Request) -> None:
        """Claims a request's keys."""
        self._exclusive.update(request.exclusive)
        self._shared.update(request.shared)

    def remove(self, request: Request) -> None:
        """Ends the claims that adding the request made."""
        _subtract(self._exclusive, request.exclusive)
        _subtract(self._shared, request.shared)


def _subtract(claimed: Counter[bytes], keys: frozenset[bytes]) -> None:
    for key in keys:
        claimed[key] -= 1
        if claimed[key] <= 0:
            del claimed[key]
