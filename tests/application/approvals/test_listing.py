"""Listing: what may still be decided, by time, whatever else lies in the store."""

from __future__ import annotations

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
from turnkeep_application.approval_views import PendingPage
from turnkeep_application.approvals import Approvals
from turnkeep_application.reading import Unreadable
from turnkeep_domain.approvals.refusals import Unknown
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports.errors import Corrupt, SchemaTooNew, Unavailable

OWNER = ScopePrefix.owner(SCOPE)


def thread(mission: str | None, name: str | None) -> Scope:
    return Scope.of("acme", "ada", agent="scout", project="site", mission=mission, thread=name)


async def ids(
    approvals: Approvals, prefix: ScopePrefix = OWNER, *, limit: int | None = None
) -> list[str]:
    """The ids of all pages."""
    found: list[str] = []
    after: str | None = None
    while True:
        page = await approvals.list_pending(prefix, after=after, limit=limit)
        found += [view.id for view in page.approvals]
        after = page.next
        if after is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 3, 200, None])
def test_a_listing_spans_missions_and_threads_by_time(keep: Keep, limit: int | None) -> None:
    """18."""

    async def scenario() -> None:
        scopes = [
            thread("m2", "t9"),
            thread("m1", "t1"),
            thread(None, None),
            thread("m1", "t0"),
            Scope.of("acme", "ada"),
            thread("m2", "t1"),
        ]
        raised = []
        for scope in scopes:
            raised.append((await keep.raised(scope=scope)).id)
            await keep.clock.advance(0.5)
        assert await ids(keep.approvals, limit=limit) == raised
        mission = ScopePrefix(scope=thread("m1", None), depth=5)
        assert await ids(keep.approvals, mission, limit=limit) == [raised[1], raised[3]]
        exactly = ScopePrefix.exactly(thread("m2", "t1"))
        assert await ids(keep.approvals, exactly, limit=limit) == [raised[5]]
        nobody = ScopePrefix.owner(Scope.of("acme", "grace"))
        assert await ids(keep.approvals, nobody, limit=limit) == []

    keep.run(scenario)


def test_requests_of_one_moment_are_listed_in_the_order_of_their_ids(keep: Keep) -> None:
    """18."""

    async def scenario() -> None:
        raised = [(await keep.raised(invocation=f"i{number}")).id for number in range(9)]
        assert await ids(keep.approvals, limit=2) == sorted(raised)

    keep.run(scenario)


def test_insertion_and_decisions_between_pages_repeat_and_hide_nothing(keep: Keep) -> None:
    """18."""

    async def scenario() -> None:
        raised = []
        for number in range(6):
            raised.append((await keep.raised(invocation=f"i{number}", quorum=ONE_OF_TWO)).id)
            await keep.clock.advance(1)
        pages: list[list[str]] = []
        after: str | None = None
        while len(pages) < 3:
            page = await keep.approvals.list_pending(OWNER, after=after, limit=2)
            pages.append([view.id for view in page.approvals])
            after = page.next
            seen = pages[-1][0]
            await keep.rival.approve(SCOPE, seen, by=ADA, decision_id=rid("d"))
            await keep.raised(scope=thread("m0", "t0"), invocation=f"late {len(pages)}")
        assert pages == [raised[:2], raised[2:4], raised[4:]]

    keep.run(scenario)


