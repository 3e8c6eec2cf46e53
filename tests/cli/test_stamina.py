"""An actor repeats what ended in doubt, and only that, and not for ever."""

import pytest
from attrs import define

from turnkeep import Corrupt, TurnkeepError, Unavailable
from turnkeep_adapters.cli.demo import stamina
from turnkeep_adapters.cli.demo.stamina import insisting


@define
class Command:
    """Fails so often, then answers."""

    error: TurnkeepError
    failures: int
    sent: int = 0

    async def send(self) -> str:
        self.sent += 1
        if self.sent <= self.failures:
            raise self.error
        return "done"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamina, "_PAUSE_SECONDS", 0.0)


async def test_what_may_be_repeated_is_repeated() -> None:
    command = Command(Unavailable("it is away"), failures=3)
    assert await insisting(command.send) == "done"
    assert command.sent == 4


async def test_what_may_not_be_repeated_is_not() -> None:
    command = Command(Corrupt("it is damaged"), failures=1)
    with pytest.raises(Corrupt):
        await insisting(command.send)
    assert command.sent == 1


async def test_the_last_error_is_told_when_stamina_is_spent() -> None:
    command = Command(Unavailable("it is away"), failures=99)
    with pytest.raises(Unavailable):
        await insisting(command.send)
    assert command.sent == 4
