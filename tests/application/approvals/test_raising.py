"""Raising: one gate for one call on one set of terms, whoever asks how often."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.application.approvals.keep import (
    ADA,
    AGENT,
    ONE_OF_TWO,
    SCOPE,
    TWO_OF_THREE,
    Keep,
    rid,
)
from turnkeep_adapters.faulty.actions import Operation
from turnkeep_application.approval_settings import ApprovalSettings
from turnkeep_application.approval_views import ApprovalView
from turnkeep_domain.approvals.approval import Approval
from turnkeep_domain.approvals.calls import Dispatch, Effect, Spawn
from turnkeep_domain.approvals.canonical import Json, JsonText
from turnkeep_domain.approvals.quorum import Quorum
from turnkeep_domain.approvals.refusals import (
    IdSpent,
    InputTooDeep,
    InputTooLarge,
    InvalidInput,
    TooManyPending,
)
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.principals import Principal
from turnkeep_domain.scope import Scope
from turnkeep_ports.errors import Unavailable


def test_a_raised_request_is_pending_and_can_be_read(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        assert view.state is ApprovalState.PENDING
        assert (view.missing, view.changes, view.attempt) == (2, 1, 1)
        assert view.expires_at == keep.in_seconds(3_600)
        assert view.ended_at is None
        assert view.ruling is None
        assert await keep.approvals.get(SCOPE, view.id) == view
        payload = await keep.approvals.payload(SCOPE, view.id)
        assert payload is not None
        assert (payload.reason, payload.display) == ("because", "pay 12 EUR")
        assert await keep.kinds() == ["raised"]

    keep.run(scenario)


def test_defaults_are_a_day_and_the_scopes_user(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.ask(lifetime_seconds=None, quorum=None)
        assert isinstance(view, ApprovalView)
        assert view.expires_at == keep.in_seconds(86_400)
        assert view.quorum == Quorum.of(1, ADA)

    keep.run(scenario)


def test_raising_equal_terms_returns_the_one_gate(keep: Keep) -> None:
    """14."""

    async def scenario() -> None:
        view = await keep.raised()
        before = await keep.snapshot()
        again = await keep.ask(on=keep.rival, reason="other", display="other", lifetime_seconds=60)
        assert again == view
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_raising_again_shows_what_has_become_of_it(keep: Keep) -> None:
    """14."""

    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        await keep.approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
        again = await keep.ask(quorum=ONE_OF_TWO)
        assert isinstance(again, ApprovalView)
        assert again.state is ApprovalState.APPROVED
        assert again == await keep.approvals.get(SCOPE, view.id)

    keep.run(scenario)


@pytest.mark.parametrize(
    "terms",
    [
        {"requester": Principal.agent("other")},
        {"effects": frozenset({Effect.READS})},
        {"quorum": ONE_OF_TWO},
    ],
    ids=lambda terms: next(iter(terms)),
)
def test_raising_unequal_terms_answers_that_the_id_is_spent(
    keep: Keep, terms: dict[str, Any]
) -> None:
    """14."""

    async def scenario() -> None:
        view = await keep.raised()
        before = await keep.snapshot()
        assert await keep.ask(**terms) == Refused(IdSpent(view.id))
        assert await keep.snapshot() == before
        second = await keep.ask(attempt=2, **terms)
        assert isinstance(second, ApprovalView)
        assert second.id != view.id
        assert second.attempt == 2

    keep.run(scenario)


def test_another_call_is_another_gate(keep: Keep) -> None:
    async def scenario() -> None:
        views = [
            await keep.ask(),
            await keep.ask(invocation="i2"),
            await keep.ask(action=Spawn.of("pay", {"usd_nano": 5})),
            await keep.ask(action=Dispatch.of("pay")),
            await keep.ask(input={"a": 1}),
            await keep.ask(input={"a": 1.0}),
            await keep.ask(scope=Scope.of("acme", "ada")),
        ]
        assert len({view.id for view in views if isinstance(view, ApprovalView)}) == len(views)

    keep.run(scenario)


def test_the_order_of_keys_and_the_spelling_of_text_make_no_other_gate(keep: Keep) -> None:
    async def scenario() -> None:
        inputs: list[Json | JsonText] = [
            {"a": 1, "b": ["é"]},
            {"b": ("é",), "a": 1},
            JsonText('{ "b": ["\\u00e9"], "a": 1 }'),
        ]
        views = [await keep.ask(input=input) for input in inputs]
        assert views[0] == views[1] == views[2]
        assert await keep.kinds() == ["raised"]

    keep.run(scenario)


def nested(levels: int) -> Json:
    value: Json = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("input", "refusal"),
    [
        (nested(65), InputTooDeep),
        (JsonText("[" * 65), InputTooDeep),
        (JsonText(" " * (8 << 20) + "1"), InputTooLarge),
        (float("nan"), InvalidInput),
        ("\ud800", InvalidInput),
        ({"a": 2**63}, InvalidInput),
        (JsonText('{"a": 1, "a": 2}'), InvalidInput),
        ("x" * (1 << 20), InputTooLarge),
    ],
    ids=["deep", "deep text", "long text", "nan", "surrogate", "wide", "twice", "large"],
)
def test_malformed_input_is_refused_before_any_load(
    keep: Keep, input: Json | JsonText, refusal: type
) -> None:
    """3."""

    async def scenario() -> None:
        async with keep.suffering("") as (approvals, faulty):
            answer = await keep.ask(on=approvals, input=input)
            assert isinstance(answer, Refused)
            assert isinstance(answer.reason, refusal)
            assert faulty.calls == ()
        deep = await keep.ask(input=nested(64))
        assert isinstance(deep, ApprovalView)

    keep.run(scenario)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": Scope.of("acme", None)},
        {"scope": Scope.of(None, "ada")},
        {"invocation": ""},
        {"invocation": "a" * 201},
        {"lifetime_seconds": 9},
        {"lifetime_seconds": 30 * 86_400 + 1},
        {"attempt": 0},
        {"requester": ADA},
    ],
    ids=str,
)
def test_what_no_host_should_hand_over_raises_and_nothing_is_read(
    keep: Keep, wrong: dict[str, Any]
) -> None:
    """6."""

    async def scenario() -> None:
        async with keep.suffering("") as (approvals, faulty):
            with pytest.raises(InvalidValue):
                await keep.ask(on=approvals, **wrong)
            assert faulty.calls == ()

    keep.run(scenario)


def test_two_raisers_of_one_call_make_one_gate_and_one_event(keep: Keep) -> None:
    """38."""

    async def scenario() -> None:
        async with keep.suffering("commit#1: hold raise") as (approvals, faulty):
            first = asyncio.create_task(keep.ask(on=approvals))
            await faulty.reached("raise")
            second = await keep.ask(on=keep.rival)
            faulty.release("raise")
            assert await first == second
        assert await keep.kinds() == ["raised"]

    keep.run(scenario)


def test_many_raisers_at_once_make_one_gate_and_one_event(keep: Keep) -> None:
    """38."""

    async def scenario() -> None:
        async with keep.suffering("load#*: delay 5\ncommit#*: delay 5") as (approvals, _):
            views = await asyncio.gather(*(keep.ask(on=approvals) for _ in range(16)))
        assert isinstance(views[0], ApprovalView)
        assert all(view == views[0] for view in views)
        assert await keep.kinds() == ["raised"]

    keep.run(scenario)


@pytest.mark.parametrize("misfortune", ["lose-before", "lose-after", "land-late 2", "fail-before"])
def test_approval_and_payload_are_stored_together_once_whatever_happens(
    keep: Keep, misfortune: str
) -> None:
    """42, 46."""

    async def scenario() -> None:
        async with keep.suffering(f"commit#1: {misfortune}") as (approvals, _):
            view = await keep.ask(on=approvals)
            assert isinstance(view, ApprovalView)
        assert await keep.kinds() == ["raised"]
        assert len((await keep.snapshot()).cells) == 2

    keep.run(scenario)


def test_a_raise_that_is_never_stored_leaves_neither_approval_nor_payload(keep: Keep) -> None:
    """46."""

    async def scenario() -> None:
        async with keep.suffering("commit#*: stall") as (approvals, faulty):
            asking = asyncio.create_task(keep.ask(on=approvals))
            await keep.clock.settle()
            assert faulty.calls[-1].operation is Operation.COMMIT
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        assert (await keep.snapshot()).cells == ()

    keep.run(scenario)


def test_the_64th_request_of_a_thread_waits_and_the_65th_is_refused(keep: Keep) -> None:
    async def scenario() -> None:
        for number in range(64):
            await keep.raised(invocation=f"i{number}")
        assert await keep.ask(invocation="i64") == Refused(TooManyPending(64))
        again = await keep.ask(invocation="i3")
        assert isinstance(again, ApprovalView)
        other = Scope.of("acme", "ada", agent="scout", project="site", mission="m1", thread="t2")
        assert isinstance(await keep.ask(scope=other), ApprovalView)

    keep.run(scenario)


def test_what_has_ended_or_is_overdue_makes_room(keep: Keep) -> None:
    async def scenario() -> None:
        keep.set(pending_max=3)
        decided = await keep.raised(invocation="i1", quorum=ONE_OF_TWO)
        await keep.raised(invocation="i2", lifetime_seconds=10)
        await keep.raised(invocation="i3")
        assert isinstance(await keep.ask(invocation="i4"), Refused)
        await keep.approvals.approve(SCOPE, decided.id, by=ADA, decision_id=rid("d"))
        assert isinstance(await keep.ask(invocation="i4"), ApprovalView)
        assert isinstance(await keep.ask(invocation="i5"), Refused)
        await keep.clock.advance(10)
        assert isinstance(await keep.ask(invocation="i5"), ApprovalView)
        assert isinstance(await keep.ask(invocation="i6"), Refused)

    keep.run(scenario)


def test_the_limit_of_pending_counts_beyond_one_page(keep: Keep) -> None:
    async def scenario() -> None:
        for number in range(10):
            await keep.raised(invocation=f"short {number}", lifetime_seconds=10)
        await keep.clock.advance(10)
        keep.set(pending_max=3)
        for number in range(3):
            await keep.raised(invocation=f"long {number}")
        assert await keep.ask(invocation="one more") == Refused(TooManyPending(3))

    keep.run(scenario)


def test_a_raise_has_one_deadline_however_many_are_overdue(keep: Keep) -> None:
    async def scenario() -> None:
        await keep.overdue(220)
        async with keep.suffering("scan#*: delay 6000") as (approvals, faulty):
            begun = keep.clock.monotonic()
            with pytest.raises(Unavailable):
                await keep.ask(on=approvals)
            assert keep.clock.monotonic() - begun == pytest.approx(15)
            assert {call.operation for call in faulty.calls} == {Operation.SCAN}

    keep.run(scenario)


def test_counting_skips_what_was_raised_more_than_a_longest_lifetime_ago(keep: Keep) -> None:
    async def scenario() -> None:
        await keep.overdue(320)
        await keep.clock.advance(30 * 86_400)
        keep.set(pending_max=2)
        for number in range(2):
            assert isinstance(await keep.ask(invocation=f"i{number}"), ApprovalView)
        async with keep.suffering("") as (approvals, faulty):
            assert isinstance(await keep.ask(on=approvals), ApprovalView)
            scans = [call for call in faulty.calls if call.operation is Operation.SCAN]
            assert len(scans) == 2
        assert await keep.ask(invocation="one more") == Refused(TooManyPending(2))

    keep.run(scenario)


def test_what_lasts_longest_is_counted_until_its_last_moment(keep: Keep) -> None:
    async def scenario() -> None:
        await keep.overdue(120)
        lasting = await keep.raised(invocation="lasting", lifetime_seconds=30 * 86_400)
        keep.set(pending_max=1)
        await keep.let_pass_until(lasting.expires_at - timedelta(microseconds=1))
        assert await keep.ask(invocation="i2") == Refused(TooManyPending(1))
        await keep.let_pass_until(lasting.expires_at)
        assert isinstance(await keep.ask(invocation="i2"), ApprovalView)

    keep.run(scenario)


def test_a_hosts_redactor_sees_reason_and_display_before_they_are_stored(keep: Keep) -> None:
    async def scenario() -> None:
        settings = ApprovalSettings(redact=lambda text: text.replace("s3", "*"))
        approvals = keep.host(keep.store, settings)
        view = await keep.ask(on=approvals, reason="s3cret\x1b", display="a s3cret")
        assert isinstance(view, ApprovalView)
        payload = await approvals.payload(SCOPE, view.id)
        assert payload is not None
        assert (payload.reason, payload.display) == (r"*cret\x1b", "a *cret")

    keep.run(scenario)


def test_requester_and_quorum_are_kept_as_the_host_stamped_them(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        (record,) = await keep.records()
        assert isinstance(record, Approval)
        assert record.request.question.requester == AGENT == view.requester
        assert record.request.question.quorum == TWO_OF_THREE == view.quorum

    keep.run(scenario)
