"""The commands that look after budgets: `turnkeep budgets accounts`, `limit`, `gates` and so on."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import click

from turnkeep import (
    AccountView,
    BudgetGate,
    BudgetGateId,
    BudgetPage,
    BudgetPruned,
    Budgets,
    BudgetSwept,
    GateView,
    Limits,
    Principal,
    Refused,
    RequestId,
    Scope,
    ScopePrefix,
)
from turnkeep_adapters.cli.asking import Unclear, asked
from turnkeep_adapters.cli.budgets import facts, tables
from turnkeep_adapters.cli.budgets.wishes import account_of, amount_of, limits_of
from turnkeep_adapters.cli.ending import Ending
from turnkeep_adapters.cli.options import by_somebody, in_json, of_store, repeatable
from turnkeep_adapters.cli.refusing import refusal

T = TypeVar("T")
V = TypeVar("V")
_PAGE: Final = 200


@click.group()
def budgets() -> None:
    """Look at what may be spent, set limits, and answer who asks for more.

    ACCOUNT is a level and its ids, as in tenant:acme, user:acme/ada or
    agent:acme/ada/scout. A command that is refused ends with 1.
    """


@budgets.command()
@of_store
@click.argument("account", metavar="[ACCOUNT]...", nargs=-1)
@click.option("--tenant", metavar="ID", help="The accounts of one tenant alone.")
@in_json
def accounts(*, url: str, account: tuple[str, ...], tenant: str | None, as_json: bool) -> int:
    """Show accounts: what is spent, held and left, with a bar for each ceiling.

    Without an ACCOUNT, all that are metered are shown.
    """

    async def look(budgets: Budgets) -> tuple[list[AccountView], list[str]]:
        if account:
            return [await budgets.account(account_of(each)) for each in account], []
        prefix = _prefix(tenant)
        return await _all(lambda after: budgets.accounts(prefix, after=after, limit=_PAGE))

    views, unreadable = _done(url, look)
    if as_json:
        _tell({"accounts": [facts.of_account(view) for view in views], "unreadable": unreadable})
    else:
        tables.print_accounts(views)
    return _ended(unreadable)


@budgets.command()
@of_store
@click.argument("account", metavar="ACCOUNT")
@click.option(
    "--ceiling",
    "ceilings",
    metavar="DIMENSION=MAX",
    multiple=True,
    help="As often as needed: usd_nano=$12.50,warn=7500,pause=9000 or concurrency_slots=4.",
)
@click.option(
    "--period",
    default="lifetime",
    show_default=True,
    help="lifetime, rolling:24h, or day, week or month with a zone: month:Europe/Vienna.",
)
@click.option("--lift", is_flag=True, help="Let everything pass from now on.")
@click.option("--expect", type=int, metavar="REVISION", help="Refuse if the limits have changed.")
@by_somebody
@repeatable
@in_json
def limit(
    *,
    url: str,
    account: str,
    ceilings: tuple[str, ...],
    period: str,
    lift: bool,
    expect: int | None,
    by: Principal,
    request_id: RequestId,
    as_json: bool,
) -> int:
    """Set what ACCOUNT may hold and spend; what is not named is unlimited.

    Spend and holds stay as they are, and open gates are cancelled. The first limit
    of an account counts what runs already.
    """
    if lift == bool(ceilings):
        raise click.UsageError("name the ceilings, or --lift")

    async def set_limit(budgets: Budgets) -> object:
        limits: Limits | None = None if lift else limits_of(period, ceilings)
        return await budgets.set_limit(
            account_of(account),
            limits,
            by=by,
            request_id=request_id,
            expected_revision=expect,
        )

    answer = _done(url, set_limit)
    if isinstance(answer, Refused):
        return refusal(answer, as_json=as_json)
    revision = answer.limit_revision  # type: ignore[attr-defined]  # it is set
    if as_json:
        _tell({"limit_revision": revision})
    else:
        click.echo(f"The limits of {account} are at revision {revision}.")
    return Ending.FINE


@budgets.command()
@of_store
@click.option("--tenant", metavar="ID", help="The gates of one tenant alone.")
@in_json
def gates(*, url: str, tenant: str | None, as_json: bool) -> int:
    """List the gates that wait for an answer."""

    async def look(budgets: Budgets) -> tuple[list[GateView], list[str]]:
        prefix = _prefix(tenant)
        return await _all(lambda after: budgets.gates(prefix, after=after, limit=_PAGE))

    views, unreadable = _done(url, look)
    if as_json:
        listed = [facts.of_gate(view.gate, view.status) for view in views]
        _tell({"gates": listed, "unreadable": unreadable})
    elif views:
        tables.print_gates(views)
    else:
        click.echo("No gate waits for an answer.")
    return _ended(unreadable)


@budgets.command()
@of_store
@click.argument("account", metavar="ACCOUNT")
@click.argument("gate", metavar="GATE")
@click.option("--max", "new_max", metavar="MAX", help="The ceiling; by default what passes.")
@by_somebody
@repeatable
@in_json
def approve(
    *,
    url: str,
    account: str,
    gate: str,
    new_max: str | None,
    by: Principal,
    request_id: RequestId,
    as_json: bool,
) -> int:
    """Raise the ceiling that GATE asks about; whoever waits may try again."""

    async def answer(budgets: Budgets) -> object:
        ref, id = account_of(account), BudgetGateId(gate)
        view = await budgets.gate(ref, id)
        if view is None:
            raise Unclear("the account has no such gate")
        least = view.gate.least_max
        wanted = least if new_max is None else amount_of(view.gate.dimension, new_max)
        return await budgets.approve_gate(ref, id, new_max=wanted, by=by, request_id=request_id)

    return _answered(_done(url, answer), "Approved", as_json=as_json)


@budgets.command()
@of_store
@click.argument("account", metavar="ACCOUNT")
@click.argument("gate", metavar="GATE")
@by_somebody
@repeatable
@in_json
def decline(
    *, url: str, account: str, gate: str, by: Principal, request_id: RequestId, as_json: bool
) -> int:
    """Refuse to raise the ceiling, until GATE would have expired."""

    async def answer(budgets: Budgets) -> object:
        return await budgets.cancel_gate(
            account_of(account),
            BudgetGateId(gate),
            by=by,
            request_id=request_id,
        )

    return _answered(_done(url, answer), "Declined", as_json=as_json)


@budgets.command()
@of_store
@click.option("--prune", "prunes", is_flag=True, help="Forget what ended 30 days ago, too.")
@click.option("--dry-run", is_flag=True, help="Only count what would be forgotten.")
@in_json
def sweep(*, url: str, prunes: bool, dry_run: bool, as_json: bool) -> int:
    """Note what time has decided: overdue reservations, and gates that nobody answered.

    Nothing waits for it, but estimates that are to be charged at their expiry are
    charged here. A call deals with a page of each; repeat it while there is more.
    """

    async def tidy(budgets: Budgets) -> tuple[BudgetSwept, BudgetSwept, BudgetPruned | None]:
        if dry_run:
            nothing = BudgetSwept(done=0, left=0, more=False)
            return nothing, nothing, await budgets.prune(dry_run=True)
        reservations, gates = await budgets.expire_due(), await budgets.expire_gates()
        return reservations, gates, await budgets.prune() if prunes else None

    reservations, gates, pruned = _done(url, tidy)
    told: dict[str, object] = {"expired": reservations.done, "expired_gates": gates.done}
    more = reservations.more or gates.more
    if pruned is not None:
        told |= {"pruned": pruned.reservations, "pruned_gates": pruned.gates}
        more = more or pruned.more
    told |= {"left": reservations.left + gates.left, "more": more, "dry_run": dry_run}
    if as_json:
        _tell(told)
    else:
        click.echo(", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in told.items()))
    return Ending.FINE


# ---- steps --------------------------------------------------------------------------------------


def _done(url: str, use: Callable[[Budgets], Awaitable[T]]) -> T:
    return asked(url, lambda keep: use(keep.budgets))


async def _all(
    read: Callable[[str | None], Awaitable[BudgetPage[V]]],
) -> tuple[list[V], list[str]]:
    """All entries of a listing, and why others could not be read."""
    entries: list[V] = []
    unreadable: list[str] = []
    after: str | None = None
    while True:
        page = await read(after)
        entries += page.entries
        unreadable += [each.code for each in page.unreadable]
        if page.next is None:
            return entries, sorted(unreadable)
        after = page.next


def _prefix(tenant: str | None) -> ScopePrefix:
    scope = Scope.of(tenant, None)
    return ScopePrefix(scope=scope, depth=0 if tenant is None else 1)


def _answered(answer: object, said: str, *, as_json: bool) -> int:
    if isinstance(answer, Refused):
        return refusal(answer, as_json=as_json)
    if isinstance(answer, BudgetGate) and as_json:
        _tell(facts.of_gate(answer, answer.status_at(answer.opened_at)))
    else:
        click.echo(f"{said}.")
    return Ending.FINE


def _ended(unreadable: list[str]) -> int:
    if not unreadable:
        return Ending.FINE
    click.echo(f"Error: {len(unreadable)} records cannot be read.", err=True)
    return Ending.FAILED


def _tell(told: object) -> None:
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))
