"""The exit codes of `shipd`; docs/cli.md tells them too."""

from enum import IntEnum

import click


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    AWAY = 3
    LATE = 4


MEANINGS = {
    Exit.DONE: "What was asked for is done, or is as it should be.",
    Exit.FAILED: "It could not be done, or something is not as it should be: refused, not found, did not pass.",
    Exit.USAGE: "The command line is wrong; nothing was done.",
    Exit.AWAY: "A part of the platform does not answer: PostgreSQL, Redis, the blob store. Try again.",
    Exit.LATE: "What was waited for has not come to pass in the time that was given.",
}


class Away(click.ClickException):
    """PostgreSQL, the broker or the blob store does not answer."""

    exit_code = Exit.AWAY


class Late(click.ClickException):
    """It takes longer."""

    exit_code = Exit.LATE
