import hashlib
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import Cause
from tests.jail.running import MIB, Runner
from tests.properties import WITH_FIXTURES

ANY_BYTES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b"\x00", b"\xff\xfe", b"a\r\nb\r\n", b"\xef\xbb\xbfx", "ü".encode() * 40_000, b"\n" * 65_537]),
    st.integers(65_530, 65_545).map(lambda size: b"\xe2\x82\xac" * (size // 3) + b"\x80" * (size % 3)),
)


@settings(WITH_FIXTURES, max_examples=12)
@given(data=ANY_BYTES)
def test_any_bytes_go_in_and_come_out_the_same(runners: Mapping[str, Runner], data: bytes) -> None:
    for run in runners.values():
        result = run.program("output", "cat", stdin=data, output_bytes=MIB)
        assert (result.cause, result.exit_code) == (Cause.EXIT, 0)
        assert result.stdout == data


@pytest.mark.parametrize("path", ["/dev/stdin", "/proc/self/fd/0", "/dev/fd/0"])
def test_input_can_be_opened_by_name(run: Runner, path: str) -> None:
    result = run.program("output", "cat-file", path, stdin=b"x" * 100_000, output_bytes=MIB)
    assert (result.exit_code, result.stdout) == (0, b"x" * 100_000)


def test_no_input_is_an_end_of_file(run: Runner) -> None:
    assert run.says("import sys; print(repr(sys.stdin.read()))") == "''\n"


def test_a_lot_of_input_that_nobody_reads_is_no_error(run: Runner) -> None:
    result = run.program("end", "exit", 0, stdin=bytes(50 * MIB))
    assert (result.cause, result.exit_code) == (Cause.EXIT, 0)


def test_a_lot_of_input_is_read_whole(run: Runner) -> None:
    data = bytes(range(256)) * 20_000
    text = "import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())"
    result = run.python(text, stdin=data).result
    assert result.stdout.decode().strip() == hashlib.sha256(data).hexdigest()


def test_input_that_is_read_only_at_the_end_does_not_block_output(run: Runner) -> None:
    text = "import os, sys\nos.write(1, b'x' * 500_000)\nprint(len(sys.stdin.buffer.read()))"
    result = run.python(text, stdin=bytes(2 * MIB), output_bytes=MIB).result
    assert result.stdout == b"x" * 500_000 + b"2097152\n"


def test_a_program_that_is_ended_has_not_read_its_input(run: Runner) -> None:
    result = run.program("hostile", stdin=bytes(2 * MIB), wall_time_ms=100)
    assert result.cause is Cause.WALL
