"""An answer that is not looked at whole, or told before it is stored."""

from typing import assert_never

from turnkeep_domain.decisions import Changed, Decision, Refused, Settled, Unchanged


def forgets_what_must_be_stored(decision: Decision[int, str, str]) -> str:
    match decision:
        case Changed(_, outcome) | Unchanged(outcome):
            return outcome
        case Refused(reason):
            return reason
        case _:
            assert_never(decision)  # expect: arg-type


def takes_a_refusal_for_an_outcome(decision: Decision[int, str, str]) -> str:
    return decision.outcome  # expect: union-attr


def settles_without_saying_whether_tidy(state: int) -> Settled[int, str]:
    return Settled(state, "elapsed", ())  # expect: call-arg


def remembers(decision: Changed[int, str]) -> None:
    decision.state = 7  # expect: misc
