"""``optbuild completion``: the script with which a shell completes the command line."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from builder.cli.runtime import find_runtime


class Shell(Enum):
    """The shells that are known."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def command(
    ctx: typer.Context,
    shell: Annotated[Shell, typer.Argument(metavar="bash|zsh|fish", help="The shell that reads the script.")],
) -> None:
    """Print the script with which a shell completes commands.

    It completes options and their values too, and names of images and services, for which it asks docker.

    bash: `optbuild completion bash > ~/.local/share/bash-completion/completions/optbuild`

    zsh: `optbuild completion zsh > FOLDER/_optbuild`, with a FOLDER of your $fpath

    fish: `optbuild completion fish > ~/.config/fish/completions/optbuild.fish`
    """
    from builder.cli.reference.commands import read_commands  # the modules of all commands
    from builder.report.commands.completion import format_bash_completion, format_fish_completion, format_zsh_completion

    writers = {Shell.BASH: format_bash_completion, Shell.ZSH: format_zsh_completion, Shell.FISH: format_fish_completion}
    runtime = find_runtime(ctx)
    runtime.out.write(writers[shell](tuple(read_commands())))
    runtime.out.flush()
