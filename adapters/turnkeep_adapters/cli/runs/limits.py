"""The command on limits: how many runs of a tenant, a user, a project or an agent there may be."""

from __future__ import annotations

from typing import Final

import click

from turnkeep import (
    Axis,
    BucketId,
    BucketLimits,
    BucketStanding,
    LaneId,
    LimitStanding,
    Principal,
    Refused,
    Scope,
    TurnClass,
    Turns,
)
from turnkeep_adapters.cli.asking import asked
from turnkeep_adapters.cli.ending import Ending
from turnkeep_adapters.cli.options import by_somebody, in_json, of_store
from turnkeep_adapters.cli.refusing import refusal
from turnkeep_adapters.cli.runs.naming import operator
from turnkeep_adapters.cli.runs.rendering import json_text

ANY: Final = "any"


class Bound(click.ParamType[int | str]):
    """A number of runs, or `any`."""

    name = "number"

    # Click's own signature; typing.override is not in Python 3.11's library.
    def convert(  # type: ignore[explicit-override]
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """The number, or `any`."""
        if value == ANY:
            return ANY
        if not value.isascii() or not value.isdigit():
            self.fail(f"{value!r} is neither a number nor 'any'", param, ctx)
        return int(value)


@click.command()
@click.option("--tenant", required=True, metavar="ID", help="Whose runs are bounded.")
@click.option("--user", metavar="ID", help="Those of this user alone.")
@click.option("--project", metavar="ID", help="Those of this project of the user alone.")
@click.option("--agent", metavar="ID", help="Those of this agent of the user alone.")
@click.option(
    "--class",
    "turn_class",
    type=click.Choice([known.value for known in TurnClass]),
    help="Those of this class alone.",
)
@click.option("--held", type=Bound(), help="How many may be submitted and not have ended.")
@click.option("--running", type=Bound(), help="How many may be carried out at once.")
@by_somebody
@of_store
@in_json
def limits(
    *,
    tenant: str,
    user: str | None,
    project: str | None,
    agent: str | None,
    turn_class: str | None,
    held: int | str | None,
    running: int | str | None,
    by: Principal,
    url: str,
    as_json: bool,
) -> int:
    """Show what is in force, or bound how many runs there may be.

    Without --held and --running, shows. A number bounds, 'any' takes a bound away.
    Nobody is evicted. --running bounds a tenant, or a user's runs of one class; --held
    bounds all but that. A first limit binds once older runs are counted.
    """
    if (project is not None or agent is not None) and user is None:
        raise click.UsageError("--project and --agent need --user")
    if project is not None and agent is not None:
        raise click.UsageError("--project and --agent are two limits: name one")
    of = _target(
        Scope.of(tenant, user, project=project, agent=agent),
        None if turn_class is None else TurnClass(turn_class),
    )

    async def done(turns: Turns) -> LimitStanding | Refused[object] | None:
        before = await turns.limit_of(of)
        if held is None and running is None:
            return before
        answer = await turns.set_limit(
            of, limits=_limits(of, before, held, running), by=operator(by)
        )
        return answer if isinstance(answer, Refused) else await turns.limit_of(of)

    answer = asked(url, lambda keep: done(keep.turns))
    if isinstance(answer, Refused):
        return refusal(answer, as_json=as_json)
    click.echo(json_text(_object(answer)) if as_json else _text(answer))
    return Ending.FINE


def _target(scope: Scope, turn_class: TurnClass | None) -> BucketId | LaneId:
    """What is bounded: as narrow as it was named."""
    if scope.project is not None:
        return BucketId(scope=scope, axis=Axis.PROJECT, turn_class=turn_class)
    if scope.agent is not None:
        return BucketId(scope=scope, axis=Axis.AGENT, turn_class=turn_class)
    if scope.user is None:
        return BucketId(scope=scope, axis=Axis.TENANT, turn_class=turn_class)
    if turn_class is None:
        return BucketId(scope=scope, axis=Axis.USER, turn_class=None)
    return LaneId.of(scope, turn_class)


def _limits(
    of: BucketId | LaneId,
    before: LimitStanding | None,
    held: int | str | None,
    running: int | str | None,
) -> BucketLimits | int | None:
    """The limits to set; one that was not named stays as it is."""
    if isinstance(of, LaneId):
        if held is not None or running is None:
            raise click.UsageError("a user's runs of one class are bounded by --running alone")
        return _number(running)
    known = before.limits if isinstance(before, BucketStanding) else None
    return BucketLimits(
        held=_number(held) if held is not None else None if known is None else known.held,
        running=_number(running)
        if running is not None
        else None
        if known is None
        else known.running,
    )


def _number(bound: int | str) -> int | None:
    return bound if isinstance(bound, int) else None


def _object(standing: LimitStanding | None) -> dict[str, object]:
    if standing is None:
        return {"limited": False}
    if isinstance(standing, BucketStanding):
        return {
            "limited": True,
            "held": standing.held,
            "held_max": standing.limits.held,
            "running": standing.running,
            "running_max": standing.limits.running,
            "counting": standing.counting,
            "parked": standing.parked,
        }
    return {
        "limited": standing.limit is not None,
        "queued": standing.queued,
        "running": standing.running,
        "running_max": standing.limit,
        "parked": standing.parked,
    }


def _text(standing: LimitStanding | None) -> str:
    if standing is None:
        return "Nothing is bounded here."
    if isinstance(standing, BucketStanding):
        lines = [f"Held {standing.held:,} of {_shown(standing.limits.held)}."]
        if standing.id.counts_running:
            lines.append(f"Running {standing.running:,} of {_shown(standing.limits.running)}.")
        if standing.counting:
            lines.append("Older runs are being counted: nobody is refused yet.")
        if standing.parked:
            lines.append(f"{standing.parked:,} queues wait for a place.")
        return "\n".join(lines)
    lines = [
        f"Running {standing.running:,} of {_shown(standing.limit)}.",
        f"Queued {standing.queued:,}.",
    ]
    if standing.parked:
        lines.append("The queue waits for a place of its tenant.")
    return "\n".join(lines)


def _shown(limit: int | None) -> str:
    return "any number" if limit is None else f"{limit:,}"