def test_a_page_shows_what_get_shows(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        await keep.approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
        page = await keep.approvals.list_pending(OWNER)
        assert page == PendingPage(
            approvals=tuple(filter(None, [await keep.approvals.get(SCOPE, view.id)])),
            unreadable=(),
            read_at=keep.wall(),
            next=None,
        )
        assert page.approvals[0].missing == 1

    keep.run(scenario)


def test_what_has_ended_or_is_overdue_is_left_out(keep: Keep) -> None:
    async def scenario() -> None:
        approvals = keep.approvals
        approved = await keep.raised(invocation="i1", quorum=ONE_OF_TWO)
        denied = await keep.raised(invocation="i2")
        discarded = await keep.raised(invocation="i3")
        overdue = await keep.raised(invocation="i4", lifetime_seconds=10)
        pending = await keep.raised(invocation="i5")
        await approvals.approve(SCOPE, approved.id, by=ADA, decision_id=rid("d"))
        await approvals.deny(SCOPE, denied.id, by=ADA, decision_id=rid("d"))
        await approvals.discard(SCOPE, discarded.id, by=AGENT, request_id=rid("r"))
        await keep.let_pass_until(overdue.expires_at - timedelta(microseconds=1))
        assert sorted(await ids(approvals)) == sorted([overdue.id, pending.id])
        await keep.let_pass_until(overdue.expires_at)
        assert await ids(approvals) == [pending.id]

    keep.run(scenario)


def test_many_that_are_overdue_are_read_past_whatever_the_limit(keep: Keep) -> None:
    async def scenario() -> None:
        await keep.overdue(150)
        lasting = await keep.raised(invocation="lasting")
        async with keep.suffering("") as (approvals, faulty):
            page = await approvals.list_pending(OWNER, limit=1)
            assert [view.id for view in page.approvals] == [lasting.id]
            assert page.next is None
            assert len(faulty.calls) == 2

    keep.run(scenario)


def test_a_page_is_empty_after_a_few_rounds_and_the_next_one_goes_on(keep: Keep) -> None:
    async def scenario() -> None:
        await keep.overdue(420)
        lasting = await keep.raised(invocation="lasting")
        async with keep.suffering("") as (approvals, faulty):
            page = await approvals.list_pending(OWNER, limit=1)
            assert (page.approvals, page.unreadable) == ((), ())
            assert page.next is not None
            assert len(faulty.calls) == 4
        assert await ids(keep.approvals, limit=1) == [lasting.id]

    keep.run(scenario)


def test_a_listing_has_one_deadline_however_many_records_it_reads_past(keep: Keep) -> None:
    async def scenario() -> None:
        await keep.overdue(220)
        async with keep.suffering("scan#*: delay 6000") as (approvals, _):
            begun = keep.clock.monotonic()
            with pytest.raises(Unavailable):
                await approvals.list_pending(OWNER)
            assert keep.clock.monotonic() - begun == pytest.approx(15)

    keep.run(scenario)


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_a_page_goes_on_behind_the_last_one_answered(keep: Keep, limit: int) -> None:
    async def scenario() -> None:
        lasting: list[str] = []
        for number in range(12):
            kept = number % 3 != 0
            seconds = 3_600 if kept else 10
            view = await keep.raised(invocation=f"i{number}", lifetime_seconds=seconds)
            lasting += [view.id] if kept else []
            await keep.clock.advance(1)
        await keep.clock.advance(10)
        broken = await keep.cell(lasting[3])
        assert broken is not None
        await keep.write(broken.address, b"", broken)
        found: list[str] = []
        after: str | None = None
        while True:
            page = await keep.approvals.list_pending(OWNER, after=after, limit=limit)
            answered: list[str] = [view.id for view in page.approvals]
            answered += [entry.address.id for entry in page.unreadable]
            found += [id for id in lasting if id in answered]
            after = page.next
            if after is None:
                break
            assert len(answered) == limit
        assert found == lasting

    keep.run(scenario)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "corrupt"),
        (b'{"d":{},"t":"approval","v":1}', "corrupt"),
        (b'{"d":{},"t":"approval","v":999}', "schema_too_new"),
    ],
    ids=["nothing", "fields missing", "of a newer release"],
)
def test_one_unreadable_record_does_not_hide_the_others(keep: Keep, body: bytes, code: str) -> None:
    """19."""

    async def scenario() -> None:
        raised = []
        for number in range(3):
            raised.append((await keep.raised(invocation=f"i{number}")).id)
            await keep.clock.advance(1)
        cell = await keep.cell(raised[1])
        assert cell is not None
        await keep.write(cell.address, body, cell)
        page = await keep.approvals.list_pending(OWNER)
        assert [view.id for view in page.approvals] == [raised[0], raised[2]]
        assert page.unreadable == (Unreadable(cell.address, code),)
        alone = await keep.approvals.list_pending(OWNER, limit=1, after=await second(keep))
        assert (alone.approvals, len(alone.unreadable)) == ((), 1)
        expected = {"corrupt": Corrupt, "schema_too_new": SchemaTooNew}[code]
        before = await keep.snapshot()
        with pytest.raises(expected):
            await keep.approvals.get(SCOPE, raised[1])
        with pytest.raises(expected):
            await keep.approvals.approve(SCOPE, raised[1], by=ADA, decision_id=rid("d"))
        assert await keep.snapshot() == before

    keep.run(scenario)


async def second(keep: Keep) -> str | None:
    return (await keep.approvals.list_pending(OWNER, limit=1)).next


