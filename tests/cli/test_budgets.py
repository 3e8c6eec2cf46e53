"""`turnkeep budgets`: what an operator sees and sets, in sentences and for programs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.cli.command_line import at
from tests.cli.conftest import CommandLine, Ended
from tests.postgres.databases import shared
from turnkeep import (
    AccountRef,
    AccountView,
    Calendar,
    CalendarUnit,
    Ceiling,
    Dimension,
    Lifetime,
    Limits,
    OnExpiry,
    Principal,
    Receipt,
    RequestId,
    Rolling,
    Scope,
    open_keep,
)
from turnkeep_adapters.cli.asking import Unclear
from turnkeep_adapters.cli.budgets import tables
from turnkeep_adapters.cli.budgets.command import budgets
from turnkeep_adapters.cli.budgets.facts import of_period
from turnkeep_adapters.cli.budgets.wishes import (
    account_of,
    amount_of,
    ceiling_of,
    limits_of,
    period_of,
)

WORK = Scope.of("acme", "ada")
USD = Dimension.USD_NANO
SLOTS = Dimension.CONCURRENCY_SLOTS


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store that is there, with nothing in it."""
    path = tmp_path / "store"
    asyncio.run(_used(path.as_uri(), ()))
    return path


async def _used(url: str, estimates: tuple[tuple[str, int], ...]) -> list[object]:
    async with open_keep(url) as keep:
        return [
            await keep.budgets.reserve(
                WORK,
                id=RequestId(id),
                estimate={USD: usd, SLOTS: 1},
                owner="w1",
                on_expiry=OnExpiry.CHARGE,
            )
            for id, usd in estimates
        ]


def reserve(store: Path, *estimates: tuple[str, int]) -> list[object]:
    return asyncio.run(_used(store.as_uri(), estimates))


def told(done: Ended) -> dict[str, Any]:
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


LIMIT = ("--ceiling", "usd_nano=$0.0000001,warn=5000,pause=9000", "--period", "day:UTC")


def limited(turnkeep: CommandLine, store: Path, *more: str) -> Ended:
    return turnkeep("budgets", "limit", *at(store), "tenant:acme", *LIMIT, "--by", "bo", *more)


def test_limits_are_set_and_shown_with_a_bar(turnkeep: CommandLine, store: Path) -> None:
    done = limited(turnkeep, store, "--ceiling", "concurrency_slots=4")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "The limits of tenant:acme are at revision 1.\n"
    assert isinstance(reserve(store, ("r1", 50))[0], Receipt)
    done = turnkeep("budgets", "accounts", *at(store))
    assert (done.returncode, done.stderr) == (0, "")
    line = next(line for line in done.stdout.splitlines() if "usd_nano" in line)
    assert "tenant:acme" in line
    assert "day:UTC" in line
    assert "▒" * 10 + "░" * 10 in line
    assert "$0.00000005" in line
    assert "50.0%" in line
    slots = next(line for line in done.stdout.splitlines() if "concurrency_slots" in line)
    assert "25.0%" in slots


def test_accounts_are_told_to_programs(turnkeep: CommandLine, store: Path) -> None:
    limited(turnkeep, store)
    reserve(store, ("r1", 50))
    found = told(turnkeep("budgets", "accounts", *at(store), "--json"))
    (account,) = found["accounts"]
    assert (account["account"], account["level"], account["period"]) == (
        "tenant:acme",
        "tenant",
        "day:UTC",
    )
    assert account["dimensions"]["usd_nano"] == {
        "limit": 100,
        "warn_bp": 5_000,
        "pause_bp": 9_000,
        "spent": 0,
        "reserved": 50,
        "remaining": 50,
        "utilisation_bp": 5_000,
    }
    assert account["dimensions"]["input_tokens"]["limit"] is None
    assert found["unreadable"] == []
    assert told(turnkeep("budgets", "accounts", *at(store), "--tenant", "other", "--json")) == {
        "accounts": [],
        "unreadable": [],
    }


def test_an_account_that_nobody_meters_is_shown_when_it_is_named(
    turnkeep: CommandLine, store: Path
) -> None:
    done = turnkeep("budgets", "accounts", *at(store), "user:acme/ada")
    assert done.returncode == 0
    assert "unmetered" in done.stdout
    (account,) = told(
        turnkeep("budgets", "accounts", *at(store.as_uri()), "user:acme/ada", "--json")
    )["accounts"]
    assert account["metered_since"] is None


def test_a_gate_is_listed_approved_and_no_longer_there(turnkeep: CommandLine, store: Path) -> None:
    limited(turnkeep, store)
    reserve(store, ("r1", 95))
    listed = turnkeep("budgets", "gates", *at(store))
    assert listed.returncode == 0
    assert "$0.000000106" in listed.stdout, "what passes"
    (gate,) = told(turnkeep("budgets", "gates", *at(store), "--json"))["gates"]
    assert (gate["least_max"], gate["requested"], gate["status"]) == (106, 95, "open")
    named = ("tenant:acme", gate["gate"], "--by", "person:bo")
    small = turnkeep("budgets", "approve", *at(store), *named, "--max", "100")
    assert (small.returncode, small.stdout) == (1, "")
    assert small.stderr == "Refused: the ceiling is 100 already (budget.raise_too_small).\n"
    done = turnkeep("budgets", "approve", *at(store), *named)
    assert (done.returncode, done.stdout) == (0, "Approved.\n")
    assert isinstance(reserve(store, ("r1", 95))[0], Receipt)
    assert turnkeep("budgets", "gates", *at(store)).stdout == "No gate waits for an answer.\n"


