"""The commands that look after standing consent: `turnkeep consents list`, `allow` and so on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypedDict, Unpack

import click

from turnkeep import (
    ActionKind,
    Allow,
    CapabilityId,
    Coded,
    ConsentPage,
    Effect,
    Keep,
    OverrideKind,
    Policies,
    Principal,
    Refused,
    RequestId,
    Scope,
    ToolConsent,
)
from turnkeep_adapters.cli.approvals.telling import name, tell, time, warn_of
from turnkeep_adapters.cli.asking import asked
from turnkeep_adapters.cli.doctor.place import shown
from turnkeep_adapters.cli.ending import Ending
from turnkeep_adapters.cli.options import Somebody, by_somebody, in_json, of_store, repeatable
from turnkeep_adapters.cli.refusing import refusal

_DAY_SECONDS: Final = 86_400
_PAGE: Final = 200


class _Given(TypedDict):
    """The options of every command that changes something, as click hands them over."""

    tenant: str
    user: str
    by: Principal
    request_id: RequestId
    url: str
    as_json: bool


@click.group()
def consents() -> None:
    """Look after standing consent: what may pass unasked, and what may not.

    Consent is a user's, whatever the agent or thread. A command that is refused
    ends with 1.
    """


def _of_a_user(command: Callable[..., int]) -> Callable[..., int]:
    for option in (
        click.option("--user", required=True, metavar="ID", help="Whose."),
        click.option("--tenant", required=True, metavar="ID", help="Of which tenant."),
    ):
        command = option(command)
    return of_store(in_json(command))


@consents.command(name="list")
@_of_a_user
def list_consents(*, tenant: str, user: str, url: str, as_json: bool) -> int:
    """List what stands, tool by tool."""
    scope = Scope.of(tenant, user)

    async def look(policies: Policies) -> list[ConsentPage]:
        pages = [await policies.consents(scope, limit=_PAGE)]
        while pages[-1].next is not None:
            pages.append(await policies.consents(scope, after=pages[-1].next, limit=_PAGE))
        return pages

    pages = asked(url, lambda keep: look(keep.policies))
    tools = [tool for page in pages for tool in page.tools]
    unreadable = len({found.address for page in pages for found in page.unreadable})
    auto = pages[0].auto_approve
    if as_json:
        tell(
            {
                "tools": [_tool_object(tool) for tool in tools],
                "auto_approve": None
                if auto is None
                else {"by": name(auto.by), "expires_at": time(auto.expires_at)},
                "unreadable": unreadable,
            }
        )
        return Ending.FAILED if unreadable else Ending.FINE
    for tool in tools:
        click.echo("\n".join(_tool_text(tool)))
    if auto is not None:
        until = f"{auto.expires_at:%Y-%m-%d %H:%M} UTC"
        click.echo(f"Auto-approval is on until {until}, by {shown(name(auto.by))}.")
    if not tools and auto is None:
        click.echo("Nothing stands: every call is asked about.")
    return warn_of(unreadable)


@consents.command()
@click.argument("tool")
@click.option(
    "--grantee", type=Somebody(), metavar="WHO", required=True, help="Whose calls: agent:scout."
)
@click.option(
    "--kind",
    "kinds",
    type=click.Choice([kind.value for kind in ActionKind]),
    multiple=True,
    default=[ActionKind.DISPATCH.value],
    show_default=True,
    help="Running a tool or starting an agent; may be repeated.",
)
@click.option(
    "--effect",
    "effects",
    type=click.Choice([effect.value for effect in Effect]),
    metavar="EFFECT",
    multiple=True,
    help="What they may do at most: reads, writes, deletes, executes, communicates.",
)
@click.option("--days", type=click.IntRange(1, 365), help="How long it stands; by default 90.")
@by_somebody
@repeatable
@_of_a_user
def allow(
    *,
    tool: str,
    grantee: Principal,
    kinds: tuple[str, ...],
    effects: tuple[str, ...],
    days: int | None,
    **given: Unpack[_Given],
) -> int:
    """Allow a grantee's calls of TOOL unasked, and clear any override of it."""
    return _changed(
        lambda policies, scope, by, request_id: policies.allow(
            scope,
            CapabilityId(tool),
            grantee=grantee,
            kinds=frozenset(map(ActionKind, kinds)),
            effects=frozenset(map(Effect, effects)),
            by=by,
            request_id=request_id,
            lifetime_seconds=None if days is None else days * _DAY_SECONDS,
        ),
        said=f"{shown(tool)} is allowed",
        **given,
    )


