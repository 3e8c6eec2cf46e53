"""The keep of every approvals test, once for each store, with and without what makes it fast."""

from __future__ import annotations

from typing import Final

import pytest

from tests.application.approvals.keep import STORES, Keep
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.round_settings import RoundSettings

# What makes it fast is above every store: once over a database is enough.
_KEEPS: Final = [
    (store, fast) for store in STORES for fast in (True, False) if fast or store != "postgres"
]


# A database gives no hints in virtual time.
_HINTED: Final = [(store, fast) for store, fast in _KEEPS if store != "postgres"]


def _name(param: tuple[str, bool]) -> str:
    store, fast = param
    return f"{'fast' if fast else 'plain'}-{store}"


def _keep(request: pytest.FixtureRequest) -> Keep:
    store, fast = request.param
    return Keep(STORES[store], RoundSettings(together=fast), LastSeenSettings(remembers=fast))


@pytest.fixture(params=_KEEPS, ids=_name)
def keep(request: pytest.FixtureRequest) -> Keep:
    return _keep(request)


@pytest.fixture(params=_HINTED, ids=_name)
def hinted(request: pytest.FixtureRequest) -> Keep:
    """A keep of which a wait is woken by what happens."""
    return _keep(request)
