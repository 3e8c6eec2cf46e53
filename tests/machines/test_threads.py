"""Threads against their model: any history, any faults, on every store.

Whatever got lost, came late or was cut off on the way, each answer must be the model's. Where a
call ends in doubt, it is repeated as its error says, and then it must be.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from tests.machines.stores import EXAMPLES, STORES, settings_of
from tests.machines.test_approvals import scripts
from tests.machines.thread_model import Library
from turnkeep import (
    EVERYBODY,
    Container,
    Content,
    HistoryPage,
    InboundEvent,
    Keep,
    MessageReceipt,
    MessageView,
    OutcomeUnknown,
    Recorded,
    RecordedPage,
    Refused,
    RequestId,
    Scope,
    Summarised,
    SummaryPolicy,
    ThreadDeletion,
    ThreadReceipt,
    ThreadState,
    Unavailable,
    Window,
)
from turnkeep_adapters.faulty.script import Script
from turnkeep_adapters.faulty.store import FaultyRecordStore
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_domain.threads.message_id import assistant_message_id
from turnkeep_domain.turns.names import RunId

T = TypeVar("T")
OWNER = Scope.of("acme", "ann")
SLOTS = 2

names = st.sampled_from(["t0", "t1", "t2"])
events = st.sampled_from(["e0", "e1", "e2", "e3", "e4"])
texts = st.sampled_from(["hello", "bye"])
slots = st.integers(0, SLOTS - 1)
numbers = st.integers(1, 6)


def event_of(name: str) -> InboundEvent:
    return InboundEvent(source_binding="web", event_id=name)


def slot_id(slot: int) -> str:
    return assistant_message_id(RunId("r1"), slot)


def told(answer: object) -> str | int:
    """An answer in the model's words."""
    match answer:
        case Refused(reason):
            return str(getattr(reason, "code", reason))
        case MessageReceipt(state=state):
            return state.value
        case ThreadReceipt(new=new):
            return "made" if new else "found"
        case Summarised():
            return "summarised"
        case ThreadDeletion():
            return "deleted"
        case _:
            raise AssertionError(answer)


