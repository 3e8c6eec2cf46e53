"""Opening: from a path to the home of a store, which is made there if nothing is."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from turnkeep_adapters.files import layout
from turnkeep_adapters.files.disk import Disk, NotRegular
from turnkeep_adapters.files.form import Form, form_bytes, read_form
from turnkeep_adapters.files.framing import Damaged
from turnkeep_adapters.files.home import Home
from turnkeep_adapters.files.premises import (
    require_local,
    require_not_nested,
    require_one_device,
    require_private,
)
from turnkeep_adapters.files.trouble import unavailable
from turnkeep_adapters.memory.event_log import STORE_ID_BYTES
from turnkeep_ports.errors import Corrupt, Unavailable, Unsupported


def open_home(disk: Disk, path: str, *, syncs: bool) -> tuple[Home, Form]:
    """Opens the store in a directory, or makes one in an empty or missing directory.

    Args:
        disk: Where.
        path: Absolute. The directory's parent must be there.
        syncs: Whether what is made must survive a power cut.

    Raises:
        Unsupported: A store may not be in this directory.
        Corrupt: There is a store, and parts of it are missing or damaged.
        SchemaTooNew: A newer release made it.
        Unavailable: A system call failed.
    """
    try:
        require_local(disk, path)
        require_not_nested(disk, path)
        root = _root(disk, path)
        try:
            require_private(disk, root)
            form = _form(disk, root)
            if form is None:
                return _made(disk, path, root, syncs=syncs)
            return _home(disk, path, root, syncs=syncs), form
        except BaseException:
            disk.close(root)
            raise
    except OSError as error:
        # Its text may name the path.
        raise unavailable("opening the store's directory", error) from None


def read_only_home(disk: Disk, path: str) -> tuple[Home, Form]:
    """Opens the store in a directory, and makes nothing.

    Raises:
        Unsupported: There is none.
        Corrupt: Parts of it are missing or damaged.
        SchemaTooNew: A newer release made it.
        Unavailable: A system call failed.
    """
    try:
        root = disk.open_root(path)
        try:
            form = _form(disk, root)
            if form is None:
                raise Unsupported("there is no store in this directory")
            return _home(disk, path, root, syncs=False), form
        except BaseException:
            disk.close(root)
            raise
    except OSError as error:
        raise unavailable("opening the store's directory", error) from None


def make_store(disk: Disk, path: str, form: Form) -> Home:
    """Makes a store of a given form in an empty or missing directory; its first bucket is not made.

    Raises:
        Unsupported: A store may not be in this directory, or there is one.
        Unavailable: A system call failed.
    """
    try:
        require_local(disk, path)
        require_not_nested(disk, path)
        root = _root(disk, path)
        try:
            require_private(disk, root)
            if disk.names(root):
                raise Unsupported("the directory is not empty: choose an empty or a new one")
            home = _furnished(disk, path, root, syncs=True)
            with _handed_back(home):
                _link_form(home, form)
        except BaseException:
            disk.close(root)
            raise
    except OSError as error:
        raise unavailable("making the store's directory", error) from None
    return home


def _root(disk: Disk, path: str) -> int:
    try:
        return disk.open_root(path)
    except FileNotFoundError:
        with suppress(FileExistsError):
            disk.make_root(path)
        return disk.open_root(path)


def _form(disk: Disk, root: int) -> Form | None:
    try:
        raw = disk.read(root, layout.FORMAT, layout.FORMAT_BYTES_MAX)
    except FileNotFoundError:
        return None
    except NotRegular:
        raise Corrupt("FORMAT is no regular file") from None
    try:
        return read_form(raw)
    except Damaged as damage:
        raise Corrupt(f"FORMAT {damage}") from None


def _home(disk: Disk, path: str, root: int, *, syncs: bool) -> Home:
    try:
        home = Home.open(disk, path, root=root, syncs=syncs)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            raise Corrupt("a directory of the store is missing") from error
        raise
    with _handed_back(home):
        require_one_device(home)
        # Whoever made the store may have been stopped before its names were durable.
        home.sync(home.root)
    return home


@contextmanager
def _handed_back(home: Home) -> Iterator[None]:
    """Leaves nothing open but the root, where it ends in an error."""
    try:
        yield
    except BaseException:
        home.hand_back()
        raise


def _made(disk: Disk, path: str, root: int, *, syncs: bool) -> tuple[Home, Form]:
    """Makes a store; where another process is faster, that one's."""
    if set(disk.names(root)) - {layout.FORMAT, *layout.DIRECTORIES}:
        raise Unsupported("the directory holds other files and no store: choose an empty one")
    home = _furnished(disk, path, root, syncs=syncs)
    with _handed_back(home):
        return home, _agreed(home)


def _agreed(home: Home) -> Form:
    """The form of a store that is being made, by whoever links it first."""
    if _was_used(home):
        form = _joined(home)
        if form is None:
            raise Corrupt("FORMAT is missing")
        return form
    bucket = home.make_bucket(1)
    form = Form(store_id=secrets.token_bytes(STORE_ID_BYTES), first_bucket=bucket)
    try:
        _link_form(home, form)
    except (FileExistsError, FileNotFoundError):
        # Another was faster, and may have swept our file since.
        home.drop_bucket(bucket)
        joined = _joined(home)
        if joined is None:
            raise Unavailable("the store was removed while it was opened") from None
        return joined
    return form


def _joined(home: Home) -> Form | None:
    """The form that another process has linked; it may be asleep before its sync."""
    form = _form(home.disk, home.root)
    home.sync(home.root)
    return form


def _furnished(disk: Disk, path: str, root: int, *, syncs: bool) -> Home:
    for name in layout.DIRECTORIES:
        with suppress(FileExistsError):
            disk.make_directory(root, name)
    home = _home(disk, path, root, syncs=syncs)
    with _handed_back(home):
        _sync_parent(home)
    return home


def _sync_parent(home: Home) -> None:
    """Makes the root's own name durable, before a `FORMAT` in it tells that it is.

    Whoever made the root may have been stopped before that.
    """
    try:
        parent = home.disk.open_root(os.path.dirname(os.path.realpath(home.path)))
    except PermissionError:
        # It is not ours to read, so whoever gave us the root has to see to it.
        return
    try:
        home.sync(parent)
    finally:
        home.disk.close(parent)


def _link_form(home: Home, form: Form) -> None:
    temp = home.write_temp(form_bytes(form))
    try:
        home.disk.link(home.tmp, temp, home.root, layout.FORMAT)
    finally:
        home.drop_temp(temp)
    home.sync(home.root)


def _was_used(home: Home) -> bool:
    return bool(home.checkpoint_numbers()) or any(map(home.bucket_numbers, home.buckets()))


def absolute(path: str | os.PathLike[str]) -> str:
    """A path that means the same after a change of the working directory."""
    return os.path.abspath(os.fspath(path))
