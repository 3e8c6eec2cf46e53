"""Use cases of turns called with plain text, without a claim, or with their answers overlooked."""

from turnkeep import (
    Claim,
    EffectId,
    Keep,
    Principal,
    RequestId,
    RunAddress,
    RunStanding,
    RunView,
    Scope,
    Token,
    digest_of,
)


async def plain_text(keep: Keep, scope: Scope) -> None:
    await keep.turns.submit(
        scope,
        actor="ann",  # expect: arg-type
        request_id="message-7",  # expect: arg-type
    )


async def without_a_request_id(keep: Keep, scope: Scope, ann: Principal) -> None:
    await keep.turns.submit(scope, actor=ann)  # expect: call-arg


async def refusal_overlooked(keep: Keep, scope: Scope, ann: Principal, click: RequestId) -> RunView:
    return await keep.turns.submit(  # expect: return-value
        scope, actor=ann, request_id=click
    )


async def a_run_in_place_of_its_claim(keep: Keep, run: RunAddress) -> None:
    await keep.turns.complete(run)  # expect: arg-type


async def a_name_in_place_of_a_call(keep: Keep, claim: Claim) -> None:
    await keep.turns.intend(claim, "pay", arguments=digest_of("pay"))  # expect: arg-type


async def plain_bytes_for_a_digest(keep: Keep, claim: Claim, call: EffectId) -> None:
    await keep.turns.intend(claim, call, arguments=b"pay")  # expect: arg-type


async def a_disposition_overlooked(keep: Keep, claim: Claim, standing: RunStanding) -> None:
    standing.version = 0  # expect: misc
    await keep.turns.fail(claim, "broken")  # expect: arg-type, call-arg


async def one_grant_expected(keep: Keep, token: Token) -> Claim:
    found = await keep.turns.claim(holder="w", token=token)
    return found.granted  # expect: return-value


async def never_awaited(keep: Keep) -> None:
    keep.turns.sweep()  # expect: unused-coroutine


async def an_address_in_two_parts(keep: Keep, scope: Scope) -> None:
    await keep.turns.get(scope, "x")  # expect: call-arg, arg-type
