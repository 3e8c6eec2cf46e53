"""A host in types that asks for consent, and looks at every answer; it imports the face alone."""

from typing import assert_never

from turnkeep import (
    ActionKind,
    Allow,
    CapabilityId,
    ConsentAnswer,
    Dispatch,
    Effect,
    InvocationId,
    Keep,
    Manifest,
    Origin,
    OverrideKind,
    PolicyOutcome,
    Principal,
    Refused,
    RequestId,
    RequestIdReused,
    Scope,
    TooManyAllows,
    Weighed,
)

MAIL = CapabilityId("mail.send")


async def may_it(keep: Keep, scope: Scope) -> str:
    consent = await keep.policies.effective_consent(
        scope,
        invocation=InvocationId("turn-7/call-1"),
        action=Dispatch.of(MAIL),
        effects=frozenset({Effect.COMMUNICATES}),
        requester=Principal.agent("clerk"),
        input={"to": "landlord"},
        manifest=Manifest.of(MAIL, standing=True),
        origin=Origin.of("inbox", always_asks=True),
    )
    if isinstance(consent, Refused):
        return type(consent.reason).__name__
    match consent.answer:
        case ConsentAnswer.ALLOW:
            return "do it"
        case ConsentAnswer.ASK:
            return f"ask, because of {consent.rule.value}"
        case ConsentAnswer.DENY:
            return "never"
        case _:
            assert_never(consent.answer)


async def allow(keep: Keep, scope: Scope) -> int:
    answer = await keep.policies.allow(
        scope,
        MAIL,
        grantee=Principal.agent("clerk"),
        kinds=frozenset({ActionKind.DISPATCH}),
        effects=frozenset({Effect.COMMUNICATES}),
        by=Principal.person("ann"),
        request_id=RequestId("click-1"),
    )
    if isinstance(answer, PolicyOutcome):
        return answer.allows
    match answer.reason:
        case TooManyAllows(allows_max):
            return allows_max
        case RequestIdReused():
            return 0
        case _:
            assert_never(answer.reason)


async def what_stands(keep: Keep, scope: Scope) -> list[Allow]:
    page = await keep.policies.consents(scope)
    disabled = OverrideKind.DISABLED
    usable = [tool for tool in page.tools if not tool.override or tool.override.kind != disabled]
    return [allow for tool in usable for allow in tool.allows]


async def why(keep: Keep, scope: Scope) -> list[Weighed]:
    told = await keep.policies.explain(
        scope,
        invocation=InvocationId("turn-7/call-1"),
        action=Dispatch.of(MAIL),
        effects=frozenset({Effect.COMMUNICATES}),
        requester=Principal.agent("clerk"),
        input=None,
        manifest=None,
    )
    return [] if isinstance(told, Refused) else [rule for rule in told.rules if rule.met]
