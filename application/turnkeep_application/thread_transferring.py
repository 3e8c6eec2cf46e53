"""Transferring: a thread leaves as an archive, and comes about whole from one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from attrs import evolve, frozen

from turnkeep_application.records import Records
from turnkeep_application.thread_archive import Archive, Sealing, read_archive
from turnkeep_application.thread_keys import header_key, message_key, summaries_key
from turnkeep_application.thread_reading import Chunks, ReadingCases
from turnkeep_application.thread_settings import PAGE_BYTES_MAX
from turnkeep_application.thread_views import ThreadReceipt, ThreadView
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.headers import ThreadHeader
from turnkeep_domain.threads.refusals import (
    ExportMoved,
    GateRefusal,
    ImportRefusal,
    ThreadExists,
    ThreadIsDeleted,
)
from turnkeep_domain.threads.thread_states import Deleted, Importing

_BATCH_BYTES: Final = 6 << 20


@frozen(kw_only=True)
class Exported:
    """What an archive has: it is closed, and nothing of it was redacted while it was written."""

    messages: int
    summaries: int


@frozen(kw_only=True)
class TransferringCases(ReadingCases):
    """The use cases of export and import."""

    async def export(
        self,
        scope: Scope,
        thread_id: str,
        *,
        write: Callable[[str], object],
        epoch: int | None = None,
    ) -> Exported | Refused[GateRefusal | ExportMoved]:
        """Writes a thread as an archive, one line of JSON after the other.

        Messages that are appended meanwhile are not in it. Where a message of the thread is
        redacted meanwhile, the last line is not written, so that it is no archive: delete it.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            write: Called with each line, without its end.
            epoch: What the caller knows the thread by; None for whatever it is.

        Returns:
            What the archive has.
            A refusal of the gate; `ExportMoved`.
        """
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return thread
        begun = await self._standing(thread, epoch, self.reading.deadline())
        if isinstance(begun, Refused):
            return begun
        sealing = Sealing(self.codec)
        write(sealing.header(begun.header))
        written = await self._whole(thread, self._export(thread, begun.header, sealing, write))
        if isinstance(written, Refused):
            return written
        ended = await self._standing(thread, epoch, self.reading.deadline())
        if isinstance(ended, Refused) or ended.basis != begun.basis:
            return Refused(ExportMoved())
        for line in sealing.end(begun.summaries):
            write(line)
        return Exported(messages=begun.header.committed, summaries=len(begun.summaries))

    async def import_thread(
        self, scope: Scope, thread_id: str, archive: str, *, imported_by: str
    ) -> ThreadReceipt | Refused[ImportRefusal]:
        """Makes a thread from an archive, all of it or nothing that anybody sees.

        The whole archive is checked before anything is written. Numbers, ids and times stay;
        drafts are interrupted; nothing of it is due. While it is under way, the thread is refused
        and not listed; repeated with the same archive, by any process, it goes on where it was
        cut off. A sweep gives up what takes longer than the settings allow.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The id of the thread, which nobody has used.
            archive: All that `export` wrote, each line ended by a line feed.
            imported_by: Who imports.

        Returns:
            The thread as it stands.
            `ScopeMismatch`; `ImportInvalid` with the first line that is wrong; `ThreadExists`,
            `ThreadIsDeleted`.
        """
        require_kind("archive", archive, str)
        require_identifier("imported_by", imported_by)
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return thread
        checked = read_archive(self.codec, archive, messages_max=self.settings.limits.messages_max)
        if not isinstance(checked, Archive):
            return Refused(checked)
        header = await self._begin(thread, checked, imported_by)
        while not isinstance(header, Refused) and header.committed < checked.messages:
            if not isinstance(header.state, Importing):
                break
            header = await self._fill(thread, checked, header.committed)
        if isinstance(header, Refused):
            return header
        if isinstance(header.state, Importing):
            return await self._complete(thread, checked)
        return ThreadReceipt(thread=ThreadView.of(header), new=False)

    # ---- steps ----------------------------------------------------------------------------------

    async def _export(
        self,
        thread: ThreadAddress,
        header: ThreadHeader,
        sealing: Sealing,
        write: Callable[[str], object],
    ) -> None:
        first = 1
        chunks = Chunks(bytes_left=PAGE_BYTES_MAX)
        while first <= header.committed:
            size = chunks.size(header.committed - first + 1)
            stored = self._stored(thread, header, self.reading.deadline())
            for each in await stored.between(first, first + size - 1):
                chunks.took(each)
                write(sealing.message(each.message))
            first += size

    async def _begin(
        self, thread: ThreadAddress, archive: Archive, by: str
    ) -> ThreadHeader | Refused[ThreadExists | ThreadIsDeleted]:
        """The header of the import, begun now or before."""
        at = header_key(thread)
        ttl = timedelta(hours=self.settings.import_hours)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, ThreadHeader, ThreadExists | ThreadIsDeleted]:
            header = records[at]
            if header is not None:
                other = _refused(header, archive)
                return Unchanged(header) if other is None else other
            begun = ThreadHeader.importing(
                thread, created_by=by, origin=archive.digest, due_at=now + ttl, now=now
            )
            return Changed(records.put(at, begun), begun, ())

        return await self.updates.update([at], decide)

    async def _fill(
        self, thread: ThreadAddress, archive: Archive, committed: int
    ) -> ThreadHeader | Refused[ThreadExists | ThreadIsDeleted]:
        """The header after some messages more; or as another process has moved it."""
        at = header_key(thread)
        messages = [
            archive.message(sequence, thread) for sequence in self._batch(archive, committed)
        ]

        def decide(
            records: Records,
            now: datetime,  # noqa: ARG001 - an archive has its own times
        ) -> Decision[Records, ThreadHeader, ThreadExists | ThreadIsDeleted]:
            header = records[at]
            if header is None:
                return Refused(ThreadExists(thread.thread_id))
            other = _refused(header, archive)
            if other is not None:
                return other
            if not isinstance(header.state, Importing) or header.committed != committed:
                return Unchanged(header)
            moved = evolve(header, next_sequence=header.next_sequence + len(messages))
            after = records.put(at, moved)
            for message in messages:
                after = after.put(message_key(thread, message.message_id), message)
            return Changed(after, moved, ())

        keys: list[ReadKey[object]] = [at]
        keys += [message_key(thread, message.message_id) for message in messages]
        return await self.updates.update(keys, decide)

    def _batch(self, archive: Archive, committed: int) -> range:
        """The numbers of the next messages that one commit can hold."""
        end, room = committed, _BATCH_BYTES
        while end < archive.messages and end - committed < self.settings.sweep_cells:
            room -= archive.size_bytes(end + 1)
            if room < 0 and end > committed:
                break
            end += 1
        return range(committed + 1, end + 1)

    async def _complete(
        self, thread: ThreadAddress, archive: Archive
    ) -> ThreadReceipt | Refused[ImportRefusal]:
        at, kept_at = header_key(thread), summaries_key(thread)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, ThreadReceipt, ThreadExists | ThreadIsDeleted]:
            header = records[at]
            if header is None:
                return Refused(ThreadExists(thread.thread_id))
            other = _refused(header, archive)
            if other is not None:
                return other
            if not isinstance(header.state, Importing):
                return Unchanged(ThreadReceipt(thread=ThreadView.of(header), new=False))
            filled = header.filled(like=archive.header, now=now)
            receipt = ThreadReceipt(thread=ThreadView.of(filled.state), new=True)
            after = records.put(at, filled.state).put(kept_at, archive.summary_set(thread))
            return Changed(after, receipt, filled.events)

        return await self.updates.update([at, kept_at], decide)


def _refused(
    header: ThreadHeader, archive: Archive
) -> Refused[ThreadExists | ThreadIsDeleted] | None:
    """Why a thread is none that the archive is being imported to, or was; None where it is."""
    if isinstance(header.state, Deleted):
        return Refused(ThreadIsDeleted(header.thread_id))
    return None if header.origin == archive.digest else Refused(ThreadExists(header.thread_id))
