"""Extending: how a process gives the log its next number, once and for all.

A segment is written aside, synced, and linked to its number; the file system lets one win. The link
is believed only if its bucket stands in the log afterwards: it landed there then, where no name is
ever freed. Its writer had applied the number before and carries that one's digest, so numbers are
taken in order, each once. This needs no lock, no clock and no process id, and a process may be
paused anywhere for any time.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from datetime import datetime

from attrs import define

from turnkeep_adapters.files.disk import NotRegular
from turnkeep_adapters.files.following import Following
from turnkeep_adapters.files.home import Home, SyncFailed
from turnkeep_adapters.files.layout import NUMBER_MAX, SEGMENT_BYTES_MAX, first_of
from turnkeep_adapters.files.segment import Item, Segment, segment_bytes
from turnkeep_adapters.files.trouble import clause, unavailable, unknown
from turnkeep_ports.errors import OutcomeUnknown, Unavailable


@define(kw_only=True)
class Extending:
    """The writing end of a log. Used by one thread at a time.

    Attributes:
        bucket_segments: After how many segments a bucket is closed.
    """

    following: Following
    bucket_segments: int

    def extend(self, items: Sequence[Item], time: datetime, *, closes: bool = False) -> bool:
        """Writes the next segment and applies it; the view must be caught up.

        Args:
            items: What happens, judged upon the view.
            time: The time of the judgement, not before the view's.
            closes: Whether the bucket is closed, though it may not be full.

        Returns:
            False where another process took the number, and nothing was written.

        Raises:
            Unavailable: Nothing was written.
            OutcomeUnknown: It may have been.
        """
        home, view = self.following.home, self.following.view
        home.require_place()
        number = view.head.number + 1
        if number > NUMBER_MAX:
            raise Unavailable("the log has no numbers left", retryable=False)
        next_bucket = self._next_bucket(number, closes=closes)
        segment = Segment(
            store_id=view.store_id,
            number=number,
            previous=view.head.digest,
            time=time,
            next_bucket=next_bucket,
            sequence=view.engine.sequence,
            items=tuple(items),
        )
        raw = segment_bytes(segment)
        attempt = _Attempt(home, view.head.bucket, number, next_bucket, raw)
        temp = attempt.write()
        try:
            if not attempt.link(temp):
                return False
            attempt.believe(temp)
            self.following.apply(segment, raw)
        finally:
            home.drop_temp(temp)
        return True

    def _next_bucket(self, number: int, *, closes: bool) -> str | None:
        home, bucket = self.following.home, self.following.view.head.bucket
        if not closes and number + 1 - (first_of(bucket) or 0) < self.bucket_segments:
            return None
        try:
            return home.make_bucket(number + 1)
        except OSError as error:
            raise unavailable("making a bucket", error) from error


@define
class _Attempt:
    """One try to take one number."""

    home: Home
    bucket: str
    number: int
    next_bucket: str | None
    raw: bytes

    def write(self) -> str:
        if len(self.raw) > SEGMENT_BYTES_MAX:
            self._drop_bucket()
            raise Unavailable("a segment would be too long to be read", retryable=False)
        try:
            return self.home.write_temp(self.raw)
        except OSError as error:
            self._drop_bucket()
            raise unavailable("writing a segment", error) from error

    def link(self, temp: str) -> bool:
        """Whether the number is ours; False where it is another's, or the bucket is gone."""
        try:
            self.home.link_segment(temp, self.bucket, self.number)
        except OSError as error:
            if self._landed():
                return True
            if error.errno == errno.EIO:
                raise unknown("linking a segment", error) from error
            self._drop_bucket()
            if error.errno in (errno.EEXIST, errno.ENOENT):
                return False
            raise unavailable("linking a segment", error) from error
        return True

    def believe(self, temp: str) -> None:
        """Makes the link durable, tells that it is, and makes sure that it is in the log.

        Raises:
            OutcomeUnknown: It is not durable, or it is in a bucket that has left the log: before
                or after it was linked, which its commit ids decide.
        """
        try:
            stands = self.home.sync_bucket(self.bucket)
            if stands:
                # Only now: whoever finds the mark does not sync.
                self.home.mark_synced(temp)
                stands = self.home.stands(self.bucket)
        except SyncFailed as error:
            raise unknown("syncing a bucket", error) from error
        except OSError as error:
            raise unknown("looking for a bucket", error) from error
        if not stands:
            raise OutcomeUnknown("the log was compacted while a segment was linked")

    def _landed(self) -> bool:
        """Whether what is at the number is what we wrote.

        Its bytes tell. Its inode does not: a file that was swept is gone, and the next that anybody
        makes may have the same.
        """
        try:
            return self.home.read_segment(self.bucket, self.number) == self.raw
        except NotRegular:
            return False
        except OSError as error:
            raise OutcomeUnknown(clause("looking for a segment", error)) from error

    def _drop_bucket(self) -> None:
        if self.next_bucket is not None:
            self.home.drop_bucket(self.next_bucket)
