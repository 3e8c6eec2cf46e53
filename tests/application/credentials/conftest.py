"""The world of every credentials test, once for each store."""

from __future__ import annotations

import pytest

from tests.application.credentials.accounts import Accounts
from tests.application.worlds import STORES


@pytest.fixture(params=STORES)
def world(request: pytest.FixtureRequest) -> Accounts:
    return Accounts(STORES[request.param])
