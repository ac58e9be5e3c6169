from collections.abc import Mapping

import pytest

from sandbox import Cause, keeper
from tests.jail.running import Runner

# What the kernel does for a program at others' cost: records that no control group counts, and files that all see.

LOCK = """
import fcntl
file = open("main.py", "r+")
for number in range({calls}):
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 2 * number)
print("locked")
"""


def test_parts_of_files_can_be_locked(run: Runner) -> None:
    assert run.says(LOCK.format(calls=100)) == "locked\n"


def test_a_database_in_a_file_works(run: Runner) -> None:
    text = (
        "import sqlite3\n"
        "with sqlite3.connect('x.db') as base:\n"
        " base.execute('create table t (n)'); base.executemany('insert into t values (?)', [(n,) for n in range(99)])\n"
        "print(sqlite3.connect('x.db').execute('select count(*) from t').fetchall())\n"
    )
    assert run.says(text) == "[(99,)]\n"


def test_nobody_locks_without_end(runners: Mapping[str, Runner], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each lock is a record that the kernel keeps and no control group counts: gigabytes of them within a minute."""
    monkeypatch.setattr(keeper, "LOCK_CALLS", 50)
    run = next(iter(runners.values()))
    assert run.python(LOCK.format(calls=50)).result.exit_code == 0
    result = run.python(LOCK.format(calls=51)).result
    assert (result.cause, result.denied_syscall, result.stdout) == (Cause.SYSCALL, "fcntl", b"")


# What is observed here is on files that all jails and the host share.
WATCH = """
import ctypes, errno, fcntl, os
libc = ctypes.CDLL(None, use_errno=True)
def said(result): return errno.errorcode[ctypes.get_errno()] if result < 0 else "watches"
folder, file = os.open("/usr/bin", os.O_RDONLY), os.open("/usr/bin/true", os.O_RDONLY)
print(said(libc.inotify_init()), said(libc.inotify_init1(0)), said(libc.fcntl(folder, 1026, 1)))
print(said(libc.fcntl(file, 1024, 0)), said(libc.syscall(72, file, (1 << 32) | 1024, 0)))
"""


def test_nobody_watches_what_others_do_with_the_hosts_files(run: Runner) -> None:
    assert set(run.says(WATCH).split()) == {"ENOSYS"}