@consents.command()
@click.argument("tool")
@click.option(
    "--grantee",
    type=Somebody(),
    metavar="WHO",
    help="Of this one alone; by default of everybody.",
)
@by_somebody
@repeatable
@_of_a_user
def revoke(*, tool: str, grantee: Principal | None, **given: Unpack[_Given]) -> int:
    """Take back what was allowed of TOOL."""
    return _changed(
        lambda policies, scope, by, request_id: policies.revoke(
            scope,
            CapabilityId(tool),
            grantee=grantee,
            by=by,
            request_id=request_id,
        ),
        said=f"{shown(tool)} is not allowed any more",
        **given,
    )


@consents.command()
@click.argument("tool")
@click.argument("kind", type=click.Choice([kind.value for kind in OverrideKind]))
@by_somebody
@repeatable
@_of_a_user
def override(*, tool: str, kind: str, **given: Unpack[_Given]) -> int:
    """Have TOOL asked about each time, or disable it; ends all that was allowed of it."""
    return _changed(
        lambda policies, scope, by, request_id: policies.set_override(
            scope, CapabilityId(tool), OverrideKind(kind), by=by, request_id=request_id
        ),
        said=f"{shown(tool)} is overridden: {kind}",
        **given,
    )


@consents.command()
@click.argument("tool")
@by_somebody
@repeatable
@_of_a_user
def clear(*, tool: str, **given: Unpack[_Given]) -> int:
    """Clear the override of TOOL."""
    return _changed(
        lambda policies, scope, by, request_id: policies.clear_override(
            scope, CapabilityId(tool), by=by, request_id=request_id
        ),
        said=f"{shown(tool)} is not overridden any more",
        **given,
    )


@consents.command(name="auto-approve")
@click.argument("switch", type=click.Choice(["on", "off"]))
@click.option("--days", type=click.IntRange(1, 365), help="How long it is on; by default 30.")
@by_somebody
@repeatable
@_of_a_user
def auto_approve(*, switch: str, days: int | None, **given: Unpack[_Given]) -> int:
    """Let calls pass unasked whose manifests permit it, for some time; or do not."""
    return _changed(
        lambda policies, scope, by, request_id: policies.set_auto_approve(
            scope,
            on=switch == "on",
            by=by,
            request_id=request_id,
            lifetime_seconds=None if days is None else days * _DAY_SECONDS,
        ),
        said=f"Auto-approval is {switch}",
        **given,
    )


# ---- steps --------------------------------------------------------------------------------------


def _changed(
    change: Callable[..., Awaitable[object]],
    *,
    said: str,
    tenant: str,
    user: str,
    by: Principal,
    request_id: RequestId,
    url: str,
    as_json: bool,
) -> int:
    async def changed(keep: Keep) -> object | Refused[Coded]:
        return await change(keep.policies, Scope.of(tenant, user), by, request_id)

    answer = asked(url, changed)
    if isinstance(answer, Refused):
        return refusal(answer, as_json=as_json)
    if as_json:
        tell({"done": True})
    else:
        click.echo(f"{said}.")
    return Ending.FINE


def _tool_object(tool: ToolConsent) -> dict[str, object]:
    override = tool.override
    return {
        "tool": tool.capability,
        "override": None
        if override is None
        else {"kind": override.kind.value, "by": name(override.by), "at": time(override.at)},
        "allows": [
            {
                "grantee": name(allow.grantee),
                "kinds": sorted(kind.value for kind in allow.kinds),
                "effects": sorted(effect.value for effect in allow.effects),
                "granted_by": name(allow.granted_by),
                "granted_at": time(allow.granted_at),
                "expires_at": time(allow.expires_at),
                "source": allow.source,
            }
            for allow in tool.allows
        ],
    }


def _tool_text(tool: ToolConsent) -> list[str]:
    override = tool.override
    if override is not None:
        return [f"{shown(tool.capability)}: {override.kind.value}, by {shown(name(override.by))}"]
    return [f"{shown(tool.capability)}:", *(f"  {_allowed(allow)}" for allow in tool.allows)]


def _allowed(allow: Allow) -> str:
    effects = ", ".join(sorted(effect.value for effect in allow.effects)) or "nothing"
    kinds = ", ".join(sorted(kind.value for kind in allow.kinds))
    until = f"{allow.expires_at:%Y-%m-%d %H:%M} UTC"
    return f"{shown(name(allow.grantee))} may {kinds} ({effects}) until {until}"
