"""Grants along: what is told of a step is told of the grant that it began with, in one commit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from turnkeep_application.approval_cells import grant_key
from turnkeep_application.turns.course import Course
from turnkeep_domain.approvals.grant_phases import DispatchingGrant, GrantStep
from turnkeep_domain.principals import Principal
from turnkeep_domain.turns.effect import Done, EffectKind, Mode, NotDone, RunEffect
from turnkeep_domain.turns.run import Run


def tell_grants(
    course: Course,
    run: Run,
    entries: Iterable[RunEffect],
    *,
    by: Principal | None,
    now: datetime,
) -> frozenset[str]:
    """Settles the grants of steps that are settled, and answers which grants have ended.

    Of a run that lists no unspent grant nothing is loaded.

    Args:
        course: With the grants that the run lists, or they are needed.
        run: As it was when the steps were begun.
        entries: The journal entries as the command leaves them.
        by: The operator who found out; None where the runner itself tells.
        now: The store's.
    """
    told = {
        GrantStep(run=run.address, effect=entry.id): isinstance(entry.state, Done)
        for entry in entries
        if _may_have_a_grant(entry) and isinstance(entry.state, Done | NotDone)
    }
    if not told:
        return frozenset()
    ended: set[str] = set()
    for listed in run.approvals:
        key = grant_key(run.scope, listed.id)
        if listed.open or not course.has(key):
            continue
        grant = course.records[key]
        if grant is None:
            continue
        phase = grant.phase
        if isinstance(phase, DispatchingGrant) and phase.step in told:
            happened = told[phase.step]
            course.adopt(key, grant.step_ended(step=phase.step, happened=happened, by=by, now=now))
        after = course.records[key]
        if after is not None and after.ended_at is not None:
            ended.add(listed.id)
    return frozenset(ended)


def _may_have_a_grant(entry: RunEffect) -> bool:
    return entry.kind is EffectKind.STEP and entry.mode is Mode.ONCE
