"""An ask: one tool call as it is put before people, with all that its approval depends on."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import field, frozen

from turnkeep import (
    CapabilityId,
    CorrelationId,
    Dispatch,
    Effect,
    Estimate,
    InvocationId,
    Json,
    Principal,
    Quorum,
    Scope,
)
from turnkeep_adapters.cli.demo.recording import Task, ToolCall
from turnkeep_adapters.cli.demo.risk import is_secret, risk_of

PEOPLE: Final = ("ada", "bruno", "chiara", "dmitri", "esi", "farah")
STRANGER: Final = Principal.person("mallory")
DESK: Final = Principal.service("risk-desk")
_AGENTS: Final = ("clerk", "courier", "engineer")
_SHOWN_CHARACTERS: Final = 120


@frozen(kw_only=True)
class Ask:
    """One call, ready to be raised.

    It follows from the seed, the task and the call alone: whoever asks the same again, in this
    run or in another on the same store, asks for the same approval.

    Attributes:
        voters: Those who may decide, in the order in which they are turned to.
    """

    line: int
    position: int
    scope: Scope
    invocation: InvocationId
    action: Dispatch
    effects: frozenset[Effect]
    requester: Principal
    correlation_id: CorrelationId
    input: Mapping[str, Json] = field(repr=False)
    reason: str = field(repr=False)
    display: str = field(repr=False)
    quorum: Quorum
    voters: tuple[Principal, ...]


def tenant_of(seed: int) -> Scope:
    """The tenant of a demonstration; each seed has its own, and none is another's."""
    return Scope.of(f"harbour-{seed}", None)


def stranger_to(scope: Scope) -> Scope:
    """The same place in another tenant."""
    return Scope.of(
        f"{scope.tenant}-next-door",
        scope.user,
        agent=scope.agent,
        project=scope.project,
        mission=scope.mission,
        thread=scope.thread,
    )


def owners_of(seed: int) -> tuple[Scope, ...]:
    """Everybody in the tenant who may own a task."""
    return tuple(Scope.of(tenant_of(seed).tenant, person) for person in PEOPLE)


def asks_of(task: Task, seed: int) -> tuple[Ask, ...]:
    """The asks of a task, in order.

    Raises:
        InvalidValue: The task or a tool has a name that is no identifier.
    """
    chance = drawn(seed, task.id)
    owner, deputy = chance.sample(PEOPLE, 2)
    agent = chance.choice(_AGENTS)
    scope = Scope.of(tenant_of(seed).tenant, owner, agent=agent, mission=task.id)
    voters = (Principal.person(owner), Principal.person(deputy), DESK)
    return tuple(_ask(task, call, scope, Principal.agent(agent), voters) for call in task.calls)


def drawn(*seeds: object) -> random.Random:
    """A source of chance that the seeds alone decide, on every machine."""
    return random.Random(ascii(seeds))  # noqa: S311 - the whims of people in a play


def _ask(
    task: Task, call: ToolCall, scope: Scope, requester: Principal, voters: tuple[Principal, ...]
) -> Ask:
    risk = risk_of(call.tool)
    return Ask(
        line=task.line,
        position=call.position,
        scope=scope,
        invocation=InvocationId(f"call-{call.position}"),
        action=Dispatch(capability=CapabilityId(call.tool), estimate=Estimate.of({"calls": 1})),
        effects=risk.effects,
        requester=requester,
        correlation_id=CorrelationId(task.id),
        input=call.args,
        reason=task.prompt,
        display=f"{call.tool}({', '.join(_shown(call.args))})",
        quorum=Quorum.of(2 if risk.is_grave else 1, *voters),
        voters=voters,
    )


def _shown(args: Mapping[str, Json]) -> Iterator[str]:
    """The arguments as people read them; secrets are not shown, nor what lies deeper."""
    for name, value in args.items():
        if is_secret(name):
            yield f"{name}=(secret)"
            continue
        match value:
            case dict():
                shown = f"{{{_items(len(value))}}}"
            case list():
                shown = f"[{_items(len(value))}]"
            case _:
                shown = json.dumps(value, ensure_ascii=False)
        cut = len(shown) > _SHOWN_CHARACTERS
        yield f"{name}={shown[:_SHOWN_CHARACTERS]}{'...' if cut else ''}"


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"
