"""Account references: which accounts some work concerns, and where they are kept."""

from __future__ import annotations

import pytest

from tests.domain.budgets.samples import WORK
from turnkeep_domain.budgets.account_ref import AccountRef, Level, account_of, cascade
from turnkeep_domain.errors import InvalidValue
from turnkeep_domain.scope import Scope


def test_a_full_scope_has_a_cascade_of_eight_broad_to_narrow() -> None:
    assert [ref.level for ref in cascade(WORK)] == list(Level)
    assert [ref.path for ref in cascade(WORK)] == [
        "tenant:acme",
        "shared_project:acme/site",
        "shared_agent:acme/scout",
        "user:acme/ada",
        "project:acme/ada/site",
        "agent:acme/ada/scout",
        "mission:acme/ada/site/m1",
        "thread:acme/ada/scout/site/m1/t1",
    ]


def test_the_smallest_work_has_a_cascade_of_two() -> None:
    refs = cascade(Scope.of("acme", "ada"))
    assert refs == (AccountRef.tenant("acme"), AccountRef.user("acme", "ada"))


def test_every_account_has_an_address_of_its_own() -> None:
    assert len({ref.address for ref in cascade(WORK)}) == 8


@pytest.mark.parametrize("ref", cascade(WORK), ids=lambda ref: ref.level.value)
def test_an_account_is_found_by_its_path_and_covers_its_work(ref: AccountRef) -> None:
    assert AccountRef.parse(ref.path) == ref
    assert ref.covers(WORK)
    assert account_of(ref.level, WORK) == ref
    assert not ref.covers(Scope.of("other", "eve", agent="a", project="p", mission="m", thread="t"))


def test_what_is_absent_is_a_dash() -> None:
    ref = AccountRef.mission("acme", "ada", "m1")
    assert ref.path == "mission:acme/ada/-/m1"
    assert AccountRef.parse(ref.path) == ref


@pytest.mark.parametrize("id", ["a/b", "-", "%", "100%", "%2F", "a%25b", "%2D", "ü:x"])
def test_an_id_of_any_letters_is_found_by_its_path(id: str) -> None:
    ref = AccountRef.mission("acme", id, id, project=id)
    assert AccountRef.parse(ref.path) == ref
    assert ref.path.count("/") == 3


@pytest.mark.parametrize(
    "path", ["", "tenant", "tenant:", "user:acme", "house:acme", "user:acme/ada/x", "user:acme/*"]
)
def test_a_path_that_names_no_account_is_refused(path: str) -> None:
    with pytest.raises(InvalidValue):
        AccountRef.parse(path)


@pytest.mark.parametrize(
    ("level", "scope"),
    [
        (Level.TENANT, Scope.of(None, None)),
        (Level.TENANT, Scope.of("acme", "ada")),
        (Level.USER, Scope.of("acme", None)),
        (Level.PROJECT, Scope.of("acme", "ada")),
        (Level.AGENT, Scope.of("acme", "ada", agent="a", project="p")),
        (Level.THREAD, Scope.of("acme", "ada")),
    ],
)
def test_an_account_has_exactly_the_ids_of_its_level(level: Level, scope: Scope) -> None:
    with pytest.raises(InvalidValue):
        AccountRef(level, scope)


def test_work_without_a_user_concerns_nobody() -> None:
    with pytest.raises(InvalidValue):
        cascade(Scope.of("acme", None))
    with pytest.raises(InvalidValue):
        account_of(Level.THREAD, Scope.of("acme", "ada"))
