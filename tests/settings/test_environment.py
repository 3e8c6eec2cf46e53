"""Settings from the environment: each has a variable, and a bad one is told by its name."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from enum import Enum
from typing import Final

import pytest
from attrs import AttrsInstance, fields_dict, has, resolve_types

from tests.settings import table
from turnkeep import (
    ApprovalSettings,
    Effect,
    FilesSettings,
    InvalidSetting,
    KeySettings,
    Pacing,
    PostgresSettings,
    RoundSettings,
    Settings,
    ThreadLimits,
    ThreadSettings,
    TurnkeepError,
)
from turnkeep.environment import Environment, Variable
from turnkeep_ports.store import Durability

ALWAYS_ASKED: Final = "must be one of " + ", ".join(effect.value for effect in Effect)
SECRET: Final = "hunter2"


def refused(environment: Mapping[str, str]) -> InvalidSetting:
    with pytest.raises(InvalidSetting) as caught:
        Settings.from_environment(environment)
    return caught.value


def text_of(value: object) -> str:
    match value:
        case Enum():
            return str(value.value)
        case tuple() | frozenset():
            return ",".join(text_of(each) for each in value)
        case _:
            return str(value)


def group_of(settings: Settings, variable: Variable) -> object:
    """The group of a variable, wherever it is nested."""
    waiting: list[object] = [settings]
    while waiting:
        thing = waiting.pop()
        if type(thing) is variable.of:
            return thing
        cls = type(thing)
        if has(cls):
            waiting += [getattr(thing, name) for name in fields_dict(cls)]
    raise AssertionError(variable)


def test_an_empty_environment_is_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNKEEP_ROUNDS_TOGETHER", "no")
    assert Settings.from_environment() == Settings(rounds=RoundSettings(together=False))


@pytest.mark.parametrize("variable", [*table.known()], ids=lambda variable: variable.name)
def test_a_variable_with_its_default_changes_nothing(variable: Variable) -> None:
    text = text_of(variable.standard)
    assert Settings.from_environment({variable.name: text}) == Settings()


@pytest.mark.parametrize(
    "variable",
    [each for each in table.known() if type(each.standard) in (int, float)],
    ids=lambda variable: variable.name,
)
def test_a_number_reaches_its_field_and_what_is_none_is_told(variable: Variable) -> None:
    # Less is allowed everywhere but where another bound is near: there a little more is.
    for factor in (0.99, 1.01, 0.5, 2):
        wanted = type(variable.standard)(variable.standard * factor)  # type: ignore[operator,call-arg]  # it is a number
        try:
            settings = Settings.from_environment({variable.name: str(wanted)})
        except InvalidSetting:
            continue
        assert getattr(group_of(settings, variable), variable.field) == wanted
        break
    else:
        pytest.fail("no other number is allowed")
    told = refused({variable.name: SECRET})
    assert told.variable == variable.name
    assert told.rule in ("must be a whole number", "must be a finite number")


def test_every_setting_but_code_has_a_variable() -> None:
    named = {(each.of, each.field) for each in table.known()}
    groups: set[type[AttrsInstance]] = {Settings, *(each.of for each in table.known())}
    settings = {
        (of, name)
        for of in groups
        for name, each in fields_dict(resolve_types(of)).items()
        if each.type is not None and not has(each.type)
    }
    assert settings - named == {
        (ApprovalSettings, "redact"),
        (PostgresSettings, "update_seconds"),
    }


def test_settings_of_every_kind_are_read() -> None:
    environment = {
        "TURNKEEP_KEYS_PRIMARY": "env:KEY, file:/etc/key",
        "TURNKEEP_KEYS_OLDER": "keyring:turnkeep/old",
        "TURNKEEP_FILES_DURABILITY": "Process",
        "TURNKEEP_FILES_GROUPING": "off",
        "TURNKEEP_APPROVALS_ALWAYS_ASKED": "deletes, executes",
        "TURNKEEP_THREADS_LIMITS_PARTS_MAX": " 8 ",
        "TURNKEEP_THREADS_ARCHIVED_FOR_DAYS": "30",
        "TURNKEEP_PACING_DEADLINE_SECONDS": "9.5",
        "TURNKEEP_POSTGRES_POOLER": "",
        "PATH": SECRET,
        "TURNKEEP_MASTER_KEY": SECRET,
    }
    assert Settings.from_environment(environment) == Settings(
        keys=KeySettings(primary=("env:KEY", "file:/etc/key"), older=("keyring:turnkeep/old",)),
        approvals=ApprovalSettings(always_asked=frozenset({Effect.DELETES, Effect.EXECUTES})),
        files=FilesSettings(durability=Durability.PROCESS, grouping=False),
        threads=ThreadSettings(limits=ThreadLimits(parts_max=8), archived_for_days=30),
        pacing=Pacing(deadline_seconds=9.5),
        postgres=PostgresSettings(update_seconds=9.5),
    )


@pytest.mark.parametrize(
    ("variable", "text", "rule"),
    [
        ("TURNKEEP_PACING_ATTEMPTS_MAX", "0", "must be >= 1"),
        ("TURNKEEP_PACING_ATTEMPTS_MAX", "1.5", "must be a whole number"),
        ("TURNKEEP_PACING_ATTEMPTS_MAX", "9" * 19, "must be a whole number"),
        ("TURNKEEP_PACING_DEADLINE_SECONDS", "inf", "must be a finite number"),
        ("TURNKEEP_PACING_DEADLINE_SECONDS", "nan", "must be a finite number"),
        ("TURNKEEP_ROUNDS_TOGETHER", SECRET, "must be true or false"),
        ("TURNKEEP_FILES_DURABILITY", SECRET, "must be one of volatile, process, power"),
        ("TURNKEEP_FILES_DURABILITY", "volatile", "must be PROCESS or POWER"),
        ("TURNKEEP_THREADS_LIMITS_PARTS_MAX", "65", "must be at most 64"),
        ("TURNKEEP_THREADS_ARCHIVED_FOR_DAYS", "never", "must be a whole number"),
        ("TURNKEEP_APPROVALS_ALWAYS_ASKED", "deletes,", ALWAYS_ASKED),
        ("TURNKEEP_KEYS_OLDER", "env:OLD", "must come with a primary"),
        ("TURNKEEP_FILES_GROUPNG", "true", "names no setting"),
        ("TURNKEEP_POSTGRES_UPDATE_SECONDS", "15", "names no setting"),
        ("TURNKEEP_APPROVALS_REDACT", SECRET, "names no setting"),
    ],
)
def test_what_cannot_be_is_told_by_its_variable(variable: str, text: str, rule: str) -> None:
    error = refused({variable: text})
    assert (error.variable, error.rule) == (variable, rule)
    assert str(error) == f"{variable} {rule}"


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("TURNKEEP_EVENT_KEEP_SECONDS", "TURNKEEP_EVENTS_KEEP_SECONDS"),
        ("TURNKEEP_EVENT_KEEP_SECOND", "TURNKEEP_EVENTS_KEEP_SECONDS"),
        ("TURNKEEP_LASTSEEN_CELLS_MAX", "TURNKEEP_LAST_SEEN_CELLS_MAX"),
        ("TURNKEEP_APRROVALS_PAGE", "TURNKEEP_APPROVALS_PAGE"),
        ("TURNKEEP_POSGTRES_POOLER", "TURNKEEP_POSTGRES_POOLER"),
        ("turnkeep_events_keep_seconds", "TURNKEEP_EVENTS_KEEP_SECONDS"),
        ("TURNKEEP_FORGON", "TURNKEEP_FORGONE"),
    ],
)
def test_a_misspelt_group_is_told_with_what_was_meant(variable: str, meant: str) -> None:
    error = refused({variable: "5"})
    assert (error.variable, error.rule) == (variable, f"names no setting; {meant} does")


@pytest.mark.parametrize(
    "variable",
    [
        "TURNKEEP_STORE",
        "TURNKEEP_MASTER_KEY",
        "TURNKEEP_TEST_POSTGRES_URL",
        "TURNKEEP_TEST_MASTER_KEY",
        "TURNKEEP_SOAK_KILLS",
        "TURNKEEP_UPKEEP_KEY",
        "_TURNKEEP_COMPLETE",
        "TURNKEEP_SECRET_KEY",
        "TURNKEEP_KEY_FILE",
        "TURNKEEP_FILE_ROOT",
        "TURNKEEP_URL",
        "TURNKEEP",
        "TURNKEEP_",
        "EVENTS_KEEP_SECONDS",
    ],
)
def test_what_is_near_no_setting_is_the_hosts_own(variable: str) -> None:
    assert Settings.from_environment({variable: SECRET}) == Settings()


def test_settings_that_do_not_fit_together_are_all_named() -> None:
    error = refused(
        {"TURNKEEP_POSTGRES_LOCK_SECONDS": "6", "TURNKEEP_PACING_DEADLINE_SECONDS": "7"}
    )
    lock, deadline = "TURNKEEP_POSTGRES_LOCK_SECONDS", "TURNKEEP_PACING_DEADLINE_SECONDS"
    assert set(error.variable.split(", ")) == {lock, deadline}
    assert error.rule.startswith("must fit together: timeouts must rise")


def test_a_secret_in_the_wrong_place_is_not_repeated() -> None:
    error = refused({"TURNKEEP_KEYS_PRIMARY": SECRET})
    assert error.variable == "TURNKEEP_KEYS_PRIMARY"
    assert SECRET not in f"{error} {error!r} {error.__context__!r} {error.__cause__!r}"
    assert SECRET not in repr(Environment(texts={"KEY": SECRET}, elsewhere={}))


def test_the_error_is_one_of_turnkeeps_and_survives_a_pickle() -> None:
    error = refused({"TURNKEEP_FILES_GROUPNG": "true"})
    assert isinstance(error, TurnkeepError)
    assert isinstance(error, ValueError)
    assert (error.code, error.retryable) == ("invalid_setting", False)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_the_documents_list_every_variable_as_it_is() -> None:
    assert table.PAGE.read_text(encoding="utf-8") == table.page()
