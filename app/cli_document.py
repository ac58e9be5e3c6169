"""docs/cli.md, made from the commands themselves: `python -m app.cli_document > docs/cli.md`."""

import inspect
from collections.abc import Iterator

import click

from app.cli import main
from app.cli_exits import MEANINGS

BEGINNING = """# The command `shipd`

What operators do from a shell. It needs the settings that the API and the workers have (`DATABASE_URL`, `REDIS_URL` and
so on): run it in their environment. Only `submit`, `batch` and `watch` talk HTTP, with `SHIPD_URL` and `SHIPD_API_KEY`.

Every command explains itself with `--help`, and prints JSON for programs with `--json`. Progress bars and questions go
to stderr, and only to a terminal; warnings that are logged meanwhile go there too, as JSON lines. What throws something
away asks first; where nobody can answer, it wants `--yes`. What changes something is written to the audit log (`shipd
audit`).

This page is made from the commands: `python -m app.cli_document > docs/cli.md`.
"""


def markdown() -> str:
    """Give the page."""
    exits = "\n".join(f"| {code.value} | {meaning} |" for code, meaning in MEANINGS.items())
    table = f"## Exit codes\n\n| code | means |\n|---|---|\n{exits}\n"
    return "\n".join([BEGINNING, table, *_commands()])


def _commands() -> Iterator[str]:
    for words, command in leaves(main, ("shipd",)):
        usage = command.collect_usage_pieces(click.Context(command, info_name=" ".join(words)))
        yield f"## {' '.join(words)}\n\n    {' '.join([*words, *usage])}\n\n{_help(command)}\n"
        options = list(_options(command))
        if options:
            yield "\n".join(["| option | what |", "|---|---|", *options, ""])


def leaves(group: click.Group, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Give every command below a group, with the words that name it."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from leaves(command, (*words, name))
        else:
            yield (*words, name), command


def _help(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "").strip()


def _options(command: click.Command) -> Iterator[str]:
    context = click.Context(command)
    for parameter in command.params:
        told = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
        if told is not None:
            flag, text = (part.replace("|", "\\|") for part in told)
            yield f"| `{flag}` | {text} |"


if __name__ == "__main__":
    click.echo(markdown(), nl=False)
