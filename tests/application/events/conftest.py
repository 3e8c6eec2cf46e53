"""The world of every test of events, once for each store."""

from __future__ import annotations

import pytest

from tests.application.worlds import STORES, World


@pytest.fixture(params=STORES)
def world(request: pytest.FixtureRequest) -> World:
    return World(STORES[request.param])
