"""Telling: what a command on secrets has found, as lines for people or as JSON; never material."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import click

from turnkeep import Audit, LeaseRef, Scope, SecretLeaseView, SecretMetadata, Unreadable


def told(facts: Mapping[str, object], sentence: str, *, as_json: bool) -> None:
    """Says one thing."""
    click.echo(json.dumps(facts, indent=2) if as_json else sentence)


def moment(at: datetime | None) -> str | None:
    """An instant as text."""
    return None if at is None else at.isoformat(timespec="seconds")


def scope_facts(scope: Scope) -> Mapping[str, str | None]:
    """The components of a scope, by name."""
    names = ("tenant", "user", "agent", "project", "mission", "thread")
    return dict(zip(names, scope.components(), strict=True))


def ref_facts(ref: LeaseRef) -> Mapping[str, object]:
    """What a borrower names its lease by."""
    return {
        "id": ref.id,
        "handle": ref.handle,
        "owner": scope_facts(ref.owner),
        "scope": scope_facts(ref.scope),
    }


def secret_facts(one: SecretMetadata) -> Mapping[str, object]:
    """What may be told of a secret."""
    return {
        "handle": one.handle,
        "generation": one.generation,
        "state": one.state.value,
        "created_at": moment(one.created_at),
        "updated_at": moment(one.updated_at),
        "expires_at": moment(one.expires_at),
    }


def lease_facts(one: SecretLeaseView) -> Mapping[str, object]:
    """What may be told of a lease."""
    return {
        **ref_facts(one.ref),
        "generation": one.generation,
        "state": one.state,
        "uses": one.uses,
        "uses_max": one.uses_max,
        "deadline": moment(one.deadline),
    }


def unreadable_facts(unreadable: Sequence[Unreadable]) -> Sequence[Mapping[str, object]]:
    """What could not be read."""
    return [
        {"collection": one.address.collection, "id": one.address.id, "code": one.code}
        for one in unreadable
    ]


def audit_facts(audit: Audit) -> Mapping[str, object]:
    """What an audit has found."""
    return {
        "sound": audit.sound,
        "records": audit.records,
        "unreadable": unreadable_facts(audit.unreadable),
        "behind": [{"collection": at.collection, "id": at.id} for at in audit.behind],
        "missing": [{"collection": at.collection, "id": at.id} for at in audit.missing],
        "keys": [
            {
                "id": one.key_id.hex(),
                "records": one.records,
                "primary": one.primary,
                "held": one.held,
                "listed": one.listed,
                "retired": one.retired,
            }
            for one in audit.keys
        ],
    }


def audit_lines(audit: Audit) -> str:
    """What an audit has found, for people."""
    lines = [f"{audit.records:,} sealed records."]
    for one in audit.keys:
        words = [
            word
            for word, holds in (
                ("primary", one.primary),
                ("retired", one.retired),
                ("not held here", not one.held),
                ("not listed", not one.listed),
            )
            if holds
        ]
        named = f" ({', '.join(words)})" if words else ""
        lines.append(f"Key {one.key_id.hex()}{named}: needed by {one.records:,}.")
    lines += [f"{one.code}: {one.address.collection} {one.address.id}" for one in audit.unreadable]
    lines += [f"older than its events: {at.collection} {at.id}" for at in audit.behind]
    lines += [f"gone: {at.collection} {at.id}" for at in audit.missing]
    lines.append("All is sound." if audit.sound else "Something is wrong.")
    return "\n".join(lines)
