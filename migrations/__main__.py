"""`python -m migrations upgrade`: bring the database of DATABASE_URL to the newest version."""

import sys

import migrations
from domain import settings


def main(arguments: list[str]) -> None:
    """Run one command; what is wrong with the settings is one line on stderr and exit code 2."""
    if arguments != ["upgrade"]:
        sys.stderr.write("usage: python -m migrations upgrade\n")
        raise SystemExit(2)
    try:
        url = settings.database_url()
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from error
    migrations.upgrade(url)


if __name__ == "__main__":
    main(sys.argv[1:])
