"""A process of an ordinary user that makes jails.

    python -m tests.jail.ordinary_user SOCKET UID FOLDER NSJAIL [GROUP]

Started as root, it becomes that user for good before it makes anything. Starting as that user would need an
interpreter that everybody may read, which a virtual environment below /root is not. GROUP is a control group that was
delegated to the user; it is then started in that, and finds it.
"""

import ctypes
import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from sandbox import Sandbox, SandboxConfig, SandboxError
from tests.jail.running import answer

_PR_SET_DUMPABLE = 4


def become(uid: int) -> None:
    """Be this user, with no group but its own and no way back."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    # Changing the identity took away what any process may do: look at itself in /proc.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0)
    os.environ.clear()
    os.environ["PATH"] = "/usr/bin:/bin"


def main(descriptor: int, uid: int, folder: Path, nsjail: Path, group: Path | None = None) -> None:
    """Answer what comes over the socket until it is closed."""
    if group is not None:
        (group / "cgroup.procs").write_text(str(os.getpid()))
    become(uid)
    sandbox = Sandbox(
        SandboxConfig(
            instance=f"ordinary-{os.getpid()}",
            state_dir=folder / "state",
            jail_configs=folder / "jail-configs",
            cgroups="none" if group is None else "auto",
            slots=2,
            nsjail=nsjail,
        )
    )
    sandbox.check()
    with Connection(descriptor) as asked:
        asked.send((os.getresuid(), os.getgroups()))
        while True:
            try:
                ask = asked.recv()
            except EOFError:
                return
            try:
                asked.send(answer(sandbox, ask))
            except SandboxError as error:
                asked.send(error)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *map(Path, sys.argv[3:]))
