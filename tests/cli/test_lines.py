"""Lines come as they are read, one held at a time, whatever they come from."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_adapters.cli.demo.lines import Line, Source, Splitter


def split(chunks: list[bytes], bytes_max: int = 100) -> list[Line]:
    splitter = Splitter(bytes_max)
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    return [*lines, *splitter.end()]


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def read(source: Source) -> list[Line]:
    return [line async for line in source.lines()]


def test_lines_end_with_a_line_feed_or_with_the_file() -> None:
    assert split([b"a\n\nb\r\nc"]) == [Line(1, b"a"), Line(2, b""), Line(3, b"b\r"), Line(4, b"c")]


def test_a_file_that_ends_with_a_line_feed_has_no_further_line() -> None:
    assert split([b"a\n"]) == [Line(1, b"a")]


def test_an_empty_file_has_no_line() -> None:
    assert split([]) == []


@given(st.lists(st.binary(max_size=5)))
def test_where_chunks_end_does_not_matter(chunks: list[bytes]) -> None:
    assert split(chunks, 3) == split([b"".join(chunks)], 3)


@given(st.binary(max_size=40))
def test_every_line_is_given_whole_or_as_too_long(content: bytes) -> None:
    pieces = content.split(b"\n")
    expected = pieces[:-1] if not pieces[-1] else pieces
    given_lines = split([content], 3)
    assert [line.number for line in given_lines] == list(range(1, len(expected) + 1))
    assert [line.content for line in given_lines] == [
        piece if len(piece) <= 3 else None for piece in expected
    ]


def test_what_follows_a_line_that_is_too_long_is_read() -> None:
    assert split([b"x" * 101, b"x\n", b"y" * 100, b"\nz"]) == [
        Line(1, None),
        Line(2, b"y" * 100),
        Line(3, b"z"),
    ]


def test_a_line_that_is_too_long_is_not_held() -> None:
    splitter = Splitter(10)
    for _ in range(1_000):
        assert list(splitter.feed(b"x" * 10)) == []
    assert sum(map(len, splitter._parts)) <= 10


async def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    content = b"first\n" + b"x" * 200_000 + b"\nlast"
    path.write_bytes(content)
    with opened(path) as descriptor:
        source = Source.of(descriptor)
        lines = await read(source)
    assert lines == [Line(1, b"first"), Line(2, b"x" * 200_000), Line(3, b"last")]
    assert source.bytes_read == source.bytes_all == len(content)


async def test_a_pipe_is_waited_for_while_others_run() -> None:
    reading, writing = os.pipe()
    try:
        source = Source.of(reading)
        lines = source.lines()
        first = asyncio.ensure_future(anext(lines))
        for _ in range(3):
            await asyncio.sleep(0)
        assert not first.done()
        os.write(writing, b"a\nb")
        assert await first == Line(1, b"a")
        os.close(writing)
        assert [line async for line in lines] == [Line(2, b"b")]
        assert source.bytes_all is None
    finally:
        os.close(reading)


async def test_a_wait_for_a_pipe_can_be_cancelled() -> None:
    reading, writing = os.pipe()
    try:
        waiting = asyncio.ensure_future(read(Source.of(reading)))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert not asyncio.get_running_loop().remove_reader(reading)
    finally:
        os.close(reading)
        os.close(writing)


async def test_a_device_that_cannot_be_watched_is_read() -> None:
    with opened(Path(os.devnull)) as descriptor:
        assert await read(Source.of(descriptor)) == []


async def test_what_never_ends_can_be_cancelled() -> None:
    with opened(Path("/dev/zero")) as descriptor:
        reading = asyncio.ensure_future(read(Source.of(descriptor)))
        for _ in range(10):
            await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading


def test_a_directory_is_no_source(tmp_path: Path) -> None:
    with opened(tmp_path) as descriptor, pytest.raises(IsADirectoryError, match="directory"):
        Source.of(descriptor)
