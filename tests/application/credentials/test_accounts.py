"""Accounts: put and deleted by generation, revoked for good, their details kept encrypted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.application.credentials.accounts import API, DETAILS, FILES, Accounts
from tests.application.secrets.vaults import OWNER
from tests.application.worlds import STORES, rid
from turnkeep import (
    ABSENT,
    ANY,
    AccountDetails,
    AccountExpired,
    AccountOutcome,
    AccountRevoked,
    AccountState,
    AccountUnknown,
    GenerationMismatch,
    InvalidValue,
    PathMatch,
    Refused,
    RequestIdReused,
    Scope,
    Target,
)

ACTIVE, REVOKED, DELETED = AccountState.ACTIVE, AccountState.REVOKED, AccountState.DELETED


def outcome(state: AccountState, generation: int, epoch: int) -> AccountOutcome:
    return AccountOutcome(state=state, generation=generation, epoch=epoch)


def test_the_epoch_rises_when_what_it_may_be_used_for_changes(world: Accounts) -> None:
    async def scenario() -> None:
        put = world.put_account
        assert await put(request="1") == outcome(ACTIVE, 1, 1)
        assert await put(request="2", expected=1, provider="other") == outcome(ACTIVE, 2, 1)
        other = AccountDetails(label="other")
        assert await put(request="3", expected=2, details=other) == outcome(ACTIVE, 3, 1)
        assert await put(request="4", expected=3, handles=("api",)) == outcome(ACTIVE, 4, 2)
        assert await put(request="5", handles=("api",), targets=(API,)) == outcome(ACTIVE, 5, 3)
        timed = await put(request="6", handles=("api",), targets=(API,), seconds=60)
        assert timed == outcome(ACTIVE, 6, 4)
        gone = await world.keep.credentials.delete(OWNER, "acct", expected=6, request_id=rid("7"))
        assert gone == outcome(DELETED, 7, 5)
        assert await put(request="8", expected=ABSENT) == outcome(ACTIVE, 8, 6)

    world.run(scenario)


def test_of_two_puts_that_expect_one_generation_one_wins(world: Accounts) -> None:
    async def scenario() -> None:
        answers = await asyncio.gather(
            *(
                world.put_account(
                    on=(world.keep, world.rival)[n % 2], expected=ABSENT, request=f"r{n}"
                )
                for n in range(8)
            )
        )
        assert answers.count(outcome(ACTIVE, 1, 1)) == 1
        assert answers.count(Refused(GenerationMismatch(1))) == 7

    world.run(scenario)


def test_a_replay_stores_nothing_and_with_other_arguments_is_refused(world: Accounts) -> None:
    async def scenario() -> None:
        first = await world.put_account(request="1")
        await world.put_account(request="2", handles=("api",))
        before = await world.snapshot()
        assert await world.put_account(request="1", on=world.rival) == first
        for change in (
            {"details": AccountDetails(label=DETAILS.label)},
            {"provider": "x"},
            {"handles": ("api",)},
            {"targets": (API,)},
            {"seconds": 9},
            {"expected": 1},
        ):
            again = await world.put_account(request="1", **change)
            assert again == Refused(RequestIdReused(rid("1")))
        assert await world.snapshot() == before

    world.run(scenario)


def test_revoked_is_terminal_until_it_is_deleted(world: Accounts) -> None:
    async def scenario() -> None:
        credentials = world.keep.credentials
        unknown = await credentials.revoke(OWNER, "acct", request_id=rid("r0"))
        assert unknown == Refused(AccountUnknown())
        await world.put_account(request="1")
        revoked = await credentials.revoke(OWNER, "acct", request_id=rid("r1"))
        assert revoked == outcome(REVOKED, 1, 2)
        before = await world.snapshot()
        for id in ("r1", "r2"):
            again = await world.rival.credentials.revoke(OWNER, "acct", request_id=rid(id))
            assert again == revoked
        assert await world.put_account(request="2") == Refused(AccountRevoked())
        assert await world.snapshot() == before
        view = await credentials.get(OWNER, "acct")
        assert view is not None
        assert (view.state, view.details) == (REVOKED, DETAILS)
        await credentials.delete(OWNER, "acct", expected=1, request_id=rid("d"))
        assert await world.put_account(request="3") == outcome(ACTIVE, 3, 4)

    world.run(scenario)


def test_expiry_is_judged_and_never_stored(world: Accounts) -> None:
    """8."""

    async def scenario() -> None:
        assert await world.put_account(seconds=0) == Refused(AccountExpired())
        await world.put_account(seconds=60)
        await world.clock.advance(59.999_999)
        view = await world.keep.credentials.get(OWNER, "acct")
        assert view is not None
        assert view.state is ACTIVE
        await world.clock.advance(0.000_001)
        before = await world.snapshot()
        view = await world.rival.credentials.get(OWNER, "acct")
        assert view is not None
        assert view.state is AccountState.EXPIRED
        assert await world.snapshot() == before

    world.run(scenario)


def test_details_are_opened_by_get_alone(world: Accounts) -> None:
    async def scenario() -> None:
        credentials = world.keep.credentials
        for id in ("a", "b", "c"):
            await world.put_account(id=id)
        await credentials.delete(OWNER, "b", expected=1, request_id=rid("d"))
        page = await world.rival.credentials.list(OWNER)
        assert [(view.id, view.state) for view in page.accounts] == [
            ("a", ACTIVE),
            ("b", DELETED),
            ("c", ACTIVE),
        ]
        assert all(view.details is None for view in page.accounts)
        view = await credentials.get(OWNER, "a")
        assert view is not None
        assert view.details == DETAILS
        assert view.details.metadata == DETAILS.metadata
        assert DETAILS.label not in repr(view)
        deleted = await credentials.get(OWNER, "b")
        assert deleted is not None
        assert (deleted.details, deleted.terms, deleted.provider) == (None, None, None)
        assert await credentials.get(OWNER, "none") is None
        assert await credentials.get(Scope.of("acme", "bo"), "a") is None

    world.run(scenario)


async def test_a_wrong_value_is_refused_before_anything_is_read() -> None:
    credentials = Accounts(STORES["memory"]).keep.credentials  # its store was never opened
    good: dict[str, Any] = {
        "owner": OWNER,
        "id": "a",
        "provider": "p",
        "handles": ("api",),
        "targets": (API,),
        "details": DETAILS,
        "expected": ANY,
        "request_id": rid("r"),
        "expires_at": None,
    }
    bad: list[dict[str, Any]] = [
        *({"owner": owner} for owner in (None, Scope.of("acme", "ada", thread="t"))),
        *({"id": id} for id in ("", "a.b", "a b", "a" * 129, None, "ä")),
        {"provider": ""},
        *({"handles": some} for some in ((), "api", ("A",), tuple(f"h{n}" for n in range(9)), 5)),
        *({"targets": some} for some in ((), (None,), 5)),
        {"targets": tuple(Target.of(f"h{n}.example", methods=("GET",)) for n in range(33))},
        {"details": {"label": "x"}},
        {"expected": 0},
        {"request_id": ""},
        {"expires_at": "now"},
    ]
    for change in bad:
        arguments = {**good, **change}
        owner, id = arguments.pop("owner"), arguments.pop("id")
        with pytest.raises(InvalidValue):
            await credentials.put(owner, id, **arguments)


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": 5},
        {"label": "x" * 8_200},
        {"label": "\ud800"},
        {"label": "x", "metadata": {"a": 5}},
        {"label": "x", "metadata": [("a", "b")]},
        {"label": "x", "metadata": {5: "a"}},
    ],
    ids=str,
)
def test_details_are_texts_of_8_kibibytes_at_most(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        AccountDetails(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"scheme": scheme} for scheme in ("ftp", "HTTPS", "", None)),
        *({"host": host} for host in ("Api.example", "a b", "", "a/b", "u@h", "h:80", ".h", "h.")),
        *({"port": port} for port in (0, 65_536, True, "443")),
        *(
            {"path": path}
            for path in ("", "v1", "/a/../b", "/%2e", "/a?b", "/a#b", "/a b", "/a\\b")
        ),
        *({"path": path} for path in ("/%2f", "/%zz", "/a%", "/ä", "/..;x", "/" + "a" * 2_048)),
        *({"methods": methods} for methods in ((), ("get",), ("GET ",), ("A" * 17,))),
    ],
    ids=str,
)
def test_no_target_can_be_made_that_no_url_matches(wrong: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "scheme": "https",
        "host": "h.example",
        "port": None,
        "path": "/",
        "match": PathMatch.PREFIX,
        "methods": frozenset({"GET"}),
    }
    Target(**good)
    change = {
        name: frozenset(value) if name == "methods" else value for name, value in wrong.items()
    }
    with pytest.raises(InvalidValue):
        Target(**{**good, **change})


def test_targets_with_the_same_words_are_equal() -> None:
    assert Target.of("files.example.com", methods=["GET"]) == FILES
