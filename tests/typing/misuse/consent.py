"""Consent taken for a yes, given for no kind of action, or by plain text."""

from turnkeep import (
    CapabilityId,
    Effect,
    EffectiveConsent,
    Keep,
    Principal,
    RequestId,
    Scope,
)


async def kinds_left_out(keep: Keep, scope: Scope, ann: Principal, agent: Principal) -> None:
    await keep.policies.allow(  # expect: call-arg
        scope,
        CapabilityId("mail.send"),
        grantee=agent,
        effects=frozenset({Effect.COMMUNICATES}),
        by=ann,
        request_id=RequestId("click-1"),
    )


async def plain_text(keep: Keep, scope: Scope, ann: Principal) -> None:
    await keep.policies.set_override(
        scope,
        CapabilityId("mail.send"),
        "disabled",  # expect: arg-type
        by=ann,
        request_id=RequestId("click-1"),
    )


def taken_for_a_yes(consent: EffectiveConsent) -> bool:
    return consent.answer  # expect: return-value


def rewritten(consent: EffectiveConsent) -> None:
    consent.until = None  # expect: misc
