"""Errors of a portal: why a blocking call cannot be carried out, or was cut off."""

from __future__ import annotations

from attrs import frozen

from turnkeep_domain.errors import TurnkeepError


@frozen
class KeepClosed(TurnkeepError):
    """The blocking keep is closed, or was closed while the call was under way.

    A call that was made afterwards has done nothing. Of one that was under way nobody knows: repeat
    it on another keep with the same request id.
    """

    code = "keep_closed"
    sentence = "the keep is closed; a call that was under way may have taken effect or not"


@frozen
class CalledFromPortal(TurnkeepError, RuntimeError):
    """A blocking call from the portal's own thread, which would wait for itself; nothing was done.

    Code that runs there, such as the handler of a worker, awaits the services of its own loop.
    """

    code = "called_from_portal"
    sentence = "the portal's own thread must not wait for itself: await the async services there"


@frozen
class KeepForked(TurnkeepError, RuntimeError):
    """A blocking keep was used in a process that was forked from the one which opened it.

    Its thread is not there, and its connections are the parent's. Nothing was done: each process
    opens a keep of its own, after the fork.
    """

    code = "keep_forked"
    sentence = "the keep was opened before this process was forked: open one after the fork"
