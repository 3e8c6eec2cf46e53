"""The commands that look after runs: `turnkeep runs list`, `show`, `cancel` and so on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import click

from turnkeep import (
    Category,
    Done,
    EffectId,
    NotDone,
    Principal,
    Ref,
    Refused,
    RequestId,
    RunStanding,
    RunStatus,
    Turns,
)
from turnkeep_adapters.cli.asking import Unclear, asked
from turnkeep_adapters.cli.ending import Ending
from turnkeep_adapters.cli.options import by_somebody, in_json, of_owner, of_store, repeatable
from turnkeep_adapters.cli.refusing import refusal
from turnkeep_adapters.cli.runs.limits import limits
from turnkeep_adapters.cli.runs.naming import Owner, operator
from turnkeep_adapters.cli.runs.rendering import (
    history_object,
    history_text,
    json_text,
    run_object,
    standing_object,
    table,
)
from turnkeep_adapters.cli.runs.settling import settlements_of

T = TypeVar("T")


@click.group()
def runs() -> None:
    """Look after runs: see them, call them off, let them go on.

    A run is named by its id, its tenant and its user. Whoever uses these commands
    acts as an operator.
    """


runs.add_command(limits)


@runs.command(name="list")
@click.option(
    "--status",
    "statuses",
    type=click.Choice([status.value for status in RunStatus]),
    metavar="STATUS",
    multiple=True,
    help="Only runs that stand so, for example needs_operator; may be repeated.",
)
@click.option("--after", metavar="PAGE", help="The next page, as the one before names it.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@of_owner
@of_store
@in_json
def list_runs(
    *,
    url: str,
    as_json: bool,
    statuses: tuple[str, ...],
    after: str | None,
    limit: int,
    **owner: str | None,
) -> int:
    """List runs: those that have not ended, then those that have."""
    wanted = frozenset(map(RunStatus, statuses))
    page = _asked(
        url,
        lambda turns: turns.list(
            Owner(**owner).prefix,  # type: ignore[arg-type]  # click has seen to tenant and user
            statuses=wanted or None,
            after=after,
            limit=limit,
        ),
    )
    if as_json:
        click.echo(
            json_text(
                {
                    "runs": [run_object(run) for run in page.runs],
                    "unreadable": len(page.unreadable),
                    "next": page.next,
                }
            )
        )
        return Ending.FINE
    click.echo("\n".join(table(page.runs)))
    if page.unreadable:
        click.echo(f"{len(page.unreadable):,} records cannot be read.", err=True)
    if page.next is not None:
        click.echo(f"There are more: --after {page.next}")
    return Ending.FINE


@runs.command()
@click.argument("run")
@of_owner
@of_store
@in_json
def show(*, run: str, url: str, as_json: bool, **owner: str | None) -> int:
    """Show a run, its journal and its events; never what it is about."""

    async def told(turns: Turns) -> str:
        view = await _owner(owner).run(turns, run)
        history = await turns.history(view.address, limit=200)
        if history is None:
            raise Unclear("the run was retired meanwhile")
        if as_json:
            return json_text(history_object(history))
        return "\n".join(history_text(history))

    click.echo(_asked(url, told))
    return Ending.FINE


@runs.command()
@click.argument("run")
@click.option("--reason", default="operator", show_default=True, help="Why, in a few words.")
@by_somebody
@repeatable
@of_owner
@of_store
@in_json
def cancel(
    *,
    run: str,
    reason: str,
    by: Principal,
    request_id: RequestId,
    url: str,
    as_json: bool,
    **owner: str | None,
) -> int:
    """Call a run off, and all that descends from it."""

    async def done(turns: Turns) -> RunStanding | Refused[object]:
        view = await _owner(owner).run(turns, run)
        return await turns.request_cancel(
            view.address, reason=Ref(reason), actor=operator(by), request_id=request_id
        )

    return _stood(_asked(url, done), as_json=as_json)


def _settled(command: Callable[..., int]) -> Callable[..., int]:
    for option in (
        click.option(
            "--not-done",
            multiple=True,
            metavar="NAME[#N][=CATEGORY]",
            help="An uncertain step that did not happen; it is done again.",
        ),
        click.option(
            "--done",
            multiple=True,
            metavar="NAME[#N][=JSON]",
            help="An uncertain step that happened, and what it returned.",
        ),
    ):
        command = option(command)
    return command


@runs.command()
@click.argument("run")
@_settled
@by_somebody
@repeatable
@of_owner
@of_store
@in_json
def retry(
    *,
    run: str,
    done: tuple[str, ...],
    not_done: tuple[str, ...],
    by: Principal,
    request_id: RequestId,
    url: str,
    as_json: bool,
    **owner: str | None,
) -> int:
    """Let a run that needs an operator go on, or do a failed one again.

    Every uncertain step must be settled, by --done or --not-done; show names them.
    """

    async def retried(
        turns: Turns, settlements: Mapping[EffectId, Done | NotDone]
    ) -> RunStanding | Refused[object]:
        view = await _owner(owner).run(turns, run)
        return await turns.retry(
            view.address,
            settlements=settlements,
            actor=operator(by),
            request_id=request_id,
        )

    return _stood(
        _asked(url, lambda turns: retried(turns, settlements_of(done, not_done))), as_json=as_json
    )


@runs.command(name="give-up")
@click.argument("run")
@click.option("--category", required=True, help="Why it fails, in a word of yours.")
@_settled
@by_somebody
@repeatable
@of_owner
@of_store
@in_json
def give_up(
    *,
    run: str,
    category: str,
    done: tuple[str, ...],
    not_done: tuple[str, ...],
    by: Principal,
    request_id: RequestId,
    url: str,
    as_json: bool,
    **owner: str | None,
) -> int:
    """Fail a run that needs an operator.

    Uncertain steps that you know of may be settled, by --done or --not-done; show names them. The
    others stay uncertain, and a retry of the failed run waits until they are settled.
    """

    async def given_up(
        turns: Turns, settlements: Mapping[EffectId, Done | NotDone]
    ) -> RunStanding | Refused[object]:
        view = await _owner(owner).run(turns, run)
        return await turns.give_up(
            view.address,
            settlements=settlements,
            category=Category(category),
            actor=operator(by),
            request_id=request_id,
        )

    return _stood(
        _asked(url, lambda turns: given_up(turns, settlements_of(done, not_done))), as_json=as_json
    )


@runs.command()
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@of_store
@in_json
def recover(*, limit: int, url: str, as_json: bool) -> int:
    """End claims whose time is up, as every worker's sweep does."""
    swept = _asked(url, lambda turns: turns.recover(limit=limit))
    if as_json:
        found = {"recovered": swept.recovered, "unreadable": len(swept.unreadable)}
        click.echo(json_text(found))
    else:
        click.echo(f"Ended {swept.recovered:,} claims whose time was up.")
        if swept.unreadable:
            click.echo(f"{len(swept.unreadable):,} records cannot be read.", err=True)
    return Ending.FAILED if swept.unreadable else Ending.FINE


def _asked(url: str, ask: Callable[[Turns], Awaitable[T]]) -> T:
    return asked(url, lambda keep: ask(keep.turns))


def _owner(named: Mapping[str, str | None]) -> Owner:
    return Owner(**named)  # type: ignore[arg-type]  # click has seen to tenant and user


def _stood(answer: RunStanding | Refused[object], *, as_json: bool) -> int:
    """Tells where a command has left a run, or why it was refused."""
    if isinstance(answer, Refused):
        return refusal(answer, as_json=as_json)
    if as_json:
        click.echo(json_text(standing_object(answer)))
    else:
        click.echo(f"Run {answer.run} is {answer.status.value}.")
    return Ending.FINE
