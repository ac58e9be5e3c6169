"""No capabilities, no_new_privs, and init another user: everything may be called, and nothing may be done."""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sandbox import Command, Sandbox, SandboxConfig
from tests.jail.conftest import ROOT
from tests.jail.layers import weaken
from tests.jail.layers.attempts import CALLS, attempted, says
from tests.jail.running import MIB, limits


@pytest.fixture
def open_to_every_call(sandbox: Sandbox) -> Iterator[Sandbox]:
    """A sandbox without seccomp."""
    with weaken.no_seccomp():
        yield sandbox


def test_every_call_is_refused(open_to_every_call: Sandbox) -> None:
    said = attempted(open_to_every_call, CALLS)
    assert said["mount"] == "EPERM"
    # ENOSYS: not built into this kernel.
    assert {name: error for name, error in said.items() if error not in {"EPERM", "EACCES", "ENOSYS"}} == {}


def test_there_is_nobody_else_to_become(open_to_every_call: Sandbox) -> None:
    become = (
        "import errno, os\n"
        "for become in (os.setuid, os.setgid, os.seteuid, os.setegid, lambda n: os.setgroups([n])):\n"
        " for number in (0, 1, 65534):\n"
        "  try: become(number); print('became', become, number)\n"
        "  except OSError as e: assert e.errno in (errno.EPERM, errno.EINVAL), e\n"
    )
    assert says(open_to_every_call, become) == ""


SETUID_AND_SETGID = stat.S_ISUID | stat.S_ISGID | 0o755

NAMESPACE = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
def tried(result): return "done" if result >= 0 else errno.errorcode[ctypes.get_errno()]
"""


def test_no_namespace_but_a_users_own_is_made(open_to_every_call: Sandbox) -> None:
    flags = (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x20000000, 0x40000000)
    text = f"{NAMESPACE}print({{tried(libc.unshare(flag)) for flag in {flags}}})"
    assert says(open_to_every_call, text) == "{'EPERM'}\n"


# Seccomp alone keeps a program from having a user namespace; but all that it is given there is over what is its own.
OWN_NAMESPACE = f"""{NAMESPACE}
outer = os.getuid()
if libc.unshare(0x10000000 | 0x20000 | 0x40000000) < 0:
    raise SystemExit(0)  # this host lets nobody
try: open("/proc/self/uid_map", "w").write(f"0 0 1")
except OSError as error: assert error.errno in (errno.EPERM, errno.EROFS), error
remount, bind, read_only = 32, 4096, 1
assert tried(libc.mount(None, b"/usr", None, remount | bind, None)) == "EPERM", "made /usr writable"
assert tried(libc.umount2(b"/usr/local", 2)) in ("EINVAL", "EPERM"), "uncovered /usr/local"
assert tried(libc.mknod(b"/box/node", 0o20666, 0x101)) == "EPERM", "made a device"
for path in ("/usr/made", "/etc/made", "/made"):
    try: open(path, "w"); raise SystemExit(f"wrote {{path}}")
    except OSError as error: assert error.errno == errno.EROFS, error
import socket
try: socket.create_connection(("127.0.0.1", 22), 2); raise SystemExit("connected")
except OSError as error: assert error.errno in (errno.ENETUNREACH, errno.ECONNREFUSED), error
"""


def test_a_user_namespace_of_its_own_opens_nothing(open_to_every_call: Sandbox) -> None:
    assert says(open_to_every_call, OWN_NAMESPACE) == ""


def who_it_becomes(sandbox: Sandbox, program: Path) -> bytes:
    """Run a setuid and setgid program, and give its real and effective ids.

    Its owner is init's user, who is root inside; an ordinary user has nobody but itself to own it.
    """
    with sandbox.slot() as slot, sandbox.jail(slot, limits(), 16 * MIB) as jail:
        jail.box.write("who", program.read_bytes(), 0o755)
        if slot.init_uid is not None:
            os.chown("who", slot.init_uid, slot.init_uid, dir_fd=jail.box.folder)
        os.chmod("who", SETUID_AND_SETGID, dir_fd=jail.box.folder)
        result = jail.run(Command(("./who", "who"), "strict"), limits())
    assert result.exit_code == 0
    return result.stdout


def test_a_setuid_program_gains_nothing(config: SandboxConfig, tmp_path: Path, programs: Mapping[str, Path]) -> None:
    """No_new_privs alone: no filter, and no mount is nosuid."""
    sandbox = weaken.with_nsjail(config, tmp_path, {"nosuid: true": "nosuid: false"})
    with weaken.no_seccomp():
        assert who_it_becomes(sandbox, programs["calls"]) == b"1000 1000 1000 1000\n"


@pytest.mark.parametrize("nosuid", [True, False])
def test_a_setuid_program_gains_nothing_by_its_mount(
    config: SandboxConfig, tmp_path: Path, programs: Mapping[str, Path], nosuid: bool
) -> None:
    """Nosuid alone: nobody sets no_new_privs, and there is no filter. Without nosuid it would be root inside."""
    edits = {**weaken.NO_NEW_PRIVILEGES_LEFT_OUT, **weaken.NO_FILTER_INSTALLED}
    suid = {} if nosuid else {"nosuid: true": "nosuid: false"}
    sandbox = weaken.with_init(config, tmp_path, edits, [weaken.NOTHING_ABOUT_PRIVILEGES], suid)
    with weaken.nobody_looks():
        became = who_it_becomes(sandbox, programs["calls"])
    gained = ROOT and not nosuid
    assert became == (b"1000 0 1000 0\n" if gained else b"1000 1000 1000 1000\n")
