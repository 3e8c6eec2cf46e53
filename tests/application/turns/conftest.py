"""What the laws of turns share: a keep over every store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.application.turns.keep import Keep
from tests.application.turns.worlds import VIRTUAL, WORLDS


@pytest.fixture(params=list(WORLDS))
def keep(request: pytest.FixtureRequest) -> Iterator[Keep]:
    """A keep over each store, in its own time."""
    world = WORLDS[request.param]()
    yield Keep(world)
    world.close()


@pytest.fixture(params=list(VIRTUAL))
def timed(request: pytest.FixtureRequest) -> Keep:
    """A keep over each store whose time the test makes pass."""
    return Keep(VIRTUAL[request.param]())
