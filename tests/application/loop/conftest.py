"""The bench of every loop test."""

import pytest

from tests.application.loop.bench import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
