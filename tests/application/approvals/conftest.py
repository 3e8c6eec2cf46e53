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


@pytest.fixture(
    params=_KEEPS, ids=[f"{'fast' if fast else 'plain'}-{store}" for store, fast in _KEEPS]
)
def keep(request: pytest.FixtureRequest) -> Keep:
    store, fast = request.param
    return Keep(STORES[store], RoundSettings(together=fast), LastSeenSettings(remembers=fast))
