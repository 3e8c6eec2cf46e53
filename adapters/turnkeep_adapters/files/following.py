"""Following: how a process learns what the log says, and when it may believe it.

Three rules make it safe, whatever pauses strike wherever:

* Whatever was found in a bucket, also that nothing was, is believed only if the bucket stands in
  the log *afterwards*: a bucket that has left never returns, so it stood before.
* A bucket that is gone was compacted away; a newer checkpoint says what it held.
* The view is used only after the buckets that supplied new segments were synced, so that nobody
  acts on what a power cut may take back. Their writers have done so where they have marked the
  last segment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from turnkeep_adapters.files.checkpoint import read_checkpoint
from turnkeep_adapters.files.disk import NotRegular
from turnkeep_adapters.files.form import Form
from turnkeep_adapters.files.framing import Damaged, digest_of
from turnkeep_adapters.files.home import Home
from turnkeep_adapters.files.layout import CHECKPOINT_BYTES_MAX, SEGMENT_BYTES_MAX, first_of
from turnkeep_adapters.files.segment import Segment, read_segment
from turnkeep_adapters.files.trouble import corrupt_checkpoint, corrupt_segment
from turnkeep_adapters.files.view import View

LISTINGS_MAX: Final = 5
"""How often the checkpoints are listed while others replace them."""


class Gone(Exception):
    """A bucket has left the log."""


class Following:
    """The log as one process knows it. Used by one thread at a time.

    Attributes:
        view: What is known; replaced as a whole where a checkpoint is loaded.
        checkpoint_number: The newest checkpoint that is known of; 0 for none.
        checkpoint_bytes: How long that checkpoint is.
        log_bytes: How much was applied since.
        heeds_marks: Whether a marked segment counts as synced; False until the file system was seen
            to keep marks, and what was there before was synced: a copy has marks, too.
    """

    def __init__(
        self, home: Home, form: Form, *, on_segment: Callable[[int, set[bytes] | None], None]
    ) -> None:
        """Knows nothing yet.

        Args:
            home: Where the log is.
            form: What its `FORMAT` says.
            on_segment: Is told each number that is applied, with the keys that it concerns; None
                for those of a checkpoint, which are not known.
        """
        self.home = home
        self.form = form
        self.view = View.at_beginning(form)
        self.checkpoint_number = 0
        self.checkpoint_bytes = 0
        self.log_bytes = 0
        self._on_segment = on_segment
        self.heeds_marks = False
        self._unsynced: dict[str, int] = {}

    def begin(self) -> None:
        """Loads the newest checkpoint that can be read, and everything after it.

        Raises:
            Corrupt: Something is missing or damaged.
            SchemaTooNew: A newer release wrote it.
            OSError: It could not be read.
        """
        self.load_newer()
        self.catch_up()
        self.require_complete()

    def require_complete(self) -> None:
        """Makes sure that nothing is mentioned anywhere that cannot be reached.

        Raises:
            Corrupt: Something is.
            SchemaTooNew: A newer release wrote it.
            OSError: It could not be read.
        """
        # What is mentioned now must have been there for the look that comes after.
        highest = self.highest_mentioned()
        if self.view.head.number < highest:
            self.catch_up()
        if self.view.head.number < highest:
            raise corrupt_segment(self.view.head.number + 1, "is missing")

    def catch_up(self) -> None:
        """Applies every segment that is there, and makes sure that it stays there.

        Raises:
            Corrupt: A segment is damaged, missing or foreign; nothing of it was applied.
            SchemaTooNew: A newer release wrote it.
            SyncFailed: It may not stay there.
            OSError: It could not be read.
        """
        while True:
            try:
                raw = self._next()
            except Gone:
                self._reload()
                continue
            if raw is None:
                break
            segment = self._verified(raw)
            self._unsynced[self.view.head.bucket] = segment.number
            self.apply(segment, raw)
        while self._unsynced:
            bucket, last = next(iter(self._unsynced.items()))
            if not (self.heeds_marks and self.home.is_synced(bucket, last)):
                # A bucket that is gone was covered by a durable checkpoint before it went.
                self.home.sync_bucket(bucket)
            del self._unsynced[bucket]

    def apply(self, segment: Segment, raw: bytes) -> None:
        """Makes the next segment happen."""
        keys = self.view.apply(segment, digest_of(raw))
        self.log_bytes += len(raw)
        self._on_segment(segment.number, keys)

    def compacted(self, number: int, size_bytes: int) -> None:
        """Starts measuring the log anew, from a checkpoint."""
        self.log_bytes = 0
        self.checkpoint_number = number
        self.checkpoint_bytes = size_bytes

    # ---- looking --------------------------------------------------------------------------------

    def _next(self) -> bytes | None:
        """The bytes of the next segment; None where this is the end."""
        number = self.view.head.number + 1
        raw = self._look(number)
        if raw is None and self.home.segment_status(self.view.head.bucket, number + 1):
            # Overtaken between two looks, or a hole.
            raw = self._look(number)
            if raw is None:
                raise corrupt_segment(number, "is missing")
        return raw

    def _look(self, number: int) -> bytes | None:
        bucket = self.view.head.bucket
        try:
            raw = self.home.read_segment(bucket, number)
        except NotRegular:
            raise corrupt_segment(number, "is no regular file") from None
        if not self.home.stands(bucket):
            raise Gone
        return raw

    def _verified(self, raw: bytes) -> Segment:
        number = self.view.head.number + 1
        if len(raw) > SEGMENT_BYTES_MAX:
            raise corrupt_segment(number, "is too long")
        try:
            segment = read_segment(raw)
        except Damaged as damage:
            raise corrupt_segment(number, damage) from None
        misfit = self.view.misfit(segment)
        if misfit is not None:
            raise corrupt_segment(number, misfit)
        return segment

    # ---- checkpoints ----------------------------------------------------------------------------

    def _reload(self) -> None:
        number = self.view.head.number + 1
        if not self.load_newer():
            raise corrupt_segment(number, "is missing with its bucket, and in no newer checkpoint")

    def load_newer(self) -> bool:
        """Loads the newest checkpoint that is whole; False if none is newer than the view."""
        for _ in range(LISTINGS_MAX):
            newer = [n for n in self.home.checkpoint_numbers() if n > self.view.head.number]
            vanished = False
            for number in reversed(newer):
                raw = self._checkpoint(number)
                vanished = vanished or raw is None
                if raw is not None and self.load(number, raw):
                    return True
            if not vanished:
                return False
        return False

    def load(self, number: int, raw: bytes) -> bool:
        """Replaces the view by a checkpoint's; False if that is not whole, or not of this log.

        Raises:
            SchemaTooNew: A newer release wrote it.
        """
        try:
            checkpoint = read_checkpoint(raw)
        except Damaged:
            return False
        if (checkpoint.head.store_id, checkpoint.head.number) != (self.form.store_id, number):
            return False
        self.view = View.at_checkpoint(checkpoint)
        self._unsynced.clear()
        self.compacted(number, len(raw))
        self._on_segment(number, None)
        return True

    def _checkpoint(self, number: int) -> bytes | None:
        try:
            raw = self.home.read_checkpoint(number)
        except NotRegular:
            return b""
        if raw is not None and len(raw) > CHECKPOINT_BYTES_MAX:
            raise corrupt_checkpoint(number, "is too long")
        return raw

    def highest_mentioned(self) -> int:
        """The highest number that any name tells of, where it may be beyond the view."""
        bucket = first_of(self.view.head.bucket) or 0
        mentioned = self.home.checkpoint_numbers()
        for name in self.home.buckets():
            if (first_of(name) or 0) >= bucket:
                mentioned += self.home.bucket_numbers(name)
        return max(mentioned, default=0)
