"""Laws of errors: they travel between processes, and repeat nothing that was confided."""

from __future__ import annotations

import inspect
import pickle
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from turnkeep.testing.caller import Caller, calling
from turnkeep.testing.countdown import deadline_at_look
from turnkeep.testing.harness import Harness
from turnkeep.testing.judgement import law
from turnkeep.testing.laws.handles import CALLS
from turnkeep.testing.specimens import addresses, draft, entry
from turnkeep_domain import errors as domain_errors
from turnkeep_domain.errors import TurnkeepError
from turnkeep_domain.keys import Address
from turnkeep_domain.scope import Scope, ScopePrefix
from turnkeep_ports import errors as port_errors
from turnkeep_ports.limits import BODY_BYTES_MAX, EVENT_BYTES_MAX, KEYS_MAX
from turnkeep_ports.scans import InScope, Position
from turnkeep_ports.store import ABSENT, Check, Put

SECRET = "sesame"
PLACE = Address("vault", Scope.of(f"tenant-{SECRET}", f"user-{SECRET}"), f"id-{SECRET}")
"""A place whose every name is a secret."""


def _classes() -> Iterator[type[TurnkeepError]]:
    for module in (domain_errors, port_errors):
        for _, known in inspect.getmembers(module, inspect.isclass):
            if issubclass(known, TurnkeepError) and known is not TurnkeepError:
                yield known


def _specimen(of: type[TurnkeepError]) -> TurnkeepError:
    """An error of a class; what names a record names a secret one."""
    values = {"str": "a clause", "int": 7, "bool": True, "Address | None": PLACE}
    return of(**{name: values[kind] for name, kind in _fields(of).items()})


def _fields(of: type[TurnkeepError]) -> dict[str, str]:
    """The names of a class's fields, and their types in words."""
    return {each.name: str(each.type) for each in attrs.fields(of)} if attrs.has(of) else {}


def _facts(of: TurnkeepError) -> dict[str, object]:
    return {name: getattr(of, name) for name in _fields(type(of))}


def _expect_to_travel(error: TurnkeepError) -> None:
    """Fails unless an error is the same on the other side of a pickle."""
    travelled = pickle.loads(pickle.dumps(error))
    assert type(travelled) is type(error)
    assert _facts(travelled) == _facts(error), "a pickle loses facts of an error"
    assert (str(travelled), repr(travelled)) == (str(error), repr(error))
    assert (travelled.code, travelled.retryable) == (error.code, error.retryable)


def _expect_discreet(error: BaseException, private: Iterable[str]) -> None:
    """Fails where the text of an error repeats what was confided, or tells of the machine."""
    text = f"{error}\n{error!r}"
    of_machine = (str(Path.home()), str(Path.cwd()), tempfile.gettempdir())
    for word in (SECRET, *private, *(place for place in of_machine if len(place) > 1)):
        assert word not in text, f"the text of {type(error).__name__} leaks"


async def _raised(caller: Caller) -> list[Exception]:
    """What a store raises when it is called wrongly, too much or too late."""
    query = InScope(collection=PLACE.collection, prefix=ScopePrefix.exactly(PLACE.scope))
    held = entry(SECRET.encode(), sort=SECRET)
    put = Put(PLACE, ABSENT, held)
    many = addresses(KEYS_MAX + 1)
    calls = [
        caller.load(PLACE, PLACE),
        caller.load(*many),
        caller.commit(Check(PLACE, ABSENT), events=[draft(PLACE, SECRET.encode())]),
        caller.commit(put, put),
        caller.commit(Put(PLACE, ABSENT, entry(SECRET.encode() * BODY_BYTES_MAX))),
        caller.commit(put, events=[draft(PLACE, SECRET.encode() * EVENT_BYTES_MAX)]),
        caller.page(query, after=Position(SECRET.encode())),
        caller.page(query, limit=0),
        *(call(caller.store, deadline_at_look(0)) for call in CALLS.values()),
    ]
    errors: list[Exception] = []
    for call in calls:
        try:
            await call
        except Exception as error:  # noqa: BLE001 - whatever it is, it is judged
            errors.append(error)
    assert len(errors) == len(calls), "a call that is wrong in itself is answered"
    return errors


class ErrorLaws:
    """An error carries facts as fields, and one sentence that anybody may read."""

    @law
    async def test_errors_survive_a_pickle(self, harness: Harness) -> None:
        """P18: Errors pickle, with all their facts."""
        for known in _classes():
            _expect_to_travel(_specimen(known))

    @law
    async def test_texts_of_errors_leak_nothing(self, harness: Harness) -> None:
        """P18: The texts of errors leak nothing of the record that they concern."""
        for known in _classes():
            error = _specimen(known)
            _expect_discreet(error, ())
            assert str(error).strip()
            assert error.code

    @law
    async def test_errors_that_a_store_raises_survive_a_pickle(self, harness: Harness) -> None:
        """P18: What a store raises is a `TurnkeepError`, and pickles."""
        async with calling(harness) as caller:
            for error in await _raised(caller):
                assert isinstance(error, TurnkeepError), f"{type(error).__name__} is raised"
                _expect_to_travel(error)

    @law
    async def test_errors_that_a_store_raises_leak_nothing(self, harness: Harness) -> None:
        """P18: No text of an error repeats a key, a scope, a body or a place of the machine."""
        async with calling(harness) as caller:
            for error in await _raised(caller):
                _expect_discreet(error, harness.private)
        for call in CALLS.values():
            try:
                await call(caller.store, caller.deadline())
            except Exception as error:  # noqa: BLE001 - whatever it is, it is judged
                _expect_discreet(error, harness.private)
