"""The world of every test of consent, once for each store."""

from __future__ import annotations

import pytest

from tests.application.consent.consenting import Consenting
from tests.application.worlds import STORES


@pytest.fixture(params=STORES)
def world(request: pytest.FixtureRequest) -> Consenting:
    return Consenting(STORES[request.param])
