"""Write `.env` for docker-compose.yml: `python3 -m standalone.compose_env`, with passwords that nobody else knows.

What is there is kept, so that the servers' data still opens; what the compose file has come to need is added. Standard
library only: nothing else is there yet.
"""

import os
import secrets
import sys
from pathlib import Path

FILE = Path(__file__).absolute().parent.parent / ".env"
PASSWORDS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "MINIO_PASSWORD", "FLOWER_PASSWORD", "GRAFANA_PASSWORD")
"""Each is letters and digits alone, for most of them stand in URLs."""
_HEAD = "# Passwords of docker-compose.yml, made by `python3 -m standalone.compose_env` for this machine alone.\n"


def completed(text: str) -> str:
    """Give the file's text with every password that it lacks."""
    there = {line.partition("=")[0].strip() for line in text.splitlines()}
    missing = [f"{name}={secrets.token_hex(24)}\n" for name in PASSWORDS if name not in there]
    whole = text if not text or text.endswith("\n") else f"{text}\n"
    return (whole or _HEAD) + "".join(missing)


def write(file: Path) -> bool:
    """Make or complete the file, readable by its owner alone; whether anything was added."""
    before = file.read_text() if file.exists() else ""
    after = completed(before)
    if after != before:
        new = file.with_name(f"{file.name}.new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(after)
        new.replace(file)
    file.chmod(0o600)
    return after != before


def main() -> int:
    """Say what was done."""
    done = "passwords written to" if write(FILE) else "nothing to add to"
    print(f"shipd: {done} {FILE.name}; now:  docker compose up --build --wait")  # noqa: T201 - this is a command
    return 0


if __name__ == "__main__":
    sys.exit(main())
