"""One emulated machine: booted from an image that it leaves unchanged, reached by ssh on 127.0.0.1, gone with us."""

import contextlib
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from standalone import ports, tied
from tests.booted import Booted
from tests.vm import host

BOOT_PATIENCE_S = 300
END_PATIENCE_S = 10
NOT_COPIED = (".git", "./.venv", "./var", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
KERNEL_LINE = "root=/dev/vda rw console=ttyS0 quiet mitigations=off no5lvl net.ifnames=0"


class Machine(Booted):
    """Use it in a `with` statement: it is up inside, and its process has ended after it.

    `served` are ports of it that are to be reached from here; `at` says by which ports of 127.0.0.1.
    """

    def __init__(self, image: Path, *, cpus: int = 2, memory_mib: int = 3072, served: Sequence[int] = ()) -> None:
        self.image = image
        self.cpus = cpus
        self.memory_mib = memory_mib
        self.at = dict(zip((22, *served), ports.choose(1 + len(served)), strict=True))
        self.port = self.at[22]
        self.state = image.parent
        self.console = self.state / "console.log"
        self.log = self.state / "qemu.log"
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, argv: Sequence[str]) -> int:
        """Run a command there, its output going where ours goes. Gives its exit code; 255 where the line broke."""
        return subprocess.run(self._ssh(argv), stdin=subprocess.DEVNULL, check=False).returncode

    def ask(self, argv: Sequence[str], text: str = "") -> str:
        """Run a command there with `text` for it to read; gives what it says. Raises CalledProcessError."""
        done = subprocess.run(self._ssh(argv), input=text, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout

    def unpack(self, folder: Path, target: str) -> None:
        """Copy what lies in a folder here into a new one there. Raises CalledProcessError."""
        excluded = [f"--exclude={name}" for name in NOT_COPIED]
        pack = ["tar", "--create", *excluded, "--owner=0", "--group=0", "--directory", str(folder), "."]
        unpack = ["sh", "-c", f"mkdir -m 755 {target} && tar --extract --no-same-permissions --directory {target}"]
        with subprocess.Popen(pack, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as packing:
            subprocess.run(self._ssh(unpack), stdin=packing.stdout, check=True)
        if packing.returncode != 0:
            raise subprocess.CalledProcessError(packing.returncode, pack)

    def fetch(self, path: str, target: Path) -> bool:
        """Copy one file here; False where it is not there."""
        with target.open("wb") as file:
            done = subprocess.run(self._ssh(["cat", path]), stdin=subprocess.DEVNULL, stdout=file, check=False)
        if done.returncode != 0:
            target.unlink()
        return done.returncode == 0

    def _boot(self) -> None:
        host.say(f"booting the machine; its console: {self.console.relative_to(host.TREE)}")
        began = time.monotonic()
        # In a session of its own, so that Ctrl-C is ours to answer; tied to us, so that it never outlives us.
        program = tied.argv(self._qemu(), on_death=signal.SIGKILL)
        environment = {**os.environ, "TMPDIR": str(self.state), "PYTHONPATH": str(host.TREE)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                program, stdin=subprocess.DEVNULL, stderr=log, env=environment, start_new_session=True
            )
        while not self._answers():
            if self.process.poll() is not None:
                raise SystemExit(f"shipd: qemu ended with {self.process.returncode}\n{self._last_lines()}")
            if time.monotonic() - began > BOOT_PATIENCE_S:
                raise SystemExit(f"shipd: no answer by ssh after {BOOT_PATIENCE_S} s\n{self._last_lines()}")
            time.sleep(0.5)
        host.say(f"it is up after {time.monotonic() - began:.0f} s")

    def _qemu(self) -> list[str]:
        forwards = [f"hostfwd=tcp:127.0.0.1:{here}-:{there}" for there, here in self.at.items()]
        network = ",".join(["user,id=n0,restrict=on", *forwards])
        return [
            *("qemu-system-x86_64", "-M", "q35", "-accel", "tcg,thread=single,tb-size=512", "-cpu", "max"),
            *("-smp", str(self.cpus), "-m", str(self.memory_mib), "-no-reboot", "-nodefaults"),
            *("-kernel", str(self.image / "vmlinuz"), "-initrd", str(self.image / "initrd"), "-append", KERNEL_LINE),
            # What it writes goes to a file in TMPDIR that has no name any more: the image stays as it was made.
            *("-drive", f"file={self.image / 'disk.img'},if=virtio,format=raw,cache=unsafe,snapshot=on"),
            *("-netdev", network, "-device", "virtio-net-pci,netdev=n0,romfile="),
            *("-object", "rng-random,filename=/dev/urandom,id=r0", "-device", "virtio-rng-pci,rng=r0"),
            *("-serial", f"file:{self.console}", "-monitor", "none", "-display", "none"),
        ]

    @property
    def key(self) -> Path:
        """The private key of its root."""
        return self.image / "key"

    @property
    def ssh_options(self) -> dict[str, str]:
        """How it is reached: by our key alone, and only if it is the machine that we made."""
        return {
            "BatchMode": "yes",
            "ConnectTimeout": "10",
            "HostKeyAlias": "shipd-vm",
            "IdentitiesOnly": "yes",
            "LogLevel": "ERROR",
            "ServerAliveInterval": "60",
            "ServerAliveCountMax": "10",
            "UserKnownHostsFile": str(self.image / "known_hosts"),
        }

    def _ssh(self, argv: Sequence[str]) -> list[str]:
        words = [word for name, value in self.ssh_options.items() for word in ("-o", f"{name}={value}")]
        key = ["-i", str(self.key), "-p", str(self.port)]
        return ["ssh", "-F", "none", *words, *key, "root@127.0.0.1", shlex.join(argv)]

    def _answers(self) -> bool:
        tried = subprocess.run(self._ssh(["true"]), capture_output=True, stdin=subprocess.DEVNULL, check=False)
        return tried.returncode == 0

    def _last_lines(self) -> str:
        logs = [path.read_text(errors="replace") for path in (self.log, self.console) if path.exists()]
        return "\n".join("".join(logs).splitlines()[-20:])

    def _end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(END_PATIENCE_S)
            self.process.kill()
            self.process.wait()
