"""The bench of every loop test: commands of one process go together or race, and decide on what was
last seen or on loads alone.
"""

import pytest

from tests.application.loop.bench import Bench
from turnkeep_application.last_seen_settings import LastSeenSettings
from turnkeep_application.round_settings import RoundSettings


@pytest.fixture(params=[True, False], ids=["rounds", "races"])
def rounds(request: pytest.FixtureRequest) -> RoundSettings:
    return RoundSettings(together=request.param)


@pytest.fixture(params=[True, False], ids=["seen", "loaded"])
def last_seen(request: pytest.FixtureRequest) -> LastSeenSettings:
    return LastSeenSettings(remembers=request.param)


@pytest.fixture
def bench(rounds: RoundSettings, last_seen: LastSeenSettings) -> Bench:
    return Bench(rounds=rounds, last_seen=last_seen)
