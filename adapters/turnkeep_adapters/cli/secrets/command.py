"""The commands on secrets: `turnkeep secrets put`, `list`, `lease`, `revoke`, `rotate`, `doctor`.

Material comes from a prompt, standard input or a file, never from an argument; it is printed only
by `lease --reveal`.
"""

from __future__ import annotations

import base64
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from attrs import evolve

from turnkeep import (
    ABSENT,
    ANY,
    Audit,
    Expected,
    Keep,
    KeyId,
    KeyRetired,
    LeaseRef,
    Opened,
    Refused,
    Rekeyed,
    RequestId,
    Scope,
    SecretLeaseView,
    SecretMetadata,
    SecretOutcome,
    Unreadable,
)
from turnkeep_adapters.cli.asking import Unclear
from turnkeep_adapters.cli.ending import Ending
from turnkeep_adapters.cli.options import repeatable
from turnkeep_adapters.cli.refusing import code_of, refusal
from turnkeep_adapters.cli.secrets.material_source import material_from
from turnkeep_adapters.cli.secrets.surroundings import (
    Surroundings,
    keyed,
    keys_of,
    owned,
)
from turnkeep_adapters.cli.secrets.telling import (
    audit_facts,
    audit_lines,
    lease_facts,
    ref_facts,
    secret_facts,
    told,
    unreadable_facts,
)


@click.group()
def secrets() -> None:
    """Keep secrets, lend them, and look after their keys.

    Every command needs the store's master key, from the variable TURNKEEP_MASTER_KEY
    or from the source that --key names.
    """


@secrets.command()
@owned
@click.argument("handle", metavar="HANDLE")
@click.option("--stdin", "from_stdin", is_flag=True, help="Take the material from standard input.")
@click.option(
    "--file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Take the material from a file.",
)
@click.option("--exact", is_flag=True, help="Keep a line feed at the material's end.")
@click.option("--create", is_flag=True, help="Make a files store that is not there yet.")
@click.option(
    "--expect",
    default="absent",
    show_default=True,
    metavar="WHAT",
    help="What must be there: absent, any, or a generation.",
)
@click.option(
    "--expires-in", type=click.FloatRange(min=1), metavar="SECONDS", help="When it will be over."
)
@repeatable
def put(
    around: Surroundings,
    *,
    handle: str,
    from_stdin: bool,
    file: Path | None,
    exact: bool,
    create: bool,
    expect: str,
    expires_in: float | None,
    request_id: RequestId,
    as_json: bool,
) -> int:
    """Keep material under a handle.

    The material is asked for, unless --stdin or --file hands it over; a line feed at
    its end is dropped, unless --exact keeps it. It is never an argument, which every
    process of the machine could see.
    """
    expected = _expected(expect)
    until = None if expires_in is None else datetime.now(UTC) + timedelta(seconds=expires_in)
    with material_from(from_stdin=from_stdin, file=file, exact=exact) as material:

        async def use(keep: Keep) -> SecretOutcome | Refused[object]:
            return await keep.secrets.put(
                around.owner,
                handle,
                material=material,
                expected=expected,
                request_id=request_id,
                expires_at=until,
            )

        answer = evolve(around, create=create).run(use)
    if isinstance(answer, Refused):
        return refusal(answer, as_json=as_json)
    facts = {"handle": handle, "generation": answer.generation}
    told(facts, f"Kept {handle}, generation {answer.generation}.", as_json=as_json)
    return Ending.FINE


@secrets.command(name="list")
@owned
@click.option("--leases", "of_leases", is_flag=True, help="List the borrower's leases instead.")
def list_all(around: Surroundings, *, of_leases: bool, as_json: bool) -> int:
    """List the secrets of an owner, or the leases of a borrower; nothing is opened.

    The command ends with 1 if something could not be read.
    """
    if of_leases:
        views, lost = around.run(lambda keep: _leases(keep, around.scope))
        facts = {
            "leases": [lease_facts(one) for one in views],
            "unreadable": unreadable_facts(lost),
        }
        lines = [
            f"{one.ref.id}  {one.ref.handle}  {one.state}  {one.uses} of {one.uses_max} uses"
            for one in views
        ]
    else:
        kept, lost = around.run(lambda keep: _secrets(keep, around.owner))
        facts = {
            "secrets": [secret_facts(one) for one in kept],
            "unreadable": unreadable_facts(lost),
        }
        lines = [f"{one.handle}  generation {one.generation}  {one.state.value}" for one in kept]
    lines += [f"{one.address.id}  {one.code}" for one in lost]
    told(facts, "\n".join(lines) or "There is nothing.", as_json=as_json)
    return Ending.FAILED if lost else Ending.FINE


@secrets.command()
@owned
@click.argument("handle", metavar="HANDLE")
@click.option("--ttl", type=float, metavar="SECONDS", help="How long, 1 to 3,600.")
@click.option("--uses", type=int, default=1, show_default=True, help="How often, 1 to 64.")
@repeatable
@click.option("--reveal", is_flag=True, help="Spend one use, and PRINT THE MATERIAL.")
def lease(
    around: Surroundings,
    *,
    handle: str,
    ttl: float | None,
    uses: int,
    request_id: RequestId,
    reveal: bool,
    as_json: bool,
) -> int:
    """Lend a secret to the owner itself, or to narrower work that --for-... names.

    The material is not printed, unless --reveal asks for it: then one use is spent.
    """

    async def use(keep: Keep) -> tuple[LeaseRef | Refused[object], object]:
        ref = await keep.secrets.issue(
            around.scope,
            owner=around.owner,
            handle=handle,
            request_id=request_id,
            ttl_seconds=ttl,
            uses_max=uses,
        )
        if not reveal or isinstance(ref, Refused):
            return ref, None
        return ref, await keep.secrets.consume(ref, request_id=_new_request())

    ref, received = around.run(use)
    if isinstance(ref, Refused):
        return refusal(ref, as_json=as_json)
    if isinstance(received, Refused):
        return refusal(received, as_json=as_json)
    if isinstance(received, Opened):
        return _revealed(ref, received, as_json=as_json)
    told(ref_facts(ref), f"Lent {handle} as {ref.id}.", as_json=as_json)
    return Ending.FINE


