"""The local disk: what is particular to the operating system's own calls."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from turnkeep_adapters.files import local_disk
from turnkeep_adapters.files.local_disk import LocalDisk

Read = Callable[[int, int], bytes]


@contextmanager
def opened(path: Path) -> Iterator[int]:
    handle = LocalDisk().open_root(str(path))
    try:
        yield handle
    finally:
        LocalDisk().close(handle)


def test_a_file_is_read_with_one_call_of_its_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However much might be read: room for the most that a segment may have is costly to get."""
    (tmp_path / "file").write_bytes(b"0123456789")
    asked: list[int] = []
    read: Read = os.read

    def counted(handle: int, length: int) -> bytes:
        asked.append(length)
        return read(handle, length)

    monkeypatch.setattr(os, "read", counted)
    with opened(tmp_path) as at:
        assert LocalDisk().read(at, "file", 1 << 26) == b"0123456789"
        assert LocalDisk().read(at, "file", 4) == b"0123"
    assert asked == [10, 4]


def test_a_file_that_the_system_reads_in_parts_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    read: Read = os.read
    monkeypatch.setattr(os, "read", lambda handle, length: read(handle, min(length, 3)))
    with opened(tmp_path) as at:
        assert LocalDisk().read(at, "file", 1 << 26) == b"0123456789"


def test_a_file_that_is_cut_while_it_is_read_ends_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    read: Read = os.read

    def cut(handle: int, length: int) -> bytes:
        os.truncate(tmp_path / "file", 4)
        return read(handle, length)

    monkeypatch.setattr(os, "read", cut)
    with opened(tmp_path) as at:
        assert LocalDisk().read(at, "file", 1 << 26) == b"0123"


def test_an_empty_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with opened(tmp_path) as at:
        assert LocalDisk().read(at, "file", 1 << 26) == b""


def test_a_mark_shows_under_each_name_of_a_file_and_is_not_there_before(tmp_path: Path) -> None:
    disk = LocalDisk()
    with opened(tmp_path) as at:
        disk.close(disk.create(at, "file"))
        disk.link(at, "file", at, "twin")
        assert not disk.status(at, "twin").is_marked
        disk.mark(at, "file")
        assert disk.status(at, "twin").is_marked


def test_a_mark_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    with opened(tmp_path) as at:
        with pytest.raises(OSError, match="symbolic links"):
            LocalDisk().mark(at, "link")
        assert not LocalDisk().status(at, "file").is_marked


@pytest.mark.parametrize("through", [None, 51])
def test_a_sync_goes_through_the_cache_of_the_drive_where_the_system_asks_for_more_than_fsync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, through: int | None
) -> None:
    synced: list[tuple[int, int | None]] = []
    monkeypatch.setattr(local_disk, "_THROUGH", through)
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append((handle, None)))
    monkeypatch.setattr(fcntl, "fcntl", lambda handle, command: synced.append((handle, command)))
    with opened(tmp_path) as at:
        LocalDisk().sync(at)
        assert synced == [(at, through)]
