"""Editing: a thread comes about, is named, put aside, forked and deleted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeAlias, TypeVar

from attrs import frozen

from turnkeep_application.reading import Unreadable
from turnkeep_application.records import Need, Records
from turnkeep_application.thread_desk import ThreadDesk
from turnkeep_application.thread_keys import family_key, header_key, summaries_key
from turnkeep_application.thread_views import ThreadDeletion, ThreadReceipt, ThreadView
from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.keys import Address, ReadKey
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.goals import require_statement
from turnkeep_domain.threads.headers import EditDecision, ThreadEdit, ThreadHeader, admitted
from turnkeep_domain.threads.limits import require_at_most, require_whole_number
from turnkeep_domain.threads.metadata import Metadata, metadata_of
from turnkeep_domain.threads.refusals import (
    DeleteRefusal,
    GateRefusal,
    GoalRefusal,
    HeaderRefusal,
    ThreadHasRun,
    ThreadNotFound,
)
from turnkeep_domain.threads.summary_set import SummarySet
from turnkeep_domain.threads.texts import bytes_of
from turnkeep_domain.threads.thread_states import Deleted
from turnkeep_domain.threads.titles import require_title
from turnkeep_ports.errors import Corrupt

R = TypeVar("R")

Edit: TypeAlias = Callable[[ThreadHeader, datetime], Decision[ThreadHeader, ThreadEdit, R]]
Spares: TypeAlias = Callable[[ThreadHeader, datetime], bool]
"""Whether a thread is not to be deleted after all, as its header stands now."""


@frozen(kw_only=True)
class EditingCases(ThreadDesk):
    """The use cases of threads as wholes."""

    async def ensure_thread(
        self,
        scope: Scope,
        thread_id: str,
        *,
        created_by: str,
        title: str | None = None,
        metadata: Json | JsonText | None = None,
    ) -> ThreadReceipt | Refused[GateRefusal]:
        """Makes a thread, where it is not there. Of those who ensure it at once, one makes it.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: What it is called among the owner's threads, for ever.
            created_by: Who makes it.
            title: At most 200 characters; None until its first message gives one.
            metadata: A JSON object of at most 16 KiB.

        Returns:
            The thread as it stands; the arguments do not change one that is there.
            `ScopeMismatch`, `ThreadImporting`, `ThreadIsDeleted`.
        """
        require_identifier("created_by", created_by)
        self._require_title(title)
        noted = self._noted(metadata)
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return thread
        at = header_key(thread)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, ThreadReceipt, GateRefusal]:
            if records[at] is not None:
                header = admitted(records[at], thread_id)
                if isinstance(header, Refused):
                    return header
                return Unchanged(ThreadReceipt(thread=ThreadView.of(header), new=False))
            created = ThreadHeader.created(
                thread, created_by=created_by, title=title, metadata=noted, now=now
            )
            receipt = ThreadReceipt(thread=ThreadView.of(created.state), new=True)
            return Changed(records.put(at, created.state), receipt, created.events)

        return await self.updates.update([at], decide)

    async def rename(
        self,
        scope: Scope,
        thread_id: str,
        title: str | None,
        *,
        request_id: RequestId,
        epoch: int | None = None,
    ) -> ThreadEdit | Refused[HeaderRefusal]:
        """Sets the title, at most 200 characters, or clears it, so that the derived one is shown.

        Repeated with the same request id it answers what it answered first.
        """
        self._require_title(title)

        def renamed(header: ThreadHeader, now: datetime) -> EditDecision:
            return header.renamed(title, request_id=request_id, now=now)

        return await self._edit(scope, thread_id, renamed, request_id=request_id, epoch=epoch)

    async def set_metadata(
        self,
        scope: Scope,
        thread_id: str,
        metadata: Json | JsonText | None,
        *,
        request_id: RequestId,
        epoch: int | None = None,
    ) -> ThreadEdit | Refused[HeaderRefusal]:
        """Sets the metadata, all of it, a JSON object of at most 16 KiB.

        Repeated with the same request id it answers what it answered first.
        """
        noted = self._noted(metadata)

        def annotated(header: ThreadHeader, now: datetime) -> EditDecision:
            return header.noted(noted, request_id=request_id, now=now)

        return await self._edit(scope, thread_id, annotated, request_id=request_id, epoch=epoch)

    async def archive(
        self, scope: Scope, thread_id: str, *, request_id: RequestId, epoch: int | None = None
    ) -> ThreadEdit | Refused[HeaderRefusal]:
        """Puts the thread aside: it takes no inbound message, and is listed apart.

        Runs that are under way may still write. Idempotent by state and by request id.
        """

        def archived(header: ThreadHeader, now: datetime) -> EditDecision:
            return header.archive(request_id=request_id, now=now)

        return await self._edit(scope, thread_id, archived, request_id=request_id, epoch=epoch)

    async def unarchive(
        self, scope: Scope, thread_id: str, *, request_id: RequestId, epoch: int | None = None
    ) -> ThreadEdit | Refused[HeaderRefusal]:
        """Takes the thread up again. Idempotent by state and by request id."""

        def taken_up(header: ThreadHeader, now: datetime) -> EditDecision:
            return header.unarchive(request_id=request_id, now=now)

        return await self._edit(scope, thread_id, taken_up, request_id=request_id, epoch=epoch)

    async def set_goal(
        self,
        scope: Scope,
        thread_id: str,
        statement: str,
        *,
        expected: int,
        request_id: RequestId,
        epoch: int | None = None,
    ) -> ThreadEdit | Refused[GoalRefusal]:
        """States what the thread is for, or refines it, where nobody has meanwhile.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            statement: 1 to 4,000 characters after trimming.
            expected: The `refinement_count` that the caller has seen; 0 for no goal.
            request_id: Repeated with the same, it answers what it answered first.
            epoch: What the caller knows the thread by; None for whatever it is.

        Returns:
            The edit, with the count after it.
            A refusal of the gate, `RequestIdReused`; `GoalMoved` with the present count.
        """
        require_whole_number("expected", expected, least=0, most=(1 << 62))
        most = self.settings.limits.goal_characters_max
        stated = require_statement(statement, characters_max=most)

        def goal_set(
            header: ThreadHeader, now: datetime
        ) -> Decision[ThreadHeader, ThreadEdit, GoalRefusal]:
            return header.set_goal(stated, expected=expected, request_id=request_id, now=now)

        return await self._edit(scope, thread_id, goal_set, request_id=request_id, epoch=epoch)

    async def delete(
        self, scope: Scope, thread_id: str, *, force: bool = False
    ) -> ThreadDeletion | Refused[DeleteRefusal]:
        """Deletes a thread, for ever: its id is spent, and everything in flight loses.

        What is left is a tombstone. The messages are swept afterwards (`sweep`); those that living
        forks share are kept for them. Whoever needs to delete the files of attachments lists them
        before.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread; one that is still being imported may be deleted, too.
            force: Whether a run that is active does not matter.

        Returns:
            The deletion, now or before. A record that was to be told of the end of the thread's
            run and is corrupt holds it up no more than it holds up that run; the deletion names it.
            `ScopeMismatch`, `ThreadNotFound`; `ThreadHasRun` with the run that is active.
        """
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return thread
        deletion = await self._delete(thread, force=force)
        if deletion is None:
            raise TypeError("nothing spares a thread that somebody deletes")
        return deletion

    # ---- steps ----------------------------------------------------------------------------------

    async def _delete(
        self, thread: ThreadAddress, *, force: bool, spares: Spares | None = None
    ) -> ThreadDeletion | Refused[DeleteRefusal] | None:
        """Deletes a thread; None where it is spared.

        It is deleted though records that its run only has to tell of its end are corrupt: it is
        decided again as if there were none.
        """
        may_lack: list[Address] = []

        def decide(
            records: Records, now: datetime, *, lost: Unreadable | None = None
        ) -> Decision[Records, ThreadDeletion | None, DeleteRefusal] | Need:
            header = records[header_key(thread)]
            if header is None:
                return Refused(ThreadNotFound(thread.thread_id))
            if isinstance(header.state, Deleted):
                return Unchanged(_deletion(header, header.state.at))
            if spares is not None and spares(header, now):
                return Unchanged(None)
            if family_key(thread, header.family) not in records:
                return Need([family_key(thread, header.family)])
            run_id = self.runs.active_run(records, thread)
            if run_id is not None and not force:
                return Refused(ThreadHasRun(run_id))
            may_lack[:] = self.runs.may_lack(records, thread)
            return self._deleted(records, thread, header, now, lost=lost)

        keys: list[ReadKey[object]] = [header_key(thread), summaries_key(thread)]
        keys += self.runs.keys(thread)
        try:
            return await self.updates.update(keys, decide)
        except Corrupt as error:
            if error.address is None or error.address not in may_lack:
                raise
            lost = Unreadable(error.address, error.code)
        return await self.updates.update(keys, partial(decide, lost=lost))

    def _deleted(
        self,
        records: Records,
        thread: ThreadAddress,
        header: ThreadHeader,
        now: datetime,
        *,
        lost: Unreadable | None,
    ) -> Changed[Records, ThreadDeletion | None] | Need:
        deleted = header.deleted(now=now)
        summaries = records[summaries_key(thread)] or SummarySet.empty(thread)
        family_at = family_key(thread, header.family)
        family = records[family_at]
        after = records.put(header_key(thread), deleted.state)
        after = after.put(summaries_key(thread), summaries.emptied())
        if family is not None:
            after = after.put(family_at, family.left(thread.thread_id))
        closed = self.runs.closed(after, thread, now, lacking=lost is not None)
        if isinstance(closed, Need):
            return closed
        after, caused = closed
        deletion = _deletion(deleted.state, now, *(() if lost is None else (lost,)))
        return Changed(after, deletion, (*deleted.events, *caused))

    async def _edit(
        self,
        scope: Scope,
        thread_id: str,
        edit: Edit[R],
        *,
        request_id: RequestId,
        epoch: int | None,
    ) -> ThreadEdit | Refused[GateRefusal | R]:
        require_identifier("request_id", request_id)
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return thread
        at = header_key(thread)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, ThreadEdit, GateRefusal | R]:
            header = admitted(records[at], thread_id, epoch=epoch)
            if isinstance(header, Refused):
                return header
            return records.adopt(at, edit(header, now))

        return await self.updates.update([at], decide)

    def _require_title(self, title: str | None) -> None:
        require_title(title, characters_max=self.settings.limits.title_characters_max)

    def _noted(self, metadata: Json | JsonText | None) -> Metadata:
        noted = metadata_of(metadata)
        most = self.settings.limits.metadata_bytes_max
        require_at_most("metadata", bytes_of(noted), most, "bytes")
        return noted


def _deletion(header: ThreadHeader, at: datetime, *unreadable: Unreadable) -> ThreadDeletion:
    return ThreadDeletion(
        thread_id=header.thread_id, epoch=header.epoch, deleted_at=at, unreadable=unreadable
    )
