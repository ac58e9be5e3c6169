"""A receiver that tests start and ask what it was sent."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from standalone import tied

SCRIPT = Path(__file__).with_name("receiver.py")


@dataclass(frozen=True)
class Request:
    """One that came; the names of headers are lower case."""

    path: str
    headers: dict[str, str]
    body: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(frozen=True)
class Receiving:
    """A receiver that runs."""

    port: int
    log: Path

    def url(self, path: str, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}/{path}"

    def requests(self, path: str | None = None) -> list[Request]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        found = [json.loads(line) for line in lines]
        return [
            Request(one["path"], {name.lower(): value for name, value in one["headers"].items()}, one["body"])
            for one in found
            if path is None or one["path"] == f"/{path}"
        ]


@contextmanager
def receiving(folder: Path, *arguments: str) -> Iterator[Receiving]:
    """Run a receiver; it ends with the block, and with this process however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "received"
    argv: Sequence[str] = tied.argv([sys.executable, str(SCRIPT), str(log), *arguments], on_death=signal.SIGKILL)
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Receiving(int(process.stdout.readline()), log)
        finally:
            process.kill()
