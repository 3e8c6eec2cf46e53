"""An inspection: what a store's directory holds, whether it agrees, and what of it can be saved.

Nothing here writes to the directory that it is asked about, and nothing is repaired in place: to
free a number of the log would let two histories grow from it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from attrs import define, evolve, field, frozen

from turnkeep_adapters.files import layout
from turnkeep_adapters.files.checkpoint import checkpoint_bytes, read_checkpoint_head
from turnkeep_adapters.files.compaction import Compaction
from turnkeep_adapters.files.disk import Disk, NotRegular
from turnkeep_adapters.files.following import Following
from turnkeep_adapters.files.form import Form
from turnkeep_adapters.files.framing import Damaged
from turnkeep_adapters.files.home import Home
from turnkeep_adapters.files.local_disk import LocalDisk
from turnkeep_adapters.files.opening import absolute, make_store, read_only_home
from turnkeep_adapters.files.segment import read_segment
from turnkeep_adapters.files.trouble import unavailable
from turnkeep_adapters.files.view import View
from turnkeep_adapters.memory.event_log import STORE_ID_BYTES
from turnkeep_ports.errors import Corrupt, SchemaTooNew

_LOCAL: Final = LocalDisk()


@frozen(kw_only=True)
class BucketFacts:
    """A directory of the log.

    Attributes:
        first: The number that its name says.
        segments: How many it holds.
        last: The highest of their numbers; None for none.
    """

    name: str
    first: int
    segments: int
    last: int | None


@frozen(kw_only=True)
class Inspection:
    """What the names in a store's directory tell; no content but the head's is read.

    Attributes:
        store_id: In hexadecimal digits.
        file_system: The type of the file system, where it is known.
        head: The highest number that any name mentions; 0 for none.
        checkpoints: Their numbers.
        buckets: Those that hold segments, or will take the next one.
        orphans: Buckets that a process made and never made known, as by a crash. They stay.
        left: Files in `tmp`; those of running processes vanish by themselves, others are swept.
        trash: Buckets that have left the log and wait to be removed.
        unknown: Names that no store makes. They stay.
    """

    store_id: str
    file_system: str | None
    head: int
    checkpoints: tuple[int, ...]
    buckets: tuple[BucketFacts, ...]
    orphans: tuple[str, ...]
    left: tuple[str, ...]
    trash: tuple[str, ...]
    unknown: tuple[str, ...]


@frozen(kw_only=True)
class Verification:
    """What a walk along the whole log has found.

    Attributes:
        first: The number that it began after: the oldest whole checkpoint's, or 0.
        head: The last number that is proven.
        replayed: The checkpoints that the log between them has led to, byte by byte.
        findings: Sentences on what is damaged or missing; none where all is well.
        cells: How many there are at the head.
        events: How many there are at the head, after the floor.
    """

    first: int
    head: int
    replayed: tuple[int, ...]
    findings: tuple[str, ...]
    cells: int
    events: int


@frozen(kw_only=True)
class Salvage:
    """What was saved into a new store.

    Attributes:
        head: The last number that was proven, and is saved.
        mentioned: The highest number that the old store mentions; what lies between is lost.
        finding: What ended the proof; None where nothing is lost.
        cells: How many were saved.
        events: How many were saved.
    """

    head: int
    mentioned: int
    finding: str | None
    cells: int
    events: int


def inspect(path: str | os.PathLike[str], *, disk: Disk = _LOCAL) -> Inspection:
    """Tells what a store's directory holds.

    Raises:
        Unsupported: There is no store.
        Corrupt: `FORMAT` is damaged, or a directory is missing.
        SchemaTooNew: A newer release made it.
        Unavailable: A system call failed.
    """
    with _reading(disk, path) as (home, form):
        every = [_bucket_facts(home, name) for name in home.buckets()]
        checkpoints = home.checkpoint_numbers()
        last = [bucket for bucket in every if bucket.last is not None]
        current = _current_bucket(home, form, last)
        used = [each for each in every if each.last is not None or each.name == current]
        return Inspection(
            store_id=form.store_id.hex(),
            file_system=disk.file_system(absolute(path)),
            head=max([0, *checkpoints, *(each.last for each in last if each.last)]),
            checkpoints=tuple(checkpoints),
            buckets=tuple(used),
            orphans=tuple(each.name for each in every if each not in used),
            left=tuple(sorted(filter(layout.is_temp, disk.names(home.tmp)))),
            trash=tuple(sorted(disk.names(home.trash))),
            unknown=tuple(sorted(_unknown(home))),
        )


def verify(path: str | os.PathLike[str], *, disk: Disk = _LOCAL) -> Verification:
    """Walks the whole log, and compares each checkpoint with what the log makes of the one before.

    It may run beside processes that use the store. Takes the time and memory of opening it.

    Raises:
        Unsupported: There is no store.
        Corrupt: `FORMAT` is damaged, or a directory is missing.
        SchemaTooNew: A newer release made it.
        Unavailable: A system call failed.
    """
    with _reading(disk, path) as (home, form):
        return _Walk(home=home, form=form).result()


def salvage(
    old: str | os.PathLike[str], new: str | os.PathLike[str], *, disk: Disk = _LOCAL
) -> Salvage:
    """Writes what can be proven of one store into another, which is made for it.

    All processes that use the old store must have ended. The new one has an id of its own, so that
    cursors and marks of the old one are lost; revisions stay, and none is ever repeated.

    Args:
        old: Is read, and left as it is.
        new: An empty or missing directory.
        disk: Where both are.

    Raises:
        Unsupported: There is no old store, or no store may be at the new place.
        Corrupt: `FORMAT` is damaged, or a directory is missing.
        SchemaTooNew: A newer release made it.
        Unavailable: A system call failed.
    """
    with _reading(disk, old) as (home, form):
        following = Following(home, form, on_segment=lambda number, keys: None)
        following.load_newer()
        finding = _followed(following)
        _save(disk, absolute(new), following.view)
        state = following.view.engine.state()
        return Salvage(
            head=following.view.head.number,
            mentioned=max(following.view.head.number, following.highest_mentioned()),
            finding=finding,
            cells=len(state.rows),
            events=len(state.events),
        )


@define(kw_only=True)
class _Walk:
    """One verification."""

    home: Home
    form: Form
    following: Following = field(init=False)
    findings: list[str] = field(factory=list, init=False)
    replayed: list[int] = field(factory=list, init=False)
    damaged: set[int] = field(factory=set, init=False)

    def result(self) -> Verification:
        self.following = Following(self.home, self.form, on_segment=self._passed)
        first = self._begin()
        finding = _followed(self.following)
        if finding is not None:
            self.findings.append(finding)
        state = self.following.view.engine.state()
        return Verification(
            first=first,
            head=self.following.view.head.number,
            replayed=tuple(self.replayed),
            findings=tuple(self.findings),
            cells=len(state.rows),
            events=len(state.events),
        )

    def _begin(self) -> int:
        """Starts from the oldest checkpoint that is whole, and finds those that are not."""
        whole = [number for number in self.home.checkpoint_numbers() if self._is_whole(number)]
        for number in whole:
            raw = self.home.read_checkpoint(number)
            # A checkpoint that vanished meanwhile has been replaced by newer ones.
            if raw is not None and self.following.load(number, raw):
                return number
        return 0

    def _is_whole(self, number: int) -> bool:
        try:
            raw = self.home.read_checkpoint(number)
            head = None if raw is None else read_checkpoint_head(raw)
        except Damaged as damage:
            return self._damaged(number, str(damage))
        except NotRegular:
            return self._damaged(number, "is no regular file")
        if head is not None and (head.store_id, head.number) != (self.form.store_id, number):
            return self._damaged(number, "is of another store or number")
        return head is not None

    def _damaged(self, number: int, why: str) -> bool:
        self.damaged.add(number)
        self.findings.append(f"checkpoint {number} {why}")
        return False

    def _passed(self, number: int, keys: set[bytes] | None) -> None:
        if keys is None or number in self.damaged:
            return
        raw = self.home.read_checkpoint(number)
        if raw is None:
            return
        if raw == checkpoint_bytes(self.following.view.checkpoint()):
            self.replayed.append(number)
        else:
            self.findings.append(f"checkpoint {number} is not what the log makes of the one before")


@contextmanager
def _reading(disk: Disk, path: str | os.PathLike[str]) -> Iterator[tuple[Home, Form]]:
    home, form = read_only_home(disk, absolute(path))
    try:
        yield home, form
    except OSError as error:
        raise unavailable("reading the store's directory", error) from error
    finally:
        home.close()


def _followed(following: Following) -> str | None:
    """Follows the log as far as it is proven; tells what ended that before its end."""
    try:
        following.catch_up()
        following.require_complete()
    except (Corrupt, SchemaTooNew) as error:
        return error.why if isinstance(error, Corrupt) else str(error)
    return None


def _save(disk: Disk, path: str, view: View) -> None:
    form = Form(store_id=secrets.token_bytes(STORE_ID_BYTES), first_bucket=layout.fresh_bucket(1))
    home = make_store(disk, path, form)
    try:
        if view.head.number == 0:
            disk.make_directory(home.log, form.first_bucket)
            home.sync(home.log)
            return
        # The first bucket is never made: were the checkpoint lost, the store must not look empty.
        bucket = home.make_bucket(view.head.number + 1)
        checkpoint = view.checkpoint()
        head = evolve(checkpoint.head, store_id=form.store_id, bucket=bucket)
        compaction = Compaction(home=home, store_id=form.store_id, stops=lambda: False)
        compaction.write(evolve(checkpoint, head=head))
    finally:
        home.close()


def _bucket_facts(home: Home, name: str) -> BucketFacts:
    numbers = home.bucket_numbers(name)
    return BucketFacts(
        name=name,
        first=layout.first_of(name) or 0,
        segments=len(numbers),
        last=max(numbers, default=None),
    )


def _current_bucket(home: Home, form: Form, used: list[BucketFacts]) -> str | None:
    """Where the next segment goes, as the last segment, or checkpoint, says."""
    try:
        if used:
            last = max(used, key=lambda bucket: bucket.last or 0)
            raw = home.read_segment(last.name, last.last or 0)
            closing = None if raw is None else read_segment(raw).next_bucket
            return closing or last.name
        for number in reversed(home.checkpoint_numbers()):
            raw = home.read_checkpoint(number)
            return None if raw is None else read_checkpoint_head(raw).bucket
    except (Damaged, SchemaTooNew, NotRegular):
        return None
    return form.first_bucket


def _unknown(home: Home) -> Iterator[str]:
    """Names that no store makes, relative to its directory."""
    known = {layout.FORMAT, *layout.DIRECTORIES}
    yield from (name for name in home.disk.names(home.root) if name not in known)
    for place, handle, is_known in (
        (layout.CHECKPOINTS, home.checkpoints, layout.number_of),
        (layout.LOG, home.log, layout.first_of),
        (layout.TRASH, home.trash, layout.first_of),
    ):
        strange = (name for name in home.disk.names(handle) if is_known(name) is None)
        yield from (f"{place}/{name}" for name in strange)
    strange = (name for name in home.disk.names(home.tmp) if not layout.is_temp(name))
    yield from (f"{layout.TMP}/{name}" for name in strange)
    for bucket in home.buckets():
        inside = home.names_in(home.log, bucket)
        strange = (name for name in inside if layout.number_of(name) is None)
        yield from (f"{layout.LOG}/{bucket}/{name}" for name in strange)
