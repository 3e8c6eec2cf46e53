"""Reading a thread: its history by pages, and the window that a model is shown.

The module is long because both read the same stretches, and have their whole contracts beside them.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Final, TypeVar

from attrs import define, field, frozen

from turnkeep_application.thread_desk import ThreadDesk
from turnkeep_application.thread_keys import (
    family_key,
    header_key,
    message_key,
    summaries_key,
)
from turnkeep_application.thread_messages import (
    FIRST_CHUNK,
    Hole,
    StoredMessage,
    StoredMessages,
)
from turnkeep_application.thread_settings import HISTORY_MAX, PAGE_BYTES_MAX, WINDOW_MAX
from turnkeep_application.thread_views import HistoryPage, ThreadView, Window
from turnkeep_application.thread_windows import WindowBuilder
from turnkeep_domain.decisions import Refused
from turnkeep_domain.keys import ReadKey
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.addresses import ThreadAddress
from turnkeep_domain.threads.families import redactions_of
from turnkeep_domain.threads.headers import ThreadHeader, admitted
from turnkeep_domain.threads.limits import MESSAGES_MAX, require_whole_number
from turnkeep_domain.threads.message_views import MessageView
from turnkeep_domain.threads.names import MessageId, require_name
from turnkeep_domain.threads.refusals import GateRefusal
from turnkeep_domain.threads.summaries import Summary
from turnkeep_domain.turns.names import RunId
from turnkeep_ports.clock import Deadline
from turnkeep_ports.errors import Corrupt

T = TypeVar("T")

_CHUNK_MAX: Final = 500


@frozen(kw_only=True)
class Standing:
    """What a thread is read by: header, summaries and basis, all of one moment."""

    header: ThreadHeader
    summaries: tuple[Summary, ...]
    basis: int


@define(kw_only=True)
class Chunks:
    """How many messages the next read may take, so that it is not far beyond what fits.

    Attributes:
        bytes_left: What the page may still hold.
    """

    bytes_left: int
    _read: int = field(default=0, init=False)
    _bytes: int = field(default=0, init=False)

    def size(self, wanted: int) -> int:
        """The messages of the next read, one at least."""
        if not self._read:
            return min(wanted, FIRST_CHUNK)
        average = max(1, self._bytes // self._read)
        return max(1, min(wanted, _CHUNK_MAX, self.bytes_left // average + 1))

    def took(self, stored: StoredMessage) -> None:
        """Notes one that was read."""
        self._read += 1
        self._bytes += stored.size_bytes


@frozen(kw_only=True)
class ReadingCases(ThreadDesk):
    """The use cases of those who read one thread."""

    async def get(self, scope: Scope, thread_id: str) -> ThreadView | None:
        """The thread as a whole; None where there is none, or it is deleted or not yet whole."""
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return None
        header = await self._header(thread)
        return None if isinstance(header, Refused) else ThreadView.of(header)

    async def message(self, scope: Scope, thread_id: str, message_id: str) -> MessageView | None:
        """One message of a thread, or of what it shares; None where there is none."""
        require_name("message_id", message_id)
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return None
        home = await self._home_of(thread, MessageId(message_id))
        if home is None or isinstance(home, Refused):
            return None
        stored = (await self.reading.record(message_key(home, MessageId(message_id)))).record
        return None if stored is None else stored.view()

    async def history(
        self,
        scope: Scope,
        thread_id: str,
        *,
        after: int = 0,
        through: int | None = None,
        newest_first: bool = False,
        limit: int | None = None,
        epoch: int | None = None,
    ) -> HistoryPage | Refused[GateRefusal]:
        """The messages after one number through another, by pages.

        Redacted messages are placeholders. A page may hold fewer messages than its limit, where
        they are large: the end is where `next` is None, and nowhere else.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            after: The message before the first; 0 for the beginning.
            through: The last message; None for the last that there is.
            newest_first: Whether the last come first; `next` is then the next `through`.
            limit: 1 to 1,000 messages; 100 unless the settings say otherwise. At most 4 MiB.
            epoch: What the caller knows the thread by; None for whatever it is.

        Raises:
            Corrupt: A message is unreadable, or not there.
        """
        at_most = self.settings.history_page if limit is None else limit
        require_whole_number("limit", at_most, least=1, most=HISTORY_MAX)
        require_whole_number("after", after, least=0, most=MESSAGES_MAX)
        if through is not None:
            require_whole_number("through", through, least=0, most=MESSAGES_MAX)
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return thread
        deadline = self.reading.deadline()
        standing = await self._standing(thread, epoch, deadline)
        if isinstance(standing, Refused):
            return standing
        committed = standing.header.committed
        last = committed if through is None else min(through, committed)
        stored = self._stored(thread, standing.header, deadline)
        found = await self._whole(
            thread, _page(stored, after, last, newest_first=newest_first, limit=at_most)
        )
        if isinstance(found, Refused):
            return found
        return HistoryPage(
            messages=tuple(each.message.view() for each in found),
            committed=committed,
            basis=standing.basis,
            next=_next(found, after, last, newest_first=newest_first),
        )

    async def window(
        self,
        scope: Scope,
        thread_id: str,
        *,
        through: int | None = None,
        run_id: str | None = None,
        limit: int | None = None,
        bytes_max: int | None = None,
        with_provider: bool = False,
        epoch: int | None = None,
    ) -> Window | Refused[GateRefusal]:
        """What a model is shown: the newest entries, in order, summaries for what they replace.

        Visible are messages that are accepted, submitted or finalized, without previews and
        checkpoints, up to `through` or of the run itself. Where the window is cut, it does not
        begin with the result of a call that was cut off.

        Args:
            scope: The owner's, or the thread's own.
            thread_id: The thread.
            through: The last message of others; None for the last that there is.
            run_id: The run whose own messages are visible after `through`, too.
            limit: 1 to 1,000 entries; 200 unless the settings say otherwise.
            bytes_max: Stored bytes of all entries, at most 4 MiB; 1 MiB unless the settings say
                otherwise. One entry is shown though it alone is larger.
            with_provider: Whether messages come with the private data of their provider.
            epoch: What the caller knows the thread by; None for whatever it is.

        Raises:
            Corrupt: A message is unreadable, or not there.
        """
        entries = self.settings.window_entries if limit is None else limit
        most = self.settings.window_bytes if bytes_max is None else bytes_max
        require_whole_number("limit", entries, least=1, most=WINDOW_MAX)
        require_whole_number("bytes_max", most, least=1, most=PAGE_BYTES_MAX)
        if through is not None:
            require_whole_number("through", through, least=0, most=MESSAGES_MAX)
        if run_id is not None:
            require_name("run_id", run_id)
        thread = ThreadAddress.of(scope, thread_id)
        if isinstance(thread, Refused):
            return thread
        deadline = self.reading.deadline()
        standing = await self._standing(thread, epoch, deadline)
        if isinstance(standing, Refused):
            return standing
        committed = standing.header.committed
        builder = WindowBuilder(
            summaries=standing.summaries,
            through=committed if through is None else min(through, committed),
            run_id=None if run_id is None else RunId(run_id),
            entries_max=entries,
            bytes_max=most,
            with_provider=with_provider,
        )
        stored = self._stored(thread, standing.header, deadline)
        filled = await self._whole(thread, _filled(builder, stored, committed))
        return filled if isinstance(filled, Refused) else builder.window(standing.basis)

    # ---- steps, which other use cases share -----------------------------------------------------

    def _stored(
        self, thread: ThreadAddress, header: ThreadHeader, deadline: Deadline
    ) -> StoredMessages:
        return StoredMessages(
            reading=self.reading, thread=thread, segments=header.segments, deadline=deadline
        )

    async def _standing(
        self, thread: ThreadAddress, epoch: int | None, deadline: Deadline
    ) -> Standing | Refused[GateRefusal]:
        """Header, summaries and basis at one moment; one load, where the thread is no fork."""
        head, family = header_key(thread), family_key(thread, thread.thread_id)
        while True:
            keys: list[ReadKey[object]] = [head, summaries_key(thread), family]
            records = (await self.reading.moment(keys, deadline=deadline)).records
            header = admitted(records[head], thread.thread_id, epoch=epoch)
            if isinstance(header, Refused):
                return header
            if header.family == family.address.id:
                break
            family = family_key(thread, header.family)
        kept = records[summaries_key(thread)]
        return Standing(
            header=header,
            summaries=() if kept is None else kept.summaries,
            basis=redactions_of(records[family]),
        )

    async def _whole(
        self, thread: ThreadAddress, read: Coroutine[object, object, T]
    ) -> T | Refused[GateRefusal]:
        """What was read; where something is missing, the thread is gone, or it is damaged."""
        try:
            return await read
        except Hole as hole:
            header = await self._header(thread)
            if isinstance(header, Refused):
                return header
            why = f"message {hole.args[0]} of the thread is not there"
            raise Corrupt(why, header.address) from None

    async def _home_of(
        self, thread: ThreadAddress, message_id: MessageId
    ) -> ThreadAddress | Refused[GateRefusal] | None:
        """The thread in whose scope a message is kept that a thread shows; None where none is."""
        own = message_key(thread, message_id)
        records = (await self.reading.moment([header_key(thread), own])).records
        header = admitted(records[header_key(thread)], thread.thread_id)
        if isinstance(header, Refused):
            return header
        if records[own] is not None:
            return thread
        homes = {thread.beside(each.thread_id): each for each in header.base}
        if not homes:
            return None
        keys = {home: message_key(home, message_id) for home in homes}
        records = (await self.reading.moment(list(keys.values()))).records
        for home, at in keys.items():
            message = records[at]
            if message is not None and message.sequence in homes[home]:
                return home
        return None


async def _page(
    stored: StoredMessages, after: int, last: int, *, newest_first: bool, limit: int
) -> list[StoredMessage]:
    """So many messages of a range from its one end, or fewer, where they are large."""
    chunks = Chunks(bytes_left=PAGE_BYTES_MAX)
    found: list[StoredMessage] = []
    wanted = min(limit, last - after)
    while len(found) < wanted:
        size = chunks.size(wanted - len(found))
        if newest_first:
            end = last - len(found)
            read = (await stored.between(end - size + 1, end))[::-1]
        else:
            begin = after + len(found) + 1
            read = await stored.between(begin, begin + size - 1)
        for each in read:
            if found and each.size_bytes > chunks.bytes_left:
                return found
            chunks.took(each)
            chunks.bytes_left -= each.size_bytes
            found.append(each)
    return found


def _next(
    found: Sequence[StoredMessage], after: int, last: int, *, newest_first: bool
) -> int | None:
    """Where the next page of a range begins; None where this one has reached its end."""
    if not found:
        return None
    reached = found[-1].message.sequence
    if newest_first:
        return reached - 1 if reached - 1 > after else None
    return reached if reached < last else None


async def _filled(builder: WindowBuilder, stored: StoredMessages, committed: int) -> None:
    """Walks from the newest message back, past what summaries stand for, until it is enough."""
    chunks = Chunks(bytes_left=builder.bytes_max)
    at = builder.through if builder.run_id is None else committed
    while at > 0 and not builder.cut:
        summary = builder.ending_at(at)
        if summary is not None:
            builder.add_summary(summary)
            at = summary.start - 1
            continue
        size = chunks.size(min(builder.entries_left + 1, at - builder.summary_end_below(at)))
        for each in reversed(await stored.between(at - size + 1, at)):
            chunks.took(each)
            if not builder.add(each.message, each.size_bytes):
                break
        at -= size
