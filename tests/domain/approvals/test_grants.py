"""Grants: every command in every state answers as the table says, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import pytest
from attrs import evolve

from tests.domain.approvals.grants import (
    CALL,
    CLAIM,
    DISPATCH,
    ENDS,
    LIFE,
    MINE,
    OPERATOR,
    OTHER,
    STEP,
    claimed,
    consumed,
    dispatching,
    expired,
    issued,
    kept,
    revoked,
    rid,
    run_over,
    stepping,
)
from tests.domain.approvals.samples import AGENT, GRACE, NOW, SCOPE, call, later, question
from turnkeep_domain.approvals.calls import Effect
from turnkeep_domain.approvals.fingerprint import fingerprint_of
from turnkeep_domain.approvals.grant import GRANTS, Grant
from turnkeep_domain.approvals.grant_events import GrantSettled
from turnkeep_domain.approvals.grant_phases import (
    ActiveGrant,
    ClaimedGrant,
    ConsumedGrant,
    DispatchingGrant,
    GrantOutcome,
    GrantRevokeCause,
    GrantState,
    GrantStep,
    RevokedGrant,
)
from turnkeep_domain.approvals.grant_refusals import (
    AlreadyDispatching,
    ClaimLost,
    EffectsWidened,
    FingerprintMismatch,
    GrantBusy,
    GrantNotDue,
    GrantRevoked,
    GrantSpent,
    NotBegun,
    NotGrantee,
    OutcomeUncertain,
    SettleWithRun,
)
from turnkeep_domain.approvals.presented import PresentedCall
from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import Digest, RequestIdReused
from turnkeep_domain.turns.effect_ids import EffectId

Command: TypeAlias = Callable[[Grant, datetime], Decision[Grant, GrantOutcome, object]]

LAPSED: Final = NOW + CLAIM
SILENT: Final = later(1) + DISPATCH
LATE: Final = timedelta(days=1)
TURNS: Final = Principal.service("turnkeep.turns")


def claim(token: Digest, id: str = "new") -> Command:
    return lambda grant, now: grant.claim(
        CALL, token=token, request_id=rid(id), ttl=CLAIM, barred=None, now=now
    )


def begin(token: Digest, id: str = "new") -> Command:
    return lambda grant, now: grant.begin(
        token=token, request_id=rid(id), ttl=DISPATCH, barred=None, now=now
    )


def begin_step(token: Digest) -> Command:
    return lambda grant, now: grant.begin_step(
        CALL, step=STEP, token=token, ttl=DISPATCH, barred=None, now=now
    )


def extend(token: Digest) -> Command:
    return lambda grant, now: grant.extend(token=token, ttl=2 * DISPATCH, now=now)


def abort(token: Digest, id: str = "new", *, withdrawn_by: Principal | None = None) -> Command:
    return lambda grant, now: grant.abort(
        token=token, request_id=rid(id), withdrawn_by=withdrawn_by, now=now
    )


def consume(token: Digest, id: str = "new") -> Command:
    return lambda grant, now: grant.consume(token=token, request_id=rid(id), now=now)


def settle(
    happened: bool,  # noqa: FBT001 - the option of the table
    *,
    run_lives: bool = False,
    withdrawn_by: Principal | None = None,
) -> Command:
    return lambda grant, now: grant.settle(
        happened=happened,
        by=OPERATOR,
        request_id=rid("new"),
        run_lives=run_lives,
        withdrawn_by=withdrawn_by,
        now=now,
    )


def revoke(grant: Grant, now: datetime) -> Decision[Grant, GrantOutcome, object]:
    return grant.revoke(by=OPERATOR, request_id=rid("new"), now=now)


def run_ends(grant: Grant, now: datetime) -> Decision[Grant, GrantOutcome, object]:
    return grant.run_ended(by=OPERATOR, now=now)


def expire(grant: Grant, now: datetime) -> Decision[Grant, GrantOutcome, object]:
    return grant.expire(now=now)


STATES: Final[dict[str, tuple[Callable[[], Grant], datetime]]] = {
    "active": (issued, later(1)),
    "overdue": (issued, ENDS),
    "claimed": (claimed, later(1)),
    "lapsed": (claimed, LAPSED),
    "claimed, overdue": (claimed, ENDS),
    "dispatching": (dispatching, later(2)),
    "silent": (dispatching, SILENT),
    "silent, past the grant": (dispatching, NOW + LATE),
    "stepping": (stepping, later(2)),
    "stepping, silent": (stepping, SILENT),
    "consumed": (consumed, later(3)),
    "consumed, long ago": (consumed, NOW + LATE),
    "withdrawn": (revoked, later(3)),
    "run over": (run_over, later(3)),
    "expired": (expired, NOW + LATE),
}

COMMANDS: Final[dict[str, Command]] = {
    "claim": claim(MINE),
    "claim, another": claim(OTHER),
    "begin": begin(MINE),
    "begin, another": begin(OTHER),
    "begin step": begin_step(MINE),
    "begin step, another": begin_step(OTHER),
    "extend": extend(MINE),
    "extend, another": extend(OTHER),
    "abort": abort(MINE),
    "abort, another": abort(OTHER),
    "abort, run over": abort(MINE, withdrawn_by=TURNS),
    "consume": consume(MINE),
    "consume, another": consume(OTHER),
    "settle, happened": settle(True),
    "settle, did not": settle(False),
    "settle, run lives": settle(True, run_lives=True),
    "settle, happened, run over": settle(True, withdrawn_by=TURNS),
    "settle, did not, run over": settle(False, withdrawn_by=TURNS),
    "revoke": revoke,
    "run ends": run_ends,
    "expire": expire,
}

SPENT: Final = "GrantSpent"
TIMED_OUT: Final = "GrantRevoked"
TO_ACTIVE, TO_CLAIMED, TO_DISPATCHING = "active", "claimed", "dispatching"
TO_CONSUMED, TO_REVOKED, SAME = "consumed", "revoked", "same"

_HOLDING: Final = ("extend", "abort", "consume")
_ALL_LOST: Final = {
    f"{command}{whose}": "ClaimLost" for command in _HOLDING for whose in ("", ", another")
} | {"abort, run over": "ClaimLost"}
_NOT_BEGUN: Final = {
    "settle, happened, run over": "NotBegun",
    "settle, did not, run over": "NotBegun",
    "settle, happened": "NotBegun",
    "settle, did not": "NotBegun",
    "settle, run lives": "NotBegun",
}
_FREE: Final = {
    "claim": TO_CLAIMED,
    "claim, another": TO_CLAIMED,
    "begin": "ClaimLost",
    "begin, another": "ClaimLost",
    "begin step": TO_DISPATCHING,
    "begin step, another": TO_DISPATCHING,
    **_ALL_LOST,
    **_NOT_BEGUN,
    "revoke": TO_REVOKED,
    "run ends": TO_REVOKED,
    "expire": "GrantNotDue",
}
_OVERDUE: Final = {**dict.fromkeys(COMMANDS, "settled"), "expire": TO_REVOKED}
_UNDER_WAY: Final = {
    "claim": "GrantBusy",
    "claim, another": "GrantBusy",
    "begin": "AlreadyDispatching",
    "begin, another": "ClaimLost",
    "begin step": "GrantBusy",
    "begin step, another": "GrantBusy",
    "extend": TO_DISPATCHING,
    "extend, another": "ClaimLost",
    "abort": TO_ACTIVE,
    "abort, another": "ClaimLost",
    "abort, run over": TO_REVOKED,
    "consume": TO_CONSUMED,
    "consume, another": "ClaimLost",
    "settle, happened": "GrantBusy",
    "settle, did not": "GrantBusy",
    "settle, run lives": "GrantBusy",
    "settle, happened, run over": "GrantBusy",
    "settle, did not, run over": "GrantBusy",
    "revoke": "AlreadyDispatching",
    "run ends": "AlreadyDispatching",
    "expire": "AlreadyDispatching",
}
_SILENT: Final = {
    **_UNDER_WAY,
    "claim": "OutcomeUncertain",
    "claim, another": "OutcomeUncertain",
    "begin step": "OutcomeUncertain",
    "begin step, another": "OutcomeUncertain",
    "extend": "ClaimLost",
    "abort": "ClaimLost",
    "abort, run over": "ClaimLost",
    "settle, happened": TO_CONSUMED,
    "settle, did not": TO_ACTIVE,
    "settle, run lives": TO_CONSUMED,
    "settle, happened, run over": TO_CONSUMED,
    "settle, did not, run over": TO_REVOKED,
}
_BOUND: Final = {
    "abort": "SettleWithRun",
    "abort, run over": "SettleWithRun",
    "consume": "SettleWithRun",
    "settle, run lives": "SettleWithRun",
}
_CONSUMED: Final = {
    **dict.fromkeys(COMMANDS, SPENT),
    "consume": SAME,
    "settle, happened": SAME,
    "settle, run lives": SAME,
    "settle, happened, run over": SAME,
}
_TAKEN_BACK: Final = {**dict.fromkeys(COMMANDS, TIMED_OUT), "revoke": SAME, "run ends": SAME}

TABLE: Final[dict[str, dict[str, str]]] = {
    "active": _FREE,
    "overdue": _OVERDUE,
    "claimed": {
        **_FREE,
        "claim": SAME,
        "claim, another": "GrantBusy",
        "begin": TO_DISPATCHING,
        "begin step": TO_DISPATCHING,
        "begin step, another": "GrantBusy",
        "extend": TO_CLAIMED,
        "abort": TO_ACTIVE,
        "abort, run over": TO_REVOKED,
        "consume": "NotBegun",
    },
    "lapsed": _FREE,
    "claimed, overdue": _OVERDUE,
    "dispatching": _UNDER_WAY,
    "silent": _SILENT,
    "silent, past the grant": _SILENT,
    "stepping": {**_UNDER_WAY, **_BOUND},
    "stepping, silent": {
        **_SILENT,
        **_BOUND,
        "abort": "ClaimLost",
        "abort, run over": "ClaimLost",
    },
    "consumed": _CONSUMED,
    "consumed, long ago": _CONSUMED,
    "withdrawn": _TAKEN_BACK,
    "run over": _TAKEN_BACK,
    "expired": {**dict.fromkeys(COMMANDS, TIMED_OUT), "expire": SAME},
}

NEXT: Final = {
    TO_ACTIVE: ActiveGrant,
    TO_CLAIMED: ClaimedGrant,
    TO_DISPATCHING: DispatchingGrant,
    TO_CONSUMED: ConsumedGrant,
    TO_REVOKED: RevokedGrant,
}


def test_the_table_has_every_state_and_every_command() -> None:
    """4."""
    assert TABLE.keys() == STATES.keys()
    assert all(row.keys() == COMMANDS.keys() for row in TABLE.values())


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_in_every_state_answers_as_the_table_says(state: str, command: str) -> None:
    """4."""
    make, now = STATES[state]
    grant = make()
    expected = TABLE[state][command]
    decision = COMMANDS[command](grant, now)
    match decision:
        case Changed(after, outcome, events):
            assert type(after.phase) is NEXT[expected]
            assert outcome == GrantOutcome.of(after.phase)
            twice = "run over" in command and expected == TO_REVOKED
            assert len(events) == 1 + twice
            assert {(event.at, event.address) for event in events} == {(now, grant.address)}
        case Unchanged(outcome):
            assert expected == SAME
            assert outcome == GrantOutcome.of(grant.phase)
        case Settled(after, reason, events, tidy=tidy):
            assert expected == "settled"
            assert reason == GrantRevoked(GrantRevokeCause.EXPIRED)
            assert after.phase == RevokedGrant(by=None, at=now, cause=GrantRevokeCause.EXPIRED)
            assert [event.kind for event in events] == ["grant.revoked"]
            assert tidy
        case Refused(reason):
            assert type(reason).__name__ == expected


@pytest.mark.parametrize(
    "state", [state for state, (make, _) in STATES.items() if make().ended_at is not None]
)
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_final_stays_as_it_is(state: str, command: str) -> None:
    """4."""
    make, now = STATES[state]
    assert isinstance(COMMANDS[command](make(), now), Unchanged | Refused)


def test_what_is_presented_is_judged_in_order() -> None:
    """27. Grantee, fingerprint, effects; then standing consent; then where the grant stands."""
    widened = frozenset({Effect.FINANCIAL, Effect.DELETES, Effect.WRITES})
    other = fingerprint_of(call(input={"amount": 13}))

    def answer(presented: PresentedCall, grant: Grant, barred: str | None = None) -> object:
        decision = grant.claim(
            presented, token=OTHER, request_id=rid("new"), ttl=CLAIM, barred=barred, now=later(1)
        )
        assert isinstance(decision, Refused)
        return decision.reason

    stranger = PresentedCall(by=GRACE, fingerprint=other, effects=widened)
    assert answer(stranger, consumed(), "barred") == NotGrantee(GRACE)
    mutated = evolve(stranger, by=AGENT)
    assert answer(mutated, consumed(), "barred") == FingerprintMismatch()
    wider = evolve(mutated, fingerprint=CALL.fingerprint)
    assert answer(wider, consumed(), "barred") == EffectsWidened(("deletes", "writes"))
    assert answer(CALL, consumed(), "barred") == "barred"
    assert answer(CALL, consumed()) == GrantSpent()


def test_fewer_effects_than_were_approved_may_be_presented() -> None:
    narrow = evolve(CALL, effects=frozenset())
    decision = issued().claim(
        narrow, token=MINE, request_id=rid("new"), ttl=CLAIM, barred=None, now=later(1)
    )
    assert isinstance(decision, Changed)


def test_a_step_is_presented_as_a_claim_is() -> None:
    """27."""
    stranger = evolve(CALL, by=GRACE)
    refused = issued().begin_step(
        stranger, step=STEP, token=MINE, ttl=DISPATCH, barred="barred", now=later(1)
    )
    assert refused == Refused(NotGrantee(GRACE))
    barred = issued().begin_step(
        CALL, step=STEP, token=MINE, ttl=DISPATCH, barred="barred", now=later(1)
    )
    assert barred == Refused("barred")


def test_standing_consent_bars_a_begin_after_the_token() -> None:
    """28."""

    def answer(token: Digest) -> object:
        return claimed().begin(
            token=token, request_id=rid("new"), ttl=DISPATCH, barred="barred", now=later(1)
        )

    assert answer(MINE) == Refused("barred")
    assert answer(OTHER) == Refused(ClaimLost())


def test_a_claim_never_lasts_past_the_grant() -> None:
    decision = issued().claim(
        CALL, token=MINE, request_id=rid("new"), ttl=LATE, barred=None, now=later(1)
    )
    assert isinstance(decision, Changed)
    assert decision.outcome == GrantOutcome(state=GrantState.CLAIMED, until=ENDS)
    longer = decision.state.extend(token=MINE, ttl=2 * LATE, now=later(2))
    assert longer == Unchanged(decision.outcome)


def test_a_call_that_was_begun_may_last_past_the_grant() -> None:
    decision = dispatching().extend(token=MINE, ttl=LATE, now=later(2))
    assert isinstance(decision, Changed)
    assert decision.outcome.until == later(2) + LATE


def test_extending_never_shortens() -> None:
    short = dispatching().extend(token=MINE, ttl=timedelta(seconds=1), now=later(2))
    assert short == Unchanged(GrantOutcome.of(dispatching().phase))


def test_every_decision_that_stands_on_a_deadline_carries_it() -> None:
    def until(decision: Decision[Grant, GrantOutcome, object]) -> datetime | None:
        assert isinstance(decision, Changed)
        return decision.valid_until

    now = later(2)
    assert until(claim(MINE)(issued(), now)) == ENDS
    assert until(begin(MINE)(claimed(), now)) == LAPSED
    assert until(begin_step(MINE)(issued(), now)) == ENDS
    assert until(extend(MINE)(claimed(), now)) == LAPSED
    assert until(extend(MINE)(dispatching(), now)) == SILENT
    assert until(abort(MINE)(claimed(), now)) == LAPSED
    assert until(abort(MINE)(dispatching(), now)) == SILENT
    assert until(revoke(issued(), now)) == ENDS
    assert until(consume(MINE)(dispatching(), now)) is None
    assert until(settle(happened=True)(dispatching(), SILENT)) is None


# ---- marks ---------------------------------------------------------------------------------------

_REPEATED: Final[dict[str, tuple[Callable[[], Grant], Command]]] = {
    "claim": (issued, claim(MINE)),
    "begin": (claimed, begin(MINE)),
    "abort": (claimed, abort(MINE)),
    "consume": (dispatching, consume(MINE)),
    "settle": (dispatching, settle(happened=True)),
    "revoke": (issued, revoke),
}
_OTHERWISE: Final[dict[str, Command]] = {
    "claim": claim(OTHER),
    "begin": begin(OTHER),
    "abort": abort(OTHER),
    "consume": consume(OTHER),
    "settle": settle(happened=False),
    "revoke": lambda grant, now: grant.revoke(by=GRACE, request_id=rid("new"), now=now),
}


@pytest.mark.parametrize("command", _REPEATED)
def test_a_repeat_answers_as_it_did_while_nothing_has_followed(command: str) -> None:
    """11, 42."""
    make, repeated = _REPEATED[command]
    now = SILENT if command == "settle" else later(2)
    decision = repeated(make(), now)
    assert isinstance(decision, Changed)
    assert repeated(decision.state, now + timedelta(seconds=1)) == Unchanged(decision.outcome)


@pytest.mark.parametrize("command", sorted(_REPEATED.keys() - {"claim", "begin"}))
def test_a_repeat_that_allows_nothing_answers_as_it_did_whatever_happened_since(
    command: str,
) -> None:
    """11, 42."""
    make, repeated = _REPEATED[command]
    now = SILENT if command == "settle" else later(2)
    decision = repeated(make(), now)
    assert isinstance(decision, Changed)
    changed = evolve(
        decision.state, phase=RevokedGrant(by=None, at=ENDS, cause=GrantRevokeCause.EXPIRED)
    )
    assert repeated(decision.state, NOW + LATE) == Unchanged(decision.outcome)
    assert repeated(changed, NOW + LATE) == Unchanged(decision.outcome)


def test_a_repeat_answers_as_it_did_though_the_deadline_was_put_off() -> None:
    """42."""
    claim_mine, begin_mine = claim(MINE, "r-claim"), begin(MINE, "r-begin")
    longer = kept(extend(MINE)(claimed(), later(1)))
    assert claim_mine(longer, LAPSED) == Unchanged(GrantOutcome.of(claimed().phase))
    longer = kept(extend(MINE)(dispatching(), later(2)))
    assert begin_mine(longer, SILENT) == Unchanged(GrantOutcome.of(dispatching().phase))


def _settled_by_an_operator() -> Grant:
    return kept(settle(happened=False)(dispatching(), SILENT))


def _begun_by_another() -> Grant:
    taken = kept(claim(OTHER, "o-claim")(_settled_by_an_operator(), SILENT))
    return kept(begin(OTHER, "o-begin")(taken, SILENT))


def _begun_again(settled: Grant) -> Grant:
    """Under the same token, by other request ids."""
    return kept(begin(MINE, "2-begin")(kept(claim(MINE, "2-claim")(settled, SILENT)), SILENT))


# What may have followed, when it is, and what a repeat of `r-begin` and `r-claim` is told then.
_FOLLOWED: Final[dict[str, tuple[Callable[[], Grant], datetime, str, str]]] = {
    "its time was up": (dispatching, SILENT, "AlreadyDispatching", "OutcomeUncertain"),
    "settled": (_settled_by_an_operator, SILENT, "ClaimLost", "ClaimLost"),
    "settled, overdue": (_settled_by_an_operator, ENDS, "settled", "settled"),
    "settled, happened": (
        lambda: kept(settle(happened=True)(dispatching(), SILENT)),
        SILENT,
        SPENT,
        SPENT,
    ),
    "settled, revoked": (
        lambda: kept(_settled_by_an_operator().revoke(by=GRACE, request_id=rid("g"), now=SILENT)),
        SILENT,
        TIMED_OUT,
        TIMED_OUT,
    ),
    "settled, claimed by another": (
        lambda: kept(claim(OTHER, "o-claim")(_settled_by_an_operator(), SILENT)),
        SILENT,
        "ClaimLost",
        "GrantBusy",
    ),
    "settled, begun by another": (_begun_by_another, SILENT, "ClaimLost", "GrantBusy"),
    "settled, made by another": (
        lambda: kept(consume(OTHER, "o-end")(_begun_by_another(), SILENT)),
        SILENT,
        SPENT,
        SPENT,
    ),
    "settled, a step begun": (
        lambda: kept(begin_step(MINE)(_settled_by_an_operator(), SILENT)),
        SILENT,
        "AlreadyDispatching",
        "GrantBusy",
    ),
    "aborted": (
        lambda: kept(abort(MINE)(dispatching(), later(2))),
        later(3),
        "ClaimLost",
        "ClaimLost",
    ),
    "aborted, claimed again": (
        lambda: kept(claim(MINE, "2")(kept(abort(MINE)(dispatching(), later(2))), later(2))),
        later(3),
        "ClaimLost",
        SAME,
    ),
    "settled, begun again": (
        lambda: _begun_again(_settled_by_an_operator()),
        SILENT,
        "AlreadyDispatching",
        "GrantBusy",
    ),
    "consumed": (consumed, later(3), SPENT, SPENT),
}


def _word(decision: Decision[Grant, GrantOutcome, object], grant: Grant) -> str:
    match decision:
        case Refused(reason):
            return type(reason).__name__
        case Settled():
            return "settled"
        case Unchanged(outcome):
            assert outcome == GrantOutcome.of(grant.phase)
            return SAME
        case Changed():
            return "changed"


@pytest.mark.parametrize("followed", _FOLLOWED)
def test_a_repeat_of_what_allows_to_go_on_allows_it_once_something_followed_to_nobody(
    followed: str,
) -> None:
    """42, 45. One approval, one effect: whoever begins again by a repeat might be the second."""
    make, now, of_begin, of_claim = _FOLLOWED[followed]
    grant = make()
    assert _word(begin(MINE, "r-begin")(grant, now), grant) == of_begin
    assert _word(claim(MINE, "r-claim")(grant, now), grant) == of_claim


def test_a_claim_that_was_taken_over_or_taken_back_is_not_repeated() -> None:
    """30, 42."""
    repeat = claim(MINE, "r-claim")
    assert repeat(claimed(), LAPSED) == Refused(ClaimLost())
    taken = kept(claim(OTHER)(claimed(), LAPSED))
    assert repeat(taken, LAPSED) == Refused(GrantBusy(LAPSED + CLAIM))
    withdrawn = kept(revoke(claimed(), later(1)))
    assert repeat(withdrawn, later(1)) == Refused(GrantRevoked(GrantRevokeCause.WITHDRAWN))


@pytest.mark.parametrize("command", _REPEATED)
def test_a_reused_id_with_other_arguments_is_refused(command: str) -> None:
    """13."""
    make, repeated = _REPEATED[command]
    now = SILENT if command == "settle" else later(2)
    after = kept(repeated(make(), now))
    assert _OTHERWISE[command](after, now) == Refused(RequestIdReused(rid("new")))


def test_an_id_that_claimed_for_one_call_claims_for_no_other() -> None:
    """13."""
    mutated = evolve(CALL, fingerprint=fingerprint_of(call(input={"amount": 13})))
    decision = claimed(id="new").claim(
        mutated, token=MINE, request_id=rid("new"), ttl=CLAIM, barred=None, now=later(1)
    )
    assert decision == Refused(RequestIdReused(rid("new")))


def test_the_last_32_request_ids_are_remembered() -> None:
    grant = issued()
    for number in range(40):
        grant = kept(
            grant.claim(
                CALL,
                token=MINE,
                request_id=rid(f"c{number}"),
                ttl=CLAIM,
                barred=None,
                now=later(number),
            )
        )
        grant = kept(abort(MINE, f"a{number}")(grant, later(number)))
    assert (len(grant.marks.entries), grant.marks.dropped) == (32, 48)


# ---- what follows what ---------------------------------------------------------------------------


def test_after_a_takeover_the_old_token_has_lost() -> None:
    """30."""
    taken = kept(claim(OTHER)(claimed(), LAPSED))
    late = (begin(MINE, "1"), extend(MINE), abort(MINE, "2"), consume(MINE, "3"))
    assert [command(taken, LAPSED) for command in late] == [Refused(ClaimLost())] * 4
    begun = kept(begin(OTHER, "begun")(taken, LAPSED))
    assert [command(begun, LAPSED) for command in late] == [Refused(ClaimLost())] * 4


def test_after_an_abort_the_grant_can_be_claimed() -> None:
    """31."""
    aborted = kept(abort(MINE)(dispatching(), later(2)))
    assert isinstance(claim(OTHER, "next")(aborted, later(3)), Changed)


def test_a_late_consume_after_settle_did_not_has_lost() -> None:
    """45. Whether or not another has begun since."""
    settled = kept(settle(happened=False)(dispatching(), SILENT))
    grown = evolve(settled, expires_at=NOW + timedelta(days=7))
    assert consume(MINE, "late")(grown, SILENT) == Refused(ClaimLost())
    begun = kept(begin_step(OTHER)(grown, SILENT))
    assert consume(MINE, "late")(begun, SILENT) == Refused(ClaimLost())


def test_a_late_consume_after_settle_happened_changes_nothing() -> None:
    settled = kept(settle(happened=True)(dispatching(), SILENT))
    assert consume(MINE, "late")(settled, SILENT) == Unchanged(GrantOutcome.of(settled.phase))
    assert consume(OTHER, "other")(settled, SILENT) == Refused(GrantSpent())


@pytest.mark.parametrize("command", ["abort", "settle"])
def test_what_is_given_back_of_a_run_that_is_over_is_taken_back_at_once(command: str) -> None:
    make = dispatching if command == "abort" else stepping
    now = later(2) if command == "abort" else SILENT
    give_back = (
        abort(MINE, withdrawn_by=TURNS)
        if command == "abort"
        else settle(happened=False, withdrawn_by=TURNS)
    )
    decision = give_back(make(), now)
    assert isinstance(decision, Changed)
    cause = GrantRevokeCause.RUN_ENDED
    assert decision.state.phase == RevokedGrant(by=TURNS, at=now, cause=cause)
    told = ["grant.aborted" if command == "abort" else "grant.settled", "grant.revoked"]
    assert [event.kind for event in decision.events] == told
    assert give_back(decision.state, NOW + LATE) == Unchanged(decision.outcome)
    assert claim(OTHER, "next")(decision.state, now) == Refused(GrantRevoked(cause))
    assert begin_step(OTHER)(decision.state, now) == Refused(GrantRevoked(cause))


@pytest.mark.parametrize("happened", [True, False])
@pytest.mark.parametrize("by", [None, OPERATOR])
@pytest.mark.parametrize("now", [later(2), SILENT, NOW + LATE])
def test_a_step_settles_its_grant_however_late(
    happened: bool,  # noqa: FBT001 - a parameter of the table
    by: Principal | None,
    now: datetime,
) -> None:
    decision = stepping().step_ended(step=STEP, happened=happened, by=by, now=now)
    assert isinstance(decision, Changed)
    assert isinstance(decision.state.phase, ConsumedGrant if happened else ActiveGrant)
    (event,) = decision.events
    if by is None:
        assert event.kind == ("grant.consumed" if happened else "grant.aborted")
    else:
        assert isinstance(event, GrantSettled)
        assert (event.by, event.happened) == (OPERATOR, happened)


@pytest.mark.parametrize("state", [state for state in STATES if "stepping" not in state])
def test_a_step_settles_no_other_grant(state: str) -> None:
    make, now = STATES[state]
    grant = make()
    decision = grant.step_ended(step=STEP, happened=True, by=None, now=now)
    assert decision == Unchanged(GrantOutcome.of(grant.phase))


def test_another_step_does_not_settle_the_grant() -> None:
    other = GrantStep(run=STEP.run, effect=EffectId("pay", 1))
    decision = stepping().step_ended(step=other, happened=True, by=None, now=later(2))
    assert isinstance(decision, Unchanged)


# ---- what it says --------------------------------------------------------------------------------


def test_it_is_for_whoever_asked_and_says_who_said_yes() -> None:
    grant = issued()
    assert (grant.grantee, grant.issued_by, grant.run) == (AGENT, GRACE, None)
    assert (grant.id, grant.scope, grant.fingerprint) == (
        question().id,
        SCOPE,
        question().fingerprint,
    )
    assert (grant.issued_at, grant.expires_at) == (NOW, ENDS)


@pytest.mark.parametrize(
    ("make", "now", "live", "state"),
    [
        (issued, ENDS - timedelta(microseconds=1), True, GrantState.ACTIVE),
        (issued, ENDS, False, GrantState.REVOKED),
        (claimed, later(1), True, GrantState.CLAIMED),
        (claimed, ENDS, False, GrantState.REVOKED),
        (dispatching, later(2), False, GrantState.DISPATCHING),
        (dispatching, NOW + LATE, False, GrantState.DISPATCHING),
        (consumed, NOW + LATE, False, GrantState.CONSUMED),
        (revoked, later(3), False, GrantState.REVOKED),
    ],
)
def test_what_is_overdue_reads_as_revoked(
    make: Callable[[], Grant],
    now: datetime,
    live: bool,  # noqa: FBT001 - a column of the table
    state: GrantState,
) -> None:
    """29."""
    assert (make().is_live_at(now), make().state_at(now)) == (live, state)


def test_only_what_was_not_begun_becomes_due() -> None:
    due = {name: GRANTS.index_of(make()).due_at for name, (make, _) in STATES.items()}
    unbegun = {"active", "overdue", "claimed", "lapsed", "claimed, overdue"}
    assert {name for name, at in due.items() if at is not None} == unbegun
    assert due["active"] == ENDS


def test_it_says_when_it_ended() -> None:
    assert [grant.ended_at for grant in (issued(), claimed(), dispatching())] == [None] * 3
    assert (consumed().ended_at, revoked().ended_at, expired().ended_at) == (
        later(2),
        later(2),
        ENDS,
    )


@pytest.mark.parametrize("seconds", [9, 7 * 86_400 + 1])
def test_no_grant_lives_outside_ten_seconds_to_seven_days(seconds: int) -> None:
    with pytest.raises(InvalidValue):
        evolve(issued(), expires_at=NOW + timedelta(seconds=seconds))


def test_a_claim_past_the_grant_cannot_be_built() -> None:
    with pytest.raises(InvalidValue):
        evolve(claimed(), expires_at=NOW + timedelta(seconds=59))


def test_a_revocation_names_who_unless_the_time_was_up() -> None:
    with pytest.raises(InvalidValue):
        RevokedGrant(by=None, at=NOW, cause=GrantRevokeCause.WITHDRAWN)
    with pytest.raises(InvalidValue):
        RevokedGrant(by=GRACE, at=NOW, cause=GrantRevokeCause.EXPIRED)


def test_an_outcome_has_a_deadline_exactly_while_somebody_holds_the_grant() -> None:
    with pytest.raises(InvalidValue):
        GrantOutcome(state=GrantState.ACTIVE, until=NOW)
    with pytest.raises(InvalidValue):
        GrantOutcome(state=GrantState.CLAIMED, until=None)


@pytest.mark.parametrize("state", STATES)
def test_nothing_shows_fingerprint_or_token(state: str) -> None:
    """9."""
    make, now = STATES[state]
    hidden = (question().fingerprint.removeprefix("sha256:"), repr(MINE), MINE.hex())
    shown = [f"{make()!r} {make()}", f"{CALL!r} {CALL}"]
    for command in COMMANDS.values():
        decision = command(make(), now)
        shown.append(f"{decision!r} {decision}")
    assert not any(secret in text for secret in hidden for text in shown)


def test_the_life_of_a_grant_is_that_of_the_settings() -> None:
    assert (issued().expires_at - issued().issued_at).total_seconds() == LIFE


def test_every_refusal_has_the_code_that_hosts_know() -> None:
    assert (NotGrantee.code, FingerprintMismatch.code) == ("not_eligible", "fingerprint_mismatch")
    assert (EffectsWidened.code, GrantBusy.code) == ("effects_widened", "grant_busy")
    assert (ClaimLost.code, NotBegun.code) == ("claim_lost", "not_begun")
    assert (AlreadyDispatching.code, OutcomeUncertain.code) == (
        "already_dispatching",
        "outcome_uncertain",
    )
    assert (SettleWithRun.code, GrantNotDue.code) == ("settle_with_run", "not_due")
    assert (GrantSpent.code, GrantRevoked.code) == ("grant_spent", "grant_revoked")
