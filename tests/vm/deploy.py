"""A platform on the machine, as an operator would have it: set up, asked by TLS for verdicts, and set up once more.

boot    Debian 12 with PostgreSQL and Redis as its packages have them
play    `ansible/site.yml`: common, release, api (nginx with TLS by a CA of its own), worker
ask     submissions by https, with the certificate verified; their usage must come from control groups
again   the same play once more, which must change nothing
"""

import json
import secrets
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from tests.vm import host, play
from tests.vm.inventory import NAME, Inventory
from tests.vm.machine import Machine

GRADED_S = 600
RETRY_S = 5
LIMITS = {"timeout_ms": 15_000, "wall_timeout_ms": 60_000}


@dataclass(frozen=True)
class Case:
    """A program, what it is run with, and the verdict that it should get."""

    title: str
    verdict: str
    request: Mapping[str, object]


def _case(title: str, verdict: str, language: str, source: str, **limits: int) -> Case:
    request = {
        "language": language,
        "source": {"type": "code", "content": source},
        "test_cases": [{"input": "20 22\n", "expected_output": "42\n"}],
        "constraints": LIMITS | limits,
    }
    return Case(title, verdict, request)


CASES = (
    _case("adds", "AC", "python", "print(sum(map(int, input().split())))\n"),
    _case(
        "takes all memory",
        "MLE",
        "c",
        "#include <stdlib.h>\n#include <string.h>\n"
        "int main(void) { for (;;) { char *more = malloc(1 << 20); if (more) memset(more, 1, 1 << 20); } }\n",
        memory_mb=32,
    ),
)


def deploy(machine: Machine, state: Path) -> bool:
    """Do all of it; False where something is not as it should be."""
    release = _release(state)
    inventory = Inventory(state / "deploy" / "inventory")
    inventory.write(machine)
    _start_servers(machine, inventory)
    return (
        _played(machine, inventory, release, state / "play-first.log", None)
        and _ask(machine, inventory)
        and _played(machine, inventory, release, state / "play-second.log", 0)
    )


def _played(machine: Machine, inventory: Inventory, release: str, log: Path, wanted: int | None) -> bool:
    """Play it; whether it went well, and changed as much as is wanted."""
    title = log.stem.removeprefix("play-")
    host.say(f"the {title} run of ansible/site.yml; all it says: {log.relative_to(host.TREE)}")
    played = play.play(machine, inventory, release, log)
    play.tell(played, log)
    if played.changed is None or wanted not in (None, played.changed):
        host.say(f"the {title} run was not what it should be")
        return False
    return True


def _release(state: Path) -> str:
    """Pack this tree."""
    argv = [sys.executable, str(host.TREE / "ansible" / "make-release"), str(state / "deploy")]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def _start_servers(machine: Machine, inventory: Inventory) -> None:
    host.say("starting PostgreSQL and Redis")
    machine.ask(["tee", "--append", "/etc/redis/redis.conf"], f"\nrequirepass {inventory.redis_password}\n")
    machine.ask(["systemctl", "enable", "--now", "--quiet", "redis-server", "postgresql"])
    made = (
        f"CREATE ROLE shipd LOGIN PASSWORD '{inventory.postgres_password}';\n"
        "CREATE DATABASE shipd OWNER shipd TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';\n"
    )
    machine.ask(["env", "-C", "/", "runuser", "-u", "postgres", "--", "psql", "-qX", "-v", "ON_ERROR_STOP=1"], made)


def _ask(machine: Machine, inventory: Inventory) -> bool:
    """Send the programs by https and look at what comes back."""
    host.say("making an API key with `shipd keys create`")
    made = json.loads(machine.ask(["/usr/local/sbin/shipd", "keys", "create", "vm", "--json"]))
    trusted = ssl.create_default_context(cafile=str(inventory.ca))
    url = f"https://127.0.0.1:{machine.at[443]}"
    headers = {"Authorization": f"Bearer {made['key']}"}
    with httpx.Client(base_url=url, verify=trusted, headers=headers, timeout=300, trust_env=False) as api:
        _tell_connection(machine)
        right = [_is_right(api, case) for case in CASES]
    return all(right)


def _tell_connection(machine: Machine) -> None:
    kind = machine.ask(["stat", "--file-system", "--format=%T", "/sys/fs/cgroup"]).strip()
    kernel = machine.ask(["uname", "-r"]).strip()
    host.say(f"the machine: Linux {kernel}, /sys/fs/cgroup is {kind}")


def _is_right(api: httpx.Client, case: Case) -> bool:
    began = time.monotonic()
    execution = _graded(api, case)
    result = execution["test_results"][0]
    telemetry = execution["telemetry"]
    # Only usage that was not counted by control groups names its source.
    source = (result["usage"] or {"source": "none"}).get("source", "cgroup")
    host.say(
        f"https: {case.title}: {execution['verdict']} (expected {case.verdict}), usage_source {source},"
        f" host {telemetry['host']}, cpu {result['usage']['cpu_time_ms']} ms,"
        f" memory {result['usage']['memory_bytes']} bytes, {time.monotonic() - began:.0f} s after it was sent"
    )
    return (execution["verdict"], source, telemetry["host"]) == (case.verdict, "cgroup", NAME)


def _graded(api: httpx.Client, case: Case) -> dict[str, Any]:
    """Send it and wait until it is graded. Raises httpx.HTTPError, TimeoutError."""
    answer = _sent(api, case)
    deadline = time.monotonic() + GRADED_S
    while True:
        if answer.is_error:
            raise SystemExit(f"shipd: {answer.http_version} {answer.status_code}: {answer.text}")
        execution: dict[str, Any] = answer.json()["execution"]
        if execution["verdict"] is not None:
            return execution
        if time.monotonic() > deadline:
            raise TimeoutError(f"{case.title} is {execution['state']} after {GRADED_S} s")
        answer = api.get(f"/v1/submissions/{answer.json()['id']}", params={"wait": 60})


def _sent(api: httpx.Client, case: Case) -> httpx.Response:
    """Send it, again where a part is not quick enough for time-outs that are made for machines."""
    own = {"Idempotency-Key": secrets.token_hex(8)}
    deadline = time.monotonic() + GRADED_S
    while True:
        answer = api.post("/v1/submissions", json=case.request, params={"wait": 60}, headers=own)
        if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
            return answer
        host.say(f"https: {case.title}: 503, so once more in {RETRY_S} s")
        time.sleep(RETRY_S)