def test_a_record_under_anothers_id_is_unreadable(keep: Keep) -> None:
    """19."""

    async def scenario() -> None:
        first = await keep.cell((await keep.raised(invocation="i1")).id)
        second = await keep.cell((await keep.raised(invocation="i2")).id)
        assert first is not None
        assert second is not None
        await keep.write(first.address, second.entry.body, first)
        page = await keep.approvals.list_pending(OWNER)
        assert page.unreadable == (Unreadable(first.address, "corrupt"),)
        assert [view.id for view in page.approvals] == [second.address.id]

    keep.run(scenario)


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 0},
        {"limit": 201},
        {"limit": True},
        {"after": "é"},
        {"after": "not a token"},
        {"after": "AAAA"},
        {"after": ""},
        {"after": 3},
        {"after": b"AAAA"},
        {"limit": "1"},
        {"prefix": SCOPE},
        {"prefix": ScopePrefix(scope=SCOPE, depth=1)},
        {"prefix": ScopePrefix.owner(Scope.of("acme", None))},
    ],
    ids=str,
)
def test_a_listing_that_cannot_be_meant_is_refused(keep: Keep, wrong: dict[str, Any]) -> None:
    async def scenario() -> None:
        async with keep.suffering("") as (approvals, faulty):
            with pytest.raises(InvalidValue):
                await approvals.list_pending(**{"prefix": OWNER, **wrong})
            assert faulty.calls == ()

    keep.run(scenario)


def test_a_token_that_was_altered_or_is_of_another_listing_is_refused(keep: Keep) -> None:
    async def scenario() -> None:
        for number in range(2):
            await keep.raised(invocation=f"i{number}")
        token = await second(keep)
        assert token is not None
        assert token.isascii()
        async with keep.suffering("") as (approvals, faulty):
            for at, letter in enumerate(token):
                other = "A" if letter != "A" else "B"
                with pytest.raises(InvalidValue):
                    await approvals.list_pending(OWNER, after=token[:at] + other + token[at + 1 :])
            for altered in (token[:-4], token[4:], f"{token}AAAA", f"{token[:4]}!{token[4:]}"):
                with pytest.raises(InvalidValue):
                    await approvals.list_pending(OWNER, after=altered)
            with pytest.raises(InvalidValue):
                await approvals.list_pending(ScopePrefix.exactly(SCOPE), after=token)
            assert faulty.calls == ()

    keep.run(scenario)


# ---- scopes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "foreign",
    [
        {"tenant": "other"},
        {"user": "other"},
        {"agent": "other"},
        {"agent": None},
        {"project": "other"},
        {"project": None},
        {"mission": "other"},
        {"mission": None},
        {"thread": "other"},
        {"thread": None},
        {"thread": "t"},
    ],
    ids=str,
)
def test_every_foreign_dimension_reads_as_absent_and_changes_nothing(
    keep: Keep, foreign: dict[str, Any]
) -> None:
    """17."""

    async def scenario() -> None:
        id = (await keep.raised()).id
        own: dict[str, Any] = {
            "tenant": "acme",
            "user": "ada",
            "agent": "scout",
            "project": "site",
            "mission": "m1",
            "thread": "t1",
        }
        scope = Scope.of(**{**own, **foreign})
        before = await keep.snapshot()
        approvals = keep.approvals
        assert await approvals.get(scope, id) is None
        assert await approvals.payload(scope, id) is None
        assert await approvals.wait(scope, id, seen=1) is None
        assert await ids(approvals, ScopePrefix.exactly(scope)) == []
        for refused in (
            await approvals.approve(scope, id, by=ADA, decision_id=rid("d")),
            await approvals.deny(scope, id, by=ADA, decision_id=rid("d")),
            await approvals.discard(scope, id, by=AGENT, request_id=rid("r")),
            await approvals.expire(scope, id),
            await approvals.erase_payload(scope, id),
        ):
            assert refused == Refused(Unknown(id))
        assert await keep.snapshot() == before
        view = await approvals.get(SCOPE, id)
        assert view is not None
        assert view.state is ApprovalState.PENDING

    keep.run(scenario)


@pytest.mark.parametrize("scope", [Scope.of("acme", None), Scope.of(None, "ada")], ids=str)
def test_a_scope_without_tenant_or_user_raises_and_nothing_is_read(
    keep: Keep, scope: Scope
) -> None:
    """17."""

    async def scenario() -> None:
        async with keep.suffering("") as (approvals, faulty):
            with pytest.raises(InvalidValue):
                await approvals.get(scope, "i")
            with pytest.raises(InvalidValue):
                await approvals.payload(scope, "i")
            with pytest.raises(InvalidValue):
                await approvals.wait(scope, "i", seen=0)
            with pytest.raises(InvalidValue):
                await approvals.approve(scope, "i", by=ADA, decision_id=rid("d"))
            with pytest.raises(InvalidValue):
                await approvals.expire(scope, "i")
            with pytest.raises(InvalidValue):
                await approvals.erase_payload(scope, "i")
            with pytest.raises(InvalidValue):
                await keep.ask(on=approvals, scope=scope, quorum=TWO_OF_THREE)
            assert faulty.calls == ()

    keep.run(scenario)