def test_a_gate_is_declined(turnkeep: CommandLine, store: Path) -> None:
    limited(turnkeep, store)
    reserve(store, ("r1", 95))
    (gate,) = told(turnkeep("budgets", "gates", *at(store), "--tenant", "acme", "--json"))["gates"]
    named = ("tenant:acme", gate["gate"], "--by", "bo")
    assert turnkeep("budgets", "decline", *at(store), *named).stdout == "Declined.\n"
    (answer,) = reserve(store, ("r1", 95))
    assert getattr(answer, "reason", None).code == "budget.approval_declined"  # type: ignore[union-attr]  # it is refused
    again = turnkeep("budgets", "decline", *at(store), *named, "--json")
    assert again.returncode == 1
    assert json.loads(again.stdout) == {
        "refused": "budget.gate_closed",
        "sentence": "the gate is cancelled",
    }


def test_limits_are_lifted_and_guarded_by_their_revision(
    turnkeep: CommandLine, store: Path
) -> None:
    limited(turnkeep, store)
    stale = limited(turnkeep, store, "--expect", "0", "--ceiling", "processes=1")
    assert stale.returncode == 1
    assert "budget.limit_changed" in stale.stderr
    lift = (
        "budgets",
        "limit",
        "--store",
        str(store),
        "tenant:acme",
        "--lift",
        "--by",
        "bo",
        "--json",
    )
    assert told(turnkeep(*lift)) == {"limit_revision": 2}
    assert isinstance(reserve(store, ("r1", 10**12))[0], Receipt)


def test_a_command_repeated_under_its_id_changes_nothing(
    turnkeep: CommandLine, store: Path
) -> None:
    for _ in range(2):
        assert limited(turnkeep, store, "--request-id", "x").returncode == 0
    reused = turnkeep(
        *("budgets", "limit", *at(store), "tenant:acme", "--ceiling", "processes=1"),
        *("--by", "bo", "--request-id", "x"),
    )
    assert reused.returncode == 1
    assert "request_id_reused" in reused.stderr


