"""A history of approvals: commands that can be played over any store, each with what it answered.

Nothing of it rests on chance: played twice over equal stores in equal time, it must lead to equal
answers, records and events.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeAlias

from attrs import define, field, frozen
from hypothesis import strategies as st

from tests.machines.stores import STORES
from turnkeep import (
    EVERYBODY,
    START,
    ActionKind,
    ApprovalView,
    CapabilityId,
    Container,
    CorrelationId,
    CursorLost,
    Dispatch,
    Effect,
    GateOption,
    InvocationId,
    Keep,
    Manifest,
    Offer,
    OverrideKind,
    Principal,
    Quorum,
    RecordStore,
    Refused,
    RequestId,
    Scope,
    ScopePrefix,
)
from turnkeep_adapters.virtual.clock import VirtualClock
from turnkeep_domain.approvals.grant_token import GrantToken
from turnkeep_ports.clock import Deadline
from turnkeep_ports.scans import InScope
from turnkeep_ports.store import EventQuery

SCOPE: Final = Scope.of("acme", "ann", thread="t")
ANN, BOB, EVE = (Principal.person(name) for name in ("ann", "bob", "eve"))
BOT: Final = Principal.agent("bot")
TOOL: Final = CapabilityId("tool")
QUORUMS: Final = (Quorum.of(1, ANN), Quorum.of(1, ANN, BOB), Quorum.of(2, ANN, BOB))
BOTH: Final = frozenset(Offer)
WRITES, PAYS = frozenset({Effect.WRITES}), frozenset({Effect.FINANCIAL})
COLLECTIONS: Final = (
    "approval",
    "approval_payload",
    "grant",
    "tool_policy",
    "consent_settings",
)

Command: TypeAlias = "Callable[[Player], Awaitable[object]]"


@frozen
class Act:
    """One command of a history, under a name that tells it in a failing one."""

    name: str
    arguments: tuple[object, ...]
    do: Command = field(repr=False, eq=False)


@frozen
class Played:
    """What a history has led to over one store: to be compared with what it led to over another.

    Attributes:
        answers: In the order of the commands.
        cells: Every record with its address and index, revisions left out.
        events: Kind, address and body, in the order of the log.
    """

    answers: tuple[object, ...]
    cells: tuple[object, ...]
    events: tuple[object, ...]


@define
class Player:
    """One keep over one store, on which a history is played."""

    keep: Keep
    store: RecordStore
    clock: VirtualClock
    ids: dict[int, str] = field(factory=dict)

    async def all(self, acts: list[Act]) -> Played:
        """Asks three calls, then plays all commands, one after another."""
        for call, quorum in enumerate(QUORUMS):
            await self.raise_request(call, quorum, WRITES, 1)
        answers = tuple([await act.do(self) for act in acts])
        return Played(answers, await self._cells(), await self._events())

    async def _cells(self) -> tuple[object, ...]:
        found: list[object] = []
        for name in COLLECTIONS:
            query = InScope(collection=name, prefix=EVERYBODY)
            deadline = Deadline.after(self.clock, 5)
            page = await self.store.scan(query, after=None, limit=500, deadline=deadline)
            assert page.next is None
            found += [(cell.address, cell.entry.body, cell.entry.index) for cell in page.cells]
        return tuple(found)

    async def _events(self) -> tuple[object, ...]:
        found: list[object] = []
        after, query = START, EventQuery(collections=None, prefix=EVERYBODY)
        while True:
            deadline = Deadline.after(self.clock, 5)
            page = await self.store.events(query, after=after, limit=500, deadline=deadline)
            assert not isinstance(page, CursorLost)
            found += [(event.kind, event.address, event.body) for event in page.events]
            if page.next == after:
                return tuple(found)
            after = page.next

    def id_of(self, call: int) -> str:
        return self.ids.get(call, "none")

    async def raise_request(
        self, call: int, quorum: Quorum, effects: frozenset[Effect], attempt: int
    ) -> object:
        always = quorum.threshold == 1 and effects == WRITES
        answer = await self.keep.approvals.raise_request(
            SCOPE,
            invocation=InvocationId(f"call-{call}"),
            action=Dispatch.of("tool"),
            effects=effects,
            requester=BOT,
            correlation_id=CorrelationId("c"),
            input={"call": call},
            reason="why",
            display="what",
            lifetime_seconds=600,
            quorum=quorum,
            offers=BOTH if always else None,
            attempt=attempt,
        )
        if isinstance(answer, ApprovalView):
            self.ids[call] = answer.id
        return answer

    async def answer(
        self, call: int | None, by: Principal, option: GateOption, decision_id: RequestId
    ) -> object:
        shown_at = self.clock.utc_now() - timedelta(seconds=1)
        return await self.keep.approvals.answer(
            SCOPE,
            decider=by,
            ref=None if call is None else f"approval:{self.id_of(call)}",
            option=option,
            decision_id=decision_id,
            shown_at=shown_at if call is None else None,
        )

    async def claim(
        self,
        call: int,
        presented: int | None,
        effects: frozenset[Effect],
        token: bytes,
        id: RequestId,
    ) -> object:
        presented = call if presented is None else presented
        return await self.keep.approvals.claim(
            SCOPE,
            self.id_of(call),
            by=BOT,
            invocation=InvocationId(f"call-{presented}"),
            action=Dispatch.of("tool"),
            effects=effects,
            input={"call": presented},
            token=GrantToken(token),
            request_id=id,
        )

    async def use(self, call: int, token: bytes, id: RequestId, last: str) -> object:
        """Goes the whole way of a grant, or a part of it."""
        approvals, at = self.keep.approvals, self.id_of(call)
        held = GrantToken(token)
        answers = [await self.claim(call, None, WRITES, token, RequestId(f"{id} claim"))]
        if last != "claim":
            request = RequestId(f"{id} begin")
            answers.append(await approvals.begin(SCOPE, at, token=held, request_id=request))
        if last == "consume":
            request = RequestId(f"{id} consume")
            answers.append(await approvals.consume(SCOPE, at, token=held, request_id=request))
        return tuple(answers)

    async def allow(self, id: RequestId) -> object:
        return await self.keep.policies.allow(
            SCOPE,
            TOOL,
            grantee=BOT,
            kinds=frozenset({ActionKind.DISPATCH}),
            effects=WRITES,
            by=ANN,
            request_id=id,
        )

    async def weigh(self, call: int) -> object:
        answer = await self.keep.policies.effective_consent(
            SCOPE,
            invocation=InvocationId(f"call-{call}"),
            action=Dispatch.of("tool"),
            effects=WRITES,
            requester=BOT,
            input={"call": call},
            manifest=Manifest.of(TOOL, standing=True, auto_approvable=True),
        )
        assert not isinstance(answer, Refused)
        return answer.rule, answer.until

    async def look(self, call: int) -> object:
        approvals, id = self.keep.approvals, self.id_of(call)
        page = await approvals.list_pending(ScopePrefix.owner(SCOPE))
        return (
            await approvals.get(SCOPE, id),
            await approvals.payload(SCOPE, id),
            await approvals.grant(SCOPE, id),
            page.approvals,
            await self.keep.policies.consents(SCOPE),
        )


def played(name: str, acts: list[Act]) -> Played:
    """What a history leads to over the store of this name."""
    clock = VirtualClock()
    store = STORES[name](clock)
    container = Container()
    container.clock.override(clock)
    container.store.override(store)
    player = Player(keep=container.keep(), store=store, clock=clock)

    async def main() -> Played:
        async with store:
            return await player.all(acts)

    return clock.run(main())


# ---- what histories are made of -----------------------------------------------------------------

# Most of what is drawn fits together, so that histories come far; the rest is in nobody's order.
_calls = st.sampled_from([0, 0, 0, 1, 1, 2])
_people = st.sampled_from([ANN, ANN, ANN, BOB, EVE])
_ids = st.sampled_from([RequestId(f"d{number}") for number in range(60)])
_tokens = st.sampled_from([b"t" * 16, b"t" * 16, b"t" * 16, b"u" * 16])
_effects = st.sampled_from([WRITES, WRITES, WRITES, PAYS])
_options = st.sampled_from(
    [
        *(GateOption.ALLOW_ONCE, GateOption.ALLOW_ONCE, GateOption.ALWAYS_ALLOW),
        GateOption.DENY,
    ]
)


def _act(
    name: str, do: Callable[..., Awaitable[object]], *parts: st.SearchStrategy[object]
) -> st.SearchStrategy[Act]:
    def made(arguments: tuple[object, ...]) -> Act:
        return Act(name, arguments, lambda player: do(player, *arguments))

    return st.tuples(*parts).map(made)


ACTS: Final = st.one_of(
    _act(
        "raise", Player.raise_request, _calls, st.sampled_from(QUORUMS), _effects, st.integers(1, 2)
    ),
    _act("answer", Player.answer, _calls, _people, _options, _ids),
    _act("answer", Player.answer, _calls, _people, _options, _ids),
    _act("answer", Player.answer, _calls, st.just(ANN), st.just(GateOption.ALLOW_ONCE), _ids),
    _act("answer barely", Player.answer, st.none(), _people, _options, _ids),
    _act(
        "discard",
        lambda on, call, by, id: on.keep.approvals.discard(
            SCOPE, on.id_of(call), by=by, request_id=id
        ),
        _calls,
        _people,
        _ids,
    ),
    _act("expire", lambda on, call: on.keep.approvals.expire(SCOPE, on.id_of(call)), _calls),
    _act("erase", lambda on, call: on.keep.approvals.erase_payload(SCOPE, on.id_of(call)), _calls),
    _act("claim", Player.claim, _calls, st.just(None), _effects, _tokens, _ids),
    _act("claim", Player.claim, _calls, st.just(None), st.just(WRITES), _tokens, _ids),
    *(
        _act("use", Player.use, _calls, _tokens, _ids, st.just(last))
        for last in ("claim", "begin", "begin", "consume")
    ),
    _act("claim another", Player.claim, _calls, _calls, _effects, _tokens, _ids),
    *(
        _act(
            name,
            lambda on, call, token, id, name=name: getattr(on.keep.approvals, name)(
                SCOPE, on.id_of(call), token=GrantToken(token), request_id=id
            ),
            _calls,
            _tokens,
            _ids,
        )
        for name in ("begin", "begin", "abort", "consume", "consume")
    ),
    _act(
        "extend",
        lambda on, call, token: on.keep.approvals.extend(
            SCOPE, on.id_of(call), token=GrantToken(token)
        ),
        _calls,
        _tokens,
    ),
    _act(
        "settle",
        lambda on, call, happened, id: on.keep.approvals.settle(
            SCOPE, on.id_of(call), happened=happened, by=EVE, request_id=id
        ),
        _calls,
        st.booleans(),
        _ids,
    ),
    _act(
        "revoke grant",
        lambda on, call, id: on.keep.approvals.revoke_grant(
            SCOPE, on.id_of(call), by=ANN, request_id=id
        ),
        _calls,
        _ids,
    ),
    _act("allow", Player.allow, _ids),
    _act(
        "revoke",
        lambda on, id: on.keep.policies.revoke(SCOPE, TOOL, by=ANN, request_id=id),
        _ids,
    ),
    _act(
        "override",
        lambda on, kind, id: on.keep.policies.set_override(
            SCOPE, TOOL, kind, by=ANN, request_id=id
        ),
        st.sampled_from(OverrideKind),
        _ids,
    ),
    _act(
        "clear override",
        lambda on, id: on.keep.policies.clear_override(SCOPE, TOOL, by=ANN, request_id=id),
        _ids,
    ),
    _act(
        "auto-approve",
        lambda on, on_, id: on.keep.policies.set_auto_approve(SCOPE, on=on_, by=ANN, request_id=id),
        st.booleans(),
        _ids,
    ),
    _act("weigh", Player.weigh, _calls),
    _act("look", Player.look, _calls),
    # One record a time: those of one sweep are dealt with at once, in no order that is promised.
    _act("sweep", lambda on: on.keep.approvals.sweep(limit=1)),
    _act("prune", lambda on: on.keep.approvals.prune(limit=1)),
    _act(
        "wait",
        lambda on, seconds: on.clock.sleep(seconds),
        st.sampled_from([1, 1, 1, 1, 30, 60, 900, 3_600, 8 * 86_400, 91 * 86_400]),
    ),
)
