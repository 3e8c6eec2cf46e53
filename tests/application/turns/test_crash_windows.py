"""Crash windows: whichever commit of a run's life a host dies at, the next host goes on from there.

One life has every kind of command. It is led once undisturbed; then once for each of its commits,
by a host that dies just before that commit, or just after it, and by one that then repeats the step
at which the first has died. Nothing may happen twice, and nothing be lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import pytest
from attrs import define, field

from tests.application.turns.keep import (
    DONE,
    OPERATOR,
    Keep,
    lane_of,
    step,
    thread,
)
from tests.application.turns.mortal import Died, MortalStore
from tests.application.turns.worlds import WORLDS, World
from turnkeep_application.approvals import Approvals
from turnkeep_application.turns.claim_pass import ClaimPass
from turnkeep_application.turns.granted_steps import StepGrant
from turnkeep_application.turns.turns import Turns
from turnkeep_application.turns.views import RunView
from turnkeep_domain.approvals.calls import Dispatch, Effect, Estimate
from turnkeep_domain.approvals.canonical import CanonicalInput, canonical
from turnkeep_domain.approvals.names import CapabilityId, InvocationId
from turnkeep_domain.approvals.states import ApprovalOutcome
from turnkeep_domain.principals import Principal
from turnkeep_domain.request_ids import RequestId, digest_of
from turnkeep_domain.turns.actors import Actor
from turnkeep_domain.turns.checkpoint import Checkpoint, CheckpointKind
from turnkeep_domain.turns.claims import Claim, Relinquishment, RunStanding, Token
from turnkeep_domain.turns.effect import Intended, Mode, Unclear
from turnkeep_domain.turns.gates import Disposition, Gate, GateKind
from turnkeep_domain.turns.names import Category, Ref
from turnkeep_domain.turns.route import Route
from turnkeep_domain.turns.run_states import Blocked, RunStatus

ADA: Final = Principal.person("ada")
SCOPE: Final = thread("life")
CHILD: Final = thread("child")
TOOL: Final = Gate.of(kind=GateKind.EXTERNAL_TOOL, ref=Ref("tool-1"), effect=step("tool"))
ROUTE: Final = Route(provider=Ref("acme"), model=Ref("m-1"), config_ref=None, auth_ref=None)


@define
class Host:
    """Who leads the life at the moment, and which of its steps is repeated."""

    turns: Turns
    approvals: Approvals
    repeats: bool = False


@define
class Life:
    """A life, step by step; every step may be repeated by the next host."""

    host: Host
    claims: dict[str, Claim] = field(factory=dict)

    async def claim(self, name: str, number: int) -> None:
        """Takes what is due; after a death, what the same token was given before."""
        token = Token(bytes([number]) * 16)
        found: ClaimPass = await self.host.turns.claim(
            holder=f"worker-{number}",
            token=token,
            lanes=[lane_of()] if self.host.repeats else None,
        )
        (granted,) = found.granted
        self.claims[name] = granted.claim

    def steps(self) -> list[Callable[[], Awaitable[object]]]:
        return [
            self.submit,
            lambda: self.claim("first", 1),
            lambda: self.host.turns.intend(
                self.claims["first"], step("a"), arguments=digest_of("a")
            ),
            lambda: self.done("first", "a"),
            self.save,
            lambda: self.host.turns.set_route(self.claims["first"], ROUTE),
            lambda: self.ask("first"),
            self.approve,
            lambda: self.claim("second", 2),
            self.passes,
            self.spawn,
            self.join,
            lambda: self.claim("child", 3),
            self.child_done,
            lambda: self.claim("third", 4),
            lambda: self.host.turns.block(self.claims["third"], gate=TOOL),
            self.resume,
            lambda: self.claim("fourth", 5),
            self.intend_on_the_yes,
            self.unclear,
            self.needs_operator,
            self.retry,
            lambda: self.claim("fifth", 6),
            self.drain,
            lambda: self.claim("sixth", 7),
            self.complete,
        ]

    async def submit(self) -> None:
        view = await self.host.turns.submit(SCOPE, actor=ADA, request_id=RequestId("r1"))
        assert isinstance(view, RunView)

    async def done(self, claim: str, name: str) -> None:
        state = await self.host.turns.settle(
            self.claims[claim],
            step(name),
            mode=Mode.ONCE,
            arguments=digest_of(name),
            outcome=DONE,
        )
        assert state == DONE

    async def save(self) -> None:
        saved = await self.host.turns.checkpoint(
            self.claims["first"],
            kind=CheckpointKind.BEFORE_BLOCK,
            schema=1,
            payload=b"saved",
            ordinals={"a": 1},
        )
        assert isinstance(saved, Checkpoint)

    async def ask(self, claim: str) -> object:
        return await self.host.turns.require_approval(
            self.claims[claim],
            step("gate"),
            invocation=InvocationId("i1"),
            action=Dispatch(capability=CapabilityId("pay"), estimate=Estimate.nothing()),
            effects=frozenset({Effect.FINANCIAL}),
            requester=Principal.agent("scout"),
            input={"amount": 12},
            reason="",
            display="",
        )

    async def approve(self) -> None:
        if not self.host.repeats:
            view = await self.host.turns.get(self.claims["first"].run)
            assert view is not None
            assert isinstance(view.state, Blocked)
            self.gate = str(view.state.gate.ref)
        answer = await self.host.approvals.approve(
            SCOPE, self.gate, by=ADA, decision_id=RequestId("d1")
        )
        assert isinstance(answer, ApprovalOutcome)

    gate: str = ""

    async def passes(self) -> None:
        assert await self.ask("second") is Disposition.GRANTED

    async def spawn(self) -> None:
        child = await self.host.turns.submit_child(
            self.claims["second"], step("spawn"), scope=CHILD, arguments=digest_of("spawn")
        )
        assert isinstance(child, RunView)
        self.child = child

    child: RunView | None = None

    async def join(self) -> None:
        assert self.child is not None
        gate = Gate.of(
            kind=GateKind.DEPENDENT_RUN,
            ref=Ref("join"),
            effect=step("join"),
            awaited=(self.child.address,),
        )
        standing = await self.host.turns.block(self.claims["second"], gate=gate)
        assert isinstance(standing, RunStanding)

    async def child_done(self) -> None:
        standing = await self.host.turns.complete(self.claims["child"])
        assert isinstance(standing, RunStanding)

    async def resume(self) -> None:
        standing = await self.host.turns.resume(
            self.claims["third"].run,
            kind=GateKind.EXTERNAL_TOOL,
            ref=TOOL.ref,
            disposition=Disposition.DENIED,
            actor=Actor.system("callbacks"),
            request_id=RequestId("go"),
        )
        assert isinstance(standing, RunStanding)

    async def intend_on_the_yes(self) -> None:
        input = canonical({"amount": 12})
        assert isinstance(input, CanonicalInput)
        state = await self.host.turns.intend(
            self.claims["fourth"],
            step("b"),
            arguments=digest_of("b"),
            grant=StepGrant(approval=self.gate, input=input),
        )
        assert isinstance(state, Intended)

    async def unclear(self) -> None:
        await self.host.turns.settle(
            self.claims["fourth"],
            step("b"),
            mode=Mode.ONCE,
            arguments=digest_of("b"),
            outcome=Unclear(),
        )

    async def needs_operator(self) -> None:
        standing = await self.host.turns.fail(self.claims["fourth"], category=Category("broken"))
        assert isinstance(standing, RunStanding)
        assert standing.status is RunStatus.NEEDS_OPERATOR

    async def retry(self) -> None:
        standing = await self.host.turns.retry(
            self.claims["fourth"].run,
            settlements={step("b"): DONE},
            actor=OPERATOR,
            request_id=RequestId("again"),
        )
        assert isinstance(standing, RunStanding)

    async def drain(self) -> None:
        standing = await self.host.turns.relinquish(
            self.claims["fifth"], reason=Relinquishment.DRAIN
        )
        assert isinstance(standing, RunStanding)

    async def complete(self) -> None:
        standing = await self.host.turns.complete(self.claims["sixth"], result_ref=Ref("answer"))
        assert isinstance(standing, RunStanding)
        assert standing.status is RunStatus.COMPLETED


EXPECTED: Final = [
    *("run.submitted", "run.claimed", "run.effect_settled", "run.routed"),
    *("approval.raised", "run.blocked", "approval.approved", "grant.issued", "run.resumed"),
    "run.claimed",
    *("run.submitted", "run.effect_settled", "run.blocked", "run.claimed"),
    *("run.completed", "run.resumed", "run.claimed", "run.blocked", "run.resumed", "run.claimed"),
    *("run.effect_uncertain", "run.needs_operator", "run.effect_settled", "run.requeued"),
    *("run.claimed", "run.requeued", "run.claimed", "run.completed"),
    *("grant.began", "grant.settled"),
]


async def lead(keep: Keep, *, dies_at: int | None, landed: bool) -> int:
    """Leads the life, with a death in it perhaps; answers how many commits the first host made."""
    mortal = MortalStore(inner=keep.world.handles(), dies_at=dies_at, landed=landed)
    async with mortal:
        life = Life(Host(keep.host(mortal), keep.approvals(mortal)))
        for do in life.steps():
            try:
                await do()
            except Died:
                life.host = Host(keep.turns, keep.approvals(), repeats=True)
                await do()
                life.host.repeats = False
        return mortal.commits


async def require_one_life(keep: Keep) -> None:
    """It was led to its end, and everything in it happened once."""
    await keep.require_invariants()
    whole = await keep.whole()
    assert sorted(event.kind for event in whole.stored_events) == sorted(EXPECTED)
    assert all(state.active is None for state in whole.states)
    for lane in whole.lanes:
        assert (lane.entries, lane.running) == ((), 0)
    (tree,) = whole.trees
    assert (tree.live, tree.spawned) == ((), 1)
    assert {entry.id.name: type(entry.state).__name__ for entry in whole.effects} == {
        "a": "Done",
        "gate": "Done",
        "spawn": "Done",
        "join": "Done",
        "tool": "Done",
        "b": "Done",
    }


def commits_of_a_life() -> int:
    keep = Keep(WORLDS["memory"]())
    made: list[int] = []

    async def scenario() -> None:
        made.append(await lead(keep, dies_at=None, landed=False))
        await require_one_life(keep)

    keep.run(scenario)
    return made[0]


def test_an_undisturbed_life_has_a_commit_for_each_of_its_steps() -> None:
    # One step is none: a gate that was decided is passed without a write.
    assert commits_of_a_life() == len(Life(Host(None, None)).steps()) - 1  # type: ignore[arg-type]  # counted only


@pytest.mark.parametrize("landed", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("world", WORLDS)
def test_whichever_commit_a_host_dies_at_the_life_is_led_to_its_end_once(
    world: str, *, landed: bool
) -> None:
    """The table of crash windows, enumerated."""
    for dies_at in range(1, commits_of_a_life() + 1):
        place: World = WORLDS[world]()
        keep = Keep(place)

        async def scenario(keep: Keep = keep, dies_at: int = dies_at) -> None:
            assert await lead(keep, dies_at=dies_at, landed=landed) == dies_at
            await require_one_life(keep)

        keep.run(scenario)
        place.close()
