"""Senders: processes that send messages to one thread, and tell what they were answered."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Final

from attrs import define, field, frozen

from turnkeep import (
    Contended,
    Content,
    FilesSettings,
    HistoryPage,
    InboundEvent,
    Keep,
    MessageReceipt,
    PostgresSettings,
    Scope,
    Settings,
    ThreadReceipt,
    open_keep,
)

OWNER: Final = Scope.of("acme", "ada")
BUSY: Final = Settings(
    files=FilesSettings(bucket_segments=8, compaction_bytes=32 << 10, poll_seconds=0.01),
    postgres=PostgresSettings(pool_max=2, notification=False),
)
_END: Final = "end"

Answer = tuple[str, int, bool]
"""A message's id and number, and whether it was new."""


@frozen(kw_only=True)
class SendBrief:
    """What a process is told to do: make the thread, and send these events, several at once."""

    url: str
    thread: str
    events: tuple[str, ...]
    at_once: int


def send(brief: SendBrief, reports: Connection) -> None:
    """What a process runs."""
    asyncio.run(_send(brief, reports))


async def _send(brief: SendBrief, reports: Connection) -> None:
    async with open_keep(brief.url, settings=BUSY) as keep:
        made = await _insist_on_thread(keep, brief.thread)
        reports.send(("made", 0, made))
        lanes = range(brief.at_once)

        async def some(lane: int) -> None:
            for event in brief.events[lane :: brief.at_once]:
                receipt = await _insist(keep, brief.thread, event)
                reports.send((receipt.message_id, receipt.sequence, receipt.new))

        await asyncio.gather(*(some(lane) for lane in lanes))
    reports.send(_END)


async def _insist_on_thread(keep: Keep, thread: str) -> bool:
    while True:
        try:
            answer = await keep.threads.ensure_thread(OWNER, thread, created_by="ada")
        except Contended:
            continue
        assert isinstance(answer, ThreadReceipt), answer
        return answer.new


async def _insist(keep: Keep, thread: str, event: str) -> MessageReceipt:
    """A message that is accepted; whoever only loses races sends it again."""
    identity = InboundEvent(source_binding="web", event_id=event)
    while True:
        try:
            answer = await keep.threads.accept_inbound(
                OWNER, thread, identity, Content.of(f"text of {event}"), actor="ada"
            )
        except Contended:
            continue
        assert isinstance(answer, MessageReceipt), answer
        return answer


@define(eq=False)
class Sender:
    """A running process, and what it has told so far."""

    process: multiprocessing.process.BaseProcess
    reports: Connection
    told: list[Answer] = field(factory=list)

    def finish(self) -> list[Answer]:
        """Waits for its end, which must be a good one; what it was answered."""
        while (report := self._read()) != _END:
            assert isinstance(report, tuple), f"ended early, code {self.process.exitcode}"
            self.told.append(report)
        self.process.join()
        return self.told[1:]

    def killed_after(self, answers: int) -> list[Answer]:
        """Ends it as it stands once it has told so many; what it was answered."""
        while len(self.told) <= answers:
            report = self._read()
            assert isinstance(report, tuple)
            self.told.append(report)
        self.process.kill()
        self.process.join()
        while isinstance(report := self._read(), tuple):
            self.told.append(report)
        return self.told[1:]

    @property
    def made(self) -> bool:
        """Whether it was this process that made the thread."""
        return self.told[0][2]

    def _read(self) -> Answer | str | None:
        try:
            report: Answer | str = self.reports.recv()
        except (EOFError, OSError):
            return None
        return report


@contextmanager
def senders(*briefs: SendBrief) -> Iterator[list[Sender]]:
    """Running processes, from a fork server that has everything imported; at the end they end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.processes.thread_senders"])
    running: list[Sender] = []
    try:
        for brief in briefs:
            receiving, sending = context.Pipe(duplex=False)
            process = context.Process(target=send, args=(brief, sending))
            process.start()
            sending.close()
            running.append(Sender(process, receiving))
        yield running
    finally:
        for sender in running:
            if sender.process.exitcode is None:
                sender.process.kill()
            sender.process.join()
            sender.reports.close()


def read_back(url: str, thread: str) -> list[tuple[str, int, str | None]]:
    """The messages of a thread: ids, numbers and texts, in order."""

    async def read() -> list[tuple[str, int, str | None]]:
        async with open_keep(url, settings=BUSY) as keep:
            found: list[tuple[str, int, str | None]] = []
            after: int | None = 0
            while after is not None:
                page = await keep.threads.history(OWNER, thread, after=after, limit=1_000)
                assert isinstance(page, HistoryPage), page
                found += [
                    (view.message_id, view.sequence, view.content.first_line)
                    for view in page.messages
                ]
                after = page.next
            return found

    return asyncio.run(read())
