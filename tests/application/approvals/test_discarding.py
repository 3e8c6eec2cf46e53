"""Discarding and erasing: what is gone is gone, an id is spent, and rulings stand."""

from __future__ import annotations

from tests.application.approvals.keep import (
    ADA,
    AGENT,
    APPROVED,
    DISCARDED,
    ONE_OF_TWO,
    SCOPE,
    SECRETS,
    Keep,
    rid,
)
from turnkeep_application.approval_views import ApprovalView
from turnkeep_application.approvals import Erased
from turnkeep_domain.approvals.discarded import Discarded
from turnkeep_domain.approvals.refusals import IdSpent, NotPending
from turnkeep_domain.approvals.states import ApprovalState
from turnkeep_domain.decisions import Refused
from turnkeep_domain.scope import ScopePrefix


def test_a_discard_leaves_a_tombstone_and_no_payload(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        answer = await keep.approvals.discard(SCOPE, view.id, by=AGENT, request_id=rid("r1"))
        assert answer == DISCARDED
        (record,) = await keep.records()
        assert isinstance(record, Discarded)
        assert (record.id, record.was) == (view.id, ApprovalState.PENDING)
        assert len((await keep.snapshot()).cells) == 1
        assert await keep.kinds() == ["raised", "discarded"]

    keep.run(scenario)


def test_a_discard_of_what_has_no_payload_any_more_leaves_a_tombstone(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        await keep.approvals.erase_payload(SCOPE, view.id)
        answer = await keep.approvals.discard(SCOPE, view.id, by=AGENT, request_id=rid("r1"))
        assert answer == DISCARDED
        assert await keep.kinds() == ["raised", "erased", "discarded"]

    keep.run(scenario)


def test_discarding_again_under_any_id_answers_the_same(keep: Keep) -> None:
    async def scenario() -> None:
        view = await keep.raised()
        await keep.approvals.discard(SCOPE, view.id, by=AGENT, request_id=rid("r1"))
        before = await keep.snapshot()
        for id in ("r1", "r2"):
            answer = await keep.rival.discard(SCOPE, view.id, by=AGENT, request_id=rid(id))
            assert answer == DISCARDED
        assert await keep.snapshot() == before

    keep.run(scenario)


def test_a_spent_id_stays_spent_after_a_discard_and_a_restart(keep: Keep) -> None:
    """15."""

    async def scenario() -> None:
        view = await keep.raised()
        await keep.approvals.discard(SCOPE, view.id, by=AGENT, request_id=rid("r1"))
        async with keep.restarted() as approvals:
            assert await keep.ask(on=approvals) == Refused(IdSpent(view.id))
            assert await keep.ask(on=approvals, quorum=ONE_OF_TWO) == Refused(IdSpent(view.id))
            second = await keep.ask(on=approvals, attempt=2)
            assert isinstance(second, ApprovalView)
        assert await keep.kinds() == ["raised", "discarded", "raised"]

    keep.run(scenario)


def test_a_tombstone_is_invisible_and_yet_answers_commands(keep: Keep) -> None:
    """16."""

    async def scenario() -> None:
        view = await keep.raised()
        approvals = keep.approvals
        await approvals.discard(SCOPE, view.id, by=AGENT, request_id=rid("r1"))
        assert await approvals.get(SCOPE, view.id) is None
        assert await approvals.payload(SCOPE, view.id) is None
        assert await approvals.wait(SCOPE, view.id, seen=view.changes) is None
        page = await approvals.list_pending(ScopePrefix.owner(SCOPE))
        assert (page.approvals, page.unreadable, page.next) == ((), (), None)
        gone = Refused(NotPending(ApprovalState.DISCARDED, None))
        assert await approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1")) == gone
        assert await approvals.deny(SCOPE, view.id, by=ADA, decision_id=rid("d2")) == gone
        assert await approvals.expire(SCOPE, view.id) == gone
        assert await approvals.erase_payload(SCOPE, view.id) == Erased(view.id)
        assert await keep.kinds() == ["raised", "discarded"]

    keep.run(scenario)


def test_erasing_the_payload_leaves_the_ruling_intact(keep: Keep) -> None:
    """33."""

    async def scenario() -> None:
        view = await keep.raised(quorum=ONE_OF_TWO)
        await keep.approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
        ruled = await keep.approvals.get(SCOPE, view.id)
        assert await keep.approvals.erase_payload(SCOPE, view.id) == Erased(view.id)
        assert await keep.approvals.payload(SCOPE, view.id) is None
        assert await keep.approvals.get(SCOPE, view.id) == ruled
        again = await keep.approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
        assert again == APPROVED
        assert await keep.kinds() == ["raised", "approved", "erased"]

    keep.run(scenario)


def test_erasing_twice_is_erasing_once(keep: Keep) -> None:
    """32."""

    async def scenario() -> None:
        view = await keep.raised()
        await keep.approvals.erase_payload(SCOPE, view.id)
        before = await keep.snapshot()
        assert await keep.rival.erase_payload(SCOPE, view.id) == Erased(view.id)
        assert await keep.snapshot() == before
        assert await keep.kinds() == ["raised", "erased"]

    keep.run(scenario)


def test_raising_again_does_not_bring_an_erased_payload_back(keep: Keep) -> None:
    """33."""

    async def scenario() -> None:
        view = await keep.raised()
        await keep.approvals.erase_payload(SCOPE, view.id)
        assert await keep.ask() == view
        assert await keep.approvals.payload(SCOPE, view.id) is None

    keep.run(scenario)


def test_nothing_that_is_stored_for_long_or_told_holds_what_must_stay_hidden(keep: Keep) -> None:
    """9."""

    async def scenario() -> None:
        view = await keep.ask(input=SECRETS[0], reason=SECRETS[1], display=SECRETS[2])
        assert isinstance(view, ApprovalView)
        cell = await keep.cell(view.id)
        assert cell is not None
        fingerprint = cell.entry.body.partition(b"sha256:")[2][:64].decode()
        assert len(fingerprint) == 64
        hidden = [secret.encode() for secret in (*SECRETS, fingerprint)]
        assert not any(secret in cell.entry.body for secret in hidden[:3])
        await keep.approvals.approve(SCOPE, view.id, by=ADA, decision_id=rid("d1"))
        page = await keep.approvals.list_pending(ScopePrefix.owner(SCOPE))
        shown = [repr(thing) for thing in (view, page, await keep.records(), await keep.events())]
        await keep.approvals.discard(SCOPE, view.id, by=AGENT, request_id=rid("r1"))
        snapshot = await keep.snapshot()
        shown += [repr(await keep.records()), repr(snapshot), repr(await keep.events())]
        assert not any(secret.decode() in text for secret in hidden for text in shown)
        bodies = [event.body for event in snapshot.events]
        bodies += [cell.entry.body for cell in snapshot.cells]
        assert not any(secret in body for secret in hidden for body in bodies)

    keep.run(scenario)
