"""A desk: the threads of one owner in one store, as a command is told of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click
from attrs import frozen

from turnkeep import Refused, Scope, Threads, TurnkeepError, open_keep
from turnkeep_adapters.cli.doctor.place import Nowhere, place_of, require_directory

T = TypeVar("T")


@frozen(kw_only=True)
class Desk:
    """Where a command works.

    Attributes:
        url: The store's.
        owner: Whose threads.
    """

    url: str
    owner: Scope

    @classmethod
    def of(
        cls,
        store: str,
        *,
        tenant: str,
        user: str,
        agent: str | None,
        project: str | None,
        mission: str | None,
    ) -> Desk:
        """The desk that arguments name.

        Raises:
            click.ClickException: They name no store that is there, or no owner.
        """
        try:
            owner = Scope.of(tenant, user, agent=agent, project=project, mission=mission)
            return cls(url=_url(store), owner=owner)
        except (Nowhere, TurnkeepError) as error:
            raise click.ClickException(str(error)) from error

    def ask(self, call: Callable[[Threads, Scope], Awaitable[T | Refused[object]]]) -> T:
        """What the threads of the store answer.

        Raises:
            click.ClickException: They refuse, or the store does not serve.
        """
        try:
            answer = asyncio.run(self._asked(call))
        except TurnkeepError as error:
            raise click.ClickException(str(error)) from error
        if isinstance(answer, Refused):
            raise click.ClickException(_sentence(answer.reason))
        return answer

    async def _asked(
        self, call: Callable[[Threads, Scope], Awaitable[T | Refused[object]]]
    ) -> T | Refused[object]:
        async with open_keep(self.url) as keep:
            return await call(keep.threads, self.owner)


def _url(store: str) -> str:
    """The URL of a store that is there: opening a directory that is missing would make it."""
    if store.startswith(("postgresql://", "postgres://")):
        return store
    path = place_of(store)
    require_directory(path)
    return Path(path).absolute().as_uri()


def _sentence(reason: object) -> str:
    """A refusal in a sentence, its code first."""
    told = (type(reason).__doc__ or "").strip().split("\n", maxsplit=1)[0]
    return f"{getattr(reason, 'code', 'refused')}: {told.removeprefix('Refusal: ')}"
