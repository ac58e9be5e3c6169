import json

import pytest

from tests.jail.running import Runner

# What one run may leave, and how the next one in the same slot, under the same uid, would find it.

LIBC = "import ctypes, fcntl, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"

DAEMON = "if os.fork() == 0:\n os.setsid(); __import__('signal').pause()"
SERVE = (
    "import socket; s = socket.socket(socket.AF_UNIX); s.bind('\\0left'); s.listen()\n"
    "t = socket.create_server(('127.0.0.1', 4321)); c = socket.create_connection(t.getsockname()); c.close()"
)

LEFT = {
    "files": (
        "for f in ('/box/left', '/tmp/left', '/dev/shm/left'): open(f, 'w').close()",
        "print([f for f in ('/box/left', '/tmp/left', '/dev/shm/left') if os.path.exists(f)])",
    ),
    "shared memory": (
        "assert libc.shmget(0x5311, 4096, 0o1666) >= 0",
        "print([i for i in [libc.shmget(0x5311, 4096, 0)] if i >= 0] + open('/proc/sysvipc/shm').readlines()[1:])",
    ),
    "semaphores": (
        "assert libc.semget(0x5311, 1, 0o1666) >= 0",
        "print([i for i in [libc.semget(0x5311, 1, 0)] if i >= 0])",
    ),
    "message queue": (
        "assert libc.msgget(0x5311, 0o1666) >= 0",
        "print([i for i in [libc.msgget(0x5311, 0)] if i >= 0])",
    ),
    "POSIX message queue": (
        "assert libc.mq_open(b'/left', 0o102, 0o666, None) >= 0",
        "print([i for i in [libc.mq_open(b'/left', 0)] if i >= 0])",
    ),
    "file lock": (
        f"f = open('/usr/bin/true'); fcntl.flock(f, fcntl.LOCK_EX)\n{DAEMON}",
        "f = open('/usr/bin/true'); fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB); print([])",
    ),
    "process": (
        DAEMON,
        "print([p for p in os.listdir('/proc') if p.isdigit() and int(p) > 2])",
    ),
    "keys": ("pass", "print([k for k in open('/proc/keys') if '_ses: empty' not in k])"),
    "socket": (
        SERVE,
        "print([l for n in ('unix', 'tcp') for l in open(f'/proc/net/{n}').readlines()[1:]])",
    ),
}


@pytest.mark.parametrize(("leave", "find"), LEFT.values(), ids=LEFT.keys())
def test_nothing_of_a_run_is_there_for_the_next(run: Runner, leave: str, find: str) -> None:
    assert run.says(LIBC + leave) == ""
    assert json.loads(run.says(LIBC + find).replace("'", '"')) == []


@pytest.mark.parametrize("device", ["null", "zero", "full", "random", "urandom"])
def test_a_device_keeps_nothing_for_the_next(run: Runner, device: str) -> None:
    """Who may write to a device node may set its times, and the nodes are the host's."""
    assert run.says(
        f"import errno, os\n"
        f"for path in ('/dev/{device}', os.open('/dev/{device}', os.O_WRONLY)):\n"
        f" try: os.utime(path)\n"
        f" except OSError as error: print(errno.errorcode[error.errno])"
    ).split() == ["EROFS", "EROFS"]


def test_limits_that_a_program_lowered_are_its_own(run: Runner) -> None:
    run.says("import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16)); import os; os.nice(19)")
    said = run.says("import os, resource; print(resource.getrlimit(resource.RLIMIT_NOFILE)[1], os.nice(0))")
    assert said == "1024 0\n"
