"""The command line within the test's own process, which is quicker than one of its own."""

import pytest
from attrs import frozen

from tests.cli.command_line import without_progress
from turnkeep_adapters.cli.command import run


@frozen
class Ended:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


@frozen
class CommandLine:
    capture: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str) -> Ended:
        code = run(arguments)
        said = self.capture.readouterr()
        return Ended(code, said.out, without_progress(said.err))


@pytest.fixture
def turnkeep(capfd: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capfd)
