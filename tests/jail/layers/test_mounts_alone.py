"""The mounts, with seccomp switched off and, where that makes sense, for a program that is root inside."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import Command, Sandbox, SandboxConfig
from tests.jail.layers import weaken
from tests.jail.layers.attempts import says
from tests.jail.running import MIB, PYTHON, limits

WRITE = """
import errno, os
for path in {paths}:
    for act in (lambda: os.open(path, os.O_WRONLY), lambda: os.truncate(path, 0), lambda: os.unlink(path),
                lambda: os.rename(path, path + '.x'), lambda: os.chmod(path, 0o777), lambda: os.utime(path),
                lambda: os.link(path, path + '.x')):
        try: act(); print("changed", path)
        except OSError as error: print(errno.errorcode[error.errno])
"""


@pytest.fixture
def shown() -> Iterator[Path]:
    """A folder of the host that everybody may enter and write; not below /tmp, which is the jail's own inside."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="shipd-test-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


def test_what_everybody_might_write_cannot_be_written(sandbox: Sandbox, shown: Path) -> None:
    """A file that its mode leaves open, in a folder of the host that is shown: only the mount protects it."""
    (shown / "open").write_text("host's")
    (shown / "open").chmod(0o666)
    text = WRITE.format(paths=[str(shown / "open")])
    with weaken.no_seccomp(), sandbox.slot() as slot, sandbox.jail(slot, limits(), MIB, [str(shown)]) as jail:
        result = jail.run(Command((PYTHON, "-c", text), "python"), limits())
    assert (result.exit_code, result.stderr) == (0, b"")
    assert set(result.stdout.decode().split()) == {"EROFS"}
    assert [(path.name, path.read_text()) for path in shown.iterdir()] == [("open", "host's")]


def test_root_of_the_jail_writes_no_system_folder(config: SandboxConfig, tmp_path: Path) -> None:
    paths = ["/usr/bin/true", "/usr/lib", "/etc/passwd", "/etc/ld.so.cache", "/etc/alternatives", "/bin", "/dev/fd"]
    sandbox = weaken.almighty(config, tmp_path)
    with weaken.no_seccomp(), weaken.nobody_looks():
        said = says(sandbox, WRITE.format(paths=paths)).split()
        made = says(
            sandbox,
            "import errno\n"
            "for path in ('/x', '/usr/x', '/usr/local/x', '/etc/x', '/dev/x', '/proc/x', '/proc/sys/kernel/hostname',\n"
            "             '/proc/sysrq-trigger', '/proc/self/oom_score_adj'):\n"
            " try: open(path, 'w').write('1'); print('wrote', path)\n"
            " except OSError as error: print(errno.errorcode[error.errno])\n",
        ).split()
    assert set(said) <= {"EROFS", "EPERM", "EBUSY", "EISDIR", "ELOOP", "EINVAL", "ENOTSUP", "EXDEV", "EACCES"}, said
    assert set(made) <= {"EROFS", "ENOENT", "EACCES", "EPERM"}, made


def test_a_device_that_everybody_might_open_cannot_be_opened(sandbox: Sandbox, shown: Path) -> None:
    """Made by whoever may, in a folder that is shown; an ordinary user makes a whiteout, which everybody may."""
    root = os.geteuid() == 0
    os.mknod(shown / "device", stat.S_IFCHR | 0o666, os.makedev(1, 3) if root else os.makedev(0, 0))
    (shown / "device").chmod(0o666)
    text = f"import sys\ntry: open({str(shown / 'device')!r}, 'rb')\nexcept OSError as error: sys.exit(error.errno)"
    with weaken.no_seccomp(), sandbox.slot() as slot, sandbox.jail(slot, limits(), MIB, [str(shown)]) as jail:
        result = jail.run(Command((PYTHON, "-c", text), "python"), limits())
    assert result.exit_code in ({errno.EACCES} if root else {errno.EACCES, errno.ENXIO})
