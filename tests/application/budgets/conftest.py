"""The bank of every budgets test, once for each store, and once without what makes it fast."""

from __future__ import annotations

import pytest

from tests.application.budgets.bank import STORES, Bank


@pytest.fixture(params=[*STORES, "plain"])
def bank(request: pytest.FixtureRequest) -> Bank:
    if request.param == "plain":
        return Bank(STORES["memory"], fast=False)
    return Bank(STORES[request.param])
