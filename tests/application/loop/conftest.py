"""The bench of every loop test, once for each way in which commands of one process meet."""

import pytest

from tests.application.loop.bench import Bench
from turnkeep_application.round_settings import RoundSettings


@pytest.fixture(params=[True, False], ids=["rounds", "races"])
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(rounds=RoundSettings(together=request.param))
