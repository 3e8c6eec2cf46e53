"""The commands that look after gates: `turnkeep approvals list`, `show`, `approve` and so on."""

from __future__ import annotations

from typing import Unpack

import click

from turnkeep import (
    ApprovalExplanation,
    ApprovalOutcome,
    ApprovalPayload,
    Approvals,
    ApprovalView,
    Coded,
    Erased,
    GateAnswered,
    GateOption,
    Keep,
    Principal,
    Refused,
    RequestId,
)
from turnkeep_adapters.cli.approvals.naming import DecidedOptions, OwnerOptions, gate_of, scope_of
from turnkeep_adapters.cli.approvals.telling import (
    explanation_object,
    explanation_text,
    gate_object,
    gate_text,
    table,
    tell,
    warn_of,
)
from turnkeep_adapters.cli.asking import Unclear, asked
from turnkeep_adapters.cli.ending import Ending
from turnkeep_adapters.cli.options import by_somebody, in_json, of_owner, of_store, repeatable
from turnkeep_adapters.cli.refusing import refusal
from turnkeep_adapters.cli.runs.naming import Owner


@click.group()
def approvals() -> None:
    """Look after gates: see what waits for a person, decide it, tidy up.

    A gate is named as approval:ID, as the list shows it, and its owner. A command
    that is refused ends with 1.
    """


