"""Bounds: each is accepted, and one more is refused before any store call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from attrs import evolve, fields

from tests.application.threads.fences import address
from tests.application.threads.world import OWNER, STORES, World
from turnkeep_application.thread_settings import ThreadSettings
from turnkeep_application.threads import Threads
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.request_ids import RequestId
from turnkeep_domain.scope import Scope
from turnkeep_domain.threads.attachments import Attachment, AttachmentKind
from turnkeep_domain.threads.content import Content
from turnkeep_domain.threads.limits import ThreadLimitExceeded, ThreadLimits
from turnkeep_domain.threads.message_id import InboundEvent, InboundRequest
from turnkeep_domain.threads.message_states import MessageKind
from turnkeep_domain.threads.new_messages import NewMessage
from turnkeep_domain.threads.parts import TextPart
from turnkeep_domain.threads.summaries import SummaryPolicy

SAID: Final = Content.of("said")
FILE: Final = Attachment(
    id="a",
    kind=AttachmentKind.IMAGE,
    mime="image/png",
    filename=None,
    size_bytes=1,
    storage_key=None,
    extracted_text=None,
)

Bounded = Callable[[Threads, int], Awaitable[object]]


async def accept(host: Threads, content: Content) -> object:
    event = InboundEvent(source_binding="web", event_id="e")
    return await host.accept_inbound(OWNER, "t1", event, content, actor="ada")


async def summarise(host: Threads, text: str) -> object:
    return await host.summarise(
        OWNER,
        "t1",
        start=1,
        end=1,
        kind="recap",
        text=text,
        policy=SummaryPolicy.NOTE,
        basis=0,
        request_id=RequestId("s"),
    )


def files(count: int) -> list[Attachment]:
    return [evolve(FILE, id=f"a{number}") for number in range(count)]


async def result(host: Threads, **more: object) -> object:
    given: dict[str, object] = {"result_ref": "result:x", "safe_summary": "done", **more}
    return await host.append_tool_result(OWNER, "t1", run_id="r1", **given)  # type: ignore[arg-type]  # as named


def whole_message(size: int) -> Content:
    """Content of so many characters that take six bytes each where they are stored."""
    first = min(size, 100_000)
    texts = ["\x01" * first, "\x01" * (size - first)]
    extracted = [
        evolve(FILE, id=f"a{number}", extracted_text=text) for number, text in enumerate(texts)
    ]
    return Content.of("x", attachments=extracted)


BOUNDS: Final[dict[str, tuple[int, Bounded]]] = {
    "id": (
        200,
        lambda host, n: host.ensure_thread(OWNER, "t" * n, created_by="ada"),
    ),
    "title": (200, lambda host, n: host.rename(OWNER, "t1", "ü" * n, request_id=RequestId("n"))),
    "goal": (
        4_000,
        lambda host, n: host.set_goal(
            OWNER, "t1", f" {'g' * n}\n", expected=0, request_id=RequestId("g")
        ),
    ),
    "thread metadata": (
        16 << 10,
        lambda host, n: host.set_metadata(
            OWNER, "t1", {"a": "x" * (n - len('{"a":""}'))}, request_id=RequestId("m")
        ),
    ),
    "message metadata": (
        16 << 10,
        lambda host, n: _later(
            lambda: accept(host, Content.of("x", metadata={"a": "x" * (n - len('{"a":""}'))}))
        ),
    ),
    "parts": (64, lambda host, n: _later(lambda: accept(host, Content.of([TextPart("x")] * n)))),
    "text": (256 << 10, lambda host, n: _later(lambda: accept(host, Content.of("x" * n)))),
    "attachments": (
        16,
        lambda host, n: _later(lambda: accept(host, Content.of("x", attachments=files(n)))),
    ),
    "extracted text": (
        200_000,
        lambda host, n: _later(
            lambda: accept(
                host, Content.of("x", attachments=[evolve(FILE, extracted_text="ü" * n)])
            )
        ),
    ),
    "provider": (
        32 << 10,
        lambda host, n: host.finalize(
            OWNER, "t1", run_id="r1", slot=0, content=SAID, provider=b"x" * n
        ),
    ),
    "slot": (
        1_000_000,
        lambda host, n: _later(lambda: host.open_draft(OWNER, "t1", run_id="r1", slot=n)),
    ),
    "result ref": (256, lambda host, n: result(host, result_ref="result:" + "x" * (n - 7))),
    "safe summary": (512, lambda host, n: result(host, safe_summary="ü" * n)),
    "preview": (
        16 << 10,
        lambda host, n: host.append_preview(
            OWNER, "t1", Content.of("x" * n), run_id="r1", invocation="i1"
        ),
    ),
    "summary": (16 << 10, lambda host, n: summarise(host, "x" * n)),
    "history": (1_000, lambda host, n: host.history(OWNER, "t1", limit=n)),
    "window": (1_000, lambda host, n: host.window(OWNER, "t1", limit=n)),
    "window bytes": (4 << 20, lambda host, n: host.window(OWNER, "t1", bytes_max=n)),
    "list": (200, lambda host, n: host.list_threads(OWNER, limit=n)),
    "unsubmitted": (200, lambda host, n: host.list_unsubmitted(limit=n)),
    "erasures": (200, lambda host, n: host.erasures(limit=n)),
}


async def _later(call: Callable[[], Awaitable[object]]) -> object:
    """What a host hands over is made where the call is, so that a bound of its own counts."""
    return await call()


@pytest.mark.parametrize("name", BOUNDS)
def test_a_bound_is_accepted_and_one_more_is_refused_without_a_store_call(name: str) -> None:
    """Law 50."""
    world = World(STORES["memory"])
    most, call = BOUNDS[name]

    async def scenario() -> None:
        await world.thread()
        await world.say("first")
        async with world.suffering("") as (host, store):
            with pytest.raises(InvalidValue) as caught:
                await call(host, most + 1)
            assert store.calls == ()
            assert isinstance(caught.value, ThreadLimitExceeded) or name == "id"
            answer = await call(host, most)
            assert not isinstance(answer, Refused), answer
            assert len(store.calls) > 0

    world.run(scenario)


def test_a_whole_message_has_at_most_a_mebibyte_as_it_is_stored() -> None:
    """Law 50: found by measuring, since escapes count."""
    world = World(STORES["memory"])

    async def scenario() -> None:
        await world.thread()
        most = _largest(lambda size: _stores(world, size))
        assert 174_000 < most < 174_762
        async with world.suffering("") as (host, store):
            with pytest.raises(ThreadLimitExceeded):
                await accept(host, whole_message(most + 1))
            assert store.calls == ()
            assert not isinstance(await accept(host, whole_message(most)), Refused)

    world.run(scenario)


def _stores(world: World, size: int) -> bool:
    event = InboundEvent(source_binding="web", event_id="e")
    given = NewMessage.inbound(event, whole_message(size), actor="ada", reply_binding=None)
    try:
        world.threads._require_storable(given, address())
    except ThreadLimitExceeded:
        return False
    return True


def _largest(fits: Callable[[int], bool]) -> int:
    low, high = 100_000, 200_000
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


@pytest.mark.parametrize(
    ("limits", "call"),
    [
        ({"title_characters_max": 3}, lambda h: h.rename(OWNER, "t1", "four", request_id="n")),
        (
            {"goal_characters_max": 3},
            lambda h: h.set_goal(OWNER, "t1", "four", expected=0, request_id="g"),
        ),
        (
            {"metadata_bytes_max": 3},
            lambda h: h.set_metadata(OWNER, "t1", {"a": 1}, request_id="m"),
        ),
        ({"text_bytes_max": 3}, lambda h: accept(h, SAID)),
        ({"parts_max": 1}, lambda h: accept(h, Content.of([TextPart("a"), TextPart("b")]))),
        ({"attachments_max": 1}, lambda h: accept(h, Content.of("x", attachments=files(2)))),
        (
            {"extracted_characters_max": 1},
            lambda h: accept(h, Content.of("x", attachments=[evolve(FILE, extracted_text="xx")])),
        ),
        ({"message_bytes_max": 99}, lambda h: accept(h, SAID)),
        (
            {"provider_bytes_max": 1},
            lambda h: h.finalize(OWNER, "t1", run_id="r1", slot=0, content=SAID, provider=b"xx"),
        ),
        (
            {"preview_bytes_max": 3},
            lambda h: h.append_preview(OWNER, "t1", SAID, run_id="r1", invocation="i"),
        ),
        ({"summary_bytes_max": 3}, lambda h: summarise(h, "four")),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_host_may_lower_a_limit(
    limits: dict[str, int], call: Callable[[Threads], Awaitable[object]]
) -> None:
    world = World(STORES["memory"])

    async def scenario() -> None:
        settings = ThreadSettings(limits=ThreadLimits(**limits))
        async with world.suffering("", settings) as (host, store):
            with pytest.raises(ThreadLimitExceeded):
                await call(host)
            assert store.calls == ()

    world.run(scenario)


@pytest.mark.parametrize("name", [each.name for each in fields(ThreadLimits)])
def test_a_host_may_raise_no_limit(name: str) -> None:
    allowed = getattr(ThreadLimits(), name)
    with pytest.raises(InvalidValue):
        ThreadLimits(**{name: allowed + 1})
    with pytest.raises(InvalidValue):
        ThreadLimits(**{name: 0})


@pytest.mark.parametrize(
    "call",
    [
        lambda h: h.ensure_thread(OWNER, "a/b", created_by="ada"),
        lambda h: h.ensure_thread(OWNER, "..", created_by="ada"),
        lambda h: h.ensure_thread(OWNER, "a\\b", created_by="ada"),
        lambda h: h.ensure_thread(OWNER, "a\nb", created_by="ada"),
        lambda h: h.ensure_thread(OWNER, "", created_by="ada"),
        lambda h: h.ensure_thread(Scope.of("acme", None), "t1", created_by="ada"),
        lambda h: h.ensure_thread("acme", "t1", created_by="ada"),
        lambda h: h.ensure_thread(OWNER, "t1", created_by=""),
        lambda h: h.ensure_thread(OWNER, "t1", created_by="ada", title=3),
        lambda h: h.ensure_thread(OWNER, "t1", created_by="ada", title="a\x00b"),
        lambda h: h.ensure_thread(OWNER, "t1", created_by="ada", metadata=[1]),
        lambda h: h.ensure_thread(OWNER, "t1", created_by="ada", metadata={"a": float("nan")}),
        lambda h: h.accept_inbound(OWNER, "t1", "event", SAID, actor=None),
        lambda h: h.accept_inbound(
            OWNER, "t1", InboundRequest(request_id=RequestId("q")), "said", actor=None
        ),
        lambda h: h.mark_submitted(OWNER, "t1", "m-1", turn_id="a/b", run_id="r"),
        lambda h: h.open_draft(OWNER, "t1", run_id="r/1", slot=0),
        lambda h: h.open_draft(OWNER, "t1", run_id="r1", slot=-1),
        lambda h: h.open_draft(OWNER, "t1", run_id="r1", slot=True),
        lambda h: h.update_draft(OWNER, "t1", run_id="r1", slot=0, version=0, content=SAID),
        lambda h: h.interrupt(OWNER, "t1", run_id="r1", slot=0, code="Not a code"),
        lambda h: h.finalize(OWNER, "t1", run_id="r1", slot=0, content=SAID, provider="text"),
        lambda h: result(h, result_ref="result:a/b"),
        lambda h: result(h, result_ref="x"),
        lambda h: result(h, safe_summary=" "),
        lambda h: h.append(OWNER, "t1", MessageKind.USER, SAID, request_id=RequestId("q")),
        lambda h: h.append(OWNER, "t1", MessageKind.SYSTEM, SAID, request_id=""),
        lambda h: summarise(h, " "),
        lambda h: h.redact(OWNER, "t1", "m-1", code="", by="ada"),
        lambda h: h.redact(OWNER, "t1", "m-1", code="x", by=""),
        lambda h: h.history(OWNER, "t1", after=-1),
        lambda h: h.history(OWNER, "t1", limit=0),
        lambda h: h.fork(OWNER, "t1", to="a/b", through=1, created_by="ada"),
        lambda h: h.set_goal(OWNER, "t1", " ", expected=0, request_id=RequestId("g")),
        lambda h: h.confirm_erasure(OWNER, "m-1"),
    ],
)
def test_what_no_host_should_hand_over_is_refused_before_any_store_call(
    call: Callable[[object], Awaitable[object]],
) -> None:
    world = World(STORES["memory"])

    async def scenario() -> None:
        async with world.suffering("") as (host, store):
            with pytest.raises(InvalidValue):
                await call(host)
            assert store.calls == ()

    world.run(scenario)
