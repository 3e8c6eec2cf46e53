"""Laws of a lease, as values tell them: no store, no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from turnkeep_domain.decisions import Changed, Refused, Settled, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.keys import Address
from turnkeep_domain.leases.events import LeaseAcquired, LeaseLapsed, LeaseReleased
from turnkeep_domain.leases.guards import Guard, Guards
from turnkeep_domain.leases.lease import LEASES, Lease, LeaseName, TenureReleased, Vacant
from turnkeep_domain.leases.refusals import Held, NotHolder, TenureExpired
from turnkeep_domain.leases.tenancy import EndedTenure, Tenancy, TenureEnd
from turnkeep_domain.leases.tenure import Tenure
from turnkeep_domain.request_ids import RequestId, RequestIdReused
from turnkeep_domain.scope import Scope

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TTL = timedelta(seconds=60)
TICK = timedelta(microseconds=1)
SCOPE = Scope.of("acme", "ada")
UNSEEN = Lease.unseen(SCOPE, LeaseName("db"))


def rid(text: str) -> RequestId:
    return RequestId(text)


def held(
    lease: Lease = UNSEEN, *, by: str = "one", id: str = "r1", now: datetime = NOW
) -> tuple[Lease, Tenancy]:
    decision = lease.acquire(holder=by, ttl=TTL, request_id=rid(id), now=now)
    assert isinstance(decision, Changed)
    return decision.state, decision.outcome


def test_an_unseen_name_is_vacant_at_fence_zero() -> None:
    assert (UNSEEN.fence, UNSEEN.possession) == (0, Vacant())
    assert UNSEEN.tenancy_at(NOW) is None


def test_an_acquisition_begins_a_tenure_and_tells_it() -> None:
    decision = UNSEEN.acquire(holder="one", ttl=TTL, request_id=rid("r"), now=NOW)
    assert isinstance(decision, Changed)
    assert decision.outcome == Tenancy(
        fence=1, tenure=Tenure(holder="one", since=NOW, until=NOW + TTL)
    )
    assert decision.valid_until == NOW + TTL
    assert decision.events == (
        LeaseAcquired(address=UNSEEN.address, at=NOW, fence=1, holder="one", until=NOW + TTL),
    )


def test_a_live_tenure_refuses_everybody_its_own_holder_included() -> None:
    """5."""
    lease, tenancy = held()
    for holder in ("one", "two"):
        answer = lease.acquire(holder=holder, ttl=TTL, request_id=rid("r2"), now=NOW + TTL - TICK)
        assert answer == Refused(Held("one", tenancy.until))


def test_a_repeat_answers_its_own_tenure_even_when_it_is_over_and_others_have_held() -> None:
    """6."""
    lease, first = held()
    lease, second = held(lease, by="two", id="r2", now=NOW + TTL)
    again = lease.acquire(holder="one", ttl=TTL, request_id=rid("r1"), now=NOW + 5 * TTL)
    assert again == Unchanged(first)
    assert second.fence == 2


@pytest.mark.parametrize(
    ("holder", "ttl"), [("two", TTL), ("one", TTL + TICK), ("one", TTL - TICK)]
)
def test_a_request_id_is_not_used_for_other_arguments(holder: str, ttl: timedelta) -> None:
    lease, _ = held()
    again = lease.acquire(holder=holder, ttl=ttl, request_id=rid("r1"), now=NOW)
    assert again == Refused(RequestIdReused(rid("r1")))


def test_a_steal_tells_the_lapse_first_in_one_change() -> None:
    """9."""
    lease, _ = held()
    decision = lease.acquire(holder="two", ttl=TTL, request_id=rid("r2"), now=NOW + TTL)
    assert isinstance(decision, Changed)
    lapsed, acquired = decision.events
    assert lapsed == LeaseLapsed(address=lease.address, at=NOW + TTL, fence=1, holder="one")
    assert isinstance(acquired, LeaseAcquired)
    assert acquired.fence == 2
    assert decision.state.ended == (EndedTenure(fence=1, end=TenureEnd.EXPIRED),)


def test_a_deadline_equal_to_now_is_over_and_one_microsecond_later_is_not() -> None:
    """8."""
    lease, tenancy = held()
    assert lease.guards(fence=1, now=tenancy.until - TICK)
    assert not lease.guards(fence=1, now=tenancy.until)
    assert isinstance(
        lease.renew(holder="one", fence=1, ttl=TTL, now=tenancy.until - TICK), Changed
    )
    assert isinstance(lease.renew(holder="one", fence=1, ttl=TTL, now=tenancy.until), Settled)


def test_a_late_renewal_is_refused_and_the_end_is_stored_though_nobody_came() -> None:
    """3."""
    lease, _ = held()
    late = lease.renew(holder="one", fence=1, ttl=TTL, now=NOW + TTL)
    assert isinstance(late, Settled)
    assert late.tidy
    assert late.reason == TenureExpired(1)
    assert late.state.possession == Vacant()
    (told,) = late.events
    assert isinstance(told, LeaseLapsed)
    again = late.state.renew(holder="one", fence=1, ttl=TTL, now=NOW + TTL)
    assert again == Refused(TenureExpired(1))


def test_a_renewal_lasts_from_now_and_never_shortens() -> None:
    """4."""
    lease, tenancy = held()
    longer = lease.renew(holder="one", fence=1, ttl=TTL, now=NOW + TTL / 2)
    assert isinstance(longer, Changed)
    assert longer.outcome.until == NOW + TTL / 2 + TTL
    assert (longer.events, longer.valid_until) == ((), tenancy.until)
    shorter = lease.renew(holder="one", fence=1, ttl=TICK, now=NOW)
    assert shorter == Unchanged(tenancy)


@pytest.mark.parametrize(("holder", "fence"), [("two", 1), ("one", 2), ("one", 7)])
def test_who_has_no_such_tenure_is_no_holder(holder: str, fence: int) -> None:
    lease, _ = held()
    for answer in (
        lease.renew(holder=holder, fence=fence, ttl=TTL, now=NOW),
        lease.release(holder=holder, fence=fence, now=NOW),
        lease.renew(holder=holder, fence=fence, ttl=TTL, now=NOW + 2 * TTL),
    ):
        assert answer == Refused(NotHolder(fence))


def test_a_release_vacates_and_its_repeat_answers_the_same_after_others_held() -> None:
    """6."""
    lease, tenancy = held()
    decision = lease.release(holder="one", fence=1, now=NOW)
    assert isinstance(decision, Changed)
    assert decision.outcome == TenureReleased(fence=1)
    assert decision.valid_until == tenancy.until
    assert decision.events == (LeaseReleased(address=lease.address, at=NOW, fence=1, holder="one"),)
    other, _ = held(decision.state, by="two", id="r2")
    assert other.release(holder="one", fence=1, now=NOW) == Unchanged(TenureReleased(fence=1))


def test_a_late_release_is_told_that_the_tenure_was_over() -> None:
    lease, _ = held()
    late = lease.release(holder="one", fence=1, now=NOW + TTL)
    assert isinstance(late, Settled)
    assert late.reason == TenureExpired(1)


def test_the_holder_of_a_tenure_that_was_stolen_learns_that_it_expired() -> None:
    lease, _ = held()
    lease, _ = held(lease, by="two", id="r2", now=NOW + TTL)
    for answer in (
        lease.renew(holder="one", fence=1, ttl=TTL, now=NOW + TTL),
        lease.release(holder="one", fence=1, now=NOW + TTL),
    ):
        assert answer == Refused(TenureExpired(1))


def test_an_expired_tenure_is_noted_once() -> None:
    """9."""
    lease, _ = held()
    assert lease.expire(now=NOW + TTL - TICK) == Unchanged(None)
    noted = lease.expire(now=NOW + TTL)
    assert isinstance(noted, Changed)
    assert len(noted.events) == 1
    assert noted.state.expire(now=NOW + 9 * TTL) == Unchanged(None)


def test_what_a_lease_remembers_is_bounded() -> None:
    lease = UNSEEN
    for number in range(1, 81):
        lease, tenancy = held(lease, id=f"r{number}")
        assert tenancy.fence == number
        released = lease.release(holder="one", fence=number, now=NOW)
        assert isinstance(released, Changed)
        lease = released.state
    assert [ended.fence for ended in lease.ended] == list(range(65, 81))
    assert (len(lease.marks.entries), lease.marks.dropped) == (64, 16)
    assert lease.release(holder="one", fence=64, now=NOW) == Refused(NotHolder(64))


@pytest.mark.parametrize(
    "changes",
    [
        {"fence": -1},
        {"fence": True},
        {"fence": 2},
        {"possession": Vacant()},
        {"possession": None},
        {"ended": (EndedTenure(fence=3, end=TenureEnd.EXPIRED),)},
        {"ended": [1]},
        {"name": ""},
        {"marks": ()},
    ],
)
def test_no_lease_breaks_an_invariant(changes: dict[str, Any]) -> None:
    lease, _ = held()
    with pytest.raises(InvalidValue):
        evolve(lease, **changes)


def test_a_guard_is_live_while_its_tenure_is() -> None:
    lease, tenancy = held()
    guard = Guard(lease.address, 1)
    assert guard.live_until(lease, NOW) == tenancy.until
    assert guard.live_until(lease, NOW + TTL) is None
    assert Guard(lease.address, 2).live_until(lease, NOW) is None
    assert guard.live_until(None, NOW) is None
    assert guard.live_until("no tenure here", NOW) is None


def test_only_what_holds_tenures_can_guard() -> None:
    guards = Guards.of(LEASES)
    assert guards.key(UNSEEN.address).collection is LEASES
    for address in (Address("approval", SCOPE, "x"), None):
        with pytest.raises(InvalidValue):
            guards.key(address)  # type: ignore[arg-type]  # None is handed over on purpose


commands = st.lists(
    st.tuples(
        st.sampled_from(["acquire", "renew", "release", "expire"]),
        st.sampled_from(["one", "two"]),
        st.integers(1, 6),
        st.integers(0, 90),
    ),
    max_size=40,
)


@given(commands=commands)
def test_fences_rise_tenures_do_not_overlap_and_each_end_has_one_event(
    commands: list[tuple[str, str, int, int]],
) -> None:
    """2, 9."""
    lease, now = UNSEEN, NOW
    began: list[LeaseAcquired] = []
    ends: list[int] = []
    for number, (command, holder, fence, seconds) in enumerate(commands):
        now += timedelta(seconds=seconds)
        decision: Any
        match command:
            case "acquire":
                decision = lease.acquire(
                    holder=holder, ttl=TTL, request_id=rid(f"r{number}"), now=now
                )
            case "renew":
                decision = lease.renew(holder=holder, fence=fence, ttl=TTL, now=now)
            case "release":
                decision = lease.release(holder=holder, fence=fence, now=now)
            case _:
                decision = lease.expire(now=now)
        if not isinstance(decision, Changed | Settled):
            continue
        lease = decision.state
        for event in decision.events:
            if isinstance(event, LeaseAcquired):
                began.append(event)
            else:
                ends.append(event.fence)  # type: ignore[attr-defined]  # all others end a tenure
    fences = [event.fence for event in began]
    assert fences == list(range(1, len(began) + 1))
    running = isinstance(lease.possession, Tenure)
    assert ends == fences[: len(fences) - running]
