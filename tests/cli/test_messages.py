"""What a company and its workers tell each other arrives as it was told."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from turnkeep_adapters.cli.demo.effort import Effort
from turnkeep_adapters.cli.demo.handout import Part
from turnkeep_adapters.cli.demo.lines import Line, Splitter
from turnkeep_adapters.cli.demo.messages import (
    END,
    Contract,
    Deserted,
    Ended,
    Halted,
    Message,
    OneMore,
    handed,
    message_bytes,
    read_message,
    task_bytes,
)
from turnkeep_adapters.cli.demo.recording import Unusable

LINES = [Line(1, b"{}"), Line(7, b"\xff\x00 \r"), Line(12, b"end"), Line(1_000, b"7")]


async def split(content: bytes) -> AsyncIterator[Line]:
    splitter = Splitter()
    for one in (*splitter.feed(content), *splitter.end()):
        yield one


async def received(content: bytes) -> list[Line]:
    return [one async for one in handed(split(content))]


def sent(lines: Iterable[Line]) -> bytes:
    return b"".join(map(task_bytes, lines))


async def test_lines_arrive_with_their_numbers_until_the_end() -> None:
    assert await received(sent(LINES) + END + b"\n" + sent(LINES)) == LINES


@pytest.mark.parametrize("kept", [0, 2, len(task_bytes(LINES[0])), len(sent(LINES))])
async def test_whoever_is_left_alone_in_the_middle_notices(kept: int) -> None:
    with pytest.raises(Deserted):
        await received(sent(LINES)[:kept])


@pytest.mark.parametrize(
    "message",
    [
        OneMore(),
        Halted(),
        Unusable(3, None, "task is missing"),
        Unusable(3, 2, "its args nest \u00e9"),
        Ended(Effort(updates=1, attempts=2, conflicts=3, paused_ms=4)),
    ],
    ids=lambda message: type(message).__name__,
)
def test_a_message_arrives_as_it_was_sent(message: Message) -> None:
    content = message_bytes(message)
    assert (content.count(b"\n"), content[-1:]) == (1, b"\n")
    assert read_message(content) == message


@pytest.mark.parametrize("halts_after", [None, 12])
def test_a_contract_arrives_as_it_was_sent(halts_after: int | None) -> None:
    contract = Contract(
        store="postgresql://ada:Regen@host/db",
        askers=1,
        deciders=2,
        seed=3,
        ledger=Path("some/\u00e9\n.ledger"),
        halts_after=halts_after,
    )
    content = contract.as_bytes()
    assert content.count(b"\n") == 1
    assert Contract.of(content.rstrip(b"\n")) == contract


def test_a_part_is_handed_out_again_as_it_was(tmp_path: Path) -> None:
    with Part.kept(tmp_path / "part") as part:
        for one in LINES:
            part.add(one)
        assert list(part.lines()) == LINES
        assert part.tasks == len(LINES)
