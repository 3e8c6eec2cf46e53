"""A thread's address: whose it is and how it is called, which together name all of its records."""

from __future__ import annotations

from attrs import evolve, field, frozen

from turnkeep_domain.decisions import Refused
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.kinds import of_kind, require_kind
from turnkeep_domain.scope import Scope, ThreadId
from turnkeep_domain.threads.names import name, require_name
from turnkeep_domain.threads.refusals import ScopeMismatch


@frozen(kw_only=True)
class ThreadAddress:
    """Where a thread is kept.

    Attributes:
        owner: Has a tenant and a user, and no thread: header, claims and families stand there.
        thread_id: What the thread is called in it.

    Raises:
        InvalidValue: The owner has a thread, or cannot do work; the id is no name.
    """

    owner: Scope = field(validator=of_kind(Scope))
    thread_id: ThreadId = field(validator=name)

    @owner.validator
    def _owns(self, _: object, owner: Scope) -> None:
        owner.require_work()
        if owner.thread is not None:
            raise InvalidValue("scope", "must be an owner's, without a thread")

    @classmethod
    def of(cls, scope: Scope, thread_id: str) -> ThreadAddress | Refused[ScopeMismatch]:
        """The address of a thread in its owner's scope, or in a scope that is its own.

        Raises:
            InvalidValue: The scope cannot do work, or the id is no name.
        """
        require_kind("scope", scope, Scope)
        require_name("thread_id", thread_id)
        if scope.thread not in (None, thread_id):
            return Refused(ScopeMismatch(thread_id))
        return cls(owner=evolve(scope, thread=None), thread_id=ThreadId(thread_id))

    @classmethod
    def of_scope(cls, scope: Scope) -> ThreadAddress:
        """The address of the thread that a scope names.

        Raises:
            InvalidValue: It names none, or cannot do work.
        """
        require_kind("scope", scope, Scope)
        if scope.thread is None:
            raise InvalidValue("scope", "must name a thread")
        return cls(owner=evolve(scope, thread=None), thread_id=scope.thread)

    @property
    def scope(self) -> Scope:
        """The thread's own scope: messages and summaries stand there."""
        return evolve(self.owner, thread=self.thread_id)

    def beside(self, thread_id: str) -> ThreadAddress:
        """The address of another thread of the same owner."""
        return ThreadAddress(owner=self.owner, thread_id=ThreadId(thread_id))
