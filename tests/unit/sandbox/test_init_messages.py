import contextlib
import os
import resource
import socket
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.init import STEPS, Channel, Kind, Order, Report, encode, host_pid, rlimits, signal_process
from sandbox.limits import MIB, Limits
from sandbox.result import SandboxError
from tests.descriptors import open_descriptors

LIMITS = Limits(
    cpu_time_ms=1500,
    wall_time_ms=1,
    memory_bytes=64 * MIB,
    output_bytes=1,
    file_bytes=5 * MIB,
    processes=9,
    open_files=77,
)
ORDER = Order(
    uid=1000,
    drop_groups=True,
    limits=LIMITS,
    backstop_cpu_s=11,
    processes_rlimit=None,
    seccomp_filter=b"12345678" * 3,
    cwd="/box",
    argv=("./a.out", "", "\udcff"),
    environment=("A=b",),
)
NULL = Path(os.devnull)
REPORT = struct.Struct("=IiiiQQQQQQQ")


def report(kind: int, code: int = 0, status: int = 0, error: int = 0) -> bytes:
    return REPORT.pack(kind, code, status, error, 1, 2, 3, 4, 5, 6, 7)


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    """Our end of a conversation, and init's."""
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    yield channel, theirs
    channel.close()
    theirs.close()


def test_the_request_is_laid_out_as_init_reads_it() -> None:
    message = encode(ORDER)
    head = struct.unpack_from("=IIIIIIIII", message)
    assert head == (len(message) - 36, 1000, 1000, 1, len(rlimits(LIMITS, backstop_cpu_s=11)), 3, 3, 1, 0)
    offset = 36
    pairs = [struct.unpack_from("=QQ", message, offset + 16 * index) for index in range(head[4])]
    assert pairs == rlimits(LIMITS, backstop_cpu_s=11)
    offset += 16 * head[4]
    assert message[offset : offset + 24] == ORDER.seccomp_filter
    assert message[offset + 24 :] == b"/box\0./a.out\0\0\xff\0A=b\0"


@pytest.mark.parametrize("change", [{"argv": ("a\0b",)}, {"environment": ("A=\0",)}, {"cwd": "/\0"}])
def test_a_nul_cannot_be_passed_on(change: dict[str, str]) -> None:
    with pytest.raises(SandboxError, match="NUL"):
        encode(replace(ORDER, **change))  # type: ignore[arg-type] # one field or another


def test_limits_become_resource_limits() -> None:
    table = dict(rlimits(LIMITS, backstop_cpu_s=11))
    assert table[resource.RLIMIT_CPU] == 11
    assert table[resource.RLIMIT_FSIZE] == 5 * MIB
    assert table[resource.RLIMIT_NOFILE] == 77
    assert table[resource.RLIMIT_STACK] == table[resource.RLIMIT_MEMLOCK] == 64 * MIB
    assert table[resource.RLIMIT_RTPRIO] == 0
    assert table[resource.RLIMIT_CORE] == 1
    assert resource.RLIMIT_NPROC not in table
    assert resource.RLIMIT_AS not in table


def test_processes_are_an_rlimit_where_no_cgroup_counts_them() -> None:
    plain, counted = encode(ORDER), encode(replace(ORDER, processes_rlimit=9))
    assert struct.pack("=QQ", resource.RLIMIT_NPROC, 9) in counted
    assert len(counted) == len(plain) + 16


@pytest.mark.parametrize(("code", "exit_code", "exit_signal"), [(1, 5, None), (2, None, 5), (3, None, 5)])
def test_a_report_tells_an_exit_from_a_signal(code: int, exit_code: int | None, exit_signal: int | None) -> None:
    told = Report(Kind.ENDED, code, 5, 0, 0, 0, 0, 0, 0, 0, 0)
    assert (told.exit_code, told.exit_signal) == (exit_code, exit_signal)


def test_a_report_comes_with_its_descriptors(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    with NULL.open() as first, NULL.open() as second:
        socket.send_fds(theirs, [report(Kind.READY)], [first.fileno(), second.fileno()])
    got = channel.expect(Kind.READY, 1)
    assert (got.user_us, got.involuntary_switches) == (1, 7)
    assert len(got.descriptors) == 2
    for descriptor in got.descriptors:
        assert os.get_inheritable(descriptor) is False
        os.close(descriptor)


@pytest.mark.parametrize("step", range(1, len(STEPS)))
def test_a_failure_of_init_names_its_step(ends: tuple[Channel, socket.socket], step: int) -> None:
    channel, theirs = ends
    theirs.sendall(report(Kind.FAILED, code=step, error=1))
    with pytest.raises(SandboxError, match=f"init failed at {STEPS[step]}: Operation not permitted"):
        channel.receive(1)


def test_another_report_than_the_due_one_is_refused(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    before = open_descriptors()
    with NULL.open() as one:
        socket.send_fds(theirs, [report(Kind.ENDED)], [one.fileno()])
    with pytest.raises(SandboxError, match="was due"):
        channel.expect(Kind.READY, 1)
    assert open_descriptors() <= before  # what came with it is not kept open


@pytest.mark.parametrize("sent", [b"", b"short"])
def test_an_init_that_hangs_up_says_nothing(ends: tuple[Channel, socket.socket], sent: bytes) -> None:
    channel, theirs = ends
    theirs.sendall(sent)
    theirs.close()
    assert channel.receive(1) is None
    with pytest.raises(SandboxError, match="hung up"):
        channel.expect(Kind.READY, 1)


def test_a_connection_that_was_reset_is_a_hang_up(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    channel.socket.sendall(b"never read")
    theirs.close()
    assert channel.receive(1) is None


def test_an_init_that_says_nothing_is_not_waited_for_for_ever(ends: tuple[Channel, socket.socket]) -> None:
    channel, _ = ends
    with pytest.raises(SandboxError, match=r"said nothing for 0.01 s"):
        channel.receive(0.01)


def test_an_order_goes_out_whole_with_its_descriptors(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    with NULL.open() as null:
        channel.order(ORDER, (null.fileno(),) * 3, 1)
    data, descriptors, _, _ = socket.recv_fds(theirs, 1 << 16, 3)
    assert len(descriptors) == 3
    while len(data) < len(encode(ORDER)):
        data += theirs.recv(1 << 16)
    assert data == encode(ORDER)
    for descriptor in descriptors:
        os.close(descriptor)


def test_an_order_to_an_init_that_is_gone_fails(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    theirs.close()
    with NULL.open() as null, pytest.raises(SandboxError, match="init took no request"):
        channel.order(ORDER, (null.fileno(),) * 3, 1)


def test_a_byte_to_an_init_that_is_gone_is_no_error(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    assert channel.say(b"g") is True
    theirs.close()
    assert channel.say(b"b") is False


def test_a_byte_over_a_closed_channel_is_one(ends: tuple[Channel, socket.socket]) -> None:
    channel, _ = ends
    channel.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        channel.say(b"g")


@contextlib.contextmanager
def child() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with subprocess.Popen(["/usr/bin/cat"], stdin=subprocess.PIPE) as process:
        pidfd = os.pidfd_open(process.pid)
        yield process, pidfd
        os.close(pidfd)


def test_a_pidfd_tells_its_pid() -> None:
    with child() as (process, pidfd):
        assert host_pid(pidfd) == process.pid
        signal_process(pidfd, 9)


def test_a_process_that_is_gone_has_none_and_takes_no_signal() -> None:
    with child() as (process, pidfd):
        process.kill()
        process.wait()
        signal_process(pidfd, 9)
        with pytest.raises(SandboxError, match="ended before it was released"):
            host_pid(pidfd)
