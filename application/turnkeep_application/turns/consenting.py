"""Consenting: a step that passes unasked is begun on what its consent rested on, or not at all."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from attrs import evolve

from turnkeep_application.consent_views import EffectiveConsent
from turnkeep_application.records import Need, Records
from turnkeep_domain.approvals.consent_refusals import ConsentChanged
from turnkeep_domain.approvals.consent_rules import ConsentAnswer, ConsentRule
from turnkeep_domain.consent.owners import owner_scope
from turnkeep_domain.consent.tool_policy import TOOL_POLICIES
from turnkeep_domain.decisions import Changed, Decision, Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import require_kind
from turnkeep_domain.turns.addresses import RunAddress

O = TypeVar("O")
R = TypeVar("R")


def require_acting(consent: EffectiveConsent | None, run: RunAddress) -> None:
    """Refuses consent on which no step of a run can be begun.

    Raises:
        InvalidValue: It is none, does not allow, is a grant's (which is claimed instead), or is
            that of another user.
    """
    if consent is None:
        return
    require_kind("consent", consent, EffectiveConsent)
    if consent.answer is not ConsentAnswer.ALLOW or consent.rule is ConsentRule.GRANTED:
        raise InvalidValue("consent", "must allow, and not by a grant, which is claimed instead")
    owner = owner_scope(run.scope)
    if any(
        read.key.collection is TOOL_POLICIES and read.key.address.scope != owner
        for read in consent.read
    ):
        raise InvalidValue("consent", "must be that of the run's user")


def as_consented(
    decision: Decision[Records, O, R] | Need,
    consent: EffectiveConsent | None,
    *,
    records: Records,
    now: datetime,
) -> Decision[Records, O, R | ConsentChanged] | Need:
    """The beginning of a step, unless what its consent rested on has changed or expired since.

    Args:
        decision: What the run answers; only a change of it needs consent.
        consent: What the host was answered; None where it asked for none.
        records: As they were loaded, with all that the consent rests on.
        now: The store's now.
    """
    if consent is None or not isinstance(decision, Changed):
        return decision
    if not consent.stands(records, now):
        return Refused(ConsentChanged(consent.capability))
    ends = [end for end in (decision.valid_until, consent.until) if end is not None]
    return evolve(decision, valid_until=min(ends, default=None))
