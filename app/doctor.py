"""What `shipd doctor` looks at: the servers, the schema, the languages of this machine, and its sandbox.

The sandbox is asked by running its own doctor as a command: this package must not import it.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg

import migrations
from app import readiness
from app.readiness import Check
from domain.db import Database
from domain.languages import Languages
from domain.settings import TREE, Settings

SANDBOX_TIMEOUT_S = 60


@dataclass(frozen=True)
class SandboxReport:
    """What the sandbox's doctor said: whether jails can run, and its own text or JSON."""

    ok: bool
    text: str
    data: object


def platform_checks() -> Iterator[Check]:
    """Ask the servers, and compare the schema with the newest migration; or say which setting is missing."""
    try:
        settings = Settings.from_environment()
    except ValueError as error:
        yield Check("settings", ok=False, message=str(error))
        return
    with closing(Database(settings.database_url, min_size=0)) as db:
        checks = readiness.checks(db, readiness.connect_redis(settings.redis_url))
    yield from checks
    yield _schema(settings) if checks[0].ok else Check("migrations", ok=False, message="unknown without PostgreSQL")


def _schema(settings: Settings) -> Check:
    try:
        found = migrations.version(settings.database_url)
    except psycopg.Error as error:
        return Check("migrations", ok=False, message=f"cannot be read: {error}")
    if found.is_newest:
        return Check("migrations", ok=True, message=f"at {found.current}, the newest")
    message = f"at {found.current or 'none'}, the newest is {found.newest}; run `python -m migrations upgrade`"
    return Check("migrations", ok=False, message=message)


def language_checks(jail_configs: Path = TREE / "jail-configs") -> Iterator[Check]:
    """Look for each language's compiler or interpreter on this machine, and name the command that installs it."""
    languages = Languages.load(jail_configs / "languages")
    for language in sorted(languages.known.values(), key=lambda known: known.name):
        program = Path(language.version_argv[0])
        if program.exists():
            yield Check(language.name, ok=True, message=str(program))
        else:
            yield Check(language.name, ok=False, message=f"{program} is missing; run `{language.install}`")


def sandbox_report(*, as_json: bool) -> SandboxReport:
    """Run the sandbox's own doctor."""
    argv = [sys.executable, "-m", "sandbox", "doctor", *(["--json"] if as_json else [])]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=SANDBOX_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return SandboxReport(ok=False, text=f"did not answer within {SANDBOX_TIMEOUT_S} s", data=None)
    text = (done.stdout + done.stderr).strip()
    return SandboxReport(ok=done.returncode == 0, text=text, data=_parsed(done.stdout) if as_json else None)


def _parsed(text: str) -> object:
    try:
        data: object = json.loads(text)
    except json.JSONDecodeError:
        return None
    return data
