"""A decider runs its errands step by step, and notes what it was told or why it gave up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import pytest
from attrs import evolve, frozen

from turnkeep import ApprovalView, Keep, Principal, RequestId, open_keep
from turnkeep_adapters.cli.demo.asking import STRANGER, Ask, asks_of
from turnkeep_adapters.cli.demo.chronicle import APPROVE, DENY
from turnkeep_adapters.cli.demo.deciders import Decider
from turnkeep_adapters.cli.demo.errand_desk import Desk, OpenCase
from turnkeep_adapters.cli.demo.ledger import Case, Ledger
from turnkeep_adapters.cli.demo.recording import Task, ToolCall
from turnkeep_adapters.cli.demo.scene import Errand, Plot, Scene, Step

ASK: Final[Ask] = asks_of(Task(line=1, id="desk/1", prompt="", calls=(ToolCall(1, "pay", {}),)), 1)[
    0
]
OWNER: Final[Principal] = ASK.voters[0]


def step(verdict: str, by: Principal, id: str) -> Step:
    return Step(verdict=verdict, by=by, decision_id=RequestId(id), turns=1)


@frozen
class Office:
    """A keep in which one call waits, and a decider at work."""

    keep: Keep
    gate: str
    desk: Desk

    async def run(self, *steps: Step) -> Case:
        """One errand of these steps; the case that it leaves."""
        scene = Scene(plot=Plot.AGREED, errands=(Errand(steps),), withdrawal=None)
        with Ledger.opened() as ledger:
            case = OpenCase(ASK, self.gate, Plot.AGREED.value, ledger)
            self.desk.leave(case, scene)
            assert not case.is_idle
            await case.all_done()
            case.end()
            (closed,) = ledger.cases()
        assert closed.ended
        return closed


@asynccontextmanager
async def opened() -> AsyncIterator[Office]:
    async with open_keep("memory:") as keep:
        view = await keep.approvals.raise_request(
            ASK.scope,
            invocation=ASK.invocation,
            action=ASK.action,
            effects=ASK.effects,
            requester=ASK.requester,
            correlation_id=ASK.correlation_id,
            input=ASK.input,
            reason=ASK.reason,
            display=ASK.display,
            quorum=ASK.quorum,
        )
        assert isinstance(view, ApprovalView)
        desk = Desk()
        working = asyncio.create_task(Decider(keep, desk).work())
        yield Office(keep, view.id, desk)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working


async def test_each_step_is_told_its_answer() -> None:
    async with opened() as office:
        case = await office.run(
            step(APPROVE, OWNER, "d1"),
            step(APPROVE, OWNER, "d1"),
            step(DENY, OWNER, "d1"),
            step(DENY, OWNER, "d2"),
            step(APPROVE, ASK.voters[1], "d3"),
        )
    told = [
        (answer.request_id, answer.state, answer.missing, answer.refused) for answer in case.told
    ]
    assert told == [
        ("d1", "pending", 1, None),
        ("d1", "pending", 1, None),
        ("d1", None, None, "request_id_reused"),
        ("d2", "denied", 0, None),
        ("d3", "denied", None, "stale_gate"),
    ]
    assert case.told[-1].ruling == "d2"
    assert case.trouble == ()


async def test_an_agent_is_told_that_it_may_not_decide() -> None:
    async with opened() as office:
        case = await office.run(step(APPROVE, ASK.requester, "d1"))
    assert [answer.refused for answer in case.told] == ["not_eligible"]


async def test_a_stranger_tries_and_looks() -> None:
    async with opened() as office:
        case = await office.run(evolve(step(APPROVE, STRANGER, "d1"), stranger=True))
    assert {answer.command: answer.refused for answer in case.told} == {
        "approve": "unknown_gate",
        "get": "unknown_gate",
    }
    assert all(answer.stranger for answer in case.told)


async def test_a_decider_that_gives_up_says_why_and_goes_on() -> None:
    async with opened() as office:
        case = await office.run(step(APPROVE, OWNER, ""), step(DENY, OWNER, "d2"))
        again = await office.run(step(APPROVE, OWNER, "d3"))
    assert case.trouble == ("invalid_value",)
    assert [answer.state for answer in case.told] == ["denied"]
    assert [answer.refused for answer in again.told] == ["stale_gate"]
