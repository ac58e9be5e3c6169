"""A run that is listened to, and talked with, in each way that jails are made; it ends as if nobody were there."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace

import pytest

from sandbox import Cause, Command
from tests.jail.conftest import LOCAL_MODES, WARM_MODES
from tests.jail.running import KIB, MIB, PYTHON, Ask, Runner, limits
from tests.jail.talking import Talk, conversation

LINES = [b"one\n", b"two\n", "drei\u20ac\n".encode()]
PYTHON_TYPED = """
print("?", flush=True)
while True:
    try:
        line = input()
    except EOFError:
        break
    print("got", line, flush=True)
"""


@pytest.fixture(params=(*WARM_MODES, *LOCAL_MODES))
def run(request: pytest.FixtureRequest, runners: Mapping[str, Runner]) -> Runner:
    """Run in each way that this process can: who listens is in it."""
    return runners[request.param]


@pytest.fixture
def talk() -> Iterator[Talk]:
    with closing(Talk(LINES)) as made:
        yield made


def python(text: str, talk: Talk, **changed: int) -> Ask:
    command = Command((PYTHON, "-B", "main.py"), "python", interpreter="python", seed=1)
    files = {"main.py": (text.encode(), 0o644)}
    return Ask(command, replace(limits(), **changed), files, listener=talk.listen)


def compiled(run: Runner, how: str, talk: Talk, **changed: int) -> Ask:
    files = {"typed": (run.programs["typed"].read_bytes(), 0o755)}
    command = Command(("./typed", how), "strict")
    return Ask(command, replace(limits(), **changed), files, listener=talk.listen, taker=talk.take)


def test_what_is_written_is_heard_while_the_program_runs(run: Runner, talk: Talk) -> None:
    text = "import os, time\nfor n in range(8):\n os.write(1 + n % 2, b'%d\\n' % n); time.sleep(0.3)"
    result = run.execute(python(text, talk)).result
    assert (result.cause, result.stdout, result.stderr) == (Cause.EXIT, b"0\n2\n4\n6\n", b"1\n3\n5\n7\n")
    assert result.stdout.startswith(talk.heard["stdout"])
    assert result.stderr.startswith(talk.heard["stderr"])
    assert talk.pieces >= 3


def test_a_short_run_is_not_heard(run: Runner, talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.telling.QUIET_S", 30.0)  # every machine has it done by then
    files = {"output": (run.programs["output"].read_bytes(), 0o755)}
    command = Command(("./output", "bytes", "1", "1000"), "strict")
    result = run.execute(Ask(command, limits(), files, listener=talk.listen)).result
    assert (len(result.stdout), talk.pieces) == (1000, 0)


def test_a_flood_is_ended_as_if_nobody_listened(run: Runner, talk: Talk) -> None:
    text = "import os, time\nos.write(1, b'x'); time.sleep(0.15)\nwhile True: os.write(1, b'x' * 65536)"
    result = run.execute(python(text, talk, output_bytes=MIB)).result
    assert (result.cause, result.stdout) == (Cause.STDOUT, b"x" * MIB)
    assert result.stdout.startswith(talk.heard["stdout"])


def test_python_gets_each_line_at_once(run: Runner, talk: Talk) -> None:
    result = run.execute(replace(python(PYTHON_TYPED, talk), taker=talk.take)).result
    assert (result.cause, result.stdout) == (Cause.EXIT, conversation(LINES))


@pytest.mark.parametrize("how", ["fgets", "scanf"])
def test_c_gets_each_line_at_once(run: Runner, how: str, talk: Talk) -> None:
    result = run.execute(compiled(run, how, talk)).result
    assert (result.cause, result.exit_code, result.stdout) == (Cause.EXIT, 0, conversation(LINES))


def test_what_is_typed_comes_after_what_was_given(run: Runner, talk: Talk) -> None:
    """An order for a started interpreter among it, with arguments longer than a pipe."""
    text = (
        "import sys\nprint(len(sys.argv[1]), '?', flush=True)\n"
        "for line in sys.stdin: print('got', line, end='', flush=True)"
    )
    ask = replace(python(text, talk), taker=talk.take)
    long = replace(ask.command, stdin=b"given\n", arguments=("x" * 90 * KIB,))
    result = run.execute(replace(ask, command=long)).result
    assert result.stdout == b"92160 ?\ngot given\n" + b"".join(b"got " + line for line in LINES)


@pytest.mark.parametrize("how", ["close", "ignore"])
def test_a_program_that_does_not_read_goes_on(run: Runner, how: str, talk: Talk) -> None:
    result = run.execute(compiled(run, how, talk)).result
    assert (result.cause, result.exit_code, result.stdout) == (Cause.EXIT, 0, b"?\n")


def test_input_without_an_end_is_ended_by_the_wall(run: Runner) -> None:
    with closing(Talk()) as silent:
        ask = replace(compiled(run, "fgets", silent, wall_time_ms=5000), listener=None)
        result = run.execute(ask).result
    assert (result.cause, result.stdout) == (Cause.WALL, b"?\n")


def test_a_program_that_cannot_be_started_is_told_as_ever(run: Runner, talk: Talk) -> None:
    command = Command(("./missing",), "strict")
    result = run.execute(Ask(command, limits(), listener=talk.listen, taker=talk.take)).result
    assert result.exec_errno != 0
