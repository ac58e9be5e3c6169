"""One booted machine: systemd in a container of its own, reached by ssh from the controller's namespace."""

import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from standalone import tied
from tests.ansible import groups, host
from tests.ansible.network import Network
from tests.ansible.rootfs import RootFs
from tests.booted import Booted

BOOT = Path(__file__).with_name("boot.sh")
BOOT_PATIENCE_S = 60


class Machine(Booted):
    """Use it in a `with` statement: it is up inside, and nothing of it is left after it.

    `binds` are folders of this host that it sees, read-only, by the paths that it sees them at.
    """

    def __init__(
        self, name: str, rootfs: RootFs, network: Network, state: Path, binds: dict[str, Path] | None = None
    ) -> None:
        self.name = name
        self.rootfs = rootfs
        self.network = network
        self.state = state
        self.binds = binds or {}
        self.namespace, self.address = network.add()
        self.folder = Path("/run") / self.namespace
        self.console = state / f"{name}.console"
        self.known_hosts = state / f"{name}.known_hosts"
        self.groups: list[Path] = []
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, argv: Sequence[str], *, user: str = "root", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command there over ssh. Raises CalledProcessError, with its output in a note."""
        done = subprocess.run(
            self._ssh(argv, user), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if check and done.returncode != 0:
            error = subprocess.CalledProcessError(done.returncode, list(argv), done.stdout, done.stderr)
            error.add_note(f"{done.stdout}\n{done.stderr}"[-4000:])
            raise error
        return done

    def _boot(self) -> None:
        self.folder.mkdir(mode=0o700)
        self.groups = groups.make(self.namespace)
        self.known_hosts.write_text(f"{self.address} {self.rootfs.host_key}\n")
        binds = [f"--bind-ro={path}:{target}" for target, path in self.binds.items()]
        script = [str(BOOT), str(self.rootfs.root), str(self.folder), self.namespace, self.name, *ALLOWED, *binds]
        # In a session of its own, so that Ctrl-C is ours to answer; tied to us, so that it never outlives us.
        program = tied.argv([*ALONE, *script], on_death=signal.SIGKILL)
        began = time.monotonic()
        with self.console.open("wb") as log:
            self.process = subprocess.Popen(
                program,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(host.TREE)},
                start_new_session=True,
                preexec_fn=lambda: groups.enter(self.groups),  # noqa: PLW1509 - no thread of ours is running
            )
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() - began > BOOT_PATIENCE_S:
                raise RuntimeError(f"{self.name} does not answer by ssh:\n{self.console.read_text()[-3000:]}")
            time.sleep(0.2)
        # Containers mount parts of /proc over, and the kernel lets a jail mount one of its own only where a whole one
        # is to be seen. A real machine has nothing but whole ones.
        self.run(["mkdir", "-p", "/run/whole-proc"])
        self.run(["mount", "-t", "proc", "proc", "/run/whole-proc"])

    def _ssh(self, argv: Sequence[str], user: str = "root") -> list[str]:
        words = [word for name, value in self.ssh_options.items() for word in ("-o", f"{name}={value}")]
        ssh = ["ssh", "-F", "none", *words, "-i", str(self.rootfs.key), f"{user}@{self.address}", shlex.join(argv)]
        return self.network.inside(ssh)

    @property
    def ssh_options(self) -> dict[str, str]:
        """How the machine is reached: by our key, and only if it is the machine that we made."""
        return {
            "BatchMode": "yes",
            "ConnectTimeout": "5",
            "IdentitiesOnly": "yes",
            "LogLevel": "ERROR",
            "UserKnownHostsFile": str(self.known_hosts),
        }

    def _answers(self) -> bool:
        tried = subprocess.run(self._ssh(["true"]), capture_output=True, stdin=subprocess.DEVNULL, check=False)
        return tried.returncode == 0

    def _end(self) -> None:
        if self.process is not None:
            self.process.kill()  # the first process of its namespace dies with it, and so all others
            self.process.wait()
        groups.remove(self.groups)
        if self.folder.exists():
            shutil.rmtree(self.folder)


ALLOWED = (
    # What a machine may do and a container may not, as far as jails and their counters need it.
    "--capability=all",
    "--system-call-filter=perf_event_open keyctl add_key bpf",
)

ALONE = (
    *("unshare", "--mount", "--propagation", "private"),
    # systemd-nspawn alone leaves its container behind when it is killed.
    *("--pid", "--fork", "--kill-child", "--mount-proc"),
)
