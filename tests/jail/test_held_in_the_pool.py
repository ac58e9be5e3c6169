"""Runtimes that stand held: which runs are served by them, and what becomes of them when their keeper ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain.blob_folder import FolderBlobs
from domain.model import Expectation, File
from domain.verdict import Verdict
from sandbox import PoolConfig, Sandbox, SandboxConfig, SandboxError, Slot, gate
from sandbox.kind import Kind
from sandbox.pool import Pool
from sandbox.warm import WarmJail
from tests.descriptors import open_descriptors
from tests.jail.conftest import CONFIGS, TREE
from tests.jail.held_programs import Program, java, node, run_in
from tests.jail.leaks import processes
from tests.jail.running import MIB, STAND_PATIENCE_S
from tests.unit.workers.making import ONLY as CASE
from tests.unit.workers.making import planned
from tests.waiting import eventually
from workers.compile import compile_submission
from workers.run import Bench, run_test_case
from workers.stopwatch import Stopwatch

ONE = node("console.log(1)")


@pytest.fixture
def sandbox(configs: dict[str, SandboxConfig]) -> Iterator[Sandbox]:
    """One with a pool of its own."""
    made = Sandbox(replace(configs["warm"], pool=PoolConfig(wait_s=STAND_PATIENCE_S)))
    made.start_pool()
    yield made
    made.stop_pool()


def pool_of(sandbox: Sandbox) -> Pool:
    assert sandbox.pool is not None
    return sandbox.pool


def asked(sandbox: Sandbox, slot: Slot, program: Program = ONE) -> str | None:
    """Run it, and say where its runtime was held."""
    with sandbox.jail(slot, program.limits, 16 * MIB, program.mounts, command=program.command) as jail:
        for path, content in program.files.items():
            jail.box.write(path, content)
        result = jail.run(program.command, program.limits)
        assert (result.exit_code, result.stdout) == (0, b"1\n")
        return jail.kind.held_at if isinstance(jail, WarmJail) else None


def shelves(sandbox: Sandbox) -> list[str | None]:
    return [shelf.kind.held_at for shelf in pool_of(sandbox)._rack.shelves]


def test_it_is_started_for_what_is_asked_for_again(sandbox: Sandbox) -> None:
    with sandbox.slot() as slot:
        assert asked(sandbox, slot) is None
        assert shelves(sandbox) == [None]  # what was asked for once may never be again
        asked(sandbox, slot)
        assert "main.js" in shelves(sandbox)
        assert pool_of(sandbox).warm(slot, ONE.kind, STAND_PATIENCE_S)
        assert asked(sandbox, slot) == "main.js"


@pytest.mark.parametrize(
    "other",
    [
        ONE.limited(memory_bytes=128 * MIB),
        ONE.limited(processes=20),
        ONE.limited(cpu_millicores=500),
        replace(ONE, command=replace(ONE.command, argv=(*ONE.command.argv, "argument"))),
        replace(ONE, command=replace(ONE.command, env={"UV_THREADPOOL_SIZE": "2"})),
        replace(ONE, command=replace(ONE.command, held_at=None)),
        replace(ONE, mounts=("/etc/alternatives",)),
        node("console.log(1)", "other.js"),
    ],
    ids=["memory", "processes", "cpu", "arguments", "environment", "plain", "mounts", "file"],
)
def test_it_serves_nothing_but_what_it_was_started_for(sandbox: Sandbox, other: Program) -> None:
    with sandbox.slot() as slot:
        assert pool_of(sandbox).warm(slot, ONE.kind, STAND_PATIENCE_S)
        assert other.kind != ONE.kind
        assert asked(sandbox, slot, other) is None


def test_other_times_and_outputs_are_served_by_the_same() -> None:
    other = ONE.limited(cpu_time_ms=1, wall_time_ms=2, output_bytes=3, file_bytes=4)
    assert other.kind == ONE.kind


def test_without_permission_events_it_is_executed(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "able", lambda: False)
    with sandbox.slot() as slot:
        assert [asked(sandbox, slot) for _ in range(3)] == [None] * 3
    assert set(shelves(sandbox)) == {None}


FAILING = {
    "node": replace(ONE, command=replace(ONE.command, argv=("/usr/bin/node", "--no-such-option", "./main.js"))),
    "java": java("hello").limited(processes=2),  # a JVM has threads of its own
}


@pytest.mark.parametrize("language", FAILING)
def test_a_runtime_that_does_not_come_up_is_executed(sandbox: Sandbox, language: str) -> None:
    program = FAILING[language]
    with sandbox.slot() as slot:
        assert not pool_of(sandbox).warm(slot, program.kind, 0.1)
        eventually(lambda: pool_of(sandbox).stats.broken == 1)
        plain = run_in(sandbox, slot, program, held=False)
        with sandbox.jail(slot, program.limits, MIB, program.mounts, command=program.command) as jail:
            for path, content in program.files.items():
                jail.box.write(path, content)
            other = jail.run(program.command, program.limits)
    assert plain.cause is other.cause
    assert (plain.exit_code, plain.exit_signal) == (other.exit_code, other.exit_signal) != (0, None)


@pytest.mark.parametrize("limits", [{"memory_bytes": 63 * MIB}, {"cpu_millicores": 999}])
def test_one_that_would_be_long_in_coming_is_executed(sandbox: Sandbox, limits: dict[str, int]) -> None:
    small = ONE.limited(**limits)
    with sandbox.slot() as slot:
        assert [asked(sandbox, slot, small) for _ in range(3)] == [None] * 3
    assert set(shelves(sandbox)) == {None}


def test_a_pool_without_room_for_one_starts_none(configs: dict[str, SandboxConfig]) -> None:
    made = Sandbox(replace(configs["warm"], pool=PoolConfig(memory_bytes=16 * MIB)))
    made.start_pool()
    with made.slot() as slot:
        assert [asked(made, slot) for _ in range(3)] == [None] * 3
    assert set(shelves(made)) == {None}
    made.stop_pool()


def test_nothing_is_let_in_to_an_empty_file(sandbox: Sandbox) -> None:
    with sandbox.slot() as slot:
        assert pool_of(sandbox).warm(slot, ONE.kind, STAND_PATIENCE_S)
        jailed = sandbox.jail(slot, ONE.limits, MIB, command=ONE.command)
        with jailed as jail, pytest.raises(SandboxError, match=r"nothing was written to main\.js"):
            jail.run(ONE.command, ONE.limits)
        assert pool_of(sandbox).warm(slot, ONE.kind, STAND_PATIENCE_S)
        assert asked(sandbox, slot) == "main.js"


def test_one_that_was_not_used_leaves_nothing(sandbox: Sandbox) -> None:
    with sandbox.slot() as slot:
        asked(sandbox, slot)
        pool_of(sandbox).clear()
        before = open_descriptors()
        assert pool_of(sandbox).warm(slot, ONE.kind, STAND_PATIENCE_S)
        assert not open_descriptors() <= before
        pool_of(sandbox).clear()
        assert open_descriptors() <= before


def test_one_that_ended_while_it_was_held_is_replaced(sandbox: Sandbox) -> None:
    with sandbox.slot() as slot:
        assert pool_of(sandbox).warm(slot, ONE.kind, STAND_PATIENCE_S)
        [shelf] = pool_of(sandbox)._rack.shelves
        assert shelf.ready is not None
        os.kill(shelf.ready.standing.pid, signal.SIGKILL)
        eventually(lambda: shelf.ready is None or not shelf.ready.alive)
        assert asked(sandbox, slot) == "main.js"


def test_a_series_has_jails_that_execute(sandbox: Sandbox) -> None:
    with sandbox.slot() as slot:
        outer = replace(Kind.of(ONE.command, ()), launcher=True)
        assert pool_of(sandbox).warm(slot, outer, STAND_PATIENCE_S)
        with (
            sandbox.series(slot, ONE.command) as jails,
            jails.jail(slot, ONE.limits, 16 * MIB, command=ONE.command) as jail,
        ):
            jail.box.write("main.js", b"console.log(1)")
            assert jail.run(ONE.command, ONE.limits).mode == "inner"


GRADED = [
    ("javascript", File("main.js", b"console.log(1)"), True),
    ("javascript", File("main.js", b"console.log(performance.now() < 60000 ? 1 : 2)"), False),
    (
        "java",
        File("Main.java", b'class Main { public static void main(String[] a) { System.out.println("1"); } }'),
        True,
    ),
]


@pytest.mark.parametrize(("language", "source", "held"), GRADED)
def test_workers_ask_for_what_suits(
    sandbox: Sandbox, tmp_path: Path, language: str, source: File, *, held: bool
) -> None:
    made = planned(language, (source,))
    with sandbox.slot() as slot:
        compiled = compile_submission(sandbox, slot, made)
        bench = Bench(sandbox, slot, made, compiled, FolderBlobs(tmp_path), Stopwatch(None))
        for _ in range(3):
            result = run_test_case(bench, replace(CASE, expected=Expectation(b"1\n")))
            assert result.verdict is Verdict.AC
        assert any(kind is not None for kind in shelves(sandbox)) is held


KEEPER = """
import sys
from pathlib import Path
from sandbox import PoolConfig, Sandbox, SandboxConfig
from tests.jail.held_programs import node

