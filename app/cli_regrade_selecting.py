"""How submissions are named at the command line: by moments, and by files of ids."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import click


class Moment(click.ParamType[datetime]):
    """A moment as RFC 3339 has it, or a day in UTC."""

    name = "WHEN"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read `2026-11-25` or `2026-11-25T08:00:00Z`."""
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is neither a day (2026-11-25) nor a moment (2026-11-25T08:00:00Z)", param, ctx)
        return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def ids_in(path: Path) -> tuple[UUID, ...]:
    """Read a file of ids, one a line; `-` is standard input. Raises BadParameter."""
    with click.open_file(str(path)) as lines:
        try:
            return tuple(UUID(line.strip()) for line in lines if line.strip())
        except ValueError as error:
            raise click.BadParameter(f"{path} has a line that is no id: {error}", param_hint="--ids-from") from error
