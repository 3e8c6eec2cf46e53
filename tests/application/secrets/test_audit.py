"""Audit: what a seal cannot tell, the events do: that a whole older record was put back."""

from __future__ import annotations

import pytest

from tests.application.credentials.accounts import Accounts, session_id
from tests.application.secrets.vaults import NEW, OLD, OTHER, OWNER, STRANGE, keyed
from tests.application.worlds import SCOPE, STORES, rid
from turnkeep import ANY, KeyUse, Unreadable
from turnkeep_ports.store import Cell, Committed, Delete


@pytest.fixture(params=STORES)
def world(request: pytest.FixtureRequest) -> Accounts:
    return Accounts(STORES[request.param])


async def put_back(world: Accounts, older: Cell) -> None:
    """An attacker with the store, and no key, restores a whole cell of before."""
    current = await world.cell(older.address.collection, older.address.id)
    await world.write(older.address, older.entry.body, current)


def test_what_is_as_its_events_tell_is_sound(world: Accounts) -> None:
    async def scenario() -> None:
        await world.furnished()
        await world.consume(await world.lent())
        await world.opened(uses_max=1)
        await world.use()
        await world.keep.credentials.delete(OWNER, "acct", expected=ANY, request_id=rid("d"))
        before = await world.snapshot()
        audit = await world.rival.secrets.audit()
        assert audit.sound
        assert audit.records == 5
        assert audit.keys == (
            KeyUse(key_id=OLD.id, records=5, primary=True, held=True, listed=True, retired=False),
        )
        assert await world.snapshot() == before
        await world.clock.advance(40 * 86_400)
        await world.keep.secrets.sweep()
        assert (await world.keep.secrets.audit()).sound

    world.run(scenario)


@pytest.mark.parametrize("kind", ["secret", "secret_lease", "account", "session"])
def test_a_whole_older_record_is_found_by_its_events(world: Accounts, kind: str) -> None:
    async def scenario() -> None:
        await world.furnished()
        ref = await world.lent(uses_max=2)
        await world.opened()
        collection, id = {
            "secret": ("secret", "api"),
            "secret_lease": ("secret_lease", ref.id),
            "account": ("credential_account", "acct"),
            "session": ("credential_session", session_id().digest()),
        }[kind]
        older = await world.cell(collection, id)
        match kind:
            case "secret":
                await world.put(OTHER, handle="api", id="again")
            case "secret_lease":
                await world.consume(ref)
            case "account":
                await world.keep.credentials.revoke(OWNER, "acct", request_id=rid("r"))
            case _:
                await world.keep.credentials.close(SCOPE, session_id())
        assert (await world.keep.secrets.audit()).sound
        await put_back(world, older)
        audit = await world.keep.secrets.audit()
        assert (audit.behind, audit.unreadable, audit.missing) == ((older.address,), (), ())
        assert not audit.sound

    world.run(scenario)


def test_a_record_that_was_taken_away_is_missing(world: Accounts) -> None:
    async def scenario() -> None:
        await world.kept()
        cell = await world.cell("secret")
        answer = await world.store.commit(
            world.ids.commit_id(),
            [Delete(cell.address, cell.revision)],
            (),
            valid_until=None,
            deadline=world.deadline(),
        )
        assert isinstance(answer, Committed)
        audit = await world.keep.secrets.audit()
        assert (audit.missing, audit.behind) == ((cell.address,), ())

    world.run(scenario)


def test_what_cannot_be_read_is_told_and_hides_nothing(world: Accounts) -> None:
    async def scenario() -> None:
        await world.furnished()
        both = world.host(world.store, override=keyed(NEW, OLD))
        await world.put(OTHER, on=both, handle="strange", id="p9")
        cell = await world.cell("secret", "api")
        harmed = cell.entry.body.replace(b'"generation":1', b'"generation":2')
        await world.write(cell.address, harmed, cell)
        audit = await world.keep.secrets.audit()
        strange = await world.cell("secret", "strange")
        assert set(audit.unreadable) == {
            Unreadable(cell.address, "tampered"),
            Unreadable(strange.address, "key_mismatch"),
        }
        told = {one.key_id: (one.held, one.listed) for one in audit.keys}
        assert told == {OLD.id: (True, True), NEW.id: (False, True)}
        assert STRANGE.id not in told

    world.run(scenario)
