"""Forking: a thread begins with the messages of another, which it shares and does not copy."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from turnkeep_application.records import Records
from turnkeep_application.thread_desk import ThreadDesk
from turnkeep_application.thread_keys import family_key, header_key
from turnkeep_application.thread_messages import first_draft
from turnkeep_application.thread_views import ThreadReceipt, ThreadView
from turnkeep_domain.decisions import Changed, Decision, Refused, Unchanged
from turnkeep_domain.identifiers import require_identifier
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.families import Family, Member
from turnkeep_domain.threads.headers import ThreadHeader, admitted
from turnkeep_domain.threads.limits import MESSAGES_MAX, require_whole_number
from turnkeep_domain.threads.names import require_name
from turnkeep_domain.threads.refusals import (
    BaseTooDeep,
    FamilyFull,
    ForkRange,
    ForkRefusal,
    RangeUnsettled,
    ThreadExists,
)
from turnkeep_domain.threads.segments import Base, whole
from turnkeep_domain.threads.thread_states import Deleted


@frozen(kw_only=True)
class ForkingCases(ThreadDesk):
    """The use case of forks."""

    async def fork(
        self,
        scope: Scope,
        thread_id: str,
        *,
        to: str,
        through: int,
        created_by: str,
        epoch: int | None = None,
    ) -> ThreadReceipt | Refused[ForkRefusal]:
        """Makes a thread that begins with the messages of another up to `through`.

        The messages are shared under their numbers; the fork's own go on from there. Only a
        redaction reaches through a fork. The fork is as its own id says: repeated, it answers the
        fork that is there. Whoever wants an independent copy exports and imports.

        Args:
            scope: The owner's, or the source's own.
            thread_id: The source.
            to: The id of the fork, among the threads of the same owner.
            through: The last message that is shared, from 1.
            created_by: Who forks.
            epoch: What the caller knows the source by; None for whatever it is.

        Returns:
            The fork as it stands.
            A refusal of the gate; `ThreadExists`, `ForkRange`, `RangeUnsettled` (a draft is in the
            range), `FamilyFull`, `BaseTooDeep`.
        """
        require_name("to", to)
        require_identifier("created_by", created_by)
        require_whole_number("through", through, least=0, most=MESSAGES_MAX)
        source = ThreadAddress.of(scope, thread_id)
        if isinstance(source, Refused):
            return source
        seen = await self._header(source, epoch)
        if isinstance(seen, Refused):
            return seen
        if to == thread_id:
            return Refused(ThreadExists(to))
        # All messages up to `through` were there when the header was read, or it is refused below.
        draft = await first_draft(self.reading, source, 1, through, self.reading.deadline())
        fork = _Fork(
            source=source,
            to=source.beside(to),
            through=through,
            base=whole(seen.base, source.thread_id, through) if through else (),
            draft=draft,
            seen=seen,
            created_by=created_by,
        )
        return await self._fork(fork, epoch)

    async def _fork(self, fork: _Fork, epoch: int | None) -> ThreadReceipt | Refused[ForkRefusal]:
        head, new_head = header_key(fork.source), header_key(fork.to)
        family_at = family_key(fork.source, fork.seen.family)

        def decide(
            records: Records, now: datetime
        ) -> Decision[Records, ThreadReceipt, ForkRefusal]:
            header = admitted(records[head], fork.source.thread_id, epoch=epoch)
            if isinstance(header, Refused):
                return header
            standing = records[new_head]
            if standing is not None:
                return fork.repeated(standing)
            family = records[family_at] or Family.begun(fork.source.owner, header.family)
            refusal = fork.refusal(
                family,
                family_max=self.settings.limits.family_max,
                segments_max=self.settings.limits.segments_max,
            )
            if refusal is not None:
                return Refused(refusal)
            made = header.forked(fork.to, through=fork.through, created_by=fork.created_by, now=now)
            member = Member(thread_id=fork.to.thread_id, base=made.state.base)
            after = records.put(new_head, made.state).put(family_at, family.joined(member))
            receipt = ThreadReceipt(thread=ThreadView.of(made.state), new=True)
            return Changed(after, receipt, made.events)

        keys: list[ReadKey[object]] = [head, new_head, family_at]
        return await self.updates.update(keys, decide)


@frozen(kw_only=True)
class _Fork:
    """A fork that is asked for, and what was seen of its source."""

    source: ThreadAddress
    to: ThreadAddress
    through: int
    base: Base
    draft: int | None
    seen: ThreadHeader
    created_by: str

    def repeated(self, standing: ThreadHeader) -> Unchanged[ThreadReceipt] | Refused[ThreadExists]:
        """The answer where the id of the fork is taken."""
        if standing.base != self.base or not self.base or isinstance(standing.state, Deleted):
            return Refused(ThreadExists(self.to.thread_id))
        return Unchanged(ThreadReceipt(thread=ThreadView.of(standing), new=False))

    def refusal(
        self, family: Family, *, family_max: int, segments_max: int
    ) -> ForkRange | RangeUnsettled | FamilyFull | BaseTooDeep | None:
        """Why there can be no such fork; None where there can."""
        if not 1 <= self.through <= self.seen.committed:
            return ForkRange(self.seen.committed)
        if self.draft is not None:
            return RangeUnsettled(self.draft)
        if len(family.members) >= family_max:
            return FamilyFull(family_max)
        if len(self.base) > segments_max:
            return BaseTooDeep(segments_max)
        return None
