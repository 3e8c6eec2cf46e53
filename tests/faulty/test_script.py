"""Scripts: what each line means, and how a line that means nothing is told."""

import pickle

import pytest

from turnkeep_adapters.faulty.actions import (
    Action,
    AnswerBusy,
    AnswerStale,
    CorruptBytes,
    Delay,
    FailBefore,
    Hold,
    HoldAfter,
    LandLate,
    LoseAfter,
    LoseBefore,
    Operation,
    Stall,
)
from turnkeep_adapters.faulty.script import BadScript, Every, Next, Nth, Rule, Script, When
from turnkeep_domain.errors import InvalidValue, TurnkeepError


@pytest.mark.parametrize(
    ("action", "meaning"),
    [
        ("fail-before", FailBefore()),
        ("lose-before", LoseBefore()),
        ("lose-after", LoseAfter()),
        ("land-late 3", LandLate(3)),
        ("delay 250", Delay(250)),
        ("delay 0", Delay(0)),
        ("stall", Stall()),
        ("stale", AnswerStale()),
        ("busy", AnswerBusy()),
        ("hold before-b", Hold("before-b")),
        ("hold-after landed.1", HoldAfter("landed.1")),
    ],
)
def test_a_commit_may_suffer(action: str, meaning: Action) -> None:
    (rule,) = Script.parse(f"commit: {action}").rules
    assert rule == Rule(
        operation=Operation.COMMIT, when=Next(), collection=None, action=meaning, line=1
    )


@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize("action", ["fail-before", "delay 1", "stall", "hold x", "hold-after x"])
def test_any_operation_may_suffer(operation: Operation, action: str) -> None:
    (rule,) = Script.parse(f"{operation.value}: {action}").rules
    assert rule.operation is operation


@pytest.mark.parametrize("operation", ["load", "scan", "events"])
def test_answers_with_bodies_may_be_corrupt(operation: str) -> None:
    (rule,) = Script.parse(f"{operation}: corrupt").rules
    assert rule.action == CorruptBytes()


@pytest.mark.parametrize(
    ("line", "when", "collection"),
    [
        ("load: stall", Next(), None),
        ("load#1: stall", Nth(1), None),
        ("load#17: stall", Nth(17), None),
        ("load#*: stall", Every(), None),
        ("load in approval: stall", Next(), "approval"),
        ("load#2 in approval: stall", Nth(2), "approval"),
        ("load#* in turn_state:stall", Every(), "turn_state"),
        ("  load#*   in  approval  :  stall  ", Every(), "approval"),
    ],
)
def test_a_rule_says_for_which_call_it_is(line: str, when: When, collection: str | None) -> None:
    (rule,) = Script.parse(line).rules
    assert (rule.when, rule.collection) == (when, collection)


def test_blank_lines_and_comments_say_nothing_but_count() -> None:
    script = Script.parse(
        "\n# the first commit is lost\n\n  # so: \ncommit: lose-after\n\nload: stall"
    )
    assert [rule.line for rule in script.rules] == [5, 7]


def test_an_empty_script_has_no_rules() -> None:
    assert Script.parse("").rules == ()


def test_a_script_knows_its_holds() -> None:
    script = Script.parse("load: hold a\ncommit: hold-after b\ncommit: hold a\nscan: stall")
    assert script.holds() == {"a", "b"}


OPERATIONS = "load, commit, scan, events, trim, scrub, changed"
ACTIONS = (
    "fail-before, lose-before, lose-after, stall, stale, busy, corrupt, "
    "land-late, delay, hold, hold-after"
)
SHAPE = "rule must read op[#n|#*] [in collection]: action"
FROM_ONE = "must be a number from 1 to 999999999"
FROM_ZERO = "must be a number from 0 to 999999999"
MISFIT = "action must be one that any operation may suffer, or of a commit"
NOT_CORRUPT = "action must be on load, scan or events to corrupt what they answer"
HOLD_NAME = "name of a hold must be 1 to 64 of A-Z, a-z, 0-9, _, . and -"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("load", SHAPE),
        (": stall", SHAPE),
        ("load stall", SHAPE),
        ("load in : stall", SHAPE),
        ("load at approval: stall", SHAPE),
        ("load #1: stall", SHAPE),
        ("load in a b: stall", SHAPE),
        ("save: stall", f"operation must be one of {OPERATIONS}"),
        ("Load: stall", f"operation must be one of {OPERATIONS}"),
        ("load#0: stall", f"call after # {FROM_ONE}"),
        ("load#: stall", f"call after # {FROM_ONE}"),
        ("load#-1: stall", f"call after # {FROM_ONE}"),
        ("load#1.5: stall", f"call after # {FROM_ONE}"),
        ("load#٣: stall", f"call after # {FROM_ONE}"),
        ("load#1234567890: stall", f"call after # {FROM_ONE}"),
        ("load#**: stall", f"call after # {FROM_ONE}"),
        ("load in Approval: stall", "collection must match [a-z][a-z0-9_]{0,31}"),
        ("trim in approval: stall", "rule must name no collection: the operation concerns all"),
        ("scrub in approval: stall", "rule must name no collection: the operation concerns all"),
        ("load:", f"action must be one of {ACTIONS}"),
        ("load: explode", f"action must be one of {ACTIONS}"),
        ("load: stall # for ever", "stall must stand alone"),
        ("commit: stale 3", "stale must stand alone"),
        ("commit: land-late", "land-late must have one argument"),
        ("commit: land-late 1 2", "land-late must have one argument"),
        ("commit: land-late 0", f"operations of land-late {FROM_ONE}"),
        ("commit: land-late soon", f"operations of land-late {FROM_ONE}"),
        ("load: delay", "delay must have one argument"),
        ("load: delay 1.5", f"milliseconds of delay {FROM_ZERO}"),
        ("load: delay -1", f"milliseconds of delay {FROM_ZERO}"),
        ("load: hold", "hold must have one argument"),
        ("load: hold a b", "hold must have one argument"),
        ("load: hold a/b", HOLD_NAME),
        ("load: hold-after -a", HOLD_NAME),
        (f"load: hold {'n' * 65}", HOLD_NAME),
        ("load: lose-before", MISFIT),
        ("scan: lose-after", MISFIT),
        ("events: land-late 1", MISFIT),
        ("changed: stale", MISFIT),
        ("trim: busy", MISFIT),
        ("commit: corrupt", NOT_CORRUPT),
        ("changed: corrupt", NOT_CORRUPT),
    ],
)
def test_a_line_that_is_no_rule_is_told_by_its_number(line: str, why: str) -> None:
    with pytest.raises(BadScript) as caught:
        Script.parse(f"# a script\n\ncommit: lose-after\n{line}\nload: nonsense")
    assert str(caught.value) == f"line 4 of the script is no rule: {why}"
    assert (caught.value.line, caught.value.code) == (4, "bad_script")


def test_a_bad_script_is_a_turnkeep_error_and_a_value_error_and_pickles() -> None:
    error = BadScript(3, "is no rule: load must begin it")
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, TurnkeepError)
    assert isinstance(again, ValueError)
    assert str(again) == str(error) == "line 3 of the script is no rule: load must begin it"


def test_a_rule_that_is_made_by_hand_is_judged_too() -> None:
    with pytest.raises(InvalidValue, match="of a commit"):
        Rule(
            operation=Operation.LOAD,
            when=Next(),
            collection=None,
            action=LoseAfter(),
            line=1,
        )