@secrets.command()
@owned
@click.argument("lease_id", metavar="LEASE_ID")
def revoke(around: Surroundings, *, lease_id: str, as_json: bool) -> int:
    """End a lease before its time. Whatever has ended before, stays as it ended."""

    async def use(keep: Keep) -> object:
        views, _ = await _leases(keep, around.scope)
        ref = next((one.ref for one in views if one.ref.id == lease_id), None)
        if ref is None:
            raise Unclear("the borrower has no such lease")
        return await keep.secrets.revoke(ref, request_id=_new_request())

    answer = around.run(use)
    if isinstance(answer, Refused):
        return refusal(answer, as_json=as_json)
    ended = type(answer).__name__.removesuffix("Lease").lower()
    told({"id": lease_id, "state": ended}, f"{lease_id} is {ended}.", as_json=as_json)
    return Ending.FINE


@secrets.command()
@keyed
@click.option(
    "--retire",
    "retired",
    metavar="KEY_ID",
    help="Forbid this key afterwards; it may leave the rings once nothing needs it.",
)
def rotate(
    *,
    url: str,
    primary: tuple[str, ...],
    older: tuple[str, ...],
    retired: str | None,
    as_json: bool,
) -> int:
    """Write every sealed record anew under the primary key.

    Give all hosts the new key by --older-key first; then name it by --key and the old
    one by --older-key, here and on every host. The command may be repeated.
    """
    around = _without_owner(url, primary, older)
    key_id = None if retired is None else _key_id(retired)

    async def use(keep: Keep) -> tuple[Rekeyed, object]:
        done = await keep.secrets.rekey()
        return done, None if key_id is None else await keep.secrets.retire(key_id)

    done, ending = around.run(use)
    facts = {
        "rekeyed": done.records,
        "unreadable": unreadable_facts(done.unreadable),
        "retired": isinstance(ending, KeyRetired),
        "refused": _why(ending),
    }
    lines = [f"Wrote {done.records:,} records anew under the primary key."]
    lines += [f"{one.code}: {one.address.collection} {one.address.id}" for one in done.unreadable]
    if isinstance(ending, KeyRetired):
        lines.append(f"Key {retired} is retired, and nothing needs it any more.")
    elif ending is not None:
        lines.append(f"Key {retired} is still needed: {_why(ending)}.")
    told(facts, "\n".join(lines), as_json=as_json)
    return Ending.FAILED if done.unreadable or _why(ending) else Ending.FINE


@secrets.command()
@keyed
def doctor(*, url: str, primary: tuple[str, ...], older: tuple[str, ...], as_json: bool) -> int:
    """Verify every sealed record, compare it with its events, and say which keys are needed.

    Nothing is changed. The command ends with 1 if something is wrong.
    """

    async def use(keep: Keep) -> Audit:
        return await keep.secrets.audit()

    audit = _without_owner(url, primary, older).run(use)
    told(audit_facts(audit), audit_lines(audit), as_json=as_json)
    return Ending.FINE if audit.sound else Ending.FAILED


def _without_owner(url: str, primary: tuple[str, ...], older: tuple[str, ...]) -> Surroundings:
    nobody = Scope.of(None, None)
    return Surroundings(url=url, keys=keys_of(primary, older), owner=nobody, scope=nobody)


def _expected(spelt: str) -> Expected:
    match spelt:
        case "absent":
            return ABSENT
        case "any":
            return ANY
        case _ if spelt.isascii() and spelt.isdigit():
            return int(spelt)
        case _:
            raise click.UsageError("--expect takes absent, any, or a generation.")


def _key_id(digits: str) -> KeyId:
    try:
        return KeyId(bytes.fromhex(digits))
    except ValueError:
        raise click.UsageError("--retire takes the id of a key, as doctor tells it.") from None


def _new_request() -> RequestId:
    return RequestId(uuid.uuid4().hex)


def _why(answer: object) -> str | None:
    """The code of a refusal; None where it is none."""
    return code_of(answer.reason) if isinstance(answer, Refused) else None


def _revealed(ref: LeaseRef, received: Opened, *, as_json: bool) -> int:
    with received.material as material:
        if as_json:
            held = base64.b64encode(material.view()).decode()
            told({**ref_facts(ref), "material_base64": held}, "", as_json=True)
        else:
            sys.stdout.buffer.write(material.view())
            sys.stdout.buffer.write(b"\n" if sys.stdout.isatty() else b"")
            sys.stdout.buffer.flush()
    return Ending.FINE


async def _secrets(keep: Keep, owner: Scope) -> tuple[list[SecretMetadata], list[Unreadable]]:
    found: list[SecretMetadata] = []
    lost: list[Unreadable] = []
    after = None
    while True:
        page = await keep.secrets.list(owner, after=after, limit=200)
        found += page.secrets
        lost += page.unreadable
        if page.next is None:
            return found, lost
        after = page.next


async def _leases(keep: Keep, scope: Scope) -> tuple[list[SecretLeaseView], list[Unreadable]]:
    found: list[SecretLeaseView] = []
    lost: list[Unreadable] = []
    after = None
    while True:
        page = await keep.secrets.leases(scope, after=after, limit=200)
        found += page.leases
        lost += page.unreadable
        if page.next is None:
            return found, lost
        after = page.next
