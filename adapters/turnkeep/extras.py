"""An extra: a part of Turnkeep whose dependencies are installed only where it is wanted."""

from __future__ import annotations

from attrs import field, frozen

from turnkeep_domain.errors import TurnkeepError


@frozen
class MissingExtra(TurnkeepError):
    """What was asked for needs an extra that is not installed; nothing was done.

    Attributes:
        extra: Its name.
    """

    code = "missing_extra"
    sentence = "this needs the extra '{error.extra}': pip install 'turnkeep[{error.extra}]'"

    extra: str = field()
