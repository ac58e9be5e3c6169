import pytest

from sandbox import Cause
from tests.jail.running import KIB, MIB, Runner

CAP = 100 * KIB


@pytest.mark.parametrize(("stream", "cause"), [(1, Cause.STDOUT), (2, Cause.STDERR)])
def test_exactly_the_limit_passes_and_one_byte_more_does_not(run: Runner, stream: int, cause: Cause) -> None:
    full = run.program("output", "bytes", stream, CAP, output_bytes=CAP)
    over = run.program("output", "bytes", stream, CAP + 1, output_bytes=CAP)
    assert (full.cause, full.exit_code) == (Cause.EXIT, 0)
    assert over.cause is cause
    for result in (full, over):
        assert (result.stdout, result.stderr)[stream - 1] == b"x" * CAP


@pytest.mark.parametrize(("stream", "cause"), [(1, Cause.STDOUT), (2, Cause.STDERR)])
def test_endless_output_is_ended_at_once(run: Runner, stream: int, cause: Cause) -> None:
    result = run.program("output", "endless", stream, output_bytes=CAP)
    assert (result.cause, result.exit_signal) == (cause, 9)
    assert len(result.stdout) + len(result.stderr) == CAP
    assert result.wall_time_us < 10_000_000  # not by the wall limit of twice that


@pytest.mark.parametrize("size", [65_536, 65_537, 150_000, MIB])
def test_more_than_a_pipe_holds_comes_through(run: Runner, size: int) -> None:
    result = run.program("output", "bytes", 1, size, output_bytes=MIB)
    assert (result.cause, len(result.stdout)) == (Cause.EXIT, size)


def test_both_streams_in_turn(run: Runner) -> None:
    result = run.program("output", "alternate", 300_000, output_bytes=MIB)
    assert (result.cause, result.stdout, result.stderr) == (Cause.EXIT, b"x" * 300_000, b"x" * 300_000)


def test_both_streams_in_turn_past_the_limit(run: Runner) -> None:
    result = run.program("output", "alternate", 300_000, output_bytes=CAP)
    assert result.cause in {Cause.STDOUT, Cause.STDERR}
    assert max(len(result.stdout), len(result.stderr)) == CAP


TRICKLE = """
import fcntl, os
fcntl.fcntl(1, fcntl.F_SETFL, os.O_WRONLY | os.O_DIRECT)  # a packet for each write
fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 20)
while True: os.write(1, b'x')
"""


def test_one_who_never_stops_writing_a_little_is_ended_in_time(run: Runner) -> None:
    """Up to three attempts: a machine that stalls may delay the keeper, but not each time."""

    def took_us() -> int:
        result = run.python(TRICKLE, wall_time_ms=1000, cpu_time_ms=10_000, output_bytes=64 * MIB).result
        assert result.cause is Cause.WALL
        return result.wall_time_us

    assert any(took_us() < 2_000_000 for _ in range(3))


def test_a_program_may_close_its_streams(run: Runner) -> None:
    result = run.program("output", "close", stdin=b"x" * MIB)
    assert (result.cause, result.exit_code, result.stdout) == (Cause.EXIT, 0, b"")


@pytest.mark.parametrize(
    ("path", "stream"),
    [
        ("/proc/self/fd/1", 0),
        ("/dev/stdout", 0),
        ("/dev/fd/1", 0),
        ("/proc/self/fd/2", 1),
        ("/dev/stderr", 1),
    ],
)
def test_streams_can_be_opened_by_name(run: Runner, path: str, stream: int) -> None:
    full = run.program("output", "to", path, CAP, output_bytes=CAP)
    over = run.program("output", "to", path, CAP + 1, output_bytes=CAP)
    assert (full.cause, (full.stdout, full.stderr)[stream]) == (Cause.EXIT, b"x" * CAP)
    assert over.cause is (Cause.STDOUT, Cause.STDERR)[stream]


def test_output_after_the_end_is_lost_and_output_before_it_is_not(run: Runner) -> None:
    text = (
        "import os, time\n"
        "if os.fork():\n os.write(1, b'first'); os._exit(0)\n"
        # At a pace that reaches no limit of output before the end is seen.
        "while True: os.write(2, b'late'); time.sleep(0.001)"
    )
    result = run.python(text).result
    assert (result.exit_code, result.stdout) == (0, b"first")


def test_output_of_children_counts(run: Runner) -> None:
    text = (
        f"import os\nfor _ in range(4):\n if os.fork() == 0: os.write(1, b'x' * {CAP // 4}); os._exit(0)\n os.wait()\n"
    )
    assert run.python(text, output_bytes=CAP).result.stdout == b"x" * CAP
    assert run.python(f"{text}os.write(1, b'x')", output_bytes=CAP).result.cause is Cause.STDOUT
