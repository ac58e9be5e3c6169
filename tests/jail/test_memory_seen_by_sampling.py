import pytest

from sandbox import Cause
from tests.jail.running import MIB, Runner

# Memory that is mapped or lies in a file system of the jail: every way of counting sees it.

TAKERS = {
    "malloc": ("malloc", 300),
    "static array": ("static",),
    "file in the box": ("file", 15, "big"),
    "file in /tmp": ("file", 300, "/tmp/big"),
    "file in /dev/shm": ("file", 300, "/dev/shm/big"),
    "child": ("child", 300),
    "child of a thread": ("thread-child", 300),
    "many children": ("many", 12, 10),
}


@pytest.mark.parametrize("argv", TAKERS.values(), ids=TAKERS.keys())
def test_memory_of_every_kind_counts(run: Runner, argv: tuple[object, ...]) -> None:
    limit = 8 if argv[-1] == "big" else 64
    result = run.program("spend", *argv, memory_bytes=limit * MIB, file_bytes=1024 * MIB)
    # In a tmpfs of the limit's size writing may end with an error before the kernel or the keeper ends the program.
    assert result.cause is Cause.MEMORY or (result.exit_code == 92 and "/" in str(argv[-1]))
    assert result.memory_bytes is not None
    assert result.memory_bytes > 0.9 * limit * MIB


def test_memory_within_the_limit_passes(run: Runner) -> None:
    result = run.program("spend", "malloc", 40, memory_bytes=64 * MIB)
    assert (result.cause, result.exit_code) == (Cause.EXIT, 0)
    assert result.memory_bytes is not None
    assert 40 * MIB <= result.memory_bytes <= 64 * MIB


def test_mapped_files_do_not_count_twice(run: Runner) -> None:
    mapped = (
        "import mmap\n"
        "with open('/dev/shm/x', 'w+b') as f:\n"
        f" f.truncate({40 * MIB})\n"
        " m = mmap.mmap(f.fileno(), 0)\n"
        f" for i in range(0, {40 * MIB}, 4096): m[i] = 1\n"
    )
    result = run.python(mapped, memory_bytes=64 * MIB).result
    assert (result.cause, result.exit_code, result.stderr) == (Cause.EXIT, 0, b"")


def test_memory_shared_by_children_does_not_count_for_each(run: Runner) -> None:
    shared = (
        "import os, time\n"
        f"data = b'x' * {30 * MIB}\n"
        "reader, writer = os.pipe()\n"
        "for _ in range(4):\n"
        " if os.fork() == 0: os.close(writer); os.read(reader, 1); os._exit(0)\n"
        "time.sleep(0.1)\n"
        "os.close(writer)\n"
        "for _ in range(4): os.wait()\n"
    )
    result = run.python(shared, memory_bytes=80 * MIB).result
    assert (result.cause, result.exit_code, result.stderr) == (Cause.EXIT, 0, b"")


def test_a_limit_too_small_to_start_with_is_no_failure_of_ours(run: Runner) -> None:
    """How much an interpreter takes depends on whose its pages in the page cache are already."""
    result = run.python("print(1)", memory_bytes=4 * MIB).result
    assert result.cause in {Cause.MEMORY, Cause.EXIT}
