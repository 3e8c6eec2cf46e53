"""The world of every secrets test, once for each store."""

from __future__ import annotations

import pytest

from tests.application.secrets.vaults import Vaults
from tests.application.worlds import STORES


@pytest.fixture(params=STORES)
def world(request: pytest.FixtureRequest) -> Vaults:
    return Vaults(STORES[request.param])
