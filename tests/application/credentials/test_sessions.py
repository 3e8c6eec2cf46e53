"""Sessions: uses are counted once each, and nothing is released beyond what the account allows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.application.credentials.accounts import (
    API,
    DETAILS,
    FILES,
    URL,
    Accounts,
    session_id,
)
from tests.application.secrets.vaults import OWNER
from tests.application.worlds import SCOPE, STORES, rid
from turnkeep import (
    ANY,
    AccountExpired,
    AccountRevoked,
    AccountUnknown,
    ExhaustedSession,
    ExpiredSession,
    HandleRefused,
    InvalidValue,
    OperationSpent,
    QuotaFull,
    Refused,
    RequestIdReused,
    RevokedSession,
    Scope,
    SecretExpired,
    SecretSettings,
    SecretUnknown,
    SessionExhausted,
    SessionExpired,
    SessionId,
    SessionRevokeCause,
    SessionRevoked,
    SessionTicket,
    SessionUnknown,
    Settings,
    Target,
    TargetRefused,
)
from turnkeep_adapters.faulty.script import Script

GIVEN = {"api": b"material-of-api"}
CHANGED = SessionRevoked(SessionRevokeCause.ACCOUNT_CHANGED)


def test_concurrent_uses_never_exceed_the_maximum(world: Accounts) -> None:
    """37."""

    async def scenario() -> None:
        await world.furnished()
        await world.opened(uses_max=5)
        hosts = [world.keep, world.rival]
        answers = await asyncio.gather(*(world.use(f"op{n}", on=hosts[n % 2]) for n in range(16)))
        assert answers.count(GIVEN) == 5
        assert answers.count(SessionExhausted()) == 11
        kinds = await world.kinds()
        assert kinds.count("credential_session.used") == 5
        assert kinds.count("credential_session.ended") == 1

    world.run(scenario)


def test_one_operation_id_counts_once_and_gives_material_once(world: Accounts) -> None:
    """33, 38."""

    async def scenario() -> None:
        await world.furnished()
        await world.opened(uses_max=2)
        hosts = [world.keep, world.rival]
        answers = await asyncio.gather(*(world.use("same", on=hosts[n % 2]) for n in range(8)))
        assert answers.count(GIVEN) == 1
        assert sum(isinstance(answer, OperationSpent) for answer in answers) == 7
        before = await world.snapshot()
        for change in ({"method": "POST"}, {"url": URL + "0"}, {"handles": ()}):
            other = await world.use("same", **change)
            assert other == RequestIdReused(rid("same"))
        assert await world.snapshot() == before
        view = await world.keep.credentials.peek(SCOPE, session_id())
        assert view is not None
        assert (view.uses, view.is_open) == (1, True)

    world.run(scenario)


def test_an_operation_id_older_than_the_last_64_counts_again(world: Accounts) -> None:
    async def scenario() -> None:
        await world.furnished()
        await world.opened()
        for n in range(65):
            assert await world.use(f"op{n}") == GIVEN
        assert isinstance(await world.use("op1"), OperationSpent)
        assert await world.use("op0") == GIVEN

    world.run(scenario)


async def held_up(world: Accounts, meanwhile: Any, **wishes: Any) -> object:
    """What a bearer gets that is held up just before its commit, while something happens."""
    async with world.suffering("") as (keep, faulty):
        await keep.secrets.begin()
        faulty.follow(Script.parse("commit#1: hold slow"))
        using = asyncio.create_task(world.use(on=keep, **wishes))
        await faulty.reached("slow")
        await meanwhile()
        faulty.release("slow")
        return await using


@pytest.mark.parametrize("change", ["revoke", "delete", "targets", "expiry"])
def test_no_use_commits_after_its_account_has_changed(world: Accounts, change: str) -> None:
    """39."""

    async def scenario() -> None:
        await world.furnished(seconds=60 if change == "expiry" else None)
        await world.opened(1)
        await world.opened(2)

        async def meanwhile() -> None:
            credentials = world.keep.credentials
            match change:
                case "revoke":
                    await credentials.revoke(OWNER, "acct", request_id=rid("r"))
                case "delete":
                    await credentials.delete(OWNER, "acct", expected=ANY, request_id=rid("d"))
                case "targets":
                    await world.put_account(targets=(API,), request="again")
                case _:
                    await world.clock.advance(60 - world.clock.monotonic())

        if change == "expiry":
            await world.clock.advance(59)
        expected = SessionExpired() if change == "expiry" else CHANGED
        assert await held_up(world, meanwhile) == expected
        assert await world.use(number=2) == expected
        before = await world.snapshot()
        assert await world.use("op-2", number=2) == expected
        assert await world.snapshot() == before
        assert "credential_session.used" not in await world.kinds()

    world.run(scenario)


def test_a_put_that_changes_no_terms_leaves_sessions_open(world: Accounts) -> None:
    async def scenario() -> None:
        await world.furnished()
        await world.opened()
        await world.put_account(provider="other", request="again")
        assert await world.use() == GIVEN

    world.run(scenario)


def test_sessions_follow_a_rotation_and_the_receipt_names_the_generation(world: Accounts) -> None:
    async def scenario() -> None:
        await world.furnished()
        await world.opened()

        async def rotate() -> None:
            await world.put(b"rotated", handle="api", id="s3")

        assert await held_up(world, rotate) == {"api": b"rotated"}
        spent = await world.use()
        assert isinstance(spent, OperationSpent)
        (released,) = spent.receipt.released
        assert (released.handle, released.generation) == ("api", 2)

    world.run(scenario)


@pytest.mark.parametrize("fault", ["lose-after", "lose-before", "land-late 1", "land-late 2"])
def test_a_lost_acknowledgement_delivers_exactly_once(world: Accounts, fault: str) -> None:
    """31, 38."""

    async def scenario() -> None:
        await world.furnished()
        await world.opened(uses_max=1)
        async with world.suffering("") as (keep, faulty):
            await keep.secrets.begin()
            faulty.follow(Script.parse(f"commit#1: {fault}"))
            assert await world.use(on=keep) == GIVEN
            assert isinstance(await world.use(on=keep), OperationSpent)
        assert (await world.kinds()).count("credential_session.used") == 1

    world.run(scenario)


def test_a_use_whose_answer_was_lost_is_delivered_as_it_was_counted(world: Accounts) -> None:
    """31: of the generation that its receipt names, whatever was put since."""

    async def scenario() -> None:
        await world.furnished()
        await world.opened()
        async with world.suffering("") as (keep, faulty):
            await keep.secrets.begin()
            faulty.follow(Script.parse("commit#1: lose-after\nload#3: hold slow"))
            using = asyncio.create_task(world.use("mine", on=keep))
            await faulty.reached("slow")
            await world.put(b"rotated", handle="api", id="s3")
            assert await world.use("theirs") == {"api": b"rotated"}
            faulty.release("slow")
            assert await using == GIVEN
        assert (await world.kinds()).count("credential_session.used") == 2

    world.run(scenario)


def test_a_refused_target_or_handle_counts_nothing(world: Accounts) -> None:
    """40."""

    async def scenario() -> None:
        await world.furnished(handles=("api", "gone", "over"), targets=(API, FILES))
        await world.put(b"x", handle="over", id="s9", expires_at=world.in_seconds(5))
        await world.opened(uses_max=1, targets=(API,), handles=("api", "gone", "over"))
        await world.clock.advance(5)
        before = await world.snapshot()
        refusals: list[tuple[dict[str, Any], object]] = [
            ({"url": "https://files.example.com/x"}, TargetRefused()),
            ({"url": "https://api.example.com/v2"}, TargetRefused()),
            ({"method": "DELETE"}, TargetRefused()),
            ({"url": "https://api.example.com/v2", "handles": ("refresh",)}, TargetRefused()),
            ({"handles": ("refresh",)}, HandleRefused()),
            ({"handles": ("api", "refresh")}, HandleRefused()),
            ({"handles": ("api", "gone")}, SecretUnknown()),
            ({"handles": ("api", "over")}, SecretExpired()),
        ]
        for wishes, reason in refusals:
            assert await world.use(**wishes) == reason
        assert await world.snapshot() == before
        assert await world.use() == GIVEN
        assert await world.use("op-2", url="nonsense") == SessionExhausted()

    world.run(scenario)


def test_reopening_never_resets_uses(world: Accounts) -> None:
    """41."""

    async def scenario() -> None:
        await world.furnished()
        ticket = await world.opened(uses_max=1)
        assert await world.use() == GIVEN
        await world.clock.advance(1)
        before = await world.snapshot()
        for host in (world.keep, world.rival):
            assert await world.open(uses_max=1, on=host) == ticket
        assert await world.use("op-2") == SessionExhausted()
        reused = Refused(RequestIdReused(rid(ticket.id)))
        assert await world.open(uses_max=2) == reused
        assert await world.open(uses_max=1, ttl_seconds=5) == reused
        assert await world.open(uses_max=1, targets=(API,)) == reused
        assert await world.snapshot() == before
        # A swept one is spent for ever, too.
        await world.clock.advance(25 * 3_600)
        assert (await world.keep.secrets.sweep()).tombstones == 1
        assert await world.open(uses_max=1) == ticket
        assert await world.open(uses_max=2) == reused
        assert await world.use("op-3") == SessionUnknown()

    world.run(scenario)


def test_what_cannot_be_opened_leaves_nothing(world: Accounts) -> None:
    async def scenario() -> None:
        await world.furnished(seconds=60)
        await world.put_account(id="dead", request="2")
        await world.keep.credentials.revoke(OWNER, "dead", request_id=rid("r"))
        before = await world.snapshot()
        other = Target.of("api.example.com", "/v1", methods=("GET",))
        wanted: list[tuple[dict[str, Any], object]] = [
            ({"account": "none"}, AccountUnknown()),
            ({"scope": Scope.of("acme", "bo", agent="scout", project="site")}, AccountUnknown()),
            ({"owner": Scope.of("acme", "ada")}, AccountUnknown()),
            ({"account": "dead"}, AccountRevoked()),
            ({"handles": ("api", "other")}, HandleRefused()),
            ({"targets": (other,)}, TargetRefused()),
        ]
        for wishes, reason in wanted:
            assert await world.open(**wishes) == Refused(reason)
        await world.clock.advance(60)
        assert await world.open() == Refused(AccountExpired())
        assert await world.snapshot() == before

    world.run(scenario)


def test_a_session_lasts_no_longer_than_its_account(world: Accounts) -> None:
    """8, 20."""

    async def scenario() -> None:
        await world.furnished(seconds=60)
        ticket = await world.opened(ttl_seconds=900)
        assert ticket.deadline == world.in_seconds(60)
        await world.clock.advance(60)
        assert await world.use() == SessionExpired()
        before = await world.snapshot()
        assert await world.use() == SessionExpired()
        assert await world.keep.credentials.close(SCOPE, session_id()) == ExpiredSession(
            world.now()
        )
        assert await world.snapshot() == before

    world.run(scenario)


def test_closing_mirrors_revoking(world: Accounts) -> None:
    """22."""

    async def scenario() -> None:
        await world.furnished()
        credentials = world.keep.credentials
        assert await credentials.close(SCOPE, session_id(9)) == Refused(SessionUnknown())
        await world.opened(1)
        closed = RevokedSession(at=world.now(), cause=SessionRevokeCause.CLOSED)
        for host in (world.keep, world.rival):
            assert await host.credentials.close(SCOPE, session_id(1)) == closed
        assert await world.use(number=1) == SessionRevoked(SessionRevokeCause.CLOSED)
        await world.opened(2, uses_max=1)
        assert await world.use(number=2) == GIVEN
        assert await credentials.close(SCOPE, session_id(2)) == ExhaustedSession(world.now())
        await world.opened(3, ttl_seconds=5)
        await world.clock.advance(5)
        for _ in range(2):
            ended = await credentials.close(SCOPE, session_id(3))
            assert ended == ExpiredSession(world.now())
        assert (await world.kinds()).count("credential_session.ended") == 3

    world.run(scenario)


def test_another_scope_or_another_bearer_is_unknown(world: Accounts) -> None:
    """28."""

    async def scenario() -> None:
        await world.furnished()
        await world.opened()
        other = Scope.of("acme", "ada", agent="scout", project="site", mission="m1", thread="t2")
        assert await world.use(scope=other) == SessionUnknown()
        assert await world.use(number=2) == SessionUnknown()
        assert await world.keep.credentials.peek(other, session_id()) is None

    world.run(scenario)


def test_the_quota_of_sessions_is_exact_and_cannot_leak(world: Accounts) -> None:
    """35, 36."""

    async def scenario() -> None:
        await world.furnished()
        small = Settings(secrets=SecretSettings(sessions_max=3))
        hosts = [world.host(world.store, small), world.host(world.beside, small)]
        answers = await asyncio.gather(
            *(world.open(n + 1, on=hosts[n % 2], ttl_seconds=60) for n in range(8))
        )
        tickets = [n + 1 for n, one in enumerate(answers) if isinstance(one, SessionTicket)]
        assert len(tickets) == 3
        assert answers.count(Refused(QuotaFull(3))) == 5
        await hosts[0].credentials.close(SCOPE, session_id(tickets[0]))
        assert isinstance(await world.open(20, on=hosts[1]), SessionTicket)
        assert await world.open(21, on=hosts[1]) == Refused(QuotaFull(3))
        await world.clock.advance(60)
        assert isinstance(await world.open(22, on=hosts[1]), SessionTicket)

    world.run(scenario)


def test_several_secrets_are_released_for_one_use(world: Accounts) -> None:
    async def scenario() -> None:
        await world.furnished()
        await world.opened()
        both = await world.use(handles=("refresh", "api"))
        assert both == {"api": b"material-of-api", "refresh": b"material-of-refresh"}
        assert await world.use("op-2", handles=()) == {}

    world.run(scenario)


def test_a_minted_bearer_is_fresh_each_time() -> None:
    credentials = Accounts(STORES["memory"]).keep.credentials
    one, two = credentials.new_session_id(), credentials.new_session_id()
    assert one.reveal() != two.reveal()
    assert SessionId(one.reveal()).digest() == one.digest()


async def test_a_wrong_value_is_refused_before_anything_is_read() -> None:
    credentials = Accounts(STORES["memory"]).keep.credentials  # its store was never opened
    for bearer in ("", "tks_", "tks_" + "a" * 42, "tks_" + "a" * 44, "a" * 47, None, b"x"):
        with pytest.raises(InvalidValue):
            SessionId(bearer)  # type: ignore[arg-type]  # on purpose
    opening: dict[str, Any] = {"owner": OWNER, "account": "a"}
    for change in (
        {"owner": SCOPE},
        {"account": "a.b"},
        {"handles": ()},
        {"handles": ("A",)},
        {"targets": ()},
        {"ttl_seconds": 0.5},
        {"ttl_seconds": 86_401},
        {"uses_max": 0},
        {"uses_max": 10_001},
    ):
        with pytest.raises(InvalidValue):
            await credentials.open(SCOPE, session_id(), **{**opening, **change})
    with pytest.raises(InvalidValue):
        await credentials.open(SCOPE, "tks_", **opening)  # type: ignore[arg-type]  # on purpose
    using: dict[str, Any] = {
        "operation_id": rid("o"),
        "method": "GET",
        "url": URL,
        "handles": ("api",),
    }
    misuses: list[dict[str, Any]] = [
        {"operation_id": ""},
        {"method": "get"},
        {"method": None},
        {"url": None},
        {"handles": "api"},
        {"handles": ("api", "api")},
        {"handles": tuple(f"h{n}" for n in range(9))},
    ]
    for misuse in misuses:
        with pytest.raises(InvalidValue):
            await credentials.use(SCOPE, session_id(), **{**using, **misuse})
    assert DETAILS.label not in repr(DETAILS)