def test_a_sweep_tells_what_it_has_noted(turnkeep: CommandLine, store: Path) -> None:
    limited(turnkeep, store)
    reserve(store, ("r1", 50))
    done = turnkeep("budgets", "sweep", *at(store), "--prune")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("expired: 0, expired gates: 0, pruned: 0, pruned gates: 0")
    assert told(turnkeep("budgets", "sweep", *at(store), "--dry-run", "--json")) == {
        "expired": 0,
        "expired_gates": 0,
        "pruned": 0,
        "pruned_gates": 0,
        "left": 0,
        "more": False,
        "dry_run": True,
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("accounts", "{nowhere}"),
        ("accounts", "{empty}"),
        ("accounts", "mongodb://user:secret@host/db"),
        ("accounts", "postgresql://user:secret@127.0.0.1:1/none"),
        ("accounts", "{store}", "house:acme"),
        ("limit", "{store}", "tenant:acme", "--by", "bo"),
        ("limit", "{store}", "tenant:acme", "--ceiling", "gold=1", "--by", "bo"),
        ("limit", "{store}", "tenant:acme", "--ceiling", "usd_nano=-1", "--by", "bo"),
        ("limit", "{store}", "tenant:acme", "--ceiling", "usd_nano=$x", "--by", "bo"),
        ("limit", "{store}", "tenant:acme", "--ceiling", "usd_nano=1,warn=x", "--by", "bo"),
        ("limit", "{store}", "tenant:acme", "--ceiling", "processes=1", "--by", "ghost:bo"),
        ("limit", "{store}", "acme", "--ceiling", "processes=1", "--by", "bo"),
        ("limit", "{store}", "tenant:acme", "--lift", "--ceiling", "processes=1", "--by", "bo"),
        (
            *("limit", "{store}", "tenant:acme", "--ceiling", "processes=1"),
            *("--by", "bo", "--period", "year"),
        ),
        (
            *("limit", "{store}", "tenant:acme", "--ceiling", "processes=1"),
            *("--ceiling", "processes=2", "--by", "bo"),
        ),
        ("approve", "{store}", "tenant:acme", "none", "--by", "bo"),
        ("approve", "{store}", "tenant:acme", "", "--by", "bo"),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_makes_nothing(
    turnkeep: CommandLine, store: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    places = {"nowhere": str(tmp_path / "nowhere"), "empty": str(empty), "store": str(store)}
    name, named, *more = (part.format(**places) for part in arguments)
    done = turnkeep("budgets", name, *at(named), *more)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error: " in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr
    assert not (tmp_path / "nowhere").exists()
    assert list(empty.iterdir()) == []


@pytest.mark.parametrize(
    ("limit", "field"),
    [
        (("--ceiling", "processes=1,pause=9000"), "processes.pause_bp"),
        (("--ceiling", "processes=1", "--period", "day:Mars/Olympus"), "period.tz"),
        (("--ceiling", "processes=1", "--period", "rolling:400d"), "period.length_ms"),
    ],
)
def test_limits_that_cannot_be_kept_are_refused_with_the_field(
    turnkeep: CommandLine, store: Path, limit: tuple[str, ...], field: str
) -> None:
    done = turnkeep("budgets", "limit", *at(store), "tenant:acme", *limit, "--by", "bo")
    assert done.returncode == 1
    assert done.stderr == f"Refused: {field} is out of bounds (budget.limits_invalid).\n"


@pytest.fixture
def database() -> Iterator[str]:
    _, databases = shared()
    yield databases.clone()
    databases.drop()


def test_budgets_of_a_database_are_looked_after_too(database: str) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(budgets, arguments, standalone_mode=True)
        return done.exit_code, done.output

    code, output = run(
        "limit", *at(database), "tenant:acme", "--ceiling", "processes=3", "--by", "bo"
    )
    assert (code, output) == (0, "The limits of tenant:acme are at revision 1.\n")
    code, output = run("accounts", *at(database), "--json")
    assert code == 0
    assert json.loads(output)["accounts"][0]["dimensions"]["processes"]["limit"] == 3


@pytest.mark.parametrize(
    ("text", "nano"),
    [("$12", 12 * 10**9), ("$0.25", 25 * 10**7), ("$0.000000001", 1), ("7", 7), ("$1e3", 10**12)],
)
def test_money_is_read_without_a_loss(text: str, nano: int) -> None:
    assert amount_of(USD, text) == nano


@pytest.mark.parametrize("text", ["$0.0000000001", "$-1", "$NaN", "$Infinity", "1.5", "$", ""])
def test_money_that_is_none_is_not_rounded(text: str) -> None:
    with pytest.raises(Unclear):
        amount_of(USD, text)


@pytest.mark.parametrize("number", [0, 1, 10**9, 123_456_789, 2**63 - 1])
def test_money_is_shown_without_a_loss(number: int) -> None:
    shown = tables.amount(USD, number).replace(",", "")
    assert amount_of(USD, shown) == number


@pytest.mark.parametrize(
    "text", ["lifetime", "rolling:90m", "day:UTC", "week:Europe/Vienna", "month:Asia/Kathmandu"]
)
def test_a_period_is_shown_as_it_is_typed(text: str) -> None:
    assert of_period(period_of(text)) == text


def test_what_is_typed_is_read() -> None:
    assert period_of("day") == Calendar("UTC", CalendarUnit.DAY)
    assert period_of("rolling:30d") == Rolling(30 * 86_400_000)
    assert account_of("mission:acme/ada/-/m1") == AccountRef.mission("acme", "ada", "m1")
    assert ceiling_of("usd_nano=$1,pause=9000,warn=1") == (
        USD,
        Ceiling.of(10**9, warn_bp=1, pause_bp=9_000),
    )
    assert limits_of("lifetime", ("processes=2",)) == Limits.of(
        Lifetime(), {Dimension.PROCESSES: Ceiling.of(2)}
    )


async def _view(ceiling: int, spent: int, reserved: int) -> AccountView:
    async with open_keep("memory:") as keep:
        tenant = AccountRef.tenant("acme")
        await keep.budgets.meter(tenant)
        for id, amount in (("s", spent), ("r", reserved)):
            await keep.budgets.reserve(
                WORK, id=RequestId(id), estimate={USD: amount or 1, SLOTS: 1}, owner="w"
            )
        await keep.budgets.reconcile(
            WORK, RequestId("s"), request_id=RequestId("c"), usage={USD: spent}
        )
        if not reserved:
            await keep.budgets.release(WORK, RequestId("r"), request_id=RequestId("c"))
        await keep.budgets.set_limit(
            tenant,
            Limits.of(Lifetime(), {USD: Ceiling.of(ceiling)}),
            by=Principal.person("bo"),
            request_id=RequestId("l"),
        )
        return await keep.budgets.account(tenant)


@pytest.mark.parametrize(
    ("ceiling", "spent", "reserved", "bar"),
    [
        (20, 0, 0, "." * 20),
        (20, 5, 5, "#" * 5 + "=" * 5 + "." * 10),
        (1_000, 0, 1, "=" + "." * 19),
        (20, 30, 0, "#" * 20),
        (0, 0, 0, "#" * 20),
    ],
)
def test_a_bar_tells_spent_held_and_left(ceiling: int, spent: int, reserved: int, bar: str) -> None:
    view = asyncio.run(_view(ceiling, spent, reserved))
    assert tables.bar(view[USD], marks="#=.") == bar
    assert tables.bar(view[SLOTS], marks="#=.") == ""
