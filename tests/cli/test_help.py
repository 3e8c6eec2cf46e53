"""What the command line says of itself."""

from importlib import metadata

import pytest

from tests.cli.conftest import CommandLine


def test_the_version_is_the_distributions(turnkeep: CommandLine) -> None:
    done = turnkeep("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"turnkeep {metadata.version('turnkeep')}\n"


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_names_the_commands_and_the_exit_codes(turnkeep: CommandLine, option: str) -> None:
    done = turnkeep(option)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0] == "Usage: turnkeep [OPTIONS] COMMAND [ARGS]..."
    assert lines[lines.index("Exit codes:") + 1 :][:5] == [
        "0    all is well",
        "1    a check failed, a worker died, or a store is damaged",
        "2    the command, its input or a store cannot be used",
        "130  interrupted",
        "141  nobody reads the output any more",
    ]
    for name in ("demo", "doctor", "salvage"):
        assert any(line.startswith(f"{name}  ") for line in lines)


@pytest.mark.parametrize(
    "what",
    [
        "--input FILE",
        "--store URL",
        "--workers",
        "--kills",
        "--pauses",
        "--seed",
        "--json",
        '{"task": ',
    ],
)
def test_help_on_the_demo_tells_its_options_and_its_input(turnkeep: CommandLine, what: str) -> None:
    done = turnkeep("demo", "--help")
    assert done.returncode == 0
    assert what in done.stdout


def test_help_on_the_demo_says_that_bad_lines_change_no_exit_code(turnkeep: CommandLine) -> None:
    words = " ".join(turnkeep("demo", "--help").stdout.split())
    assert "That alone changes no exit code; a file in which nothing can be used ends with 2." in (
        words
    )
    assert "the same seed and input find their turns ended, and change nothing." in words


@pytest.mark.parametrize(
    "arguments",
    [["--help"], *([name, "--help"] for name in ("demo", "doctor", "salvage"))],
    ids=" ".join,
)
@pytest.mark.parametrize("columns", ["60", "200"])
def test_help_fits_a_terminal(
    turnkeep: CommandLine, monkeypatch: pytest.MonkeyPatch, arguments: list[str], columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = turnkeep(*arguments).stdout.splitlines()
    # The sample of the input is not wrapped.
    assert max(len(line) for line in lines if "{" not in line) <= 80


def test_without_a_command_its_use_is_shown(turnkeep: CommandLine) -> None:
    done = turnkeep()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: turnkeep [OPTIONS] COMMAND")


def test_a_command_that_there_is_not_is_refused(turnkeep: CommandLine) -> None:
    done = turnkeep("demon")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such command 'demon'" in done.stderr
