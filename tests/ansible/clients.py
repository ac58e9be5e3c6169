"""Clients of an API that was set up on a machine, and another release to go to."""

import gzip
import io
import itertools
import json
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.ansible.sites import Site

SHIPD = "/usr/local/sbin/shipd"
# What asks the API from where its clients are: the controller's namespace.
ASK = """
import json, ssl, sys, urllib.error, urllib.request
method, url, authority, headers, body = json.load(sys.stdin)
context = ssl.create_default_context(cafile=authority)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
data = None if body is None else json.dumps(body).encode()
request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers}, method=method)
try:
    with opener.open(request, timeout=90) as answer:
        print(json.dumps([answer.status, answer.read().decode()]))
except urllib.error.HTTPError as error:
    print(json.dumps([error.code, error.read().decode()]))
"""
HELLO = {
    "language": "python",
    "source": {"type": "code", "content": "print(input()[::-1])"},
    "test_cases": [{"input": "ab", "expected_output": "ba"}],
}


@dataclass
class Api:
    """The API through nginx and TLS, as a client on another machine sees it."""

    site: Site
    key: str
    host: str = "one"
    """The machine that is asked."""

    def ask(
        self, method: str, path: str, body: object = None, *, port: int = 443, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Send one request; the certificate is verified."""
        url = f"https://{self.site.machines[self.host].address}:{port}{path}"
        known = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        asked = json.dumps([method, url, str(self.site.authority), known, body])
        argv = self.site.network.inside([sys.executable, "-c", ASK])
        done = subprocess.run(argv, input=asked, capture_output=True, text=True, check=True)
        status, text = json.loads(done.stdout)
        return int(status), str(text)

    def submit(self, **more: object) -> tuple[int, str]:
        """Send hello world and wait for its end."""
        return self.ask("POST", "/v1/submissions?wait=60", {**HELLO, **more})


def made(site: Site, host: str = "one") -> Api:
    """Give the API of a machine, asked with an administrator's key."""
    created = site.machines[host].run([SHIPD, "keys", "create", "tests", "--role", "admin", "--json"])
    return Api(site, str(json.loads(created.stdout)["key"]), host)


def verdict(text: str) -> object:
    """Read it from an answer."""
    return json.loads(text)["execution"]["verdict"]


@dataclass
class Flow:
    """Submissions that keep coming, to one API after the other."""

    answers: list[tuple[int, str]] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def keep_on(self, apis: Sequence[Api]) -> None:
        """Send one after the other until told to stop."""
        for api in itertools.cycle(apis):
            if self.stop.is_set():
                return
            self.answers.append(api.submit())

    @property
    def not_graded(self) -> list[tuple[int, str]]:
        """What did not get its verdict."""
        return [(status, text) for status, text in self.answers if status != 201 or verdict(text) != "AC"]


@contextmanager
def flowing(*apis: Api) -> Iterator[Flow]:
    """Have two clients send submissions for as long as the block lasts."""
    flow = Flow()
    threads = [threading.Thread(target=flow.keep_on, args=(apis,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield flow
    finally:
        flow.stop.set()
        for thread in threads:
            thread.join()


def another_release(site: Site, folder: Path) -> Path:
    """Pack the same tree with one file more."""
    (before,) = site.folder.glob("shipd-*.tar.gz")
    packed = io.BytesIO(gzip.decompress(before.read_bytes()))
    with tarfile.open(fileobj=packed, mode="a") as archive:
        archive.addfile(tarfile.TarInfo("ANOTHER"), io.BytesIO())
    path = folder / before.name.replace(".tar.gz", ".another.tar.gz")
    path.write_bytes(gzip.compress(packed.getvalue()))
    return path