class ThreadMachine(RuleBasedStateMachine):
    """The service and the model, side by side."""

    store_name: str

    @initialize(together=st.booleans(), remembers=st.booleans())
    def begin(self, *, together: bool, remembers: bool) -> None:
        self.clock = VirtualClock()
        inner = STORES[self.store_name](self.clock)
        self.store = FaultyRecordStore(inner, script=Script.parse(""), clock=self.clock)
        container = Container()
        container.clock.override(self.clock)
        container.store.override(self.store)
        container.settings.override(settings_of(together=together, remembers=remembers))
        self.keep: Keep = container.keep()
        self.library = Library()
        self.clock.run(self._open())
        self.ids: dict[str, str] = {event_of(name).message_id: name for name in _EVENTS}

    async def _open(self) -> None:
        await self.store.__aenter__()

    def run(self, call: Callable[[], Coroutine[object, object, T]], script: str = "") -> T:
        """One use case under a script; without it again, where it ended in doubt or unserved."""

        async def main() -> T:
            self.store.follow(Script.parse(script))
            try:
                return await call()
            except (OutcomeUnknown, Unavailable):
                self.store.follow(Script.parse(""))
                return await call()
            finally:
                self.store.follow(Script.parse(""))

        return self.clock.run(main())

    # ---- what happens ---------------------------------------------------------------------------

    @rule(name=names, script=scripts)
    def ensure(self, name: str, script: str) -> None:
        answer = self.run(
            lambda: self.keep.threads.ensure_thread(OWNER, name, created_by="ann"), script
        )
        wanted = self.library.ensure(name)
        # What was made before its answer was lost is found by the repeat.
        assert told(answer) == wanted or (wanted, told(answer)) == ("made", "found")

    @rule(
        name=names, event=events, text=texts, actor=st.sampled_from(["ann", "bob"]), script=scripts
    )
    def accept(self, name: str, event: str, text: str, actor: str, script: str) -> None:
        answer = self.run(
            lambda: self.keep.threads.accept_inbound(
                OWNER, name, event_of(event), Content.of(text), actor=actor
            ),
            script,
        )
        wanted = self.library.accept(name, event, event_of(event).message_id, text, actor)
        if isinstance(wanted, int):
            assert isinstance(answer, MessageReceipt), answer
            assert answer.sequence == wanted
        else:
            assert told(answer) == wanted

    @rule(name=names, event=events, run=st.sampled_from(["r1", "r2"]), script=scripts)
    def submit(self, name: str, event: str, run: str, script: str) -> None:
        id = event_of(event).message_id
        answer = self.run(
            lambda: self.keep.threads.mark_submitted(OWNER, name, id, turn_id=run, run_id=run),
            script,
        )
        assert told(answer) == self.library.submit(name, id, run)

    @rule(name=names, slot=slots, script=scripts)
    def open_draft(self, name: str, slot: int, script: str) -> None:
        answer = self.run(
            lambda: self.keep.threads.open_draft(OWNER, name, run_id="r1", slot=slot), script
        )
        assert told(answer) == self.library.open(name, slot_id(slot))

    @rule(name=names, slot=slots, version=st.integers(1, 3), text=texts, script=scripts)
    def update_draft(self, name: str, slot: int, version: int, text: str, script: str) -> None:
        answer = self.run(
            lambda: self.keep.threads.update_draft(
                OWNER, name, run_id="r1", slot=slot, version=version, content=Content.of(text)
            ),
            script,
        )
        assert told(answer) == self.library.update(name, slot_id(slot), version, text)

    @rule(name=names, slot=slots, text=texts, script=scripts)
    def finalize(self, name: str, slot: int, text: str, script: str) -> None:
        answer = self.run(
            lambda: self.keep.threads.finalize(
                OWNER, name, run_id="r1", slot=slot, content=Content.of(text)
            ),
            script,
        )
        assert told(answer) == self.library.finalize(name, slot_id(slot), text)

    @rule(name=names, what=events | slots, script=scripts)
    def redact(self, name: str, what: str | int, script: str) -> None:
        id = event_of(what).message_id if isinstance(what, str) else slot_id(what)
        answer = self.run(
            lambda: self.keep.threads.redact(OWNER, name, id, code="privacy", by="ann"), script
        )
        assert told(answer) == self._redacted(name, id)

    def _redacted(self, name: str, id: str) -> str:
        """As the model; a thread's own message comes before one that it shares."""
        thread = self.library.threads.get(name)
        if thread is not None and not thread.deleted and thread.find(id) is None:
            shared = [line for line in thread.lines[: thread.base] if line.id == id]
            if not shared:
                return "message_not_found"
        event = self.ids.get(id)
        claim = None if event is None else self.library.claims.get(event)
        answer = self.library.redact(name, id)
        if answer == "redacted" and claim is not None and event is not None:
            self.library.claims[event] = (claim[0], claim[1], None)
        return answer

    @rule(name=names, start=numbers, length=st.integers(0, 2), script=scripts)
    def summarise(self, name: str, start: int, length: int, script: str) -> None:
        end = start + length
        basis = self.library.redactions.get(self.library.roots.get(name, ""), 0)
        answer = self.run(
            lambda: self.keep.threads.summarise(
                OWNER,
                name,
                start=start,
                end=end,
                kind="recap",
                text="in short",
                policy=SummaryPolicy.REPLACE,
                basis=basis,
                request_id=RequestId(f"s {start} {end} {basis}"),
            ),
            script,
        )
        wanted = self.library.summarise(name, start, end, f"s {start} {end} {basis}")
        assert told(answer) == wanted

    @rule(name=names, to=names, through=st.integers(0, 4), script=scripts)
    def fork(self, name: str, to: str, through: int, script: str) -> None:
        answer = self.run(
            lambda: self.keep.threads.fork(OWNER, name, to=to, through=through, created_by="ann"),
            script,
        )
        wanted = self.library.fork(name, to, through)
        assert told(answer) == wanted or (wanted, told(answer)) == ("made", "found")

    @rule(name=names, on=st.booleans(), request=st.integers(0, 10**6), script=scripts)
    def archive(self, *, name: str, on: bool, request: int, script: str) -> None:
        call = self.keep.threads.archive if on else self.keep.threads.unarchive
        id = RequestId(f"a {request} {self.clock.monotonic()}")
        answer = self.run(lambda: call(OWNER, name, request_id=id), script)
        thread = self.library.gate(name)
        if isinstance(thread, str):
            assert told(answer) == thread
        else:
            assert not isinstance(answer, Refused)
            thread.archived = on

    @rule(name=names, script=scripts)
    def delete(self, name: str, script: str) -> None:
        answer = self.run(lambda: self.keep.threads.delete(OWNER, name), script)
        assert told(answer) == self.library.delete(name)

    @rule(script=scripts)
    def sweep(self, script: str) -> None:
        self.run(self.keep.threads.sweep, script)

    @rule(seconds=st.sampled_from([1, 60]))
    def tick(self, seconds: int) -> None:
        self.run(lambda: self.clock.sleep(seconds))

    # ---- what must be so ------------------------------------------------------------------------

    @invariant()
    def every_thread_reads_as_the_models(self) -> None:
        for name, thread in getattr(self, "library", Library()).threads.items():
            page = self.run(partial(self.keep.threads.history, OWNER, name))
            if thread.deleted:
                assert told(page) == "thread_deleted"
                continue
            assert isinstance(page, HistoryPage), page
            assert [view.sequence for view in page.messages] == list(
                range(1, len(thread.lines) + 1)
            )
            for view, line in zip(page.messages, thread.lines, strict=True):
                assert (view.message_id, view.state.value) == (line.id, line.state)
                assert (view.content.first_line, view.actor) == (line.text, line.actor)
                assert view.version == (line.version if line.state == "draft" else None)
            assert page.basis == self.library.redactions.get(self.library.roots[name], 0)

    @invariant()
    def every_window_is_the_models(self) -> None:
        for name, thread in getattr(self, "library", Library()).threads.items():
            if thread.deleted:
                continue
            window = self.run(partial(self.keep.threads.window, OWNER, name))
            assert isinstance(window, Window)
            seen = [
                (entry.content.first_line or "")
                if isinstance(entry, MessageView)
                else f"{entry.start}-{entry.end}"
                for entry in window.entries
            ]
            assert seen == thread.visible()
            view = self.run(partial(self.keep.threads.get, OWNER, name))
            assert view is not None
            assert view.title == thread.title

    @invariant()
    def what_is_listed_is_what_is_there(self) -> None:
        if not hasattr(self, "library"):
            return
        for state in (ThreadState.ACTIVE, ThreadState.ARCHIVED):
            page = self.run(partial(self.keep.threads.list_threads, OWNER, state=state))
            archived = state is ThreadState.ARCHIVED
            assert {view.thread_id for view in page.threads} == {
                name
                for name, thread in self.library.threads.items()
                if not thread.deleted and thread.archived is archived
            }

    @invariant()
    def numbers_are_told_in_order_and_once(self) -> None:
        if not hasattr(self, "library"):
            return
        page = self.run(lambda: self.keep.events.read(EVERYBODY, limit=500))
        assert isinstance(page, RecordedPage)
        born: dict[str, list[int]] = {}
        for entry in page.entries:
            assert isinstance(entry, Recorded)
            event = entry.event
            first = ("message.accepted", "message.opened")
            alone = event.kind == "message.finalized" and not any(
                seen.event.kind == "message.opened" and seen.event.address == event.address
                for seen in page.entries
                if isinstance(seen, Recorded)
            )
            if event.kind in first or alone:
                thread = event.address.scope.thread
                assert thread is not None
                born.setdefault(thread, []).append(getattr(event, "sequence", 0))
        for name, thread_lines in self.library.threads.items():
            own = list(range(thread_lines.base + 1, len(thread_lines.lines) + 1))
            assert born.get(name, []) == own


_EVENTS = ("e0", "e1", "e2", "e3", "e4")


@pytest.mark.parametrize("name", STORES)
def test_every_history_is_the_models_whatever_fails(name: str) -> None:
    """Laws 2, 7, 11 to 14, 16 to 20, 28, 29, 31 to 35 and 42 to 44 of threads among them."""
    machine = type("Machine", (ThreadMachine,), {"store_name": name})
    # Every step reads all threads in three ways, which takes time.
    examples = EXAMPLES.get(name, 100) // 2
    bounds = settings(max_examples=examples, stateful_step_count=30, deadline=None)
    run_machine(machine, settings=bounds)
