"""Sinks of counts: one drops, one keeps."""

from concurrent.futures import ThreadPoolExecutor

from turnkeep_adapters.telemetry.silent import SilentTelemetry
from turnkeep_adapters.telemetry.tallies import Tallies
from turnkeep_ports.telemetry import Counter, Telemetry


def test_silence_takes_every_count() -> None:
    sink: Telemetry = SilentTelemetry()
    for counter in Counter:
        sink.count("approval", counter, 1)
    assert sink == SilentTelemetry()


def test_tallies_add_up_per_collection_and_counter() -> None:
    tallies = Tallies()
    sink: Telemetry = tallies
    sink.count("approval", Counter.UPDATES, 1)
    sink.count("approval", Counter.UPDATES, 1)
    sink.count("approval", Counter.PAUSED_MS, 37)
    sink.count("budget", Counter.UPDATES, 1)
    assert tallies.of("approval", Counter.UPDATES) == 2
    assert tallies.of("approval", Counter.PAUSED_MS) == 37
    assert tallies.of("budget", Counter.UPDATES) == 1
    assert tallies.of("budget", Counter.FENCES) == 0
    assert tallies.total(Counter.UPDATES) == 3


def test_reading_what_was_never_counted_keeps_nothing() -> None:
    tallies = Tallies()
    assert tallies.of("approval", Counter.UPDATES) == 0
    assert tallies.snapshot() == {}


def test_tallies_hold_one_number_for_each_collection_and_counter() -> None:
    tallies = Tallies()
    for _ in range(1_000):
        for counter in Counter:
            tallies.count("approval", counter, 1)
    assert len(tallies.snapshot()) == len(Counter)


def test_a_snapshot_is_of_its_moment() -> None:
    tallies = Tallies()
    tallies.count("approval", Counter.UPDATES, 1)
    before = tallies.snapshot()
    tallies.count("approval", Counter.UPDATES, 1)
    assert before == {("approval", Counter.UPDATES): 1}


def test_threads_lose_no_count() -> None:
    tallies = Tallies()

    def count_many() -> None:
        for _ in range(2_000):
            tallies.count("approval", Counter.ATTEMPTS, 1)

    with ThreadPoolExecutor(8) as threads:
        for _ in range(8):
            threads.submit(count_many)
    assert tallies.of("approval", Counter.ATTEMPTS) == 16_000
