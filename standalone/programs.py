"""The programs that make up the platform, as data, and the supervisor configuration that runs them (pure)."""

import os
import shlex
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from standalone import tied

TREE = Path(__file__).absolute().parent.parent
API_PROCESSES = 2
API_THREADS = 24
"""A request with `?wait` holds a thread, for half a second at the most where the stream process is up."""
STREAM_CONNECTIONS = 20_000
SOCKET_PATH_MAX = 107
"""Of the kernel, for a unix socket's."""


GROUPS = {"servers": 10, "platform": 50}
"""What runs together, with supervisor's priority: all of the platform is told to stop at once, then the servers."""


@dataclass(frozen=True)
class Program:
    """One program that supervisor keeps running.

    Only the process itself is asked to stop, not its group: gunicorn, Celery and PostgreSQL end their children in
    order, and a worker's child that got the signal too would drop the execution that it should finish. What does not
    end in `stop_wait_s` seconds is killed with its whole group.
    """

    name: str
    argv: tuple[str, ...]
    stop_signal: signal.Signals = signal.SIGTERM
    stop_wait_s: int = 15
    start_s: int = 10
    """Ending earlier than this is a failed start; after four of them it is given up."""
    group: str = "platform"
    """One of GROUPS."""

    @property
    def full_name(self) -> str:
        """What supervisor calls it."""
        return f"{self.group}:{self.name}"


def api(port: int) -> Program:
    """Give the HTTP API on 127.0.0.1:`port`."""
    return _python(
        "api",
        *("gunicorn", "app.wsgi:application", "--bind", f"127.0.0.1:{port}"),
        *("--worker-class", "gthread", "--workers", str(API_PROCESSES), "--threads", str(API_THREADS)),
        # The control socket would be shared by every gunicorn of this user.
        *("--graceful-timeout", "10", "--no-control-socket"),
    )


def stream(socket: Path) -> Program:
    """Give the process that the API gives connections to which may be open for long, at a private `socket`."""
    if len(os.fsencode(socket)) > SOCKET_PATH_MAX:
        raise ValueError(f"SHIPD_STREAM_SOCKET={socket} is longer than {SOCKET_PATH_MAX} bytes; name a shorter path")
    return _python(
        "stream",
        *("gunicorn", "app.wsgi:application", "--bind", f"unix:{socket}", "--umask", "0o177"),
        *("--worker-class", "streams.worker.StreamWorker", "--workers", "1"),
        *("--worker-connections", str(STREAM_CONNECTIONS), "--graceful-timeout", "10", "--no-control-socket"),
    )


def worker() -> Program:
    """Give the worker; at the end it has half a minute to finish what it holds, or to give it back."""
    return _python("worker", "workers", stop_wait_s=30)


def beat() -> Program:
    """Give the sweeper and its clock. It can be asked nothing: that it goes on is its health."""
    return _python("beat", "workers", "beat", start_s=3)


def deliver() -> Program:
    """Give the process that delivers webhooks; an attempt takes ten seconds at the most."""
    return _python("deliver", "workers", "deliver", start_s=3)


def flower(port: int) -> Program:
    """Give Flower on 127.0.0.1:`port`; its password comes in the environment (FLOWER_BASIC_AUTH).

    For its list of tasks it asks workers for an event at every step of every task, which costs as much CPU time as all
    else that Celery does: FLOWER_ENABLE_EVENTS=False in the environment leaves the list empty. Tasks are told apart by
    their argument, the id of what they do; Celery's own ids say nothing to anybody.
    """
    return _python(
        "flower",
        *("celery", "--app", "workers.main:celery", "flower"),
        *("--address=127.0.0.1", f"--port={port}", "--persistent=False"),
        "--tasks_columns=name,args,uuid,state,received,runtime,worker",
    )


def _python(name: str, module: str, *arguments: str, stop_wait_s: int = 15, start_s: int = 10) -> Program:
    argv = (sys.executable, "-m", module, *arguments)
    return Program(name, argv, stop_wait_s=stop_wait_s, start_s=start_s)


def configuration(programs: Sequence[Program], *, socket: str, root: bool) -> str:
    """Write supervisor's configuration: commands come through `socket`, and every program is tied to it.

    Paths are relative to the folder it runs in: in some of them supervisor reads percent signs twice. The programs'
    environment is supervisor's own, so no secret stands in this file. None of them starts by itself.
    """
    head: dict[str, dict[str, object]] = {
        "supervisord": {
            "nodaemon": "true",
            "logfile": "logs/supervisord.log",
            "pidfile": "supervisord.pid",
            **({"user": "root"} if root else {}),
        },
        "unix_http_server": {"file": socket, "chmod": "0700"},
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface",
        },
    }
    groups = {
        f"group:{name}": {"programs": ",".join(program.name for program in members), "priority": priority}
        for name, priority in GROUPS.items()
        if (members := [program for program in programs if program.group == name])
    }
    sections = {**head, **groups, **{f"program:{program.name}": _section(program) for program in programs}}
    return "\n".join(
        f"[{title}]\n" + "".join(f"{key} = {_plain(value)}\n" for key, value in section.items())
        for title, section in sections.items()
    )


def _section(program: Program) -> dict[str, object]:
    return {
        "command": _Raw(_command(program)),
        "directory": TREE,
        "autostart": "false",
        "autorestart": "true",
        "startsecs": program.start_s,
        "stopsignal": program.stop_signal.name.removeprefix("SIG"),
        "stopwaitsecs": program.stop_wait_s,
        "stopasgroup": "false",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": f"logs/{program.name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 1,
    }


class _Raw(str):
    """A value whose percent signs are supervisor's."""

    __slots__ = ()


def _command(program: Program) -> str:
    # Its pid is not known yet: supervisor fills it in from what `tied` left in its environment.
    pid = f"%(ENV_{tied.OWN_PID})s"
    marker = "@supervisor@"
    command = shlex.join(tied.argv(program.argv, on_death=program.stop_signal, parent=marker))
    return command.replace("%", "%%").replace(marker, pid)


def _plain(value: object) -> str:
    return value if isinstance(value, _Raw) else str(value).replace("%", "%%")
