"""What `shipd doctor` looks at: the servers, the schema, the languages of this machine, and its sandbox.

The sandbox is asked by running its own doctor as a command: this package must not import it.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import psycopg

import migrations
from app import readiness
from app.readiness import Check
from domain import blob_stores, oidc_keys, oidc_settings, queue
from domain.blob_stores import Trials
from domain.blobs import BlobStore
from domain.db import Database
from domain.languages import Languages
from domain.settings import TREE, Settings

SANDBOX_TIMEOUT_S = 60


def read_settings() -> Settings | Check:
    """Read the settings, or say which one is missing: a bare machine has none, and is examined all the same."""
    try:
        return Settings.from_environment()
    except ValueError as error:
        return Check("settings", ok=False, message=str(error))


def platform_checks(settings: Settings | Check) -> Iterator[Check]:
    """Ask the servers, and compare the schema with the newest migration."""
    if isinstance(settings, Check):
        yield settings
        return
    with closing(Database(settings.database_url, min_size=0, pooler=settings.db_pooler)) as db:
        blobs = blob_stores.of(settings, blob_stores.QUICK)
        trials = blob_stores.Trials(blobs)
        apart = settings.broker_url != settings.redis_url
        broker = partial(queue.ask, queue.make_celery(settings)) if apart else None
        checks = readiness.checks(db, readiness.connect_redis(settings.redis_url), trials, broker)
    yield from (_blob_store(blobs, trials) if check.name == "blobs" else check for check in checks)
    yield _schema(settings) if checks[0].ok else Check("migrations", ok=False, message="unknown without PostgreSQL")
    yield from _identity(settings)


def _blob_store(blobs: BlobStore, trials: Trials) -> Check:
    """Tell the operator where blobs are, and what is wrong there."""
    fault = trials.fault()
    said = f"{blobs.place()}: " + ("put, read and removed one" if fault is None else fault)
    return Check("blobs", ok=fault is None, message=said)


def _identity(settings: Settings) -> Iterator[Check]:
    """Fetch the keys of every identity provider that is trusted."""
    try:
        issuers = oidc_settings.load(settings.oidc_file)
    except ValueError as error:
        yield Check("identity", ok=False, message=str(error))
        return
    for issuer in issuers:
        try:
            found = oidc_keys.fetch(issuer)
        except oidc_keys.ProviderError as error:
            yield Check(f"identity {issuer.url}", ok=False, message=f"no keys: {error}")
        else:
            yield Check(f"identity {issuer.url}", ok=True, message=f"has {len(found)} keys")


def _schema(settings: Settings) -> Check:
    try:
        found = migrations.version(settings.database_url)
    except psycopg.Error as error:
        return Check("migrations", ok=False, message=f"cannot be read: {error}")
    if found.is_newest:
        return Check("migrations", ok=True, message=f"at {found.current}, the newest")
    message = f"at {found.current or 'none'}, the newest is {found.newest}; run `python -m migrations upgrade`"
    return Check("migrations", ok=False, message=message)


def language_checks(settings: Settings | Check) -> Iterator[Check]:
    """Look for each language's compiler or interpreter on this machine, and name the command that installs it."""
    jail_configs = settings.jail_configs if isinstance(settings, Settings) else TREE / "jail-configs"
    known = Languages.load(jail_configs / "languages").known
    for language in sorted(known.values(), key=lambda one: one.name):
        program = Path(language.version_argv[0])
        if program.exists():
            yield Check(language.name, ok=True, message=str(program))
        else:
            yield Check(language.name, ok=False, message=f"{program} is missing; run `{language.install}`")


def cache_checks(settings: Settings | Check) -> list[Check]:
    """Ask what was made to save compilers time; what is missing makes them slower and nothing else."""
    own = [] if isinstance(settings, Check) else ["--folder", str(settings.cache_dir)]
    argv = [sys.executable, "-m", "workers", "caches", "--check", *own]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=SANDBOX_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return [Check("caches", ok=False, message=f"no answer within {SANDBOX_TIMEOUT_S} s")]
    return [_cache(*line.partition(": ")[::2]) for line in done.stdout.splitlines()]


def _cache(name: str, said: str) -> Check:
    ready = said == "ready"
    return Check(name, ok=ready, message=said if ready else f"{said}; run `python -m workers caches`")


def sandbox_checks(settings: Settings | Check) -> list[Check]:
    """Run the sandbox's own doctor, with the settings that the workers would give it."""
    argv = [sys.executable, "-m", "sandbox", *_sandbox_options(settings), "doctor", "--json"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=SANDBOX_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return [Check("doctor", ok=False, message=f"did not answer within {SANDBOX_TIMEOUT_S} s")]
    try:
        return [_finding(found) for found in json.loads(done.stdout)]
    except (json.JSONDecodeError, TypeError, KeyError):
        said = (done.stderr or done.stdout).strip()
        return [Check("doctor", ok=False, message=f"failed with exit code {done.returncode}: {said}")]


def _sandbox_options(settings: Settings | Check) -> list[str]:
    if isinstance(settings, Check):
        return []
    return [
        *("--state", str(settings.state_dir)),
        *("--configs", str(settings.jail_configs)),
        *("--cgroups", settings.cgroups),
        *_room_options(settings),
    ]


def _room_options(settings: Settings) -> Iterator[str]:
    said = {
        "--slots": settings.slots,
        "--host-memory": settings.memory_mb,
        "--host-reserve": settings.reserve_mb,
        "--host-disk": settings.disk_mb,
        "--pool": settings.pool_mb,
    }
    for option, value in said.items():
        if value is not None:
            yield from (option, str(value))


def _finding(found: dict[str, str]) -> Check:
    """Take over a finding of the sandbox's; what a host can do without is no fault."""
    fix = f"; mend it with `{found['fix']}`" if found["fix"] else ""
    return Check(found["name"], ok=bool(found["ok"] or not found["needed"]), message=found["detail"] + fix)
