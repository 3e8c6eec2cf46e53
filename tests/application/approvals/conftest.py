"""The keep of every approvals test, once for each store."""

from __future__ import annotations

import pytest

from tests.application.approvals.keep import STORES, Keep


@pytest.fixture(params=STORES)
def keep(request: pytest.FixtureRequest) -> Keep:
    return Keep(STORES[request.param])
