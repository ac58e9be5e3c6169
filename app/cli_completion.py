"""`shipd completion`: what a shell must know to complete the command."""

import click
from click.shell_completion import get_completion_class

VARIABLE = "_SHIPD_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete commands, options and choices of `shipd`.

    In bash: shipd completion bash > /etc/bash_completion.d/shipd

    In zsh: shipd completion zsh > "${fpath[1]}/_shipd"

    In fish: shipd completion fish > ~/.config/fish/completions/shipd.fish
    """
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"{shell} is not known here; use {', '.join(SHELLS)}")
    click.echo(found(context.find_root().command, {}, "shipd", VARIABLE).source())
