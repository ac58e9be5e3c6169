"""A RabbitMQ of a test run: Debian's, one node of one folder, which listens on 127.0.0.1 alone.

Erlang's nodes find each other by a process of their own, epmd, which outlives them where they start it. So it is
started here, with a port of its own, and ends with the tests as the node does.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import amqp

from standalone import ports, secret, tied
from standalone.servers import STOP_S, Server, ServerError

BINARY = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
"""Not the one in PATH, which becomes another user by a shell."""
START_S = 90
ASK_S = 2


class RabbitMQ(Server):
    """Keeps queues and messages in its folder; may be started again."""

    name = "rabbitmq"
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path, port: int, *, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__(folder, port, environ=environ)
        self._epmd: subprocess.Popen[bytes] | None = None
        self._epmd_port, self._node_port = ports.choose(2)

    @property
    def url(self) -> str:
        return f"amqp://shipd:{self.password}@127.0.0.1:{self.port}//"

    def prepare(self) -> None:
        """Write its configuration, which holds the password and so is as private."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        settings = {
            "listeners.tcp.1": f"127.0.0.1:{self.port}",
            "default_user": "shipd",
            "default_pass": self.password,
            "log.console": "true",
            "log.console.level": "warning",
            "log.file": "false",
            # A test machine's disk may be nearly full; nothing of a test is large.
            "disk_free_limit.absolute": "10MB",
            "vm_memory_high_watermark.absolute": "512MB",
        }
        secret.write(self.folder / "rabbitmq.conf", "".join(f"{name} = {value}\n" for name, value in settings.items()))
        (self.folder / "enabled_plugins").write_text("[].\n")
        self._environ = {
            **self._environ,
            "HOME": str(self.folder),  # where Erlang makes the secret of its nodes
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_ALLOW_INPUT": "1",  # so that the script becomes the node, and signals reach it
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none.conf"),
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_NODENAME": f"shipd{self.port}@localhost",
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} -noinput +S 2:2 +sbwt none"
            ),
        }

    def argv(self) -> list[str]:
        return [str(BINARY)]

    def start(self) -> None:
        """Start epmd, then the node. Raises ServerError."""
        if not BINARY.exists():
            raise ServerError(f"there is no {BINARY}: install Debian's rabbitmq-server, as .ci/run does")
        if self._epmd is None:
            argv = ["epmd", "-address", "127.0.0.1", "-port", str(self._epmd_port)]
            self._epmd = subprocess.Popen(tied.argv(argv, on_death=signal.SIGKILL), stdin=subprocess.DEVNULL)
        super().start()

    def wait(self, alive: Callable[[], bool], timeout_s: float = START_S) -> None:
        """Wait longer than for others: 4 s where nothing else runs."""
        super().wait(alive, timeout_s)

    def kill(self) -> None:
        """End the node at once, as a power cut would; it may be started again."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def close(self) -> None:
        """End both for good."""
        self.stop()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait(STOP_S)
            self._epmd = None

    def answers(self) -> bool:
        try:
            with amqp.Connection(
                host=f"127.0.0.1:{self.port}", userid="shipd", password=self.password, connect_timeout=ASK_S
            ):
                return True
        except (amqp.AMQPError, OSError):
            return False