sandbox = Sandbox(SandboxConfig(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), slots=1, pool=PoolConfig()))
sandbox.start_pool()
program = node("console.log(1)")
with sandbox.slot() as slot:
    assert sandbox.pool.warm(slot, program.kind, 30)
    with sandbox.jail(slot, program.limits, 1 << 20, command=program.command) as jail:
        jail.box.write("main.js", b"console.log(1)")
        print(jail.standing.pid, flush=True)
        sys.stdin.read()
"""


def test_none_outlives_its_keeper(configs: dict[str, SandboxConfig], tmp_path: Path) -> None:
    own = replace(configs["warm"], state_dir=tmp_path / "state", instance=f"{configs['warm'].instance}-killed")
    argv = [sys.executable, "-c", KEEPER, own.instance, str(own.state_dir), str(CONFIGS)]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=TREE, env={**os.environ, "PYTHONPATH": "."}
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert "/usr/bin/node" in Path(f"/proc/{pid}/cmdline").read_text()
        assert processes((own.state_dir,))
        process.send_signal(signal.SIGKILL)
    eventually(lambda: not processes((own.state_dir,)) and not Path(f"/proc/{pid}").exists())
    with Sandbox(replace(own, pool=None)).slot():  # who comes next removes what is left
        pass
    Sandbox(own).forget()
