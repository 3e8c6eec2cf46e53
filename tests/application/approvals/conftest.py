"""The keep of every approvals test, once for each store and each way in which commands meet."""

from __future__ import annotations

import pytest

from tests.application.approvals.keep import STORES, Keep
from turnkeep_application.round_settings import RoundSettings


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[True, False], ids=["rounds", "races"])
def keep(store: str, request: pytest.FixtureRequest) -> Keep:
    return Keep(STORES[store], RoundSettings(together=request.param))
