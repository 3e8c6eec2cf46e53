"""The keep of every approvals test, once for each store, with and without what makes it fast."""

from __future__ import annotations

import pytest

from tests.application.approvals.keep import STORES, Keep
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.round_settings import RoundSettings


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[True, False], ids=["fast", "plain"])
def keep(store: str, request: pytest.FixtureRequest) -> Keep:
    return Keep(
        STORES[store],
        RoundSettings(together=request.param),
        LastSeenSettings(remembers=request.param),
    )