@approvals.command(name="list")
@click.option("--after", metavar="PAGE", help="The next page, as the one before names it.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@of_owner
@of_store
@in_json
def list_gates(
    *, url: str, as_json: bool, after: str | None, limit: int, **owner: Unpack[OwnerOptions]
) -> int:
    """List the gates that may still be decided, oldest first."""
    prefix = Owner(**owner).prefix
    page = asked(url, lambda keep: keep.approvals.list_pending(prefix, after=after, limit=limit))
    if as_json:
        tell(
            {
                "gates": [gate_object(view) for view in page.approvals],
                "unreadable": len(page.unreadable),
                "next": page.next,
            }
        )
        return Ending.FAILED if page.unreadable else Ending.FINE
    click.echo("\n".join(table(page.approvals)))
    if page.next is not None:
        click.echo(f"There are more: --after {page.next}")
    return warn_of(len(page.unreadable))


@approvals.command()
@click.argument("gate")
@of_owner
@of_store
@in_json
def show(*, gate: str, url: str, as_json: bool, **owner: Unpack[OwnerOptions]) -> int:
    """Show a gate, with the reason and the display that people decide by."""

    async def look(keep: Keep) -> tuple[ApprovalView, ApprovalPayload | None]:
        approvals, ref = keep.approvals, gate_of(gate)
        scope = await scope_of(Owner(**owner), approvals, ref)
        view = await approvals.get(scope, ref.id)
        if view is None:
            raise Unclear("the gate was withdrawn meanwhile")
        return view, await approvals.payload(scope, ref.id)

    view, payload = asked(url, look)
    if as_json:
        tell(gate_object(view, payload))
    else:
        click.echo("\n".join(gate_text(view, payload)))
    return Ending.FINE


@approvals.command()
@click.argument("gate")
@click.option("--always", is_flag=True, help="Allow its further calls too, where that is offered.")
@by_somebody
@repeatable
@of_owner
@of_store
@in_json
def approve(*, gate: str, always: bool, **given: Unpack[DecidedOptions]) -> int:
    """Say yes to a gate."""
    option = GateOption.ALWAYS_ALLOW if always else GateOption.ALLOW_ONCE
    return _answer(gate, option, **given)


@approvals.command()
@click.argument("gate")
@by_somebody
@repeatable
@of_owner
@of_store
@in_json
def deny(*, gate: str, **given: Unpack[DecidedOptions]) -> int:
    """Say no to a gate, which decides it."""
    return _answer(gate, GateOption.DENY, **given)


@approvals.command()
@click.argument("gate")
@by_somebody
@repeatable
@of_owner
@of_store
@in_json
def discard(
    *,
    gate: str,
    by: Principal,
    request_id: RequestId,
    url: str,
    as_json: bool,
    **owner: Unpack[OwnerOptions],
) -> int:
    """Withdraw a gate that nobody has decided; its call can be asked again."""

    async def withdraw(approvals: Approvals) -> ApprovalOutcome | Refused[Coded]:
        ref = gate_of(gate)
        scope = await scope_of(Owner(**owner), approvals, ref)
        return await approvals.discard(scope, ref.id, by=by, request_id=request_id)

    answer = asked(url, lambda keep: withdraw(keep.approvals))
    if isinstance(answer, Refused):
        return refusal(answer, as_json=as_json)
    return _stands(str(gate_of(gate)), answer.state.value, answer.missing, as_json=as_json)


@approvals.command()
@click.argument("gate")
@of_owner
@of_store
@in_json
def erase(*, gate: str, url: str, as_json: bool, **owner: Unpack[OwnerOptions]) -> int:
    """Erase what people read of a gate; its ruling stands."""

    async def erased(approvals: Approvals) -> Erased | Refused[Coded]:
        ref = gate_of(gate)
        scope = await scope_of(Owner(**owner), approvals, ref)
        return await approvals.erase_payload(scope, ref.id)

    answer = asked(url, lambda keep: erased(keep.approvals))
    if isinstance(answer, Refused):
        return refusal(answer, as_json=as_json)
    if as_json:
        tell({"ref": str(gate_of(gate)), "erased": True})
    else:
        click.echo("Erased.")
    return Ending.FINE


@approvals.command()
@click.argument("gate")
@of_owner
@of_store
@in_json
def explain(*, gate: str, url: str, as_json: bool, **owner: Unpack[OwnerOptions]) -> int:
    """Tell why a gate was asked, what was said to it, and what became of the yes."""

    async def look(approvals: Approvals) -> ApprovalExplanation:
        ref = gate_of(gate)
        scope = await scope_of(Owner(**owner), approvals, ref)
        told = await approvals.explain(scope, ref.id)
        if told is None:
            raise Unclear("the gate was withdrawn meanwhile")
        return told

    told = asked(url, lambda keep: look(keep.approvals))
    if as_json:
        tell(explanation_object(told))
    else:
        click.echo("\n".join(explanation_text(told)))
    return Ending.FINE


@approvals.command()
@click.option("--limit", type=click.IntRange(1, 500), default=100, show_default=True)
@click.option("--prune", is_flag=True, help="Also erase and prune what is long over.")
@click.option("--dry-run", is_flag=True, help="Only tell what pruning would do.")
@of_store
@in_json
def sweep(*, limit: int, prune: bool, dry_run: bool, url: str, as_json: bool) -> int:
    """Note what time has ended, as every worker does now and then.

    Pruning erases reason and display 7 days after the end, and leaves a tombstone
    after 90 days.
    """

    async def swept(approvals: Approvals) -> tuple[dict[str, object], int]:
        told: dict[str, object] = {}
        unreadable = 0
        if not dry_run:
            noted = await approvals.sweep(limit=limit)
            told |= {"expired": noted.expired, "expired_grants": noted.grants}
            unreadable += len(noted.unreadable)
        if prune or dry_run:
            pruned = await approvals.prune(limit=limit, dry_run=dry_run)
            told |= {
                "erased": [place.id for place in pruned.erased],
                "pruned": [place.id for place in pruned.pruned],
                "spared": pruned.spared,
                "dry_run": dry_run,
            }
            unreadable += len(pruned.unreadable)
        return {**told, "unreadable": unreadable}, unreadable

    told, unreadable = asked(url, lambda keep: swept(keep.approvals))
    if as_json:
        tell(told)
        return Ending.FAILED if unreadable else Ending.FINE
    for name, value in told.items():
        if isinstance(value, list):
            click.echo(f"{name}: {len(value)}")
            for id in value:
                click.echo(f"  approval:{id}")
        else:
            click.echo(f"{name.replace('_', ' ')}: {value}")
    return warn_of(unreadable)


# ---- steps --------------------------------------------------------------------------------------


def _answer(
    gate: str,
    option: GateOption,
    *,
    by: Principal,
    request_id: RequestId,
    url: str,
    as_json: bool,
    **owner: Unpack[OwnerOptions],
) -> int:
    async def answered(approvals: Approvals) -> GateAnswered | Refused[Coded]:
        ref = gate_of(gate)
        return await approvals.answer(
            await scope_of(Owner(**owner), approvals, ref),
            decider=by,
            ref=str(ref),
            option=option,
            decision_id=request_id,
        )

    answer = asked(url, lambda keep: answered(keep.approvals))
    if isinstance(answer, Refused):
        return refusal(answer, as_json=as_json)
    outcome = answer.outcome
    return _stands(str(answer.ref), outcome.state.value, outcome.missing, as_json=as_json)


def _stands(ref: str, state: str, missing: int, *, as_json: bool) -> int:
    if as_json:
        tell({"ref": ref, "state": state, "missing": missing})
    else:
        waits = f", {missing} more to go" if missing else ""
        click.echo(f"{ref} is {state}{waits}.")
    return Ending.FINE
