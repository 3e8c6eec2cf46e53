"""An error: what went wrong, told in facts and one sanitised sentence."""

from __future__ import annotations

from attrs import field, frozen


class TurnkeepError(Exception):
    """The root of every error that Turnkeep raises.

    The sentence (`str`) and the representation name no body, key, scope, secret, statement or
    host path; facts that a program needs are fields. Every error survives a pickle round trip.

    Attributes:
        code: A stable name for programs, for example ``"unavailable"``.
        retryable: Whether the same call may succeed later without any change by the caller.
        sentence: The template of the sentence, filled from the error's own attributes.
    """

    code: str
    retryable: bool = False
    sentence: str

    # typing.override is not in Python 3.11's standard library.
    def __str__(self) -> str:  # type: ignore[explicit-override]
        return self.sentence.format(error=self)


@frozen
class InvalidValue(TurnkeepError, ValueError):
    """A value breaks a rule of its type; nothing was read or written.

    Attributes:
        what: The name of the value, for example ``"tenant"``.
        rule: What it must be. The offending value itself is never repeated.
    """

    code = "invalid_value"
    sentence = "{error.what} {error.rule}"

    what: str = field()
    rule: str = field()
