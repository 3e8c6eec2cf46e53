"""A sweep: what was tidied up, and how much of it a single one may do."""

from __future__ import annotations

from attrs import define, field, frozen

from turnkeep_domain.threads.addresses import ThreadAddress


@frozen(kw_only=True)
class ThreadsSwept:
    """What a sweep has done.

    Attributes:
        messages: Cells of deleted threads that it deleted.
        threads: Deleted threads of which nothing is left that could go.
        imports: Imports that were never completed, and are deleted.
        drafts: Drafts of ended runs that are interrupted.
        erasures: Redactions of which nothing is left, the store's files included.
        claims: Claims of threads that were deleted long ago.
        retired: Archived threads that were deleted for their age.
        unreadable: Records that it came upon and could not read; they were left untouched.
        more: Whether it stopped before it was through.
    """

    messages: int
    threads: int
    imports: int
    drafts: int
    erasures: int
    claims: int
    retired: int
    unreadable: int
    more: bool


@frozen(kw_only=True)
class ThreadsRetired:
    """Archived threads whose time has come.

    Attributes:
        threads: Which; with a dry run those that would be deleted.
        busy: Those that were left, because a run is active in them.
    """

    threads: tuple[ThreadAddress, ...]
    busy: tuple[ThreadAddress, ...]


@define
class SweepCount:
    """What a sweep has done so far, and how many commits it may still make."""

    commits_left: int
    messages: int = 0
    threads: int = 0
    imports: int = 0
    drafts: int = 0
    erasures: int = 0
    claims: int = 0
    retired: int = 0
    unreadable: int = 0
    more: bool = field(default=False)

    def may_commit(self) -> bool:
        """Takes one commit of those that are left; what finds none is for the next sweep."""
        if self.commits_left == 0:
            self.more = True
            return False
        self.commits_left -= 1
        return True

    def swept(self) -> ThreadsSwept:
        """What was done, to be told."""
        return ThreadsSwept(
            messages=self.messages,
            threads=self.threads,
            imports=self.imports,
            drafts=self.drafts,
            erasures=self.erasures,
            claims=self.claims,
            retired=self.retired,
            unreadable=self.unreadable,
            more=self.more,
        )
