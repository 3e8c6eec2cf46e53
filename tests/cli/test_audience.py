"""An audience hears of progress now and then, and of every line that is left out, up to a point."""

import io

import pytest
from attrs import define

from turnkeep_adapters.cli.demo.audience import Bar, Log, watching
from turnkeep_adapters.cli.demo.lines import Source
from turnkeep_adapters.cli.demo.recording import Unusable


@define
class Time:
    """The time that it is, which only a test moves."""

    now: float = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def half_read() -> Source:
    source = Source(0, 200)
    source.bytes_read = 100
    return source


def test_a_log_says_now_and_then_how_far_it_has_come(time: Time) -> None:
    stream = io.StringIO()
    with watching(stream, half_read(), time.monotonic) as log:
        for _ in range(40):
            log.one_more()
            time.now += 1
    # After 5 seconds, then after 10 more, then after 20 more.
    assert stream.getvalue().splitlines() == [
        "6 turns done, 50% of the input read",
        "16 turns done, 50% of the input read",
        "36 turns done, 50% of the input read",
    ]


def test_a_log_does_not_say_how_much_there_is_where_nobody_knows(time: Time) -> None:
    stream = io.StringIO()
    with watching(stream, Source(0, None), time.monotonic) as log:
        time.now += 10
        log.one_more()
    assert stream.getvalue() == "1 turn done\n"


def test_a_log_of_a_short_play_is_silent(time: Time) -> None:
    stream = io.StringIO()
    with watching(stream, half_read(), time.monotonic) as log:
        for _ in range(999):
            log.one_more()
        log.examining()
        assert stream.getvalue() == ""
        log.one_more()
        log.examining()
    assert stream.getvalue() == "1,000 turns done; the store is read again\n"


def test_what_is_left_out_is_named_a_hundred_times(time: Time) -> None:
    stream = io.StringIO()
    with watching(stream, half_read(), time.monotonic) as log:
        for number in range(1, 1_000):
            log.unusable(Unusable(number, "task is missing"))
    lines = stream.getvalue().splitlines()
    assert lines[0] == "line 1: task is missing (left out)"
    assert lines[99] == "line 100: task is missing (left out)"
    assert lines[100:] == ["what else cannot be used is only counted"]


def test_a_closed_stream_has_nobody() -> None:
    with watching(None, half_read()) as log:
        assert isinstance(log, Log)
        log.unusable(Unusable(1, "task is missing"))


@pytest.mark.parametrize(("term", "kind"), [("dumb", Log), ("xterm", Bar)])
def test_a_terminal_that_cannot_move_reads_lines(
    monkeypatch: pytest.MonkeyPatch, term: str, kind: type
) -> None:
    monkeypatch.setenv("TERM", term)
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    with watching(terminal, half_read()) as audience:
        assert isinstance(audience, kind)
