"""The exit codes of `shipd`; docs/cli.md tells them too."""

from enum import IntEnum

import click


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    """What was asked for is done, or is as it should be."""
    FAILED = 1
    """It could not be done, or something is not as it should be: refused, not found, did not pass."""
    USAGE = 2
    """The command line is wrong; nothing was done."""
    AWAY = 3
    """A part of the platform does not answer: try again."""
    LATE = 4
    """What was waited for has not come to pass in the time that was given."""


class Away(click.ClickException):
    """PostgreSQL, the broker or the blob store does not answer."""

    exit_code = Exit.AWAY


class Late(click.ClickException):
    """It takes longer."""

    exit_code = Exit.LATE
