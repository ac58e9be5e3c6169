"""How soon another region takes over when one is killed: `python -m benchmarks.failover [--json]`.

On a platform of its own: one worker in the region `eu` and one in `us`, both on this machine. While submissions come
steadily that ask for `eu`, everything of the worker there is killed at once, as by a power cut. The clock runs from
there until the first submission that was sent after it has its result, until all that were sent before have theirs,
and, when the worker is started again and says so, until the first one runs in `eu` again.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import psutil
from rich.console import Console
from rich.table import Table

from sandbox import SandboxConfig, SandboxError, detect
from standalone.client import Client
from standalone.programs import Program
from standalone.stack import Stack

EVERY_S = 0.25
QUEUED = 10
"""So many wait in the region when it is killed."""
PATIENCE_S = 180.0
BODY: Mapping[str, object] = {
    "language": "python",
    "source": {"type": "code", "content": f"import time; time.sleep({EVERY_S}); print('done')"},
    "test_cases": [{"expected_output": "done"}],
    "region": "eu",
}


@dataclass
class Region:
    """The worker that is killed."""

    platform: Stack
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def environ(self) -> Mapping[str, str]:
        """What makes it a host of its own."""
        settings = self.platform.settings
        own = {
            "SHIPD_HOST": "eu-1",
            "SHIPD_REGION": "eu",
            "SHIPD_STATE_DIR": str(self.folder),
            "SHIPD_BLOB_DIR": str(settings.blob_dir),
            "SHIPD_INSTANCE": f"{settings.instance}-eu",
            "SHIPD_METRICS_PORT": "",
        }
        return {**self.platform.environ, **own}

    def start(self) -> None:
        """Start it, without waiting for it."""
        argv = [sys.executable, "-m", "workers"]
        with (self.folder / "worker.log").open("ab") as log:
            self.process = subprocess.Popen(argv, env=dict(self.environ), stdout=log, stderr=log)

    def kill(self) -> None:
        """Kill it with all below it; only processes that it started."""
        if self.process is None or self.process.poll() is not None:
            return
        below = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()
        for one in below:
            with suppress(psutil.NoSuchProcess):
                one.kill()

    def end(self) -> None:
        """Kill it, and remove the control groups of its jails."""
        self.kill()
        own = self.platform.settings
        config = SandboxConfig(f"{own.instance}-eu", self.folder, own.jail_configs, own.cgroups)
        with suppress(SandboxError):  # a host without control groups
            detect.hierarchy(config).forget()


class Sending:
    """Submissions, with when each was sent."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.sent: dict[str, float] = {}

    def send(self) -> str:
        """Send one. Raises ClickException where it is refused."""
        began = time.monotonic()
        answer = self._client.post("/v1/submissions", BODY)
        if answer.status != 201:
            raise click.ClickException(f"HTTP {answer.status}: {answer.body}")
        own_id = str(answer.body["id"])
        self.sent[own_id] = began
        return own_id

    def is_known(self) -> bool:
        """Whether the region has had a host: before that a wish for it is refused."""
        return self._client.post("/v1/submissions", BODY).status == 201

    def execution(self, own_id: str) -> Mapping[str, Any]:
        """Read how one is."""
        found = self._client.get(f"/v1/submissions/{own_id}").body["execution"]
        assert isinstance(found, dict)  # noqa: S101 - the API says so
        return found

    def is_done(self, own_id: str) -> bool:
        """Whether one has its result."""
        return bool(self.execution(own_id)["state"] == "done")

    def region(self, own_id: str) -> str:
        """Say where one ran that is done."""
        return str(self.execution(own_id)["telemetry"]["region"])


def wait(look: Callable[[], bool], meanwhile: Callable[[], object] = lambda: None) -> None:
    """Look until it is so, and do something between looks. Raises ClickException where that takes too long."""
    deadline = time.monotonic() + PATIENCE_S
    while not look():
        if time.monotonic() > deadline:
            raise click.ClickException(f"waited {PATIENCE_S:.0f} s in vain")
        meanwhile()
        time.sleep(EVERY_S / 5)


def wait_for(sending: Sending, region: Region) -> None:
    """Wait until it is run in `eu`. Raises ClickException where the worker there ended."""

    def runs_there() -> bool:
        if region.process is None or region.process.poll() is not None:
            raise click.ClickException(f"the worker in eu ended: {region.folder}/worker.log says why")
        return sending.region(_done(sending)) == "eu"

    wait(runs_there)


def measure(sending: Sending, region: Region) -> dict[str, float]:
    """Kill the region under load, and see what becomes of it; gives seconds and counts."""
    wait(sending.is_known)
    wait_for(sending, region)
    for number in range(QUEUED + 10):
        sending.send()
        time.sleep(EVERY_S if number < 10 else 0)
    before = [own_id for own_id in sending.sent if not sending.is_done(own_id)]
    killed = time.monotonic()
    region.kill()
    after = [sending.send()]

    def send_more() -> None:
        time.sleep(EVERY_S)
        after.append(sending.send())

    wait(lambda: any(sending.is_done(own_id) for own_id in after), send_more)
    found = {"first_result_s": time.monotonic() - killed}
    wait(lambda: all(sending.is_done(own_id) for own_id in before))
    found |= {"sent_before": len(before), "sent_before_done_s": time.monotonic() - killed}
    wait(lambda: all(sending.is_done(own_id) for own_id in after))
    found |= {"sent_after": len(after), "all_done_s": time.monotonic() - killed}
    verdicts = [sending.execution(own_id)["verdict"] for own_id in sending.sent]
    found |= {"submissions": len(verdicts), "wrong": sum(verdict != "AC" for verdict in verdicts)}
    started = time.monotonic()
    region.start()
    wait_for(sending, region)
    return found | {"back_after_start_s": time.monotonic() - started}


def _done(sending: Sending) -> str:
    own_id = sending.send()
    wait(lambda: sending.is_done(own_id))
    return own_id


@contextmanager
def regions(heartbeat_s: float) -> Iterator[tuple[Client, Region]]:
    """Start a platform of two regions, and end it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="failover-", dir=_place())))
        argv = ("/usr/bin/env", "SHIPD_REGION=us", "SHIPD_HOST=us-1", sys.executable, "-m", "workers")
        environ = {"SHIPD_REGION": "eu", "SHIPD_HEARTBEAT_S": f"{heartbeat_s:g}", "SHIPD_SLOTS": "1"}
        for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL"):
            os.environ.pop(name, None)
        worker = Program("worker", argv, stop_wait_s=30)
        platform = stack.enter_context(Stack(folder / "stack", environ=environ, durable=False, worker=worker))
        own = folder / "eu"
        own.mkdir()
        region = Region(platform, own)
        stack.callback(region.end)
        region.start()
        yield platform.client, region


def _place() -> Path:
    place = Path("var/bench").absolute()
    place.mkdir(parents=True, exist_ok=True)
    return place


@click.command()
@click.option("--heartbeat-s", default=10.0, show_default=True, help="SHIPD_HEARTBEAT_S of both regions.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
def main(*, heartbeat_s: float, as_json: bool) -> None:
    """Kill a region, and measure how soon another takes over and how soon it is used again."""
    with regions(heartbeat_s) as (client, region):
        found = {"heartbeat_s": heartbeat_s, **measure(Sending(client), region)}
    if as_json:
        click.echo(json.dumps(found))
        return
    table = Table("", "")
    for name, value in found.items():
        table.add_row(name, f"{value:.2f}")
    Console().print(table)


if __name__ == "__main__":
    main()
