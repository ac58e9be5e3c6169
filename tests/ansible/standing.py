"""PostgreSQL and Redis in the network of one machine, for tests of roles that are not theirs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from standalone.servers import Postgres, Valkey
from tests.ansible.machine import Machine

_ASK_POSTGRES = "import os, psycopg; psycopg.connect(os.environ['SERVER'], connect_timeout=2).close()"
_ASK_REDIS = "import os, redis; redis.Redis.from_url(os.environ['SERVER'], socket_timeout=2).ping()"


class _Near(Postgres):
    machine: Machine

    def argv(self) -> list[str]:
        return self.machine.network.inside(super().argv(), self.machine.namespace)

    def answers(self) -> bool:
        return _asked(self.machine, _ASK_POSTGRES, self.url)


class _NearValkey(Valkey):
    machine: Machine

    def argv(self) -> list[str]:
        return self.machine.network.inside(super().argv(), self.machine.namespace)

    def answers(self) -> bool:
        return _asked(self.machine, _ASK_REDIS, self.url)


def _asked(machine: Machine, code: str, url: str) -> bool:
    argv = machine.network.inside([sys.executable, "-c", code], machine.namespace)
    done = subprocess.run(
        argv, stdin=subprocess.DEVNULL, capture_output=True, env={**os.environ, "SERVER": url}, check=False
    )
    return done.returncode == 0


@contextmanager
def servers(machine: Machine, folder: Path) -> Iterator[dict[str, str]]:
    """Start both on the machine's 127.0.0.1; gives the variables of playbooks that name them."""
    postgres = _Near(folder / "postgres", 5432, durable=False)
    valkey = _NearValkey(folder / "valkey", 6379)
    postgres.machine = valkey.machine = machine
    for server in (postgres, valkey):
        server.folder.mkdir(parents=True)
    with postgres, valkey:
        yield {
            "shipd_database_url": postgres.url,
            "shipd_migrate_database_url": postgres.url,
            "shipd_redis_url": valkey.url,
        }
