"""Read back from the kernel that a program is confined, before it may do anything: fail closed."""

import re

from sandbox.kernel_files import read
from sandbox.network import Link
from sandbox.network.namespace import identity
from sandbox.result import SandboxError
from sandbox.slots import Slot

_LINES = re.compile(r"^(Uid|Gid|Groups|NoNewPrivs|Seccomp|Cap\w+):(.*)$", re.MULTILINE)
_NO_CAPABILITIES = ["0000000000000000"]


def verify(pid: int, slot: Slot, link: Link | None = None) -> None:
    """Look at identity, capabilities, no_new_privs, filter and network. Raises SandboxError naming what is wrong."""
    wrong = differences(read(f"/proc/{pid}/status"), slot)
    if wrong:
        raise SandboxError(f"the program is not confined as it must be: {wrong}")
    found = identity(pid)
    if found == identity() or (link is not None and found != link.identity):
        raise SandboxError("the program is not in the network namespace that it must be in")


def differences(status: str, slot: Slot) -> dict[str, list[str] | None]:
    """Compare the text of /proc/PID/status with what it must say (pure); gives what says otherwise."""
    found = {name: value.split() for name, value in _LINES.findall(status)}
    identity = [str(slot.program_uid)] * 4
    wanted = {"Uid": identity, "NoNewPrivs": ["1"], "Seccomp": ["2"]}
    wanted |= dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), _NO_CAPABILITIES)
    if slot.init_uid is not None:  # an ordinary user's groups cannot be dropped: setgroups is denied to them
        wanted |= {"Gid": identity, "Groups": []}
    return {name: found.get(name) for name, value in wanted.items() if found.get(name) != value}
