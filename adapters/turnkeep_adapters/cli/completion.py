"""The completion command: the script by which a shell completes what is typed."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from turnkeep_adapters.cli.ending import Ending

_SHELLS = ("bash", "fish", "zsh")
_VARIABLE = "_TURNKEEP_COMPLETE"
_PLACES = """\b
Where the script belongs:
  bash  ~/.local/share/bash-completion/completions/turnkeep
  fish  ~/.config/fish/completions/turnkeep.fish
  zsh   _turnkeep, in a directory of $fpath
"""


@click.command(epilog=_PLACES)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, *, shell: str) -> int:
    """Print the script that lets a shell complete commands and options."""
    script = get_completion_class(shell)
    if script is None:
        raise click.ClickException(f"there is no completion for {shell}")
    click.echo(script(context.find_root().command, {}, "turnkeep", _VARIABLE).source())
    return Ending.FINE
