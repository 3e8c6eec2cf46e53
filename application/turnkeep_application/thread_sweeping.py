"""Sweeping: what deletions, redactions, imports and runs that broke off have left is tidied up.

Nothing waits for a sweep: what is deleted is refused, and what is redacted is gone from every
cell, whether or not one has passed. Each step is idempotent and ends the same, whoever was killed
in the middle of it; any number of processes may sweep at once. The module is long because one sweep
is read from its beginning to its end.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from attrs import frozen

from turnkeep_application.bounded import DeadlinePassed, bounded
from turnkeep_application.reading import Unreadable
from turnkeep_application.records import Records
from turnkeep_application.thread_editing import EditingCases
from turnkeep_application.thread_keys import claim_key, family_key, header_key, message_key
from turnkeep_application.thread_messages import messages_from
from turnkeep_application.thread_redacting import EVER
from turnkeep_application.thread_sweeps import SweepCount, ThreadsRetired, ThreadsSwept
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.keys import Collection, Key, ReadKey, key
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.claims import CLAIMED, INBOUND, InboundClaim
from turnkeep_domain.threads.families import Family
from turnkeep_domain.threads.headers import THREADS, ThreadHeader, admitted
from turnkeep_domain.threads.message_states import Draft, ErasureDue, MessageState, Redacted
from turnkeep_domain.threads.messages import MESSAGES, Message
from turnkeep_domain.threads.thread_states import Archived, Deleted, Importing, ThreadState
from turnkeep_domain.turns.names import RunId
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Unavailable
from turnkeep_ports.scans import Due, Position

T = TypeVar("T")

ABANDONED: Final = "abandoned"
"""The code of drafts that a sweep has interrupted."""

_PAGE: Final = 100
_PAGES_MAX: Final = 10


@frozen(kw_only=True)
class SweepingCases(EditingCases):
    """The use cases that tidy up; for operators, over all owners."""

    async def sweep(self) -> ThreadsSwept:
        """Tidies up whatever is due, within bounds; call it now and then, from anywhere.

        In this order: imports that took too long are deleted, archived threads retired (where the
        settings say so), messages of deleted threads deleted, drafts of ended runs interrupted,
        claims forgotten, and the store is scrubbed where a redaction waits for it.

        Raises:
            Unavailable: The store did not serve; what was done before stands.
        """
        count = SweepCount(self.settings.sweep_commits)
        await self._drop_imports(count)
        if self.settings.archived_for_days is not None:
            await self._retire(count, dry_run=False)
        await self._sweep_deleted(count)
        await self._interrupt_drafts(count)
        await self._forget_claims(count)
        await self._erase(count)
        return count.swept()

    async def retire(self, *, dry_run: bool) -> ThreadsRetired:
        """Deletes the archived threads whose last activity is longer ago than the settings allow.

        A thread in which a run is active is left alone.

        Args:
            dry_run: Whether to tell only what would be deleted.

        Returns:
            At most 1,000 threads, the longest inactive first; none where the settings keep all.
        """
        if self.settings.archived_for_days is None:
            return ThreadsRetired(threads=(), busy=())
        return await self._retire(SweepCount(self.settings.sweep_commits), dry_run=dry_run)

    # ---- threads --------------------------------------------------------------------------------

    async def _drop_imports(self, count: SweepCount) -> None:
        async for header in self._due(THREADS, ThreadState.IMPORTING.value, count):
            if count.may_commit():
                dropped = await self._delete(header.thread, force=True, spares=_goes_on)
                count.imports += dropped is not None and not isinstance(dropped, Refused)

    async def _retire(self, count: SweepCount, *, dry_run: bool) -> ThreadsRetired:
        age = timedelta(days=self.settings.archived_for_days or 0)

        def spares(header: ThreadHeader, now: datetime) -> bool:
            return not isinstance(header.state, Archived) or header.updated_at > now - age

        going: list[ThreadAddress] = []
        busy: list[ThreadAddress] = []
        async for header in self._due(THREADS, ThreadState.ARCHIVED.value, count, age=age):
            if dry_run:
                going.append(header.thread)
            elif count.may_commit():
                deletion = await self._delete(header.thread, force=False, spares=spares)
                if isinstance(deletion, Refused):
                    busy.append(header.thread)
                elif deletion is not None:
                    going.append(header.thread)
                    count.retired += 1
        return ThreadsRetired(threads=tuple(going), busy=tuple(busy))

    async def _sweep_deleted(self, count: SweepCount) -> None:
        async for header in self._due(THREADS, ThreadState.DELETED.value, count):
            thread = header.thread
            # What the thread was the last to share goes with it; its own mark comes at last, so
            # that a sweep that is cut off begins again.
            done = True
            for segment in header.base:
                done &= await self._sweep_messages(thread.beside(segment.thread_id), header, count)
            done &= await self._sweep_messages(thread, header, count)
            if done and count.may_commit():
                count.threads += await self._mark_swept(thread)

    async def _sweep_messages(
        self, thread: ThreadAddress, header: ThreadHeader, count: SweepCount
    ) -> bool:
        """Deletes the messages of a deleted thread that no living one shares; whether all went."""
        family = family_key(thread, header.family)
        first, done = 1, True
        while True:
            deadline = self.reading.deadline()
            cells = await messages_from(self.reading, thread, first, _PAGE, deadline)
            if not cells:
                return done
            found = [self.reading.decoded(MESSAGES, cell) for cell in cells]
            count.unreadable += sum(isinstance(one, Unreadable) for one in found)
            messages = [one for one in found if isinstance(one, Message)]
            for batch in self._batches(messages):
                if not count.may_commit():
                    return False
                swept = await self._sweep_batch(thread, family, batch)
                if swept is None:
                    return True  # the thread is there: it was no deleted one
                count.messages += swept.deleted
                done = done and not swept.waiting
            first = int(cells[-1].entry.index.sort) + 1

    def _batches(self, messages: Sequence[Message]) -> list[list[Message]]:
        """Messages in groups that one commit can hold, each with its claim."""
        batches: list[list[Message]] = []
        room = 0
        for message in messages:
            takes = 1 if message.claim_id is None else 2
            if takes > room:
                batches.append([])
                room = self.settings.sweep_cells - 2
            batches[-1].append(message)
            room -= takes
        return batches

    async def _sweep_batch(
        self, thread: ThreadAddress, root: Key[Family], batch: Sequence[Message]
    ) -> _Batch | None:
        head = header_key(thread)
        until = timedelta(days=self.settings.claim_days)

        def decide(records: Records, now: datetime) -> Decision[Records, _Batch | None, None]:
            header = records[head]
            if header is None or not isinstance(header.state, Deleted):
                return Unchanged(None)
            family = records[root]
            after, deleted, waiting = records, 0, False
            for known in batch:
                at = message_key(thread, known.message_id)
                message = records[at]
                if message is None:
                    continue
                claim_at = None if message.claim_id is None else claim_key(thread, message.claim_id)
                claim = None if claim_at is None else records[claim_at]
                if claim_at is not None and claim is not None and claim.due_at is None:
                    after = after.put(claim_at, claim.orphaned(now + until))
                shown = family is not None and any(
                    family.showing(thread.thread_id, message.sequence)
                )
                if _waits_for_the_host(message):
                    waiting = True
                elif not shown:
                    after, deleted = after.delete(at), deleted + 1
            outcome = _Batch(deleted=deleted, waiting=waiting)
            return Changed(after, outcome, ())

        keys: list[ReadKey[object]] = [head, root]
        for message in batch:
            keys.append(message_key(thread, message.message_id))
            if message.claim_id is not None:
                keys.append(claim_key(thread, message.claim_id))
        answer = await self.updates.update(keys, decide)
        return None if isinstance(answer, Refused) else answer

    async def _mark_swept(self, thread: ThreadAddress) -> bool:
        at = header_key(thread)

        def decide(records: Records, now: datetime) -> Decision[Records, bool, None]:
            header = records[at]
            if header is None:
                return Unchanged(False)
            match header.swept(now=now):
                case Changed(state, _, events):
                    return Changed(records.put(at, state), True, events)
                case Unchanged():
                    return Unchanged(False)

        answer = await self.updates.update([at], decide)
        return answer is True

    # ---- messages and claims --------------------------------------------------------------------

    async def _interrupt_drafts(self, count: SweepCount) -> None:
        async for message in self._due(MESSAGES, MessageState.DRAFT.value, count):
            if count.may_commit():
                count.drafts += await self._interrupt_draft(message)

    async def _interrupt_draft(self, message: Message) -> bool:
        thread = ThreadAddress.of_scope(message.scope)
        at = message_key(thread, message.message_id)

        def decide(records: Records, now: datetime) -> Decision[Records, bool, object]:
            header = admitted(records[header_key(thread)], thread.thread_id)
            draft = records[at]
            if isinstance(header, Refused) or draft is None:
                return Unchanged(False)
            overdue = isinstance(draft.state, Draft) and draft.state.due_at <= now
            if not overdue or self._is_active(records, thread, draft.run_id):
                return Unchanged(False)
            decision = draft.interrupted(code=ABANDONED, now=now)
            if not isinstance(decision, Changed):
                return Unchanged(False)
            return Changed(records.put(at, decision.state), True, decision.events)

        keys: list[ReadKey[object]] = [at, *self.runs.keys(thread)]
        answer = await self.updates.update(keys, decide, hints=[header_key(thread)])
        return answer is True

    def _is_active(self, records: Records, thread: ThreadAddress, run_id: RunId | None) -> bool:
        return run_id is not None and self.runs.writes_on(records, thread, run_id)

    async def _forget_claims(self, count: SweepCount) -> None:
        async for claim in self._due(INBOUND, CLAIMED, count):
            if count.may_commit():
                count.claims += await self._forget(key(INBOUND, claim.scope, claim.claim_id))

    async def _forget(self, at: Key[InboundClaim]) -> bool:
        def decide(records: Records, now: datetime) -> Decision[Records, bool, None]:
            claim = records[at]
            if claim is None or claim.due_at is None or claim.due_at > now:
                return Unchanged(False)
            return Changed(records.delete(at), True, ())

        return await self.updates.update([at], decide) is True

    async def _erase(self, count: SweepCount) -> None:
        """Scrubs the store, where a redaction waits for it, and notes that it did."""
        waiting = [one async for one in self._due(MESSAGES, MessageState.REDACTED.value, count)]
        if not waiting:
            return
        await self._scrub()
        for message in waiting:
            if count.may_commit():
                count.erasures += await self._note_erased(message)

    async def _scrub(self) -> None:
        deadline = Deadline.after(self.clock, self.reading.deadline_seconds)
        try:
            await bounded(self.store.scrub(deadline=deadline), deadline)
        except DeadlinePassed:
            raise Unavailable("it did not scrub before the deadline") from None

    async def _note_erased(self, message: Message) -> bool:
        at = message_key(ThreadAddress.of_scope(message.scope), message.message_id)

        def decide(records: Records, now: datetime) -> Decision[Records, bool, None]:
            cut = records[at]
            decision = None if cut is None else cut.erased(now=now)
            if not isinstance(decision, Changed):
                return Unchanged(False)
            return Changed(records.put(at, decision.state), True, decision.events)

        return await self.updates.update([at], decide) is True

    # ---- steps ----------------------------------------------------------------------------------

    async def _due(
        self, of: Collection[T], state: str, count: SweepCount, *, age: timedelta = timedelta(0)
    ) -> AsyncIterator[T]:
        """The records in a state that are due, or were so long ago, the earliest first.

        Some may be due for long, and still not be ready: the rest is looked at all the same.
        """
        query = Due(collection=of.name, states=frozenset({state}), by=EVER)
        after: Position | None = None
        for _ in range(_PAGES_MAX):
            page = await self.reading.page(
                query, after=after, limit=_PAGE, deadline=self.reading.deadline()
            )
            for cell in page.cells:
                due_at = cell.entry.index.due_at
                if due_at is None or due_at > page.now - age:
                    return
                record = self.reading.decoded(of, cell)
                if isinstance(record, Unreadable):
                    count.unreadable += 1
                else:
                    yield record
            after = page.next
            if after is None:
                return
        count.more = True


@frozen(kw_only=True)
class _Batch:
    """What one commit of a sweep has done."""

    deleted: int
    waiting: bool


def _goes_on(header: ThreadHeader, now: datetime) -> bool:
    """Whether an import has time left, or is whole by now."""
    return not isinstance(header.state, Importing) or header.state.due_at > now


def _waits_for_the_host(message: Message) -> bool:
    match message.state:
        case Redacted(erasure=ErasureDue(storage_keys=keys)):
            return bool(keys)
        case _:
            return False
