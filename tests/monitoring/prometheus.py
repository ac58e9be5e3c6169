"""A Prometheus of one test run: Debian's, on 127.0.0.1, with its data in a folder of its own."""

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
import yaml

from standalone import ports
from tests.waiting import eventually

RULES = Path(__file__).absolute().parents[2] / "ansible" / "roles" / "monitoring" / "files" / "rules"


def program(name: str) -> str:
    """Find one of Debian's package `prometheus`."""
    found = shutil.which(name)
    assert found is not None, f"{name} is missing: apt-get install prometheus (.ci/run does)"
    return found


def promtool(*arguments: str) -> str:
    """Give what it says; it fails with what it finds wrong."""
    done = subprocess.run([program("promtool"), *arguments], capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Prometheus:
    """One that runs."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            return requests.get(f"{self.url}/-/ready", timeout=2).ok
        except (requests.ConnectionError, requests.Timeout):
            return False

    def ask(self, what: str, **parameters: object) -> Any:
        """Give the data of an answer of its API; it fails with what is wrong."""
        answer = requests.get(f"{self.url}/api/v1/{what}", parameters, timeout=20)  # type: ignore[arg-type] # it takes any
        assert answer.ok, f"{parameters}: {answer.text}"
        return answer.json()["data"]

    def found(self, query: str) -> list[Any]:
        """Give what a query finds now."""
        return list(self.ask("query", query=query)["result"])

    def drawn(self, query: str, seconds: int = 30) -> list[Any]:
        """Give what a dashboard would draw of the last seconds."""
        now = time.time()
        return list(self.ask("query_range", query=query, start=now - seconds, end=now, step=2)["result"])


@contextmanager
def running(folder: Path, targets: Mapping[str, int]) -> Iterator[Prometheus]:
    """Start one that asks these ports, by job, twice a second, and has all of our rules."""
    port = ports.choose(1)[0]
    jobs = [
        {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]} for job, target in targets.items()
    ]
    often = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "1s"}
    settings = {"global": often, "rule_files": [str(RULES / "*.yml")], "scrape_configs": jobs}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    argv = [program("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [*argv, f"--web.listen-address=127.0.0.1:{port}"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        made = Prometheus(port)
        eventually(lambda: _alive(process, folder) and made.ready())
        yield made
    finally:
        process.terminate()
        process.wait(15)


def _alive(process: "subprocess.Popen[bytes]", folder: Path) -> bool:
    assert process.poll() is None, (folder / "prometheus.log").read_text()[-2000:]
    return True
