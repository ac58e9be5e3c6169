import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox import Command
from tests.jail.conftest import as_ordinary_user, ask_over
from tests.jail.running import PYTHON, Answer, Ask, limits

# Two jails of one ordinary user have one host uid, and share what the kernel counts for each user.

# As many descriptors in flight over sockets as its limit of open files allows, and nobody takes them out.
IN_FLIGHT = """
import array, errno, socket, sys
held = []
try:
    while True:
        pair = socket.socketpair(); held += pair
        pair[0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0] * 200))])
except OSError as error:
    assert error.errno == errno.ETOOMANYREFS, error
print("full", flush=True)
sys.stdin.read()
import signal; signal.pause()
"""
HELLO = Ask(Command((PYTHON, "-c", "print('ran')"), "python"), limits())


@contextmanager
def few_open_files(count: int) -> Iterator[None]:
    """Have what is started meanwhile begin with the limit that most hosts give."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_descriptors_in_flight_keep_no_other_jail_from_starting(ordinary_folder: Path) -> None:
    held: list[Answer] = []
    hold = Ask(Command((PYTHON, "-c", IN_FLIGHT), "python"), limits(wall_time_ms=5000))
    with (
        few_open_files(1024),
        as_ordinary_user(ordinary_folder) as (_, first),
        as_ordinary_user(ordinary_folder) as (_, second),
    ):
        thread = threading.Thread(target=lambda: held.append(ask_over(first, hold)))
        thread.start()
        said = []
        while thread.is_alive():
            said.append(ask_over(second, HELLO).result.stdout)
        thread.join()
    assert held[0].result.stdout == b"full\n"
    assert set(said) == {b"ran\n"}
