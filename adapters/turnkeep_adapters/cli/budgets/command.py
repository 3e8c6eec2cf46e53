"""The commands that look after budgets: `turnkeep budgets accounts`, `limit`, `gates` and so on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar
from uuid import uuid4

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
    Refused,
    RequestId,
    Scope,
    ScopePrefix,
    TurnkeepError,
    open_keep,
)
from turnkeep_adapters.cli.budgets import facts, tables
from turnkeep_adapters.cli.budgets.wishes import (
    Unclear,
    account_of,
    amount_of,
    limits_of,
    principal_of,
)
from turnkeep_adapters.cli.doctor.place import Nowhere, place_of, require_directory, shown
from turnkeep_adapters.cli.ending import Ending

T = TypeVar("T")
V = TypeVar("V")
_PAGE: Final = 200
_MARK: Final = "FORMAT"
"""What every directory of a files store has."""

store = click.argument("store", metavar="STORE")
as_json = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
by = click.option("--by", metavar="WHO", required=True, help="Who does it: bo, or service:rules.")
request = click.option(
    "--request-id",
    metavar="ID",
    help="Repeat a command under the id that it had, after a doubt.",
)


@click.group()
def budgets() -> None:
    """Look at what may be spent, set limits, and answer who asks for more.

    STORE is the path or URL of a store: a directory, file:///path, or
    postgresql://user@host/database. ACCOUNT is a level and its ids, as in
    tenant:acme, user:acme/ada or agent:acme/ada/scout. A command that is
    refused ends with 1.
    """


@budgets.command()
@store
@click.argument("account", metavar="[ACCOUNT]...", nargs=-1)
@click.option("--tenant", metavar="ID", help="The accounts of one tenant alone.")
@as_json
def accounts(*, store: str, account: tuple[str, ...], tenant: str | None, as_json: bool) -> int:
    """Show accounts: what is spent, held and left, with a bar for each ceiling.

    Without an ACCOUNT, all that are metered are shown.
    """

    async def look(budgets: Budgets) -> tuple[list[AccountView], list[str]]:
        if account:
            return [await budgets.account(account_of(each)) for each in account], []
        prefix = _prefix(tenant)
        return await _all(lambda after: budgets.accounts(prefix, after=after, limit=_PAGE))

    views, unreadable = _done(store, look)
    if as_json:
        _tell({"accounts": [facts.of_account(view) for view in views], "unreadable": unreadable})
    else:
        tables.print_accounts(views)
    return _ended(unreadable)


@budgets.command()
@store
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
@by
@request
@as_json
def limit(
    *,
    store: str,
    account: str,
    ceilings: tuple[str, ...],
    period: str,
    lift: bool,
    expect: int | None,
    by: str,
    request_id: str | None,
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
            by=principal_of(by),
            request_id=_request(request_id),
            expected_revision=expect,
        )

    answer = _done(store, set_limit)
    if isinstance(answer, Refused):
        return _refused(answer.reason, as_json=as_json)
    revision = answer.limit_revision  # type: ignore[attr-defined]  # it is set
    if as_json:
        _tell({"limit_revision": revision})
    else:
        click.echo(f"The limits of {account} are at revision {revision}.")
    return Ending.FINE


@budgets.command()
@store
@click.option("--tenant", metavar="ID", help="The gates of one tenant alone.")
@as_json
def gates(*, store: str, tenant: str | None, as_json: bool) -> int:
    """List the gates that wait for an answer."""

    async def look(budgets: Budgets) -> tuple[list[GateView], list[str]]:
        prefix = _prefix(tenant)
        return await _all(lambda after: budgets.gates(prefix, after=after, limit=_PAGE))

    views, unreadable = _done(store, look)
    if as_json:
        listed = [facts.of_gate(view.gate, view.status) for view in views]
        _tell({"gates": listed, "unreadable": unreadable})
    elif views:
        tables.print_gates(views)
    else:
        click.echo("No gate waits for an answer.")
    return _ended(unreadable)


@budgets.command()
@store
@click.argument("account", metavar="ACCOUNT")
@click.argument("gate", metavar="GATE")
@click.option("--max", "new_max", metavar="MAX", help="The ceiling; by default what passes.")
@by
@request
@as_json
def approve(
    *,
    store: str,
    account: str,
    gate: str,
    new_max: str | None,
    by: str,
    request_id: str | None,
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
        return await budgets.approve_gate(
            ref, id, new_max=wanted, by=principal_of(by), request_id=_request(request_id)
        )

    return _answered(_done(store, answer), "Approved", as_json=as_json)


@budgets.command()
@store
@click.argument("account", metavar="ACCOUNT")
@click.argument("gate", metavar="GATE")
@by
@request
@as_json
def decline(
    *, store: str, account: str, gate: str, by: str, request_id: str | None, as_json: bool
) -> int:
    """Refuse to raise the ceiling, until GATE would have expired."""

    async def answer(budgets: Budgets) -> object:
        return await budgets.cancel_gate(
            account_of(account),
            BudgetGateId(gate),
            by=principal_of(by),
            request_id=_request(request_id),
        )

    return _answered(_done(store, answer), "Declined", as_json=as_json)


@budgets.command()
@store
@click.option("--prune", "prunes", is_flag=True, help="Forget what ended 30 days ago, too.")
@click.option("--dry-run", is_flag=True, help="Only count what would be forgotten.")
@as_json
def sweep(*, store: str, prunes: bool, dry_run: bool, as_json: bool) -> int:
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

    reservations, gates, pruned = _done(store, tidy)
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


def _done(store: str, use: Callable[[Budgets], Awaitable[T]]) -> T:
    """What a use case answers; what goes wrong is one sentence."""

    async def run() -> T:
        async with _opened(store) as budgets:
            return await use(budgets)

    try:
        return asyncio.run(run())
    except (Nowhere, TurnkeepError, Unclear) as error:
        raise click.ClickException(str(error)) from error


@asynccontextmanager
async def _opened(store: str) -> AsyncIterator[Budgets]:
    async with open_keep(_url(store)) as keep:
        yield keep.budgets


def _url(store: str) -> str:
    if store.startswith(("postgresql:", "postgres:")):
        return store
    path = place_of(store)
    require_directory(path)
    # What is mistyped must not be made a store.
    if not path.joinpath(_MARK).exists():
        raise Nowhere(f"{shown(path)} is no store")
    return path.resolve().as_uri()


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


def _request(id: str | None) -> RequestId:
    return RequestId(uuid4().hex if id is None else id)


def _answered(answer: object, said: str, *, as_json: bool) -> int:
    if isinstance(answer, Refused):
        return _refused(answer.reason, as_json=as_json)
    if isinstance(answer, BudgetGate) and as_json:
        _tell(facts.of_gate(answer, answer.status_at(answer.opened_at)))
    else:
        click.echo(f"{said}.")
    return Ending.FINE


def _refused(reason: object, *, as_json: bool) -> int:
    code = getattr(reason, "code", "refused")
    sentence = getattr(reason, "sentence", "the request id was used for something else")
    if as_json:
        _tell({"refused": code, "sentence": sentence})
    else:
        click.echo(f"Refused: {sentence} ({code}).", err=True)
    return Ending.FAILED


def _ended(unreadable: list[str]) -> int:
    if not unreadable:
        return Ending.FINE
    click.echo(f"Error: {len(unreadable)} records cannot be read.", err=True)
    return Ending.FAILED


def _tell(told: object) -> None:
    click.echo(json.dumps(told, ensure_ascii=False, indent=2))
