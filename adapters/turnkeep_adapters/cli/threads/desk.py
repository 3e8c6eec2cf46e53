"""A desk: the threads of one owner in one store, as a command is told of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import click
from attrs import frozen

from turnkeep import Refused, Scope, Threads, TurnkeepError
from turnkeep_adapters.cli.asking import asked
from turnkeep_adapters.cli.refusing import WasRefused

T = TypeVar("T")


@frozen(kw_only=True)
class Desk:
    """Where a command works.

    Attributes:
        url: The store's.
        owner: Whose threads.
        as_json: Whether a refusal is told in JSON.
    """

    url: str
    owner: Scope
    as_json: bool

    @classmethod
    def of(
        cls,
        url: str,
        *,
        tenant: str,
        user: str,
        agent: str | None,
        project: str | None,
        mission: str | None,
        as_json: bool,
    ) -> Desk:
        """The desk that options name.

        Raises:
            click.ClickException: They name no owner.
        """
        try:
            owner = Scope.of(tenant, user, agent=agent, project=project, mission=mission)
        except TurnkeepError as error:
            raise click.ClickException(str(error)) from error
        return cls(url=url, owner=owner, as_json=as_json)

    def ask(self, call: Callable[[Threads, Scope], Awaitable[T | Refused[object]]]) -> T:
        """What the threads of the store answer.

        Raises:
            WasRefused: They refuse.
            click.ClickException: The store does not serve.
        """
        answer = asked(self.url, lambda keep: call(keep.threads, self.owner))
        if isinstance(answer, Refused):
            raise WasRefused(answer, as_json=self.as_json)
        return answer
