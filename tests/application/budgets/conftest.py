"""The bank of every budgets test, once for each store."""

from __future__ import annotations

import pytest

from tests.application.budgets.bank import STORES, Bank


@pytest.fixture(params=STORES)
def bank(request: pytest.FixtureRequest) -> Bank:
    return Bank(STORES[request.param])
