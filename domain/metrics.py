"""Numbers for Prometheus that several processes count: each keeps its own in files, and one of them adds up when asked.

FOLDER/*.db                 of each process, by prometheus_client
http://HOST:PORT/metrics    all of them together, from whoever called `serve`

Two ways to such a folder: a program that forks its own processes empties one at its start (`share`), and answers alone.
Processes of a server that is not ours (gunicorn) find one by the server that started them (`folder_beside`), and all of
them answer on one port: whichever is asked adds up what all counted.
"""

import os
import shutil
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, Metric, make_wsgi_app, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STARTED_AT, _AFTER_NAME = 22, 3
"""Fields of /proc/PID/stat, as proc(5) counts them: the tick of its start, and the first behind the name."""


def share(folder: Path) -> None:
    """Have every number that this process and its children count from now on kept in a folder, empty at first.

    It comes before the first number is made: what prometheus_client keeps numbers in is otherwise decided when it is
    imported.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.db"):
        old.unlink()
    keep_in(folder)


def keep_in(folder: Path) -> None:
    """Have them kept in a folder beside those of other processes that do the same."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[_FOLDER] = str(folder)
    values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]


def folder_beside(root: Path) -> Path:
    """Name the folder of all processes that one server started, and remove those of servers that are gone."""
    own = _name_of(os.getppid())
    for other in root.glob("*-*"):
        pid = other.name.partition("-")[0]
        if other.name != own and not (pid.isdigit() and _lives(int(pid), other.name)):
            shutil.rmtree(other, ignore_errors=True)  # another process may be at it
    return root / own


def _name_of(server: int) -> str:
    # A pid is given again; together with the tick of its start and the boot that ticks count from it is not. No clock
    # is in it: one that is set while the server runs must not make another server of it.
    stat = Path(f"/proc/{server}/stat").read_text()
    started_at = stat.rpartition(")")[2].split()[_STARTED_AT - _AFTER_NAME]
    return f"{server}-{started_at}-{_BOOT.read_text().strip()}"


def _lives(pid: int, name: str) -> bool:
    try:
        return _name_of(pid) == name
    except (FileNotFoundError, ProcessLookupError):
        return False


class _Added(MultiProcessCollector):
    """What all processes counted, without what those that are gone have at the moment."""

    def collect(self) -> Iterable[Metric]:
        """Add up."""
        for path in Path(os.environ[_FOLDER]).glob("gauge_live*.db"):
            pid = path.stem.rpartition("_")[2]
            if not Path(f"/proc/{pid}").exists():
                forget(int(pid))
        found: Iterable[Metric] = super().collect()  # type: ignore[no-untyped-call]
        return found


def collected(*more: Collector) -> CollectorRegistry:
    """Give what adds up the numbers of all processes, and asks others besides."""
    registry = CollectorRegistry()
    _Added(registry)  # type: ignore[no-untyped-call]
    for collector in more:
        registry.register(collector)
    return registry


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _SharedServer(_Server):
    """One whose port several processes of one user have; each question is put to one of them."""

    allow_reuse_port = True


class _Silent(WSGIRequestHandler):
    """One that logs no questions."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named so by Python
        """Say nothing."""


def bind(host: str, port: int, *, shared: bool = False) -> WSGIServer:
    """Take a port, for `serve`: who asks there waits until then.

    `shared`: other processes of the same user may answer on this port as well. Raises OSError where the port is
    somebody else's.
    """
    return (_SharedServer if shared else _Server)((host, port), _Silent)


def serve(server: WSGIServer, *more: Collector) -> None:
    """Answer Prometheus from a thread, with what `more` find out when they are asked."""
    server.set_app(make_wsgi_app(collected(*more)))
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()


def forget(pid: int) -> None:
    """Let what a process has at the moment (not what it counted) count no more: it has ended."""
    # Several processes answer, and may find the same one gone: whoever was first has removed its files.
    with suppress(FileNotFoundError):
        mark_process_dead(pid)  # type: ignore[no-untyped-call]
